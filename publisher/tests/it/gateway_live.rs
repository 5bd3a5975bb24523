//! Open tabs: they learn of newer versions, and pages of sites that are not here turn into them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use skep_publisher::{
    archive::address::SiteId,
    gateway::{
        self,
        local::{self, Gateway},
    },
    swarm::wire::{Request, Response},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use crate::{
    fixture::{Author, Other, PATIENCE},
    liar::{Liar, Serves, frame},
    web::{Web, ask, serve},
};

const EVENTS: &str = "/.well-known/skep/live";
const SCRIPT: &str = "/.well-known/skep/live.js";
const TAB: [(&str, &str); 2] = [
    ("Accept", "text/html,*/*;q=0.8"),
    ("Sec-Fetch-Dest", "document"),
];

/// A stream of events, as a browser holds one.
struct Events {
    socket: TcpStream,
    text: String,
}

impl Events {
    async fn open(port: u16, host: &str) -> Self {
        let server = SocketAddr::from(([127, 0, 0, 1], port));
        let mut socket = TcpStream::connect(server).await.unwrap();
        let request = format!("GET {EVENTS} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut this = Self {
            socket,
            text: String::new(),
        };
        while !this.text.contains("\r\n\r\n") {
            assert!(this.read().await, "{}", this.text);
        }
        assert!(
            this.text
                .contains("\r\ncontent-type: text/event-stream\r\n"),
            "{}",
            this.text
        );
        this
    }

    /// Reads more; false at the end.
    async fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let read = self.socket.read(&mut bytes);
        let count = tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        self.text
            .push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        count > 0
    }

    /// The version that is said next.
    async fn version(&mut self) -> u64 {
        loop {
            if let Some((before, after)) = self.text.split_once("\n\n") {
                let data = before
                    .rsplit_once("data: ")
                    .map(|(_, data)| data.to_owned());
                self.text = after.to_owned();
                match data {
                    Some(data) => return data.parse().unwrap(),
                    // A sign of life.
                    None => continue,
                }
            }
            assert!(self.read().await, "the stream ended");
        }
    }
}

