//! The site as it is now, and what happens when it changes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::assets::{self, Served};
use super::bar;
use super::clients::{Clients, Message};
use super::command::Runs;
use super::request::decode;
use super::scope::Scope;
use super::tags::Tags;
use super::{PreviewEvent, PreviewOptions, Took};
use crate::config::{self, Config};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::load::{Change, LoadOptions, Loader, Trails};
use crate::names::nfc;
use crate::render::render;
use crate::site::{LeftOut, Site};

/// Of so many saved files at once it is looked whether their pages can be shown, though nobody shows them. A
/// person saves one; a tool that writes many is not waited for.
const MOST_SAVED: usize = 8;

/// What the server and the watcher share.
pub(super) struct State {
    /// The site's folder as it was named: whatever is there is shown.
    pub(super) dir: PathBuf,
    pub(super) options: PreviewOptions,
    current: RwLock<Current>,
    loader: Mutex<Loader>,
    runs: Mutex<Runs>,
    is_building: AtomicBool,
    pub(super) clients: Clients,
    served: Mutex<Served>,
    /// The tags of the files that were served.
    pub(super) tags: Tags,
    on_event: Box<dyn Fn(PreviewEvent) + Send + Sync>,
}

/// The site as it is shown.
#[derive(Clone, Default)]
pub(super) struct Current {
    /// The last site that could be read.
    pub(super) site: Option<Arc<Site>>,
    /// What is wrong now, if something is: it can't be read, or a page can't be rendered.
    pub(super) error: Option<Arc<Error>>,
    /// The sources of pages that were saved and can't be rendered.
    failing: Arc<BTreeSet<String>>,
    /// How long it took to read `site` anew.
    pub(super) took: Duration,
    /// Whether it is looked for changes every so often.
    pub(super) polls: bool,
    /// How many changes would be published, if somebody has counted them.
    pub(super) changes: Option<usize>,
}

/// What a browser gets for a URL path.
pub(super) enum View {
    /// The page or file at this output path.
    Found(String),
    /// The folder is meant: the URL lacks its slash.
    Redirect,
    Missing,
}

impl State {
    pub(super) fn load(
        dir: PathBuf,
        options: PreviewOptions,
        on_event: Box<dyn Fn(PreviewEvent) + Send + Sync>,
    ) -> Result<Self, Error> {
        let loader = Loader::new(options.cache.as_deref());
        let state = Self {
            dir,
            options,
            current: RwLock::default(),
            loader: Mutex::new(loader),
            runs: Mutex::default(),
            is_building: AtomicBool::new(false),
            clients: Clients::default(),
            served: Mutex::default(),
            tags: Tags::default(),
            on_event,
        };
        let config = config::read(&state.dir);
        if config.is_ok_and(|config| matches!(config.engine, Engine::Command { .. })) {
            return Ok(state);
        }
        match state.read(&Change::Unknown) {
            Ok(read) => state.set(|current| {
                current.site = read.map(|(site, _)| Arc::new(site));
            }),
            Err(error) if error.kind == ErrorKind::NoSite => return Err(error),
            Err(error) => {
                state.set(|current| current.error = Some(Arc::new(error.clone())));
                (state.on_event)(PreviewEvent::Failed(error));
            }
        }
        Ok(state)
    }

    pub(super) fn current(&self) -> Current {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    /// Whether nobody has tried to read the site yet.
    pub(super) fn is_unread(&self) -> bool {
        let current = self.current();
        current.site.is_none() && current.error.is_none()
    }

    /// Whether another program is building the site at this moment.
    pub(super) fn is_building(&self) -> bool {
        self.is_building.load(Ordering::Acquire)
    }

    /// Whether nobody knows what is in the folder now.
    pub(super) fn is_lost(&self) -> bool {
        self.loader().is_lost()
    }

    /// The paths that lead to sources by links.
    pub(super) fn trails(&self) -> Trails {
        self.loader().trails()
    }

    /// What of the folder is watched.
    pub(super) fn scope(&self) -> Scope {
        match config::read(&self.dir) {
            Ok(config) => Scope::of(Some(&config)),
            Err(_) => Scope::of(self.loader().config()),
        }
    }

    fn loader(&self) -> MutexGuard<'_, Loader> {
        // It is only ever a copy of what is in the folder.
        self.loader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long it is until time alone changes the site: a post becomes due, or the clock was set back.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let (site, now) = (self.current().site?, self.now());
        if now < site.options.as_of {
            return Some(Duration::ZERO);
        }
        let left = site.next_due?.duration_since(now);
        Some(Duration::try_from(left).unwrap_or(Duration::ZERO))
    }

