//! Peers that answer whatever a test says.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use iroh::{
    Endpoint, EndpointAddr, RelayMode,
    endpoint::{Connection, PortmapperConfig, presets},
    protocol::{AcceptError, ProtocolHandler, Router},
};
use iroh_blobs::{
    BlobsProtocol, Hash,
    protocol::Request as BlobsRequest,
    provider::{StreamPair, events::EventSender, handle_get},
    store::mem::MemStore,
};
use iroh_tickets::endpoint::EndpointTicket;
use skep_publisher::{
    archive::{
        address::SiteId,
        blobs::{BlobKind, BlobRef, BlobSet},
        entry::{Entry, EntryKind},
        hash::{ContentHash, NodeHash},
        head::Head,
        log::Peaks,
        pack::PackWriter,
        signpost::Signpost,
    },
    swarm::{
        Ticket,
        wire::{self, Request, Response},
    },
};

pub(crate) async fn endpoint() -> Endpoint {
    Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_ip_transports()
        .bind_addr((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .portmapper_config(PortmapperConfig::Disabled)
        .bind()
        .await
        .unwrap()
}

pub(crate) fn address_of(ticket: &Ticket) -> EndpointAddr {
    let ticket: EndpointTicket = ticket.to_string().parse().unwrap();
    ticket.into()
}

/// What a liar sends back: frames, as bytes.
type Script = dyn Fn(Request) -> Vec<Vec<u8>> + Send + Sync;

/// A peer that speaks our protocol by a script and serves the blobs that it was given.
pub(crate) struct Liar {
    pub(crate) ticket: Ticket,
    router: Router,
}

#[derive(Clone)]
struct Scripted(Arc<Script>);

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl ProtocolHandler for Scripted {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        while let Ok((mut send, mut receive)) = connection.accept_bi().await {
            let Ok(request) = wire::receive(&mut receive, wire::FRAME_TIMEOUT).await else {
                break;
            };
            let answer = (self.0)(request).concat();
            let _ = send.write_all(&answer).await;
            let _ = send.finish();
        }
        Ok(())
    }
}

/// A blobs protocol that sends the same bytes to whoever asks.
#[derive(Debug, Clone)]
struct Garbage;

impl ProtocolHandler for Garbage {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        while let Ok((mut send, _receive)) = connection.accept_bi().await {
            let _ = send.write_all(&300_000u64.to_le_bytes()).await;
            let _ = send.write_all(&[0xaa; 400_000]).await;
            let _ = send.finish();
        }
        Ok(())
    }
}

/// A blobs protocol that takes requests and leaves it at that.
#[derive(Debug, Clone)]
struct Silence;

impl ProtocolHandler for Silence {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        connection.closed().await;
        Ok(())
    }
}

/// What becomes of a request for a blob.
pub(crate) enum Act {
    Serve,
    /// There is never an answer.
    Hold,
    /// The connection is closed.
    Close,
    /// The length is right, and the bytes are not.
    Forge,
}

/// A blobs protocol that decides about each request, by its number and what it asks for.
#[derive(Clone)]
struct Choosy {
    store: MemStore,
    sizes: Arc<BTreeMap<Hash, u64>>,
    choose: Arc<dyn Fn(usize, Hash) -> Act + Send + Sync>,
    count: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Choosy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Choosy")
    }
}

impl ProtocolHandler for Choosy {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let mut held = Vec::new();
        while let Ok(mut pair) = StreamPair::accept(&connection, EventSender::DEFAULT).await {
            let Ok(BlobsRequest::Get(request)) = pair.read_request().await else {
                break;
            };
            let number = self.count.fetch_add(1, Ordering::SeqCst);
            match (self.choose)(number, request.hash) {
                Act::Serve => {
                    tokio::spawn(handle_get(pair, (*self.store).clone(), request));
                }
                Act::Hold => held.push(pair),
                Act::Close => connection.close(0u32.into(), b"enough"),
                Act::Forge => {
                    let tracker = pair.get_request(|| request.clone()).await.unwrap();
                    let mut writer = pair.into_writer(tracker).await.unwrap().inner;
                    let size = self.sizes[&request.hash];
                    let _ = writer.write_all(&size.to_le_bytes()).await;
                    let _ = writer.write_all(&[0xaa; 100_000]).await;
                    let _ = writer.finish();
                }
            }
        }
        connection.closed().await;
        Ok(())
    }
}

/// What blobs a liar serves.
pub(crate) enum Serves {
    /// These, as it chooses.
    Chosen(Vec<Vec<u8>>, Box<dyn Fn(usize, Hash) -> Act + Send + Sync>),
    /// These, honestly.
    Blobs(Vec<Vec<u8>>),
    /// Bytes that are not those that were asked for.
    Garbage,
    /// It lets itself be asked and never answers.
    Silence,
    /// It does not speak that protocol.
    Nothing,
}

