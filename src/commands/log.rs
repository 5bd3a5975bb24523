//! `skep log`: the versions of a site.

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use skep_publisher::{
    archive::{address::Address, entry::Entry},
    error::printable,
    store::Retractions,
};

use crate::{
    commands::retract::names,
    context::Context,
    error::{Exit, Result},
    output::{BOLD, bytes, count},
    site::id_of,
    swarm::{self, Peers},
};

/// List the versions of a site
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep log
  skep log skep://… --peer TICKET")]
pub(crate) struct LogArgs {
    /// The site's folder, or its address
    #[arg(default_value = ".", value_name = "DIR|ADDRESS")]
    site: String,
    #[command(flatten)]
    peers: Peers,
}

pub(crate) async fn run(ctx: &Context, args: &LogArgs) -> Result<Exit> {
    let site = id_of(&args.site)?;
    let address = args.site.parse::<Address>().ok();
    let peers = args.peers.tickets(address.as_ref())?;
    let ready = swarm::ready(ctx, "skep log", site, &peers).await?;
    let log = ready.store.log(&ready.state);
    let retractions = ready.store.retractions(&ready.state);
    ready.close().await;
    let (log, retractions) = (log?, retractions?);
    ctx.out.json(&json!({
        "address": Address::of(site).to_string(),
        "versions": log.iter().rev().map(|entry| version(entry, &retractions)).collect::<Vec<_>>(),
    }));
    for entry in log.iter().rev() {
        let time = Timestamp::from_second(entry.time.cast_signed()).unwrap_or_default();
        let gone = retractions.by(entry.number);
        let gone = gone.map(|by| format!("\n    retracted in version {by}"));
        let retracts = match entry.retracts() {
            [] => String::new(),
            versions => format!("\n    retracts {}", names(versions)),
        };
        ctx.out.say(format!(
            "{BOLD}version {}{BOLD:#}  {}  {}, {}{}{retracts}{}",
            entry.number,
            time.strftime("%Y-%m-%d %H:%M:%S UTC"),
            count(entry.files, "file"),
            bytes(entry.bytes),
            match entry.message.as_str() {
                "" => String::new(),
                text => text
                    .lines()
                    .map(|line| format!("\n    {}", printable(line)))
                    .collect(),
            },
            gone.unwrap_or_default(),
        ));
    }
    Ok(Exit::Done)
}

fn version(entry: &Entry, retractions: &Retractions) -> serde_json::Value {
    json!({
        "version": entry.number,
        "time": entry.time,
        "message": entry.message,
        "files": entry.files,
        "bytes": entry.bytes,
        "tree": entry.tree.to_string(),
        "retracts": entry.retracts(),
        "retracted_by": retractions.by(entry.number),
    })
}
