//! [`Drafts`]: what a publish of a site would bring, for pages and for counts.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use skep_generator::Engine;
use skep_publisher::{
    archive::address::SiteId,
    gateway::control::workshop::Draft,
    keys,
    library::folders::{self, Folder},
    review::Rows,
    store::Store,
    swarm::{Node, Ticket},
};
use tokio::runtime::Handle;

use crate::{
    built::{From, Trust},
    catch_up::{self, Seen},
    choice::Choice,
    context::{Context, now, seconds},
    error::{CliError, Result},
    fork::Fork,
    output::Output,
    site::SiteDir,
    sites::Turn,
    sources,
};

/// What drafts are made with. Its methods block, and must not be called by what runs tasks.
#[derive(Clone)]
pub(super) struct Drafts {
    ctx: Context,
    node: Arc<Node>,
    runtime: Handle,
}

/// How long a page waits for a command in a terminal.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it waits before it looks again.
const PAUSE: Duration = Duration::from_millis(20);

impl Drafts {
    pub(super) fn new(ctx: &Context, node: &Arc<Node>) -> Self {
        Self {
            ctx: ctx.clone(),
            node: node.clone(),
            runtime: Handle::current(),
        }
    }

    /// The folder of a site.
    pub(super) fn open(&self, site: SiteId) -> Result<SiteDir> {
        let folder = self.folder(site)?;
        let dir = SiteDir::open(&self.ctx, &folder.dir)?;
        match dir.id()? == site {
            true => Ok(dir),
            false => Err(CliError::failed(
                "no-folder",
                format!("{} is another website now", folder.dir.display()),
            )
            .hint("run `skep status` once in the folder of this one")),
        }
    }

    fn folder(&self, site: SiteId) -> Result<Folder> {
        let known = folders::of(&self.ctx.home, site)?;
        known.ok_or_else(|| {
            CliError::failed(
                "no-folder",
                "the folder of this website is not known on this machine",
            )
            .hint("run `skep status` once in that folder")
        })
    }

    /// The right to build, review and sign a site: no command in a terminal does it meanwhile.
    pub(super) fn turn(&self, site: SiteId) -> Result<Turn> {
        let end = Instant::now() + PATIENCE;
        // The runtime's own timers are not to be waited for here: it may be about to end, and they with it.
        loop {
            if self.node.is_closed() {
                return Err(CliError::failed("cancelled", "skep is about to end"));
            }
            if let Some(turn) = self.ctx.sites.try_turn(site) {
                return Ok(turn);
            }
            if Instant::now() > end {
                let message = "a command in a terminal is at work on this website";
                return Err(CliError::failed("busy", message)
                    .hint("answer it there, or end it; then try again here"));
            }
            thread::sleep(PAUSE);
        }
    }

    /// What a publish would bring, after the nodes that keep the site were asked for versions from other machines.
    pub(super) fn draft(&self, site: SiteId) -> Result<Draft> {
        let (out, said) = Output::gathered();
        let ctx = self.ctx.clone().with_output(out);
        let _turn = self.turn(site)?;
        let known = self.node.known(site)?.into_iter();
        let known: Vec<Ticket> = known.map(|known| known.ticket).collect();
        let asked = match known.is_empty() {
            true => None,
            false => {
                let asking = catch_up::ask(&ctx, &self.node, site, &known, Seen::Yes);
                self.runtime.block_on(asking)?.behind
            }
        };
        catch_up::show(&ctx, &self.node.store, site, Seen::Yes)?;
        let mut draft = self.made(&ctx, site, asked, false)?;
        if draft.review.clock_behind(seconds(now())).is_some() {
            ctx.out.note(
                "The clock of this machine is behind the newest version, whose date the next one gets too.",
            );
        }
        draft.notes = said.take();
        Ok(draft)
    }

    /// How many changes a publish would bring, as the review counts them; `None` if it can't be known now.
    pub(super) fn count(&self, site: SiteId) -> Option<usize> {
        let (out, _) = Output::gathered();
        let _turn = self.turn(site).ok()?;
        let draft = self.made(&self.ctx.clone().with_output(out), site, None, true);
        let review = draft.ok()?.review;
        Some(Rows::of(&review.output).count() + Rows::of(&review.sources).count())
    }

    fn made(
        &self,
        ctx: &Context,
        site: SiteId,
        asked: Option<String>,
        counts: bool,
    ) -> Result<Draft> {
        let store: &Store = &self.node.store;
        let dir = self.open(site)?;
        keys::load(&ctx.home, site)?;
        // A command that nobody has trusted is not run because a page asks for it. A count takes what the preview has
        // built already.
        let from = From {
            no_build: counts && matches!(dir.config.engine, Engine::Command { .. }),
            trust: Trust { trust: false },
        };
        let built = from.plan(ctx, &dir)?.carry_out(ctx, site)?;
        let (review, _) = built.review(ctx, store, &Choice::ALL)?;
        let known = built.inspect(ctx, &review)?;
        let behind = catch_up::missing(ctx, store, site, asked)?;
        let origins = review
            .output
            .changes
            .iter()
            .filter_map(|change| Some((change.path.clone(), built.source_of(&change.path)?)));
        Ok(Draft {
            title: dir.config.title.clone().unwrap_or_default(),
            ask_sources: sources::is_open(&dir),
            concerns: Fork::of(&review, behind).concerns(),
            origins: origins.collect(),
            warnings: known.warnings,
            as_of: known.as_of,
            notes: Vec::new(),
            review,
        })
    }
}
