//! Peers that want to use up what a host has: its memory stays bounded, and honest readers are served meanwhile.

use std::{fs, net::Ipv4Addr};

use iroh::{
    Endpoint, EndpointAddr, RelayMode,
    endpoint::{Connection, SendStream, presets},
};
use iroh_blobs::{
    Hash,
    get::fsm,
    protocol::{ChunkRanges, ChunkRangesExt, ChunkRangesSeq, GetRequest},
};
use iroh_tickets::endpoint::EndpointTicket;
use skep_publisher::{
    archive::address::Address,
    swarm::wire::{self, Request},
};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::skep::{Host, LIMIT, World};

/// A host of a site that has a file of 8 MB, and somebody who attacks it.
struct Attack {
    world: World,
    address: String,
    host: Host,
    runtime: Runtime,
    /// What the host had in memory before, in bytes.
    before: u64,
}

impl Attack {
    fn new() -> Self {
        let world = World::new();
        let address = world.new_site("author", "site");
        world.write("site/noise.bin", noise(8 << 20));
        let host = world.host("host", &address);
        let publish = ["publish", "site", "--yes", "--peer", &host.ticket];
        world.json("author", &publish);
        let mut this = Self {
            world,
            address,
            host,
            runtime: Runtime::new().unwrap(),
            before: 0,
        };
        this.an_honest_reader_is_served("first");
        this.before = this.peak();
        this
    }

    fn target(&self) -> EndpointAddr {
        let ticket: EndpointTicket = self.host.ticket.parse().unwrap();
        ticket.into()
    }

    fn site(&self) -> [u8; 32] {
        self.address.parse::<Address>().unwrap().site.0
    }

    /// The largest blob of the host.
    fn blob(&self) -> Hash {
        let blobs = fs::read_dir(self.world.path("host/store/blobs/data")).unwrap();
        let blobs = blobs.map(|entry| entry.unwrap());
        let blobs = blobs.filter(|entry| entry.path().extension().is_some_and(|e| e == "data"));
        let largest = blobs.max_by_key(|entry| entry.metadata().unwrap().len());
        let path = largest.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().parse().unwrap()
    }

    /// The most memory that the host has had, in bytes.
    fn peak(&self) -> u64 {
        let status = format!("/proc/{}/status", self.host.running.id());
        let status = fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<u64>().unwrap() << 10
    }

    /// Fails if the host has had more than `bound` bytes more since the attack began.
    fn costs_at_most(&self, bound: u64) {
        let more = self.peak().saturating_sub(self.before);
        assert!(more <= bound, "{} KiB", more >> 10);
    }

    fn an_honest_reader_is_served(&self, folder: &str) {
        let clone = ["clone", &self.address, folder, "--peer", &self.host.ticket];
        self.world.json(&format!("home-{folder}"), &clone);
        assert!(self.world.path(folder).join("noise.bin").exists());
    }
}

fn noise(length: usize) -> Vec<u8> {
    // Xorshift, which nothing compresses.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(length / 8).flatten().collect()
}

