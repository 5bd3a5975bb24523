//! How a command ends.

use std::{path::Path, process::ExitCode};

use skep_generator as generator;
use skep_publisher::{archive::address::AddressError, error::Kind};

/// How a command ends when it did what it was asked for, or nearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The arguments make no sense.
    Usage = 2,
    /// Signed here, but not confirmed by whom the author asked for.
    Unconfirmed = 3,
}

impl Exit {
    /// What an exit code says.
    #[cfg(unix)]
    pub(crate) fn of(code: u8) -> Self {
        match code {
            0 => Self::Done,
            2 => Self::Usage,
            3 => Self::Unconfirmed,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// How a command fails.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) exit: Exit,
    /// The kind of failure, for programs.
    pub(crate) kind: String,
    /// What failed, where and why.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// Where in a file of the site it is, if that is known.
    pub(crate) place: Option<Box<Place>>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file, from the site's folder on.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: Option<usize>,
    /// The column in characters, from 1.
    pub(crate) column: Option<usize>,
}

pub(crate) type Result<T, E = CliError> = std::result::Result<T, E>;

impl CliError {
    /// The arguments make no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            kind: "usage".into(),
            message: message.into(),
            hint: None,
            place: None,
        }
    }

    /// Something failed.
    pub(crate) fn failed(kind: &str, message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            kind: kind.into(),
            message: message.into(),
            hint: None,
            place: None,
        }
    }

    /// The error with the path `opened` as a person `typed` it.
    pub(crate) fn naming(mut self, opened: &Path, typed: &Path) -> Self {
        if opened != typed {
            let [opened, typed] = [opened, typed].map(|path| path.display().to_string());
            self.message = self.message.replace(&opened, &typed);
            self.hint = self.hint.map(|hint| hint.replace(&opened, &typed));
        }
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<skep_publisher::error::Error> for CliError {
    fn from(error: skep_publisher::error::Error) -> Self {
        Self {
            exit: match error.kind {
                Kind::Usage => Exit::Usage,
                _ => Exit::Failed,
            },
            kind: error.kind.name().into(),
            message: error.message,
            hint: error.hint,
            place: None,
        }
    }
}

impl From<generator::Error> for CliError {
    fn from(mut error: generator::Error) -> Self {
        // One error says what to do next where every error does; of several, each keeps its own hint.
        let hint = match error.others.is_empty() {
            true => error.hint.take(),
            false => None,
        };
        let place = error.place.as_ref().map(|place| {
            Box::new(Place {
                path: place.file.clone(),
                line: place.line,
                column: place.column,
            })
        });
        // The whole message has place and excerpt of every error of the run.
        Self {
            hint,
            place,
            ..Self::failed(kind_name(error.kind), error.to_string())
        }
    }
}

impl From<AddressError> for CliError {
    fn from(error: AddressError) -> Self {
        Self::usage(format!("this is not an address: {error}"))
            .hint("copy it whole: `skep://` and 56 letters and digits")
    }
}

fn kind_name(kind: generator::ErrorKind) -> &'static str {
    use generator::ErrorKind as K;
    match kind {
        K::NoSite => "no-site",
        K::Config => "config",
        K::FrontMatter => "front-matter",
        K::Data => "data",
        K::Markdown => "markdown",
        K::Template => "template",
        K::Link => "link",
        K::Limit => "limit",
        K::Path => "path",
        K::NotFound => "not-found",
        K::Output => "output",
        K::Refused => "refused",
        K::Preview => "preview",
        _ => "io",
    }
}
