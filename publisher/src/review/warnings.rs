//! What an author should see before publishing, because it can't be called back.

use super::{
    Part, Review, names,
    scan::{MAX_SCANNED, scan},
};
use crate::{
    archive::{path::ArchivePath, tree::Change},
    error::Result,
    words,
};

/// Something about a file that would be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing it is.
    pub kind: WarningKind,
    /// The file.
    pub path: ArchivePath,
    /// Whether it is one of the sources.
    pub in_sources: bool,
    /// The line in it, from 1, where there is one.
    pub line: Option<usize>,
    /// What was found: a sentence without a full stop, and never the secret itself.
    pub message: String,
}

/// The kinds of warnings, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningKind {
    /// A private key or an access token.
    Secret,
    /// A file that is not meant for others by its name: `.env`, `.git`, a key file.
    PrivateFile,
    /// A draft, or a page that is marked as not published.
    Draft,
    /// A post whose date is in the future.
    Future,
    /// An editor's backup or swap file: what was taken out of a file may still be in it.
    Backup,
    /// A file that the system left: it tells the names of other files.
    SystemFile,
    /// A key that is made to stand in pages, but may be good for more than that.
    ApiKey,
    /// A link to this machine.
    Localhost,
    /// The site's own address, where it gives one, is nobody's: of this machine, or an example's.
    BaseUrl,
    /// A page that is gone, with nothing in its place.
    NoRedirect,
    /// A file of more than [`LARGE`] bytes.
    Large,
}

/// What the build says of a file of its output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Origin {
    /// It was made from a draft.
    pub draft: bool,
    /// It was made from a post whose date is in the future.
    pub future: bool,
    /// Its author said of it that it is not published.
    pub unpublished: bool,
}

/// From there on a file is large: whoever reads the site over a telephone waits for it.
pub const LARGE: u64 = 25_000_000;

impl WarningKind {
    /// Its name, as `--allow` takes it and JSON gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::PrivateFile => "private-file",
            Self::Draft => "draft",
            Self::Future => "future",
            Self::Backup => "backup",
            Self::SystemFile => "system-file",
            Self::ApiKey => "api-key",
            Self::Localhost => "localhost",
            Self::BaseUrl => "base-url",
            Self::NoRedirect => "no-redirect",
            Self::Large => "large",
        }
    }

    /// Whether it stops a publish that does not allow it by name.
    pub fn is_blocking(self) -> bool {
        match self {
            Self::Secret | Self::PrivateFile | Self::Draft | Self::Future | Self::Backup => true,
            Self::SystemFile
            | Self::ApiKey
            | Self::Localhost
            | Self::BaseUrl
            | Self::NoRedirect
            | Self::Large => false,
        }
    }

    /// All kinds, the gravest first.
    pub const ALL: [Self; 11] = [
        Self::Secret,
        Self::PrivateFile,
        Self::Draft,
        Self::Future,
        Self::Backup,
        Self::SystemFile,
        Self::ApiKey,
        Self::Localhost,
        Self::BaseUrl,
        Self::NoRedirect,
        Self::Large,
    ];
}

/// Looks at the files that are new or changed, and for pages that are gone. `origin` tells what the build
/// says of a path of the site's files.
///
/// # Errors
///
/// If a file can't be read.
pub fn warnings(review: &Review, origin: impl Fn(&str) -> Origin) -> Result<Vec<Warning>> {
    let mut found = Vec::new();
    for change in &review.output.changes {
        let mut warn = |kind, message: &str| {
            found.push(Warning::new(change, false, kind, message));
        };
        if change.new.is_none() {
            if is_page(&change.path) {
                let message = "removed, and nothing leads on from there";
                warn(WarningKind::NoRedirect, message);
            }
            continue;
        }
        let origin = origin(change.path.as_str());
        if origin.draft {
            warn(WarningKind::Draft, "made from a draft");
        }
        if origin.unpublished {
            let message = "made from a page that says `published: false`";
            warn(WarningKind::Draft, message);
        }
        if origin.future {
            let message = "made from a post whose date is in the future";
            warn(WarningKind::Future, message);
        }
        inspect(&review.output, change, false, &mut found)?;
    }
    for change in review.sources.changes.iter().filter(|c| c.new.is_some()) {
        inspect(&review.sources, change, true, &mut found)?;
    }
    found.sort_by_key(|warning| (warning.kind, warning.in_sources));
    // All pages give the same address, and one setting mends them all. Sources are not served.
    let mut is_first = true;
    found.retain(|warning| {
        warning.kind != WarningKind::BaseUrl
            || (!warning.in_sources && std::mem::take(&mut is_first))
    });
    Ok(found)
}

/// What can be said of any file.
fn inspect(part: &Part, change: &Change, in_sources: bool, found: &mut Vec<Warning>) -> Result<()> {
    if let Some((kind, message)) = names::look(&change.path) {
        found.push(Warning::new(change, in_sources, kind, message));
    }
    let size = change.new.as_ref().map_or(0, |new| new.size);
    if size > LARGE {
        let message = words::bytes(size);
        found.push(Warning::new(
            change,
            in_sources,
            WarningKind::Large,
            &message,
        ));
    }
    // What an earlier version has was looked at then.
    let Some(bytes) = part.head(change, MAX_SCANNED as u64)? else {
        return Ok(());
    };
    found.extend(
        scan(&change.path, &bytes)
            .into_iter()
            .map(|finding| Warning {
                line: Some(finding.line),
                ..Warning::new(change, in_sources, finding.kind, finding.message)
            }),
    );
    Ok(())
}

impl Warning {
    fn new(change: &Change, in_sources: bool, kind: WarningKind, message: &str) -> Self {
        Self {
            kind,
            path: change.path.clone(),
            in_sources,
            line: None,
            message: message.to_owned(),
        }
    }
}

/// Whether readers have links to the file at `path`: a page, but not the one for what is not there.
fn is_page(path: &ArchivePath) -> bool {
    let path = path.as_str();
    (path.ends_with(".html") || path.ends_with(".htm")) && path != "404.html"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_the_order_of_their_gravity_and_have_different_names() {
        let mut sorted = WarningKind::ALL;
        sorted.sort();
        assert_eq!(sorted, WarningKind::ALL);
        let names: std::collections::BTreeSet<_> =
            WarningKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), WarningKind::ALL.len());
        let first_harmless = WarningKind::ALL.iter().position(|kind| !kind.is_blocking());
        let rest = &WarningKind::ALL[first_harmless.unwrap()..];
        assert!(rest.iter().all(|kind| !kind.is_blocking()));
    }
}
