//! Makes a site of one's own of the sources of another: whole and able to be built, or not at all.

use std::{collections::BTreeSet, fs, io, path::Path};

use skep_generator::{Engine, config, scaffold};
use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        entry::Entry,
    },
    checkout::{CheckedOut, checkout},
    keys,
    store::{Reader, SiteState, Store},
};

use super::{
    Origin,
    upstream::{self, as_files},
};
use crate::{
    confined::{Rehearsal, rehearse},
    context::Context,
    error::{CliError, Result},
    folder,
    making::Making,
    site::SiteDir,
    trust,
};

/// A new fork.
pub(crate) struct Forked {
    /// Its identity.
    pub(crate) site: SiteId,
    /// What it was made of.
    pub(crate) origin: Origin,
    /// The files that were copied.
    pub(crate) copied: CheckedOut,
    /// What building it makes; `None` if skep does not build it.
    pub(crate) trial: Option<Trial>,
    /// The command that builds it instead, which has not run.
    pub(crate) command: Option<String>,
    /// Where the other site says it is on the web. The fork says nothing of that.
    pub(crate) url: Option<String>,
}

/// What came of building a fork.
pub(crate) struct Trial {
    /// How many files it has.
    pub(crate) files: usize,
    /// The paths that the other site has and the fork has not: something of which they are made was not published.
    pub(crate) missing: Vec<String>,
}

/// Makes the sources of the version of `entry` a site in `dir`, which must not exist or be empty, with a key of its own.
/// Nothing that the sources name is run.
pub(crate) fn fork(
    ctx: &Context,
    store: &Store,
    state: &SiteState,
    entry: &Entry,
    dir: &Path,
) -> Result<Forked> {
    let making = Making::begin(dir, ".skep-fork-")?;
    let reader = Reader::new(store, state);
    let sources = upstream::sources(store, state, &reader, entry)?;
    let origin = Origin::of(state.site, entry)?;
    let made = making.site();
    let copied = checkout(&reader, sources.root, &made)?;

    let unfit = |e: CliError| {
        let hint = as_files(state.site, entry.number);
        let message = format!("a fork of {origin} could not be built: {}", e.message);
        CliError::failed(&e.kind, message).hint(match e.hint {
            Some(own) => format!("{own}; {hint}"),
            None => hint,
        })
    };
    // Until there is a key it has the address of the other, as templates may need one.
    let address = Address::of(state.site).to_string();
    let url = adopt(&made, &address, &origin).map_err(unfit)?;
    let engine = config::read(&made)?.engine;
    let (trial, command) = match engine {
        Engine::Tera { .. } => {
            let pages = paths(&reader, entry)?;
            let trial = try_out(&made, entry, &pages, url.as_deref()).map_err(unfit)?;
            (Some(trial), None)
        }
        Engine::Command { command, .. } => (None, Some(command)),
        _ => (None, None),
    };

    trust::forget(&ctx.home, dir)?;
    let site = keys::create(&ctx.home)?;
    scaffold::set_address(&made, &Address::of(site).to_string())?;
    making.place()?;
    SiteDir::open(ctx, dir)?.remember(ctx, site);
    Ok(Forked {
        site,
        origin,
        copied,
        trial,
        command,
        url,
    })
}

/// Makes the settings in `dir` those of a fork, and returns the URL that it does not take over.
fn adopt(dir: &Path, address: &str, origin: &Origin) -> Result<Option<String>> {
    let file = dir.join(config::FILE);
    let io = |e: io::Error| CliError::failed("io", format!("{}: {e}", config::FILE));
    let text = fs::read_to_string(&file).map_err(io)?;
    let adopted = scaffold::adopt(&text, address, &origin.to_string())?;
    fs::write(&file, adopted.text).map_err(io)?;
    let ignored = dir.join(".gitignore");
    if !ignored.exists() {
        fs::write(&ignored, scaffold::IGNORED).map_err(io)?;
    }
    Ok(adopted.url)
}

/// The paths of the version's finished site.
fn paths(reader: &Reader, entry: &Entry) -> Result<BTreeSet<String>> {
    let mut paths = BTreeSet::new();
    reader.walk(entry.tree, |path, _| {
        paths.insert(path.as_str().to_owned());
        Ok(())
    })?;
    Ok(paths)
}

/// Has the site in `dir` built in a child with limits, as it would be published now. `pages` are the paths that the version
/// of `entry` has.
fn try_out(
    dir: &Path,
    entry: &Entry,
    pages: &BTreeSet<String>,
    url: Option<&str>,
) -> Result<Trial> {
    let dir = dir.canonicalize().map_err(|e| folder::cant_open(dir, &e))?;
    // What was published at that moment, where it was published: a site map needs a URL.
    let rehearsed = rehearse(&Rehearsal {
        dir: &dir,
        then: i64::try_from(entry.as_of).ok(),
        url,
    })?;
    let missing = pages.iter().filter(|path| !rehearsed.paths.contains(*path));
    Ok(Trial {
        files: rehearsed.files,
        missing: missing.cloned().collect(),
    })
}
