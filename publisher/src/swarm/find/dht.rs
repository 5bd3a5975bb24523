//! [`Dht`]: what this node says and asks on the Mainline DHT.
//!
//! Three things say who has a site: its signpost, which only the author can have signed; announcements that each
//! holder signs with its own key, which few nodes of the DHT know so far; and a [`Board`] that all of them can
//! store. All three are made and asked at once. A holder's name leads to its addresses by iroh's own lookup.

use std::{collections::HashSet, net::SocketAddr, time::Duration};

use ed25519_dalek::SigningKey;
use iroh::Endpoint;
use n0_future::StreamExt;
use n0_mainline::{
    DhtBuilder, Id, MutableItem,
    errors::{ConcurrencyError, PutMutableError},
};
use tokio::sync::mpsc;

use super::{
    board::Board,
    settings::{DhtSettings, Place},
    whereabouts::Whereabouts,
};
use crate::{
    archive::{address::SiteId, signpost::Signpost},
    error::{Error, Kind, Result},
    swarm::{follow::random, node::now},
};

/// How long a lookup takes at most. Most are done within a few seconds.
const LOOKUP: Duration = Duration::from_secs(15);
/// How long it may take until something is stored.
const PUT: Duration = Duration::from_secs(20);
/// How long the names of the first nodes may take to be resolved.
const RESOLVE: Duration = Duration::from_secs(5);
/// The most answers of one lookup that are looked at. Some twenty nodes are closest to a key.
const MAX_ANSWERS: usize = 64;
/// The most candidates that are taken of one answer, and of all that are no author's word: who answers first, or
/// says most, must not crowd the others out.
const OF_ONE: usize = 4;
const OF_ALL: usize = 24;
/// The most addresses of nodes to begin from.
const MAX_BOOTSTRAP: usize = 32;

/// Nodes of the DHT that everybody begins from.
const WELL_KNOWN: [&str; 4] = [
    "router.bittorrent.com:6881",
    "dht.transmissionbt.com:6881",
    "dht.libtorrent.org:25401",
    "relay.pkarr.org:6881",
];

/// A client of the DHT.
pub(super) struct Dht {
    mainline: n0_mainline::Dht,
    whereabouts: Whereabouts,
}

/// What the DHT says of a site.
#[derive(Debug)]
pub(super) enum Found {
    /// The author's word.
    Signpost(Box<Signpost>),
    /// A node that is said to hold it.
    Node([u8; 32]),
}

/// How a put ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Stored,
    /// There is a newer one already.
    Older,
}

impl Dht {
    /// Joins the DHT, for an endpoint that looks others up there from then on. Nothing is said there yet.
    pub(super) async fn open(settings: &DhtSettings, endpoint: &Endpoint) -> Result<Self> {
        let from = addresses(&settings.bootstrap).await?;
        let mut builder = DhtBuilder::default();
        // 6881 is that of people's BitTorrent clients.
        builder.bootstrap(&from).port(0);
        let mainline = builder.build().map_err(|e| closed(&e))?;
        let whereabouts =
            Whereabouts::new(mainline.clone(), &builder, settings.addresses, endpoint)?;
        Ok(Self {
            mainline,
            whereabouts,
        })
    }

    /// Says what the author has signed.
    pub(super) async fn put(&self, signpost: &Signpost) -> Result<Put> {
        let item = MutableItem::new_signed_unchecked(
            signpost.head().site().0,
            signpost.signature(),
            &signpost.value(),
            signpost.sequence(),
            Some(Signpost::SALT),
        );
        match tokio::time::timeout(PUT, self.mainline.put_mutable(item, None)).await {
            Ok(Ok(_)) => Ok(Put::Stored),
            Ok(Err(PutMutableError::Concurrency(ConcurrencyError::NotMostRecent))) => {
                Ok(Put::Older)
            }
            Ok(Err(e)) => Err(failed(&e)),
            Err(_) => Err(failed(&"no answer")),
        }
    }

    /// Says that the node with this key holds a site, and where it is.
    pub(super) async fn announce(&self, site: SiteId, key: &SigningKey) -> Result<()> {
        self.whereabouts.set_said(true);
        let signed = async {
            meet(&self.mainline).await;
            self.mainline.announce_signed_peer(topic(site), key).await
        };
        let (signed, board) = tokio::join!(
            tokio::time::timeout(PUT, signed),
            tokio::time::timeout(PUT, self.write(site, key.verifying_key().to_bytes())),
        );
        match (signed, board) {
            (Ok(Ok(_)), _) | (_, Ok(Ok(()))) => Ok(()),
            (_, Ok(Err(e))) => Err(e),
            (Ok(Err(e)), Err(_)) => Err(failed(&e)),
            (Err(_), Err(_)) => Err(failed(&"no answer")),
        }
    }

