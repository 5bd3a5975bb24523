//! `skep peers`: who is connected, what went up and down, who holds which version.

use std::collections::HashMap;

use clap::Args;
use serde_json::{Value, json};
use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        receipt::Receipt,
    },
    error::{Error, Kind},
    store::{Peer, SiteState, Store, Traffic},
    swarm::Node,
};

use crate::{
    context::{Context, rfc3339, utc},
    error::{Exit, Result},
    outgoing::hex,
    output::{BOLD, bytes, count},
    site::id_of,
    swarm,
};

/// Say who is connected, what went up and down, and who holds which version
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep peers                all sites that are here
  skep peers skep://…
  skep peers my-site --json

Who is connected is known to the node that runs on this home (`skep node`, `skep browse`, `skep host`); without one, the
rest is said. Nobody is asked: a node holds a version if it has once said so, signed, and the moment is by its clock. The
ratio is what went up by what came down.")]
pub(crate) struct PeersArgs {
    /// A site's folder, or its address
    #[arg(value_name = "DIR|ADDRESS")]
    site: Option<String>,
}

/// What is known of the nodes that have a site.
struct Known {
    state: SiteState,
    /// The keys of those that are connected.
    connected: Vec<[u8; 32]>,
    traffic: Traffic,
    /// The newest receipt of each node, the newest versions first.
    receipts: Vec<Receipt>,
    peers: Vec<Peer>,
}

pub(crate) async fn run(ctx: &Context, args: &PeersArgs) -> Result<Exit> {
    let wanted = args.site.as_deref().map(|site| id_of(ctx, site));
    let wanted = wanted.transpose()?;
    let opened = swarm::open(ctx, "skep peers").await?;
    let known = list(&opened.store, opened.end.node().map(AsRef::as_ref), wanted);
    let node = opened.end.node().cloned();
    opened.end.close().await;
    let known = known?;
    let running = ctx.guest.as_ref().zip(node).map(|(guest, node)| {
        json!({
            "name": guest.running.name,
            "node": hex(&node.id()),
            "ticket": node.ticket().map(ToString::to_string),
        })
    });
    let total: Traffic = known.iter().map(|known| known.traffic).sum();
    ctx.out.json(&json!({
        "event": "peers", "running": running,
        "total": {"up": total.up, "down": total.down, "ratio": total.ratio()},
        "sites": known.iter().map(to_json).collect::<Vec<_>>(),
    }));
    if ctx.guest.is_none() {
        ctx.out
            .note("No node runs on this home: nobody is connected.");
    }
    if known.is_empty() {
        ctx.out.say("There are no sites here yet.");
    }
    for site in &known {
        say(ctx, site);
    }
    if known.len() > 1 {
        ctx.out.say(format!("In all {}.", moved(total)));
    }
    Ok(Exit::Done)
}

/// What is known of all sites, or of the one that is `wanted`.
fn list(store: &Store, node: Option<&Node>, wanted: Option<SiteId>) -> Result<Vec<Known>, Error> {
    let sites = match wanted {
        None => store.sites()?,
        Some(site) => vec![store.site(site)?.ok_or_else(|| {
            let message = format!("{} is not on this machine", Address::of(site));
            Error::new(Kind::NotFound, message).hint("`skep follow` brings a site here")
        })?],
    };
    let activity: HashMap<SiteId, (u64, Traffic)> = store.activity()?;
    let known = sites.into_iter().map(|state| {
        let site = state.site;
        let mut receipts = store.receipts(&state)?;
        receipts.sort_by_key(|receipt| std::cmp::Reverse((receipt.length, receipt.time)));
        let mut connected = node.map_or(Vec::new(), |node| node.peers_now(site));
        connected.sort_unstable();
        Ok(Known {
            connected,
            traffic: activity.get(&site).copied().unwrap_or_default().1,
            receipts,
            peers: store.peers(site)?,
            state,
        })
    });
    known.collect()
}

impl Known {
    /// Whether a receipt is for the newest version that is here.
    fn is_newest(&self, receipt: &Receipt) -> bool {
        let head = self.state.head.as_ref();
        head.is_some_and(|head| receipt.is_for(head))
    }
}

fn to_json(known: &Known) -> Value {
    let holders = known.receipts.iter().map(|receipt| {
        json!({
            "node": hex(&receipt.node),
            "version": receipt.length,
            "newest": known.is_newest(receipt),
            "mode": receipt.mode.name(),
            "time": rfc3339(receipt.time),
        })
    });
    let peers = known.peers.iter().map(|peer| {
        json!({
            "node": hex(&peer.node),
            "heard": (peer.heard > 0).then(|| rfc3339(peer.heard)),
            "named": peer.named,
            "ticket": peer.ticket,
        })
    });
    json!({
        "address": Address::of(known.state.site).to_string(),
        "relation": known.state.relation.name(),
        "version": known.state.head.as_ref().map(|head| head.length()),
        "up": known.traffic.up,
        "down": known.traffic.down,
        "ratio": known.traffic.ratio(),
        "connected": known.connected.iter().map(|node| hex(node)).collect::<Vec<_>>(),
        "holders": holders.collect::<Vec<_>>(),
        "known": peers.collect::<Vec<_>>(),
    })
}

fn say(ctx: &Context, known: &Known) {
    let out = &ctx.out;
    let address = Address::of(known.state.site);
    let version = known.state.head.as_ref().map(|head| head.length());
    let version = version.map_or("no version here".to_owned(), |n| format!("version {n}"));
    let relation = known.state.relation.name();
    out.say(format!("{BOLD}{address}{BOLD:#} ({relation}, {version})"));
    out.field("traffic", moved(known.traffic));
    if !known.connected.is_empty() {
        let names: Vec<String> = known.connected.iter().map(short).collect();
        let nodes = count(names.len() as u64, "node");
        out.field("connected", format!("{nodes}: {}", names.join(", ")));
    }
    for receipt in &known.receipts {
        let newest = match known.is_newest(receipt) {
            true => ", the newest",
            false => "",
        };
        out.field(
            "held by",
            format!(
                "{}: version {}{newest} ({}), as it said on {}",
                short(&receipt.node),
                receipt.length,
                receipt.mode.name(),
                utc(receipt.time)
            ),
        );
    }
    for peer in &known.peers {
        let heard = match peer.heard {
            0 => "never heard of so far".to_owned(),
            heard => format!("last heard of on {}", utc(heard)),
        };
        let named = if peer.named { ", named by you" } else { "" };
        out.field("known", format!("{}: {heard}{named}", short(&peer.node)));
    }
}

/// What went up and down, in words.
fn moved(traffic: Traffic) -> String {
    let ratio = traffic.ratio();
    let ratio = ratio.map_or(String::new(), |r| format!(", ratio {r}"));
    let Traffic { up, down } = traffic;
    format!("{} up, {} down{ratio}", bytes(up), bytes(down))
}

/// The first digits of a node's key.
fn short(node: &[u8; 32]) -> String {
    hex(&node[..5])
}
