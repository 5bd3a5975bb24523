//! Keeps what is said, for somebody who reads it elsewhere than in a terminal.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use zeroize::Zeroizing;

use super::{At, Output, Stream, Voice};
use crate::shell::{self, Ended};

/// What was said beside the result, a line each, without styles.
#[derive(Debug, Default)]
pub(crate) struct Gathered(Mutex<Vec<String>>);

/// So many lines are kept.
const MOST: usize = 100;

impl Output {
    /// An output that asks nobody and shows nothing, and what is said through it.
    pub(crate) fn gathered() -> (Self, Arc<Gathered>) {
        let gathered = Arc::new(Gathered::default());
        let output = Self {
            json: false,
            quiet: false,
            verbose: false,
            voice: gathered.clone(),
            lost: Arc::default(),
            gauge: None,
            watch: Arc::new(|_| {}),
        };
        (output, gathered)
    }
}

impl Gathered {
    /// Takes what was said so far.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Voice for Gathered {
    fn text(&self, stream: Stream, text: &str) -> io::Result<()> {
        if stream == Stream::Err {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let text = anstream::adapter::strip_str(text).to_string();
            let more = text.lines().map(str::trim_end).map(str::to_owned);
            lines.extend(more.filter(|line| !line.is_empty()));
            lines.truncate(MOST);
        }
        Ok(())
    }

    fn raw(&self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn is_terminal(&self, _: Stream) -> bool {
        false
    }

    fn ask(&self, _: &str) -> Option<String> {
        None
    }

    fn ask_secret(&self, _: &str) -> Option<io::Result<Zeroizing<String>>> {
        None
    }

    fn execute(&self, dir: &Path, command: &str, _: bool) -> io::Result<Ended> {
        shell::run(dir, command, |_| {})
    }

    fn progress(&self, _: Option<&At>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_beside_the_result_is_kept_plain() {
        let (out, gathered) = Output::gathered();
        out.say("the result");
        out.warn("a link leads nowhere");
        out.note("Note that.");
        out.step("a step");
        assert_eq!(out.ask("Really?"), None);
        assert_eq!(
            gathered.take(),
            ["warning: a link leads nowhere", "Note that."]
        );
        assert_eq!(gathered.take(), Vec::<String>::new());
    }
}
