//! `skep clone`: the published files of a version, as files.

use std::{fs, path::PathBuf, sync::Arc};

use clap::Args;
use serde_json::json;
use skep_publisher::{
    archive::address::Address,
    checkout::{Filling, Part, check_target},
    error::Error,
    store::Reader,
};

use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    output::{bytes, count},
    site,
    swarm::{self, OnFork, Peers},
    trust,
};

/// Bring the published files of a site into a folder
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep clone skep://… a-copy --peer TICKET
  skep clone skep://…+3 version-3
  skep clone skep://… a-copy --sources       what the site is made of, if its author publishes that")]
pub(crate) struct CloneArgs {
    /// The site: ADDRESS, ADDRESS+VERSION, or ADDRESS+VERSION~HASH
    address: String,
    /// The folder to make; it must not exist, or be empty
    dir: PathBuf,
    /// Bring the sources instead: texts, templates, settings
    #[arg(long)]
    sources: bool,
    #[command(flatten)]
    peers: Peers,
}

pub(crate) async fn run(ctx: &Context, args: &CloneArgs) -> Result<Exit> {
    let address = site::address(&args.address)?;
    if let Some(path) = &address.path {
        let message = format!("{path} is a part of a site: a clone has all of it");
        return Err(CliError::usage(message).hint("`skep show ADDRESS/PATH` writes one file"));
    }
    let peers = args.peers.tickets(Some(&address))?;
    let dir = ctx.path(&args.dir);
    let named = |e: Error| CliError::from(e).naming(&dir, &args.dir);
    check_target(&dir).map_err(named)?;
    let opened = swarm::open_for(ctx, "skep clone", address.site, &peers).await?;
    let part = match args.sources {
        false => Part::Site,
        true => Part::Sources,
    };
    // What comes of it goes into the folder as soon as it is verified.
    let filling = Arc::new(Filling::new(&dir, part));
    opened.store.fill(address.site, &filling);
    let mut ready = swarm::ready_on(ctx, opened, address.site, &peers, OnFork::Fail).await?;
    let brought = ready.bring(ctx, &address, &peers).await;
    let written = brought.and_then(|()| {
        let entry = ready.store.entry_at(&ready.state, &address)?;
        let reader = Reader::new(&ready.store, &ready.state);
        let tree = match args.sources {
            false => Some(entry.tree),
            true => entry.sources,
        };
        let Some(tree) = tree else {
            let message = format!(
                "version {} has no sources: its author publishes the finished site alone",
                entry.number
            );
            return Err(CliError::failed("not-found", message)
                .hint("leave `--sources` out, or name another version"));
        };
        let parent = dir.parent().unwrap_or(&dir);
        fs::create_dir_all(parent).map_err(|e| {
            let message = format!("can't make {}: {e}", parent.display());
            CliError::failed("io", message)
        })?;
        trust::forget(&ctx.home, &dir)?;
        let written = filling.checkout(&reader, tree).map_err(named)?;
        Ok((entry.number, written))
    });
    ready.close().await;
    let (version, written) = written?;
    ctx.out.json(&json!({
        "event": "clone", "address": Address::of(address.site).to_string(),
        "version": version,
        "dir": args.dir,
        "files": written.files,
        "bytes": written.bytes,
    }));
    ctx.out.say(format!(
        "Version {version} is in {} ({}, {}).",
        args.dir.display(),
        count(written.files, "file"),
        bytes(written.bytes),
    ));
    Ok(Exit::Done)
}
