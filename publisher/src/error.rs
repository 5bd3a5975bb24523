//! The one error type of the operations in this crate.

use std::{error, fmt, path::Path};

/// What failed, why, and what to do next.
#[derive(Debug)]
pub struct Error {
    /// The kind of failure, for programs.
    pub kind: Kind,
    /// What failed and why, for people: a sentence without a full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file or folder can't be read or written.
    Io,
    /// There is no room left on the disk.
    DiskFull,
    /// The store is in use by another process.
    Locked,
    /// What is stored here has a form that another version of the program writes.
    OtherVersion,
    /// The secret key of a site is not here.
    NoKey,
    /// A passphrase does not open what it should.
    Passphrase,
    /// There is no such site, version or file.
    NotFound,
    /// A version that its author took back.
    Retracted,
    /// What is stored here is not what was signed.
    Damaged,
    /// What a peer sent is not what the site's key signed, or is over a bound.
    Hostile,
    /// A head that can't be true together with one seen before.
    Conflict,
    /// A head older than one seen before.
    Older,
    /// No peer could be reached, or none had what was wanted.
    Unreachable,
    /// A peer did not do what it was asked for.
    Declined,
    /// What should be published breaks a rule of the archive.
    Unpublishable,
    /// Anything given by a person that is not understood.
    Usage,
}

impl Kind {
    /// The kind's name in JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::DiskFull => "disk-full",
            Self::Locked => "locked",
            Self::OtherVersion => "other-version",
            Self::NoKey => "no-key",
            Self::Passphrase => "wrong-passphrase",
            Self::NotFound => "not-found",
            Self::Retracted => "retracted",
            Self::Damaged => "damaged",
            Self::Hostile => "hostile",
            Self::Conflict => "conflict",
            Self::Older => "older",
            Self::Unreachable => "unreachable",
            Self::Declined => "declined",
            Self::Unpublishable => "unpublishable",
            Self::Usage => "usage",
        }
    }
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: printable(&message.into()),
            hint: None,
        }
    }

    /// The same error with what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(printable(&hint.into()));
        self
    }

    /// An error of the operating system about `path`; `what` is a verb, such as `read`.
    pub fn io(what: &str, path: &Path, error: &std::io::Error) -> Self {
        let this = Self::new(
            io_kind(error),
            format!("can't {what} {}: {error}", path.display()),
        );
        match io_hint(error) {
            Some(hint) => this.hint(hint),
            None => this,
        }
    }

    /// A part of the store, such as `blob 1a2b…`, that can't be read. It is damaged if it is missing, cut off or
    /// senseless; any other failure is one of the system, and says nothing of the data.
    pub fn unreadable(part: impl fmt::Display, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
        match error.kind() {
            NotFound | UnexpectedEof | InvalidData => Self::damaged(format!("{part}: {error}")),
            _ => Self::io("read", Path::new(&format!("{part} in the store")), error),
        }
    }

    /// What is stored here is damaged.
    pub fn damaged(what: impl fmt::Display) -> Self {
        Self::new(Kind::Damaged, format!("the store is damaged: {what}")).hint(
            "fetch the site again from a peer, with a fresh `--home`, and keep this one for rescue",
        )
    }
}

/// `text` with whatever a terminal would obey, or read in another order, written out. A message may carry
/// what a peer said: the reason why it closed a connection, for one.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let reorders = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match c.is_control() || reorders {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
    }
    out
}

/// Codes of the system for too many open files: of this process, and of all (EMFILE and ENFILE on Unix,
/// ERROR_TOO_MANY_OPEN_FILES on Windows).
const TOO_MANY_FILES: &[i32] = if cfg!(windows) { &[4] } else { &[24, 23] };

/// What to do about an error of the system.
fn io_hint(error: &std::io::Error) -> Option<&'static str> {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    if io_kind(error) == Kind::DiskFull {
        return Some("make room on that disk and try again; nothing was lost");
    }
    if let Some(code) = error.raw_os_error()
        && TOO_MANY_FILES.contains(&code)
    {
        return Some(
            "close other programs, or allow this one more open files (`ulimit -n`), and try again",
        );
    }
    match error.kind() {
        PermissionDenied => Some("check who owns it and who may use it; nothing was changed"),
        ReadOnlyFilesystem => {
            Some("that disk can only be read: put it elsewhere, or mount it anew")
        }
        _ => None,
    }
}

pub(crate) fn io_kind(error: &std::io::Error) -> Kind {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Kind::DiskFull,
        _ => Kind::Io,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_holds_nothing_that_a_terminal_obeys() {
        let error = Error::new(Kind::Io, "a\x1b[2J\u{202e}b\r\nc: é").hint("d\x07");
        assert_eq!(error.message, r"a\u{1b}[2J\u{202e}b\u{d}\u{a}c: é");
        assert_eq!(error.hint.as_deref(), Some(r"d\u{7}"));
    }
}
