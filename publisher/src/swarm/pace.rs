//! How often versions of one site are taken. An author may publish without end; a follower need not
//! follow at that pace.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::archive::address::SiteId;

/// The shortest time between two versions.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest, for a site that never rests.
const LONGEST: Duration = Duration::from_secs(60);
/// The most sites that are kept in mind. What is forgotten starts anew.
const MAX_SITES: usize = 4096;

/// When each site may have its next version taken.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<SiteId, Turn>>);

#[derive(Debug, Clone, Copy)]
struct Turn {
    next: Instant,
    spacing: Duration,
}

impl Pace {
    /// Takes the next turn of a site, and says when it is: now, if the site was quiet. `None` if that is
    /// further away than `patience`; no turn is taken then.
    pub(super) fn turn(&self, site: SiteId, now: Instant, patience: Duration) -> Option<Instant> {
        let mut sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sites.len() >= MAX_SITES {
            sites.retain(|_, turn| turn.next > now);
        }
        let turn = sites.entry(site).or_insert(Turn {
            next: now,
            spacing: SHORTEST / 2,
        });
        let at = turn.next.max(now);
        if at > now + patience {
            return None;
        }
        turn.spacing = match now.saturating_duration_since(turn.next) > turn.spacing * 4 {
            true => SHORTEST,
            false => (turn.spacing * 2).min(LONGEST),
        };
        turn.next = at + turn.spacing;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_site_never_waits_and_a_restless_one_has_a_version_a_minute() {
        let (pace, site) = (Pace::default(), SiteId([1; 32]));
        let start = Instant::now();
        let forever = Duration::MAX / 4;
        let mut now = start;
        for _ in 0..5 {
            assert_eq!(pace.turn(site, now, forever), Some(now));
            now += Duration::from_secs(600);
        }
        let begin = now;
        // A version is there whenever one is asked for.
        let mut taken = 0;
        while now < begin + Duration::from_secs(3600) {
            now = pace.turn(site, now, forever).unwrap();
            taken += 1;
        }
        assert!((55..75).contains(&taken), "{taken}");
        // Who does not want to wait takes no turn from the others.
        for _ in 0..1000 {
            assert_eq!(pace.turn(site, now, Duration::ZERO), None);
        }
        assert!(pace.turn(site, now, forever).unwrap() <= now + LONGEST);
    }
}
