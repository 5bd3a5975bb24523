//! The folder that a build may write to, and what of it is ours.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Planned, write};
use crate::error::{Error, ErrorKind};
use crate::files;
use crate::manifest::{self, BuildManifest};
use crate::site::Site;
use crate::sources;

/// The folder that a build may write to.
pub(super) struct Target {
    pub(super) dir: PathBuf,
    manifest_path: PathBuf,
    /// What the last build wrote, if there was one.
    last: Option<BuildManifest>,
    /// Whether everything in the folder is ours.
    is_own: bool,
}

impl Target {
    pub(super) fn open(site: &Site, out: &Path) -> Result<Self, Error> {
        let source = &site.dir;
        let shown = out.display();
        let dir =
            real_path(out).map_err(|error| Error::io(format_args!("open {shown}"), &error))?;
        let refuse = |message: String| Error::new(ErrorKind::Output, message);
        if source.starts_with(&dir) {
            return Err(refuse(format!(
                "{shown} holds the sources of the site: building there would overwrite them"
            ))
            .with_hint("choose another folder, such as _site"));
        }
        if let Ok(inside) = dir.strip_prefix(source) {
            let inside = sources::relative(Path::new(""), inside)?;
            if sources::would_be_source(&inside, &site.config) {
                return Err(refuse(format!(
                    "{shown} is among the sources of the site: the next build would copy this one"
                ))
                .with_hint(format!(
                    "build to _site, or add exclude = [\"{inside}\"] to skep.toml"
                )));
            }
        }
        let Some(manifest_path) = manifest::beside(&dir) else {
            return Err(refuse(format!("{shown} can't hold a site")));
        };
        let last = fs::read(&manifest_path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<BuildManifest>(&bytes).ok())
            .filter(|manifest| manifest.format == manifest::FORMAT);
        let is_own = dir == source.join("_site");
        if dir.exists() && !dir.is_dir() {
            return Err(refuse(format!("{shown} is a file")).with_hint("choose a folder"));
        }
        if !is_own && last.is_none() && !is_empty(&dir)? {
            return Err(refuse(format!(
                "{shown} is not empty, and skep did not make what is in it"
            ))
            .with_hint("choose an empty or a new folder"));
        }
        Ok(Self {
            dir,
            manifest_path,
            last,
            is_own,
        })
    }

    /// Whether a build has written the file at `path`.
    pub(super) fn is_ours(&self, path: &str) -> bool {
        let last = self.last.as_ref();
        self.is_own
            || write::is_temporary(path)
            || last.is_some_and(|last| last.files.contains_key(path))
    }

    /// The files of an earlier build which the site has no more.
    pub(super) fn stale(&self, site: &Site, existing: &BTreeSet<String>) -> Vec<String> {
        existing
            .iter()
            .filter(|path| !site.outputs.contains_key(path.as_str()) && self.is_ours(path))
            .cloned()
            .collect()
    }

    /// Checks that nothing has to go for `planned` that no build has made: a folder of the author
    /// where a file is to be, or the other way round.
    pub(super) fn check_room(
        &self,
        planned: &[Planned<'_>],
        existing: &BTreeSet<String>,
        stale: &[String],
    ) -> Result<(), Error> {
        let stale: BTreeSet<&String> = stale.iter().collect();
        for plan in planned.iter().filter(|plan| plan.changed) {
            let inside = format!("{}/", plan.path);
            let below = existing
                .range(inside.clone()..)
                .take_while(|path| path.starts_with(&inside));
            let above = plan
                .path
                .match_indices('/')
                .filter_map(|(slash, _)| existing.get(&plan.path[..slash]));
            if let Some(other) = below.chain(above).find(|path| !stale.contains(path)) {
                let shown = self.dir.display();
                let message = format!("{shown}/{other} is in the way of /{}", plan.path);
                return Err(Error::new(ErrorKind::Output, message)
                    .with_hint("skep did not make it: move it away, or build to another folder"));
            }
        }
        Ok(())
    }

    /// Notes, before anything is written, that the files of `manifest` are ours as well as those
    /// of the last build: if this build is cut short, the next one knows what it may remove.
    pub(super) fn announce(&self, manifest: &BuildManifest) -> Result<(), Error> {
        let mut all = manifest.clone();
        for (path, provenance) in self.last.iter().flat_map(|last| &last.files) {
            let entry = all.files.entry(path.clone());
            entry.or_insert_with(|| provenance.clone());
        }
        if self.last.as_ref() == Some(&all) {
            return Ok(());
        }
        self.record(&all)
    }

    /// Writes the manifest beside the output.
    pub(super) fn record(&self, manifest: &BuildManifest) -> Result<(), Error> {
        let path = &self.manifest_path;
        let failed = |error: &io::Error| Error::io(format_args!("write {}", path.display()), error);
        let mut text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?;
        text.push(b'\n');
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| failed(&error))?;
        }
        files::replace(path, &text).map_err(|error| failed(&error))
    }
}

fn is_empty(dir: &Path) -> Result<bool, Error> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Error::io(format_args!("read {}", dir.display()), &error)),
        Ok(entries) => Ok(entries.flatten().all(|entry| entry.file_name() == ".git")),
    }
}

/// The path with all links followed, though its end need not exist yet.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut missing = Vec::new();
    let mut there = path.as_path();
    loop {
        match there.canonicalize() {
            Ok(real) => {
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(real, |path, name| path.join(name)));
            }
            Err(error) => match (there.file_name(), there.parent()) {
                (Some(name), Some(parent)) => {
                    missing.push(name);
                    there = parent;
                }
                _ => return Err(error),
            },
        }
    }
}
