//! One voice: results on stdout, all else on stderr, colour only on a terminal.

mod gathered;
mod gauge;
mod schema;
mod terminal;

use std::{
    ffi::OsString,
    fmt,
    io::{self, ErrorKind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(crate) use gauge::{At, Phase, Unit, Work};
use gauge::{Gauge, Show};
pub(crate) use schema::VERSION as SCHEMA;
use skep_publisher::progress::Watch;
pub(crate) use skep_publisher::words::{bytes, count};

use crate::{
    cli::Global,
    error::{CliError, Exit},
    shell::Ended,
};

/// Says what is wrong with the arguments, or the help that they ask for: to programs too, if they say `--json`.
pub(crate) fn not_understood(error: &clap::Error, args: impl Iterator<Item = OsString>) -> Exit {
    // It goes to stdout if it was asked for, else to stderr. Nobody may be listening.
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Done;
    }
    let mut options = args.skip(1).take_while(|arg| arg != "--");
    if options.any(|arg| arg == "--json") {
        let text = error.render().to_string();
        let parts = text.split("\n\n").map(str::trim);
        let mut parts = parts.filter(|part| !part.is_empty() && !part.starts_with("Usage:"));
        let message = parts.next().unwrap_or_default();
        let hints: Vec<&str> = parts.map(|part| part.trim_start_matches("tip: ")).collect();
        let line = schema::line(&json!({"event": "error", "error": {
            "kind": "usage",
            "message": message.trim_start_matches("error: "),
            "hint": hints.join("; "),
            "place": null,
        }}));
        let _ = terminal::Terminal::default().text(Stream::Out, &format!("{line}\n"));
    }
    Exit::Usage
}

/// The two streams that a program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// Who sits at the other end of a command: the terminal of this process, or somebody for whom it works.
pub(crate) trait Voice: Send + Sync {
    /// Writes text at once. Its styles are for terminals alone.
    fn text(&self, stream: Stream, text: &str) -> io::Result<()>;

    /// Writes bytes of the result as they are, at once.
    fn raw(&self, bytes: &[u8]) -> io::Result<()>;

    /// Whether a person sees the stream.
    fn is_terminal(&self, stream: Stream) -> bool;

    /// Shows a question and reads a line; `None` if there is nobody to ask.
    fn ask(&self, question: &str) -> Option<String>;

    /// Shows a prompt and reads a line that is not shown; `None` if there is nobody to ask.
    fn ask_secret(&self, prompt: &str) -> Option<io::Result<Zeroizing<String>>>;

    /// Runs a command of another program in the folder `dir`, in the environment of whoever has asked for it.
    /// What it says goes to stderr as it is, if it `is_shown`.
    fn execute(&self, dir: &Path, command: &str, is_shown: bool) -> io::Result<Ended>;

    /// Shows on a terminal how far the work is, below all text; `None` when it is over. Colourless.
    fn progress(&self, at: Option<&At>);
}

/// Where the output of a command goes.
#[derive(Clone)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
    voice: Arc<dyn Voice>,
    /// Whether a part of the result could not be written. The command goes on nevertheless: what it does must
    /// not break off half done because of a line of text.
    lost: Arc<AtomicBool>,
    /// How far the command is, if anybody wants to know.
    gauge: Option<Arc<Gauge>>,
    /// What libraries report their progress to.
    watch: Arc<Watch>,
}

/// Shows how far a command is: a person by its voice, or a program.
struct Shower {
    json: bool,
    voice: Arc<dyn Voice>,
}

impl Show for Shower {
    fn draw(&self, at: Option<&At>) {
        self.voice.progress(at);
    }

    fn tell(&self, at: &At) {
        let line = schema::line(&json!({
            "event": "progress",
            "phase": at.phase.name(),
            "done": at.done,
            "total": at.total,
            "unit": at.unit.name(),
        }));
        // A program that is gone needs no progress; that the result is lost is said with the result.
        let _ = self.voice.text(Stream::Out, &format!("{line}\n"));
    }

    fn is_told(&self) -> bool {
        self.json
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = (self.json, self.quiet, self.verbose);
        write!(f, "Output{flags:?}")
    }
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();

impl Output {
    /// The output of a command that talks to the terminal of this process.
    pub(crate) fn new(global: &Global) -> Self {
        Self::to(global, Arc::new(terminal::Terminal::default()))
    }

    /// The output of a command that talks to `voice`.
    pub(crate) fn to(global: &Global, voice: Arc<dyn Voice>) -> Self {
        let is_seen = global.json || voice.is_terminal(Stream::Err);
        let shower = || Shower {
            json: global.json,
            voice: voice.clone(),
        };
        let gauge = (is_seen && !global.quiet).then(|| Gauge::new(Box::new(shower())));
        let reported = gauge.clone();
        let watch: Arc<Watch> = Arc::new(move |progress| {
            if let Some(gauge) = &reported {
                gauge.note(progress.into(), progress.is_over);
            }
        });
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            voice,
            lost: Arc::default(),
            gauge,
            watch,
        }
    }

