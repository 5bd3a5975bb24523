//! What commands do with the store and with other nodes.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        head::Head,
    },
    config::Config,
    error::{Error, Kind},
    gateway::local::fetch_from,
    store::{SiteState, Store},
    swarm::{Event, Network, Node, OpenStore, Ticket, fetch, known::remembered},
};
use tokio::sync::mpsc;

use crate::{
    context::Context,
    error::{CliError, Result},
    output::{Phase, Unit},
    remote,
    running::{Guest, Running},
};

/// The nodes that a person named.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Peers {
    /// A node to ask or to tell, by the ticket that it printed (may be given more than once)
    #[arg(long = "peer", value_name = "TICKET")]
    pub(crate) peers: Vec<String>,
}

impl Peers {
    /// The tickets, with the one in `address`; of several of one node the last.
    pub(crate) fn tickets(&self, address: Option<&Address>) -> Result<Vec<Ticket>> {
        let via = address.and_then(|address| address.via.as_ref());
        let all = self.peers.iter().chain(via);
        let mut tickets: Vec<Ticket> = Vec::new();
        for ticket in all {
            let ticket: Ticket = ticket.parse()?;
            // A node that is named twice is one node: it must not confirm a version twice.
            tickets.retain(|other| other.node() != ticket.node());
            tickets.push(ticket);
        }
        Ok(tickets)
    }
}

/// Starts a node on the store. Its events come out of the receiver.
pub(crate) async fn start(
    ctx: &Context,
    store: OpenStore,
) -> Result<(Arc<Node>, mpsc::Receiver<Event>), Error> {
    let (events, receiver) = mpsc::channel(256);
    first_time_notice(ctx, &store.config);
    let node = Node::start(store, ctx.network, events).await?;
    ctx.out
        .step(format!("node started: {}", node.online().await?));
    Ok((node, receiver))
}

/// Says once on a machine whom the public network is.
pub(crate) fn first_time_notice(ctx: &Context, config: &Config) {
    let mut who = Vec::new();
    if ctx.network == Network::Public && !config.network.are_own() {
        who.push(
            "This node uses the relays and the DNS service of number 0 (n0.computer): they, and the peers \
             it talks to, see its public key and IP address.",
        );
    }
    if ctx.network == Network::Public && config.dht.enabled {
        who.push(
            "The Mainline DHT sees its IP address, which sites it asks for, and which it shares, unless `enabled = false` \
             stands under `[dht]` in config.toml of skep's home.",
        );
    }
    if who.is_empty() {
        return;
    }
    let marker = ctx.home.store().join("told-about-the-network");
    if !marker.exists() {
        if config.network.lan {
            who.push(
                "The local network sees its key and address too, unless `lan = false` stands under `[network]` there.",
            );
        }
        who.push(
            "`--network lan` stays in the local network, `--network loopback` on this machine.",
        );
        ctx.out.note(who.join(" "));
        // If that can't be written it is said again: no harm.
        let _ = std::fs::write(marker, "");
    }
}

/// The store, open for a command.
pub(crate) struct Opened {
    pub(crate) store: Store,
    /// A folder for temporary files on the store's disk; it may not exist yet.
    pub(crate) scratch: PathBuf,
    pub(crate) end: End,
}

/// Opens the store for a command that calls itself `name`: the one way for all that do not go on running.
pub(crate) async fn open(ctx: &Context, name: &str) -> Result<Opened> {
    if let Some(Guest { running, .. }) = &ctx.guest {
        return Ok(Opened {
            store: running.node.store.clone(),
            scratch: running.scratch.clone(),
            end: End::Running(running.node.clone()),
        });
    }
    let open = own(ctx, name).await?;
    Ok(Opened {
        store: open.store.clone(),
        scratch: open.scratch(),
        end: End::Store(Box::new(open)),
    })
}

/// As [`open`], with a node on the store.
pub(crate) async fn open_node(ctx: &Context, name: &str) -> Result<Opened> {
    let opened = open(ctx, name).await?;
    Ok(Opened {
        end: opened.end.start(ctx).await?,
        ..opened
    })
}

