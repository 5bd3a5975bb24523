use axum::routing::get;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::*;

/// How long a test waits for what has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server with `most` places.
async fn server(most: usize, head: Duration) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits {
        connections: Arc::new(Connections::new(most)),
        head,
        stall: STALL,
    };
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/panics", get(panics));
    tokio::spawn(serve_within(
        limits,
        listener,
        router,
        std::future::pending(),
    ));
    address
}

async fn panics() -> &'static str {
    panic!("as the test wants")
}

/// What the server sends until it closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let all = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    // A connection may also be reset.
    let _ = all.expect("the connection stays open");
    String::from_utf8(bytes).unwrap()
}

async fn ask(server: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    // The server may have closed it before the end.
    let _ = stream.write_all(request.as_bytes()).await;
    rest(&mut stream).await
}

fn head(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn half_open_connections_leave_room_for_a_request() {
    let server = server(8, HEAD).await;
    let mut half = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
        half.push(stream);
    }
    assert!(ask(server, &head("/")).await.ends_with("here"));
    // The oldest have made room.
    assert_eq!(rest(&mut half[0]).await, "");
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let server = server(8, Duration::from_millis(50)).await;
    for begun in ["", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        assert_eq!(ask(server, begun).await, "", "{begun:?}");
    }
    // Nor is the second request on a connection.
    let kept = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT";
    assert!(ask(server, kept).await.ends_with("here"));
}

#[tokio::test]
async fn an_endless_head_is_refused_before_it_fills_the_memory() {
    let server = server(8, HEAD).await;
    let endless = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(MAX_HEAD));
    let answer = ask(server, &endless).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    let ordinary = head("/").replace(
        "Connection",
        &format!("Cookie: {}\r\nConnection", "c".repeat(8000)),
    );
    assert!(ask(server, &ordinary).await.ends_with("here"));
}

#[tokio::test]
async fn an_answer_that_panics_frees_its_place() {
    let server = server(1, HEAD).await;
    for _ in 0..3 {
        assert_eq!(ask(server, &head("/panics")).await, "");
    }
    assert!(ask(server, &head("/")).await.ends_with("here"));
}

#[tokio::test]
async fn a_request_for_two_hosts_or_another_is_refused_and_ends_its_connection() {
    let server = server(8, HEAD).await;
    let two = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned() + &head("/");
    let foreign = "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned() + &head("/");
    for request in [two, foreign] {
        let answer = ask(server, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(!answer.contains("here"), "{answer}");
    }
}
