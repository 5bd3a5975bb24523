//! `skep export`: a whole archive as one portable file.

use std::{
    io::BufWriter,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use skep_publisher::{archive::address::Address, portable};

use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    output::{Phase, Unit, bytes, count},
    site::id_of,
    swarm,
};

/// Write everything of a site that is here to one portable file
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep export skep://… my-site.skep
  skep export my-site /media/stick/my-site.skep

The file holds every version, with the proofs that the site's key signed them, and no secret.")]
pub(crate) struct ExportArgs {
    /// The site's address, or its folder
    #[arg(value_name = "ADDRESS|DIR")]
    site: String,
    /// The file to make; it must not exist
    file: PathBuf,
}

pub(crate) async fn run(ctx: &Context, args: &ExportArgs) -> Result<Exit> {
    let site = id_of(ctx, &args.site)?;
    let file = ctx.path(&args.file);
    let shown = args.file.display();
    let io = |e: std::io::Error| CliError::failed("io", format!("can't write {shown}: {e}"));
    if file.exists() {
        return Err(CliError::usage(format!("{shown} exists already"))
            .hint("name a file that does not exist yet"));
    }
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let ready = swarm::here(ctx, "skep export", site).await?;
    let work = ctx.out.begin(Phase::Export, None, Unit::Bytes);
    let written = (|| {
        // It has its name when it is complete.
        let temporary = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        let out = BufWriter::with_capacity(1 << 20, temporary.as_file());
        let mut out = work.counting(out);
        let exported = portable::export(&ready.store, &ready.state, &mut out)?;
        drop(out);
        temporary.as_file().sync_all().map_err(io)?;
        temporary
            .persist_noclobber(&file)
            .map_err(|e| io(e.error))?;
        Ok::<_, CliError>(exported)
    })();
    drop(work);
    ready.close().await;
    let exported = written?;
    ctx.out.json(&json!({
        "event": "export", "address": Address::of(site).to_string(),
        "file": args.file,
        "versions": exported.versions,
        "whole": exported.whole,
        "abandoned": exported.abandoned,
        "retracted": exported.retracted,
        "bytes": exported.bytes,
    }));
    ctx.out.say(format!(
        "{shown} has {} of {} ({}).",
        exported.whole,
        count(exported.versions, "version"),
        bytes(exported.bytes),
    ));
    Ok(Exit::Done)
}
