//! A relay, and a DNS server with what publishes to it, on one address until stdin ends. A line on stdin is a question:
//! `wait NODE` is answered when the node has said which relay it uses, `relayed` with the bytes that went through.

use std::{
    io::Error,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use iroh::{EndpointId, test_utils::DnsPkarrServer};
use iroh_relay::server::{RelayConfig, Server, ServerConfig};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, copy_bidirectional, stdin},
    net::{TcpListener, TcpStream, UdpSocket},
};

const DOMAIN: &str = "dns.skep.test";
const LIMIT: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let here: IpAddr = address.ok_or_else(|| Error::other("usage: skep-relay-tests ADDRESS"))?;
    let mut config: ServerConfig = ServerConfig::default();
    config.relay = Some(RelayConfig::new((here, 0)));
    let relay = Server::spawn(config).await.map_err(Error::other)?;
    let at = relay
        .http_addr()
        .ok_or_else(|| Error::other("no address"))?;
    let dns = DnsPkarrServer::run_with_origin(DOMAIN.into()).await?;
    // Both listen on the loopback address alone.
    let pkarr = TcpListener::bind((here, 0)).await?;
    let pkarr_at = pkarr.local_addr()?;
    let local = SocketAddr::from(([127, 0, 0, 1], dns.pkarr_url().port().unwrap_or(80)));
    tokio::spawn(pass_connections(pkarr, local));
    let names = UdpSocket::bind((here, 53)).await?;
    tokio::spawn(pass_questions(names, nameserver(&dns)?));
    println!(
        "{}",
        json!({
            "event": "ready",
            "relay": format!("http://{at}"),
            "pkarr": format!("http://{pkarr_at}/pkarr"),
            "domain": DOMAIN,
        })
    );
    let mut questions = BufReader::new(stdin()).lines();
    while let Some(question) = questions.next_line().await? {
        match question.strip_prefix("wait ") {
            Some(node) => {
                let node: EndpointId = node.parse().map_err(Error::other)?;
                dns.on_endpoint(&node, LIMIT).await?;
                println!("{}", json!({"event": "published"}));
            }
            None => {
                let bytes = relay.metrics().server.bytes_sent.get();
                println!("{}", json!({"event": "relayed", "bytes": bytes}));
            }
        }
    }
    Ok(())
}

/// Where the DNS server listens. It keeps that to itself, but for whoever prints it.
fn nameserver(dns: &DnsPkarrServer) -> Result<SocketAddr, Error> {
    let printed = format!("{dns:?}");
    let address = printed.split("nameserver: ").nth(1);
    let address = address.and_then(|rest| rest.split([',', ' ']).next());
    let address = address.and_then(|address| address.parse().ok());
    address.ok_or_else(|| Error::other(format!("no address of a DNS server in {printed}")))
}

async fn pass_connections(listener: TcpListener, to: SocketAddr) {
    while let Ok((mut client, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut server = TcpStream::connect(to).await?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}

async fn pass_questions(socket: UdpSocket, to: SocketAddr) -> Result<(), Error> {
    let mut buffer = [0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        let server = UdpSocket::bind(("127.0.0.1", 0)).await?;
        server.send_to(&buffer[..length], to).await?;
        let answer = tokio::time::timeout(LIMIT, server.recv_from(&mut buffer)).await;
        let (length, _) = answer.map_err(Error::other)??;
        socket.send_to(&buffer[..length], from).await?;
    }
}
