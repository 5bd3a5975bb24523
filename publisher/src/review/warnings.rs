//! What an author should see before publishing, because it can't be called back.

use std::fs;

use super::{
    Review,
    secrets::{self, Secret},
};
use crate::{
    archive::path::ArchivePath,
    error::{Error, Result},
    snapshot::{SnapshotFile, Source},
};

/// Something about a file that would be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing it is.
    pub kind: WarningKind,
    /// The file.
    pub path: ArchivePath,
    /// The line in it, from 1, where there is one.
    pub line: Option<usize>,
    /// What was found: a sentence without a full stop, and never the secret itself.
    pub message: String,
}

/// The kinds of warnings.
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
    /// An editor's backup or swap file.
    Backup,
    /// A link to this machine.
    Localhost,
    /// A very large file.
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

/// Longer files are not searched for text: a page is much shorter.
const MAX_SEARCHED: u64 = 4 << 20;
/// Whoever reads the site over a telephone waits for it.
const LARGE: u64 = 25 << 20;
/// So many of one kind in one file are enough to see what it is.
const MAX_PER_FILE: usize = 5;

impl WarningKind {
    /// Its name, as `--allow` takes it and JSON gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::PrivateFile => "private-file",
            Self::Draft => "draft",
            Self::Future => "future",
            Self::Backup => "backup",
            Self::Localhost => "localhost",
            Self::Large => "large",
        }
    }

    /// Whether it stops a publish that does not allow it by name.
    pub fn is_blocking(self) -> bool {
        match self {
            Self::Secret | Self::PrivateFile | Self::Draft | Self::Future => true,
            Self::Backup | Self::Localhost | Self::Large => false,
        }
    }

    /// All kinds, the gravest first.
    pub const ALL: [Self; 7] = [
        Self::Secret,
        Self::PrivateFile,
        Self::Draft,
        Self::Future,
        Self::Backup,
        Self::Localhost,
        Self::Large,
    ];
}

/// Looks at the files that are new or changed. `origin` tells what the build says of a path.
///
/// # Errors
///
/// If a file can't be read.
pub fn warnings(review: &Review, origin: impl Fn(&str) -> Origin) -> Result<Vec<Warning>> {
    let mut found = Vec::new();
    let files = &review.snapshot.files;
    for change in review.changes.iter().filter(|change| change.new.is_some()) {
        let at = files.binary_search_by(|file| file.path.cmp(&change.path));
        if let Ok(at) = at {
            inspect(&files[at], origin(change.path.as_str()), &mut found)?;
        }
    }
    found.sort_by_key(|warning| warning.kind);
    Ok(found)
}

fn inspect(file: &SnapshotFile, origin: Origin, found: &mut Vec<Warning>) -> Result<()> {
    let mut warn = |kind, line, message: &str| {
        found.push(Warning {
            kind,
            path: file.path.clone(),
            line,
            message: message.to_owned(),
        });
    };
    if origin.draft {
        warn(WarningKind::Draft, None, "made from a draft");
    }
    if origin.unpublished {
        let message = "made from a page that says `published: false`";
        warn(WarningKind::Draft, None, message);
    }
    if origin.future {
        warn(
            WarningKind::Future,
            None,
            "made from a post whose date is in the future",
        );
    }
    if let Some((kind, message)) = name_of(&file.path) {
        warn(kind, None, message);
    }
    if file.file.size > LARGE {
        let size = file.file.size >> 20;
        warn(WarningKind::Large, None, &format!("{size} MiB"));
    }
    if file.file.size > MAX_SEARCHED {
        return Ok(());
    }
    // What an earlier version has was looked at then.
    let Source::Disk(source) = &file.source else {
        return Ok(());
    };
    let bytes = fs::read(source).map_err(|e| Error::io("read", source, &e))?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Ok(());
    };
    let (mut secrets, mut local) = (0, 0);
    for (n, line) in text.lines().enumerate() {
        if secrets < MAX_PER_FILE
            && let Some(Secret { what }) = secrets::find(line)
        {
            secrets += 1;
            warn(WarningKind::Secret, Some(n + 1), what);
        }
        if local < MAX_PER_FILE && links_here(line) {
            local += 1;
            warn(
                WarningKind::Localhost,
                Some(n + 1),
                "a link to this machine",
            );
        }
    }
    Ok(())
}

/// What a file's name says.
fn name_of(path: &ArchivePath) -> Option<(WarningKind, &'static str)> {
    let private = |why| Some((WarningKind::PrivateFile, why));
    let segments: Vec<String> = path.as_str().split('/').map(str::to_lowercase).collect();
    if segments
        .iter()
        .any(|s| matches!(s.as_str(), ".git" | ".hg" | ".svn" | ".ssh" | ".gnupg"))
    {
        return private("part of a folder that is kept from others");
    }
    let name = segments.last()?;
    if name == ".env" || name.starts_with(".env.") {
        return private("settings, often with passwords");
    }
    if matches!(
        name.as_str(),
        ".npmrc"
            | ".netrc"
            | ".htpasswd"
            | ".pgpass"
            | "id_rsa"
            | "id_ed25519"
            | "id_ecdsa"
            | "id_dsa"
    ) || [".key", ".p12", ".pfx", ".kdbx", ".keystore"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        return private("a file for keys or passwords");
    }
    let backup = name.ends_with('~')
        || name.starts_with(".#")
        || (name.starts_with('#') && name.ends_with('#'))
        || [".swp", ".swo", ".bak", ".orig", ".rej", ".tmp"]
            .iter()
            .any(|end| name.ends_with(end))
        || name == ".ds_store";
    backup.then_some((WarningKind::Backup, "left by an editor or the system"))
}

fn links_here(line: &str) -> bool {
    ["href=\"", "src=\"", "href='", "src='"]
        .iter()
        .any(|attribute| {
            line.match_indices(attribute).any(|(at, _)| {
                let url = &line[at + attribute.len()..];
                let host = url.strip_prefix("http://").or(url.strip_prefix("https://"));
                host.is_some_and(|host| {
                    let end = host.find([':', '/', '"', '\'']).unwrap_or(host.len());
                    matches!(&host[..end], "localhost" | "127.0.0.1" | "0.0.0.0" | "[")
                })
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_private() {
        let kind = |path: &str| name_of(&ArchivePath::new(path).unwrap()).map(|(kind, _)| kind);
        for path in [
            ".env",
            "a/.ENV.local",
            ".git/config",
            "keys/id_rsa",
            "site.key",
            "x/.ssh/known_hosts",
        ] {
            assert_eq!(kind(path), Some(WarningKind::PrivateFile), "{path}");
        }
        for path in ["post.md~", ".post.md.swp", ".#post.md", "a/.DS_Store"] {
            assert_eq!(kind(path), Some(WarningKind::Backup), "{path}");
        }
        for path in [
            "index.html",
            "environment.html",
            "keyboard.html",
            ".well-known/security.txt",
        ] {
            assert_eq!(kind(path), None, "{path}");
        }
    }

    #[test]
    fn links_to_this_machine_are_seen_and_talk_of_them_is_not() {
        assert!(links_here("<a href=\"http://localhost:4000/about/\">"));
        assert!(links_here("<img src='https://127.0.0.1/x.png'>"));
        assert!(!links_here(
            "<p>open http://localhost:4000 in your browser</p>"
        ));
        assert!(!links_here("<a href=\"https://localhost.example.org/\">"));
    }
}
