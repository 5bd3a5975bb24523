//! [`Shop`]: what the control pages need of websites on this machine, by the same code that the commands use.

mod counter;
mod drafts;
mod previews;
mod restore;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use skep_generator::{
    LeftOut,
    preview::{PreviewEvent, PreviewOptions},
    scaffold, theme,
};
use skep_publisher::{
    archive::{address::SiteId, head::Head, path::ArchivePath},
    gateway::control::workshop::{
        Concern, Draft, Forked, NewFork, NewWebsite, Place, Refusal, Restored, Theme, Wanted,
        Workshop,
    },
    history, keys,
    publish::{Outcome, Statement, Step, publish},
    review::{Warning, only},
    store::Store,
    swarm::Node,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    commands::{new, publish::check_warnings},
    context::{Context, now, seconds},
    error::{CliError, Result},
    forking,
    site::SiteDir,
};
use drafts::Drafts;
use previews::Previews;
pub(crate) use previews::{preview_path, review_path};

/// Websites on this machine, for the control pages of a running node.
pub(crate) struct Shop {
    ctx: Context,
    store: Store,
    scratch: PathBuf,
    drafts: Drafts,
    previews: Previews,
}

/// A preview for somebody in a terminal.
pub(crate) struct Showing {
    pub(crate) url: String,
    /// Whether the default port was taken.
    pub(crate) port_moved: bool,
    /// What the site leaves out.
    pub(crate) left_out: Vec<LeftOut>,
    shop: Arc<Shop>,
}

impl Drop for Showing {
    fn drop(&mut self) {
        self.shop.previews.stop_at(&self.url);
    }
}

impl Shop {
    /// For the pages of `node`; `scratch` is a folder on the disk of its store, `port` that of the pages.
    pub(crate) fn new(ctx: &Context, node: &Arc<Node>, scratch: PathBuf, port: u16) -> Self {
        let drafts = Drafts::new(ctx, node);
        Self {
            ctx: ctx.clone(),
            store: node.store.clone(),
            scratch,
            previews: Previews::new(port, &drafts),
            drafts,
        }
    }

