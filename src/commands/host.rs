//! `skep host`: keep sites for others, and mirror them over HTTP.

mod ports;

use std::sync::Arc;

use clap::Args;
use serde_json::json;
use skep_publisher::{
    archive::address::{Address, SiteId},
    gateway::{self, local::Gateway, mirror},
    store::{Relation, Store},
    swarm::{
        Node, Ticket, fetch,
        follow::{self, Timing},
    },
};
use tokio::{net::TcpListener, runtime::Handle, sync::watch};

use crate::{
    commands::guests,
    context::Context,
    error::{CliError, Exit, Result},
    events,
    output::{BOLD, Output},
    remote::Socket,
    running::{Face, Pages, Running},
    site,
    stop::stop_signal,
    swarm::{self, Peers},
};

/// Keep sites for their authors, and mirror them over HTTP on this machine
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep host --pin skep://…
  skep host --pin skep://… --peer TICKET --port 8080

Authors publish to it with the ticket that it prints: `skep publish --peer TICKET`. Other commands go on working meanwhile:
on the same home, they are done by this one.")]
pub(crate) struct HostArgs {
    /// A site to keep (may be given more than once; those of before are kept too)
    #[arg(long = "pin", value_name = "ADDRESS")]
    pins: Vec<String>,
    #[command(flatten)]
    peers: Peers,
    /// The port of the mirror of the first site named, 0 for any free one; a site without a port gets the next free
    /// one, and keeps it for ever [default: 8080, or the next free one]
    #[arg(long)]
    port: Option<u16>,
    /// The gateway's port [default: 7537]
    #[arg(long)]
    gateway_port: Option<u16>,
}

const NAME: &str = "skep host";

pub(crate) async fn run(ctx: &Context, args: &HostArgs) -> Result<Exit> {
    let pins: Vec<Address> = args
        .pins
        .iter()
        .map(|pin| site::address(pin))
        .collect::<Result<_, _>>()?;
    if let Some(part) = pins
        .iter()
        .find(|pin| pin.version.is_some() || pin.path.is_some())
    {
        return Err(
            CliError::usage(format!("{part} is a part of a site")).hint(format!(
                "a host keeps whole sites: `--pin {}`",
                Address::of(part.site)
            )),
        );
    }
    let mut peers = args.peers.tickets(None)?;
    for pin in &pins {
        peers.extend(Peers { peers: vec![] }.tickets(Some(pin))?);
    }
    if let Some(guest) = &ctx.guest {
        return Err(swarm::in_use(ctx, &guest.running));
    }
    let gateway_listener = gateway::local::listen(args.gateway_port, ctx.network).await?;
    let open = swarm::own(ctx, NAME).await?;
    let (sites, listeners) = match prepare(&open.store, &pins, args.port).await {
        Ok(prepared) => prepared,
        Err(e) => {
            open.close().await;
            return Err(e);
        }
    };
    // Who comes before the node has started waits for it.
    let socket = Socket::open(&ctx.home);
    let scratch = open.scratch();
    let (node, mut events) = swarm::start(ctx, open).await?;
    let (stop, stopped) = watch::channel(false);
    let mut mirrors = Vec::new();
    for (site, listener) in sites.iter().zip(listeners) {
        let url = format!("http://127.0.0.1:{}/", gateway::port_of(&listener)?);
        mirrors.push((Address::of(*site), url));
        tokio::spawn(mirror::serve(
            node.clone(),
            *site,
            listener,
            wait(stopped.clone()),
        ));
    }
    let port = gateway::port_of(&gateway_listener)?;
    let gateway = Arc::new(Gateway::new(node.clone(), peers.clone(), port));
    let running = Running {
        name: NAME,
        node: node.clone(),
        scratch,
        face: Face::of(Pages {
            gateway: gateway.clone(),
            access: None,
            shop: None,
        }),
        runtime: Handle::current(),
    };
    let serving = guests::serve(ctx, running, socket);
    tokio::spawn(gateway::local::serve(
        gateway,
        gateway_listener,
        wait(stopped),
    ));
    let mut signal = std::pin::pin!(stop_signal()?);
    ready(&ctx.out, &node, &mirrors, port);
    tokio::spawn(fetch_pinned(ctx.out.clone(), node.clone(), sites, peers));
    tokio::spawn(follow::keep_up(node.clone(), Timing::default()));

    loop {
        tokio::select! {
            () = &mut signal => break,
            Some(event) = events.recv() => events::say(&ctx.out, &event),
        }
    }
    // The web servers finish what they are sending.
    let _ = stop.send(true);
    if let Some(serving) = serving {
        serving.end().await;
    }
    node.close().await;
    Ok(Exit::Done)
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    // If the sender is gone, so is the command.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// The sites that are kept, those that were named now first, and a listener for the mirror of each. A
/// host that can't start pins nothing.
async fn prepare(
    store: &Store,
    pins: &[Address],
    port: Option<u16>,
) -> Result<(Vec<SiteId>, Vec<TcpListener>)> {
    let mut sites: Vec<SiteId> = Vec::new();
    let pinned = store.sites()?;
    let pinned = pinned
        .iter()
        .filter(|state| state.relation == Relation::Pinned);
    let all = pins
        .iter()
        .map(|pin| pin.site)
        .chain(pinned.map(|state| state.site));
    for site in all {
        if !sites.contains(&site) {
            sites.push(site);
        }
    }
    if sites.is_empty() {
        return Err(CliError::usage("this host keeps no site yet")
            .hint("name one: `skep host --pin ADDRESS`"));
    }
    let listeners = ports::open(store, &sites, !pins.is_empty(), port).await?;
    for pin in pins {
        store.add_site(pin.site, Relation::Pinned)?;
    }
    Ok((sites, listeners))
}

/// Brings the pinned sites up to date from the peers that were named.
async fn fetch_pinned(out: Output, node: Arc<Node>, sites: Vec<SiteId>, peers: Vec<Ticket>) {
    for site in sites {
        for peer in &peers {
            // The node's event tells of success.
            if let Err(e) = fetch::newest(&node, site, peer, fetch::Wanted::Whole).await {
                out.warn(e.to_string());
            }
        }
    }
}

fn ready(out: &Output, node: &Node, mirrors: &[(Address, String)], port: u16) {
    let gateway = format!("http://localhost:{port}/");
    let list = mirrors
        .iter()
        .map(|(address, url)| json!({"address": address.to_string(), "url": url}));
    out.json(&json!({
        "event": "ready",
        "ticket": node.ticket().map(ToString::to_string),
        "mirror": mirrors[0].1,
        "gateway": gateway,
        "mirrors": list.collect::<Vec<_>>(),
    }));
    out.say("This host is up. Ctrl-C ends.");
    for (address, url) in mirrors {
        out.field("mirror", format!("{BOLD}{url}{BOLD:#} of {address}"));
    }
    out.field("gateway", gateway);
    if let Some(ticket) = node.ticket() {
        out.field("ticket", ticket);
    }
}
