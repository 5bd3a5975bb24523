//! Writes a whole site to a folder.

mod target;
mod write;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use walkdir::WalkDir;

use crate::error::{Error, ErrorKind};
use crate::manifest::{self, BuildManifest};
use crate::render::render;
use crate::site::{Output, Site};
use crate::sources::{self, Content};
use target::Target;

/// What a build did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildReport {
    /// The record of the build.
    pub manifest: BuildManifest,
    /// How many files were new or had changed.
    pub written: usize,
    /// How many files were as they should be already.
    pub unchanged: usize,
    /// How many files were removed because the site has them no more.
    pub removed: usize,
    /// The size of the whole output in bytes.
    pub bytes: u64,
}

/// Writes all files of `site` to the folder `out`, and the [`BuildManifest`] beside it as
/// `OUT.skep.json`. Only what changed is written; what the site has no more is removed. Until
/// every path has been rendered and written to a temporary file, nothing in `out` changes.
///
/// `out` must be the folder `_site` of the site, or the output of an earlier build (its manifest
/// says so), or new or empty. What an earlier build did not write is left alone, except in `_site`,
/// which is skep's own.
pub fn build(site: &Site, out: &Path) -> Result<BuildReport, Error> {
    let target = Target::open(site, out)?;
    let existing = existing_files(&target.dir)?;

    // Render everything first; keep only what differs from what is there.
    let rendered: Vec<Result<Planned<'_>, Error>> = site
        .outputs
        .par_iter()
        .map(|(path, output)| plan(site, &target.dir, existing.contains(path), path, output))
        .collect();
    let mut planned = Vec::with_capacity(rendered.len());
    let mut errors: Vec<Error> = Vec::new();
    for result in rendered {
        match result {
            Ok(plan) => planned.push(plan),
            // One broken layout is one error, not one for every page that it is around.
            Err(error)
                if error.place.is_some() && errors.iter().any(|e| e.place == error.place) => {}
            Err(error) => errors.push(error),
        }
    }
    Error::collect(errors)?;

    let stale = target.stale(site, &existing);
    target.check_room(&planned, &existing, &stale)?;
    let changed: Vec<&Planned<'_>> = planned
        .iter()
        .filter(|plan| plan.change.is_some())
        .collect();
    let manifest = manifest::of(site);
    target.announce(&manifest)?;
    write::changed(&target.dir, &changed)?;
    write::remove(&target.dir, &stale)?;
    target.record(&manifest)?;
    Ok(BuildReport {
        written: changed.len(),
        unchanged: planned.len() - changed.len(),
        removed: stale.len(),
        bytes: planned.iter().map(|plan| plan.bytes).sum(),
        manifest,
    })
}

/// A file of the output, compared with what is there.
struct Planned<'a> {
    path: &'a str,
    bytes: u64,
    change: Option<Change<'a>>,
}

/// What a changed file is to become.
enum Change<'a> {
    Bytes(Vec<u8>),
    /// A copy, made when it is written: a large file is never held in memory.
    Copy(&'a Path),
}

/// Renders `path` and compares it with what is in `dir`, if it `is_there`.
fn plan<'a>(
    site: &'a Site,
    dir: &Path,
    is_there: bool,
    path: &'a str,
    output: &'a Output,
) -> Result<Planned<'a>, Error> {
    let to = dir.join(path);
    if let Output::File(source) = output
        && let Content::Disk { path: from, .. } = &source.content
    {
        let (bytes, same) = compare_files(from, is_there.then_some(&to))
            .map_err(|error| Error::io("read it", &error).in_file(&source.shown))?;
        return Ok(Planned {
            path,
            bytes,
            change: (!same).then_some(Change::Copy(from)),
        });
    }
    let bytes = render(site, path)?;
    let same = is_there && is_plain_file(&to) && fs::read(&to).is_ok_and(|old| old == bytes);
    Ok(Planned {
        path,
        bytes: bytes.len() as u64,
        change: (!same).then_some(Change::Bytes(bytes)),
    })
}

/// The size of the file `from`, and whether `to` is there as a file with the same bytes.
fn compare_files(from: &Path, to: Option<&PathBuf>) -> io::Result<(u64, bool)> {
    let mut source = File::open(from)?;
    let bytes = source.metadata()?.len();
    let to = to.filter(|to| is_plain_file(to));
    let Some(mut target) = to.and_then(|to| File::open(to).ok()) else {
        return Ok((bytes, false));
    };
    if target.metadata()?.len() != bytes {
        return Ok((bytes, false));
    }
    let (mut a, mut b) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let read = source.read(&mut a)?;
        if read == 0 {
            return Ok((bytes, true));
        }
        if target.read_exact(&mut b[..read]).is_err() || a[..read] != b[..read] {
            return Ok((bytes, false));
        }
    }
}

fn is_plain_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// All files in `dir` by their paths, links too. A repository in it is none of our business.
fn existing_files(dir: &Path) -> Result<BTreeSet<String>, Error> {
    let mut files = BTreeSet::new();
    if !dir.exists() {
        return Ok(files);
    }
    let walk = WalkDir::new(dir).min_depth(1).into_iter();
    for entry in walk.filter_entry(|entry| !(entry.depth() == 1 && entry.file_name() == ".git")) {
        let entry = entry.map_err(|error| {
            Error::new(
                ErrorKind::Io,
                format!("could not read {}: {error}", dir.display()),
            )
        })?;
        if !entry.file_type().is_dir()
            && let Ok(path) = sources::relative(dir, entry.path())
        {
            files.insert(path);
        }
    }
    Ok(files)
}
