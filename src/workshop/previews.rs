//! The previews that run in this process, one a site.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use skep_generator::{
    Engine, LeftOut,
    preview::{self, Preview, PreviewEvent, PreviewOptions},
};
use skep_publisher::archive::address::SiteId;

use super::{counter::Counter, drafts::Drafts};
use crate::{
    confined,
    context::{Context, now},
    engine,
    error::{CliError, Result},
    output::Output,
    site::SiteDir,
    trust,
};

/// The running previews.
pub(super) struct Previews {
    /// The port of the control pages, to which the previews link.
    port: u16,
    drafts: Drafts,
    running: Mutex<Vec<Running>>,
}

/// A preview, and what counts for its bar how much would be published.
struct Running {
    site: SiteId,
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

    /// The URL of the newest preview of a site, if one runs.
    pub(super) fn url(&self, site: SiteId) -> Option<String> {
        let running = self.lock();
        let mut of_site = running.iter().filter(|running| running.site == site);
        of_site
            .next_back()
            .map(|running| running.preview.url.clone())
    }

    /// Starts the preview of the site in `dir`, and returns its URL.
    pub(super) fn start(&self, ctx: &Context, site: SiteId, dir: &SiteDir) -> Result<String> {
        let builder = match &dir.config.engine {
            Engine::Command { command, .. } => {
                // A command that nobody has trusted is not run because a page asks for it.
                trust::known(ctx, dir, command)?;
                let (out, _) = Output::gathered();
                Some(engine::builder(&ctx.clone().with_output(out), &dir.dir))
            }
            _ => None,
        };
        let options = PreviewOptions {
            drafts: true,
            styles: confined::compiler(),
            cache: Some(ctx.home.cache()),
            builder,
            ..PreviewOptions::new(now)
        };
        // What goes wrong is shown in the browser, where whoever looks at it is.
        Ok(self.start_with(site, &dir.dir, options, |_| {})?.0)
    }

    /// As [`start`](Self::start), with other options; `tell` is told of what happens. Also returns whether the
    /// default port was taken, and what the site leaves out.
    pub(super) fn start_with(
        &self,
        site: SiteId,
        dir: &Path,
        options: PreviewOptions,
        tell: impl Fn(&PreviewEvent) + Send + Sync + 'static,
    ) -> Result<(String, bool, Vec<LeftOut>)> {
        let mut running = self.lock();
        if running.len() >= MOST {
            let message = format!("{MOST} previews run already");
            return Err(CliError::failed("preview", message).hint("stop one of them first"));
        }
        let options = PreviewOptions {
            review_url: Some(format!(
                "http://localhost:{}{}",
                self.port,
                review_path(site)
            )),
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
        let started = (preview.url.clone(), preview.port_moved, preview.left_out());
        running.push(Running {
            site,
            preview,
            counter,
        });
        Ok(started)
    }

    /// Counts the changes of a site anew, if its preview runs; of all sites if it is `None`.
    pub(super) fn count_again(&self, site: Option<SiteId>) {
        let running = self.lock();
        let meant = running
            .iter()
            .filter(|r| site.is_none_or(|site| r.site == site));
        meant.for_each(|running| running.counter.wake());
    }

    /// Stops the previews of a site.
    pub(super) fn stop(&self, site: SiteId) {
        self.stop_those(|running| running.site == site);
    }

    /// Stops the preview at `url`.
    pub(super) fn stop_at(&self, url: &str) {
        self.stop_those(|running| running.preview.url == url);
    }

    /// Stops all previews.
    pub(super) fn stop_all(&self) {
        self.stop_those(|_| true);
    }

    fn stop_those(&self, is_meant: impl Fn(&Running) -> bool) {
        let stopped: Vec<Running> = {
            let mut running = self.lock();
            running
                .extract_if(.., |running| is_meant(running))
                .collect()
        };
        // They wait for their threads: not under the lock.
        drop(stopped);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The control page that leads to the preview of a site.
pub(crate) fn preview_path(site: SiteId) -> String {
    format!("/sites/{site}/preview")
}

/// The control page on which the changes of a site are reviewed and published.
pub(crate) fn review_path(site: SiteId) -> String {
    format!("/sites/{site}/review")
}
