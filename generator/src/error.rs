//! The one error of this library: what failed, where, and what to do next.

use std::fmt;

/// What kind of thing went wrong, for programs that have to tell errors apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The folder holds no `skep.toml`.
    NoSite,
    /// `skep.toml` can't be understood.
    Config,
    /// The front matter of a file, or a date in it, can't be understood.
    FrontMatter,
    /// A text in Markdown calls a component in a way that can't be understood.
    Markdown,
    /// A data file can't be understood.
    Data,
    /// A layout, an include or a page's own template is broken.
    Template,
    /// A text links to what is not there.
    Link,
    /// A template, a stylesheet or a data file takes more time or memory than it may.
    Limit,
    /// Two sources claim one output path, or a path can't be published.
    Path,
    /// A path was asked for that the site does not have.
    NotFound,
    /// The output folder may not be written to.
    Output,
    /// A file that would be overwritten exists already, or an argument makes no sense.
    Refused,
    /// Reading or writing failed.
    Io,
    /// The preview server could not start.
    Preview,
    /// Another program, which builds the site, failed.
    Build,
}

/// Where in the site an error lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the site folder. A theme's file reads `theme:NAME/...`.
    pub file: String,
    /// The line in the file (front matter counted), from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The text of that line.
    pub excerpt: Option<String>,
}

/// An error of the generator. Its `Display` is a whole message of one or more lines:
///
/// ```text
/// _posts/2026-01-02-a.md:3:7: the date 'yesterday' is not one that skep can read
///   3 | date: yesterday
///     |       ^
///   hint: write it as 2026-01-02 or 2026-01-02 10:00
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What kind of error this is.
    pub kind: ErrorKind,
    /// What failed, as one sentence without a full stop.
    pub message: String,
    /// Where it failed, when that is a place in a file of the site.
    pub place: Option<Box<Place>>,
    /// What to do next.
    pub hint: Option<String>,
    /// Further errors of the same run, in the order of their files.
    pub others: Vec<Error>,
}

/// So many characters of a line are shown.
const MAX_EXCERPT: usize = 200;

impl Error {
    /// An error of `kind` which says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            place: None,
            hint: None,
            others: Vec::new(),
        }
    }

    /// This error and then each of the further errors of its run.
    pub fn each(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(self).chain(&self.others)
    }

    /// The error for a failed operation on the file system: `doing` reads like "read a.md".
    pub(crate) fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        let new = Self::new(ErrorKind::Io, format!("could not {doing}: {error}"));
        match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                new.with_hint("check who owns it and what they may do with it")
            }
            std::io::ErrorKind::StorageFull => new.with_hint("the disk is full: make room"),
            _ => new,
        }
    }

    /// All `errors` as one, or nothing if there are none.
    pub(crate) fn collect(errors: Vec<Error>) -> Result<(), Error> {
        let mut errors = errors.into_iter();
        match errors.next() {
            None => Ok(()),
            Some(mut first) => {
                first.others.extend(errors);
                Err(first)
            }
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Places the error in `file`, without a line.
    pub(crate) fn in_file(mut self, file: impl Into<String>) -> Self {
        self.place = Some(Box::new(Place {
            file: file.into(),
            line: None,
            column: None,
            excerpt: None,
        }));
        self
    }

    /// Places the error in line `line` (from 1) and column (from 1) of the whole file `text`.
    pub(crate) fn at(mut self, file: &str, text: &str, line: usize, column: Option<usize>) -> Self {
        self.place = Some(Box::new(Place {
            file: file.to_owned(),
            line: Some(line),
            column,
            excerpt: text
                .lines()
                .nth(line.saturating_sub(1))
                .map(|line| line.trim_end().to_owned())
                .filter(|line| !line.is_empty()),
        }));
        self
    }

    /// Places the error at the byte `offset` of the whole file `text`.
    pub(crate) fn at_offset(self, file: &str, text: &str, offset: usize) -> Self {
        let (line, column) = position(text, offset);
        self.at(file, text, line, Some(column))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:", place.file)?;
            if let Some(line) = place.line {
                write!(f, "{line}:")?;
                if let Some(column) = place.column {
                    write!(f, "{column}:")?;
                }
            }
            write!(f, " ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(place) = &self.place
            && let (Some(line), Some(excerpt)) = (place.line, &place.excerpt)
        {
            let gutter = line.to_string();
            // A line without end, or one that a terminal obeys, is not shown as it is.
            let whole = excerpt.chars().count() <= MAX_EXCERPT;
            let short = excerpt.chars().take(MAX_EXCERPT);
            let shown: String = short
                .map(|c| {
                    if c.is_control() && c != '\t' {
                        '\u{fffd}'
                    } else {
                        c
                    }
                })
                .collect();
            let more = if whole { "" } else { "…" };
            write!(f, "\n  {gutter} | {shown}{more}")?;
            if let Some(column) = place.column.filter(|column| *column <= MAX_EXCERPT) {
                // A tab stays a tab, so that the caret stands under its character.
                let indent: String = excerpt
                    .chars()
                    .take(column.saturating_sub(1))
                    .map(|c| if c == '\t' { '\t' } else { ' ' })
                    .collect();
                write!(f, "\n  {:width$} | {indent}^", "", width = gutter.len())?;
            }
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)?;
        for other in &self.others {
            write!(f, "\n\n")?;
            other.write(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The line and column (both from 1, columns in characters) of the byte `offset` in `text`.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[start..].chars().count() + 1)
}

/// The candidate that `name` was probably meant to be, if one is close enough.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count().min(8) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be put in, left out, changed or swapped with the next; blind to case.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if is_swap {
                    best.min(rows[i - 2][j - 2] + 1)
                } else {
                    best
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_place_with_a_caret_and_what_to_do() {
        let text = "---\ntitle: x\ndate: nö\n---\n";
        let error = Error::new(ErrorKind::FrontMatter, "bad date")
            .at_offset("a.md", text, text.find("nö").unwrap())
            .with_hint("write 2026-01-02");
        assert_eq!(
            error.to_string(),
            "a.md:3:7: bad date\n  3 | date: nö\n    |       ^\n  hint: write 2026-01-02"
        );
    }

    #[test]
    fn shows_a_line_short_and_without_what_a_terminal_obeys() {
        let text = format!("\u{1b}[2J{}", "x".repeat(1000));
        let error = Error::new(ErrorKind::Data, "bad").at("a", &text, 1, Some(900));
        let shown = error.to_string();
        assert!(
            shown.starts_with("a:1:900: bad\n  1 | \u{fffd}[2Jxxx"),
            "{shown}"
        );
        assert!(shown.ends_with("x…") && shown.len() < 300, "{shown}");
    }

    #[test]
    fn shows_every_error_of_a_run() {
        let errors = vec![
            Error::new(ErrorKind::Path, "one").in_file("a.md"),
            Error::new(ErrorKind::Path, "two").in_file("b.md"),
        ];
        let error = Error::collect(errors).unwrap_err();
        assert_eq!(error.to_string(), "a.md: one\n\nb.md: two");
        assert_eq!(error.each().count(), 2);
        assert!(Error::collect(Vec::new()).is_ok());
    }

    #[test]
    fn a_position_inside_a_character_is_its_start() {
        assert_eq!(position("aé", 2), (1, 2));
        assert_eq!(position("a\nb", 99), (2, 2));
    }

    #[test]
    fn guesses_what_was_meant() {
        let names = ["post", "page", "default"];
        assert_eq!(did_you_mean("pots", names), Some("post"));
        assert_eq!(did_you_mean("defualt", names), Some("default"));
        assert_eq!(did_you_mean("gallery", names), None);
    }
}