    /// Says that it is looked for changes every so often, and why if nobody asked for that.
    pub(super) fn set_polling(&self, because: Option<String>) {
        self.set(|current| current.polls = true);
        if let Some(reason) = because {
            (self.on_event)(PreviewEvent::Polling(reason));
        }
    }

    /// Says how many changes would be published.
    pub(super) fn set_changes(&self, changes: Option<usize>) {
        self.set(|current| current.changes = changes);
        self.tell_bar();
    }

    /// Reads the site again, and tells the browsers what changed. It was waited for `waiting` before. If it is only
    /// looked whether there is a `change`, what is wrong is not told again.
    pub(super) fn reload(&self, change: &Change, waiting: Duration, only_looks: bool) {
        let started = Instant::now();
        let before = self.current();
        let (site, changed) = match self.read(change) {
            Ok(Some((site, changed))) => (Arc::new(site), changed),
            Ok(None) => return,
            Err(error) => {
                if !(only_looks && before.error.as_deref() == Some(&error)) {
                    self.set(|current| current.error = Some(Arc::new(error.clone())));
                    self.clients.each(|client| client.fail(&error));
                    (self.on_event)(PreviewEvent::Failed(error));
                }
                return;
            }
        };
        let reading = started.elapsed();
        self.set(|current| {
            current.site = Some(Arc::clone(&site));
            current.error = None;
            current.took = waiting + reading;
        });
        let target = self.target(&site, &changed);
        let shown = self.tell_changed(&site, target.as_deref());
        let took = Took {
            waiting,
            reading,
            telling: started.elapsed().saturating_sub(reading),
        };
        // From here on nobody waits any more whose page changed.
        let error = self.check(&site, &shown, &before.failing, &changed);
        self.settle(error.as_ref());
        if let Some(old) = &before.site {
            self.tell_files(old, &site, &shown, &changed);
        }
        let was_failing = before.error.is_some();
        match error {
            Some(error) => (self.on_event)(PreviewEvent::Failed(error)),
            None => {
                let is_changed = |left: &&LeftOut| changed.contains(&left.path);
                (self.on_event)(PreviewEvent::Changed {
                    left_out: site.left_out().iter().filter(is_changed).cloned().collect(),
                    paths: changed,
                    took,
                });
                if was_failing {
                    (self.on_event)(PreviewEvent::Mended);
                }
            }
        }
        self.tell_bar();
    }

    /// What there is at the decoded URL path `path`.
    pub(super) fn view(site: &Site, path: &str) -> View {
        let path = nfc(path);
        let inside = path.strip_prefix('/').unwrap_or(&path);
        if inside.is_empty() || inside.ends_with('/') {
            let index = format!("{inside}index.html");
            return match site.outputs.contains_key(index.as_str()) {
                true => View::Found(index),
                false => View::Missing,
            };
        }
        if site.outputs.contains_key(inside) {
            return View::Found(inside.to_owned());
        }
        // As the gateway and mirrors read a URL: a folder's page, then a page without its ending.
        let page = format!("{inside}.html");
        match site
            .outputs
            .contains_key(format!("{inside}/index.html").as_str())
        {
            true => View::Redirect,
            false if site.outputs.contains_key(page.as_str()) => View::Found(page),
            false => View::Missing,
        }
    }