fn text(body: &[u8]) -> &str {
    std::str::from_utf8(body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_said_to_open_tabs() {
    let web = Web::new().await;
    let mut tabs = Vec::new();
    for _ in 0..3 {
        let mut tab = Events::open(web.port, &web.host).await;
        assert_eq!(tab.version().await, 1);
        tabs.push(tab);
    }
    for version in 2..4 {
        web.author.write("index.html", format!("{version}"));
        web.author.publish_at(&web.node).await;
        for tab in &mut tabs {
            assert_eq!(tab.version().await, version);
        }
    }
    let script = web.get(SCRIPT).await;
    let kind = script.header("content-type");
    assert_eq!(kind, "text/javascript; charset=utf-8");
    assert!(text(&script.body).contains(&format!("new EventSource(\"{EVENTS}\")")));
    assert_eq!(web.ask("POST", EVENTS, &web.host, &[]).await.status, 405);
    let elsewhere = [("Origin", "http://evil.example")];
    assert_eq!(web.with(EVENTS, &elsewhere).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_a_tab_brings_the_script_and_nothing_else_does() {
    let web = Web::new().await;
    let page = web.with("/", &TAB).await;
    let appended =
        format!("<h1>home</h1>\n<script src=\"{SCRIPT}\" data-version=\"1\" async></script>\n");
    assert_eq!(text(&page.body), appended);
    assert_eq!(page.header("content-length"), appended.len().to_string());
    // From memory, and from a file: once.
    assert_eq!(web.with("/", &TAB).await.body, page.body);
    let missing = web.with("/missing", &TAB).await;
    assert_eq!(missing.status, 404);
    assert_eq!(text(&missing.body).matches("<script").count(), 1);
    let known = [TAB[0], TAB[1], ("If-None-Match", page.header("etag"))];
    assert_eq!(web.with("/", &known).await.status, 304);

    for other in [
        &[][..],
        &TAB[..1],
        &[TAB[0], ("Sec-Fetch-Dest", "iframe")],
        &[TAB[0], ("Sec-Fetch-Dest", "empty")],
        &[("Accept", "*/*"), TAB[1]],
    ] {
        let plain = web.with("/", other).await;
        assert_eq!(text(&plain.body), "<h1>home</h1>", "{other:?}");
        assert_eq!(plain.header("etag").len(), 66);
    }
    let range = [TAB[0], TAB[1], ("Range", "bytes=0-3")];
    assert_eq!(web.with("/", &range).await.body, b"<h1>");
    assert_eq!(web.with("/text.txt", &TAB).await.body, b"0123456789");

    // A page that did not change has another version, which the browser must hear of.
    web.author.write("text.txt", "other");
    web.author.publish_at(&web.node).await;
    assert_eq!(web.with("/", &known).await.status, 200);
    let old = format!("v1-{}", web.host);
    let old = web.ask("GET", "/", &old, &TAB).await;
    assert!(text(&old.body).contains("Old version") && !text(&old.body).contains("<script"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_left_alone_where_no_version_is_waited_for() {
    let web = Web::new().await;
    let listener = gateway::listen(0).await.unwrap();
    let port = gateway::port_of(&listener).unwrap();
    let gateway = Gateway::new(web.node.clone(), Vec::new(), port).without_reload();
    let forever = std::future::pending();
    tokio::spawn(local::serve(Arc::new(gateway), listener, forever));
    let host = format!("{}.localhost:{port}", web.author.site);
    let page = ask(port, "GET", "/", &host, &TAB).await;
    assert_eq!(text(&page.body), "<h1>home</h1>");
    // What is only visited is not kept up to date.
    let reader = Other::new().await;
    reader.read(web.author.site, &web.node).await.unwrap();
    let port = serve(&reader.node, Vec::new()).await.port;
    let host = format!("{}.localhost:{port}", web.author.site);
    let page = ask(port, "GET", "/", &host, &TAB).await;
    assert_eq!(text(&page.body), "<h1>home</h1>");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_with_the_gateway() {
    let author = Author::new().with("index.html", "x");
    let node = author.start().await;
    author.publish_at(&node).await;
    let listener = gateway::listen(0).await.unwrap();
    let port = gateway::port_of(&listener).unwrap();
    let gateway = Arc::new(Gateway::new(node, Vec::new(), port));
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(local::serve(gateway, listener, async {
        let _ = ended.await;
    }));
    let host = format!("{}.localhost:{port}", author.site);
    let mut tab = Events::open(port, &host).await;
    assert_eq!(tab.version().await, 1);
    end.send(()).unwrap();
    while tab.read().await {}
    let served = tokio::time::timeout(PATIENCE, serving).await.unwrap();
    served.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_streams_of_a_site_and_no_more() {
    let web = Web::new().await;
    let mut tabs = Vec::new();
    for _ in 0..16 {
        tabs.push(Events::open(web.port, &web.host).await);
    }
    assert_eq!(web.get(EVENTS).await.status, 503);
    assert_eq!(web.get("/").await.status, 200);
    // Another site has its own.
    let other = format!("{}.localhost:{}", Author::new().site, web.port);
    assert_eq!(Events::open(web.port, &other).await.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_site_that_nobody_has_says_whom_it_asked_and_turns_into_it() {
    let author = Author::new().with("index.html", "here");
    let (desk, reader) = (author.start().await, Other::new().await);
    let port = serve(&reader.node, vec![desk.ticket().unwrap().clone()])
        .await
        .port;
    let host = format!("{}.localhost:{port}", author.site);
    let page = ask(port, "GET", "/", &host, &TAB).await;
    assert_eq!(page.status, 504);
    assert!(page.header("refresh").parse::<u64>().is_ok());
    let html = text(&page.body);
    let name = data_encoding::HEXLOWER.encode(&desk.id()[..5]);
    for said in [
        &*format!("the node <code>{name}</code>"),
        "Asked once:",
        "It is asked again within ",
        &format!("<script src=\"{SCRIPT}\" data-version=\"0\" async></script>"),
    ] {
        assert!(html.contains(said), "{said}: {html}");
    }
    let mut tab = Events::open(port, &host).await;
    assert_eq!(tab.version().await, 0);
    author.publish_at(&desk).await;
    assert_eq!(tab.version().await, 1);
    let page = ask(port, "GET", "/", &host, &TAB).await;
    assert_eq!((page.status, text(&page.body)), (200, "here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_comes_by_another_way_ends_the_waiting_too() {
    let author = Author::new().with("index.html", "here");
    let (desk, reader) = (author.start().await, Other::new().await);
    author.publish_at(&desk).await;
    let port = serve(&reader.node, Vec::new()).await.port;
    let host = format!("{}.localhost:{port}", author.site);
    let page = ask(port, "GET", "/", &host, &TAB).await;
    assert_eq!(page.status, 504);
    assert!(text(&page.body).contains("No node that may have it is known."));
    let mut tab = Events::open(port, &host).await;
    assert_eq!(tab.version().await, 0);
    reader.read(author.site, &desk).await.unwrap();
    assert_eq!(tab.version().await, 1);
    assert_eq!(ask(port, "GET", "/", &host, &TAB).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_tabs_make_one_attempt() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    // It answers when all tabs have asked.
    let (all, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let script = move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        if matches!(request, Request::Head { .. }) {
            let _ = tokio::task::block_in_place(|| wait.lock().unwrap().recv());
        }
        vec![frame(&Response::NotShared)]
    };
    let liar = Liar::new(script, Serves::Nothing).await;
    let reader = Other::new().await;
    let port = serve(&reader.node, vec![liar.ticket.clone()]).await.port;
    let host = format!("{}.localhost:{port}", Author::new().site);
    let server = SocketAddr::from(([127, 0, 0, 1], port));
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let mut tabs = Vec::new();
    for _ in 0..200 {
        let mut tab = TcpStream::connect(server).await.unwrap();
        tab.write_all(request.as_bytes()).await.unwrap();
        tabs.push(tab);
    }
    all.send(()).unwrap();
    for mut tab in tabs {
        let mut answer = String::new();
        let read = tab.read_to_string(&mut answer);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
        assert!(answer.contains("Asked once:"), "{answer}");
    }
    // For the site, and for its page.
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_sites_are_asked_for_at_a_time() {
    let reader = Other::new().await;
    let port = serve(&reader.node, Vec::new()).await.port;
    for n in 0..=64 {
        let host = format!("{}.localhost:{port}", SiteId([n; 32]));
        let answer = ask(port, "GET", "/", &host, &[]).await;
        let wanted = if n < 64 { 504 } else { 503 };
        assert_eq!(answer.status, wanted, "{n}");
    }
    // Whoever waits already goes on waiting.
    let host = format!("{}.localhost:{port}", SiteId([0; 32]));
    assert_eq!(ask(port, "GET", "/", &host, &[]).await.status, 504);
}
