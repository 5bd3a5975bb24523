//! Reads a site again and again, each time only what has changed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::LoadOptions;
use crate::code::Highlighter;
use crate::config::{self, Config};
use crate::documents::{self, Body, Item, Reading};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::links_to::trail;
use crate::site::{self, Memory, Site};
use crate::sources::{self, Content, Found, Role, Source};

/// What may have changed since the last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Anything: the whole folder is walked.
    Unknown,
    /// What lies at these paths (relative, with slashes), and nothing else.
    Paths(Vec<String>),
}

/// What is known of a site's folder. It is only ever a copy of what lies there: whatever fails, the next
/// load with [`Change::Unknown`] is as good as the first.
#[derive(Debug, Default)]
pub(crate) struct Loader {
    known: Option<Known>,
    memory: Memory,
    /// Changes that no load has taken in yet, because all have failed since. `None`: anything.
    pending: Option<Vec<Arc<str>>>,
    highlighter: Arc<Highlighter>,
    /// Whether something may have changed without anybody's notice, because it could not be read.
    is_lost: bool,
    /// Whether there was an error since a site was made.
    has_failed: bool,
}

/// The sources, by the further paths on the way to them.
pub(crate) type Trails = BTreeMap<PathBuf, Vec<Arc<str>>>;

/// The name of the file with the colours of code.
const COLOURS: &str = "code-colours";

#[derive(Debug)]
struct Known {
    /// The folder of the sources, with all links followed.
    root: PathBuf,
    /// The settings as they are written.
    written: Arc<Config>,
    /// The settings by which the site is made. They differ from the others if skep does not build it.
    config: Arc<Config>,
    /// The further paths on the way to the settings, if they are behind a link.
    settings_trail: Vec<PathBuf>,
    theme: BTreeMap<String, Source>,
    entries: BTreeMap<Arc<str>, Entry>,
    /// The ids in its templates, which the texts were read with.
    template_ids: BTreeSet<String>,
    /// Those of the entries that can't be read.
    broken: BTreeSet<Arc<str>>,
}

/// A source and what it holds, or why that can't be read.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) source: Arc<Source>,
    pub(crate) item: Result<Item, Error>,
}

impl Loader {
    /// A loader that knows nothing but what earlier runs have left in the folder `cache`.
    pub(crate) fn new(cache: Option<&Path>) -> Self {
        let file = cache.map(|folder| folder.join(COLOURS));
        Self {
            highlighter: Arc::new(Highlighter::open(file.as_deref())),
            ..Self::default()
        }
    }

    /// Reads what may have changed of the site in `dir`.
    pub(crate) fn load(
        &mut self,
        dir: &Path,
        options: &LoadOptions,
        change: &Change,
    ) -> Result<Site, Error> {
        if let Ok(config) = config::read(dir) {
            config.engine.expect_tera()?;
        }
        self.take_in(dir, change)?;
        self.make(options)
    }

    /// The settings of the site as they were read last.
    pub(crate) fn config(&self) -> Option<&Config> {
        Some(&*self.known.as_ref()?.written)
    }

    /// The paths that lead to sources by links, and which sources: a change of one is a change of the other.
    pub(crate) fn trails(&self) -> Trails {
        let mut trails = Trails::new();
        let Some(known) = &self.known else {
            return trails;
        };
        for path in &known.settings_trail {
            trails
                .entry(path.clone())
                .or_default()
                .push(Arc::from(config::FILE));
        }
        for (source, entry) in &known.entries {
            if let Content::Disk { trail, .. } = &entry.source.content {
                for path in trail {
                    trails
                        .entry(path.clone())
                        .or_default()
                        .push(Arc::clone(source));
                }
            }
        }
        trails
    }

    /// Forgets that what was read is whole: the next load walks the folder.
    pub(crate) fn lose(&mut self) {
        (self.is_lost, self.has_failed) = (true, true);
    }

