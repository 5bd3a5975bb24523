//! The end of a gateway, whatever those who are connected to it do.

use std::{net::SocketAddr, sync::Arc};

use skep_publisher::gateway::{
    self,
    local::{self, Gateway},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::oneshot,
};

use crate::fixture::{Author, PATIENCE, noise};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_half_of_something_or_does_not_listen_keeps_no_gateway_running() {
    let author = Author::new()
        .with("index.html", "<h1>home</h1>")
        .with("film.bin", noise(1, 30_000_000));
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let listener = gateway::listen(0).await.unwrap();
    let port = gateway::port_of(&listener).unwrap();
    let gateway = Arc::new(Gateway::new(desk.clone(), Vec::new(), port));
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(local::serve(gateway, listener, async {
        stopped.await.unwrap();
    }));
    let server = SocketAddr::from(([127, 0, 0, 1], port));
    let head = |path: &str| {
        let host = format!("{}.localhost:{port}", author.site);
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n")
    };

    // Another user of this machine, who has said nothing, half a request, and that a form follows.
    let mut silent = TcpStream::connect(server).await.unwrap();
    let mut half = TcpStream::connect(server).await.unwrap();
    half.write_all(head("/").as_bytes()).await.unwrap();
    let mut form = TcpStream::connect(server).await.unwrap();
    let post =
        format!("POST /new HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 100\r\n\r\na=b");
    form.write_all(post.as_bytes()).await.unwrap();
    // A film that stands still, in a tab that shows its first picture.
    let film = TcpSocket::new_v4().unwrap();
    film.set_recv_buffer_size(4096).unwrap();
    let mut film = film.connect(server).await.unwrap();
    let request = head("/film.bin") + "\r\n";
    film.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 100];
    film.read_exact(&mut first).await.unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200 "));

    stop.send(()).unwrap();
    let ended = tokio::time::timeout(PATIENCE, serving).await;
    ended.expect("it goes on").unwrap();
    for connection in [&mut silent, &mut half, &mut form, &mut film] {
        // They were there until the end.
        let _ = connection.shutdown().await;
    }
    desk.close().await;
    drop(desk);
    // And the store is free.
    author.open().close().await;
}
