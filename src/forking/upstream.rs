//! The published sources of another site. Their names and bytes are a stranger's.

use std::collections::BTreeMap;

use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        entry::Entry,
        hash::NodeHash,
        path::{ArchivePath, Names},
        tree::File,
    },
    error::{Error, Kind},
    store::{Reader, SiteState, Store},
};

use crate::error::{CliError, Result};

/// The sources of one version. No two of their paths are one file on any disk, and none is a repository's own.
pub(crate) struct Sources {
    /// The root of their tree.
    pub(crate) root: NodeHash,
    /// The files, by their paths.
    pub(crate) files: BTreeMap<ArchivePath, File>,
}

/// The sources of the version of `entry`, if they are published and here.
pub(crate) fn sources(
    store: &Store,
    state: &SiteState,
    reader: &Reader,
    entry: &Entry,
) -> Result<Sources> {
    let Some(root) = entry.sources else {
        return Err(none(store, state, entry));
    };
    let mut names = Names::default();
    let mut files = BTreeMap::new();
    reader.walk(root, |path, file| {
        let refuse = |why: &str| Err(Error::new(Kind::Hostile, format!("{path} {why}")));
        if path.is_of_repository() {
            return refuse(
                "is a part of a repository of git, which would make git run what a stranger wrote",
            );
        }
        if !names.add(path) {
            return refuse("and another of the sources are one file on some disks, by case or as file and folder");
        }
        files.insert(path.clone(), file.clone());
        Ok(())
    })?;
    match files.keys().any(is_settings) {
        true => Ok(Sources { root, files }),
        false => Err(CliError::failed(
            "no-site",
            format!("the sources of version {} have no skep.toml", entry.number),
        )
        .hint(as_files(state.site, entry.number))),
    }
}

/// Whether the file is that with the site's settings.
pub(crate) fn is_settings(path: &ArchivePath) -> bool {
    path.as_str() == skep_generator::config::FILE
}

/// How to have the sources of a version as they are.
pub(crate) fn as_files(site: SiteId, version: u64) -> String {
    format!(
        "`skep clone {}+{version} DIR --sources` brings them as they are",
        Address::of(site)
    )
}

fn none(store: &Store, state: &SiteState, entry: &Entry) -> CliError {
    let site = Address::of(state.site);
    let message = format!(
        "version {} of {site} can't be forked: its author publishes no sources with it",
        entry.number
    );
    let log = store.log(state).unwrap_or_default();
    let retractions = store.retractions(state).unwrap_or_default();
    let other = log
        .iter()
        .rfind(|entry| entry.sources.is_some() && retractions.by(entry.number).is_none());
    let pages = format!("`skep clone {site} DIR` brings its finished pages");
    CliError::failed("not-found", message).hint(match other {
        Some(other) => format!(
            "version {} has some: `skep fork {site}+{} DIR`; {pages}",
            other.number, other.number
        ),
        None => pages,
    })
}
