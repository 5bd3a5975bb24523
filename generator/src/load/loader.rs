//! Reads a site again and again, each time only what has changed.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::LoadOptions;
use crate::code::Highlighter;
use crate::config::{self, Config};
use crate::documents::{self, Item, Reading};
use crate::error::{Error, ErrorKind};
use crate::site::{self, Memory, Site};
use crate::sources::{self, Content, Found, Source};

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
}

#[derive(Debug)]
struct Known {
    root: PathBuf,
    config: Arc<Config>,
    theme: BTreeMap<String, Source>,
    entries: BTreeMap<Arc<str>, Entry>,
}

/// A source and what it holds, or why that can't be read.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) source: Arc<Source>,
    pub(crate) item: Result<Item, Error>,
}

impl Loader {
    /// Reads what may have changed of the site in `dir`.
    pub(crate) fn load(
        &mut self,
        dir: &Path,
        options: &LoadOptions,
        change: Change,
    ) -> Result<Site, Error> {
        let paths = match change {
            Change::Paths(paths) if !paths.iter().any(|path| path == config::FILE) => Some(paths),
            _ => None,
        };
        let followed = match (&mut self.known, &paths) {
            (Some(known), Some(paths)) => known.follow(&self.highlighter, paths)?,
            _ => None,
        };
        match followed {
            Some(changed) => {
                if let Some(pending) = &mut self.pending {
                    pending.extend(changed);
                }
            }
            None => {
                self.pending = None;
                let before = self.known.take();
                self.known = Some(Known::walk(&self.highlighter, dir, before)?);
            }
        }
        let Some(known) = &self.known else {
            return Err(Error::new(ErrorKind::Io, "the site was not read"));
        };
        let errors: Vec<Error> = known
            .entries
            .values()
            .filter_map(|entry| entry.item.as_ref().err().cloned())
            .collect();
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
        Ok(site)
    }
}

impl Known {
    /// Walks the whole folder. What was known `before` is taken where size and time say that it is
    /// still so.
    fn walk(highlighter: &Highlighter, dir: &Path, before: Option<Self>) -> Result<Self, Error> {
        let config = config::read(dir)?;
        config.engine.expect_tera()?;
        let root = dir
            .canonicalize()
            .map_err(|error| Error::io(format_args!("open {}", dir.display()), &error))?;
        let found = sources::find(&root, &config)?;
        // Other settings can give a file another meaning.
        let before =
            before.filter(|before| before.root == root && before.config.table == config.table);
        let (config, known) = match before {
            Some(before) => (before.config, before.entries),
            None => (Arc::new(config), BTreeMap::new()),
        };
        let known: HashMap<Arc<str>, Entry> = known.into_iter().collect();
        let reading = Reading {
            settings: &config.markdown,
            highlighter,
        };
        let entries: Vec<(Arc<str>, Entry)> = found
            .into_iter()
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|(path, source)| {
                let entry = match known.get(path.as_str()) {
                    Some(entry) if is_same(&entry.source.content, &source.content) => entry.clone(),
                    _ => Entry::read(reading, source),
                };
                (Arc::from(path), entry)
            })
            .collect();
        Ok(Self {
            theme: sources::of_theme(&config),
            root,
            config,
            entries: entries.into_iter().collect(),
        })
    }

    /// Reads what lies at `paths`, and returns the sources that came, changed or went. `None` if that
    /// can't be told without a walk.
    fn follow(
        &mut self,
        highlighter: &Highlighter,
        paths: &[String],
    ) -> Result<Option<Vec<Arc<str>>>, Error> {
        let mut found = Vec::with_capacity(paths.len());
        for path in paths {
            match sources::look(&self.root, &self.config, path)? {
                Found::Source(source) => found.push((path, Some(*source))),
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
                    found.push((path, self.theme.get(path).cloned()));
                }
                Found::Folder => return Ok(None),
            }
        }
        let reading = Reading {
            settings: &self.config.markdown,
            highlighter,
        };
        let mut changed = Vec::new();
        for (path, source) in found {
            match source {
                Some(source) => {
                    let path: Arc<str> = Arc::from(path.as_str());
                    self.entries
                        .insert(Arc::clone(&path), Entry::read(reading, source));
                    changed.push(path);
                }
                None => {
                    if let Some((path, _)) = self.entries.remove_entry(path.as_str()) {
                        changed.push(path);
                    }
                }
            }
        }
        Ok(Some(changed))
    }
}

impl Entry {
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
