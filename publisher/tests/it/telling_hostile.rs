//! Links with nodes that lie, flood, or never listen.

use std::sync::Arc;

use ed25519_dalek::{Signer, SigningKey};
use iroh::{
    Endpoint,
    endpoint::{ConnectOptions, Connection, QuicTransportConfig, RecvStream, SendStream, VarInt},
};
use skep_publisher::{
    archive::{
        address::SiteId,
        hash::ContentHash,
        head::Head,
        receipt::{Mode, Receipt},
    },
    swarm::{
        Node, follow,
        follow::Timing,
        link::frame::{Frame, Push, PushHead, send_push},
        wire::{self, Request},
    },
};

use crate::{
    fixture::{Author, Other, PATIENCE, checked_out, noise},
    liar::{address_of, endpoint},
};

/// A node that has asked for a link and has it.
struct Stranger {
    endpoint: Endpoint,
    send: SendStream,
    receive: RecvStream,
    _connection: Connection,
}

impl Stranger {
    async fn linked(site: SiteId, to: &Node) -> Self {
        Self::linked_with(site, to, ConnectOptions::new()).await
    }

    async fn linked_with(site: SiteId, to: &Node, options: ConnectOptions) -> Self {
        let endpoint = endpoint().await;
        let address = address_of(to.ticket().unwrap());
        let connecting = endpoint.connect_with_opts(address, wire::ALPN, options);
        let connection = connecting.await.unwrap().await.unwrap();
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        let request = Request::Link {
            site: site.0,
            head: None,
            from: endpoint.addr(),
        };
        wire::send(&mut send, &request).await.unwrap();
        let answer: Frame = wire::receive(&mut receive, PATIENCE).await.unwrap();
        assert!(matches!(answer, Frame::Welcome { .. }), "{answer:?}");
        Self {
            endpoint,
            send,
            receive,
            _connection: connection,
        }
    }

    fn key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.endpoint.secret_key().to_bytes())
    }

    /// Waits until the other end has had enough.
    async fn until_sent_away(mut self, why: &str) {
        let end = async { while wire::next::<Frame>(&mut self.receive).await.is_ok() {} };
        let ended = tokio::time::timeout(PATIENCE, end).await;
        ended.unwrap_or_else(|_| panic!("{why}: the link stays"));
    }
}

fn receipt(head: &Head, node: [u8; 32], key: &SigningKey) -> Vec<u8> {
    Receipt::sign(head, node, 7, Mode::Latest, |bytes| {
        key.sign(bytes).to_bytes()
    })
    .encode()
}