/// Takes the store for this process, which calls itself `name`.
pub(crate) async fn own(ctx: &Context, name: &str) -> Result<OpenStore> {
    let begun = Instant::now();
    let mut is_said = false;
    let open = loop {
        match OpenStore::open(&ctx.home, name) {
            // It may be about to end.
            Err(e) if e.kind == Kind::Locked && begun.elapsed() < PATIENCE => {
                if !is_said && begun.elapsed() > SILENCE {
                    is_said = true;
                    ctx.out.note(format!("{e}; this command waits for it."));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(e) if e.kind == Kind::Locked => {
                let socket = remote::path(ctx.home.root());
                let why = format!("{e}, which takes no commands at {}", socket.display());
                let error = CliError::from(e);
                return Err(CliError {
                    message: why,
                    ..error
                });
            }
            open => break open?,
        }
    };
    remote::remove_stale(&ctx.home);
    Ok(open)
}

/// How long a command waits for the store, if another process has it that does no work for others. Several short
/// commands that were started at once are done one after the other.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits without a word.
const SILENCE: Duration = Duration::from_secs(2);

/// The error for a command that needs the store for itself, while a node runs on it.
pub(crate) fn in_use(ctx: &Context, running: &Running) -> CliError {
    let message = format!(
        "{} is in use by `{}`",
        ctx.home.root().display(),
        running.name
    );
    CliError::failed(Kind::Locked.name(), message)
        .hint("stop that one first, or give this one a store of its own with `--home DIR`")
}

/// A site in a store, after its peers, if there are any, were asked for newer versions.
pub(crate) struct Ready {
    pub(crate) store: Store,
    pub(crate) state: SiteState,
    /// `None` while a node is started.
    end: Option<End>,
}

/// How many nodes are asked for a newer version than is here, and how long each may take to answer.
const MOST_ASKED: usize = 4;
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// What has to be ended when a command is done with a store.
pub(crate) enum End {
    Store(Box<OpenStore>),
    /// A node of this command, and what happens at it.
    Node(Arc<Node>, mpsc::Receiver<Event>),
    /// The node runs on.
    Running(Arc<Node>),
}

impl End {
    /// Starts a node, if there is none.
    pub(crate) async fn start(self, ctx: &Context) -> Result<Self> {
        Ok(match self {
            Self::Store(open) => {
                let (node, events) = start(ctx, *open).await?;
                Self::Node(node, events)
            }
            Self::Node(node, events) => Self::Node(node, events),
            Self::Running(node) => {
                node.online().await?;
                Self::Running(node)
            }
        })
    }

    /// Lets others have what is new of a site, if the node runs on.
    pub(crate) async fn share(&self, ctx: &Context, site: SiteId) {
        if let Self::Running(node) = self
            && let Err(e) = node.share(site, 1).await
        {
            ctx.out.warn(e.to_string());
        }
    }

    /// The node, if there is one.
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        match self {
            Self::Store(_) => None,
            Self::Node(node, _) | Self::Running(node) => Some(node),
        }
    }

    /// Ends the node, if there is one, and closes the store.
    pub(crate) async fn close(self) {
        match self {
            Self::Store(open) => open.close().await,
            Self::Node(node, _) => node.close().await,
            Self::Running(_) => {}
        }
    }
}

/// What to do if a peer contradicts what is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFork {
    /// Fail.
    Fail,
    /// Go on with what is here: the command shows the fork.
    Show,
}

/// Opens the store for `name` and brings a site up to date from `peers`. One of which nothing is here is looked for.
pub(crate) async fn ready(
    ctx: &Context,
    name: &str,
    site: SiteId,
    peers: &[Ticket],
) -> Result<Ready> {
    ready_with(ctx, name, site, peers, OnFork::Fail).await
}

/// Opens the store for `name` and asks nobody.
pub(crate) async fn here(ctx: &Context, name: &str, site: SiteId) -> Result<Ready> {
    let Opened { store, end, .. } = open(ctx, name).await?;
    store.watch(site, ctx.out.watch());
    match store.known(site) {
        Ok(state) => Ok(Ready {
            store,
            state,
            end: Some(end),
        }),
        Err(e) => {
            end.close().await;
            Err(e.into())
        }
    }
}

/// As [`ready`]; `fork` says what to do if a peer contradicts what is here.
pub(crate) async fn ready_with(
    ctx: &Context,
    name: &str,
    site: SiteId,
    peers: &[Ticket],
    fork: OnFork,
) -> Result<Ready> {
    let opened = open_for(ctx, name, site, peers).await?;
    ready_on(ctx, opened, site, peers, fork).await
}

/// Whether those are asked for a site who were not named: not if it is here.
fn is_sought(ctx: &Context, end: &End, store: &Store, site: SiteId) -> bool {
    let finds = match end {
        End::Store(open) => ctx.network.finds() || open.config.dht.is_used_on(ctx.network),
        End::Node(node, _) | End::Running(node) => node.finds(),
    };
    finds && store.known(site).is_err()
}

/// Opens the store for `name`, with a node on it if others are asked for the site.
pub(crate) async fn open_for(
    ctx: &Context,
    name: &str,
    site: SiteId,
    peers: &[Ticket],
) -> Result<Opened> {
    let mut opened = open(ctx, name).await?;
    opened.store.watch(site, ctx.out.watch());
    if !peers.is_empty() || is_sought(ctx, &opened.end, &opened.store, site) {
        opened.end = opened.end.start(ctx).await?;
    }
    Ok(opened)
}

