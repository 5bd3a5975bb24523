//! Following sites: a followed site is fetched, kept up to date while a node runs, and shared with others.
//!
//! News come over links ([`link`](super::link)), at once. Now and then some known peers are asked all the same: one
//! that has no room for a link may have a newer version.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::AbortHandle};

use super::{
    cache,
    fetch::{self, Fetched},
    find::{self, Holders},
    keep::wanted,
    link::{Part, drive},
    network::Ticket,
    node::{Node, blocking},
};
use crate::{
    archive::{address::SiteId, head::Head},
    error::{Error, Kind, Result},
    store::{OwnSites, Peer, Relation, SiteState},
};

/// What came of following a site.
#[derive(Debug)]
pub struct Following {
    /// What the site was before; `None` if it was not known.
    pub before: Option<Relation>,
    /// What it is now: followed, or pinned if it was.
    pub relation: Relation,
    /// The newest version that is here, if one is.
    pub version: Option<u64>,
    /// How many bytes were received for it, on the wire.
    pub received: u64,
    /// Why no peer gave its newest version: the site is followed all the same, and comes as soon as somebody
    /// is met who has it.
    pub missing: Option<Error>,
}

/// How often peers are asked.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// After how long some of a site's peers are asked again, about, whether there are links or not.
    pub every: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(15 * 60),
        }
    }
}

/// How many sites have their peers asked at a time.
const AT_ONCE: usize = 8;
/// How many peers of a site are asked in one round.
const ASKED: usize = 4;
/// How often counters are written.
const WRITTEN: Duration = Duration::from_secs(60);

/// Follows a site: fetches its newest version from `peers`, or from those known before, and shares it from
/// then on. A host that pins it goes on keeping all of it.
///
/// # Errors
///
/// [`Kind::Usage`] if it is a site of one's own. That nobody has it is no error: see
/// [`Following::missing`].
pub async fn follow(node: &Arc<Node>, site: SiteId, peers: &[Ticket]) -> Result<Following> {
    let (store, named) = (node.store.clone(), peers.to_vec());
    let (before, relation, known) = blocking(move || {
        let before = store.site(site)?.map(|state| state.relation);
        if before == Some(Relation::Own) {
            let message = format!("skep://{site} is a site of your own");
            return Err(Error::new(Kind::Usage, message)
                .hint("it is shared already whenever a node runs: `skep browse`, `skep node`"));
        }
        store.add_site(site, Relation::Followed)?;
        for ticket in &named {
            let peer = Peer {
                node: ticket.node(),
                ticket: ticket.to_string(),
                heard: 0,
                named: true,
            };
            store.remember_peer(site, &peer)?;
        }
        let relation = store.site(site)?.map(|state| state.relation);
        let relation = relation.unwrap_or(Relation::Followed);
        Ok((before, relation, store.peers(site)?))
    })
    .await?;
    let mut asked = peers.to_vec();
    for ticket in known
        .iter()
        .filter_map(|peer| peer.ticket.parse::<Ticket>().ok())
    {
        if asked.iter().all(|other| other.node() != ticket.node()) {
            asked.push(ticket);
        }
    }
    let fetched = from_first(node, site, relation, &asked).await;
    // What was here before is to be shared too.
    node.share(site, 1).await?;
    node.follows.notify_one();
    let store = node.store.clone();
    let state = blocking(move || store.site(site)).await?;
    let head = state.and_then(|state| state.head);
    let (received, missing) = match fetched {
        Ok(fetched) => (fetched.received, None),
        Err(e) => (0, Some(e)),
    };
    Ok(Following {
        before,
        relation,
        version: head.as_ref().map(Head::length),
        received,
        missing,
    })
}

/// Stops following or pinning a site: it is not shared any more from now on, and stays in the cache of visited sites.
///
/// # Errors
///
/// As [`Store::unfollow`](crate::store::Store::unfollow).
pub async fn unfollow(node: &Arc<Node>, site: SiteId) -> Result<SiteState> {
    let store = node.store.clone();
    let state = blocking(move || store.unfollow(site)).await?;
    node.allow.forget(site);
    // Who waits for news of it is told that there are none here.
    node.tell(site);
    node.follows.notify_one();
    Ok(state)
}

/// Stops the sharing of a site until it is started again, or starts it. It is kept up to date all the same.
///
/// # Errors
///
/// As [`Store::set_paused`](crate::store::Store::set_paused).
pub async fn pause(node: &Arc<Node>, site: SiteId, paused: bool) -> Result<()> {
    let store = node.store.clone();
    blocking(move || store.set_paused(site, paused)).await?;
    match paused {
        false => node.share(site, 1).await,
        true => {
            node.allow.forget(site);
            node.tell(site);
            Ok(())
        }
    }
}

/// Removes a site with all that is here of it; a fetch that is under way is broken off.
///
/// # Errors
///
/// As [`Store::remove_site`](crate::store::Store::remove_site).
pub async fn remove(node: &Arc<Node>, site: SiteId, own: OwnSites) -> Result<()> {
    let store = node.store.clone();
    blocking(move || store.check_removable(site, own)).await?;
    node.allow.forget(site);
    let _ = node.removals.send(site);
    // Whatever writes at this moment ends first.
    let lock = node.site_lock(site);
    let guard = tokio::time::timeout(REMOVE_PATIENCE, lock.lock_owned()).await;
    let store = node.store.clone();
    let removed = blocking(move || {
        let _guard = guard;
        store.remove_site(site, own)
    })
    .await;
    node.tell(site);
    node.follows.notify_one();
    removed
}

