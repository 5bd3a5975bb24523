//! `skep show`: one file of one version, to stdout.

use clap::Args;
use data_encoding::BASE64;
use serde_json::json;
use skep_publisher::{
    archive::{address::Address, path::ArchivePath, tree::File},
    error::{Error, Kind},
    store::Reader,
    swarm::{Ticket, page::Session},
};

use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    site,
    swarm::{self, OnFork, Opened, Peers, Ready},
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
    let opened = swarm::open_for(ctx, "skep show", address.site, &peers).await?;
    if let Some(shown) = alone(&opened, &address, &peers).await {
        opened.end.close().await;
        let (found, bytes) = shown?;
        write(ctx, &address, &found, |sink| sink(&bytes))?;
        return Ok(Exit::Done);
    }
    let mut ready = swarm::ready_on(ctx, opened, address.site, &peers, OnFork::Fail).await?;
    let shown = match ready.bring(ctx, &address, &peers).await {
        Ok(()) => show(ctx, &ready, &address),
        Err(e) => Err(e),
    };
    ready.close().await;
    shown?;
    Ok(Exit::Done)
}

/// The longest file that becomes a line of JSON, in bytes.
const MAX_JSON: u64 = 16 << 20;

/// The file that was asked for.
struct Found {
    version: u64,
    path: ArchivePath,
    file: File,
}

/// The file with no more than what proves it, if nothing of its site is here, from the first peer that gives it; or the
/// error that there is none, which is proved as well. Whatever comes in between is told when the whole version is
/// asked for.
async fn alone(
    opened: &Opened,
    address: &Address,
    peers: &[Ticket],
) -> Option<Result<(Found, Vec<u8>)>> {
    let node = opened.end.node()?;
    if address.version.is_some() || opened.store.known(address.site).is_ok() {
        return None;
    }
    let paths = candidates(address);
    for peer in peers {
        let Ok((session, files)) = Session::open(node, address.site, peer, &paths).await else {
            continue;
        };
        let version = session.entry().number;
        for path in paths {
            let Some(file) = session.find(&path).ok()? else {
                continue;
            };
            // A long file comes with the whole version.
            let (_, bytes) = files.into_iter().find(|(came, _)| came.hash == file.hash)?;
            let found = Found {
                version,
                path,
                file,
            };
            return Some(Ok((found, bytes)));
        }
        return Some(Err(no_file(address, version)));
    }
    None
}

fn show(ctx: &Context, ready: &Ready, address: &Address) -> Result<()> {
    let entry = ready.store.entry_at(&ready.state, address)?;
    let reader = Reader::new(&ready.store, &ready.state);
    for path in candidates(address) {
        if let Some(file) = reader.find(entry.tree, &path)? {
            let found = Found {
                version: entry.number,
                path,
                file,
            };
            return write(ctx, address, &found, |sink| reader.read(&found.file, sink));
        }
    }
    Err(no_file(address, entry.number))
}

fn no_file(address: &Address, version: u64) -> CliError {
    let name = address.path.as_ref().map_or("", ArchivePath::as_str);
    let message = format!("version {version} has no file {name:?}");
    CliError::failed("not-found", message).hint("`skep clone ADDRESS DIR` brings all files")
}

/// Where the file of an address may be. As in a browser, a folder is its index.
fn candidates(address: &Address) -> Vec<ArchivePath> {
    let name = address.path.as_ref().map_or("", ArchivePath::as_str);
    let index = format!("{name}/index.html");
    let names = [name, index.trim_start_matches('/')].into_iter();
    names
        .filter_map(|name| ArchivePath::new(name).ok())
        .collect()
}

/// Takes a file's bytes, piece by piece.
type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), Error>;

/// Writes a file to stdout; `read` gives its bytes.
fn write(
    ctx: &Context,
    address: &Address,
    found: &Found,
    read: impl FnOnce(Sink<'_>) -> Result<(), Error>,
) -> Result<()> {
    let Found { path, file, .. } = found;
    if !ctx.out.is_json() {
        return Ok(read(&mut |piece| {
            let written = ctx.out.write(piece);
            written.map_err(|e| Error::new(Kind::Io, format!("can't write to stdout: {e}")))
        })?);
    }
    if file.size > MAX_JSON {
        let message = format!("{path} has {} bytes: too many for JSON", file.size);
        return Err(CliError::failed("too-long", message)
            .hint("without `--json`, its bytes come as they are"));
    }
    let mut bytes = Vec::new();
    read(&mut |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    // One of the two: as text if it is some.
    let text = std::str::from_utf8(&bytes).ok();
    ctx.out.json(&json!({
        "event": "show", "address": Address::of(address.site).to_string(),
        "version": found.version,
        "path": path.as_str(),
        "bytes": file.size,
        "media_type": file.media_type.as_str(),
        "hash": file.hash.to_string(),
        "text": text,
        "base64": text.is_none().then(|| BASE64.encode(&bytes)),
    }));
    Ok(())
}