/// As [`ready_with`], on a store that is open.
pub(crate) async fn ready_on(
    ctx: &Context,
    opened: Opened,
    site: SiteId,
    peers: &[Ticket],
    fork: OnFork,
) -> Result<Ready> {
    let Opened { store, end, .. } = opened;
    let is_sought = is_sought(ctx, &end, &store, site);
    let asks = !peers.is_empty() || is_sought;
    let _asking = asks.then(|| ctx.out.begin(Phase::Ask, None, Unit::Nodes));
    let fetched = match end.node() {
        Some(node) if asks => fetch_from(node, site, peers).await.map(Some),
        _ => Ok(None),
    };
    let passed_over = |kind| {
        matches!(kind, Kind::Unreachable | Kind::Older | Kind::NotFound)
            || (kind == Kind::Conflict && fork == OnFork::Show)
    };
    match (fetched, store.known(site)) {
        (Ok(fetched), Ok(state)) => {
            if let Some(fetched) = fetched {
                ctx.out.step(format!("received {} bytes", fetched.received));
            }
            Ok(Ready {
                store,
                state,
                end: Some(end),
            })
        }
        // A peer that is away or behind does not keep anyone from reading
        // what is here; one that lies is not passed over in silence.
        (Err(e), Ok(state)) if passed_over(e.kind) => {
            ctx.out.warn(format!("{e}; what is here already is used"));
            Ok(Ready {
                store,
                state,
                end: Some(end),
            })
        }
        (Err(e), _) | (Ok(_), Err(e)) => {
            end.close().await;
            Err(e.into())
        }
    }
}

impl Ready {
    /// Brings a version that is not here from the first of `peers` that has it, or else from one of the nodes that
    /// are known to have the site. If nobody gives it, whoever reads it is told what is missing.
    pub(crate) async fn bring(
        &mut self,
        ctx: &Context,
        address: &Address,
        peers: &[Ticket],
    ) -> Result<()> {
        let Some(version) = address.version else {
            return Ok(());
        };
        if self.is_here(address, version)? {
            return Ok(());
        }
        let known = match self.end.as_ref().and_then(End::node) {
            Some(node) => node.known(self.state.site)?,
            None => remembered(&self.store, self.state.site)?,
        };
        let known = known.into_iter().map(|known| known.ticket);
        let is_named = |known: &Ticket| peers.iter().any(|peer| peer.node() == known.node());
        let known: Vec<Ticket> = known.filter(|known| !is_named(known)).collect();
        if peers.is_empty() && known.is_empty() {
            return Ok(());
        }
        let node = self.node(ctx).await?;
        if self.newest() < version {
            self.bring_newest(ctx, &node, &known).await?;
            if self.newest() < version || self.is_here(address, version)? {
                return Ok(());
            }
        }
        let mut failed = None;
        let named = peers.iter().map(|peer| (peer, true));
        for (peer, is_named) in named.chain(known.iter().map(|peer| (peer, false))) {
            match fetch::older(&node, self.state.site, peer, version).await {
                Ok(_) => return Ok(()),
                Err(e) if e.kind == Kind::Retracted => return Err(e.into()),
                Err(e) if e.kind == Kind::NotFound && is_named => return Err(e.into()),
                Err(e) if is_named => failed = Some(e),
                Err(e) => ctx.out.note(e.to_string()),
            }
        }
        failed.map_or(Ok(()), |e| Err(e.into()))
    }

    /// Whether a version is here, or is one that nobody is asked for.
    fn is_here(&self, address: &Address, version: u64) -> Result<bool> {
        let (store, state) = (&self.store, &self.state);
        if version > self.newest() {
            return Ok(false);
        }
        if address.leaf.is_some()
            && store.entry_at(state, address)? != store.entry(state, Some(version))?
        {
            // It was abandoned: who does not have it does not get it.
            return Ok(true);
        }
        let entry = store.version(state, Some(version))?;
        Ok(store.retractions(state)?.is_whole(store, &entry)?)
    }

    fn newest(&self) -> u64 {
        self.state.head.as_ref().map_or(0, Head::length)
    }

    /// Brings the newest version from the first of `known` that has a newer one. Who does not answer soon is passed
    /// over.
    async fn bring_newest(
        &mut self,
        ctx: &Context,
        node: &Arc<Node>,
        known: &[Ticket],
    ) -> Result<()> {
        let site = self.state.site;
        for peer in known.iter().take(MOST_ASKED) {
            let offered = tokio::time::timeout(ASK_TIMEOUT, fetch::offered(node, site, peer)).await;
            let is_newer = matches!(&offered, Ok(Ok(head)) if head.length() > self.newest());
            if !is_newer {
                continue;
            }
            match fetch_from(node, site, std::slice::from_ref(peer)).await {
                Ok(_) => break,
                Err(e) => ctx.out.note(e.to_string()),
            }
        }
        self.state = self.store.known(site)?;
        Ok(())
    }

    /// The node on the store. It is started if it was not.
    async fn node(&mut self, ctx: &Context) -> Result<Arc<Node>> {
        let none = || CliError::failed("io", "no node could be started");
        let end = self.end.take().ok_or_else(none)?;
        let end = self.end.insert(end.start(ctx).await?);
        end.node().cloned().ok_or_else(none)
    }

    /// Ends the node and closes the store.
    pub(crate) async fn close(self) {
        if let Some(end) = self.end {
            end.close().await;
        }
    }
}
