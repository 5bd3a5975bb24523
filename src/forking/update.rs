//! Takes over in a fork what the other site has published since.

use std::{collections::BTreeMap, fs, io::Write, path::PathBuf};

use skep_generator::{Engine, config, scaffold};
use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        hash::ContentHash,
        path::ArchivePath,
        tree::File,
    },
    error::{Error, printable},
    store::{Reader, SiteState, Store},
};

use super::{
    Origin,
    apply::{apply, changed},
    folder,
    merge::{
        About, Change, Conflict, Folder, Labels, MAX_TEXT, Plan, Side, Tree, open_conflicts, plan,
    },
    upstream::{self, is_settings},
};
use crate::{
    context::Context,
    error::{CliError, Result},
    kept::{self, Kept},
    site::SiteDir,
    trust,
};

/// What an update does, or did.
pub(crate) struct Updated {
    /// The version that was taken over.
    pub(crate) to: Origin,
    /// What became of files.
    pub(crate) changes: BTreeMap<ArchivePath, Change>,
    /// What a person has to decide.
    pub(crate) conflicts: Vec<Conflict>,
    /// Where copies are of what was overwritten; `None` if nothing was.
    pub(crate) kept: Option<PathBuf>,
}

/// Merges into the fork in `dir`, which is of `origin`, what its site has published since; `None` if that is nothing.
/// What is overwritten is copied into the home before. With `dry_run` it only says what it would do.
///
/// The settings come last, with the new origin: an update that is broken off is done again from the start.
pub(crate) fn update(
    ctx: &Context,
    store: &Store,
    state: &SiteState,
    (dir, origin): (&SiteDir, &Origin),
    dry_run: bool,
) -> Result<Option<Updated>> {
    let newest = store.entry_at(state, &Address::of(state.site))?;
    let reader = Reader::new(store, state);
    if newest.number <= origin.version() {
        check_decided(store, state, &reader, (dir, origin))?;
        return Ok(None);
    }
    if newest.sources.is_none() {
        let message = format!(
            "nothing was taken over: version {} of {} comes without its sources",
            newest.number,
            Address::of(state.site)
        );
        return Err(CliError::failed("not-found", message)
            .hint("its author publishes the finished site alone now; `skep clone` brings that"));
    }
    let entry = store.entry_at(state, origin.address());
    let entry = entry.map_err(|e| lost_origin(origin, e.into()))?;
    let base = upstream::sources(store, state, &reader, &entry).map_err(|e| {
        let message = format!(
            "version {}, of which this is a fork: {}",
            entry.number, e.message
        );
        CliError { message, ..e }
    });
    let base = base?.files;
    let theirs = upstream::sources(store, state, &reader, &newest)?.files;
    let update = Update {
        to: Origin::of(state.site, &newest)?,
        labels: Labels {
            base: origin.version(),
            theirs: newest.number,
        },
        site: dir.id()?,
        dir,
        reader: &reader,
        base,
        theirs,
    };
    update.run(ctx, dry_run).map(Some)
}

/// Fails if conflicts of the last update are still open, as far as the files of its version are here.
fn check_decided(
    store: &Store,
    state: &SiteState,
    reader: &Reader,
    (dir, origin): (&SiteDir, &Origin),
) -> Result<()> {
    let entry = store.entry_at(state, origin.address());
    let sources = entry.map_err(CliError::from);
    let sources = sources.and_then(|entry| upstream::sources(store, state, reader, &entry));
    let Ok(sources) = sources else {
        return Ok(());
    };
    let update = Update {
        to: origin.clone(),
        // All are of earlier updates than one that is not made.
        labels: Labels {
            base: origin.version(),
            theirs: 0,
        },
        site: dir.id()?,
        dir,
        reader,
        base: sources.files.clone(),
        theirs: sources.files,
    };
    update.left_open(&update.folder()?).map(drop)
}

struct Update<'a> {
    dir: &'a SiteDir,
    site: SiteId,
    reader: &'a Reader,
    to: Origin,
    labels: Labels,
    base: BTreeMap<ArchivePath, File>,
    theirs: BTreeMap<ArchivePath, File>,
}

