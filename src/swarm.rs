//! What commands do with the store and with other nodes.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use skep_publisher::{
    archive::address::{Address, SiteId},
    config::Config,
    error::{Error, Kind},
    gateway::local::fetch_from,
    store::{SiteState, Store},
    swarm::{Event, Network, Node, OpenStore, Ticket, fetch},
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
    let open = loop {
        match OpenStore::open(&ctx.home, name) {
            // It may be about to end.
            Err(e) if e.kind == Kind::Locked && begun.elapsed() < PATIENCE => {
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

/// How long a command waits for the store, if another process has it that does no work for others.
const PATIENCE: Duration = Duration::from_secs(3);

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
    end: End,
    /// Whether nodes that have it were looked for.
    is_sought: bool,
}

/// What has to be ended when a command is done with a store.
pub(crate) enum End {
    Store(Box<OpenStore>),
    Node(Arc<Node>),
    /// The node runs on.
    Running(Arc<Node>),
}

impl End {
    /// Starts a node, if there is none.
    async fn start(self, ctx: &Context) -> Result<Self> {
        Ok(match self {
            Self::Store(open) => Self::Node(start(ctx, *open).await?.0),
            Self::Node(node) => Self::Node(node),
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
            Self::Node(node) | Self::Running(node) => Some(node),
        }
    }

    /// Ends the node, if there is one, and closes the store.
    pub(crate) async fn close(self) {
        match self {
            Self::Store(open) => open.close().await,
            Self::Node(node) => node.close().await,
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
            end,
            is_sought: false,
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
        End::Node(node) | End::Running(node) => node.finds(),
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
                end,
                is_sought,
            })
        }
        // A peer that is away or behind does not keep anyone from reading
        // what is here; one that lies is not passed over in silence.
        (Err(e), Ok(state)) if passed_over(e.kind) => {
            ctx.out.warn(format!("{e}; what is here already is used"));
            Ok(Ready {
                store,
                state,
                end,
                is_sought,
            })
        }
        (Err(e), _) | (Ok(_), Err(e)) => {
            end.close().await;
            Err(e.into())
        }
    }
}

impl Ready {
    /// Brings a version that is not here from the first of `peers` that has it, or if it was looked for, from those
    /// that were found. Without any nothing is done, and whoever reads it is told what is missing.
    pub(crate) async fn bring(&self, address: &Address, peers: &[Ticket]) -> Result<()> {
        let (Some(version), Some(node)) = (address.version, self.end.node()) else {
            return Ok(());
        };
        let store = &self.store;
        if address.leaf.is_some()
            && store.entry_at(&self.state, address)? != store.entry(&self.state, Some(version))?
        {
            // It was abandoned: who does not have it does not get it.
            return Ok(());
        }
        let known = match self.is_sought {
            true => store.peers(self.state.site)?,
            false => Vec::new(),
        };
        let known = known.iter().filter_map(|peer| peer.ticket.parse().ok());
        let peers: Vec<Ticket> = peers.iter().cloned().chain(known).collect();
        let mut failed = None;
        for peer in &peers {
            match fetch::older(node, self.state.site, peer, version).await {
                Ok(_) => return Ok(()),
                Err(e) if matches!(e.kind, Kind::NotFound | Kind::Retracted) => {
                    return Err(e.into());
                }
                Err(e) => failed = Some(e),
            }
        }
        failed.map_or(Ok(()), |e| Err(e.into()))
    }

    /// Ends the node and closes the store.
    pub(crate) async fn close(self) {
        self.end.close().await;
    }
}

/// Ctrl-C, or the signal with which services are stopped. From this call on it ends nothing by itself, and whoever
/// waits later is told of it too.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let failed = |e: std::io::Error| CliError::failed("io", format!("can't wait for signals: {e}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c().map_err(failed)?;
        Ok(async move {
            let _ = interrupt.recv().await;
        })
    }
}
