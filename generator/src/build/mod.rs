//! Writes a whole site to a folder.

mod scratch;
mod target;
mod write;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use walkdir::WalkDir;

use crate::error::{Error, ErrorKind};
use crate::manifest::{self, BuildManifest};
use crate::render::output_at;
use crate::site::{Output, Site};
use crate::sources::{self, Content};
use scratch::Scratch;
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
/// every path has been rendered and written to a scratch folder in `out`, nothing else in `out` changes.
///
/// `out` must be the folder `_site` of the site, or the output of an earlier build (its manifest
/// says so), or new or empty. What an earlier build did not write is left alone, except in `_site`,
/// which is skep's own.
pub fn build(site: &Site, out: &Path) -> Result<BuildReport, Error> {
    build_watched(site, out, &|_, _| {})
}

/// As [`build`]. `watch` is told how many files are done, and how many there are: often, and from any thread.
pub fn build_watched(
    site: &Site,
    out: &Path,
    watch: &(dyn Fn(usize, usize) + Sync),
) -> Result<BuildReport, Error> {
    let target = Target::open(site, out)?;
    let existing = existing_files(&target.dir)?;
    let scratch = Scratch::make(&target.dir, existing.is_empty())?;
    // Everything that differs from what is there is written beside it first. Nothing that was rendered is kept in memory.
    let outputs: Vec<(&str, &Output)> = site
        .outputs
        .iter()
        .map(|(path, output)| (&**path, output))
        .collect();
    let (done, total) = (AtomicUsize::new(0), outputs.len());
    let is_given_up = AtomicBool::new(false);
    let rendered: Vec<Result<Planned<'_>, Error>> = outputs
        .into_par_iter()
        .enumerate()
        .filter_map(|(index, (path, output))| {
            // What is too much for one page is most often so for all: each would take seconds.
            if is_given_up.load(Ordering::Relaxed) {
                return None;
            }
            let there = existing.contains(path).then(|| target.dir.join(path));
            let planned = plan(site, &scratch, index, there.as_deref(), path, output);
            watch(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            if planned.as_ref().is_err_and(|e| e.kind == ErrorKind::Limit) {
                is_given_up.store(true, Ordering::Relaxed);
            }
            Some(planned)
        })
        .collect();
    let mut planned = Vec::with_capacity(rendered.len());
    let mut errors: Vec<Error> = Vec::new();
    for result in rendered {
        match result {
            Ok(plan) => planned.push(plan),
            Err(error) => errors.push(error),
        }
    }
    Error::collect(distinct(errors))?;
    let stale = target.stale(site, &existing);
    target.check_room(&planned, &existing, &stale)?;
    let written = planned.iter().filter(|plan| plan.changed).count();
    let manifest = manifest::of(site);
    target.announce(&manifest)?;
    scratch.move_in(&planned)?;
    write::remove(&target.dir, &stale)?;
    target.record(&manifest)?;
    Ok(BuildReport {
        written,
        unchanged: planned.len() - written,
        removed: stale.len(),
        bytes: planned.iter().map(|plan| plan.bytes).sum(),
        manifest,
    })
}

/// Renders all files of `site` without writing any, and returns how many they are.
pub fn rehearse(site: &Site) -> Result<usize, Error> {
    let outputs: Vec<_> = site.outputs.iter().collect();
    let is_given_up = AtomicBool::new(false);
    let errors: Vec<Error> = outputs
        .into_par_iter()
        .filter_map(|(path, output)| {
            let is_copied = matches!(output, Output::File(_));
            if is_copied || is_given_up.load(Ordering::Relaxed) {
                return None;
            }
            let error = output_at(site, path, output).err()?;
            is_given_up.fetch_or(error.kind == ErrorKind::Limit, Ordering::Relaxed);
            Some(error)
        })
        .collect();
    Error::collect(distinct(errors))?;
    Ok(site.outputs.len())
}

/// `errors`, each place once: one broken layout is one error, not one for every page that it is around.
fn distinct(errors: Vec<Error>) -> Vec<Error> {
    let mut told: Vec<Error> = Vec::new();
    for error in errors {
        if error.place.is_none() || told.iter().all(|e| e.place != error.place) {
            told.push(error);
        }
    }
    told
}

/// Removes from the folder `out` all files that builds of `site` have written, and returns how many there were. `out` must be
/// one to which [`build`] may write.
pub fn clean(site: &Site, out: &Path) -> Result<usize, Error> {
    let target = Target::open(site, out)?;
    let existing = existing_files(&target.dir)?;
    let ours: Vec<String> = existing
        .into_iter()
        .filter(|path| target.is_ours(path))
        .collect();
    write::remove(&target.dir, &ours)?;
    Ok(ours.len())
}

/// A file of the output, compared with what is there.
#[derive(Debug)]
struct Planned<'a> {
    path: &'a str,
    /// The number under which it lies in the scratch folder, if it changed.
    index: usize,
    bytes: u64,
    changed: bool,
}

/// Renders `path`, compares it with what is `there`, and writes it to `scratch` if it differs.
fn plan<'a>(
    site: &Site,
    scratch: &Scratch,
    index: usize,
    there: Option<&Path>,
    path: &'a str,
    output: &Output,
) -> Result<Planned<'a>, Error> {
    let planned = |bytes, changed| Planned {
        path,
        index,
        bytes,
        changed,
    };
    if let Output::File(source) = output
        && let Some(source) = site.files.get(source).map(|file| &*file.source)
        && let Content::Disk { path: from, .. } = &source.content
    {
        // A large file is never held in memory.
        let (bytes, same) = compare_files(from, there)
            .map_err(|error| Error::io("read it", &error).in_file(&source.shown))?;
        if !same {
            scratch.copy(index, path, from)?;
        }
        return Ok(planned(bytes, !same));
    }
    let bytes = output_at(site, path, output)?;
    let same = there.is_some_and(|there| {
        fs::symlink_metadata(there)
            .is_ok_and(|old| old.is_file() && old.len() == bytes.len() as u64)
            && fs::read(there).is_ok_and(|old| old == bytes)
    });
    if !same {
        scratch.write(index, path, &bytes)?;
    }
    Ok(planned(bytes.len() as u64, !same))
}

/// The size of the file `from`, and whether `to` is there as a file with the same bytes.
fn compare_files(from: &Path, to: Option<&Path>) -> io::Result<(u64, bool)> {
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
