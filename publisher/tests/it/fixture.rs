//! Authors with a home and a site folder, and other people's nodes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ed25519_dalek::SigningKey;
use skep_publisher::{
    archive::{address::SiteId, entry::Entry, head::Head},
    checkout::checkout,
    error::Result,
    home::Home,
    keys,
    publish::{Outcome, Published, Statement, publish},
    review::{Review, Sources, review},
    snapshot::{Options, snapshot},
    store::{Reader, Relation, Store},
    swarm::{Announced, Fetched, Network, Node, OpenStore, announce::announce, fetch},
    verify::{Verified, verify},
};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Longer than anything here takes, short enough to see that something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Someone with a site's key, a home and a folder of files.
pub(crate) struct Author {
    dir: TempDir,
    pub(crate) home: Home,
    pub(crate) site: SiteId,
}

impl Author {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("home"));
        let site = keys::create(&home).unwrap();
        fs::create_dir(dir.path().join("site")).unwrap();
        Self { dir, home, site }
    }

    /// The same key on another machine, with the same files.
    pub(crate) fn on_second_machine(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("home"));
        keys::import(&home, &keys::export(&self.home, self.site).unwrap()).unwrap();
        fs::create_dir(dir.path().join("site")).unwrap();
        let twin = Self {
            dir,
            home,
            site: self.site,
        };
        for (path, bytes) in self.files() {
            twin.write(&path, bytes);
        }
        twin
    }

    pub(crate) fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.write(path, bytes);
        self
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.folder().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        let to = self.folder().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.folder().join(from), to).unwrap();
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("site")
    }

    pub(crate) fn key(&self) -> SigningKey {
        keys::load(&self.home, self.site).unwrap()
    }

    pub(crate) fn files(&self) -> Files {
        files_below(&self.folder())
    }

    pub(crate) fn open(&self) -> OpenStore {
        OpenStore::open(&self.home, "a test").unwrap()
    }

    pub(crate) async fn start(&self) -> Arc<Node> {
        start(&self.home).await
    }

    pub(crate) fn review(&self, store: &Store) -> Review {
        self.review_with(store, Sources::None)
    }

    pub(crate) fn review_with(&self, store: &Store, sources: Sources) -> Review {
        let files = snapshot(&self.folder(), &Options::default()).unwrap();
        review(store, self.site, files, sources).unwrap()
    }

    pub(crate) fn publish_review(
        &self,
        store: &Store,
        review: &Review,
        message: &str,
    ) -> Result<Outcome> {
        let statement = Statement {
            message: message.into(),
            time: 1_795_392_000,
            as_of: 1_795_392_000,
            origin: None,
        };
        let scratch = self.dir.path().join("scratch");
        publish(store, &self.key(), review, &statement, &scratch, |_| ())
    }

    pub(crate) fn try_publish(&self, store: &Store) -> Result<Outcome> {
        self.publish_review(store, &self.review(store), "a version")
    }

    /// Publishes what is in the folder, which must have changed.
    pub(crate) fn publish(&self, store: &Store) -> Published {
        match self.try_publish(store).unwrap() {
            Outcome::Published(published) => *published,
            Outcome::Unchanged(head) => panic!("unchanged: {head:?}"),
        }
    }

    /// Publishes at a running node and tells nobody.
    pub(crate) async fn publish_at(&self, node: &Node) -> Published {
        let published = self.publish(&node.store);
        node.share(self.site, published.head.length())
            .await
            .unwrap();
        published
    }

    pub(crate) async fn announce(&self, node: &Node, to: &Node) -> Result<Announced> {
        let head = node.store.known(self.site).unwrap().head.unwrap();
        announce(node, &head, to.ticket().unwrap(), PATIENCE).await
    }
}

/// Someone else's node.
pub(crate) struct Other {
    pub(crate) node: Arc<Node>,
    pub(crate) home: Home,
    _dir: TempDir,
}

impl Other {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        Self {
            node: start(&home).await,
            home,
            _dir: dir,
        }
    }

    /// A host that keeps a site.
    pub(crate) async fn pinning(site: SiteId) -> Self {
        let this = Self::new().await;
        this.node.store.add_site(site, Relation::Pinned).unwrap();
        this
    }

    pub(crate) async fn read(&self, site: SiteId, from: &Node) -> Result<Fetched> {
        read(&self.node, site, from).await
    }
}

/// Brings the newest version of a site to a reader's node.
pub(crate) async fn read(reader: &Arc<Node>, site: SiteId, from: &Node) -> Result<Fetched> {
    fetch::newest(reader, site, from.ticket().unwrap(), fetch::Wanted::Latest).await
}

/// A node on a home.
pub(crate) async fn start(home: &Home) -> Arc<Node> {
    // Nobody reads the events, which must not matter.
    let (events, _) = mpsc::channel(1);
    let open = OpenStore::open(home, "a test").unwrap();
    Node::start(open, Network::Loopback, events).await.unwrap()
}

/// What a store says of a site: equal before and after whenever nothing changed.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    sites: usize,
    head: Option<Head>,
    log: Vec<Entry>,
    verified: Option<Verified>,
}

pub(crate) fn seen(store: &Store, site: SiteId) -> Seen {
    let state = store.site(site).unwrap();
    let published = state.as_ref().filter(|state| state.head.is_some());
    Seen {
        sites: store.sites().unwrap().len(),
        head: state.as_ref().and_then(|state| state.head.clone()),
        log: published.map_or(Vec::new(), |state| store.log(state).unwrap()),
        verified: published.map(|state| verify(store, state).unwrap()),
    }
}

pub(crate) fn check(store: &Store, site: SiteId) -> Result<Verified> {
    verify(store, &store.known(site)?)
}

/// The files of a version, by way of a folder.
pub(crate) fn checked_out(store: &Store, site: SiteId, version: Option<u64>) -> Result<Files> {
    let state = store.known(site)?;
    let entry = store.entry(&state, version)?;
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    checkout(&Reader::new(store, &state), entry.tree, &target)?;
    Ok(files_below(&target))
}

pub(crate) fn files_below(dir: &Path) -> Files {
    walkdir::WalkDir::new(dir)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(dir).unwrap();
            (
                path.to_str().unwrap().to_owned(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// Bytes that no one can compress, the same for the same seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut out);
    out
}
