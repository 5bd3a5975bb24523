//! The store while a version is made.

use std::{path::PathBuf, sync::Arc};

use skep_publisher::{archive::address::SiteId, store::Store, swarm::Node};

use tokio::sync::mpsc;

use crate::{
    catch_up::{self, Seen},
    context::Context,
    error::Result,
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
        audience: &Audience,
    ) -> Result<Self> {
        let opened = match audience.wanted {
            0 => swarm::open(ctx, name).await?,
            _ => swarm::open_node(ctx, name).await?,
        };
        let node = match audience.wanted {
            0 => None,
            _ => opened.end.node().cloned(),
        };
        opened.store.watch(site, ctx.out.watch());
        Ok(Self {
            store: opened.store,
            scratch: opened.scratch,
            node,
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
        &self,
        ctx: &Context,
        site: SiteId,
        audience: &Audience,
        seen: Seen,
    ) -> Result<Option<String>> {
        let asked = match &self.node {
            Some(node) => catch_up::ask(ctx, node, site, &audience.peers, seen).await?,
            None => None,
        };
        catch_up::missing(ctx, &self.store, site, asked)
    }

    /// A node on the store that goes on running under `name`. It is started if it was not.
    pub(crate) async fn stay(self, ctx: &Context, name: &'static str) -> Result<Faceless> {
        let (node, events) = match self.end {
            End::Store(open) => swarm::start(ctx, *open).await?,
            // What happened so far was said.
            End::Node(node) | End::Running(node) => (node, mpsc::channel(1).1),
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
