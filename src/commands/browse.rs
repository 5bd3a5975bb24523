//! `skep browse`: read sites with an ordinary browser.

use clap::Args;
use serde_json::json;
use skep_publisher::{
    archive::address::Address,
    error::Error,
    gateway::{
        self,
        local::{Gateway, fetch_from},
    },
    swarm::{Fetched, Node, Ticket},
};

use crate::{
    context::Context,
    desk::{self, Desk, Setting},
    error::{Exit, Result},
    output::BOLD,
    remote::Socket,
    running::{Pages, Running},
    site,
    stop::stop_signal,
    swarm::{self, Peers},
};

/// Read sites with your browser, and serve your own to others meanwhile
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep browse                          the sites that are here
  skep browse --no-reload              tabs stay as they are when a new version arrives
  skep browse skep://… --peer TICKET   a site that a node has

Other commands go on working meanwhile: on the same home, they are done by this one. A second `skep browse` says where
the first one shows the page, and ends. A `skep node` that runs here shows no pages until then.")]
pub(crate) struct BrowseArgs {
    /// A site to read
    address: Option<String>,
    #[command(flatten)]
    peers: Peers,
    /// The gateway's port; it is part of the sites' origins [default: 7537]
    #[arg(long)]
    port: Option<u16>,
    /// Leave open tabs as they are when a new version of their site arrives
    #[arg(long)]
    no_reload: bool,
}

pub(crate) async fn run(ctx: &Context, args: &BrowseArgs) -> Result<Exit> {
    let address = args.address.as_deref().map(site::address).transpose()?;
    let peers = args.peers.tickets(address.as_ref())?;
    if let Some(guest) = &ctx.guest {
        return show_running(ctx, args, &guest.running, address.as_ref(), &peers).await;
    }
    let listener = gateway::local::listen(args.port, ctx.network).await?;
    let port = gateway::port_of(&listener)?;
    let open = swarm::own(ctx, NAME).await?;
    // Who comes before the node has started waits for it.
    let socket = Socket::open(&ctx.home);
    let scratch = open.scratch();
    let (node, _events) = swarm::start(ctx, open).await?;
    let setting = Setting {
        name: NAME,
        scratch,
        port,
        peers,
        reload: !args.no_reload,
    };
    let found = match Desk::new(ctx, &node, setting) {
        Ok(desk) => {
            let library = desk.pages.control_link("/");
            let url = match &address {
                None => Ok(library.clone().unwrap_or_default()),
                Some(address) => page_at(ctx, &node, &desk.pages, address).await,
            };
            url.map(|url| (desk, url, library))
        }
        Err(e) => Err(e),
    };
    let (desk, url, library) = match found {
        Ok(found) => found,
        Err(e) => {
            node.close().await;
            return Err(e);
        }
    };
    let tell = |desk: &Desk| {
        let shown = Shown { url, library };
        ready(ctx, &node, desk.pages.gateway.port, &shown, "Ctrl-C ends.");
    };
    desk.serve(ctx, socket, listener, tell, stop_signal()?)
        .await?;
    Ok(Exit::Done)
}

/// The URL of what was asked for, after it was fetched.
async fn page_at(ctx: &Context, node: &Node, pages: &Pages, address: &Address) -> Result<String> {
    let fetched = pages.gateway.fetch(address.site).await;
    page_after(ctx, node, pages, address, fetched)
}

/// The URL of a page after its site was asked for: what is here is shown, whatever came of that.
fn page_after(
    ctx: &Context,
    node: &Node,
    pages: &Pages,
    address: &Address,
    fetched: Result<Fetched, Error>,
) -> Result<String> {
    if let Err(e) = fetched {
        if node.store.known(address.site).is_err() {
            return Err(e.into());
        }
        ctx.out.warn(format!("{e}; what is here already is shown"));
    }
    page_of(&pages.gateway, address)
}

const NAME: &str = "skep browse";

/// Says where the node that runs already shows a page. One that shows none so far begins to.
async fn show_running(
    ctx: &Context,
    args: &BrowseArgs,
    running: &Running,
    address: Option<&Address>,
    peers: &[Ticket],
) -> Result<Exit> {
    // Whoever browses takes part, also where `skep serve` did not yet.
    running.node.online().await?;
    let pages = desk::pages(running, args.port).await?;
    let library = pages.control_link("/");
    let url = match (address, &library) {
        (Some(address), _) => {
            let fetched = match peers.is_empty() {
                true => pages.gateway.fetch(address.site).await,
                false => fetch_from(&running.node, address.site, peers).await,
            };
            page_after(ctx, &running.node, pages, address, fetched)?
        }
        (None, Some(library)) => library.clone(),
        // A host has no library page.
        (None, None) => return Err(swarm::in_use(ctx, running)),
    };
    let until = format!("`{}` serves it.", running.name);
    let shown = Shown { url, library };
    ready(ctx, &running.node, pages.gateway.port, &shown, &until);
    Ok(Exit::Done)
}

/// What a browser may open.
struct Shown {
    /// What was asked for.
    url: String,
    /// The library, by a link that lets one browser in. It is the `url` if nothing was asked for.
    library: Option<String>,
}

fn ready(ctx: &Context, node: &Node, port: u16, shown: &Shown, until: &str) {
    let Shown { url, library } = shown;
    ctx.out.json(&json!({
        "event": "ready",
        "url": url,
        "gateway": format!("http://localhost:{port}/"),
        "library": library,
        "ticket": node.ticket().map(ToString::to_string),
    }));
    ctx.out
        .say(format!("Open {BOLD}{url}{BOLD:#} in your browser. {until}"));
    if let Some(library) = library {
        ctx.out.field("library", library);
    }
    if let Some(ticket) = node.ticket() {
        ctx.out.field("ticket", ticket);
    }
}

/// The URL of the page that an address names.
fn page_of(gateway: &Gateway, address: &Address) -> Result<String> {
    let url = match address.version {
        Some(version) => gateway.url_of_version(address.site, version)?,
        None => gateway.url_of(address.site),
    };
    // The address has the path in the form that a URL needs.
    let text = Address {
        via: None,
        ..address.clone()
    }
    .to_string();
    let path = text.trim_start_matches("skep://").split_once('/');
    Ok(url + path.map_or("", |(_, path)| path))
}
