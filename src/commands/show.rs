//! `skep show`: one file of one version, to stdout.

use std::io::Write;

use clap::Args;
use skep_publisher::{
    archive::{address::Address, path::ArchivePath},
    error::{Error, Kind},
    store::Reader,
};

use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    site,
    swarm::{self, Peers, Ready},
};

/// Write one file of one version to stdout
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep show skep://…/about/index.html
  skep show skep://…+3/feed.xml --peer TICKET")]
pub(crate) struct ShowArgs {
    /// The file: ADDRESS/PATH, or ADDRESS+VERSION/PATH
    address: String,
    #[command(flatten)]
    peers: Peers,
}

pub(crate) async fn run(ctx: &Context, args: &ShowArgs) -> Result<Exit> {
    let address = site::address(&args.address)?;
    let peers = args.peers.tickets(Some(&address))?;
    let ready = swarm::ready(ctx, "skep show", address.site, &peers).await?;
    let shown = show(&ready, &address);
    ready.close().await;
    shown?;
    Ok(Exit::Done)
}

fn show(ready: &Ready, address: &Address) -> Result<()> {
    let entry = ready.store.entry(&ready.state, address.version)?;
    let reader = Reader::new(&ready.store, &ready.state);
    let name = address.path.as_ref().map_or("", ArchivePath::as_str);
    // As a browser would: a folder is its index.
    let index = format!("{name}/index.html");
    let mut found = None;
    for candidate in [name, index.trim_start_matches('/')] {
        if let Ok(path) = ArchivePath::new(candidate)
            && found.is_none()
        {
            found = reader.find(entry.tree, &path)?;
        }
    }
    let Some(file) = found else {
        return Err(CliError::failed(
            "not-found",
            format!("version {} has no file {name:?}", entry.number),
        )
        .hint("`skep clone ADDRESS DIR` brings all files"));
    };
    let mut stdout = std::io::stdout().lock();
    reader.read(&file, |piece| {
        stdout
            .write_all(piece)
            .map_err(|e| Error::new(Kind::Io, format!("can't write to stdout: {e}")))
    })?;
    stdout
        .flush()
        .map_err(|e| CliError::failed("io", format!("can't write to stdout: {e}")))
}
