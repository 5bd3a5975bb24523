//! Visited sites are a cache: they have a limit of bytes, and the one that was not read for longest goes first.
//! What is open right now stays.

use std::sync::{Arc, atomic::Ordering};

use super::{
    follow::remove,
    limits,
    node::{Node, blocking, now},
};
use crate::{
    archive::address::SiteId,
    error::{Kind, Result},
    store::{OwnSites, Relation, Store},
};

/// How many bytes visited sites may have together, unless a node is told otherwise: 1 GiB.
pub const VISITED_LIMIT: u64 = 1 << 30;

/// A site that was read less long ago, in seconds, counts as open.
const OPEN: u64 = 600;

/// How far over the limit sites may be for being open: a page could make a browser open any number of them.
const STRETCH: u64 = 4;

/// A visited site.
#[derive(Debug, Clone, Copy)]
struct Visited {
    site: SiteId,
    bytes: u64,
    /// When it was read last, in seconds since 1970.
    at: u64,
    /// Whether a browser is connected for it.
    held: bool,
}

/// Removes visited sites until they are within the limit of the node. Returns which.
///
/// # Errors
///
/// If the store can't be read or written.
pub async fn make_room(node: &Arc<Node>) -> Result<Vec<SiteId>> {
    clear(node, 0).await
}

/// As [`make_room`], so that `reserved` more bytes of other sites have room within the limit for all.
pub(super) async fn clear(node: &Arc<Node>, reserved: u64) -> Result<Vec<SiteId>> {
    let store = node.store.clone();
    let all = blocking(move || visited(&store)).await?;
    let limit = node.visited_limit.load(Ordering::Relaxed);
    let limit = limits::visited(node, limit, reserved).await?;
    let going = choose(all, limit, now());
    for site in &going {
        match remove(node, *site, OwnSites::Keep).await {
            Err(e) if e.kind != Kind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(going)
}

fn visited(store: &Store) -> Result<Vec<Visited>> {
    let activity = store.activity()?;
    let mut all = Vec::new();
    for state in store.sites()? {
        if state.relation == Relation::Visited {
            all.push(Visited {
                site: state.site,
                bytes: store.bytes_here(state.site)?,
                at: activity.get(&state.site).map_or(0, |(visit, _)| *visit),
                held: store.is_held(state.site),
            });
        }
    }
    Ok(all)
}

/// The sites that have to go.
fn choose(mut all: Vec<Visited>, limit: u64, now: u64) -> Vec<SiteId> {
    all.sort_by_key(|visited| (visited.at, visited.site));
    let mut total: u64 = all.iter().map(|visited| visited.bytes).sum();
    let newest = all.last().map(|visited| visited.site);
    let mut going = Vec::new();
    for visited in all {
        let is_open = visited.at.saturating_add(OPEN) > now;
        let limit = match is_open {
            true => limit.saturating_mul(STRETCH),
            false => limit,
        };
        if total > limit && !visited.held && Some(visited.site) != newest {
            total -= visited.bytes;
            going.push(visited.site);
        }
    }
    going
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(n: u8, bytes: u64, at: u64) -> Visited {
        Visited {
            site: SiteId([n; 32]),
            bytes,
            at,
            held: false,
        }
    }

    fn chosen(all: &[Visited], limit: u64) -> Vec<u8> {
        let chosen = choose(all.to_vec(), limit, 100_000);
        chosen.iter().map(|site| site.0[0]).collect()
    }

    #[test]
    fn the_site_that_was_not_read_for_longest_goes_first() {
        let all = [site(1, 50, 300), site(2, 50, 100), site(3, 50, 200)];
        assert_eq!(chosen(&all, 150), [0_u8; 0]);
        assert_eq!(chosen(&all, 149), [2]);
        assert_eq!(chosen(&all, 60), [2, 3]);
    }

    #[test]
    fn what_is_open_stays_within_reason() {
        let open = 100_000 - 5;
        let all = [site(1, 50, open), site(2, 50, open), site(3, 60, 1)];
        assert_eq!(chosen(&all, 60), [3]);
        // Sites without end that a page has opened.
        let many: Vec<_> = (0..100).map(|n| site(n, 50, open)).collect();
        assert_eq!(chosen(&many, 100).len(), 92);
        // The page that is being read stays, however large its site is; so does what a browser holds.
        let mut large = [site(1, 10_000, open), site(2, 10_000, open + 1)];
        assert_eq!(chosen(&large, 10), [1]);
        large[0].held = true;
        assert_eq!(chosen(&large, 10), [0_u8; 0]);
    }
}
