//! [`Request::Sought`]: which of some sites a node has. Who asks strangers, such as everybody on a local network,
//! should not tell them what it reads: a site is asked for by a hash with a salt of this one question, so that only
//! who knows the site can tell that it is meant.

use iroh::endpoint::Connection;

use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
    swarm::{
        fetch,
        node::{Node, blocking},
        wire::{MAX_SOUGHT, Request, Response},
    },
};

/// Asks the node at the other end which of `sites` it has; more than [`MAX_SOUGHT`] are passed over.
pub(super) async fn ask(connection: &Connection, sites: &[SiteId]) -> Result<Vec<SiteId>> {
    let sites = &sites[..sites.len().min(MAX_SOUGHT)];
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)
        .map_err(|e| Error::new(Kind::Io, format!("this system gives no randomness: {e}")))?;
    let request = Request::Sought {
        salt,
        marks: sites.iter().map(|site| mark(&salt, *site)).collect(),
    };
    match fetch::ask(connection, &request).await? {
        Response::Found(found) => pick(sites, &found),
        _ => Err(Error::new(Kind::Hostile, "the node answers something else")),
    }
}

/// The sites of an answer. Each is named once, in order.
fn pick(sites: &[SiteId], found: &[u16]) -> Result<Vec<SiteId>> {
    let is_ordered = found.is_sorted_by(|one, next| one < next);
    let picked: Option<Vec<_>> = found
        .iter()
        .map(|place| sites.get(usize::from(*place)).copied())
        .collect();
    picked
        .filter(|_| is_ordered)
        .ok_or_else(|| Error::new(Kind::Hostile, "the node has sites that were not asked for"))
}

/// Which of the sought sites this node shares, by their places in the question.
pub(in crate::swarm) async fn answer(
    node: &Node,
    salt: [u8; 16],
    marks: Vec<[u8; 16]>,
) -> Result<Response> {
    if marks.len() > MAX_SOUGHT {
        return Err(Error::new(Kind::Hostile, "too many sites are sought"));
    }
    let store = node.store.clone();
    let sites = blocking(move || store.sites()).await?;
    let shared: std::collections::HashSet<[u8; 16]> = sites
        .iter()
        .filter(|state| state.is_shared() && state.head.is_some())
        .map(|state| mark(&salt, state.site))
        .collect();
    let places = (0..).zip(&marks);
    let found = places.filter(|(_, mark)| shared.contains(*mark));
    Ok(Response::Found(found.map(|(place, _)| place).collect()))
}

/// By what a site is asked for under a salt.
fn mark(salt: &[u8; 16], site: SiteId) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("skep 2026 a site that is sought");
    hasher.update(salt);
    hasher.update(&site.0);
    let mut mark = [0; 16];
    hasher.finalize_xof().fill(&mut mark);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_its_site_and_its_question() {
        let (one, other) = (SiteId([1; 32]), SiteId([2; 32]));
        assert_eq!(mark(&[7; 16], one), mark(&[7; 16], one));
        assert_ne!(mark(&[7; 16], one), mark(&[7; 16], other));
        assert_ne!(mark(&[7; 16], one), mark(&[8; 16], one));
    }

    #[test]
    fn an_answer_names_what_was_asked_for_once() {
        let sites = [1, 2, 3].map(|n| SiteId([n; 32]));
        let picked = |found: &[u16]| pick(&sites, found).map_err(|e| e.kind);
        assert_eq!(picked(&[]), Ok(vec![]));
        assert_eq!(picked(&[0, 2]), Ok(vec![sites[0], sites[2]]));
        for wrong in [&[3][..], &[1, 1], &[2, 0], &[0, 1, 2, 3]] {
            assert_eq!(picked(wrong), Err(Kind::Hostile), "{wrong:?}");
        }
    }
}
