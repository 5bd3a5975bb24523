//! Being asked for sites by hashes: only whoever knows a site can ask for it, and only what is shared is found.

use iroh::{
    Endpoint, RelayMode,
    endpoint::{Connection, presets},
};
use iroh_tickets::endpoint::EndpointTicket;
use skep_publisher::{
    archive::address::SiteId,
    store::Relation,
    swarm::{
        Node, follow,
        wire::{self, MAX_SOUGHT, Request, Response},
    },
};

use crate::fixture::{Author, Other, PATIENCE};

const SALT: [u8; 16] = [7; 16];

/// As the protocol says it is made.
fn mark(salt: [u8; 16], site: SiteId) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("skep 2026 a site that is sought");
    hasher.update(&salt).update(&site.0);
    hasher.finalize().as_bytes()[..16].try_into().unwrap()
}

async fn connect(node: &Node) -> (Endpoint, Connection) {
    let endpoint = Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_ip_transports()
        .bind_addr((std::net::Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .bind()
        .await
        .unwrap();
    let ticket: EndpointTicket = node.ticket().unwrap().to_string().parse().unwrap();
    let addr: iroh::EndpointAddr = ticket.into();
    let connection = endpoint.connect(addr, wire::ALPN).await.unwrap();
    (endpoint, connection)
}

/// The places of what is found; `None` if there is no answer.
async fn ask(connection: &Connection, marks: Vec<[u8; 16]>) -> Option<Vec<u16>> {
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    let request = Request::Sought { salt: SALT, marks };
    wire::send(&mut send, &request).await.unwrap();
    send.finish().unwrap();
    match wire::receive(&mut receive, PATIENCE).await {
        Ok(Response::Found(places)) => Some(places),
        Ok(other) => panic!("{other:?}"),
        Err(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_shared_is_found_and_only_by_who_knows_it() {
    let author = Author::new().with("index.html", "<h1>one</h1>");
    let node = author.start().await;
    author.publish_at(&node).await;
    let empty = SiteId([9; 32]);
    node.store.add_site(empty, Relation::Followed).unwrap();
    let (_endpoint, connection) = connect(&node).await;

    let site = mark(SALT, author.site);
    let other = mark(SALT, SiteId([1; 32]));
    let another_question = mark([8; 16], author.site);
    let asked = vec![other, mark(SALT, empty), site, another_question];
    assert_eq!(ask(&connection, asked).await, Some(vec![2]));
    let most = [vec![other; MAX_SOUGHT - 1], vec![site]].concat();
    let last = u16::try_from(MAX_SOUGHT - 1).unwrap();
    assert_eq!(ask(&connection, most.clone()).await, Some(vec![last]));
    // Who asks for more breaks the protocol, and is answered all the same when it does not.
    assert_eq!(ask(&connection, [most, vec![site]].concat()).await, None);
    assert_eq!(ask(&connection, vec![]).await, Some(vec![]));

    follow::pause(&node, author.site, true).await.unwrap();
    assert_eq!(ask(&connection, vec![site]).await, Some(vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_only_read_is_not_found() {
    let author = Author::new().with("index.html", "<h1>one</h1>");
    let node = author.start().await;
    author.publish_at(&node).await;
    let reader = Other::new().await;
    reader.read(author.site, &node).await.unwrap();
    let (_endpoint, connection) = connect(&reader.node).await;
    let site = mark(SALT, author.site);
    assert_eq!(ask(&connection, vec![site]).await, Some(vec![]));
}