const REMOVE_PATIENCE: Duration = Duration::from_secs(60);

/// Keeps followed and pinned sites up to date, visited ones within their limit, and counters on the disk,
/// until the node closes.
pub async fn keep_up(node: Arc<Node>, timing: Timing) {
    tokio::select! {
        () = node.closed() => {}
        () = run(&node, timing) => {}
        () = meet(&node) => {}
        () = find::herald(&node) => {}
    }
}

/// Gets to know nodes that appear, for ever.
async fn meet(node: &Arc<Node>) {
    // Whoever is not there meets nobody.
    node.awake().await;
    find::meet(node).await;
}

async fn run(node: &Arc<Node>, timing: Timing) {
    // Whoever is not there asks nobody.
    node.awake().await;
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks: HashMap<SiteId, Keeping> = HashMap::new();
    let mut write = tokio::time::interval(WRITTEN);
    let mut news = node.news();
    loop {
        let store = node.store.clone();
        // If the records can't be read now, they may be later.
        if let Ok(sites) = blocking(move || store.sites()).await {
            let is_kept = |state: &&SiteState| match state.relation {
                Relation::Followed | Relation::Pinned => true,
                // Others are told of it.
                Relation::Own => state.head.is_some(),
                Relation::Visited => false,
            };
            let kept: Vec<_> = sites
                .iter()
                .filter(is_kept)
                .map(|state| state.site)
                .collect();
            tasks.retain(|site, _| kept.contains(site));
            for site in kept {
                let keep = || Keeping::new(node, site, timing, &turns);
                tasks.entry(site).or_insert_with(keep);
            }
        }
        loop {
            tokio::select! {
                () = node.follows.notified() => break,
                // A first version of a site of one's own, perhaps.
                Ok(site) = news.recv() => if !tasks.contains_key(&site) {
                    break;
                },
                _ = write.tick() => {
                    let store = node.store.clone();
                    // Nothing is lost by a failure: the next time comes.
                    let _ = blocking(move || store.write_activity()).await;
                    let _ = cache::make_room(node).await;
                }
            }
        }
    }
}

/// A site is kept up to date as long as this exists.
struct Keeping([Option<AbortHandle>; 2]);

impl Keeping {
    fn new(node: &Arc<Node>, site: SiteId, timing: Timing, turns: &Arc<Semaphore>) -> Self {
        let (ear, heard) = node.links.register(site);
        let linked = drive(node.clone(), site, Part::Active, ear, heard);
        let (asking, turns) = (node.clone(), turns.clone());
        let asked = async move {
            loop {
                tokio::time::sleep(jitter(timing.every)).await;
                let _turn = turns.acquire().await;
                ask_round(&asking, site).await;
            }
        };
        Self([node.spawn(linked), node.spawn(asked)])
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.iter().flatten().for_each(AbortHandle::abort);
    }
}

/// Asks some of the known peers of a site for a newer version. Of a site of one's own another machine may have
/// published one.
async fn ask_round(node: &Arc<Node>, site: SiteId) {
    let store = node.store.clone();
    let known = blocking(move || Ok((store.site(site)?, store.peers(site)?))).await;
    let Ok((Some(state), peers)) = known else {
        return;
    };
    let mut tickets: Vec<Ticket> = peers.iter().filter_map(|p| p.ticket.parse().ok()).collect();
    // The first is the one that is most likely there; of the others each has its turn.
    if tickets.len() > ASKED {
        let by = random() as usize % (tickets.len() - 1);
        tickets[1..].rotate_left(by);
        tickets.truncate(ASKED);
    }
    for ticket in tickets.into_iter().rev() {
        // Who does not answer is asked again another time.
        let _ = fetch::newest(node, site, &ticket, wanted(state.relation)).await;
    }
}

/// Brings the newest version from the first peer that has it.
async fn from_first(
    node: &Arc<Node>,
    site: SiteId,
    relation: Relation,
    peers: &[Ticket],
) -> Result<Fetched> {
    let found = node.searched();
    let message = format!("no node that has skep://{site} is known{found}");
    let mut last = Error::new(Kind::NotFound, message)
        .hint("name one with `--peer TICKET`; whoever gave you the address can give you a ticket");
    let mut holders = Holders::new(node, site, peers.to_vec());
    while let Some(peer) = holders.next().await {
        match fetch::newest(node, site, &peer, wanted(relation)).await {
            Ok(fetched) => {
                holders.go_on(wanted(relation));
                return Ok(fetched);
            }
            // That two histories are about must be said, whatever else went wrong.
            Err(e) if last.kind != Kind::Conflict => last = e,
            Err(_) => {}
        }
    }
    Err(last)
}

/// About as long: three quarters to five quarters, so that nodes do not ask all at the same time.
pub(super) fn jitter(time: Duration) -> Duration {
    let part = f64::from(random()) / f64::from(u32::MAX);
    time.mul_f64(0.75 + part / 2.0)
}

pub(super) fn random() -> u32 {
    let mut bytes = [0; 4];
    // Without it nodes ask at the same time, which is bearable.
    let _ = getrandom::fill(&mut bytes);
    u32::from_le_bytes(bytes)
}