    /// The bytes of the HTML page that is shown at the decoded URL path `path`, or its error.
    pub(super) fn shown(site: &Site, path: &str) -> Result<Vec<u8>, Error> {
        match Self::view(site, path) {
            View::Found(output) => render(site, &output),
            View::Redirect | View::Missing => match site.outputs.contains_key("404.html") {
                true => render(site, "404.html"),
                false => Ok(Vec::new()),
            },
        }
    }

    /// Notes that a browser has these bytes of the file at the output path `path`, which was made for it.
    pub(super) fn note_served(&self, path: &str, bytes: &[u8]) {
        self.served().note(path, bytes);
    }

    /// Tells a browser that has just come what it may have missed.
    pub(super) fn welcome(&self, id: u64) {
        let current = self.current();
        let Some((path, seen)) = self
            .clients
            .with(id, |client| (client.path.clone(), client.seen))
        else {
            return;
        };
        let shown = current.site.as_ref().map(|site| Self::shown(site, &path));
        let bar = bar::json(&current, &self.options, &path);
        self.clients.with(id, |client| {
            client.send(Message::Bar(bar));
            match (&current.error, shown) {
                (_, Some(Ok(bytes))) if fingerprint(&bytes) != seen => client.send(Message::Reload),
                (Some(error), _) => client.fail(error),
                (None, Some(Err(error))) => client.fail(&error),
                _ => {}
            }
        });
    }

    /// Renders the pages that browsers show, and has those reloaded whose bytes changed; or sends all to `target`.
    fn tell_changed(
        &self,
        site: &Site,
        target: Option<&str>,
    ) -> BTreeMap<String, Result<Vec<u8>, Error>> {
        if let Some(url) = target {
            let url = serde_json::Value::from(url).to_string();
            self.clients
                .each(|client| client.send(Message::Go(url.clone())));
            return BTreeMap::new();
        }
        let shown: BTreeMap<String, Result<Vec<u8>, Error>> = self
            .clients
            .paths()
            .into_iter()
            .map(|path| {
                let page = Self::shown(site, &path);
                (path, page)
            })
            .collect();
        self.clients.each(|client| {
            if let Some(Ok(bytes)) = shown.get(&client.path)
                && fingerprint(bytes) != client.seen
            {
                client.send(Message::Reload);
            }
        });
        shown
    }

    /// What is wrong with the pages that browsers show, and with those that were just saved or failed before.
    fn check(
        &self,
        site: &Site,
        shown: &BTreeMap<String, Result<Vec<u8>, Error>>,
        failing: &BTreeSet<String>,
        saved: &[String],
    ) -> Option<Error> {
        let mut errors: Vec<Error> = shown
            .values()
            .filter_map(|page| page.as_ref().err().cloned())
            .collect();
        let saved = if saved.len() <= MOST_SAVED {
            saved
        } else {
            &[]
        };
        let mut still_failing = BTreeSet::new();
        for source in failing.iter().chain(saved) {
            if let Some(output) = site.output_of(source)
                && let Err(error) = render(site, output)
            {
                still_failing.insert(source.clone());
                errors.push(error);
            }
        }
        let mut told: Vec<Error> = Vec::new();
        for error in errors {
            if !told.contains(&error) {
                told.push(error);
            }
        }
        self.set(|current| current.failing = Arc::new(still_failing));
        Error::collect(told).err()
    }

    /// Shows in all browsers what is wrong, or that nothing is any more.
    fn settle(&self, error: Option<&Error>) {
        if let Some(error) = error {
            self.set(|current| current.error = Some(Arc::new(error.clone())));
        }
        self.clients.each(|client| match error {
            Some(error) => client.fail(error),
            None => client.mend(),
        });
    }

