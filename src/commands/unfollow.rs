//! `skep unfollow`: no longer keep a site up to date and share it.

use clap::Args;
use serde_json::json;
use skep_publisher::{
    archive::{address::Address, head::Head},
    store::Relation,
    swarm::follow,
};

use crate::{
    context::Context,
    error::{Exit, Result},
    output::bytes,
    site, swarm,
};

/// Stop following or pinning a site: it is served to nobody any more
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep unfollow skep://…
  skep --home HOST unfollow skep://…     what `skep host --pin` keeps, also while that host runs

What is here of the site stays among the visited ones, where it can be read and makes room when others need it.
`skep browse` shows it, and removes it at once if you want that. A host that is started with `--pin` for the site pins it
again.")]
pub(crate) struct UnfollowArgs {
    /// The site's address
    address: String,
}

pub(crate) async fn run(ctx: &Context, args: &UnfollowArgs) -> Result<Exit> {
    let site = site::address(&args.address)?.site;
    let opened = swarm::open(ctx, "skep unfollow").await?;
    let done = async {
        let was = opened.store.site(site)?.map(|state| state.relation);
        let state = match opened.end.node() {
            // It stops serving the site at this moment.
            Some(node) => follow::unfollow(node, site).await?,
            None => opened.store.unfollow(site)?,
        };
        let removal = opened.store.removal(site)?;
        Ok::<_, crate::error::CliError>((was, state, removal.frees + removal.shared))
    };
    let done = done.await;
    opened.end.close().await;
    let (was, state, stays) = done?;
    let version = state.head.as_ref().map(Head::length);
    ctx.out.json(&json!({
        "event": "unfollow",
        "address": Address::of(site).to_string(),
        "before": was.map(Relation::name),
        "relation": state.relation.name(),
        "version": version,
        "bytes_here": stays,
    }));
    ctx.out.say(match was {
        Some(Relation::Pinned) => {
            "The site is not pinned here any more, and no other node gets it from here."
        }
        _ => "You do not follow the site any more, and it is served to nobody.",
    });
    if let Some(version) = version {
        ctx.out.say(format!(
            "Version {version} stays among the visited sites ({}) until room is needed.",
            bytes(stays)
        ));
    }
    Ok(Exit::Done)
}
