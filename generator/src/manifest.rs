//! What a build made, and of what.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Error;
use crate::site::Site;

/// The record of a build. It lies beside the output, never in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildManifest {
    /// The format of this record.
    pub format: u32,
    /// The present moment of the build.
    pub as_of: Timestamp,
    /// The start of absolute URLs.
    pub base_url: Option<String>,
    /// Whether drafts were built.
    pub drafts: bool,
    /// Whether posts from the future were built.
    pub future: bool,
    /// Whether unpublished pages were built.
    pub unpublished: bool,
    /// The files of the site folder that it was made of, sorted.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Every file of the output, by its path.
    pub files: BTreeMap<String, Provenance>,
}

/// Where a file of the output comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Its source in the site folder. `None` for what is made of many files or is the theme's.
    pub source: Option<String>,
    /// Whether that is a draft.
    pub draft: bool,
    /// Whether its date is in the future.
    pub future: bool,
    /// Whether its front matter says `published: false`.
    #[serde(default)]
    pub unpublished: bool,
}

/// What a build says of an output folder that it left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The present moment of the build.
    pub as_of: Timestamp,
    /// What it says of the paths that were asked for, in their order. `None`: it did not make them.
    pub marks: Vec<Option<Mark>>,
}

/// What a build says of a file that it made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Mark {
    /// It was made from a draft.
    pub draft: bool,
    /// Its date was in the future.
    pub future: bool,
    /// Its front matter says `published: false`.
    #[serde(default)]
    pub unpublished: bool,
}

/// Reads what the last build that wrote the folder `out` says of some of its files, from the
/// manifest beside it; `None` if there is none. That is a small part of a manifest: of a site with
/// 10,000 files, nothing is kept in memory but what was asked for.
pub fn record_of<'a>(
    out: &Path,
    paths: impl IntoIterator<Item = &'a str>,
) -> Result<Option<Record>, Error> {
    let Some(beside) = beside(out) else {
        return Ok(None);
    };
    let bytes = match fs::read(&beside) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(format_args!("read {}", beside.display()), &error)),
    };
    let Ok(written) = serde_json::from_slice::<Written<'_>>(&bytes) else {
        return Ok(None);
    };
    if written.format != FORMAT {
        return Ok(None);
    }
    let Marks(files) = written.files;
    let mark = |path: &str| {
        let at = files.binary_search_by(|(name, _)| (**name).cmp(path));
        at.ok().map(|at| files[at].1)
    };
    Ok(Some(Record {
        as_of: written.as_of,
        marks: paths.into_iter().map(mark).collect(),
    }))
}

/// Where the manifest of the output folder `out` lies. `None` if nothing can lie beside it.
pub(crate) fn beside(out: &Path) -> Option<PathBuf> {
    let mut name = OsString::from(out.file_name()?);
    name.push(".skep.json");
    Some(out.parent()?.join(name))
}

/// A manifest as it is written, with as little of it as tells what a file is.
#[derive(Deserialize)]
struct Written<'a> {
    format: u32,
    as_of: Timestamp,
    #[serde(borrow)]
    files: Marks<'a>,
}

/// The files by their paths, in order.
struct Marks<'a>(Vec<(Cow<'a, str>, Mark)>);

impl<'de: 'a, 'a> Deserialize<'de> for Marks<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Files;

        impl<'de> Visitor<'de> for Files {
            type Value = Marks<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the files of an output")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut files = Vec::new();
                while let Some((Name(name), mark)) = map.next_entry()? {
                    files.push((name, mark));
                }
                files.sort_by(|(a, _), (b, _)| a.cmp(b));
                Ok(Marks(files))
            }
        }

        deserializer.deserialize_map(Files)
    }
}

/// A name, which is borrowed unless it is written with escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The format that this version writes.
pub(crate) const FORMAT: u32 = 1;

/// The manifest of all of `site`.
pub(crate) fn of(site: &Site) -> BuildManifest {
    let provenance = |path: &str| {
        let shown = site.page_at(path);
        Provenance {
            source: site.source_of(path).map(str::to_owned),
            draft: shown.is_some_and(|shown| shown.page.draft),
            future: shown.is_some_and(|shown| shown.future),
            unpublished: shown.is_some_and(|shown| !shown.page.published),
        }
    };
    BuildManifest {
        format: FORMAT,
        as_of: site.options.as_of,
        base_url: site.base_url.clone(),
        drafts: site.options.drafts,
        future: site.options.future,
        unpublished: site.options.unpublished,
        sources: site.sources(),
        files: site
            .paths()
            .map(|path| (path.to_owned(), provenance(path)))
            .collect(),
    }
}
