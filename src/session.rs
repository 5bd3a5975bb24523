//! The store while a version is made, and the versions that were made elsewhere meanwhile.

use std::{path::PathBuf, sync::Arc, time::Duration};

use skep_publisher::{
    archive::{address::SiteId, head::Head},
    error::Kind,
    history,
    store::Store,
    swarm::{Node, OpenStore, Ticket, fetch},
};
use tokio::task::JoinSet;

use crate::{
    context::Context,
    error::{CliError, Result},
    outgoing::Audience,
    swarm::{self, End},
};

/// A store that is open for a new version, with a node on it if somebody is to be told.
pub(crate) struct Session {
    pub(crate) store: Store,
    pub(crate) scratch: PathBuf,
    pub(crate) end: End,
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
    /// Opens the store for `name`.
    pub(crate) async fn open(ctx: &Context, name: &str, audience: &Audience) -> Result<Self> {
        let open = OpenStore::open(&ctx.home, name)?;
        let (store, scratch) = (open.store.clone(), open.scratch());
        let end = match audience.wanted {
            0 => End::Store(Box::new(open)),
            _ => End::Node(swarm::start(ctx, open).await?.0),
        };
        Ok(Self {
            store,
            scratch,
            end,
        })
    }

    /// Asks the audience for versions that another machine has published with the same key, and fails
    /// if there may be some that are not here: to sign beside them would make two histories.
    pub(crate) async fn catch_up(
        &self,
        ctx: &Context,
        site: SiteId,
        audience: &Audience,
        seen: Seen,
    ) -> Result<()> {
        let have = self.newest(site)?;
        if let End::Node(node) = &self.end
            && let Some(peer) = ahead(ctx, node, site, have.as_ref(), &audience.peers).await
        {
            let fetched = fetch::newest(node, site, &peer, fetch::Wanted::Whole).await?;
            let version = fetched.head.length();
            let came =
                format!("version {version} was published from another machine, and is here now");
            // Nobody has seen what these files would change in it.
            if seen == Seen::No {
                return Err(
                    CliError::failed("newer", format!("nothing was published: {came}")).hint(
                        "see with `skep status` what your files change in it, then publish again",
                    ),
                );
            }
            ctx.out.note(format!("Note that {came}."));
        }
        let have = self.newest(site)?.map_or(0, |head| head.length());
        Ok(history::check(&ctx.home, site, have)?)
    }

    fn newest(&self, site: SiteId) -> Result<Option<Head>> {
        Ok(self.store.site(site)?.and_then(|state| state.head))
    }

    /// Ends the node and closes the store.
    pub(crate) async fn close(self) {
        self.end.close().await;
    }
}

/// A peer with a newer version than `have`, or with another of the same number.
async fn ahead(
    ctx: &Context,
    node: &Arc<Node>,
    site: SiteId,
    have: Option<&Head>,
    peers: &[Ticket],
) -> Option<Ticket> {
    let mut tasks = JoinSet::new();
    for peer in peers.iter().cloned() {
        let node = node.clone();
        tasks.spawn(async move {
            let asked = tokio::time::timeout(ASK_TIMEOUT, fetch::offered(&node, site, &peer));
            (asked.await, peer)
        });
    }
    let mut best: Option<(u64, Ticket)> = None;
    while let Some(Ok((answer, peer))) = tasks.join_next().await {
        match answer {
            Ok(Ok(head)) => {
                let length = head.length();
                let known = have.is_some_and(|have| length < have.length() || *have == head);
                if !known && best.as_ref().is_none_or(|(most, _)| length > *most) {
                    best = Some((length, peer));
                }
            }
            Ok(Err(e)) if e.kind == Kind::Hostile => ctx.out.warn(e.to_string()),
            // It has nothing yet, or is away: whoever signs does not wait for it.
            Ok(Err(e)) => ctx.out.step(e.to_string()),
            Err(_) => ctx.out.step("a peer did not say in time what it has"),
        }
    }
    best.map(|(_, peer)| peer)
}
