//! [`Node`]: a running peer.

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ed25519_dalek::{Signer, SigningKey};
use iroh::{Endpoint, EndpointAddr, EndpointId, endpoint::Connection, protocol::Router};
use tokio::{
    sync::{Notify, OnceCell, broadcast, mpsc, watch},
    task::{AbortHandle, JoinSet},
};

use super::{
    allow::AllowList,
    blobs::IrohBlobs,
    cache::VISITED_LIMIT,
    doors::{Guarded, Talk},
    find::{self, Finder, lan::Lan},
    have::Haves,
    limits::{self, Limits, Live, Uploads},
    link::{Connections, Links, Pushes},
    network::{Network, Ticket},
    pace::Pace,
    page::Fronts,
    presence::Presence,
    serve::SkepProtocol,
    services::Services,
    transport, wire,
};
use crate::{
    archive::{
        address::SiteId,
        head::Head,
        receipt::{Mode, Receipt},
    },
    config::Config,
    error::{Error, Kind, Result},
    files,
    home::Home,
    keys, parallel,
    store::{Store, records::Records},
};

/// A store that this process owns, without a network.
pub struct OpenStore {
    /// The records and blobs.
    pub store: Store,
    /// What the person decided whose home it is.
    pub config: Config,
    pub(super) blobs: IrohBlobs,
    pub(super) key: SigningKey,
    scratch: PathBuf,
    home: Home,
}

/// A running peer: a store, and an endpoint with the node's own key as soon as it takes part in the network.
pub struct Node {
    /// What the node has.
    pub store: Store,
    pub(super) blobs: IrohBlobs,
    network: Network,
    services: Services,
    pub(super) finder: Finder,
    online: OnceCell<Online>,
    phase: watch::Sender<Phase>,
    /// Itself, for what answers others in its name.
    me: Weak<Node>,
    pub(super) allow: AllowList,
    pub(super) limits: Live,
    pub(super) key: SigningKey,
    pub(super) presence: Presence,
    pub(super) haves: Haves,
    pub(super) pace: Pace,
    pub(super) fronts: Arc<Fronts>,
    /// The connections of our own protocol.
    pub(super) connections: Connections,
    pub(super) links: Links,
    pub(super) pushes: Arc<Pushes>,
    /// What goes on in its name, until it closes; `None` from then on.
    tasks: Mutex<Option<JoinSet<()>>>,
    /// Which sites are followed has changed.
    pub(super) follows: Notify,
    /// The most bytes of visited sites.
    pub(super) visited_limit: AtomicU64,
    events: mpsc::Sender<Event>,
    news: broadcast::Sender<SiteId>,
    pub(super) removals: broadcast::Sender<SiteId>,
    sites: Mutex<HashMap<SiteId, Arc<tokio::sync::Mutex<()>>>>,
}

/// What a node has that takes part in the network.
struct Online {
    endpoint: Endpoint,
    ticket: Ticket,
    router: Router,
    /// Who else is on the local network, if that is listened to.
    lan: Option<Lan>,
}

/// How a node stands to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has nothing to do with it yet.
    Quiet,
    Online,
    Closed,
}

/// What happens at a node.
#[derive(Debug, Clone)]
pub enum Event {
    /// A newer version of a site is here now, with all its bytes.
    Version {
        /// The site.
        site: SiteId,
        /// The version.
        version: u64,
        /// How many bytes were received for it, on the wire.
        received: u64,
    },
    /// A version of a site of one's own is here now that another machine has published. [`Event::Version`] comes
    /// before it.
    Elsewhere {
        /// The site.
        site: SiteId,
        /// The version.
        version: u64,
    },
    /// A version of a site of one's own was met that another machine has published, and that contradicts what is
    /// here: the site is forked. It is kept as evidence.
    Forked {
        /// The site.
        site: SiteId,
        /// The version.
        version: u64,
    },
    /// A node says, signed, that it keeps the newest version of a site of one's own.
    Kept {
        /// The site.
        site: SiteId,
        /// The version.
        version: u64,
        /// The node's public key.
        node: [u8; 32],
    },
    /// A person has changed the limits of the node.
    Limits(Limits),
    /// A person has changed the settings so that they can't be understood, and why. Those of before remain.
    BadConfig(String),
    /// A peer's announcement was not followed.
    Refused {
        /// The site.
        site: SiteId,
        /// Why.
        reason: String,
    },
}