async fn endpoint() -> Endpoint {
    Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_ip_transports()
        .bind_addr((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .bind()
        .await
        .unwrap()
}

/// As many nodes as that, with as many connections each; those that the host closed are among them.
async fn crowd(
    target: EndpointAddr,
    alpn: &'static [u8],
    nodes: usize,
    each: usize,
) -> (Vec<Endpoint>, Vec<Connection>) {
    let mut tasks = JoinSet::new();
    for _ in 0..nodes {
        let target = target.clone();
        tasks.spawn(async move {
            let endpoint = endpoint().await;
            let mut connections = Vec::new();
            for _ in 0..each {
                let connected = endpoint.connect(target.clone(), alpn);
                let connected = tokio::time::timeout(LIMIT, connected).await;
                connections.extend(connected.expect("an answer in time"));
            }
            (endpoint, connections)
        });
    }
    let (mut endpoints, mut all) = (Vec::new(), Vec::new());
    while let Some(done) = next_of(&mut tasks).await {
        let (endpoint, connections) = done.unwrap();
        endpoints.push(endpoint);
        all.extend(connections);
    }
    (endpoints, all)
}

fn open(connections: &[Connection]) -> usize {
    let open = connections.iter().filter(|c| c.close_reason().is_none());
    open.count()
}

#[test]
fn thousands_of_connections_keep_nobody_out() {
    let attack = Attack::new();
    let target = attack.target();
    let crowd = crowd(target, wire::ALPN, 125, 16);
    let (_endpoints, connections) = attack.runtime.block_on(crowd);
    assert_eq!(connections.len(), 2000);
    attack.an_honest_reader_is_served("second");
    // The host keeps as many as it allows, and no more.
    assert!(open(&connections) <= 256, "{}", open(&connections));
    attack.costs_at_most(200 << 20);
}

#[test]
fn who_asks_and_never_reads_costs_little() {
    let attack = Attack::new();
    let (target, blob, site) = (attack.target(), attack.blob(), attack.site());
    let held = attack.runtime.block_on(async {
        let (endpoints, connections) = crowd(target.clone(), iroh_blobs::ALPN, 16, 8).await;
        let mut held = Vec::new();
        for connection in &connections {
            for _ in 0..8 {
                let request = GetRequest::blob(blob);
                let asked = fsm::start(connection.clone(), request, Default::default());
                // It may have been sent away.
                let Ok(asked) = asked.next().await else { break };
                held.extend(asked.next().await);
            }
        }
        let (more, ours) = crowd(target, wire::ALPN, 4, 4).await;
        let mut streams = Vec::new();
        for connection in &ours {
            for _ in 0..16 {
                let Ok((mut send, receive)) = connection.open_bi().await else {
                    break;
                };
                let request = Request::Head { site };
                let _ = wire::send(&mut send, &request).await;
                streams.push((send, receive));
            }
        }
        (endpoints, connections, held, more, ours, streams)
    });
    assert!(held.2.len() >= 512, "{}", held.2.len());
    attack.an_honest_reader_is_served("second");
    attack.costs_at_most(300 << 20);
}

/// The next task that ends, within [`LIMIT`]; `None` if there is none.
async fn next_of<T: 'static>(tasks: &mut JoinSet<T>) -> Option<Result<T, tokio::task::JoinError>> {
    let next = tokio::time::timeout(LIMIT, tasks.join_next());
    next.await.expect("a task has not ended")
}

/// Writes until the other side does not take any more, at most `most` bytes.
async fn write_on(send: &mut SendStream, most: usize) -> usize {
    let piece = [0x55; 64 << 10];
    let mut written = 0;
    while written < most {
        // Who is not read waits here for ever; another second shows that.
        let write = tokio::time::timeout(std::time::Duration::from_secs(1), send.write_all(&piece));
        match write.await {
            Ok(Ok(())) => written += piece.len(),
            _ => break,
        }
    }
    written
}

#[test]
fn frames_and_streams_without_end_are_not_kept() {
    let attack = Attack::new();
    let target = attack.target();
    let written = attack.runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for alpn in [wire::ALPN, iroh_blobs::ALPN] {
            let (endpoints, connections) = crowd(target.clone(), alpn, 4, 4).await;
            for connection in connections {
                // Endpoints live as long as what they have opened.
                let endpoints = endpoints.clone();
                tasks.spawn(async move {
                    let mut written = 0;
                    for first in [&[0xff; 4][..], &[0, 0, 0x40, 0], &[0, 0, 0], &[0], &[3]] {
                        let Ok((mut send, receive)) = connection.open_bi().await else {
                            break;
                        };
                        if send.write_all(first).await.is_ok() {
                            written += write_on(&mut send, 4 << 20).await;
                        }
                        // Neither end of it is closed.
                        std::mem::forget((send, receive));
                    }
                    (endpoints, connection, written)
                });
            }
        }
        let mut all = Vec::new();
        while let Some(done) = next_of(&mut tasks).await {
            all.push(done.unwrap());
        }
        all
    });
    let bytes: usize = written.iter().map(|(.., written)| written).sum();
    // Each connection has sent as much as is taken, and no more.
    assert!(bytes > 1 << 20, "{bytes}");
    attack.an_honest_reader_is_served("second");
    attack.costs_at_most(100 << 20);
}

#[test]
fn requests_for_strange_ranges_are_answered_or_refused() {
    let attack = Attack::new();
    let (target, blob) = (attack.target(), attack.blob());
    let scattered = (0..5000).fold(ChunkRanges::empty(), |all, n| {
        all | ChunkRanges::bytes(n * 2048..n * 2048 + 1024)
    });
    let requests = [
        GetRequest::blob_ranges(blob, ChunkRanges::bytes(u64::MAX - 5000..u64::MAX)),
        GetRequest::blob_ranges(blob, ChunkRanges::empty()),
        GetRequest::blob_ranges(blob, scattered),
        // As a list of hashes, and one that goes on without end.
        GetRequest::all(blob),
        GetRequest::new(blob, ChunkRangesSeq::all()),
        // What nobody has.
        GetRequest::blob(Hash::new(b"nothing")),
    ];
    let connections = attack.runtime.block_on(async {
        let (endpoints, connections) = crowd(target, iroh_blobs::ALPN, 1, 4).await;
        for request in requests.iter().cycle().take(60) {
            for connection in &connections {
                let asked = fsm::start(connection.clone(), request.clone(), Default::default());
                if let Ok(asked) = asked.next().await {
                    let _ = asked.next().await;
                }
            }
        }
        (endpoints, connections)
    });
    attack.an_honest_reader_is_served("second");
    attack.costs_at_most(100 << 20);
    drop(connections);
}
