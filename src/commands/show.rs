//! `skep show`: one file of one version, to stdout.

use clap::Args;
use data_encoding::BASE64;
use serde_json::json;
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
  skep show skep://…+3/feed.xml --peer TICKET
  skep show skep://…+3~ab12cd34/feed.xml        a version that was abandoned, by its hash")]
pub(crate) struct ShowArgs {
    /// The file: ADDRESS/PATH, ADDRESS+VERSION/PATH, or ADDRESS+VERSION~HASH/PATH
    address: String,
    #[command(flatten)]
    peers: Peers,
}

pub(crate) async fn run(ctx: &Context, args: &ShowArgs) -> Result<Exit> {
    let address = site::address(&args.address)?;
    let peers = args.peers.tickets(Some(&address))?;
    let ready = swarm::ready(ctx, "skep show", address.site, &peers).await?;
    let shown = match ready.bring(&address, &peers).await {
        Ok(()) => show(ctx, &ready, &address),
        Err(e) => Err(e),
    };
    ready.close().await;
    shown?;
    Ok(Exit::Done)
}

/// The longest file that becomes a line of JSON, in bytes.
const MAX_JSON: u64 = 16 << 20;

fn show(ctx: &Context, ready: &Ready, address: &Address) -> Result<()> {
    let entry = ready.store.entry_at(&ready.state, address)?;
    let reader = Reader::new(&ready.store, &ready.state);
    let name = address.path.as_ref().map_or("", ArchivePath::as_str);
    // As a browser would: a folder is its index.
    let index = format!("{name}/index.html");
    let mut found = None;
    for candidate in [name, index.trim_start_matches('/')] {
        if let Ok(path) = ArchivePath::new(candidate)
            && found.is_none()
        {
            found = reader.find(entry.tree, &path)?.map(|file| (path, file));
        }
    }
    let Some((path, file)) = found else {
        return Err(CliError::failed(
            "not-found",
            format!("version {} has no file {name:?}", entry.number),
        )
        .hint("`skep clone ADDRESS DIR` brings all files"));
    };
    if ctx.out.is_json() {
        if file.size > MAX_JSON {
            let message = format!("{path} has {} bytes: too many for JSON", file.size);
            return Err(CliError::failed("too-long", message)
                .hint("without `--json`, its bytes come as they are"));
        }
        let bytes = reader.bytes(&file, MAX_JSON)?;
        // One of the two: as text if it is some.
        let text = std::str::from_utf8(&bytes).ok();
        ctx.out.json(&json!({
            "address": Address::of(address.site).to_string(),
            "version": entry.number,
            "path": path.as_str(),
            "bytes": file.size,
            "media_type": file.media_type.as_str(),
            "hash": file.hash.to_string(),
            "text": text,
            "base64": text.is_none().then(|| BASE64.encode(&bytes)),
        }));
        return Ok(());
    }
    reader.read(&file, |piece| {
        let written = ctx.out.write(piece);
        written.map_err(|e| Error::new(Kind::Io, format!("can't write to stdout: {e}")))
    })?;
    Ok(())
}