/// How many news may wait for a slow reader. It is told that it has missed some.
const NEWS: usize = 256;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl OpenStore {
    /// Opens the store of a home for this process, which calls itself `name`.
    ///
    /// # Errors
    ///
    /// [`Kind::Locked`] if another process has it; or if it, or the home's [`Config`], can't be read. The lock is
    /// given up when both databases are closed, which is when the last clone of [`OpenStore::store`] is gone.
    pub fn open(home: &Home, name: &str) -> Result<Self> {
        let config = Config::read(home)?;
        let lock = Arc::new(home.lock(name)?);
        let dir = home.store();
        files::create_private_dir(&dir)?;
        let key = keys::node_key(home)?;
        // What a killed process left; this one owns the store, so nobody uses it.
        let scratch = dir.join("tmp");
        let _ = std::fs::remove_dir_all(&scratch);
        // Two databases: each waits for the disk most of the time.
        let (records, blobs) = parallel::both(
            || Records::open(&dir.join("records.redb"), Some(lock.clone())),
            || IrohBlobs::open(&dir.join("blobs"), &scratch, lock.clone()),
        );
        let blobs = blobs?;
        let store =
            Store::new(records?, Arc::new(blobs.clone())).of_node(key.verifying_key().to_bytes());
        Ok(Self {
            store,
            config,
            blobs,
            key,
            scratch,
            home: home.clone(),
        })
    }

    /// A folder for temporary files on the store's disk; it may not exist yet.
    pub fn scratch(&self) -> PathBuf {
        self.scratch.clone()
    }

    /// Closes the store. Without it the last seconds of partial downloads may have to be fetched again.
    pub async fn close(self) {
        // Whatever had to be durable is: a failure here loses nothing.
        let _ = self.blobs.fs.shutdown().await;
    }
}

impl Node {
    /// Starts a peer on `network`. What happens at it goes to `events`; nobody has to read them.
    ///
    /// # Errors
    ///
    /// If no network port can be opened or the records can't be read.
    pub async fn start(
        open: OpenStore,
        network: Network,
        events: mpsc::Sender<Event>,
    ) -> Result<Arc<Self>> {
        let node = Self::quiet(open, network, events).await?;
        node.online().await?;
        Ok(node)
    }