    /// Whether the folder could not be read the last time: nobody knows what is in it now.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Reads what may have changed of the sources in `dir`, and returns which of them did. The next site is made of them.
    pub(crate) fn take_in(&mut self, dir: &Path, change: &Change) -> Result<Vec<Arc<str>>, Error> {
        let paths = match change {
            Change::Paths(paths) if !paths.iter().any(|path| path == config::FILE) => Some(paths),
            _ => None,
        };
        if let (Some(known), Some(paths), false) = (&mut self.known, paths, self.is_lost)
            // What can't be read is met again in a walk, which tells of all such files.
            && let Ok(Some(changed)) = known.follow(&self.highlighter, paths)
        {
            self.note(&changed);
            return Ok(changed);
        }
        let had_failed = self.has_failed;
        (self.is_lost, self.has_failed) = (true, true);
        let before = self.known.as_ref();
        let known = Known::walk(&self.highlighter, dir, before)?;
        (self.is_lost, self.has_failed) = (false, had_failed);
        let changed = match before {
            Some(before) if Arc::ptr_eq(&before.written, &known.written) => {
                differences(&before.entries, &known.entries)
            }
            _ => {
                self.pending = None;
                vec![Arc::from(config::FILE)]
            }
        };
        self.known = Some(known);
        self.note(&changed);
        // A cache that can't be written costs time, and nothing else.
        let _ = self.highlighter.save();
        Ok(changed)
    }

    /// Whether the site that was made last is not what the sources say any more, or an error came after it.
    pub(crate) fn is_behind(&self) -> bool {
        let is_whole = self.pending.as_ref().is_some_and(Vec::is_empty);
        self.has_failed || !is_whole
    }

    /// Makes the site of the sources as they were read last.
    pub(crate) fn make(&mut self, options: &LoadOptions) -> Result<Site, Error> {
        let Some(known) = &self.known else {
            return Err(Error::new(ErrorKind::Io, "the site was not read"));
        };
        let broken = known.broken.iter();
        let errors =
            broken.filter_map(|path| known.entries.get(path)?.item.as_ref().err().cloned());
        let errors: Vec<Error> = errors.collect();
        Error::collect(errors)?;
        let base_url = base_url(options, &known.config)?;
        let input = site::Input {
            root: &known.root,
            config: &known.config,
            options,
            base_url,
            highlighter: &self.highlighter,
            entries: &known.entries,
            changed: self.pending.as_deref(),
        };
        let site = site::assemble(&input, &mut self.memory)?;
        self.pending = Some(Vec::new());
        self.has_failed = false;
        Ok(site)
    }

    fn note(&mut self, changed: &[Arc<str>]) {
        if let Some(pending) = &mut self.pending {
            pending.extend_from_slice(changed);
        }
    }
}

/// The sources that came, changed or went between `old` and `new`.
fn differences(old: &BTreeMap<Arc<str>, Entry>, new: &BTreeMap<Arc<str>, Entry>) -> Vec<Arc<str>> {
    let is_same = |path: &Arc<str>, entry: &Entry| {
        let old = old.get(path);
        old.is_some_and(|old| Arc::ptr_eq(&old.source, &entry.source))
    };
    let came = new.iter().filter(|(path, entry)| !is_same(path, entry));
    let went = old.keys().filter(|path| !new.contains_key(*path));
    came.map(|(path, _)| path).chain(went).cloned().collect()
}