    /// Adds a note to today's board of a site.
    async fn write(&self, site: SiteId, node: [u8; 32]) -> Result<()> {
        let Some(key) = Board::keys(site, now()).into_iter().next() else {
            return Ok(());
        };
        let (mut board, mut last) = (Board::default(), 0);
        let mut items = self.items(key.verifying_key().to_bytes(), Board::SALT);
        while let Some(item) = items.recv().await {
            if let Ok(found) = Board::decode(item.value())
                && item.seq() >= last
            {
                (board, last) = (found, item.seq());
            }
        }
        let next = i64::try_from(now()).unwrap_or(i64::MAX);
        let next = next.max(last.saturating_add(1));
        let value = board.with(node, now()).encode();
        let item = MutableItem::new(&key, &value, next, Some(Board::SALT));
        let put = self.mainline.put_mutable(item, None).await;
        put.map(drop).map_err(|e| failed(&e))
    }

    /// Says no more where this node is. What it has said of sites is forgotten within hours.
    pub(super) fn hide(&self) {
        self.whereabouts.set_said(false);
    }

    /// What the DHT says of a site, as it comes in: at most one candidate of each name.
    pub(super) fn lookup(&self, site: SiteId) -> mpsc::Receiver<Found> {
        let (sender, found) = mpsc::channel(8);
        let signposts = self.items(site.0, Signpost::SALT);
        let boards: Vec<_> = Board::keys(site, now())
            .iter()
            .map(|key| self.items(key.verifying_key().to_bytes(), Board::SALT))
            .collect();
        let mainline = self.mainline.clone();
        tokio::spawn(async move {
            let (nodes, said) = mpsc::channel(8);
            let signed = {
                let nodes = nodes.clone();
                async move {
                    meet(&mainline).await;
                    let peers = mainline.get_signed_peers(topic(site)).await;
                    let Ok(mut peers) = peers else { return };
                    let mut answers = 0;
                    while let Some(announces) = peers.next().await {
                        let named = announces.iter().map(|announce| *announce.key());
                        answers += 1;
                        if answers > MAX_ANSWERS || nodes.send(some(named)).await.is_err() {
                            return;
                        }
                    }
                }
            };
            let written = async move {
                for mut board in boards {
                    while let Some(item) = board.recv().await {
                        let Ok(board) = Board::decode(item.value()) else {
                            continue;
                        };
                        let named = some(board.holders(now()));
                        if nodes.send(named).await.is_err() {
                            return;
                        }
                    }
                }
            };
            let all = async {
                let both = async { tokio::join!(signed, written) };
                tokio::join!(
                    // What is not answered by then is not waited for.
                    async { drop(tokio::time::timeout(LOOKUP, both).await) },
                    signs(site, signposts, &sender),
                    names(said, &sender),
                );
            };
            tokio::select! {
                () = all => {}
                // Nobody wants to know any more.
                () = sender.closed() => {}
            }
        });
        found
    }

    /// The items under a key, in the order in which they come.
    fn items(&self, key: [u8; 32], salt: &'static [u8]) -> mpsc::Receiver<MutableItem> {
        let (sender, items) = mpsc::channel(8);
        let mainline = self.mainline.clone();
        tokio::spawn(async move {
            let looked = async {
                let Ok(mut found) = mainline.get_mutable(&key, Some(salt), None).await else {
                    return;
                };
                for _ in 0..MAX_ANSWERS {
                    let Some(item) = found.next().await else {
                        return;
                    };
                    if sender.send(item).await.is_err() {
                        return;
                    }
                }
            };
            let _ = tokio::time::timeout(LOOKUP, looked).await;
        });
        items
    }
}

/// Gets to know nodes of the DHT, if none is known that knows signed peers: the well-known ones do not.
async fn meet(mainline: &n0_mainline::Dht) {
    let known = mainline.info().await;
    if known.is_ok_and(|info| info.singing_peers_routing_table_size() == 0) {
        // If there are none, the question finds that out.
        let _ = mainline.bootstrapped().await;
    }
}

/// Passes on what the author has signed: the first at once, and then what is newer.
async fn signs(site: SiteId, mut items: mpsc::Receiver<MutableItem>, found: &mpsc::Sender<Found>) {
    let mut last = 0;
    while let Some(item) = items.recv().await {
        let read = Signpost::from_item(site, item.value(), item.signature());
        let newer = read
            .ok()
            .filter(|signpost| signpost.sequence() == item.seq() && item.seq() > last);
        if let Some(signpost) = newer {
            last = signpost.sequence();
            let signpost = Found::Signpost(Box::new(signpost));
            if found.send(signpost).await.is_err() {
                return;
            }
        }
    }
}

/// Passes on names, each once, up to a bound.
async fn names(mut said: mpsc::Receiver<Vec<[u8; 32]>>, found: &mpsc::Sender<Found>) {
    let mut seen = HashSet::new();
    while let Some(named) = said.recv().await {
        for node in named {
            if seen.len() >= OF_ALL {
                return;
            }
            if seen.insert(node) && found.send(Found::Node(node)).await.is_err() {
                return;
            }
        }
    }
}