    /// As [`start`](Self::start), but it takes part in the network only when something needs it: a site that is
    /// to be fetched, or a version of which others are told. Until then nobody learns that it is there.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub async fn quiet(
        open: OpenStore,
        network: Network,
        events: mpsc::Sender<Event>,
    ) -> Result<Arc<Self>> {
        let allow = AllowList::default();
        let store = open.store.clone();
        let list = allow.clone();
        blocking(move || {
            for state in store.sites()? {
                list.add(&store, &state, 1)?;
            }
            Ok(())
        })
        .await?;
        let home = open.home;
        let node = Arc::new_cyclic(|me| Self {
            store: open.store,
            blobs: open.blobs,
            network,
            services: open.config.network,
            finder: Finder::new(open.config.dht.on(network)),
            online: OnceCell::new(),
            phase: watch::Sender::new(Phase::Quiet),
            me: me.clone(),
            allow,
            limits: Live::new(open.config.limits),
            key: open.key,
            presence: Presence::default(),
            haves: Haves::default(),
            pace: Pace::default(),
            fronts: Arc::default(),
            connections: Connections::default(),
            links: Links::default(),
            pushes: Arc::default(),
            tasks: Mutex::new(Some(JoinSet::new())),
            follows: Notify::new(),
            visited_limit: AtomicU64::new(VISITED_LIMIT),
            events,
            news: broadcast::channel(NEWS).0,
            removals: broadcast::channel(NEWS).0,
            sites: Mutex::default(),
        });
        tokio::spawn(limits::watch(Arc::downgrade(&node), home));
        Ok(node)
    }

    /// Takes part in the network from now on, if it does not yet, and returns how to reach this node.
    ///
    /// # Errors
    ///
    /// If no network port can be opened, or the node has closed.
    pub async fn online(&self) -> Result<&Ticket> {
        let online = self.online.get_or_try_init(|| self.join()).await?;
        Ok(&online.ticket)
    }

    async fn join(&self) -> Result<Online> {
        let closed = || Error::new(Kind::Io, "the node has closed");
        let me = self.me.upgrade().ok_or_else(closed)?;
        if *self.phase.borrow() == Phase::Closed {
            return Err(closed());
        }
        let endpoint = self.network.bind(&self.services, &self.key).await?;
        let ticket = self.network.ticket(&endpoint).await;
        let lan = match self.network {
            Network::Lan => Some(Lan::join(&endpoint)?),
            // Without multicast there is the rest of the internet.
            Network::Public if self.services.lan => Lan::join(&endpoint).ok(),
            Network::Public | Network::Loopback => None,
        };
        let doors = &self.limits.doors;
        let guard = |limit| self.allow.guard(self.store.counters(), limit);
        let blobs = Uploads::new(&self.blobs, &self.limits.upload, guard);
        let skep = SkepProtocol::new(&me);
        let router = Router::builder(endpoint.clone())
            .accept(iroh_blobs::ALPN, Guarded::new(doors, Talk::Little, blobs))
            .accept(wire::ALPN, Guarded::new(doors, Talk::Bounded, skep))
            .spawn();
        self.phase.send_if_modified(|phase| {
            let is_new = *phase == Phase::Quiet;
            if is_new {
                *phase = Phase::Online;
            }
            is_new
        });
        Ok(Online {
            endpoint,
            ticket,
            router,
            lan,
        })
    }

    /// Who is on the local network, if this node takes part in it; it begins to.
    pub(super) async fn lan(&self) -> Option<Lan> {
        let online = self.online.get_or_try_init(|| self.join()).await;
        online.ok()?.lan.clone()
    }

    /// The endpoint. The node takes part in the network from then on.
    pub(super) async fn endpoint(&self) -> Result<&Endpoint> {
        let online = self.online.get_or_try_init(|| self.join()).await?;
        Ok(&online.endpoint)
    }

    /// Where the node is right now: it moves with its machine.
    pub(super) async fn address(&self) -> Result<EndpointAddr> {
        let online = self.online.get_or_try_init(|| self.join()).await?;
        Ok(online.endpoint.addr())
    }

    /// How to reach the node, if it takes part in the network.
    pub fn ticket(&self) -> Option<&Ticket> {
        self.online.get().map(|online| &online.ticket)
    }

    /// Whether nodes that nobody named can be found from here.
    pub fn finds(&self) -> bool {
        self.network.finds() || self.finder.uses_dht()
    }

    /// Where nodes are looked for, as the end of a sentence that says that none is known.
    pub(crate) fn searched(&self) -> &'static str {
        match (self.network.finds(), self.finder.uses_dht()) {
            (true, true) => " or found, on the local network or by the DHT",
            (true, false) => " or found on the local network",
            (false, true) => " or found by the DHT",
            (false, false) => "",
        }
    }

    /// The network that it takes part in.
    pub fn network(&self) -> Network {
        self.network
    }

    /// The node's public key.
    pub fn id(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Itself, for what answers others in its name.
    pub(super) fn weak(&self) -> Weak<Self> {
        self.me.clone()
    }

    /// Its public key, as iroh has it.
    pub(super) fn endpoint_id(&self) -> EndpointId {
        iroh::SecretKey::from_bytes(self.key.as_bytes()).public()
    }

    /// Does some work in the name of the node, until it is done or the node closes.
    pub(super) fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Option<AbortHandle> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = tasks.as_mut()?;
        while tasks.try_join_next().is_some() {}
        Some(tasks.spawn(work))
    }

    /// Allows others to have the versions of a site from `first` on: to be called after a publish.
    ///
    /// # Errors
    ///
    /// If the records can't be read.
    pub async fn share(&self, site: SiteId, first: u64) -> Result<()> {
        let (store, allow) = (self.store.clone(), self.allow.clone());
        let shared = blocking(move || match store.site(site)? {
            Some(state) => allow.add(&store, &state, first),
            None => Ok(()),
        })
        .await;
        self.tell(site);
        shared
    }

    /// Says of each site that has a newer version here, or is shared no more, that something has changed.
    pub fn news(&self) -> broadcast::Receiver<SiteId> {
        self.news.subscribe()
    }

    pub(super) fn tell(&self, site: SiteId) {
        // Nobody may be listening.
        let _ = self.news.send(site);
    }

    /// The nodes that are connected for a site right now, whoever has called whom.
    pub fn peers_now(&self, site: SiteId) -> Vec<[u8; 32]> {
        self.presence.of(site)
    }

    /// Sets how many bytes visited sites may have together; see [`cache`](super::cache).
    pub fn set_visited_limit(&self, bytes: u64) {
        self.visited_limit.store(bytes, Ordering::Relaxed);
    }

    /// Is there when the node takes part in the network, or has closed.
    pub async fn awake(&self) {
        let mut phase = self.phase.subscribe();
        // The sender is the node's own: it lives as long.
        let _ = phase.wait_for(|phase| *phase != Phase::Quiet).await;
    }

    /// Whether the node has closed, or is about to.
    pub fn is_closed(&self) -> bool {
        *self.phase.borrow() == Phase::Closed
    }

    /// Is there when the node has closed.
    pub(super) async fn closed(&self) {
        let mut phase = self.phase.subscribe();
        let _ = phase.wait_for(|phase| *phase == Phase::Closed).await;
    }

    /// Stops accepting, closes all connections and the store.
    pub async fn close(&self) {
        if self.phase.send_replace(Phase::Closed) == Phase::Closed {
            return;
        }
        self.connections.leave();
        let store = self.store.clone();
        // A few counters less, if that fails.
        let _ = blocking(move || store.write_activity()).await;
        // If it is about to join the network, it does so first.
        let never = || async { Err::<Online, ()>(()) };
        // Whatever had to be durable is: a failure here loses nothing.
        match self.online.get_or_try_init(never).await {
            Ok(online) => drop(online.router.shutdown().await),
            Err(()) => drop(self.blobs.fs.shutdown().await),
        }
        let tasks = self
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
    }

    /// A receipt of this node for a version that it has.
    pub(super) fn receipt(&self, head: &Head, mode: Mode) -> Receipt {
        Receipt::sign(head, self.id(), now(), mode, |bytes| {
            self.key.sign(bytes).to_bytes()
        })
    }

    /// Passes an event on, unless nobody reads them.
    pub(super) fn emit(&self, event: Event) {
        let _ = self.events.try_send(event);
    }

    /// The lock under which a site's versions arrive: one at a time.
    pub(super) fn site_lock(&self, site: SiteId) -> Arc<tokio::sync::Mutex<()>> {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        sites.entry(site).or_default().clone()
    }

    /// Connects to a node within [`CONNECT_TIMEOUT`].
    pub(super) async fn connect(&self, peer: &EndpointAddr, alpn: &[u8]) -> Result<Connection> {
        let name = peer.id.fmt_short();
        let online = self.online.get_or_try_init(|| self.join()).await?;
        let mut peer = peer.clone();
        if let Some(lan) = &online.lan {
            // Where it is now, if it has moved since somebody noted its addresses.
            peer.addrs.extend(lan.addresses(peer.id));
        }
        if peer.addrs.is_empty() {
            find::look_up(self).await;
        }
        let connecting = async {
            let options = transport::calling();
            let connecting = online.endpoint.connect_with_opts(peer, alpn, options);
            let connecting = connecting.await.map_err(|e| e.to_string())?;
            connecting.await.map_err(|e| e.to_string())
        };
        let why = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(why)) => why,
            Err(_) => format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        };
        Err(Error::new(
            Kind::Unreachable,
            format!("can't reach the node {name}: {why}"),
        )
        .hint("is it running, and is its ticket a fresh one?"))
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({:?})", self.ticket())
    }
}

/// Runs work that blocks where it blocks nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(Error::new(Kind::Io, format!("a task broke off: {e}"))),
    }
}

/// The seconds since 1970, by this machine's clock: for receipts, visits, and when a peer was heard from.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |duration| duration.as_secs())
}