impl Update<'_> {
    fn run(self, ctx: &Context, dry_run: bool) -> Result<Updated> {
        let settings = self.settings()?;
        let [base, ours, theirs] = settings
            .each_ref()
            .map(|text| ContentHash::of(text.as_bytes()));
        let mut base = hashes(&self.base, base);
        let mut theirs = hashes(&self.theirs, theirs);
        let mut folder = self.folder()?;
        folder.retain(|path, _| !is_settings(path));
        folder.extend(
            self.base
                .keys()
                .filter(|p| is_settings(p))
                .map(|p| (p.clone(), Some(ours))),
        );

        // An update to this version was broken off after these were written: they are as they should be.
        let left = self.left_open(&folder)?;
        for conflict in &left {
            base.remove(&conflict.path);
            theirs.remove(&conflict.path);
        }
        let read = |side, path: &ArchivePath| self.read(&settings, side, path);
        let mut plan = plan(&base, &folder, &theirs, self.labels, read)?;
        plan.conflicts.extend(left);
        plan.conflicts.sort_by(|a, b| a.path.cmp(&b.path));
        let kept = match dry_run {
            true => None,
            false => Some(self.apply(ctx, &folder, &plan, settings)?),
        };
        Ok(Updated {
            to: self.to,
            changes: plan.changes,
            conflicts: plan.conflicts,
            kept,
        })
    }

    /// The settings of the three, all with the address of the fork and its new origin: nothing is to be decided there.
    fn settings(&self) -> Result<[String; 3]> {
        let (address, origin) = (Address::of(self.site).to_string(), self.to.to_string());
        let theirs = |files: &BTreeMap<ArchivePath, File>, version: u64| {
            let file = files.iter().find(|(path, _)| is_settings(path));
            let (_, file) = file.ok_or_else(|| Error::damaged("sources without settings"))?;
            let text = self.reader.bytes(file, MAX_TEXT as u64)?;
            let text = String::from_utf8(text).map_err(|_| {
                CliError::failed(
                    "config",
                    format!("skep.toml of version {version} is no text"),
                )
            })?;
            let adopted = scaffold::adopt(&text, &address, &origin).map_err(|e| {
                let e = CliError::from(e);
                let message = format!("of version {version} of the other site: {}", e.message);
                CliError { message, ..e }
            })?;
            Ok::<_, CliError>(adopted.text)
        };
        let file = self.dir.dir.join(config::FILE);
        let ours = fs::read_to_string(&file).map_err(|e| kept::cant("read", &file, &e))?;
        Ok([
            theirs(&self.base, self.labels.base)?,
            scaffold::with_origin(&ours, &origin)?,
            theirs(&self.theirs, self.labels.theirs)?,
        ])
    }

    /// The files of the folder; those that the two versions have, or may have left here, with their hashes.
    fn folder(&self) -> Result<Folder> {
        let output = match &self.dir.config.engine {
            Engine::Tera { output } => output.as_str(),
            _ => skep_generator::OUTPUT,
        };
        let mark = format!(".version-{}", self.labels.theirs);
        folder::read(&self.dir.dir, output, |path| {
            self.base.contains_key(path)
                || self.theirs.contains_key(path)
                || path.as_str().contains(&mark)
        })
    }

    /// The conflicts that an update to the same version has left in files.
    ///
    /// # Errors
    ///
    /// If there are such of an update before: what is in those files would be merged once more, marks and all.
    fn left_open(&self, folder: &Folder) -> Result<Vec<Conflict>> {
        let mut left = Vec::new();
        let mut earlier = Vec::new();
        for (path, hash) in folder {
            let sides = [self.base.get(path), self.theirs.get(path)];
            let is_theirs = sides.iter().flatten().any(|file| Some(file.hash) == *hash);
            let is_known = sides.iter().any(Option::is_some);
            if hash.is_none() || is_theirs || !is_known || is_settings(path) {
                continue;
            }
            let bytes = folder::text_of(&self.dir.dir, path)?.unwrap_or_default();
            let open = open_conflicts(&bytes);
            // The author may have written about such marks.
            if open.is_empty() || self.is_about_marks(sides)? {
                continue;
            }
            for open in open {
                match open.version == self.labels.theirs {
                    true => left.push(Conflict {
                        path: path.clone(),
                        about: About::Lines(open.line),
                        beside: None,
                    }),
                    false => earlier.push(format!("{path}:{}", open.line)),
                }
            }
        }
        match earlier.is_empty() {
            true => Ok(left),
            false => Err(folder::undecided(&earlier)),
        }
    }

    fn is_about_marks(&self, sides: [Option<&File>; 2]) -> Result<bool> {
        for file in sides.into_iter().flatten() {
            let bytes = self.their_text(file)?;
            if bytes.is_some_and(|bytes| !open_conflicts(&bytes).is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn their_text(&self, file: &File) -> Result<Option<Vec<u8>>> {
        match file.size <= MAX_TEXT as u64 {
            true => Ok(Some(self.reader.bytes(file, MAX_TEXT as u64)?)),
            false => Ok(None),
        }
    }

    fn read(
        &self,
        settings: &[String; 3],
        side: Side,
        path: &ArchivePath,
    ) -> Result<Option<Vec<u8>>> {
        if is_settings(path) {
            return Ok(Some(settings[side as usize].clone().into_bytes()));
        }
        let files = match side {
            Side::Ours => return folder::text_of(&self.dir.dir, path),
            Side::Base => &self.base,
            Side::Theirs => &self.theirs,
        };
        match files.get(path) {
            Some(file) => self.their_text(file).map_err(|e| self.missing(path, e)),
            None => Ok(None),
        }
    }

    fn missing(&self, path: &ArchivePath, error: CliError) -> CliError {
        let message = format!("{}: {}", printable(path.as_str()), error.message);
        CliError { message, ..error }
    }

    /// Carries out the plan, the settings last. Returns where the copies of what was overwritten are.
    fn apply(
        &self,
        ctx: &Context,
        folder: &Folder,
        plan: &Plan,
        [_, mine, theirs]: [String; 3],
    ) -> Result<PathBuf> {
        let dir = &self.dir.dir;
        let kept = Kept::now(ctx, self.site);
        // Trusted was what a command does with the files that were here.
        trust::forget(&ctx.home, dir)?;
        apply(dir, &kept, folder, plan, |from, to, out| {
            let known = self.theirs.get(from);
            let known = known.ok_or_else(|| Error::damaged("a file without a version"))?;
            let written = self.reader.read(known, |piece| {
                out.write_all(piece).map_err(|e| Error::io("write", to, &e))
            });
            written.map_err(|e| self.missing(from, e.into()))
        })?;
        let path = self.theirs.keys().find(|path| is_settings(path));
        let path = path.ok_or_else(|| Error::damaged("sources without settings"))?;
        let text = match plan.changes.get(path) {
            None => &mine,
            Some(Change::Text(text)) => text,
            Some(_) => &theirs,
        };
        let file = kept::target(dir, path)?;
        kept.keep(&file, path)?;
        if self.settings()?[Side::Ours as usize] != mine {
            return Err(changed(&file));
        }
        kept::write(&file, |out| {
            let written = out.write_all(text.as_bytes());
            written.map_err(|e| kept::cant("write", &file, &e))
        })?;
        Ok(kept.folder().to_owned())
    }
}

/// The hashes of files, with another for the settings.
fn hashes(files: &BTreeMap<ArchivePath, File>, settings: ContentHash) -> Tree {
    let files = files.iter();
    files
        .map(|(path, file)| match is_settings(path) {
            true => (path.clone(), settings),
            false => (path.clone(), file.hash),
        })
        .collect()
}

/// Why nothing can be merged: `error` says why the version that the fork is of can't be had.
pub(crate) fn lost_origin(origin: &Origin, error: CliError) -> CliError {
    let message = format!(
        "the version that this is a fork of can't be had: {}",
        error.message
    );
    let hint = match error.kind.as_str() {
        "not-found" | "retracted" => Some(format!(
            "make a new fork with `skep fork {} DIR`, and take over by hand what you changed here",
            Address::of(origin.site())
        )),
        _ => error.hint,
    };
    CliError {
        message,
        hint,
        ..error
    }
}
