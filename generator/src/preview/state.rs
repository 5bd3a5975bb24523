//! The site as it is now, and what happens when it changes.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use jiff::Timestamp;

use super::clients::{Clients, Message};
use super::{PreviewEvent, PreviewOptions};
use crate::error::{Error, ErrorKind};
use crate::load::{Change, LoadOptions, Loader};
use crate::render::render;
use crate::site::{Output, Site};
use crate::sources::Content;

/// What the server and the watcher share.
pub(super) struct State {
    dir: PathBuf,
    options: PreviewOptions,
    current: RwLock<Current>,
    loader: Mutex<Loader>,
    pub(super) clients: Clients,
    on_event: Box<dyn Fn(PreviewEvent) + Send + Sync>,
}

/// The site as it is shown.
#[derive(Clone, Default)]
pub(super) struct Current {
    /// The last site that could be read.
    pub(super) site: Option<Arc<Site>>,
    /// Why it can't be read now, if it can't.
    pub(super) error: Option<Arc<Error>>,
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
        let state = Self {
            dir,
            options,
            current: RwLock::default(),
            loader: Mutex::default(),
            clients: Clients::default(),
            on_event,
        };
        match state.read(Change::Unknown) {
            Ok(site) => state.set(Some(Arc::new(site)), None),
            Err(error) if error.kind == ErrorKind::NoSite => return Err(error),
            Err(error) => {
                state.set(None, Some(Arc::new(error.clone())));
                (state.on_event)(PreviewEvent::Failed(error));
            }
        }
        Ok(state)
    }

    pub(super) fn current(&self) -> Current {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When the next post becomes due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.current().site?.next_due
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    /// Reads the site again after `paths` changed, and tells the browsers.
    pub(super) fn reload(&self, change: Change) {
        let started = Instant::now();
        let paths = match &change {
            Change::Paths(paths) => paths.clone(),
            Change::Unknown => Vec::new(),
        };
        let before = self.current();
        let result = self.read(change);
        let failure = match result {
            Ok(site) => {
                let site = Arc::new(site);
                let assets = match &before.site {
                    Some(old) => changed_assets(old, &site),
                    None => Vec::new(),
                };
                self.set(Some(Arc::clone(&site)), None);
                let failure = self.tell_clients(&site, &assets);
                if failure.is_none() {
                    (self.on_event)(PreviewEvent::Changed {
                        paths,
                        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                    });
                }
                failure
            }
            Err(error) => {
                self.set(before.site.clone(), Some(Arc::new(error.clone())));
                self.clients.each(|client| client.fail(&error));
                Some(error)
            }
        };
        let was_failing = self.clients.set_failing(failure.is_some()) || before.error.is_some();
        match failure {
            Some(error) => (self.on_event)(PreviewEvent::Failed(error)),
            None if was_failing => (self.on_event)(PreviewEvent::Mended),
            None => {}
        }
    }

    /// What there is at the decoded URL path `path`.
    pub(super) fn view(site: &Site, path: &str) -> View {
        let inside = path.strip_prefix('/').unwrap_or(path);
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
        match site
            .outputs
            .contains_key(format!("{inside}/index.html").as_str())
        {
            true => View::Redirect,
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

    fn tell_clients(&self, site: &Site, assets: &[String]) -> Option<Error> {
        let only_styles = assets.iter().all(|path| path.ends_with(".css"));
        let mut rendered: BTreeMap<String, Result<Vec<u8>, Error>> = BTreeMap::new();
        let mut failure = None;
        self.clients.each(|client| {
            let page = rendered
                .entry(client.path.clone())
                .or_insert_with_key(|path| Self::shown(site, path));
            match page {
                Ok(bytes) => {
                    let uses = |asset: &String| {
                        let name = asset.rsplit('/').next().unwrap_or(asset);
                        contains(bytes, name.as_bytes())
                    };
                    if fingerprint(bytes) != client.seen
                        || (!only_styles && assets.iter().any(uses))
                    {
                        client.send(Message::Reload);
                    } else {
                        client.mend();
                        if !assets.is_empty() && only_styles {
                            client.send(Message::Styles);
                        }
                    }
                }
                Err(error) => {
                    client.fail(error);
                    failure.get_or_insert_with(|| error.clone());
                }
            }
        });
        failure
    }

    fn read(&self, change: Change) -> Result<Site, Error> {
        let options = LoadOptions {
            as_of: self.now(),
            drafts: self.options.drafts,
            future: self.options.future,
            unpublished: self.options.unpublished,
            base_url: None,
            fingerprint: false,
        };
        self.loader().load(&self.dir, &options, change)
    }

    fn set(&self, site: Option<Arc<Site>>, error: Option<Arc<Error>>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Current { site, error };
    }

    fn loader(&self) -> MutexGuard<'_, Loader> {
        // It is only ever a copy of what lies in the folder.
        self.loader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that tells `bytes` from other bytes.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// The paths of files that are no HTML pages and differ between `old` and `new`.
fn changed_assets(old: &Site, new: &Site) -> Vec<String> {
    let mut changed = Vec::new();
    for (path, output) in &*new.outputs {
        let same = match (output, old.outputs.get(path)) {
            (Output::File(a), Some(Output::File(b))) => {
                let (a, b) = (new.files.get(a), old.files.get(b));
                match (
                    a.map(|file| &file.source.content),
                    b.map(|file| &file.source.content),
                ) {
                    (Some(Content::Theme(_)), Some(Content::Theme(_))) => true,
                    (a, b) => a == b,
                }
            }
            (Output::Style(_), Some(Output::Style(_))) => {
                new.styles == old.styles || render(old, path).ok() == render(new, path).ok()
            }
            (Output::Page { id, .. }, Some(Output::Page { .. }))
                if new.page(*id).is_some_and(|page| !page.is_html()) =>
            {
                render(old, path).ok() == render(new, path).ok()
            }
            (Output::File(_) | Output::Style(_), _) => false,
            _ => true,
        };
        if !same {
            changed.push(path.to_string());
        }
    }
    changed
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}
