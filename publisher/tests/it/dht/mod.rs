//! Sites that are found by the Mainline DHT, on DHTs of this machine.

mod bencode;
mod hostile;
mod old;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use n0_mainline::{Dht, MutableItem};
use skep_publisher::{
    archive::{address::SiteId, signpost::Signpost},
    error::Result,
    gateway::local::fetch_from,
    home::Home,
    store::Relation,
    swarm::{
        Network, Node, OpenStore,
        find::{Addresses, DhtSettings, board::Board},
        follow::{self, Timing},
        wire::{Request, Response},
    },
};
use tempfile::TempDir;
use tokio::sync::mpsc;

use self::old::Old;
use crate::{
    fixture::{Author, PATIENCE, checked_out},
    hostile::honest,
    liar::{Liar, Serves, frame},
};

/// Where an item lies.
fn target(key: &[u8; 32], salt: Option<&[u8]>) -> Vec<u8> {
    MutableItem::target_from_key(key, salt).as_bytes().to_vec()
}

/// A DHT: so many nodes as most are, and so many that know signed peers.
struct Net {
    old: Old,
    new: Vec<Dht>,
    bootstrap: Vec<String>,
}

impl Net {
    async fn new(old: u8, new: usize) -> Self {
        let mut this = Self {
            old: Old::new(old).await,
            new: Vec::new(),
            bootstrap: Vec::new(),
        };
        this.bootstrap = this.old.bootstrap.clone();
        for _ in 0..new {
            let mut builder = Dht::builder();
            builder.server_mode().port(0).bootstrap(&this.bootstrap);
            let node = builder.build().unwrap();
            if this.bootstrap.is_empty() {
                let port = node.info().await.unwrap().local_addr().port();
                this.bootstrap.push(format!("127.0.0.1:{port}"));
            }
            this.new.push(node);
        }
        for node in &this.new {
            node.bootstrapped().await.unwrap();
        }
        this
    }

    /// Somebody who knows some of its nodes.
    async fn client(&self) -> Dht {
        let mut builder = Dht::builder();
        builder.port(0).bootstrap(&self.bootstrap);
        let client = builder.build().unwrap();
        client.bootstrapped().await.unwrap();
        client
    }

    fn settings(&self, addresses: Addresses) -> DhtSettings {
        let places = self.bootstrap.iter().cloned();
        DhtSettings {
            bootstrap: places.map(|place| place.try_into().unwrap()).collect(),
            addresses,
            ..DhtSettings::default()
        }
    }

    /// A node on a home, which finds others here.
    async fn start(&self, home: &Home, addresses: Addresses) -> Arc<Node> {
        let mut open = OpenStore::open(home, "a test").unwrap();
        open.config.dht = self.settings(addresses);
        let (events, _) = mpsc::channel(1);
        Node::start(open, Network::Loopback, events).await.unwrap()
    }

    /// Somebody's node, which finds others here.
    async fn other(&self) -> Found {
        let dir = tempfile::tempdir().unwrap();
        let node = self.start(&Home::new(dir.path()), Addresses::All).await;
        Found { node, dir }
    }
}

struct Found {
    node: Arc<Node>,
    dir: TempDir,
}

impl Found {
    async fn pinning(self, site: SiteId) -> Self {
        self.node.store.add_site(site, Relation::Pinned).unwrap();
        self
    }

    /// Is online for good: as `skep node` and `skep host`.
    fn stay(&self) {
        stay(&self.node);
    }
}

fn stay(node: &Arc<Node>) {
    tokio::spawn(follow::keep_up(node.clone(), Timing::default()));
}

