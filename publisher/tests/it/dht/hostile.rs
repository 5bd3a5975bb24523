//! What is said on the DHT to mislead.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use n0_mainline::{Id, MutableItem};
use skep_publisher::{
    archive::{hash::LogHash, head::Head, signpost::Signpost},
    swarm::find::board::Board,
};

use super::{
    Net,
    bencode::{Dict, Value},
    now, orphan, read, target, until,
};
use crate::fixture::PATIENCE;

/// An item as a node of the DHT gives it.
fn item(key: &SigningKey, value: &[u8], sequence: i64, salt: &[u8]) -> Dict {
    let item = MutableItem::new(key, value, sequence, Some(salt));
    Dict::from([
        (b"k".to_vec(), Value::bytes(item.key())),
        (b"seq".to_vec(), Value::Integer(sequence)),
        (b"sig".to_vec(), Value::bytes(item.signature())),
        (b"v".to_vec(), Value::bytes(value)),
    ])
}

/// Every way to say something that is not so about a site, and its holder is found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn forged_old_garbled_and_endless_answers_are_passed_over() {
    let mut net = Net::new(3, 2).await;
    let (author, host) = orphan(&net).await;
    let signed = host.node.store.signpost(author.site).unwrap().unwrap();
    let (key, foreign) = (author.key(), SigningKey::from_bytes(&[66; 32]));
    let later = Head::sign(&key, 9, LogHash([6; 32]));
    let later = Signpost::sign(&key, &later, &[[6; 32]]).unwrap();
    let mut forged = item(&key, &signed.value(), 1, Signpost::SALT);
    forged.insert(b"sig".to_vec(), Value::bytes([7; 64]));
    let lies = [
        // Signed by another key, or by nobody.
        item(&foreign, &signed.value(), 1, Signpost::SALT),
        forged,
        // By the right key, and yet not what its number says, or nothing at all.
        item(&key, &later.value(), 1, Signpost::SALT),
        item(&key, &signed.value(), 77, Signpost::SALT),
        item(&key, b"12:not a signpost", 78, Signpost::SALT),
        item(&key, &vec![1; 1500], 79, Signpost::SALT),
        item(&key, &[], i64::MAX, Signpost::SALT),
    ];
    let place = target(&author.site.0, Some(Signpost::SALT));
    for lie in lies {
        let place = place.clone();
        let lie = move |target: &[u8]| (target == place).then(|| lie.clone());
        net.old.add(Some(Arc::new(lie))).await;
    }
    net.bootstrap = net.old.bootstrap.clone();
    host.stay();
    let reader = until("the host is found", || async {
        read(&net, author.site).await.ok()
    })
    .await;
    let kept = reader.node.store.signpost(author.site).unwrap();
    assert!(kept.is_none_or(|kept| kept == signed));
}

/// Thousands say that they hold a site, and one that can't be reached has the author's word for it. Who looks
/// dials a few of them, and finds the one that does.
#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_site_is_found_among_many_who_say_so() {
    let net = Net::new(3, 3).await;
    let (author, host) = orphan(&net).await;
    // A node that is there, and has something else.
    let stranger = net.other().await;
    let other = crate::fixture::Author::new().with("index.html", "something else");
    other.publish_at(&stranger.node).await;
    stranger.stay();
    let client = net.client().await;
    let topic = {
        let mut hasher = blake3::Hasher::new_derive_key("skep 2026 dht holders v1");
        hasher.update(&author.site.0);
        let mut id = [0; 20];
        hasher.finalize_xof().fill(&mut id);
        Id::from(id)
    };
    for n in 0..60 {
        let liar = SigningKey::from_bytes(&[100 + n; 32]);
        client.announce_signed_peer(topic, &liar).await.unwrap();
    }
    let key = &Board::keys(author.site, now())[0];
    let mut board = Board::default().with(stranger.node.id(), now());
    for n in 0..20 {
        board = board.with([n; 32], now());
    }
    let item = MutableItem::new(key, &board.encode(), 1, Some(Board::SALT));
    client.put_mutable(item, None).await.unwrap();
    host.stay();
    until("the host is found", || async {
        read(&net, author.site).await.ok()
    })
    .await;
}

/// Somebody has written nonsense on the board with the highest number, so that nobody can write on it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_was_spoilt_is_not_needed_where_some_know_signed_peers() {
    let net = Net::new(3, 3).await;
    let (author, host) = orphan(&net).await;
    let client = net.client().await;
    let key = &Board::keys(author.site, now())[0];
    let item = MutableItem::new(key, b"!", i64::MAX, Some(Board::SALT));
    client.put_mutable(item, None).await.unwrap();
    host.stay();
    until("the host is found", || async {
        read(&net, author.site).await.ok()
    })
    .await;
    let board = target(&key.verifying_key().to_bytes(), Some(Board::SALT));
    assert_eq!(net.old.value(&board).unwrap(), b"!");
}

/// A DHT that takes queries and answers nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_dht_that_does_not_answer_is_given_up() {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let net = Net {
        old: super::Old::new(0).await,
        new: Vec::new(),
        bootstrap: vec![silent.local_addr().unwrap().to_string()],
    };
    let site = skep_publisher::archive::address::SiteId([7; 32]);
    let given_up = tokio::time::timeout(PATIENCE * 2, read(&net, site)).await;
    let error = given_up.unwrap().map(|_| ()).unwrap_err();
    assert!(error.message.contains("found by the DHT"), "{error}");
}