/// Some of those that an answer names, by chance.
fn some(named: impl IntoIterator<Item = [u8; 32]>) -> Vec<[u8; 32]> {
    let mut named: Vec<_> = named.into_iter().collect();
    let mut some = Vec::new();
    while !named.is_empty() && some.len() < OF_ONE {
        let at = random() as usize % named.len();
        some.push(named.swap_remove(at));
    }
    some
}

/// Under what holders of a site announce themselves.
fn topic(site: SiteId) -> Id {
    let mut hasher = blake3::Hasher::new_derive_key("skep 2026 dht holders v1");
    hasher.update(&site.0);
    let mut id = [0; 20];
    hasher.finalize_xof().fill(&mut id);
    Id::from(id)
}

/// The addresses of the nodes to begin from. To resolve them here keeps a name server that does not answer from
/// blocking others, and lets a machine that is offline try again.
async fn addresses(bootstrap: &[Place]) -> Result<Vec<String>> {
    let names: Vec<String> = match bootstrap.is_empty() {
        true => WELL_KNOWN.map(str::to_owned).into(),
        false => bootstrap.iter().map(Place::to_string).collect(),
    };
    let mut found = Vec::new();
    let resolved = async {
        for name in &names {
            if let Ok(addresses) = tokio::net::lookup_host(name.as_str()).await {
                found.extend(addresses.filter(SocketAddr::is_ipv4));
            }
        }
    };
    // Those that were found in time do.
    let _ = tokio::time::timeout(RESOLVE, resolved).await;
    found.truncate(MAX_BOOTSTRAP);
    match found.is_empty() {
        false => Ok(found.iter().map(ToString::to_string).collect()),
        true => Err(failed(&format!("none of {} is known", names.join(", ")))),
    }
}

fn closed(why: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Io, format!("can't open a port for the DHT: {why}"))
        .hint("is the network up, and may this program use it?")
}

fn failed(why: &dyn std::fmt::Display) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("the Mainline DHT does not answer: {why}"),
    )
    .hint("is the network up, and does it let UDP pass? `--peer TICKET` works without the DHT")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use iroh::{RelayMode, endpoint::presets};
    use n0_mainline::Testnet;

    use super::*;
    use crate::archive::{hash::LogHash, head::Head};

    fn place_of(text: &str) -> Place {
        text.to_owned().try_into().unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_names_some_are_taken_and_the_newest_signpost_is_the_last() {
        let net = Testnet::new(4).await.unwrap();
        let endpoint = Endpoint::builder(presets::Minimal)
            .relay_mode(RelayMode::Disabled)
            .clear_ip_transports()
            .bind_addr((Ipv4Addr::LOCALHOST, 0))
            .unwrap();
        let endpoint = endpoint.bind().await.unwrap();
        let settings = DhtSettings {
            bootstrap: net.bootstrap.iter().map(|place| place_of(place)).collect(),
            ..DhtSettings::default()
        };
        let dht = Dht::open(&settings, &endpoint).await.unwrap();
        let key = SigningKey::from_bytes(&[9; 32]);
        let site = SiteId(key.verifying_key().to_bytes());
        for n in 0..100 {
            let node = SigningKey::from_bytes(&[n; 32]);
            meet(&dht.mainline).await;
            dht.mainline
                .announce_signed_peer(topic(site), &node)
                .await
                .unwrap();
        }
        let signed = |length| {
            let head = Head::sign(&key, length, LogHash([5; 32]));
            Signpost::sign(&key, &head, &[]).unwrap()
        };
        assert_eq!(dht.put(&signed(2)).await.unwrap(), Put::Stored);
        assert_eq!(dht.put(&signed(1)).await.unwrap(), Put::Older);
        assert_eq!(dht.put(&signed(3)).await.unwrap(), Put::Stored);
        assert_eq!(dht.put(&signed(3)).await.unwrap(), Put::Stored, "again");

        let (mut names, mut signs) = (HashSet::new(), Vec::new());
        let mut found = dht.lookup(site);
        while let Some(found) = found.recv().await {
            match found {
                Found::Signpost(signpost) => signs.push(signpost.sequence()),
                Found::Node(node) => assert!(names.insert(node), "named twice"),
            }
        }
        assert!((1..=OF_ALL).contains(&names.len()), "{}", names.len());
        assert!(signs.is_sorted() && signs.last() == Some(&3), "{signs:?}");
    }

    #[tokio::test]
    async fn a_machine_without_a_name_server_says_so_and_may_try_again() {
        let error = addresses(&[place_of("no-such-name.invalid:1")])
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Unreachable);
        let found = addresses(&[place_of("127.0.0.1:6881")]).await.unwrap();
        assert_eq!(found, ["127.0.0.1:6881"]);
    }
}
