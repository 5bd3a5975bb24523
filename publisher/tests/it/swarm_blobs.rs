//! Which blobs strangers get: those of shared sites, read as plain blobs, and nothing else.

use iroh::{Endpoint, endpoint::Connection};
use iroh_blobs::{
    Hash,
    api::remote::GetProgressItem,
    protocol::{
        ChunkRanges, ChunkRangesExt, ChunkRangesSeq, GetManyRequest, GetRequest, ObserveRequest,
    },
    store::mem::MemStore,
};
use n0_future::StreamExt;
use skep_publisher::{archive::blobs::BlobKind, swarm::Node};

use crate::{
    fixture::{Author, Other, PATIENCE, noise},
    liar::{address_of, endpoint},
};

/// A node with a public site and a visited one, and a stranger who is connected to it.
struct Scene {
    node: Other,
    public: Author,
    /// A blob of the site that is only visited.
    secret: Hash,
    store: MemStore,
    connection: Connection,
    _endpoint: Endpoint,
}

/// `inner` makes a file of the public site from the secret blob's hash.
async fn scene(inner: fn(Hash) -> Vec<u8>) -> Scene {
    let hidden = Author::new().with("secret.png", noise(7, 50_000));
    let secret = Hash::new(noise(7, 50_000));
    let public = Author::new().with("list.png", inner(secret));
    let node = Other::pinning(public.site).await;
    let (desk, hidden_desk) = (public.start().await, hidden.start().await);
    public.publish_at(&desk).await;
    public.announce(&desk, &node.node).await.unwrap();
    hidden.publish_at(&hidden_desk).await;
    node.read(hidden.site, &hidden_desk).await.unwrap();
    let endpoint = endpoint().await;
    let address = address_of(node.node.ticket().unwrap());
    let connection = endpoint.connect(address, iroh_blobs::ALPN).await.unwrap();
    Scene {
        node,
        public,
        secret,
        store: MemStore::new(),
        connection,
        _endpoint: endpoint,
    }
}

/// The bytes of a list of hashes, long enough to be a blob of its own.
fn hashes(secret: Hash) -> Vec<u8> {
    secret.as_bytes().repeat(1100)
}

impl Scene {
    async fn get(&self, request: GetRequest) -> Result<(), String> {
        let get = self
            .store
            .remote()
            .execute_get(self.connection.clone(), request);
        finish(get.stream()).await
    }

    async fn get_many(&self, request: GetManyRequest) -> Result<(), String> {
        let get = self
            .store
            .remote()
            .execute_get_many(self.connection.clone(), request);
        finish(get.stream()).await
    }

    async fn has(&self, hash: Hash) -> bool {
        self.store.blobs().has(hash).await.unwrap()
    }
}

async fn finish(stream: impl n0_future::Stream<Item = GetProgressItem>) -> Result<(), String> {
    let mut stream = std::pin::pin!(stream);
    loop {
        match tokio::time::timeout(PATIENCE, stream.next()).await.unwrap() {
            Some(GetProgressItem::Progress(_)) => {}
            Some(GetProgressItem::Done(_)) => return Ok(()),
            Some(GetProgressItem::Error(e)) => return Err(format!("{e:#}")),
            None => return Err("it ends".into()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_blobs_of_shared_sites_are_served() {
    let scene = scene(hashes).await;
    let allowed = Hash::new(hashes(scene.secret));
    scene.get(GetRequest::blob(allowed)).await.unwrap();
    assert!(scene.has(allowed).await);
    // The pack with the tree is the other blob that the site has.
    let store = &scene.node.node.store;
    let entry = store
        .entry(&store.known(scene.public.site).unwrap(), None)
        .unwrap();
    let pack = entry.adds.inline.iter().find(|b| b.kind == BlobKind::Pack);
    let pack = Hash::from_bytes(pack.unwrap().hash.0);
    scene.get(GetRequest::blob(pack)).await.unwrap();

    for request in [
        GetRequest::blob(scene.secret),
        GetRequest::all(scene.secret),
        GetRequest::blob_ranges(scene.secret, ChunkRanges::last_chunk()),
    ] {
        assert!(scene.get(request).await.is_err());
    }
    assert!(!scene.has(scene.secret).await);
}

/// The author of a site that a node shares puts the hash of someone else's blob into a file: read as a
/// list of hashes, that file would hand the blob out.
#[tokio::test(flavor = "multi_thread")]
async fn a_blob_of_hashes_opens_no_other_blob() {
    let scene = scene(hashes).await;
    let root = Hash::new(hashes(scene.secret));
    for request in [
        GetRequest::all(root),
        GetRequest::builder()
            .root(ChunkRanges::all())
            .child(0, ChunkRanges::all())
            .build(root),
        GetRequest::builder()
            .child(0, ChunkRanges::all())
            .build(root),
        GetRequest::builder()
            .child(1000, ChunkRanges::all())
            .build(root),
        GetRequest::builder()
            .root(ChunkRanges::all())
            .next(ChunkRanges::all())
            .build_open(root),
        GetRequest::new(root, ChunkRangesSeq::all()),
    ] {
        assert!(scene.get(request.clone()).await.is_err(), "{request:?}");
        assert!(!scene.has(scene.secret).await, "{request:?}");
    }
    let many = [vec![scene.secret], vec![root], vec![root, scene.secret]];
    for hashes in many {
        let request = GetManyRequest::new(hashes, ChunkRangesSeq::all());
        assert!(scene.get_many(request).await.is_err());
        assert!(!scene.has(scene.secret).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_what_a_node_has() {
    let scene = scene(hashes).await;
    let observe = |hash| {
        let stream = scene
            .store
            .remote()
            .observe(scene.connection.clone(), ObserveRequest::new(hash));
        async move {
            let mut stream = std::pin::pin!(stream);
            tokio::time::timeout(PATIENCE, stream.next()).await.unwrap()
        }
    };
    let known = observe(Hash::new(hashes(scene.secret))).await;
    assert!(matches!(known, Some(Ok(_))), "{known:?}");
    // A blob that is here and one that is nowhere get the same answer.
    for foreign in [scene.secret, Hash::new(b"nowhere")] {
        let answer = observe(foreign).await;
        assert!(!matches!(answer, Some(Ok(_))), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pushes() {
    let scene = scene(hashes).await;
    let mine = scene.store.blobs().add_slice(b"unwanted").await.unwrap();
    let push = iroh_blobs::protocol::PushRequest::new(mine.hash, ChunkRangesSeq::root());
    let remote = scene.store.remote();
    let pushed = remote.execute_push(scene.connection.clone(), push);
    let pushed = tokio::time::timeout(PATIENCE, pushed.complete()).await;
    let _ = pushed.expect("a refusal comes soon");
    let hash = skep_publisher::archive::hash::ContentHash(*mine.hash.as_bytes());
    let node: &Node = &scene.node.node;
    assert!(!has(node, hash));
}

/// Whether a node has a blob, asked of its store by way of a file that would need it.
fn has(node: &Node, hash: skep_publisher::archive::hash::ContentHash) -> bool {
    use skep_publisher::{
        archive::tree::{File, node::MediaType},
        store::Reader,
    };
    let state = node.store.sites().unwrap().remove(0);
    let file = File {
        hash,
        size: 8,
        media_type: MediaType::octet_stream(),
    };
    Reader::new(&node.store, &state).bytes(&file, 100).is_ok()
}
