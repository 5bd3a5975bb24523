//! The previews that run in this process, one a site.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use skep_generator::preview::{self, Preview, PreviewOptions};
use skep_publisher::archive::address::SiteId;

use crate::{
    context::{Context, now},
    error::{CliError, Result},
};

/// The running previews.
pub(super) struct Previews {
    /// The port of the control pages, to which the previews link.
    port: u16,
    running: Mutex<HashMap<SiteId, Preview>>,
}

/// So many previews run at once: each watches a folder and keeps a site in memory.
const MOST: usize = 32;

impl Previews {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            running: Mutex::default(),
        }
    }

    /// The URL of the preview of a site, if it runs.
    pub(super) fn url(&self, site: SiteId) -> Option<String> {
        self.lock().get(&site).map(|preview| preview.url.clone())
    }

    /// Starts the preview of the site in `dir`.
    pub(super) fn start(&self, ctx: &Context, site: SiteId, dir: &Path) -> Result<String> {
        let mut running = self.lock();
        if let Some(preview) = running.get(&site) {
            return Ok(preview.url.clone());
        }
        if running.len() >= MOST {
            let message = format!("{MOST} previews run already");
            return Err(CliError::failed("preview", message).hint("stop one of them first"));
        }
        let options = PreviewOptions {
            drafts: true,
            review_url: Some(review_url(self.port, site)),
            cache: Some(ctx.home.cache()),
            ..PreviewOptions::new(now)
        };
        // What goes wrong is shown in the browser, where whoever looks at it is.
        let preview = preview::start(dir, options, |_| {})?;
        let url = preview.url.clone();
        running.insert(site, preview);
        Ok(url)
    }

    /// Stops the preview of a site, if it runs.
    pub(super) fn stop(&self, site: SiteId) {
        let preview = self.lock().remove(&site);
        // It waits for its threads: not under the lock.
        drop(preview);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SiteId, Preview>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page on which the changes of a site are reviewed and published.
pub(crate) fn review_url(port: u16, site: SiteId) -> String {
    format!("http://localhost:{port}/sites/{site}/review")
}
