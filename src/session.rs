//! The store while a version is made, and the versions that were made elsewhere meanwhile.

use std::{path::PathBuf, sync::Arc, time::Duration};

use skep_publisher::{
    archive::{address::SiteId, head::Head},
    error::Kind,
    history,
    store::{Place, Relation, Store},
    swarm::{Node, Ticket, fetch},
};
use tokio::task::JoinSet;

use crate::{
    context::Context,
    error::{CliError, Result},
    outgoing::Audience,
    output::count,
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

/// Whether somebody looks at the changes before they are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// They are asked.
    Yes,
    /// `--yes` answers for them.
    No,
}

/// How long a node may take to say what it has.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

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

    /// Asks the audience for versions that another machine has published with the same key, and takes in
    /// what there is. Returns what is known not to be here: to sign beside it would make two histories.
    pub(crate) async fn catch_up(
        &self,
        ctx: &Context,
        site: SiteId,
        audience: &Audience,
        seen: Seen,
    ) -> Result<Option<String>> {
        let mut behind = None;
        if let Some(node) = &self.node {
            if self.store.site(site)?.is_some() {
                // Whose key is here mends its forks, however the site came.
                self.store.add_site(site, Relation::Own)?;
            }
            for (head, peer) in ask(ctx, node, site, &audience.peers).await {
                if self.store.place_of(&head)? == Place::Unknown {
                    behind = self.take(ctx, node, &head, &peer, seen).await?.or(behind);
                }
            }
        }
        let have = self.newest(site)?.map_or(0, |head| head.length());
        Ok(behind.or(history::unseen(&ctx.home, site, have)?))
    }

    /// Takes in the log of `head`, or keeps it as evidence of a fork. Returns what could not be had.
    async fn take(
        &self,
        ctx: &Context,
        node: &Arc<Node>,
        head: &Head,
        peer: &Ticket,
        seen: Seen,
    ) -> Result<Option<String>> {
        let before = self.newest(head.site())?;
        let version = match fetch::newest(node, head.site(), peer, fetch::Wanted::Whole).await {
            Ok(fetched) => fetched.head.length(),
            // The review shows what it has, or that it is not here.
            Err(e) if matches!(e.kind, Kind::Conflict | Kind::Older) => {
                ctx.out.step(e.to_string());
                return Ok(None);
            }
            Err(e) => {
                return Ok(Some(format!(
                    "the key of this site has signed version {} elsewhere, and it could not be fetched: {e}",
                    head.length()
                )));
            }
        };
        let mut came =
            format!("version {version} was published from another machine, and is here now");
        if let Some(before) = before
            && self.store.place_of(&before)? == Place::Abandoned
        {
            came += &format!("; it abandons version {} from here", before.length());
        }
        // Nobody has seen what these files would change in it.
        if seen == Seen::No {
            return Err(
                CliError::failed("newer", format!("nothing was published: {came}")).hint(
                    "see with `skep status` what your files change in it, then publish again",
                ),
            );
        }
        ctx.out.note(format!("Note that {came}."));
        Ok(None)
    }

    fn newest(&self, site: SiteId) -> Result<Option<Head>> {
        Ok(self.store.site(site)?.and_then(|state| state.head))
    }

    /// Ends the node and closes the store.
    pub(crate) async fn close(self) {
        self.end.close().await;
    }
}

/// The heads that the peers have, the longest first, with who has them.
async fn ask(
    ctx: &Context,
    node: &Arc<Node>,
    site: SiteId,
    peers: &[Ticket],
) -> Vec<(Head, Ticket)> {
    let mut tasks = JoinSet::new();
    for peer in peers.iter().cloned() {
        let node = node.clone();
        tasks.spawn(async move {
            let asked = tokio::time::timeout(ASK_TIMEOUT, fetch::offered(&node, site, &peer));
            (asked.await, peer)
        });
    }
    let mut heads = Vec::new();
    let mut silent = 0;
    while let Some(Ok((answer, peer))) = tasks.join_next().await {
        match answer {
            Ok(Ok(head)) => heads.push((head, peer)),
            Ok(Err(e)) if e.kind == Kind::Hostile => ctx.out.warn(e.to_string()),
            // It has nothing yet.
            Ok(Err(e)) if e.kind == Kind::NotFound => ctx.out.step(e.to_string()),
            Ok(Err(e)) => {
                ctx.out.step(e.to_string());
                silent += 1;
            }
            Err(_) => silent += 1,
        }
    }
    if silent > 0 {
        // Whoever signs does not wait for them.
        ctx.out.note(format!(
            "{} did not say in time what is there; if versions from another machine are, a later publish mends that.",
            count(silent, "peer")
        ));
    }
    heads.sort_by_key(|(head, _)| std::cmp::Reverse(head.length()));
    heads
}
