//! The store while a version is made.

use std::{path::PathBuf, sync::Arc};

use skep_publisher::{
    archive::address::SiteId,
    store::Store,
    swarm::{Node, known::remembered},
};

use tokio::sync::mpsc;

use crate::{
    catch_up::{self, Asked, Seen},
    context::Context,
    error::{CliError, Result},
    faceless::Faceless,
    outgoing::Audience,
    sites::Turn,
    swarm::{self, End},
};

/// A store that is open for a new version, with a node on it if somebody is to be told.
pub(crate) struct Session {
    pub(crate) store: Store,
    pub(crate) scratch: PathBuf,
    /// The node that asks and tells others, if somebody is to be asked and told.
    pub(crate) node: Option<Arc<Node>>,
    /// Whom it asks and tells.
    pub(crate) audience: Audience,
    /// The nodes that did not answer when they were asked.
    pub(crate) silent: Vec<[u8; 32]>,
    /// While a version is made, nobody else in this process makes one.
    turn: Option<Turn>,
    end: End,
}

impl Session {
    /// Opens the store for `name`, which makes a version of `site`.
    pub(crate) async fn open(
        ctx: &Context,
        name: &str,
        site: SiteId,
        audience: Audience,
    ) -> Result<Self> {
        let mut opened = swarm::open(ctx, name).await?;
        let known = match opened.end.node() {
            Some(node) => node.known(site),
            None => remembered(&opened.store, site),
        };
        let audience = match known
            .map_err(CliError::from)
            .and_then(|known| audience.with(known))
        {
            Ok(audience) => audience,
            Err(e) => {
                opened.end.close().await;
                return Err(e);
            }
        };
        let mut node = None;
        if !audience.asked().is_empty() {
            opened.end = opened.end.start(ctx).await?;
            node = opened.end.node().cloned();
        }
        opened.store.watch(site, ctx.out.watch());
        Ok(Self {
            store: opened.store,
            scratch: opened.scratch,
            node,
            audience,
            silent: Vec::new(),
            turn: Some(ctx.turn(site).await),
            end: opened.end,
        })
    }

    /// Lets others work on the site: its version is made, and may be had if the node runs on.
    pub(crate) async fn end_turn(&mut self, ctx: &Context, site: SiteId) {
        self.turn = None;
        self.end.share(ctx, site).await;
    }

    /// Asks the audience what it has that is not here; see [`catch_up`].
    pub(crate) async fn catch_up(
        &mut self,
        ctx: &Context,
        site: SiteId,
        seen: Seen,
    ) -> Result<Option<String>> {
        let mut asked = Asked::default();
        if let Some(node) = &self.node {
            asked = catch_up::ask(ctx, node, site, &self.audience.asked(), seen).await?;
        }
        self.silent = asked.silent;
        catch_up::show(ctx, &self.store, site, seen)?;
        catch_up::missing(ctx, &self.store, site, asked.behind)
    }

    /// A node on the store that goes on running under `name`. It is started if it was not.
    pub(crate) async fn stay(self, ctx: &Context, name: &'static str) -> Result<Faceless> {
        let (node, events) = match self.end {
            End::Store(open) => swarm::start(ctx, *open).await?,
            End::Node(node, events) => (node, events),
            // Its events are said where it runs.
            End::Running(node) => (node, mpsc::channel(1).1),
        };
        Ok(Faceless {
            name,
            node,
            scratch: self.scratch,
            events,
        })
    }

    /// Ends the node and closes the store.
    pub(crate) async fn close(self) {
        self.end.close().await;
    }
}
