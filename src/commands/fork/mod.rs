//! `skep fork`: the published sources of a site, as a site of one's own, and what came there later.

mod update;

use std::path::{Path, PathBuf};

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
#[command(
    override_usage = "skep fork [OPTIONS] <ADDRESS> <DIR>\n       skep fork --update [OPTIONS] [DIR]",
    after_help = "Examples:
  skep fork skep://… my-version --peer TICKET
  skep fork skep://…+3 my-version          of an older version
  skep fork --update --peer TICKET         take over what came there later
  skep fork --update my-version --dry-run

The author has to have published the sources. What comes is what they published: texts, templates, settings, and in
skep.toml, as `origin`, of which version it is a fork. It has an address and a key of its own, and is built once to see
that it can be. A command that builds it does not run before you have seen it.

An update merges, file by file, what changed there into what you have changed here. Where both changed the same it puts
both into the text, between marks, and the exit code is 1; a file that can't be merged stays, and theirs is put beside
it. Copies of all that is overwritten are kept in the home."
)]
pub(crate) struct ForkArgs {
    /// The site to make it of: ADDRESS, ADDRESS+VERSION, or ADDRESS+VERSION~HASH. With `--update` the folder of the fork
    #[arg(value_name = "ADDRESS", required_unless_present = "update")]
    what: Option<String>,
    /// The folder to make; it must not exist, or be empty
    #[arg(required_unless_present = "update", conflicts_with = "update")]
    dir: Option<PathBuf>,
    /// Take over in a fork what the other site has published since
    #[arg(long)]
    update: bool,
    /// Show what an update would do, and change nothing in the folder
    #[arg(long, requires = "update")]
    dry_run: bool,
    #[command(flatten)]
    peers: Peers,
}

pub(crate) async fn run(ctx: &Context, args: &ForkArgs) -> Result<Exit> {
    match (args.update, &args.what, &args.dir) {
        (true, dir, _) => {
            let dir = dir.as_deref().unwrap_or(".");
            update::run(ctx, Path::new(dir), args.dry_run, &args.peers).await
        }
        (false, Some(what), Some(dir)) => make(ctx, what, dir, &args.peers).await,
        _ => Err(CliError::usage("a fork needs an address and a folder")),
    }
}

async fn make(ctx: &Context, what: &str, shown: &Path, peers: &Peers) -> Result<Exit> {
    let address = site::address(what)?;
    if let Some(path) = &address.path {
        let message = format!("{path} is a part of a site: a fork is of all of it");
        return Err(CliError::usage(message).hint("`skep show ADDRESS/PATH` writes one file"));
    }
    let peers = peers.tickets(Some(&address))?;
    let dir = ctx.path(shown);
    let mut ready = swarm::ready(ctx, "skep fork", address.site, &peers).await?;
    let brought = ready.bring(ctx, &address, &peers).await;
    let forked = brought.and_then(|()| {
        let entry = ready.store.entry_at(&ready.state, &address)?;
        let forked = fork(ctx, &ready.store, &ready.state, &entry, &dir);
        forked.map_err(|e| e.naming(&dir, shown))
    });
    ready.close().await;
    tell(ctx, shown, &forked?);
    Ok(Exit::Done)
}

/// So many paths that are not made are named.
const MOST: usize = 20;

fn tell(ctx: &Context, dir: &Path, forked: &Forked) {
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
        "event": "fork", "address": Address::of(*site).to_string(),
        "dir": dir,
        "origin": origin.to_string(),
        "files": copied.files,
        "bytes": copied.bytes,
        "builds": trial.as_ref().map(|trial| trial.files),
        "missing": missing,
        "command": command,
        "url_left_out": url,
    }));
    let shown = dir.display();
    ctx.out.say(format!(
        "{BOLD}{shown}{BOLD:#} is a website of your own now ({}, {}).",
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
    backup::advise(ctx, dir);
    ctx.out.field("next", format!("skep serve {shown}"));
}