fn id(key: &SigningKey) -> [u8; 32] {
    key.verifying_key().to_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_foreign_and_sparse_receipts_end_the_link_and_a_good_one_counts() {
    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let head = desk.store.known(author.site).unwrap().head.unwrap();
    let other = SigningKey::from_bytes(&[9; 32]);
    let elsewhere = Head::sign(&other, 1, head.root());
    type Make<'a> = &'a dyn Fn(&SigningKey) -> Vec<u8>;
    let bad: [(&str, Make<'_>); 5] = [
        ("of another node", &|_| receipt(&head, id(&other), &other)),
        ("signed by another", &|key| receipt(&head, id(key), &other)),
        ("of another site", &|key| receipt(&elsewhere, id(key), key)),
        ("of some pages", &|key| {
            let mut bytes = receipt(&head, id(key), key);
            bytes[1] = 3;
            bytes
        }),
        ("of nothing", &|_| vec![1; 50]),
    ];
    for (what, make) in bad {
        let mut stranger = Stranger::linked(author.site, &desk).await;
        let frame = Frame::Kept(make(&stranger.key()));
        wire::send(&mut stranger.send, &frame).await.unwrap();
        stranger.until_sent_away(what).await;
    }
    let holders = || desk.store.holders(author.site).unwrap().count();
    assert_eq!(holders(), 0);
    let mut honest = Stranger::linked(author.site, &desk).await;
    let key = honest.key();
    let frame = Frame::Kept(receipt(&head, id(&key), &key));
    wire::send(&mut honest.send, &frame).await.unwrap();
    let counted = async {
        while holders() != 1 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_not_what_was_signed_is_not_kept_and_the_true_version_comes() {
    let author = Author::new()
        .with("index.html", "one")
        .with("photo.png", noise(2, 300_000));
    let desk = author.start().await;
    author.publish_at(&desk).await;
    // The author's node looks at what it has when it is linked, and no more after that.
    let reader = linked_follower(&author, &desk).await;
    // A genuine head and entry, of which the author has told nobody yet.
    author.write("index.html", "two");
    let published = author.publish(&desk.store);
    let genuine = Push {
        head: published.head.encode(),
        entry: published.entry.encode().unwrap(),
        ..Push::default()
    };
    let garbage = noise(5, 50_000);
    let forged = Head::sign(&SigningKey::from_bytes(&[9; 32]), 2, published.head.root());
    let pushes = [
        (
            "garbage beside a genuine entry",
            Push {
                blobs: vec![garbage.clone()],
                ..genuine.clone()
            },
        ),
        (
            "a head of another key",
            Push {
                head: forged.encode(),
                ..genuine.clone()
            },
        ),
        (
            "no entry",
            Push {
                entry: vec![7; 100],
                ..genuine.clone()
            },
        ),
    ];
    for (what, push) in pushes {
        let mut stranger = Stranger::linked(author.site, &reader.node).await;
        send_push(&mut stranger.send, &push).await.unwrap();
        stranger.until_sent_away(what).await;
    }
    for (what, sizes) in [
        ("too many bytes", vec![1 << 17; 3]),
        ("endless blobs", vec![u32::MAX; 2]),
        ("too many blobs", vec![1; 1000]),
    ] {
        let mut stranger = Stranger::linked(author.site, &reader.node).await;
        let frame = Frame::Push(PushHead {
            head: genuine.head.clone(),
            entry: genuine.entry.clone(),
            signpost: None,
            sizes,
        });
        wire::send(&mut stranger.send, &frame).await.unwrap();
        stranger.until_sent_away(what).await;
    }
    let here = || reader.node.store.known(author.site).unwrap().head.unwrap();
    assert_eq!(here().length(), 1);
    let data = reader.home.store().join("blobs").join("data");
    let name = ContentHash::of(&garbage).to_string();
    for file in std::fs::read_dir(data).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        assert!(!file.starts_with(&name), "{file}");
    }
    // A push without its blobs is fetched instead, from whoever has it.
    let mut news = reader.node.news();
    desk.share(author.site, 2).await.unwrap();
    let came = async {
        while here().length() < 2 {
            let _ = news.recv().await;
        }
    };
    tokio::time::timeout(PATIENCE, came).await.unwrap();
    let files = checked_out(&reader.node.store, author.site, None).unwrap();
    assert_eq!(files, author.files());
}

/// Sends frames as fast as they are taken, until the other end has had enough; returns how many bytes those were.
async fn flood(mut stranger: Stranger, what: &str, frame: Frame, blobs: usize) -> usize {
    let blob = noise(7, blobs);
    let length = postcard::to_stdvec(&frame).unwrap().len() + blobs;
    let Stranger { send, receive, .. } = &mut stranger;
    let flooding = async {
        let mut sent = 0;
        while wire::send(send, &frame).await.is_ok() && wire::send_bytes(send, &blob).await.is_ok()
        {
            sent += length;
        }
        sent
    };
    // It reads too, so that nothing but the flood is to be blamed.
    let reading = async {
        while wire::next::<Frame>(receive).await.is_ok() {}
        std::future::pending::<()>().await;
    };
    let flooded = tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            sent = flooding => sent,
            () = reading => 0,
        }
    });
    let sent = flooded.await;
    sent.unwrap_or_else(|_| panic!("{what}: the link stays"))
}

/// Follows a site from `desk`, and waits until both are linked.
async fn linked_follower(author: &Author, desk: &Arc<Node>) -> Other {
    let reader = Other::new().await;
    let peers = std::slice::from_ref(desk.ticket().unwrap());
    let followed = follow::follow(&reader.node, author.site, peers).await;
    followed.unwrap();
    tokio::spawn(follow::keep_up(reader.node.clone(), Timing::default()));
    // The reader says over the link that it keeps the version.
    let linked = async {
        while desk.store.holders(author.site).unwrap().count() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, linked).await.unwrap();
    reader
}

