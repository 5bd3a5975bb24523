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
    foreign::Screen,
    store::{Reader, SiteState, Store},
};

use crate::error::{CliError, Result};

/// The sources of one version. No two of their paths are one file on any disk, and none is one that a
/// program here would obey.
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
    let mut screen = Screen::of_sources();
    let mut files = BTreeMap::new();
    reader.walk(root, |path, file| {
        let refuse = |why: &str| Err(Error::new(Kind::Hostile, format!("{path} {why}")));
        screen.add(path).map_err(|obeyed| {
            Error::new(Kind::Hostile, format!("the sources can't be used: {obeyed}"))
                .hint("a stranger wrote them; the site's pages can be read in a browser all the same")
        })?;
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

#[cfg(test)]
mod tests {
    use std::fs;

    use skep_publisher::{
        home::Home,
        keys,
        publish::{Statement, publish},
        review::{self, review},
        snapshot::{Options, snapshot},
        swarm::OpenStore,
    };

    use super::*;

    /// What becomes of sources with this file, which another program than ours may publish.
    fn read(path: &str) -> Result<Sources> {
        let world = tempfile::tempdir().unwrap();
        let home = Home::new(world.path().join("home"));
        let site = keys::create(&home).unwrap();
        for file in ["out/index.html", "in/skep.toml", &format!("in/{path}")] {
            let file = world.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "# text").unwrap();
        }
        let open = OpenStore::open(&home, "a test").unwrap();
        let taken = |dir| snapshot(&world.path().join(dir), &Options::default()).unwrap();
        let files = review::Sources::Files(taken("in"));
        let review = review(&open.store, site, taken("out"), files).unwrap();
        let statement = Statement {
            message: String::new(),
            time: 1_795_392_000,
            as_of: 1_795_392_000,
            origin: None,
        };
        let key = keys::load(&home, site).unwrap();
        let scratch = world.path().join("scratch");
        publish(&open.store, &key, &review, &statement, &scratch, |_| ()).unwrap();
        let state = open.store.known(site).unwrap();
        let entry = open.store.entry(&state, None).unwrap();
        let reader = Reader::new(&open.store, &state);
        sources(&open.store, &state, &reader, &entry)
    }

    #[test]
    fn sources_that_a_program_here_would_obey_are_refused_by_name() {
        for path in [
            ".envrc",
            "a/.vscode/tasks.json",
            ".github/workflows/ci.yml",
            ".gitattributes",
        ] {
            let error = read(path).err().unwrap();
            let hidden = path.split('/').find(|name| name.starts_with('.')).unwrap();
            assert!(error.message.contains(hidden), "{}", error.message);
        }
        assert_eq!(
            read(".well-known/security.txt").ok().unwrap().files.len(),
            2
        );
    }
}