impl Liar {
    pub(crate) async fn new(
        script: impl Fn(Request) -> Vec<Vec<u8>> + Send + Sync + 'static,
        serves: Serves,
    ) -> Self {
        let endpoint = endpoint().await;
        let address = endpoint.addr();
        let router = Router::builder(endpoint).accept(wire::ALPN, Scripted(Arc::new(script)));
        let router = match serves {
            Serves::Nothing => router,
            Serves::Garbage => router.accept(iroh_blobs::ALPN, Garbage),
            Serves::Silence => router.accept(iroh_blobs::ALPN, Silence),
            Serves::Chosen(blobs, choose) => {
                let store = MemStore::new();
                let mut sizes = BTreeMap::new();
                for blob in blobs {
                    let added = store.blobs().add_slice(&blob).await.unwrap();
                    sizes.insert(added.hash, blob.len() as u64);
                }
                let choosy = Choosy {
                    store,
                    sizes: Arc::new(sizes),
                    choose: choose.into(),
                    count: Arc::default(),
                };
                router.accept(iroh_blobs::ALPN, choosy)
            }
            Serves::Blobs(blobs) => {
                let store = MemStore::new();
                for blob in blobs {
                    store.blobs().add_slice(&blob).await.unwrap();
                }
                router.accept(iroh_blobs::ALPN, BlobsProtocol::new(&store, None))
            }
        };
        Self {
            ticket: EndpointTicket::new(address).to_string().parse().unwrap(),
            router: router.spawn(),
        }
    }

    pub(crate) async fn close(self) {
        self.router.shutdown().await.unwrap();
    }
}

/// A message as it goes over the wire.
pub(crate) fn frame(response: &Response) -> Vec<u8> {
    let bytes = postcard::to_stdvec(response).unwrap();
    [&(bytes.len() as u32).to_be_bytes()[..], &bytes].concat()
}

/// A site whose author makes entries by hand.
pub(crate) struct Forge {
    key: ed25519_dalek::SigningKey,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) blobs: Vec<Vec<u8>>,
    /// What is answered to whoever asks for the entries of an abandoned branch.
    pub(crate) branch: Vec<Vec<u8>>,
}

impl Forge {
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            key: ed25519_dalek::SigningKey::from_bytes(&[seed; 32]),
            entries: Vec::new(),
            blobs: Vec::new(),
            branch: Vec::new(),
        }
    }

    pub(crate) fn site(&self) -> SiteId {
        SiteId(self.key.verifying_key().to_bytes())
    }

    /// Signs whatever it is.
    pub(crate) fn head_of(&self, length: u64, entries: &[Vec<u8>]) -> Head {
        let mut peaks = Peaks::default();
        entries.iter().for_each(|entry| peaks.append(entry));
        Head::sign(&self.key, length, peaks.root().unwrap())
    }

    /// What the DHT is to say of a head of it.
    pub(crate) fn signpost(&self, head: &Head) -> Signpost {
        Signpost::sign(&self.key, head, &[[1; 32]]).unwrap()
    }

    pub(crate) fn head(&self) -> Head {
        self.head_of(self.entries.len() as u64, &self.entries)
    }

    /// The next entry, of a tree that is in the pack `pack`.
    pub(crate) fn entry(&self, tree: NodeHash, files: u64, bytes: u64, pack: &[u8]) -> Entry {
        let blob = BlobRef {
            hash: ContentHash::of(pack),
            kind: BlobKind::Pack,
            size: pack.len() as u64,
        };
        Entry {
            kind: EntryKind::Publish,
            number: self.entries.len() as u64 + 1,
            time: 0,
            as_of: 0,
            tree,
            sources: None,
            files,
            bytes,
            message: String::new(),
            adds: BlobSet {
                inline: vec![blob],
                lists: Vec::new(),
            },
            keeps: BlobSet::default(),
            drops: BlobSet::default(),
            origin: None,
            abandoned: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, entry: &Entry, pack: Vec<u8>) {
        self.entries.push(entry.encode().unwrap());
        self.blobs.push(pack);
    }

    /// Answers as an honest node with this log would.
    pub(crate) fn script(&self) -> impl Fn(Request) -> Vec<Vec<u8>> + Send + Sync + 'static {
        let (head, entries) = (self.head().encode(), self.entries.clone());
        let branch = self.branch.clone();
        move |request| match request {
            Request::Head { .. } => vec![frame(&Response::Head(head.clone()))],
            Request::Entries { first, count, .. } => entries
                .iter()
                .skip(first as usize - 1)
                .take(count as usize)
                .map(|entry| frame(&Response::Entry(entry.clone())))
                .collect(),
            Request::Branch { .. } if branch.is_empty() => vec![frame(&Response::NotShared)],
            Request::Branch { count, .. } => {
                let all = branch.iter().cycle().take(count as usize);
                all.map(|entry| frame(&Response::Entry(entry.clone())))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) async fn serve(&self) -> Liar {
        Liar::new(self.script(), Serves::Blobs(self.blobs.clone())).await
    }
}

/// A pack with tree nodes and files as they are.
pub(crate) fn pack(nodes: &[Vec<u8>], files: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = PackWriter::new(&mut out).unwrap();
    for node in nodes {
        writer.add_node(NodeHash::of(node), node).unwrap();
    }
    for file in files {
        writer.add_file(ContentHash::of(file), file).unwrap();
    }
    writer.finish().unwrap();
    out
}
