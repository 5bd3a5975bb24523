//! The gateway and the mirror, over a bare socket: what a browser would not send, a test does.

use std::{collections::HashMap, sync::Arc};

use skep_publisher::{
    gateway::{
        self,
        local::{self, Gateway},
        mirror,
    },
    swarm::Node,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::fixture::{Author, Other, PATIENCE, noise};

struct Web {
    port: u16,
    /// The `Host` of the site.
    host: String,
    author: Author,
    node: Arc<Node>,
}

struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Web {
    async fn new() -> Self {
        let author = Author::new()
            .with("index.html", "<h1>home</h1>")
            .with("posts/index.html", "<h1>posts</h1>")
            .with("evil.example/index.html", "e")
            .with("a b/\u{e9}.html", "accent")
            .with("404.html", "<h1>not here</h1>")
            .with("data.bin", noise(1, 700_000))
            .with("text.txt", "0123456789");
        let node = author.start().await;
        author.publish_at(&node).await;
        let listener = gateway::listen(0).await.unwrap();
        let port = gateway::port_of(&listener).unwrap();
        let gateway = Gateway {
            node: node.clone(),
            peers: Vec::new(),
            port,
            control: None,
        };
        let forever = std::future::pending();
        tokio::spawn(local::serve(Arc::new(gateway), listener, forever));
        let host = format!("{}.localhost:{port}", author.site);
        Self {
            port,
            host,
            author,
            node,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &self.host, &[]).await
    }

    async fn with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, &self.host, headers).await
    }

    async fn ask(&self, method: &str, path: &str, host: &str, more: &[(&str, &str)]) -> Answer {
        ask(self.port, method, path, host, more).await
    }
}

