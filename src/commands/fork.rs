//! `skep fork`: the published sources of a site, as a site of one's own.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use skep_publisher::{archive::address::Address, error::printable};

use crate::{
    backup,
    context::Context,
    error::{CliError, Exit, Result},
    forking::{Forked, fork},
    output::{BOLD, bytes, count},
    site,
    swarm::{self, Peers},
};

/// Make a site of your own of what another is made of
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep fork skep://… my-version --peer TICKET
  skep fork skep://…+3 my-version          of an older version

The author has to have published the sources. What comes is what they published: texts, templates, settings, and in
skep.toml, as `origin`, of which version it is a fork. It has an address and a key of its own, and is built once to see
that it can be. A command that builds it does not run before you have seen it.")]
pub(crate) struct ForkArgs {
    /// The site to make it of: ADDRESS, ADDRESS+VERSION, or ADDRESS+VERSION~HASH
    address: String,
    /// The folder to make; it must not exist, or be empty
    dir: PathBuf,
    #[command(flatten)]
    peers: Peers,
}

pub(crate) async fn run(ctx: &Context, args: &ForkArgs) -> Result<Exit> {
    let address = site::address(&args.address)?;
    if let Some(path) = &address.path {
        let message = format!("{path} is a part of a site: a fork is of all of it");
        return Err(CliError::usage(message).hint("`skep show ADDRESS/PATH` writes one file"));
    }
    let peers = args.peers.tickets(Some(&address))?;
    let dir = ctx.path(&args.dir);
    let ready = swarm::ready(ctx, "skep fork", address.site, &peers).await?;
    let brought = ready.bring(&address, &peers).await;
    let forked = brought.and_then(|()| {
        let entry = ready.store.entry_at(&ready.state, &address)?;
        let forked = fork(ctx, &ready.store, &ready.state, &entry, &dir);
        forked.map_err(|e| e.naming(&dir, &args.dir))
    });
    ready.close().await;
    tell(ctx, args, &forked?);
    Ok(Exit::Done)
}

/// So many paths that are not made are named.
const MOST: usize = 20;

fn tell(ctx: &Context, args: &ForkArgs, forked: &Forked) {
    let Forked {
        site,
        origin,
        copied,
        trial,
        command,
        url,
    } = forked;
    let missing = trial.as_ref().map_or(&[][..], |trial| &trial.missing);
    ctx.out.json(&json!({
        "address": Address::of(*site).to_string(),
        "dir": args.dir,
        "origin": origin.to_string(),
        "files": copied.files,
        "bytes": copied.bytes,
        "builds": trial.as_ref().map(|trial| trial.files),
        "missing": missing,
        "command": command,
        "url_left_out": url,
    }));
    let dir = args.dir.display();
    ctx.out.say(format!(
        "{BOLD}{dir}{BOLD:#} is a website of your own now ({}, {}).",
        count(copied.files, "file"),
        bytes(copied.bytes),
    ));
    ctx.out.field("address", Address::of(*site));
    ctx.out.field("fork of", origin);
    if let Some(trial) = trial {
        let files = count(trial.files as u64, "file");
        ctx.out.field("builds", format!("{files}, just now"));
    }
    if let Some(url) = url {
        ctx.out.note(format!(
            "Left out of skep.toml: url = \"{}\", where the other one is on the web.",
            printable(url)
        ));
    }
    if let Some(command) = command {
        ctx.out.note(format!(
            "Its skep.toml says that this command builds it:\n\n  {BOLD}{}{BOLD:#}\n\nIt has not run. You are asked before it does; look first at what it does.",
            printable(command)
        ));
    }
    if !missing.is_empty() {
        ctx.out.warn(format!(
            "{} of the other site can't be made of what its author published:",
            count(missing.len() as u64, "file")
        ));
        for path in missing.iter().take(MOST) {
            ctx.out.note(format!("  {}", printable(path)));
        }
        if missing.len() > MOST {
            ctx.out
                .note(format!("  … and {} more", missing.len() - MOST));
        }
    }
    backup::advise(ctx, &args.dir);
    ctx.out.field("next", format!("skep serve {dir}"));
}
