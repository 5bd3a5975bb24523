//! Says on the DHT what this node holds: hourly of each site that is shared here, and soon after each new version.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::broadcast::error::RecvError, task::JoinSet, time::Instant};

use super::{Holders, dht::Put, signpost};
use crate::{
    archive::{address::SiteId, head::Head},
    error::Result,
    store::Relation,
    swarm::{
        fetch,
        follow::jitter,
        keep::wanted,
        node::{Node, blocking},
    },
};

/// After how long a site is said again, about: what was said is forgotten after some two hours.
const AGAIN: Duration = Duration::from_secs(3600);
/// After how long it is tried again if the DHT did not answer, the first time.
const FIRST_RETRY: Duration = Duration::from_secs(30);
/// How long a site waits for further news of it.
const SETTLE: Duration = Duration::from_secs(1);
/// Of how many sites something is said at a time.
const AT_ONCE: usize = 4;

/// When something is to be said of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    at: Instant,
    /// Whether something is being said of it.
    busy: bool,
    /// How often it failed, one after the other.
    failures: u32,
}

/// Says what is shared at a node, for ever. Where nobody can be found that way it only waits.
pub(in crate::swarm) async fn herald(node: &Arc<Node>) {
    // Whoever is not there says nothing.
    node.awake().await;
    if !node.finder.uses_dht() {
        return std::future::pending().await;
    }
    let mut news = node.news();
    let mut due = BTreeMap::new();
    let mut saying = JoinSet::new();
    refresh(node, &mut due).await;
    loop {
        for (site, when) in &mut due {
            if saying.len() < AT_ONCE && !when.busy && when.at <= Instant::now() {
                when.begin(Instant::now());
                let (node, site) = (node.clone(), *site);
                saying.spawn(async move { (site, say(&node, site).await.is_ok()) });
            }
        }
        let waiting = due.values().filter(|when| !when.busy);
        let next = waiting.map(|when| when.at).min();
        let next = next.filter(|_| saying.len() < AT_ONCE);
        tokio::select! {
            () = tokio::time::sleep_until(next.unwrap_or_else(|| Instant::now() + AGAIN)) => {}
            Some(done) = saying.join_next() => {
                if let Ok((site, well)) = done
                    && let Some(when) = due.get_mut(&site)
                {
                    when.end(well, Instant::now());
                }
            }
            site = news.recv() => {
                refresh(node, &mut due).await;
                match site {
                    Ok(site) => {
                        if let Some(when) = due.get_mut(&site) {
                            when.at = when.at.min(Instant::now() + SETTLE);
                        }
                    }
                    // Some were missed: each has its turn within the hour.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }
}

impl Due {
    fn begin(&mut self, now: Instant) {
        self.busy = true;
        // Unless there are news meanwhile.
        self.at = now + jitter(AGAIN);
    }

    fn end(&mut self, well: bool, now: Instant) {
        self.busy = false;
        self.failures = match well {
            true => 0,
            false => {
                let wait = FIRST_RETRY.saturating_mul(1 << self.failures.min(10));
                self.at = self.at.min(now + jitter(wait.min(AGAIN)));
                self.failures.saturating_add(1)
            }
        };
    }
}

/// Adds the sites that are shared since, takes out those that are not any more, and hides where this node is when
/// none is left.
async fn refresh(node: &Arc<Node>, due: &mut BTreeMap<SiteId, Due>) {
    let store = node.store.clone();
    // If the records can't be read now, they may be later.
    let Ok(sites) = blocking(move || store.sites()).await else {
        return;
    };
    let shared: BTreeSet<SiteId> = sites
        .iter()
        .filter(|state| state.is_shared() && state.head.is_some())
        .map(|state| state.site)
        .collect();
    due.retain(|site, _| shared.contains(site));
    if shared.is_empty() {
        node.finder.hide();
    }
    for site in shared {
        due.entry(site).or_insert(Due {
            at: Instant::now(),
            busy: false,
            failures: 0,
        });
    }
}

/// Says of a site what its author has signed, and that this node holds it.
async fn say(node: &Arc<Node>, site: SiteId) -> Result<()> {
    let Some(dht) = node.finder.dht(node).await? else {
        return Ok(());
    };
    let store = node.store.clone();
    let known = blocking(move || Ok((store.site(site)?, store.signpost(site)?))).await?;
    let (Some(state), signpost) = known else {
        return Ok(());
    };
    let Some(length) = state
        .head
        .as_ref()
        .map(Head::length)
        .filter(|_| state.is_shared())
    else {
        return Ok(());
    };
    let signpost = match signpost {
        Some(signpost) => Some(signpost),
        None => signpost::ask_around(node, &state).await,
    };
    let put = async {
        match &signpost {
            Some(signpost) => dht.put(signpost).await,
            None => Ok(Put::Stored),
        }
    };
    let (put, announced) = tokio::join!(put, dht.announce(site, &node.key));
    if put? == Put::Older && matches!(state.relation, Relation::Followed | Relation::Pinned) {
        let mut holders = Holders::new(node, site, Vec::new());
        while let Some(ticket) = holders.next().await {
            let newest = fetch::newest(node, site, &ticket, wanted(state.relation)).await;
            // That nobody gives what somebody has signed is no failure of what was said.
            if newest.is_ok_and(|fetched| fetched.head.length() > length) {
                break;
            }
        }
    }
    announced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_hourly_and_sooner_after_news_and_failures() {
        let start = Instant::now();
        let mut due = Due {
            at: start,
            busy: false,
            failures: 0,
        };
        let hourly = AGAIN.mul_f64(0.75)..=AGAIN.mul_f64(1.25);
        for _ in 0..20 {
            due.begin(start);
            assert!(due.busy && hourly.contains(&(due.at - start)));
            due.end(true, start);
            assert!(!due.busy && hourly.contains(&(due.at - start)));
        }
        // News while something is being said of it are not forgotten.
        due.begin(start);
        due.at = due.at.min(start + SETTLE);
        due.end(true, start);
        assert_eq!(due.at, start + SETTLE);

        let mut last = Duration::ZERO;
        for failures in 1..40 {
            due.begin(start);
            due.end(false, start);
            assert_eq!(due.failures, failures);
            let wait = due.at - start;
            assert!(wait >= FIRST_RETRY.mul_f64(0.75) && wait <= AGAIN.mul_f64(1.25));
            // Twice as long each time, as far as chance allows.
            assert!(failures > 7 || wait >= last, "{wait:?} after {last:?}");
            last = wait;
        }
        due.begin(start);
        due.end(true, start);
        assert_eq!(due.failures, 0);
    }
}