/// Does something until it succeeds. Each try takes as long as a lookup does.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut tried: impl FnMut() -> F) -> T {
    let done = async {
        loop {
            if let Some(done) = tried().await {
                return done;
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE * 2, done).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"))
}

/// A site whose author has given it to a host, and is gone.
async fn orphan(net: &Net) -> (Author, Found) {
    let author = Author::new().with("index.html", "<h1>Bees</h1>");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let host = net.other().await.pinning(author.site).await;
    author.announce(&desk, &host.node).await.unwrap();
    desk.close().await;
    (author, host)
}

/// What a fresh reader who knows nothing but the address gets.
async fn read(net: &Net, site: SiteId) -> Result<Found> {
    let reader = net.other().await;
    fetch_from(&reader.node, site, &[]).await?;
    Ok(reader)
}

/// The author and the author's node are gone, and none of the two tickets of the host is known to anyone.
async fn is_found_by_its_address(old: u8, new: usize) {
    let net = Net::new(old, new).await;
    let (author, host) = orphan(&net).await;
    host.stay();
    let reader = until("a reader finds the host", || async {
        read(&net, author.site).await.ok()
    })
    .await;
    let files = checked_out(&reader.node.store, author.site, None).unwrap();
    assert_eq!(files, author.files());
    // The author's word, as the author has signed it, is on the DHT by the host's hand.
    let signed = host.node.store.signpost(author.site).unwrap().unwrap();
    let client = net.client().await;
    let item = until("it is said", || async {
        let salt = Some(Signpost::SALT);
        let item = client.get_mutable_most_recent(&author.site.0, salt).await;
        item.unwrap()
    })
    .await;
    assert_eq!((item.value(), item.seq()), (&signed.value()[..], 1));
    assert_eq!(item.signature(), &signed.signature());
    // So does one who follows, and shares it from then on; then the host may go.
    let follower = net.other().await;
    let following = follow::follow(&follower.node, author.site, &[]).await;
    assert_eq!(following.unwrap().version, Some(1));
    follower.stay();
    host.node.close().await;
    let last = until("the follower is found", || async {
        read(&net, author.site).await.ok()
    })
    .await;
    let peers = last.node.store.peers(author.site).unwrap();
    assert_eq!(peers[0].node, follower.node.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_found_while_any_holder_is_online_where_half_of_the_dht_knows_no_signed_peers() {
    is_found_by_its_address(5, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_found_where_nobody_knows_signed_peers() {
    is_found_by_its_address(6, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_found_where_all_know_signed_peers() {
    is_found_by_its_address(0, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_for_the_dht_is_what_its_own_crate_signs() {
    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let signed = desk.store.signpost(author.site).unwrap().unwrap();
    let (key, value) = (author.key(), signed.value());
    let item = MutableItem::new(&key, &value, 1, Some(Signpost::SALT));
    assert_eq!(item.signature(), &signed.signature());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_node_is_is_told_as_its_owner_says() {
    let net = Net::new(3, 2).await;
    let client = net.client().await;
    let (author, host) = orphan(&net).await;
    let home = Home::new(host.dir.path());
    host.node.close().await;
    drop(host.node);
    // Relays alone, of which this network has none: it is named, and nobody learns where it is.
    let hidden = net.start(&home, Addresses::Relays).await;
    stay(&hidden);
    let mut stored = net.old.stored.clone();
    let board = Board::keys(author.site, now())[0]
        .verifying_key()
        .to_bytes();
    let board = target(&board, Some(Board::SALT));
    let said = stored.wait_for(|_| net.old.value(&board).is_some());
    drop(tokio::time::timeout(PATIENCE, said).await.unwrap());
    let noted = Board::decode(&net.old.value(&board).unwrap()).unwrap();
    assert_eq!(noted.holders(now()), [hidden.id()]);
    assert!(read(&net, author.site).await.is_err());
    let place = || async {
        let item = client.get_mutable_most_recent(&hidden.id(), None).await;
        item.unwrap()
    };
    assert!(place().await.is_none());
    hidden.close().await;
    drop(hidden);

    let open = net.start(&home, Addresses::All).await;
    stay(&open);
    until("it is reached", || async {
        read(&net, author.site).await.ok()
    })
    .await;
    let item = client
        .get_mutable_most_recent(&open.id(), None)
        .await
        .unwrap();
    let told = String::from_utf8_lossy(item.unwrap().value()).into_owned();
    assert!(told.contains("addr=127.0.0.1:"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_away_has_the_newer_version_and_says_no_older_one() {
    let net = Net::new(4, 2).await;
    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let away = net.other().await.pinning(author.site).await;
    author.announce(&desk, &away.node).await.unwrap();
    away.node.close().await;
    author.write("index.html", "two");
    let second = author.publish_at(&desk).await;
    let host = net.other().await.pinning(author.site).await;
    author.announce(&desk, &host.node).await.unwrap();
    desk.close().await;
    host.stay();
    let place = target(&author.site.0, Some(Signpost::SALT));
    let mut stored = net.old.stored.clone();
    let said = stored.wait_for(|_| net.old.value(&place).is_some());
    drop(tokio::time::timeout(PATIENCE, said).await.unwrap());

    let home = Home::new(away.dir.path());
    drop(away.node);
    let back = net.start(&home, Addresses::All).await;
    let mut news = back.news();
    stay(&back);
    let newest = async {
        loop {
            let state = back.store.known(author.site).unwrap();
            if state.head.as_ref() == Some(&second.head) {
                return;
            }
            let _ = news.recv().await;
        }
    };
    tokio::time::timeout(PATIENCE * 2, newest).await.unwrap();
    // What it was first to say was refused, and what is said is the newest.
    let value = net.old.value(&place).unwrap();
    let signed = host.node.store.signpost(author.site).unwrap().unwrap();
    assert_eq!(signed.head(), &second.head);
    assert_eq!(value, signed.value());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signpost_that_did_not_come_with_its_version_is_asked_for_before_it_is_said() {
    let net = Net::new(4, 0).await;
    let forge = honest(1).await;
    let signed = forge.signpost(&forge.head());
    let (answers, asked) = (forge.script(), AtomicUsize::new(0));
    let later = signed.encode();
    let script = move |request| match request {
        Request::Signpost { .. } => match asked.fetch_add(1, Ordering::Relaxed) {
            0 => vec![frame(&Response::NotShared)],
            _ => vec![frame(&Response::Signpost(later.clone()))],
        },
        request => answers(request),
    };
    let peer = Liar::new(script, Serves::Blobs(forge.blobs.clone())).await;
    let holder = net.other().await;
    let ticket = std::slice::from_ref(&peer.ticket);
    let following = follow::follow(&holder.node, forge.site(), ticket).await;
    assert_eq!(following.unwrap().version, Some(1));
    assert_eq!(holder.node.store.signpost(forge.site()).unwrap(), None);
    holder.stay();
    let place = target(&forge.site().0, Some(Signpost::SALT));
    let mut stored = net.old.stored.clone();
    let said = stored.wait_for(|_| net.old.value(&place).is_some());
    drop(tokio::time::timeout(PATIENCE, said).await.unwrap());
    assert_eq!(net.old.value(&place).unwrap(), signed.value());
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_nodes_and_paused_sites_are_said_nowhere() {
    let net = Net::new(4, 0).await;
    let author = Author::new().with("index.html", "one");
    let other = Author::new().with("index.html", "two");
    let mut open = author.open();
    open.config.dht = net.settings(Addresses::All);
    let (events, _) = mpsc::channel(1);
    let node = Node::quiet(open, Network::Loopback, events).await.unwrap();
    stay(&node);
    author.publish_at(&node).await;
    other.publish_at(&node).await;
    follow::pause(&node, author.site, true).await.unwrap();
    assert_eq!(net.old.queries(), 0);
    // It takes part from now on.
    node.online().await.unwrap();
    let place = |site: SiteId| target(&site.0, Some(Signpost::SALT));
    let mut stored = net.old.stored.clone();
    let said = stored.wait_for(|_| net.old.value(&place(other.site)).is_some());
    drop(tokio::time::timeout(PATIENCE, said).await.unwrap());
    assert!(net.old.value(&place(author.site)).is_none());
    follow::pause(&node, author.site, false).await.unwrap();
    let said = stored.wait_for(|_| net.old.value(&place(author.site)).is_some());
    drop(tokio::time::timeout(PATIENCE, said).await.unwrap());
}

fn now() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