    /// To what libraries report their progress.
    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Begins work that may take long. It is shown until the value is dropped.
    pub(crate) fn begin(&self, phase: Phase, total: Option<u64>, unit: Unit) -> Work {
        let work = Work {
            gauge: self.gauge.clone(),
            phase,
            unit,
            total,
            done: AtomicU64::new(0),
        };
        work.note(0, total, false);
        work
    }

    /// The command is at its end: what is shown of its progress goes away.
    pub(crate) fn end(&self) {
        if let Some(gauge) = &self.gauge {
            gauge.end();
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

    /// The result, or an event, for programs: one line. The `schema` knows its event and its fields.
    pub(crate) fn json(&self, value: &Value) {
        if self.json {
            self.end();
            self.print(&schema::line(value));
        }
    }

    /// A line to stdout, at once: a program that waits for it must not wait for a buffer.
    fn print(&self, line: &str) {
        self.pass_on(Stream::Out, &format!("{line}\n"));
    }

    /// Text as it is.
    pub(crate) fn pass_on(&self, stream: Stream, text: &str) {
        if let Some(gauge) = &self.gauge {
            gauge.settle();
        }
        let written = self.voice.text(stream, text);
        // Nobody may be listening to stderr any more; that is no reason to stop.
        if let (Stream::Out, Err(e)) = (stream, written)
            && e.kind() != ErrorKind::BrokenPipe
            && !self.lost.swap(true, Ordering::Relaxed)
        {
            self.warn(format!("can't write to stdout: {e}"));
        }
    }

    /// A line to stderr.
    fn eprint(&self, line: &str) {
        self.pass_on(Stream::Err, &format!("{line}\n"));
    }

    /// Bytes of the result as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.voice.raw(bytes)
    }

    /// Whether all of the result was written, or nobody wants more of it.
    pub(crate) fn is_whole(&self) -> bool {
        !self.lost.load(Ordering::Relaxed)
    }

    /// A step on the way, for those who want to know.
    pub(crate) fn step(&self, line: impl AsRef<str>) {
        if self.verbose {
            self.eprint(&format!("{DIM}{}{DIM:#}", line.as_ref()));
        }
    }

    /// Runs a command of another program in the folder `dir`, and passes on what it says.
    pub(crate) fn execute(&self, dir: &Path, command: &str) -> io::Result<Ended> {
        self.voice.execute(dir, command, self.passes_on())
    }

    /// Whether what another program says is shown.
    pub(crate) fn passes_on(&self) -> bool {
        !self.quiet && !self.json
    }

    /// Something that a person should know, beside the result.
    pub(crate) fn note(&self, line: impl AsRef<str>) {
        if !self.quiet {
            self.eprint(line.as_ref());
        }
    }

    /// Something that went wrong without ending the command.
    pub(crate) fn warn(&self, line: impl AsRef<str>) {
        let style = YELLOW.bold();
        self.eprint(&format!("{style}warning{style:#}: {}", line.as_ref()));
    }

    /// An error that does not end the command.
    pub(crate) fn fault(&self, line: impl AsRef<str>) {
        let style = RED.bold();
        self.eprint(&format!("{style}error{style:#}: {}", line.as_ref()));
    }

    /// Runs a command as [`execute`](Self::execute) does, and shows nothing of what it says.
    pub(crate) fn execute_quietly(&self, dir: &Path, command: &str) -> io::Result<Ended> {
        self.voice.execute(dir, command, false)
    }

    /// Why the command failed.
    pub(crate) fn error(&self, error: &CliError) {
        self.trouble("error", RED, error);
        let place = error
            .place
            .as_ref()
            .map(|place| json!({"path": place.path, "line": place.line, "column": place.column}));
        self.json(&json!({"event": "error", "error": {
            "kind": error.kind,
            "message": error.message,
            "hint": error.hint,
            "place": place,
        }}));
    }

    fn trouble(&self, what: &str, color: Style, error: &CliError) {
        let style = color.bold();
        self.eprint(&format!("{style}{what}{style:#}: {}", error.message));
        if let Some(hint) = &error.hint {
            self.eprint(&format!("  {DIM}hint:{DIM:#} {hint}"));
        }
    }

    /// Who sits at the other end.
    #[cfg(unix)]
    pub(crate) fn voice(&self) -> &dyn Voice {
        &*self.voice
    }

    /// Whether the result is for a program.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person reads the result here, line by line.
    pub(crate) fn is_terminal(&self) -> bool {
        !self.json && self.voice.is_terminal(Stream::Out)
    }

    /// Why the command would fail, if it did more than show what it would do.
    pub(crate) fn blocked(&self, error: &CliError) {
        self.trouble("blocked", YELLOW, error);
    }

    /// Asks a question that is answered with yes or no; `None` if there is nobody to ask.
    pub(crate) fn ask(&self, question: &str) -> Option<bool> {
        if self.json {
            return None;
        }
        let answer = self
            .voice
            .ask(&format!("{BOLD}{question}{BOLD:#} [y/N] "))?;
        Some(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
    }

    /// Asks for what a terminal must not show; `None` if there is nobody to ask.
    pub(crate) fn ask_secret(&self, prompt: &str) -> Option<io::Result<Zeroizing<String>>> {
        if self.json {
            return None;
        }
        self.voice.ask_secret(prompt)
    }
}
