//! What a node gives to others while it fetches a version itself.

use std::{sync::Arc, time::Duration};

use iroh::endpoint::{Connection, RecvStream};
use iroh_blobs::{
    Hash,
    api::remote::GetProgressItem,
    protocol::{ChunkRanges, ChunkRangesExt, GetRequest},
    store::mem::MemStore,
};
use n0_future::StreamExt;
use skep_publisher::{
    archive::{
        blobs::{BlobKind, BlobRef},
        entry::Entry,
        hash::ContentHash,
    },
    store::Relation,
    swarm::{
        Node,
        fetch::{Wanted, newest},
        follow,
        wire::{self, Request, Response},
    },
};

use crate::{
    fixture::{Author, Files, Other, PATIENCE, check, checked_out, noise},
    liar::{Act, Forge, Liar, Serves, address_of, endpoint},
    several::site_of,
};

/// A node that fetches a version of `forge` that never comes to its end, and has some of it.
struct Halfway {
    node: Other,
    forge: Forge,
    /// A blob that comes.
    open: Vec<u8>,
    /// One of another site, that lies at the node and is named by this one.
    secret: Vec<u8>,
    _peer: Liar,
}

async fn halfway(relation: Relation) -> Halfway {
    let secret = noise(7, 50_000);
    let hidden = Author::new().with("secret.png", &secret);
    let hidden_desk = hidden.start().await;
    hidden.publish_at(&hidden_desk).await;
    let node = Other::new().await;
    node.read(hidden.site, &hidden_desk).await.unwrap();

    // So long that it is not put together with the pack, and so short that the rest is asked for meanwhile.
    let (open, never) = (noise(8, 3_000_000), noise(9, (1 << 20) + 1));
    let files = Files::from([
        ("open.webm".into(), open.clone()),
        ("never.webm".into(), never.clone()),
    ]);
    let (mut forge, _) = site_of(50, files);
    let mut entry = Entry::decode(&forge.entries[0]).unwrap();
    entry.adds.inline.push(BlobRef {
        hash: ContentHash::of(&secret),
        kind: BlobKind::File,
        size: secret.len() as u64,
    });
    entry.adds.inline.sort_by_key(|blob| blob.hash);
    forge.entries[0] = entry.encode().unwrap();
    // Who did not have it would be refused at once.
    forge.blobs.push(secret.clone());
    let stuck = Hash::new(&never);
    let choose = move |_: usize, hash: Hash| match hash == stuck {
        true => Act::Hold,
        false => Act::Serve,
    };
    let serves = Serves::Chosen(forge.blobs.clone(), Box::new(choose));
    let peer = Liar::new(forge.script(), serves).await;
    if relation != Relation::Visited {
        node.node.store.add_site(forge.site(), relation).unwrap();
    }
    let (reader, site, ticket) = (node.node.clone(), forge.site(), peer.ticket.clone());
    tokio::spawn(async move { newest(&reader, site, &ticket, Wanted::Latest).await });
    Halfway {
        node,
        forge,
        open,
        secret,
        _peer: peer,
    }
}

