//! Links with nodes that lie.

use ed25519_dalek::{Signer, SigningKey};
use iroh::{
    Endpoint,
    endpoint::{Connection, RecvStream, SendStream},
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
        let endpoint = endpoint().await;
        let address = address_of(to.ticket().unwrap());
        let connection = endpoint.connect(address, wire::ALPN).await.unwrap();
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
    let reader = Other::new().await;
    let peers = std::slice::from_ref(desk.ticket().unwrap());
    follow::follow(&reader.node, author.site, peers)
        .await
        .unwrap();
    tokio::spawn(follow::keep_up(reader.node.clone(), Timing::default()));
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
