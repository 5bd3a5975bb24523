//! The terminal of this process.

use std::io::{self, IsTerminal, Write};

use zeroize::Zeroizing;

use super::{Stream, Voice};

/// What this process was started with: stdin, stdout and stderr.
pub(super) struct Terminal;

impl Voice for Terminal {
    fn text(&self, stream: Stream, text: &str) -> io::Result<()> {
        match stream {
            Stream::Out => whole(&mut anstream::stdout(), text.as_bytes()),
            Stream::Err => whole(&mut anstream::stderr(), text.as_bytes()),
        }
    }

    fn raw(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Out => whole(&mut io::stdout().lock(), bytes),
            Stream::Err => whole(&mut io::stderr().lock(), bytes),
        }
    }

    fn is_terminal(&self, stream: Stream) -> bool {
        match stream {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Err => io::stderr().is_terminal(),
        }
    }

    fn ask(&self, question: &str) -> Option<String> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        let _ = self.text(Stream::Err, question);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(answer)
    }

    /// It asks the terminal itself, so that stdin and stdout are free for a key.
    fn ask_secret(&self, prompt: &str) -> Option<io::Result<Zeroizing<String>>> {
        if !io::stderr().is_terminal() {
            return None;
        }
        Some(rpassword::prompt_password(prompt).map(Zeroizing::new))
    }
}

fn whole(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}