impl Halfway {
    /// Asks which pieces it has, until some come; `None` if it does not share the site.
    async fn has(&self, connection: &Connection) -> Option<(u32, RecvStream)> {
        let head = self.forge.head();
        loop {
            let (mut send, mut receive) = connection.open_bi().await.unwrap();
            let request = Request::Have {
                site: self.forge.site().0,
                length: head.length(),
                root: head.root().0,
                from: None,
            };
            wire::send(&mut send, &request).await.unwrap();
            let mut count = 0;
            // It says nothing before it knows itself what there is to come.
            while let Ok(Response::Has { whole, pieces }) =
                wire::receive(&mut receive, PATIENCE).await
            {
                assert!(!whole);
                count += pieces.iter().map(|(a, b)| b - a).sum::<u32>();
                if count >= 4 {
                    return Some((count, receive));
                }
            }
            if self.is_stuck() {
                return None;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whether what is to come has come.
    fn is_stuck(&self) -> bool {
        let hash = ContentHash::of(&self.open).to_string();
        let data = self.node.home.store().join("blobs/data");
        let path = data.join(format!("{hash}.data"));
        path.metadata()
            .is_ok_and(|data| data.len() == self.open.len() as u64)
    }
}

async fn get(connection: &Connection, bytes: &[u8]) -> bool {
    let store = MemStore::new();
    let request =
        GetRequest::blob_ranges(Hash::new(bytes), ChunkRanges::bytes(0..bytes.len() as u64));
    let mut got = std::pin::pin!(
        store
            .remote()
            .execute_get(connection.clone(), request)
            .stream()
    );
    loop {
        match tokio::time::timeout(PATIENCE, got.next()).await.unwrap() {
            Some(GetProgressItem::Progress(_)) => {}
            Some(GetProgressItem::Done(_)) => return true,
            _ => return false,
        }
    }
}

async fn connect(node: &Node) -> (Connection, Connection, iroh::Endpoint) {
    let stranger = endpoint().await;
    let address = address_of(node.ticket().unwrap());
    let talk = stranger.connect(address.clone(), wire::ALPN).await.unwrap();
    let blobs = stranger.connect(address, iroh_blobs::ALPN).await.unwrap();
    (talk, blobs, stranger)
}

/// Its author names a blob that lies here for another site: it must not be given away because some version says so that
/// nobody has checked yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_come_of_a_version_is_served_and_nothing_else() {
    let scene = halfway(Relation::Followed).await;
    let (talk, blobs, _stranger) = connect(&scene.node.node).await;
    let (count, mut receive) = scene.has(&talk).await.unwrap();
    assert_eq!(count, 4, "the pack and the three pieces that came");
    assert!(get(&blobs, &scene.open).await);
    assert!(!get(&blobs, &scene.secret).await);

    // Who stops the sharing stops that too.
    let site = scene.forge.site();
    follow::pause(&scene.node.node, site, true).await.unwrap();
    assert!(!get(&blobs, &scene.open).await);
    let (talk, _, _other) = connect(&scene.node.node).await;
    assert!(scene.has(&talk).await.is_none());

    // Whoever was told so far hears no more when the fetch has ended.
    follow::remove(
        &scene.node.node,
        site,
        skep_publisher::store::OwnSites::Keep,
    )
    .await
    .unwrap();
    let ended = wire::receive::<Response>(&mut receive, PATIENCE).await;
    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_only_visited_is_not_served_while_it_comes() {
    let scene = halfway(Relation::Visited).await;
    let (talk, blobs, _stranger) = connect(&scene.node.node).await;
    assert!(scene.has(&talk).await.is_none());
    assert!(!get(&blobs, &scene.open).await);
}

/// Readers who come at the same time give each other what the author gave to one of them.
#[tokio::test(flavor = "multi_thread")]
async fn readers_who_come_together_have_most_of_it_from_each_other() {
    const READERS: usize = 6;
    const BYTES: usize = 24_000_000;
    let author = Author::new().with("film.webm", noise(60, BYTES));
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let reader = Other::new().await;
        reader
            .node
            .store
            .add_site(author.site, Relation::Followed)
            .unwrap();
        readers.push(Arc::new(reader));
    }
    let site = author.site;
    let reads = readers.iter().map(|reader| {
        let (reader, desk) = (reader.clone(), desk.clone());
        tokio::spawn(async move { reader.read(site, &desk).await })
    });
    for read in reads.collect::<Vec<_>>() {
        read.await.unwrap().unwrap();
    }
    for reader in &readers {
        let store = &reader.node.store;
        check(store, site).unwrap();
        assert_eq!(checked_out(store, site, None).unwrap(), author.files());
    }
    // The author counts when an answer is over, in a task of its own.
    let up = || desk.store.activity().unwrap()[&site].1.up;
    let counted = async {
        while up() < BYTES as u64 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), counted)
        .await
        .expect("the author gives all of it at least once");
    let times = up() as f64 / BYTES as f64;
    assert!(times <= 2.0, "{times}");
}