    /// Has browsers load files again that are no pages.
    fn tell_files(
        &self,
        old: &Site,
        new: &Site,
        shown: &BTreeMap<String, Result<Vec<u8>, Error>>,
        sources: &[String],
    ) {
        let changed = self.served().changed(old, new, sources);
        if changed.is_empty() {
            return;
        }
        let (swapped, others): (Vec<String>, Vec<String>) = changed
            .into_iter()
            .partition(|path| assets::can_be_swapped(path));
        let urls: Vec<String> = swapped.iter().map(|path| format!("/{path}")).collect();
        let urls = serde_json::Value::from(urls).to_string();
        self.clients.each(|client| {
            let Some(Ok(page)) = shown.get(&client.path) else {
                return;
            };
            if others.iter().any(|path| assets::is_named_in(path, page)) {
                client.send(Message::Reload);
            } else if !swapped.is_empty() {
                client.send(Message::Files(urls.clone()));
            }
        });
    }

    /// The URL path of the page to which browsers go, if they follow what is saved: that of the one source among
    /// `saved` that has one. `None` if it is shown already, or can't be.
    fn target(&self, site: &Site, saved: &[String]) -> Option<String> {
        if !self.options.follow || saved.len() > MOST_SAVED {
            return None;
        }
        let mut pages = saved
            .iter()
            .filter_map(|source| site.page_at(site.output_of(source)?))
            .filter(|shown| shown.page.is_html());
        let (Some(shown), None) = (pages.next(), pages.next()) else {
            return None;
        };
        let url = shown.page.url.as_str().to_owned();
        let is_there = decode(&url).is_none_or(|path| self.clients.paths().contains(&path));
        (!is_there && render(site, &shown.page.path).is_ok()).then_some(url)
    }

    fn tell_bar(&self) {
        let current = self.current();
        self.clients.each(|client| {
            let bar = bar::json(&current, &self.options, &client.path);
            client.send(Message::Bar(bar));
        });
    }

    /// Reads what changed: the site, and the paths of the sources that are not as they were. `None` if all are.
    fn read(&self, change: &Change) -> Result<Option<(Site, Vec<String>)>, Error> {
        let options = LoadOptions {
            as_of: self.now(),
            drafts: self.options.drafts,
            future: self.options.future,
            unpublished: self.options.unpublished,
            base_url: None,
            below_base_url: false,
            fingerprint: false,
            styles: self.options.styles.clone(),
            cache: None,
        };
        let mut change = Cow::Borrowed(change);
        let time_passed = matches!(&*change, Change::Paths(paths) if paths.is_empty());
        let config = config::read(&self.dir);
        let engine = config.as_ref().map(|config| config.engine.clone());
        if let Ok(Engine::Command { .. }) = engine {
            change = Cow::Owned(Change::Unknown);
            self.run_command(config.as_ref().ok())?;
        }
        let mut loader = self.loader();
        let changed = loader
            .take_in(&self.dir, &change)
            .map_err(|error| self.explain(error))?;
        if !loader.is_behind() && !time_passed {
            return Ok(None);
        }
        let site = loader.make(&options)?;
        let changed = changed.iter().map(ToString::to_string).collect();
        Ok(Some((site, changed)))
    }

    /// Lets another program build the site, if a source has changed.
    fn run_command(&self, config: Option<&Config>) -> Result<(), Error> {
        let Some(builder) = &self.options.builder else {
            let message = "another program builds this site now, as its skep.toml says";
            return Err(Error::new(ErrorKind::Refused, message)
                .in_file(config::FILE)
                .with_hint("start the preview again: it asks whether that program may run"));
        };
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_building.store(true, Ordering::Release);
        let ended = runs.run(&self.dir, &Scope::of(config), builder);
        self.is_building.store(false, Ordering::Release);
        if ended.is_err() {
            // What it left half done is looked through once it is whole.
            self.loader().lose();
        }
        ended
    }

    /// The error of a folder that is gone says so.
    fn explain(&self, error: Error) -> Error {
        if self.dir.exists() {
            return error;
        }
        let message = format!("the site's folder is gone: {}", self.dir.display());
        Error::new(ErrorKind::NoSite, message)
            .with_hint("the preview goes on as soon as the folder is back")
    }

    fn set(&self, change: impl FnOnce(&mut Current)) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut current);
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        // Whatever is missing in it is at worst not told.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that tells `bytes` from other bytes.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