    /// Counts the changes of a site anew whenever a version of it comes, until the node closes.
    pub(crate) async fn keep_counting(self: Arc<Self>, mut news: Receiver<SiteId>) {
        loop {
            match news.recv().await {
                Ok(site) => self.previews.count_again(Some(site)),
                Err(RecvError::Lagged(_)) => self.previews.count_again(None),
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Starts a preview of the site in `dir`, which `tell` is told of. It ends when what is returned is dropped.
    pub(crate) fn show(
        self: &Arc<Self>,
        site: SiteId,
        dir: &Path,
        options: PreviewOptions,
        tell: impl Fn(&PreviewEvent) + Send + Sync + 'static,
    ) -> Result<Showing> {
        let (url, port_moved, left_out) = self.previews.start_with(site, dir, options, tell)?;
        Ok(Showing {
            url,
            port_moved,
            left_out,
            shop: self.clone(),
        })
    }

    /// Stops all previews.
    pub(crate) fn stop_previews(&self) {
        self.previews.stop_all();
    }

    fn sign_draft(&self, draft: Draft, wanted: &Wanted, progress: &dyn Fn(&str)) -> Result<Head> {
        let site = draft.review.site;
        let key = keys::load(&self.ctx.home, site)?;
        check_warnings(&chosen(&draft.warnings, wanted), &wanted.allow)
            .map_err(|e| e.hint(ALL_THE_SAME))?;
        let is_allowed = |concern: &&Concern| !wanted.allow.iter().any(|n| n == concern.name);
        if let Some(concern) = draft.concerns.iter().find(is_allowed) {
            let message = format!("nothing was published: {}", concern.message);
            return Err(CliError::failed("blocked", message).hint(ALL_THE_SAME));
        }
        let review = match &wanted.only {
            None => draft.review,
            Some(paths) => {
                let paths: HashSet<&ArchivePath> = paths.iter().collect();
                only(&self.store, draft.review, |path| paths.contains(path))?.0
            }
        };
        let _turn = self.drafts.turn(site)?;
        let statement = Statement {
            message: wanted.message.clone(),
            time: seconds(now()),
            as_of: draft.as_of,
            origin: self
                .drafts
                .open(site)?
                .origin()?
                .map(|origin| origin.record()),
        };
        let says = |step| {
            progress(match step {
                Step::Stored => "the new files are in the archive",
                Step::Synced => "they are safe on this disk",
                Step::Signed => "the version is signed with your key",
            });
        };
        let outcome = publish(&self.store, &key, &review, &statement, &self.scratch, says)?;
        let head = match outcome {
            Outcome::Unchanged(head) => head,
            Outcome::Published(published) => published.head,
        };
        history::remember(&self.ctx.home, site, head.length())?;
        Ok(head)
    }
}

/// What a page says where a terminal names `--allow`.
const ALL_THE_SAME: &str = "look at the changes again: mend what the warning is about, or tick \u{201c}Publish all the same\u{201d} below it";

/// The warnings about what is meant.
fn chosen(warnings: &[Warning], wanted: &Wanted) -> Vec<Warning> {
    let is_meant = |warning: &&Warning| match &wanted.only {
        // The sources stay as they are published then.
        Some(paths) => !warning.in_sources && paths.contains(&warning.path),
        None => true,
    };
    warnings.iter().filter(is_meant).cloned().collect()
}

impl Workshop for Shop {
    fn themes(&self) -> Vec<Theme> {
        let names = theme::names().into_iter();
        names
            .map(|name| Theme {
                description: theme::description(&name).unwrap_or_default(),
                name,
            })
            .collect()
    }

    fn websites_folder(&self) -> PathBuf {
        websites_folder()
    }

    fn create(&self, wanted: &NewWebsite) -> Result<SiteId, Refusal> {
        if !theme::names().contains(&wanted.theme) {
            return Err(Refusal::new(format!(
                "there is no theme {:?}",
                wanted.theme
            )));
        }
        let dir = folder_for(&wanted.folder, &wanted.title);
        if let Some(parent) = dir.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|e| Refusal::new(format!("can't make {}: {e}", parent.display())))?;
        }
        Ok(new::make(
            &self.ctx,
            &dir,
            &wanted.title,
            None,
            &wanted.theme,
        )?)
    }

    fn fork(&self, wanted: &NewFork) -> Result<Forked, Refusal> {
        let state = self.store.known(wanted.site)?;
        let entry = self.store.version(&state, Some(wanted.version))?;
        let dir = folder_for(&wanted.folder, &wanted.title);
        let forked = forking::fork(&self.ctx, &self.store, &state, &entry, &dir)?;
        let title = SiteDir::open(&self.ctx, &dir)?.config.title;
        Ok(Forked {
            site: forked.site,
            title: title.unwrap_or_default(),
            folder: dir,
            command: forked.command,
            missing: forked.trial.map_or(Vec::new(), |trial| trial.missing),
            url: forked.url,
        })
    }

    fn preview(&self, site: SiteId) -> Option<String> {
        self.previews.url(site)
    }

    fn start_preview(&self, site: SiteId) -> Result<String, Refusal> {
        if let Some(url) = self.previews.url(site) {
            return Ok(url);
        }
        let dir = self.drafts.open(site)?;
        Ok(self.previews.start(&self.ctx, site, &dir)?)
    }

    fn stop_preview(&self, site: SiteId) {
        self.previews.stop(site);
    }

    fn draft(&self, site: SiteId) -> Result<Draft, Refusal> {
        Ok(self.drafts.draft(site)?)
    }

    fn choose_sources(&self, site: SiteId, publish: bool) -> Result<(), Refusal> {
        let dir = self.drafts.open(site)?;
        let _turn = self.drafts.turn(site)?;
        Ok(scaffold::set_publish_source(&dir.dir, publish).map_err(CliError::from)?)
    }

    fn sign(
        &self,
        draft: Draft,
        wanted: &Wanted,
        progress: &dyn Fn(&str),
    ) -> Result<Head, Refusal> {
        Ok(self.sign_draft(draft, wanted, progress)?)
    }

    fn restore(&self, draft: &Draft, change: Place<'_>) -> Result<Restored, Refusal> {
        let dir = self.drafts.open(draft.review.site)?;
        Ok(restore::restore(
            &self.ctx,
            &self.store,
            &dir,
            draft,
            change,
        )?)
    }
}

/// Where new websites are put if nobody says otherwise: beside the documents of whoever runs skep.
fn websites_folder() -> PathBuf {
    let home = etcetera::home_dir().unwrap_or_else(|_| PathBuf::from("/"));
    home.join("Websites")
}

/// The folder that was typed, or a new one for a website of that title.
fn folder_for(typed: &Path, title: &str) -> PathBuf {
    match typed.as_os_str().is_empty() {
        true => free_folder(title),
        // What is relative is so to the folder that is shown beside the field.
        false => websites_folder().join(typed),
    }
}

/// A folder for a website of that title that is not there yet.
fn free_folder(title: &str) -> PathBuf {
    let name = match title.contains(char::is_alphanumeric) {
        true => skep_generator::slug(title).chars().take(60).collect(),
        false => "website".to_owned(),
    };
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    let folder = websites_folder();
    let free = names.find(|name| !folder.join(name).exists());
    folder.join(free.unwrap_or(name))
}

impl std::convert::From<CliError> for Refusal {
    fn from(error: CliError) -> Self {
        Self {
            message: error.message,
            hint: error.hint,
        }
    }
}
