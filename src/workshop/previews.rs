//! The previews that run in this process, one a site.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use skep_generator::preview::{self, Preview, PreviewEvent, PreviewOptions};
use skep_publisher::archive::address::SiteId;

use super::{counter::Counter, drafts::Drafts};
use crate::{
    context::{Context, now},
    error::{CliError, Result},
};

/// The running previews.
pub(super) struct Previews {
    /// The port of the control pages, to which the previews link.
    port: u16,
    drafts: Drafts,
    running: Mutex<HashMap<SiteId, Running>>,
}

/// A preview, and what counts for its bar how much would be published.
struct Running {
    preview: Preview,
    counter: Counter,
}

/// What tells the browsers how many changes there are.
type Teller = Box<dyn Fn(Option<usize>) + Send + Sync>;

/// So many previews run at once: each watches a folder and keeps a site in memory.
const MOST: usize = 32;

impl Previews {
    pub(super) fn new(port: u16, drafts: &Drafts) -> Self {
        Self {
            port,
            drafts: drafts.clone(),
            running: Mutex::default(),
        }
    }

    /// The URL of the preview of a site, if it runs.
    pub(super) fn url(&self, site: SiteId) -> Option<String> {
        self.lock()
            .get(&site)
            .map(|running| running.preview.url.clone())
    }

    /// Starts the preview of the site in `dir`.
    pub(super) fn start(&self, ctx: &Context, site: SiteId, dir: &Path) -> Result<String> {
        let options = PreviewOptions {
            drafts: true,
            cache: Some(ctx.home.cache()),
            ..PreviewOptions::new(now)
        };
        // What goes wrong is shown in the browser, where whoever looks at it is.
        self.start_with(site, dir, options, |_| {})
    }

    /// As [`start`](Self::start), with other options; `tell` is told of what happens. One that runs already stays.
    pub(super) fn start_with(
        &self,
        site: SiteId,
        dir: &Path,
        options: PreviewOptions,
        tell: impl Fn(&PreviewEvent) + Send + Sync + 'static,
    ) -> Result<String> {
        let mut running = self.lock();
        if let Some(running) = running.get(&site) {
            return Ok(running.preview.url.clone());
        }
        if running.len() >= MOST {
            let message = format!("{MOST} previews run already");
            return Err(CliError::failed("preview", message).hint("stop one of them first"));
        }
        let options = PreviewOptions {
            review_url: Some(review_url(self.port, site)),
            ..options
        };
        // The preview tells the counter of changes, and the counter the preview of counts.
        let told: Arc<OnceLock<Teller>> = Arc::default();
        let counter = {
            let (drafts, told) = (self.drafts.clone(), told.clone());
            let tell = move |changes| {
                if let Some(tell) = told.get() {
                    tell(changes);
                }
            };
            Counter::start(move || drafts.count(site), tell).map_err(|e| {
                CliError::failed("preview", format!("could not start the preview: {e}"))
            })?
        };
        let wake = counter.waker();
        let preview = preview::start(dir, options, move |event| {
            if matches!(event, PreviewEvent::Changed { .. } | PreviewEvent::Mended) {
                wake();
            }
            tell(&event);
        })?;
        let _ = told.set(Box::new(preview.change_teller()));
        counter.wake();
        let url = preview.url.clone();
        running.insert(site, Running { preview, counter });
        Ok(url)
    }

    /// Counts the changes of a site anew, if its preview runs.
    pub(super) fn count_again(&self, site: SiteId) {
        if let Some(running) = self.lock().get(&site) {
            running.counter.wake();
        }
    }

    /// Counts the changes of all sites anew whose previews run.
    pub(super) fn count_all_again(&self) {
        self.lock()
            .values()
            .for_each(|running| running.counter.wake());
    }

    /// Stops the preview of a site, if it runs.
    pub(super) fn stop(&self, site: SiteId) {
        let running = self.lock().remove(&site);
        // It waits for its threads: not under the lock.
        drop(running);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SiteId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page on which the changes of a site are reviewed and published.
pub(crate) fn review_url(port: u16, site: SiteId) -> String {
    format!("http://localhost:{port}/sites/{site}/review")
}
