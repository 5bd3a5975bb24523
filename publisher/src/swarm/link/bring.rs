//! Bringing a version that linked nodes have told of.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use iroh::{EndpointAddr, EndpointId};
use tokio::{sync::mpsc, time::Instant};

use super::{
    Heard,
    frame::Push,
    push::{Taken, take},
};
use crate::{
    archive::{address::SiteId, head::Head, log::Tip},
    error::{Error, Kind, Result},
    store::Relation,
    swarm::{
        fetch,
        keep::wanted,
        limits::has_room,
        node::{Event, Node, blocking},
    },
};

/// Longer than any turn is away.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long a pushed version waits for another one of the same site.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// How it goes on. That a version is here is told by the node's news.
pub(in crate::swarm) enum Step {
    /// A node did not deliver what it had told of.
    Failed {
        peer: EndpointId,
        tip: Tip,
        lied: bool,
    },
    /// Nobody did.
    Missed {
        tip: Tip,
        /// Whether another try may help.
        again: bool,
    },
}

/// Who may have the version, the best first. It may grow meanwhile.
pub(super) type Providers = Arc<Mutex<VecDeque<EndpointAddr>>>;

/// Brings the version of `head`: the one that was `pushed`, or else from one of `providers`.
pub(super) async fn bring(
    node: &Arc<Node>,
    site: SiteId,
    head: Head,
    pushed: Option<(EndpointAddr, Push)>,
    providers: &Providers,
    ear: &mpsc::Sender<Heard>,
) {
    let tip = head.tip();
    let say = async |step| {
        // Nobody hears it if the driver has ended.
        let _ = ear.send(Heard::Brought(step)).await;
    };
    let begin = Instant::now();
    let Some(turn) = node.pace.turn(site, begin, PATIENCE) else {
        return say(Step::Missed { tip, again: true }).await;
    };
    tokio::time::sleep_until(turn).await;
    if let Some((peer, push)) = pushed {
        match push_taken(node, site, &peer, &head, push).await {
            Ok(true) => return,
            Err(e) if e.kind == Kind::Hostile => {
                drop_provider(providers, peer.id);
                let (peer, lied) = (peer.id, true);
                say(Step::Failed { peer, tip, lied }).await;
            }
            // It has to be fetched, whatever the reason.
            Ok(false) | Err(_) => {}
        }
    }
    // Who had to wait takes the newest that there is by now.
    let head = (turn <= begin).then_some(head);
    loop {
        let next = providers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(peer) = { next }.pop_front() else {
            return say(Step::Missed { tip, again: true }).await;
        };
        let error = match from(node, site, &peer, head.clone(), tip).await {
            Ok(()) => return,
            Err(error) => error,
        };
        match error.kind {
            // Nobody else's bytes have room either.
            Kind::DiskFull => {
                let reason = error.message;
                node.emit(Event::Refused { site, reason });
                return say(Step::Missed { tip, again: true }).await;
            }
            Kind::Conflict => return say(Step::Missed { tip, again: false }).await,
            Kind::Io | Kind::Damaged => return say(Step::Missed { tip, again: true }).await,
            kind => {
                let (peer, lied) = (peer.id, kind == Kind::Hostile);
                say(Step::Failed { peer, tip, lied }).await;
            }
        }
    }
}

/// A liar is asked for nothing more.
fn drop_provider(providers: &Providers, liar: EndpointId) {
    let mut providers = providers.lock().unwrap_or_else(PoisonError::into_inner);
    providers.retain(|provider| provider.id != liar);
}

async fn from(
    node: &Arc<Node>,
    site: SiteId,
    peer: &EndpointAddr,
    head: Option<Head>,
    tip: Tip,
) -> Result<()> {
    let store = node.store.clone();
    let Some(state) = blocking(move || store.site(site)).await? else {
        return Err(Error::new(Kind::NotFound, "the site was removed"));
    };
    let fetched = fetch::fetch(node, site, peer, head, wanted(state.relation)).await?;
    match fetched.head.length() < tip.length {
        true => Err(Error::new(Kind::Older, "a peer has less than it told of")),
        false => Ok(()),
    }
}

/// Whether a version that came whole is here now.
async fn push_taken(
    node: &Arc<Node>,
    site: SiteId,
    peer: &EndpointAddr,
    head: &Head,
    push: Push,
) -> Result<bool> {
    let received = push.bytes();
    let lock = node.site_lock(site);
    let Ok(guard) = tokio::time::timeout(LOCK_PATIENCE, lock.lock_owned()).await else {
        return Ok(false);
    };
    let store = node.store.clone();
    let state = blocking(move || store.site(site)).await?;
    let is_own = state
        .as_ref()
        .is_some_and(|state| state.relation == Relation::Own);
    if let Some(state) = state
        && !has_room(node, state.relation, received).await?
    {
        return Ok(false);
    }
    let (store, pushed) = (node.store.clone(), head.clone());
    let taking = blocking(move || {
        // A removal waits for this even if nobody waits for this any more.
        let _guard = guard;
        let Some(state) = store.site(site)? else {
            return Ok(Taken::ToFetch);
        };
        store.comes_from_elsewhere(site)?;
        take(&store, site, &pushed, push, wanted(state.relation))
    });
    if fetch::unless_removed(node, site, taking).await? == Taken::ToFetch {
        return Ok(false);
    }
    // Others first: they wait.
    node.share(site, head.length()).await?;
    node.emit(Event::Version {
        site,
        version: head.length(),
        received,
    });
    if is_own {
        let version = head.length();
        node.emit(Event::Elsewhere { site, version });
    }
    fetch::heard(node, site, peer).await?;
    Ok(true)
}
