//! Limits that a person changes while the node runs.

use std::{
    collections::HashSet,
    fs,
    sync::Weak,
    time::{Duration, SystemTime},
};

use iroh::EndpointId;

use crate::{
    config::{Config, FILE},
    error::Result,
    home::Home,
    store::{Relation, Store},
    swarm::node::{Event, Node, blocking},
};

/// How often it is looked whether the file has changed.
const LOOK: Duration = Duration::from_secs(1);
/// After how many looks it is asked anew who has precedence.
const FRIENDS: u32 = 60;

/// Takes over the limits of the home's file whenever it changes, until the node closes. What can't be understood
/// changes nothing, and is said.
pub(in crate::swarm) async fn watch(node: Weak<Node>, home: Home) {
    let mut seen = stamp(&home);
    let mut looks = tokio::time::interval(LOOK);
    for look in (0..FRIENDS).cycle() {
        looks.tick().await;
        let Some(node) = node.upgrade().filter(|node| !node.is_closed()) else {
            return;
        };
        if look == 0 {
            let store = node.store.clone();
            // If they can't be read now, those of before have it.
            if let Ok(friends) = blocking(move || friends(&store)).await {
                node.limits.doors.prefer(friends);
            }
        }
        node.limits.doors.clear();
        let now = stamp(&home);
        if now == seen {
            continue;
        }
        seen = now;
        let home = home.clone();
        node.emit(match blocking(move || Config::read(&home)).await {
            Ok(config) => {
                node.limits.set(config.limits);
                Event::Limits(config.limits)
            }
            Err(e) => Event::BadConfig(e.message),
        });
    }
}

/// What tells one state of the file from another.
fn stamp(home: &Home) -> Option<(u64, SystemTime)> {
    let found = fs::metadata(home.root().join(FILE)).ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// The nodes that a person named, and those that have sites of one's own: they are let in before others.
fn friends(store: &Store) -> Result<HashSet<EndpointId>> {
    let mut friends = HashSet::new();
    for state in store.sites()? {
        for peer in store.peers(state.site)? {
            if peer.named || state.relation == Relation::Own {
                friends.extend(EndpointId::from_bytes(&peer.node).ok());
            }
        }
    }
    Ok(friends)
}
