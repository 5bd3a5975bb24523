//! The folder to which a site was built.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{Error, ErrorKind},
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use crate::error::{CliError, Result};

/// What a folder holds, as far as tells whether it has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Folder {
    /// How many files are in it.
    pub(crate) files: u64,
    /// How many bytes these have together.
    pub(crate) bytes: u64,
    stamp: u64,
}

impl Folder {
    /// Looks at the folder `dir`. What can't be read counts as nothing.
    pub(crate) fn read(dir: &Path) -> Self {
        let mut folder = Self::default();
        let mut hasher = DefaultHasher::new();
        for entry in WalkDir::new(dir).sort_by_file_name().into_iter().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            (entry.path(), metadata.len(), metadata.modified().ok()).hash(&mut hasher);
            if metadata.is_file() {
                folder.files += 1;
                folder.bytes += metadata.len();
            }
        }
        folder.stamp = hasher.finish();
        folder
    }
}

/// The folder `output` in that of the site, if it is there and leads nowhere else. `hint` says what to do
/// if it is not there.
pub(crate) fn inside(site: &Path, output: &str, hint: &str) -> Result<PathBuf> {
    let path = site.join(output);
    let shown = path.display();
    let refuse = |message: String| CliError::failed("no-output", message);
    let out = match path.canonicalize() {
        Ok(out) if out.is_dir() => out,
        Ok(_) => return Err(refuse(format!("{shown} is a file, not a folder")).hint(hint)),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Err(refuse(format!("there is no {shown}: nothing was built there")).hint(hint));
        }
        Err(e) => return Err(cant_open(&path, &e)),
    };
    let site = site.canonicalize().map_err(|e| cant_open(site, &e))?;
    if out == site || !out.starts_with(&site) {
        return Err(refuse(format!(
            "{shown} is a link that leads out of the site's folder"
        ))
        .hint("put the folder itself in its place: a publish takes files of the site only"));
    }
    Ok(out)
}

/// The error for a path that can't be opened.
pub(crate) fn cant_open(path: &Path, error: &Error) -> CliError {
    CliError::failed("io", format!("could not open {}: {error}", path.display()))
}
