//! One voice: results on stdout, all else on stderr, colour only on a terminal.

use std::{
    io::{self, ErrorKind, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{cli::Global, error::CliError};

/// Where the output of a command goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();

/// Whether a part of the result could not be written. The command goes on nevertheless: what it does must
/// not break off half done because of a line of text.
static LOST: AtomicBool = AtomicBool::new(false);

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
        }
    }

    /// A line of the result, for people.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        if !self.json && !self.quiet {
            self.print(line.as_ref());
        }
    }

    /// A named value of the result, for people.
    pub(crate) fn field(&self, name: &str, value: impl std::fmt::Display) {
        self.say(format!("  {DIM}{name:<9}{DIM:#} {value}"));
    }

    /// The result, or an event, for programs: one line.
    pub(crate) fn json(&self, value: &Value) {
        if self.json {
            self.print(&value.to_string());
        }
    }

    /// A line to stdout, at once: a program that waits for it must not wait for a buffer.
    fn print(&self, line: &str) {
        let mut stdout = anstream::stdout();
        let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        if let Err(e) = written
            && e.kind() != ErrorKind::BrokenPipe
            && !LOST.swap(true, Ordering::Relaxed)
        {
            self.warn(format!("can't write to stdout: {e}"));
        }
    }

    /// Whether all of the result was written, or nobody wants more of it.
    pub(crate) fn is_whole(&self) -> bool {
        !LOST.load(Ordering::Relaxed)
    }

    /// A step on the way, for those who want to know.
    pub(crate) fn step(&self, line: impl AsRef<str>) {
        if self.verbose {
            eprintln!("{DIM}{}{DIM:#}", line.as_ref());
        }
    }

    /// What another program says, as it is.
    pub(crate) fn pass_on(&self, bytes: &[u8]) {
        if self.passes_on() {
            // Nobody may be listening any more; that is no reason to stop it.
            let _ = io::stderr().write_all(bytes);
        }
    }

    /// Whether what another program says is shown.
    pub(crate) fn passes_on(&self) -> bool {
        !self.quiet && !self.json
    }

    /// Something that a person should know, beside the result.
    pub(crate) fn note(&self, line: impl AsRef<str>) {
        if !self.quiet {
            eprintln!("{}", line.as_ref());
        }
    }

    /// Something that went wrong without ending the command.
    pub(crate) fn warn(&self, line: impl AsRef<str>) {
        let style = YELLOW.bold();
        eprintln!("{style}warning{style:#}: {}", line.as_ref());
    }

    /// Why the command failed.
    pub(crate) fn error(&self, error: &CliError) {
        let style = RED.bold();
        eprintln!("{style}error{style:#}: {}", error.message);
        if let Some(hint) = &error.hint {
            eprintln!("  {DIM}hint:{DIM:#} {hint}");
        }
        self.json(&json!({"error": {
            "kind": error.kind,
            "message": error.message,
            "hint": error.hint,
        }}));
    }

    /// Whether the result is for a program.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person reads the result here, line by line.
    pub(crate) fn is_terminal(&self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// Why the command would fail, if it did more than show what it would do.
    pub(crate) fn blocked(&self, error: &CliError) {
        let style = YELLOW.bold();
        eprintln!("{style}blocked{style:#}: {}", error.message);
        if let Some(hint) = &error.hint {
            eprintln!("  {DIM}hint:{DIM:#} {hint}");
        }
    }

    /// Asks a question that is answered with yes or no; `None` if there is nobody to ask.
    pub(crate) fn ask(&self, question: &str) -> Option<bool> {
        if self.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        anstream::eprint!("{BOLD}{question}{BOLD:#} [y/N] ");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
    }

    /// Asks for what a terminal must not show; `None` if there is nobody to ask. It asks the terminal
    /// itself, so that stdin and stdout are free for a key.
    pub(crate) fn ask_secret(&self, prompt: &str) -> Option<io::Result<Zeroizing<String>>> {
        if self.json || !io::stderr().is_terminal() {
            return None;
        }
        Some(rpassword::prompt_password(prompt).map(Zeroizing::new))
    }
}

/// A number of bytes, for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    if count == 1 {
        return "1 byte".to_owned();
    }
    if count < 1000 {
        return format!("{count} bytes");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match value < 9.95 {
        true => format!("{value:.1} {}", UNITS[unit]),
        false => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// A number with its noun.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (count, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 KB"),
            (12_345, "12 KB"),
            (999_600, "1.0 MB"),
            (94_000_000, "94 MB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
