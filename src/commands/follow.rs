//! `skep follow`: keep a site up to date, and share it.

use clap::Args;
use serde_json::json;
use skep_publisher::{
    archive::address::Address,
    library::notice,
    store::Relation,
    swarm::follow::{self, Following},
};

use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    output::bytes,
    site,
    swarm::{self, Peers},
};

/// Follow a site: keep its newest version here, and share it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep follow skep://…                 ask who is known to have it
  skep follow skep://… --peer TICKET   ask that node first, and remember it

Its newest version is fetched now if somebody has it; if nobody answers, the site is followed all the same, and comes
as soon as a node is met that has it. It is kept up to date while a node runs here (`skep browse`, `skep node`), and what
you follow you also serve to others. `skep unfollow` ends that.")]
pub(crate) struct FollowArgs {
    /// The site's address
    address: String,
    #[command(flatten)]
    peers: Peers,
}

pub(crate) async fn run(ctx: &Context, args: &FollowArgs) -> Result<Exit> {
    let address = site::address(&args.address)?;
    let peers = args.peers.tickets(Some(&address))?;
    say_once(ctx)?;
    let opened = swarm::open_node(ctx, "skep follow").await?;
    let node = opened.end.node();
    let node = node.ok_or_else(|| CliError::failed("io", "no node could be started"))?;
    opened.store.watch(address.site, ctx.out.watch());
    let following = follow::follow(node, address.site, &peers).await;
    opened.end.close().await;
    report(ctx, &Address::of(address.site), &following?);
    Ok(Exit::Done)
}

/// Says once on a machine what following means, and asks where somebody can answer.
fn say_once(ctx: &Context) -> Result<()> {
    if notice::was_told(&ctx.home) {
        return Ok(());
    }
    ctx.out.note(notice::FOLLOWING);
    if ctx.out.ask("Follow the site?") == Some(false) {
        return Err(CliError::failed("cancelled", "the site is not followed"));
    }
    // Where nobody can be asked it was said: `follow` has no other meaning.
    Ok(notice::remember(&ctx.home)?)
}

fn report(ctx: &Context, address: &Address, following: &Following) {
    let missing = following.missing.as_ref();
    ctx.out.json(&json!({
        "event": "follow", "address": address.to_string(),
        "before": following.before.map(Relation::name),
        "relation": following.relation.name(),
        "version": following.version,
        "received": following.received,
        "missing": missing.map(|e| json!({"kind": e.kind.name(), "message": e.message})),
    }));
    let what = match (following.before, following.relation) {
        (_, Relation::Pinned) => "This host pins the site already, which is more than to follow it",
        (Some(Relation::Followed), _) => "You follow the site already",
        _ => "You follow the site from now on",
    };
    ctx.out.say(match following.version {
        Some(version) => format!("{what}; version {version} is here."),
        None => format!("{what}; nothing of it is here yet."),
    });
    ctx.out.field("address", address);
    ctx.out.field("received", bytes(following.received));
    if let Some(missing) = missing {
        let comes = match following.version {
            Some(_) => "a newer version comes",
            None => "it comes",
        };
        ctx.out.warn(format!(
            "{missing}; {comes} as soon as a node is met that has it, while `skep browse` or `skep node` runs"
        ));
    }
}
