//! Versions that were made elsewhere with the same key: asked for before anything is signed.

use std::{sync::Arc, time::Duration};

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
    output::count,
};

/// Whether somebody looks at the changes before they are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// They are asked.
    Yes,
    /// `--yes` answers for them.
    No,
}

/// What came of asking.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// What could not be had: to sign beside it would make two histories.
    pub(crate) behind: Option<String>,
    /// The nodes that did not answer.
    pub(crate) silent: Vec<[u8; 32]>,
}

/// How long a node may take to say what it has.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks `peers` for versions that another machine has published with the same key, and takes in what there is.
pub(crate) async fn ask(
    ctx: &Context,
    node: &Arc<Node>,
    site: SiteId,
    peers: &[Ticket],
    seen: Seen,
) -> Result<Asked> {
    let mut behind = None;
    let store = &node.store;
    if store.site(site)?.is_some() {
        // Whose key is here mends its forks, however the site came.
        store.add_site(site, Relation::Own)?;
    }
    let (heads, silent) = heads(ctx, node, site, peers).await;
    for (head, peer) in heads {
        if store.place_of(&head)? == Place::Unknown {
            behind = take(ctx, node, &head, &peer, seen).await?.or(behind);
        }
    }
    Ok(Asked { behind, silent })
}

/// Says which versions a node has brought from another machine that nobody has seen yet; once, as the review that
/// follows shows them.
///
/// # Errors
///
/// If nobody looks at that review: to publish over it would take back what nobody has seen.
pub(crate) fn show(ctx: &Context, store: &Store, site: SiteId, seen: Seen) -> Result<()> {
    let Some(elsewhere) = store.elsewhere(site)? else {
        return Ok(());
    };
    store.shown(site)?;
    told(ctx, seen, came(elsewhere.newest))
}

fn came(version: u64) -> String {
    format!("version {version} was published from another machine, and is here now")
}

/// Says what came, or stops if nobody looks at the review.
fn told(ctx: &Context, seen: Seen, came: String) -> Result<()> {
    // Nobody has seen what these files would change in it.
    if seen == Seen::No {
        return Err(
            CliError::failed("newer", format!("nothing was published: {came}"))
                .hint("see with `skep status` what your files change in it, then publish again"),
        );
    }
    ctx.out.note(format!("Note that {came}."));
    Ok(())
}

/// What is known not to be here of what the key of a site has signed; `asked` is what [`ask`] has found.
pub(crate) fn missing(
    ctx: &Context,
    store: &Store,
    site: SiteId,
    asked: Option<String>,
) -> Result<Option<String>> {
    let have = newest(store, site)?.map_or(0, |head| head.length());
    Ok(asked.or(history::unseen(&ctx.home, site, have)?))
}

/// Takes in the log of `head`, or keeps it as evidence of a fork. Returns what could not be had.
async fn take(
    ctx: &Context,
    node: &Arc<Node>,
    head: &Head,
    peer: &Ticket,
    seen: Seen,
) -> Result<Option<String>> {
    let before = newest(&node.store, head.site())?;
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
    let mut came = came(version);
    if let Some(before) = before
        && node.store.place_of(&before)? == Place::Abandoned
    {
        came += &format!("; it abandons version {} from here", before.length());
    }
    node.store.shown(head.site())?;
    told(ctx, seen, came)?;
    Ok(None)
}

fn newest(store: &Store, site: SiteId) -> Result<Option<Head>> {
    Ok(store.site(site)?.and_then(|state| state.head))
}

/// The heads that the peers have, the longest first, with who has them; and the peers that did not answer.
async fn heads(
    ctx: &Context,
    node: &Arc<Node>,
    site: SiteId,
    peers: &[Ticket],
) -> (Vec<(Head, Ticket)>, Vec<[u8; 32]>) {
    let mut tasks = JoinSet::new();
    for peer in peers.iter().cloned() {
        let node = node.clone();
        tasks.spawn(async move {
            let asked = tokio::time::timeout(ASK_TIMEOUT, fetch::offered(&node, site, &peer));
            (asked.await, peer)
        });
    }
    let mut heads = Vec::new();
    let mut silent = Vec::new();
    while let Some(Ok((answer, peer))) = tasks.join_next().await {
        match answer {
            Ok(Ok(head)) => heads.push((head, peer)),
            Ok(Err(e)) if e.kind == Kind::Hostile => ctx.out.warn(e.to_string()),
            // It has nothing yet.
            Ok(Err(e)) if e.kind == Kind::NotFound => ctx.out.step(e.to_string()),
            Ok(Err(e)) => {
                ctx.out.step(e.to_string());
                silent.push(peer.node());
            }
            Err(_) => silent.push(peer.node()),
        }
    }
    if !silent.is_empty() {
        // Whoever signs does not wait for them.
        ctx.out.note(format!(
            "{} did not say in time what is there; if versions from another machine are, a later publish mends that.",
            count(silent.len() as u64, "peer")
        ));
    }
    heads.sort_by_key(|(head, _)| std::cmp::Reverse(head.length()));
    (heads, silent)
}