impl Known {
    /// Walks the whole folder. What was known `before` is taken where size and time say that it is
    /// still so.
    fn walk(highlighter: &Highlighter, dir: &Path, before: Option<&Self>) -> Result<Self, Error> {
        let written = config::read(dir)?;
        let open = |dir: &Path| {
            let opened = dir.canonicalize();
            opened.map_err(|error| Error::io(format_args!("open {}", dir.display()), &error))
        };
        let settings = open(dir)?.join(config::FILE);
        let (root, found) = match &written.engine {
            Engine::Tera { .. } => {
                let root = open(dir)?;
                let found = sources::find(&root, &written)?;
                (root, found)
            }
            Engine::Static => {
                let root = open(dir)?;
                let found = sources::find_as_they_are(&root, &written)?;
                (root, found)
            }
            Engine::Command { output, .. } => {
                let root = open(&dir.join(output))?;
                let found = sources::find_as_they_are(&root, &written)?;
                (root, found)
            }
        };
        // Other settings can give a file another meaning.
        let before =
            before.filter(|before| before.root == root && before.written.table == written.table);
        let (written, config) = match before {
            Some(before) => (Arc::clone(&before.written), Arc::clone(&before.config)),
            None => {
                let config = written.clone().into_unbuilt().map(Arc::new);
                let written = Arc::new(written);
                (Arc::clone(&written), config.unwrap_or(written))
            }
        };
        let is_built = matches!(written.engine, Engine::Tera { .. });
        let is_template =
            |source: &Source| is_built && matches!(source.role, Role::Layout | Role::Include);
        let (templates, others): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|(_, source)| is_template(source));
        let read_all = |sources: Vec<(String, Source)>, template_ids: &BTreeSet<String>| {
            let reading = Reading {
                settings: &config.markdown,
                highlighter,
                template_ids,
            };
            let has_same_ids = before.is_some_and(|before| before.template_ids == *template_ids);
            let known = |path: &str| {
                let entry = before?.entries.get(path)?;
                // A text is read anew where its headings may get other ids.
                (has_same_ids || !entry.has_headings()).then_some(entry)
            };
            let read = |(path, source): (String, Source)| {
                let entry = match known(&path) {
                    Some(entry) if is_same(&entry.source.content, &source.content) => entry.clone(),
                    _ if is_built => Entry::read(reading, source),
                    _ => Entry::of_file(source),
                };
                (Arc::from(path), entry)
            };
            let entries = sources.into_par_iter().map(read);
            entries.collect::<Vec<(Arc<str>, Entry)>>()
        };
        let mut entries = read_all(templates, &BTreeSet::new());
        let items = entries
            .iter()
            .filter_map(|(_, entry)| entry.item.as_ref().ok());
        let template_ids = documents::template_ids(items);
        entries.extend(read_all(others, &template_ids));
        let entries: BTreeMap<Arc<str>, Entry> = entries.into_iter().collect();
        let broken = entries.iter().filter(|(_, entry)| entry.item.is_err());
        Ok(Self {
            broken: broken.map(|(path, _)| Arc::clone(path)).collect(),
            theme: sources::of_theme(&config),
            settings_trail: trail(&settings),
            root,
            written,
            config,
            template_ids,
            entries,
        })
    }

    /// Reads what lies at `paths`, and returns the sources that came, changed or went. `None` if that
    /// can't be told without a walk.
    fn follow(
        &mut self,
        highlighter: &Highlighter,
        paths: &[String],
    ) -> Result<Option<Vec<Arc<str>>>, Error> {
        let (is_built, look): (bool, Look) = match self.written.engine {
            Engine::Tera { .. } => (true, sources::look),
            Engine::Static => (false, sources::look_as_it_is),
            // Its paths are not those of the folder that is published.
            Engine::Command { .. } => return Ok(None),
        };
        let mut found = Vec::with_capacity(paths.len());
        let mut paths = Cow::Borrowed(paths);
        let mut at = 0;
        while let Some(path) = paths.get(at) {
            at += 1;
            let path = path.clone();
            match look(&self.root, &self.written, &path)? {
                Found::Source(source) => {
                    let others = self
                        .other_names(&source)
                        .filter(|other| !paths.contains(other));
                    let others: Vec<String> = others.collect();
                    paths.to_mut().extend(others);
                    found.push((path, Some(*source)));
                }
                Found::Nothing => {
                    let below = format!("{path}/");
                    let mut after = self
                        .entries
                        .range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded));
                    if after
                        .next()
                        .is_some_and(|(next, _)| next.starts_with(&below))
                    {
                        return Ok(None);
                    }
                    let of_theme = self.theme.get(&path).cloned();
                    found.push((path, of_theme));
                }
                Found::Folder => return Ok(None),
            }
        }
        let reading = Reading {
            settings: &self.config.markdown,
            highlighter,
            template_ids: &self.template_ids,
        };
        let read = |(path, source): (String, Option<Source>)| {
            let entry = source.map(|source| match is_built {
                true => Entry::read(reading, source),
                false => Entry::of_file(source),
            });
            (Arc::from(path.as_str()), entry)
        };
        let found: Vec<(Arc<str>, Option<Entry>)> = found.into_iter().map(read).collect();
        if self.has_other_template_ids(&found) {
            return Ok(None);
        }
        let mut changed = Vec::new();
        for (path, entry) in found {
            match entry {
                Some(entry) => {
                    match entry.item {
                        Ok(_) => self.broken.remove(&path),
                        Err(_) => self.broken.insert(Arc::clone(&path)),
                    };
                    self.entries.insert(Arc::clone(&path), entry);
                    changed.push(path);
                }
                None => {
                    if let Some((path, _)) = self.entries.remove_entry(&*path) {
                        self.broken.remove(&path);
                        changed.push(path);
                    }
                }
            }
        }
        Ok(Some(changed))
    }

    /// Whether the templates have other ids once `found` is taken in.
    fn has_other_template_ids(&self, found: &[(Arc<str>, Option<Entry>)]) -> bool {
        let is_template =
            |path: &str| path.starts_with("_layouts/") || path.starts_with("_includes/");
        if !found.iter().any(|(path, _)| is_template(path)) {
            return false;
        }
        let is_found = |path: &Arc<str>| found.iter().any(|(found, _)| found == path);
        let kept = self.entries.iter().filter(|(path, _)| !is_found(path));
        let new = found.iter().filter_map(|(_, entry)| entry.as_ref());
        let entries = kept.map(|(_, entry)| entry).chain(new);
        let items = entries.filter_map(|entry| entry.item.as_ref().ok());
        documents::template_ids(items) != self.template_ids
    }

    /// The sources that are further names (hard links) of the file behind `source`.
    fn other_names(&self, source: &Source) -> impl Iterator<Item = String> {
        let stamp = match &source.content {
            Content::Disk { stamp, .. } if stamp.is_other_name_of(stamp) => Some(*stamp),
            _ => None,
        };
        let others = stamp.into_iter().flat_map(|stamp| {
            self.entries
                .iter()
                .filter(move |(_, entry)| match &entry.source.content {
                    Content::Disk { stamp: other, .. } => stamp.is_other_name_of(other),
                    Content::Theme(_) => false,
                })
        });
        others.map(|(path, _)| path.to_string())
    }
}

