//! `skep import`: an exported archive back into the store.

use std::{fs::File, io::BufReader, path::PathBuf};

use clap::Args;
use serde_json::json;
use skep_publisher::{archive::address::Address, keys, portable, store::Relation};

use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    output::{Phase, Unit, count},
    swarm,
};

/// Take in an archive that was exported; every signature and hash is checked
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep import my-site.skep")]
pub(crate) struct ImportArgs {
    /// The file
    file: PathBuf,
}

pub(crate) async fn run(ctx: &Context, args: &ImportArgs) -> Result<Exit> {
    let file = File::open(ctx.path(&args.file))
        .map_err(|e| CliError::failed("io", format!("can't read {}: {e}", args.file.display())))?;
    let own = keys::list(&ctx.home)?;
    let relation = |site| match own.contains(&site) {
        true => Relation::Own,
        false => Relation::Visited,
    };
    let open = swarm::open(ctx, "skep import").await?;
    let length = file.metadata().ok().map(|meta| meta.len());
    let work = ctx.out.begin(Phase::Import, length, Unit::Bytes);
    let mut input = work.counting(BufReader::with_capacity(1 << 20, file));
    let imported = portable::import(&open.store, &mut input, relation, &open.scratch);
    drop(work);
    if let Ok(imported) = &imported {
        open.end.share(ctx, imported.site).await;
    }
    open.end.close().await;
    let imported = imported?;
    let address = Address::of(imported.site).to_string();
    ctx.out.json(&json!({
        "event": "import", "address": address,
        "version": imported.version,
        "new": imported.new,
    }));
    ctx.out.say(match imported.new {
        0 => format!(
            "Version {} of {address} was here already.",
            imported.version
        ),
        new => format!(
            "{} of {address} came in; version {} is the newest.",
            count(new, "version"),
            imported.version
        ),
    });
    Ok(Exit::Done)
}