async fn ask(port: u16, method: &str, path: &str, host: &str, more: &[(&str, &str)]) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in more {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, socket.read_to_end(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    Answer {
        status: status.parse().unwrap(),
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: bytes[end + 4..].to_vec(),
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_served_as_a_web_server_would() {
    let web = Web::new().await;
    for (path, body) in [
        ("/", "<h1>home</h1>"),
        ("/index.html", "<h1>home</h1>"),
        ("/posts/", "<h1>posts</h1>"),
        ("/posts/?q=1", "<h1>posts</h1>"),
        ("/a%20b/%C3%A9.html", "accent"),
        ("/text.txt", "0123456789"),
    ] {
        let answer = web.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body, body.as_bytes(), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-length"), body.len().to_string());
    }
    let html = web.get("/").await;
    assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(web.get("/data.bin").await.body, noise(1, 700_000));
    let missing = web.get("/missing").await;
    assert_eq!(
        (missing.status, &*missing.body),
        (404, &b"<h1>not here</h1>"[..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_redirects_to_itself_and_nowhere_else() {
    let web = Web::new().await;
    for (path, target) in [
        ("/posts", "/posts/"),
        ("//posts", "/posts/"),
        ("//evil.example", "/evil.example/"),
        ("///evil.example", "/evil.example/"),
    ] {
        let answer = web.get(path).await;
        assert_eq!(answer.status, 308, "{path}");
        assert_eq!(answer.header("location"), target);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    for path in [
        "/%2Fevil.example",
        "/%5Cevil.example",
        "/\\evil.example",
        "/%2e/posts",
    ] {
        let answer = web.get(path).await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
        assert_eq!(answer.header("location"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_the_site_is_served() {
    let web = Web::new().await;
    for path in [
        "/../secret",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/posts/%2e%2e/index.html",
        "/..%2f..%2fetc%2fpasswd",
        "/%252e%252e/x",
        "/posts%00",
        "/%ff",
        "/posts//index.html",
        "/C:/x",
    ] {
        let answer = web.get(path).await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.body.windows(5).any(|w| w == b"root:"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn caches_and_ranges() {
    let web = Web::new().await;
    let etag = web.get("/text.txt").await.header("etag").to_owned();
    assert_eq!(etag.len(), 66, "{etag}");
    for tags in [
        etag.clone(),
        format!("\"x\", {etag}"),
        format!("W/{etag}"),
        "*".into(),
    ] {
        let answer = web.with("/text.txt", &[("If-None-Match", &tags)]).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{tags}");
        assert_eq!(answer.header("etag"), etag);
    }
    let stale = web.with("/text.txt", &[("If-None-Match", "\"x\"")]).await;
    assert_eq!(stale.status, 200);

    for (range, status, body, sent) in [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-2", 206, "89", "bytes 8-9/10"),
        ("bytes=0-99999999999999999999", 200, "0123456789", ""),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=18446744073709551615-", 416, "", "bytes */10"),
        (
            "bytes=0-18446744073709551615",
            206,
            "0123456789",
            "bytes 0-9/10",
        ),
        ("bytes=1-2,4-5", 200, "0123456789", ""),
    ] {
        let answer = web.with("/text.txt", &[("Range", range)]).await;
        assert_eq!(answer.status, status, "{range}");
        assert_eq!(answer.body, body.as_bytes(), "{range}");
        assert_eq!(answer.header("content-range"), sent, "{range}");
    }
    let answer = web
        .with("/data.bin", &[("Range", "bytes=299990-600009")])
        .await;
    assert_eq!(answer.body, noise(1, 700_000)[299_990..600_010]);
    let other = [("Range", "bytes=2-4"), ("If-Range", "\"x\"")];
    assert_eq!(web.with("/text.txt", &other).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_sends_no_body_and_other_methods_are_refused() {
    let web = Web::new().await;
    let head = web.ask("HEAD", "/data.bin", &web.host, &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "700000");
    for method in ["POST", "PUT", "DELETE"] {
        let answer = web.ask(method, "/", &web.host, &[]).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_names_of_this_gateway_are_served() {
    let web = Web::new().await;
    let (port, site) = (web.port, web.author.site);
    for stranger in [
        format!("evil.example:{port}"),
        "localhost".into(),
        "127.0.0.1".into(),
        format!("{site}.evil.example:{port}"),
        format!("{site}.localhost:1"),
        format!("v0x1.{site}.localhost:{port}"),
        String::new(),
    ] {
        let answer = web.ask("GET", "/", &stranger, &[]).await;
        assert_eq!(answer.status, 421, "{stranger}");
    }
    let library = web.ask("GET", "/", &format!("localhost:{port}"), &[]).await;
    let text = String::from_utf8(library.body).unwrap();
    assert_eq!(library.status, 200);
    assert!(text.contains(&site.to_string()), "{text}");

    let version = |n: u64| format!("v{n}.{site}.localhost:{port}");
    assert_eq!(web.ask("GET", "/", &version(1), &[]).await.status, 200);
    for absent in [0, 2, u64::MAX] {
        let answer = web.ask("GET", "/", &version(absent), &[]).await;
        assert_eq!(answer.status, 404, "{absent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_not_here_is_fetched_or_said_to_be_absent() {
    let web = Web::new().await;
    let reader = Other::new().await;
    let listener = gateway::listen(0).await.unwrap();
    let port = gateway::port_of(&listener).unwrap();
    let gateway = Gateway {
        node: reader.node.clone(),
        peers: vec![web.node.ticket.clone()],
        port,
        control: None,
    };
    let forever = std::future::pending();
    tokio::spawn(local::serve(Arc::new(gateway), listener, forever));
    let host = format!("{}.localhost:{port}", web.author.site);
    let answer = ask(port, "GET", "/", &host, &[]).await;
    assert_eq!((answer.status, &*answer.body), (200, &b"<h1>home</h1>"[..]));
    let nobody = Author::new();
    let host = format!("{}.localhost:{port}", nobody.site);
    assert_eq!(ask(port, "GET", "/", &host, &[]).await.status, 504);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_serves_one_site_to_everyone() {
    let web = Web::new().await;
    let host = Other::pinning(web.author.site).await;
    let listener = gateway::listen(0).await.unwrap();
    let port = gateway::port_of(&listener).unwrap();
    let forever = std::future::pending();
    let node = host.node.clone();
    tokio::spawn(mirror::serve(node, web.author.site, listener, forever));
    let early = ask(port, "GET", "/", "anything", &[]).await;
    assert_eq!(early.status, 503);
    web.author.announce(&web.node, &host.node).await.unwrap();
    let answer = ask(port, "GET", "/data.bin", "anything", &[]).await;
    assert_eq!((answer.status, answer.body), (200, noise(1, 700_000)));
    let known = ask(port, "GET", "/.well-known/skep", "anything", &[]).await;
    let text = String::from_utf8(known.body).unwrap();
    let expected = format!(
        "{{\"address\":\"skep://{}\",\"version\":1}}\n",
        web.author.site
    );
    assert_eq!(text, expected);
    assert_eq!(known.headers["x-content-type-options"], "nosniff");
}
