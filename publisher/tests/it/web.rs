//! A gateway, and requests over a bare socket: what a browser would not send, a test does.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use skep_publisher::{
    gateway::{
        self,
        local::{self, Gateway},
    },
    swarm::{Node, Ticket},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::fixture::{Author, PATIENCE, noise};

/// A gateway on a node.
pub(crate) async fn serve(node: &Arc<Node>, peers: Vec<Ticket>) -> Arc<Gateway> {
    let listener = gateway::listen(0).await.unwrap();
    let port = gateway::port_of(&listener).unwrap();
    let gateway = Arc::new(Gateway::new(node.clone(), peers, port));
    let forever = std::future::pending();
    tokio::spawn(local::serve(gateway.clone(), listener, forever));
    gateway
}

/// A gateway to one site on the node of its author.
pub(crate) struct Web {
    pub(crate) port: u16,
    /// The `Host` of the site.
    pub(crate) host: String,
    pub(crate) author: Author,
    pub(crate) node: Arc<Node>,
    pub(crate) gateway: Arc<Gateway>,
}

/// What a server has sent. Of a header that came twice, both values, with a line between them.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Web {
    pub(crate) async fn new() -> Self {
        let author = Author::new()
            .with("index.html", "<h1>home</h1>")
            .with("posts/index.html", "<h1>posts</h1>")
            .with("evil.example/index.html", "e")
            .with("a b/\u{e9}.html", "accent")
            .with("404.html", "<h1>not here</h1>")
            .with("data.bin", noise(1, 700_000))
            .with("text.txt", "0123456789");
        Self::of(author).await
    }

    pub(crate) async fn of(author: Author) -> Self {
        let node = author.start().await;
        author.publish_at(&node).await;
        let gateway = serve(&node, Vec::new()).await;
        let port = gateway.port;
        let host = format!("{}.localhost:{port}", author.site);
        Self {
            port,
            host,
            author,
            node,
            gateway,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &self.host, &[]).await
    }

    pub(crate) async fn with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, &self.host, headers).await
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        host: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        ask(self.port, method, path, host, more).await
    }
}

pub(crate) async fn ask(
    port: u16,
    method: &str,
    path: &str,
    host: &str,
    more: &[(&str, &str)],
) -> Answer {
    ask_at(
        SocketAddr::from(([127, 0, 0, 1], port)),
        method,
        path,
        host,
        more,
    )
    .await
}

pub(crate) async fn ask_at(
    server: SocketAddr,
    method: &str,
    path: &str,
    host: &str,
    more: &[(&str, &str)],
) -> Answer {
    send(server, method, path, host, more, b"").await
}

/// As [`ask_at`], with a body.
pub(crate) async fn send(
    server: SocketAddr,
    method: &str,
    path: &str,
    host: &str,
    more: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for (name, value) in more {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut socket = TcpStream::connect(server).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
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
    let mut all: HashMap<String, String> = HashMap::new();
    for (name, value) in headers {
        let known = all.entry(name.to_lowercase()).or_default();
        match known.is_empty() {
            true => known.push_str(value),
            false => *known = format!("{known}\n{value}"),
        }
    }
    Answer {
        status: status.parse().unwrap(),
        headers: all,
        body: bytes[end + 4..].to_vec(),
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}
