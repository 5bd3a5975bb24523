//! The terminal of this process.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

use zeroize::Zeroizing;

use super::{Stream, Voice};
use crate::shell::{self, Ended};

/// What this process was started with: stdin, stdout and stderr.
pub(super) struct Terminal;

impl Voice for Terminal {
    fn text(&self, stream: Stream, text: &str) -> io::Result<()> {
        match stream {
            Stream::Out => whole(&mut anstream::stdout(), text.as_bytes()),
            Stream::Err => whole(&mut anstream::stderr(), text.as_bytes()),
        }
    }

    fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        whole(&mut io::stdout().lock(), bytes)
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

    fn execute(&self, dir: &Path, command: &str, is_shown: bool) -> io::Result<Ended> {
        shell::run(dir, command, move |said| {
            if is_shown {
                // Nobody may be listening any more; that is no reason to stop it.
                let _ = whole(&mut io::stderr().lock(), said);
            }
        })
    }
}

fn whole(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}
