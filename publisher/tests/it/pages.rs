//! Pages of a site that is not here yet: from peers that are honest, slow, and none of that.

use std::sync::Arc;

use skep_publisher::{
    archive::{
        address::SiteId, entry::Entry, hash::NodeHash, head::Head, log::Peaks, path::ArchivePath,
    },
    error::Kind,
    store::Store,
    swarm::{
        Node, Ticket, follow,
        page::{MAX_PATHS, Page, Session},
        wire::{self, Request, Response},
    },
};
use tokio::runtime::Handle;

use crate::{
    fixture::{Author, Other, PATIENCE, noise},
    liar::{Forge, Liar, Serves, address_of, endpoint, frame},
    web::{ask, serve},
};

fn site() -> Author {
    Author::new()
        .with("index.html", "<h1>home</h1>")
        .with("posts/index.html", "<h1>posts</h1>")
        .with("style.css", "h1 { color: red }")
        .with("404.html", "<h1>not here</h1>")
        .with("app.html", "app")
        .with("skep.json", r#"{"csp": "img-src 'none'"}"#)
        .with("data.bin", noise(1, 700_000))
}

fn paths(paths: &[&str]) -> Vec<ArchivePath> {
    let paths = paths.iter().map(|path| ArchivePath::new(path).unwrap());
    paths.collect()
}

/// What a node answers to a request for files, over the wire.
async fn answer_of(ticket: &Ticket, site: SiteId, paths: Vec<String>) -> Option<Vec<u8>> {
    let endpoint = endpoint().await;
    let connection = endpoint.connect(address_of(ticket), wire::ALPN).await;
    let (mut send, mut receive) = connection.unwrap().open_bi().await.unwrap();
    let request = Request::Page {
        site: site.0,
        paths,
    };
    wire::send(&mut send, &request).await.unwrap();
    match wire::receive(&mut receive, PATIENCE).await.ok()? {
        Response::Page { length } => {
            let bytes = wire::receive_bytes(&mut receive, length as usize).await;
            Some(bytes.unwrap())
        }
        _ => None,
    }
}

/// What a liar makes of an answer: the length that it says, and the bytes.
type Twist = dyn Fn(Page) -> (u32, Vec<u8>) + Send + Sync;

fn encoded(page: &Page) -> (u32, Vec<u8>) {
    let bytes = postcard::to_stdvec(page).unwrap();
    (bytes.len() as u32, bytes)
}

/// A peer that has what an honest one has, but answers requests for pages by `twist`.
async fn twisted(honest: &Arc<Node>, site: SiteId, serves: Serves, twist: Arc<Twist>) -> Liar {
    let (ticket, store) = (honest.ticket().unwrap().clone(), honest.store.clone());
    let script = move |request| match request {
        Request::Page { paths, .. } => {
            let asking = answer_of(&ticket, site, paths);
            let answer = tokio::task::block_in_place(|| Handle::current().block_on(asking));
            let (length, bytes) = twist(postcard::from_bytes(&answer.unwrap()).unwrap());
            vec![frame(&Response::Page { length }), bytes]
        }
        request => log_of(&store, site, &request),
    };
    Liar::new(script, serves).await
}

/// What an honest node answers that has one version.
fn log_of(store: &Store, site: SiteId, request: &Request) -> Vec<Vec<u8>> {
    let state = store.known(site).unwrap();
    match request {
        Request::Head { .. } => {
            let head = state.head.as_ref().unwrap();
            vec![frame(&Response::Head(head.encode()))]
        }
        Request::Entries { .. } => {
            let entry = store.entry(&state, None).unwrap();
            vec![frame(&Response::Entry(entry.encode().unwrap()))]
        }
        _ => Vec::new(),
    }
}

async fn open(reader: &Other, site: SiteId, peer: &Ticket) -> Result<Session, Kind> {
    let wanted = paths(&["index.html", "posts/index.html", "nothing.html"]);
    let opened = tokio::time::timeout(PATIENCE, Session::open(&reader.node, site, peer, &wanted));
    match opened.await.expect("it hangs") {
        Ok((session, files)) => {
            let bytes: Vec<_> = files.iter().map(|(_, bytes)| bytes.as_slice()).collect();
            assert_eq!(bytes, [b"<h1>home</h1>".as_slice(), b"<h1>posts</h1>"]);
            Ok(session)
        }
        Err(e) => Err(e.kind),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_shown_while_the_rest_is_on_its_way() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    // The blobs never come.
    let peer = twisted(
        &desk,
        author.site,
        Serves::Silence,
        Arc::new(|p| encoded(&p)),
    )
    .await;
    let reader = Other::new().await;
    let gateway = serve(&reader.node, vec![peer.ticket.clone()]).await;
    let shown = tokio::time::timeout(PATIENCE, gateway.show(author.site));
    shown.await.unwrap().unwrap();
    let port = gateway.port;
    let host = format!("{}.localhost:{port}", author.site);
    for (path, status, body) in [
        ("/", 200, "<h1>home</h1>"),
        ("/posts/", 200, "<h1>posts</h1>"),
        ("/style.css", 200, "h1 { color: red }"),
        ("/posts", 308, "\n"),
        ("/missing", 404, "<h1>not here</h1>"),
        ("/", 200, "<h1>home</h1>"),
    ] {
        let answer = ask(port, "GET", path, &host, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.body, body.as_bytes(), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.ends_with("\nimg-src 'none'"), "{path}: {policy}");
    }
    let etag = ask(port, "GET", "/", &host, &[]).await;
    let known = [("If-None-Match", etag.header("etag"))];
    assert_eq!(ask(port, "GET", "/", &host, &known).await.status, 304);
    // In memory alone.
    assert!(reader.node.store.site(author.site).unwrap().is_none());
    // A file that is too long for that waits for the whole, which does not come.
    let large = ask(port, "GET", "/data.bin", &host, &[]);
    let close = peer.close();
    let (large, ()) = tokio::join!(large, close);
    assert_eq!(large.status, 504);
    // What nobody gives is not shown.
    let refused = gateway.show(Author::new().site).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Unreachable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_the_site_has_for_all_paths_comes_too() {
    let author = site();
    author.write("skep.json", r#"{"fallback_page": "/app.html"}"#);
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let peer = twisted(
        &desk,
        author.site,
        Serves::Silence,
        Arc::new(|p| encoded(&p)),
    )
    .await;
    let reader = Other::new().await;
    let port = serve(&reader.node, vec![peer.ticket.clone()]).await.port;
    let host = format!("{}.localhost:{port}", author.site);
    let page = [("Accept", "text/html")];
    let answer = ask(port, "GET", "/users/7", &host, &page).await;
    assert_eq!((answer.status, &*answer.body), (200, &b"app"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_was_signed_is_refused() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let site = author.site;
    let other = Forge::new(3);
    let mut stranger = Peaks::default();
    stranger.append(b"an entry");
    let foreign = other.head_of(1, &[b"an entry".to_vec()]).encode();
    let twists: Vec<(&str, Kind, Arc<Twist>)> = vec![
        (
            "another site's head",
            Kind::Hostile,
            Arc::new(move |mut page| {
                page.head = foreign.clone();
                encoded(&page)
            }),
        ),
        (
            "a head that was changed",
            Kind::Hostile,
            Arc::new(|mut page| {
                *page.head.last_mut().unwrap() ^= 1;
                encoded(&page)
            }),
        ),
        (
            "an entry that was changed",
            Kind::Hostile,
            Arc::new(|mut page| {
                *page.entry.last_mut().unwrap() ^= 1;
                encoded(&page)
            }),
        ),
        (
            "a proof of another log",
            Kind::Hostile,
            Arc::new(move |mut page| {
                page.before = stranger.encode();
                encoded(&page)
            }),
        ),
        (
            "the longest log that can be said",
            Kind::Hostile,
            Arc::new(|mut page| {
                page.before = [&[0xff; 8][..], &[0; 64 * 32]].concat();
                encoded(&page)
            }),
        ),
        (
            "a node that was changed",
            Kind::Hostile,
            Arc::new(|mut page| {
                *page.nodes[0].last_mut().unwrap() ^= 1;
                encoded(&page)
            }),
        ),
        (
            "no nodes",
            Kind::Hostile,
            Arc::new(|mut page| {
                page.nodes.clear();
                encoded(&page)
            }),
        ),
        (
            "nodes without end",
            Kind::Hostile,
            Arc::new(|mut page| {
                page.nodes.extend(vec![Vec::new(); 500]);
                encoded(&page)
            }),
        ),
        (
            "a file that was changed",
            Kind::Hostile,
            Arc::new(|mut page| {
                page.files[1][0] ^= 1;
                encoded(&page)
            }),
        ),
        (
            "files in another order",
            Kind::Hostile,
            Arc::new(|mut page| {
                page.files.reverse();
                encoded(&page)
            }),
        ),
        (
            "a file too few",
            Kind::Hostile,
            Arc::new(|mut page| {
                page.files.pop();
                encoded(&page)
            }),
        ),
        (
            "a file too many",
            Kind::Hostile,
            Arc::new(|mut page| {
                page.files.push(b"more".to_vec());
                encoded(&page)
            }),
        ),
        (
            "no page",
            Kind::Hostile,
            Arc::new(|_| (400, vec![0xff; 400])),
        ),
        (
            "a length over the bound",
            Kind::Hostile,
            Arc::new(|_| (u32::MAX, vec![0; 100])),
        ),
        (
            "less than it says",
            Kind::Unreachable,
            Arc::new(|page| (encoded(&page).0 + 1, encoded(&page).1)),
        ),
    ];
    for (what, kind, twist) in twists {
        let peer = twisted(&desk, site, Serves::Nothing, twist.clone()).await;
        let reader = Other::new().await;
        let refused = open(&reader, site, &peer.ticket).await;
        assert_eq!(refused.unwrap_err(), kind, "{what}");
        // It leaves nothing behind: an honest peer is believed.
        open(&reader, site, desk.ticket().unwrap()).await.unwrap();
        // Nor does a browser see any of it: without blobs there is nothing to show.
        let other = Other::new().await;
        let port = serve(&other.node, vec![peer.ticket.clone()]).await.port;
        let host = format!("{site}.localhost:{port}");
        let answer = ask(port, "GET", "/", &host, &[]).await;
        assert_eq!(answer.status, 504, "{what}");
    }
    // More than it says is not read.
    let endless: Arc<Twist> = Arc::new(|page| {
        let (length, mut bytes) = encoded(&page);
        bytes.resize(8 << 20, 7);
        (length, bytes)
    });
    let peer = twisted(&desk, site, Serves::Nothing, endless).await;
    open(&Other::new().await, site, &peer.ticket).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_saw_a_page_never_goes_back_behind_it() {
    let author = site();
    let (desk, old) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    author.announce(&desk, &old.node).await.unwrap();
    author.write("text.txt", "new");
    author.publish_at(&desk).await;
    let (site, newest, behind) = (
        author.site,
        desk.ticket().unwrap(),
        old.node.ticket().unwrap(),
    );
    let reader = Other::new().await;
    let session = open(&reader, site, newest).await.unwrap();
    assert_eq!(session.entry().number, 2);
    let refused = open(&reader, site, behind).await.unwrap_err();
    assert_eq!(refused, Kind::Unreachable);
    let refused = reader.read(site, &old.node).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Older);
    // A page of a version and files of another are not shown together.
    author.write("text.txt", "newer");
    author.publish_at(&desk).await;
    let more = session.bring(&paths(&["style.css"])).await;
    assert_eq!(more.unwrap_err().kind, Kind::Unreachable);
    assert_eq!(
        session.find(&paths(&["style.css"])[0]).unwrap_err().kind,
        Kind::NotFound
    );
    // The whole log shows that it goes on from what was seen.
    reader.read(site, &desk).await.unwrap();
    // What is here is not asked for page by page.
    let here = open(&reader, site, newest).await.unwrap_err();
    assert_eq!(here, Kind::Unreachable);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_sites_that_are_shared_are_answered_and_only_so_much() {
    let author = site();
    let (desk, visitor) = (author.start().await, Other::new().await);
    author.publish_at(&desk).await;
    visitor.read(author.site, &desk).await.unwrap();
    let index = vec!["index.html".to_owned()];
    let ticket = desk.ticket().unwrap();
    for (ticket, paths, answered) in [
        (ticket, index.clone(), true),
        (ticket, vec!["index.html".to_owned(); MAX_PATHS], true),
        (ticket, vec!["index.html".to_owned(); MAX_PATHS + 1], false),
        (ticket, vec!["../index.html".to_owned()], false),
        (ticket, Vec::new(), true),
        // It only visited the site.
        (visitor.node.ticket().unwrap(), index, false),
    ] {
        let answer = answer_of(ticket, author.site, paths.clone()).await;
        assert_eq!(answer.is_some(), answered, "{paths:?}");
    }
    let nobody = Author::new().site;
    let none = answer_of(ticket, nobody, vec!["index.html".to_owned()]).await;
    assert!(none.is_none());
    // A person has stopped that, and starts it again.
    for paused in [true, false] {
        follow::pause(&desk, author.site, paused).await.unwrap();
        let answer = answer_of(ticket, author.site, vec!["index.html".to_owned()]).await;
        assert_eq!(answer.is_none(), paused);
    }
    // A file that is too long is named by the tree, and does not come.
    let large = paths(&["data.bin"]);
    let reader = Other::new().await;
    let opened = Session::open(&reader.node, author.site, ticket, &large).await;
    let (session, files) = opened.unwrap();
    assert!(files.is_empty());
    assert_eq!(session.find(&large[0]).unwrap().unwrap().size, 700_000);
}

#[test]
fn an_entry_is_the_last_one_that_the_head_signs_or_it_is_refused() {
    let mut forge = Forge::new(5);
    let entry = |forge: &Forge, seed| forge.entry(NodeHash([seed; 32]), 1, 1, b"pack");
    let first = entry(&forge, 1);
    forge.push(&first, Vec::new());
    let (second, other) = (entry(&forge, 2), entry(&forge, 3));
    forge.push(&second, Vec::new());
    let before = |entry: &Entry| {
        let mut peaks = Peaks::default();
        peaks.append(&entry.encode().unwrap());
        peaks.encode()
    };
    let prove = |head: Head, entry: &Entry, before| {
        let page = Page {
            head: head.encode(),
            entry: entry.encode().unwrap(),
            before,
            ..Page::default()
        };
        let proven = Page::prove(forge.site(), &[], &encoded(&page).1);
        proven.map(|proven| proven.entry).map_err(|e| e.kind)
    };
    let head = forge.head();
    assert_eq!(
        prove(head.clone(), &second, before(&first)),
        Ok(second.clone())
    );
    // Well made, and by nobody who has the key.
    assert_eq!(
        prove(head.clone(), &other, before(&first)),
        Err(Kind::Hostile)
    );
    assert_eq!(prove(head, &second, before(&other)), Err(Kind::Hostile));
    // The author signs an entry that says that it is another.
    let mut odd = other.clone();
    odd.number = 7;
    let signed = forge.head_of(2, &[first.encode().unwrap(), odd.encode().unwrap()]);
    assert_eq!(prove(signed, &odd, before(&first)), Err(Kind::Hostile));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_gives_so_much_and_no_more() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let reader = Other::new().await;
    let session = open(&reader, author.site, desk.ticket().unwrap())
        .await
        .unwrap();
    for n in 0..1000 {
        let names: Vec<String> = (0..MAX_PATHS).map(|k| format!("{n}/{k}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Err(e) = session.bring(&paths(&names)).await {
            assert_eq!(e.kind, Kind::Unreachable);
            // What came before is still there.
            let index = session.find(&paths(&["index.html"])[0]).unwrap();
            assert!(index.is_some() && n > 100);
            return;
        }
    }
    panic!("it has no end");
}