async fn until_version(node: &Node, site: SiteId, version: u64) {
    let mut news = node.news();
    let here = || node.store.known(site).unwrap().head.unwrap().length();
    let came = async {
        while here() < version {
            let _ = news.recv().await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, came).await;
    came.unwrap_or_else(|_| panic!("version {version} never came"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_floods_a_link_is_dropped_and_others_have_their_news_meanwhile() {
    let author = Author::new()
        .with("index.html", "one")
        .with("photo.png", noise(2, 300_000));
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let reader = linked_follower(&author, &desk).await;
    let head = desk.store.known(author.site).unwrap().head.unwrap();
    let whole = true;
    let told = Frame::Head {
        head: head.encode(),
        whole,
    };
    let pushed = PushHead {
        head: head.encode(),
        entry: vec![7; 100],
        signpost: None,
        sizes: vec![200_000],
    };
    let mut floods = tokio::task::JoinSet::new();
    for to in [&desk, &reader.node] {
        let endpoint = endpoint().await;
        let names = Frame::Peers(vec![endpoint.addr(); 8]);
        let kinds = [
            ("the same version", told.clone(), 0),
            ("names", names, 0),
            ("pushes", Frame::Push(pushed.clone()), 200_000),
        ];
        for (what, frame, blobs) in kinds {
            let stranger = Stranger::linked(author.site, to).await;
            floods.spawn(async move { (what, flood(stranger, what, frame, blobs).await) });
        }
        let stranger = Stranger::linked(author.site, to).await;
        let key = stranger.key();
        let kept = Frame::Kept(receipt(&head, id(&key), &key));
        floods.spawn(async move { ("receipts", flood(stranger, "receipts", kept, 0).await) });
    }
    author.write("index.html", "two");
    author.publish_at(&desk).await;
    until_version(&reader.node, author.site, 2).await;
    while let Some(flood) = tokio::time::timeout(PATIENCE, floods.join_next())
        .await
        .expect("a flood has not ended")
    {
        let (what, sent) = flood.unwrap();
        // Some frames are read, and what a stream may hold: the rest has to wait at its end.
        assert!(sent < 4 << 20, "{what}: {sent} bytes");
    }
    // Those who behave are linked as before.
    author.write("index.html", "three");
    author.publish_at(&desk).await;
    until_version(&reader.node, author.site, 3).await;
    let files = checked_out(&reader.node.store, author.site, None).unwrap();
    assert_eq!(files, author.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_of_a_link_ends_it_at_once() {
    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let head = desk.store.known(author.site).unwrap().head.unwrap();
    let forged = Head::sign(&SigningKey::from_bytes(&[9; 32]), 2, head.root());
    let whole = true;
    let head = forged.encode();
    let peers = Vec::new();
    let framed = |frame: &Frame| {
        let bytes = postcard::to_stdvec(frame).unwrap();
        [&(bytes.len() as u32).to_be_bytes()[..], &bytes].concat()
    };
    let kinds = [
        (
            "a second beginning",
            framed(&Frame::Welcome { head: None, peers }),
        ),
        ("a forged head", framed(&Frame::Head { head, whole })),
        (
            "half a head",
            framed(&Frame::Head {
                head: vec![1; 9],
                whole,
            }),
        ),
        ("garbage", [&9u32.to_be_bytes()[..], &[0xff; 9]].concat()),
        ("an endless frame", u32::MAX.to_be_bytes().to_vec()),
    ];
    for (what, bytes) in kinds {
        let mut stranger = Stranger::linked(author.site, &desk).await;
        wire::send_bytes(&mut stranger.send, &bytes).await.unwrap();
        stranger.until_sent_away(what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_reads_holds_nobody_up_and_is_dropped() {
    let author = Author::new()
        .with("index.html", "one")
        .with("photo.png", noise(2, 300_000));
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let reader = linked_follower(&author, &desk).await;
    // Nothing of a version that is pushed fits into what it takes without being read.
    let window = QuicTransportConfig::builder()
        .stream_receive_window(VarInt::from_u32(512))
        .build();
    let options = ConnectOptions::new().with_transport_config(window);
    let slow = Stranger::linked_with(author.site, &desk, options).await;
    for version in 2..=4 {
        author.write("index.html", format!("version {version}"));
        author.write("new.png", noise(version, 50_000));
        author.publish_at(&desk).await;
        until_version(&reader.node, author.site, version).await;
    }
    // The other end gives up, and tells so by not listening any more.
    let dropped = tokio::time::timeout(2 * PATIENCE, slow.send.stopped()).await;
    dropped.expect("the link stays").ok();
}