/// Looks at one path of a site's folder.
type Look = fn(&Path, &Config, &str) -> Result<Found, Error>;

impl Entry {
    /// Whether its headings have ids.
    fn has_headings(&self) -> bool {
        match &self.item {
            Ok(Item::Document(document)) => match &document.body {
                Body::Html(content) => !content.toc.is_empty(),
                Body::Template(_) => false,
            },
            _ => false,
        }
    }

    /// A file that is published as it is.
    fn of_file(source: Source) -> Self {
        Self {
            source: Arc::new(source),
            item: Ok(Item::File),
        }
    }

    fn read(reading: Reading<'_>, source: Source) -> Self {
        let item = documents::read(reading, &source);
        Self {
            source: Arc::new(source),
            item,
        }
    }
}

/// Whether two contents are the same as far as that can be told without reading them.
fn is_same(old: &Content, new: &Content) -> bool {
    match (old, new) {
        // A theme is part of the program.
        (Content::Theme(old), Content::Theme(new)) => old.len() == new.len(),
        (old, new) => old == new,
    }
}

fn base_url(options: &LoadOptions, config: &Config) -> Result<Option<String>, Error> {
    match &options.base_url {
        None => Ok(config.url.clone()),
        Some(url) => match config::base_url(url) {
            Some(url) => Ok(Some(url)),
            None => Err(Error::new(
                ErrorKind::Refused,
                format!("'{url}' is not the URL of a website"),
            )
            .with_hint("write it whole, such as https://example.org")),
        },
    }
}
