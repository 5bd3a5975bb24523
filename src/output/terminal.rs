//! The terminal of this process.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use zeroize::Zeroizing;

use super::{At, Stream, Voice, gauge::SOON};
use crate::shell::{self, Ended};

/// What this process was started with: stdin, stdout and stderr.
#[derive(Default)]
pub(super) struct Terminal {
    bar: Mutex<Bar>,
}

/// The line below all text.
#[derive(Default)]
enum Bar {
    #[default]
    None,
    Shown(ProgressBar),
    /// Somebody types.
    Kept,
}

impl Terminal {
    fn bar(&self) -> MutexGuard<'_, Bar> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what needs the terminal for itself: nothing is drawn meanwhile.
    fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        if let Bar::Shown(bar) = std::mem::replace(&mut *self.bar(), Bar::Kept) {
            bar.finish_and_clear();
        }
        let done = work();
        *self.bar() = Bar::None;
        done
    }
}

impl Voice for Terminal {
    fn text(&self, stream: Stream, text: &str) -> io::Result<()> {
        let write = || match stream {
            Stream::Out => whole(&mut anstream::stdout(), text.as_bytes()),
            Stream::Err => whole(&mut anstream::stderr(), text.as_bytes()),
        };
        match &*self.bar() {
            Bar::Shown(bar) => bar.suspend(write),
            _ => write(),
        }
    }

    fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        let write = || whole(&mut io::stdout().lock(), bytes);
        match &*self.bar() {
            Bar::Shown(bar) => bar.suspend(write),
            _ => write(),
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
        self.alone(|| {
            let _ = whole(&mut anstream::stderr(), question.as_bytes());
            let mut answer = String::new();
            io::stdin().read_line(&mut answer).ok()?;
            Some(answer)
        })
    }

    /// It asks the terminal itself, so that stdin and stdout are free for a key.
    fn ask_secret(&self, prompt: &str) -> Option<io::Result<Zeroizing<String>>> {
        if !io::stderr().is_terminal() {
            return None;
        }
        Some(self.alone(|| rpassword::prompt_password(prompt).map(Zeroizing::new)))
    }

    fn execute(&self, dir: &Path, command: &str, is_shown: bool) -> io::Result<Ended> {
        self.alone(|| {
            shell::run(dir, command, move |said| {
                if is_shown {
                    // Nobody may be listening any more; that is no reason to stop it.
                    let _ = whole(&mut io::stderr().lock(), said);
                }
            })
        })
    }

    fn progress(&self, at: Option<&At>) {
        let mut bar = self.bar();
        match (&mut *bar, at) {
            (Bar::Kept, _) | (Bar::None, None) => {}
            (Bar::Shown(shown), None) => {
                shown.finish_and_clear();
                *bar = Bar::None;
            }
            (Bar::Shown(shown), Some(at)) => {
                let is_other = shown.prefix() != at.phase.name();
                if is_other {
                    // The time that is left is guessed from this phase alone.
                    shown.finish_and_clear();
                    *shown = new_bar(at);
                }
                draw(shown, at);
            }
            (Bar::None, Some(at)) => {
                let shown = new_bar(at);
                draw(&shown, at);
                *bar = Bar::Shown(shown);
            }
        }
    }
}

/// A bar for the phase of `at`: without colours, whatever `NO_COLOR` says.
fn new_bar(at: &At) -> ProgressBar {
    let template = match at.total {
        Some(_) => "{spinner} {msg} [{bar:24}] {eta} left",
        None => "{spinner} {msg} ({elapsed})",
    };
    let bar = ProgressBar::with_draw_target(at.total, ProgressDrawTarget::stderr());
    // Without a style of ours it has one of its own.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(at.phase.name());
    bar.with_elapsed(SOON)
}

fn draw(bar: &ProgressBar, at: &At) {
    if let Some(total) = at.total {
        bar.set_length(total);
        bar.set_position(at.done);
    }
    bar.set_message(at.words());
    bar.tick();
}

fn whole(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}
