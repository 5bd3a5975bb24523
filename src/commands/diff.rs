//! `skep diff`: line diffs against the last published version, or between two versions.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde_json::{Value, json};
use skep_publisher::{
    archive::{
        address::Address,
        hash::NodeHash,
        path::ArchivePath,
        tree::{Change, File},
    },
    error::printable,
    review::{LineDiff, MAX_TEXT, Side, line_diff, review},
    store::{Reader, SiteState, Store},
    swarm::OpenStore,
};

use crate::{
    built::From,
    context::Context,
    error::{CliError, Exit, Result},
    output::{BOLD, Output, bytes},
    site::{self, SiteDir},
    swarm::{self, Peers},
};

/// Show line by line what `publish` would change, or what changed between two versions
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep diff
  skep diff my-site about/index.html
  skep diff skep://…+1 skep://…+2")]
pub(crate) struct DiffArgs {
    /// The site's folder, or an address with a version
    #[arg(default_value = ".", value_name = "DIR|ADDRESS+V1")]
    first: String,
    /// A path of the site to look at alone, or the address of the second version
    #[arg(value_name = "PATH|ADDRESS+V2")]
    second: Option<String>,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    peers: Peers,
}

/// A changed file with its bytes on both sides, as far as they are text of a reasonable length.
struct Changed {
    change: Change,
    old: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
}

pub(crate) async fn run(ctx: &Context, args: &DiffArgs) -> Result<Exit> {
    let changed = match Path::new(&args.first).is_dir() {
        true => against_published(ctx, args).await?,
        false => between_versions(ctx, args).await?,
    };
    ctx.out
        .json(&json!({"changes": changed.iter().map(to_json).collect::<Vec<_>>()}));
    for file in &changed {
        show(&ctx.out, file);
    }
    if changed.is_empty() {
        ctx.out.say("Nothing has changed.");
    }
    Ok(Exit::Done)
}

async fn against_published(ctx: &Context, args: &DiffArgs) -> Result<Vec<Changed>> {
    let only = args.second.as_deref().map(path_of).transpose()?;
    let dir = SiteDir::open(Path::new(&args.first))?;
    let site = dir.id()?;
    let open = OpenStore::open(&ctx.home, "skep diff")?;
    let changed = (|| {
        let built = dir.built(ctx, site, &args.from)?;
        let review = review(&open.store, site, built.snapshot()?)?;
        let reader = open
            .store
            .site(site)?
            .map(|state| Reader::new(&open.store, &state));
        let changes = review.changes.iter();
        let changes =
            changes.filter(|change| only.as_ref().is_none_or(|path| *path == change.path));
        changes
            .map(|change| {
                Ok(Changed {
                    old: stored(reader.as_ref(), change.old.as_ref())?,
                    new: review.new_bytes(change, MAX_TEXT as u64)?,
                    change: change.clone(),
                })
            })
            .collect::<Result<Vec<_>>>()
    })();
    open.close().await;
    changed
}

async fn between_versions(ctx: &Context, args: &DiffArgs) -> Result<Vec<Changed>> {
    let old = site::address(&args.first)?;
    if args.from.no_build {
        return Err(CliError::usage(
            "`--no-build` is for a site's folder: between two versions nothing is built",
        ));
    }
    let Some(second) = &args.second else {
        return Err(
            CliError::usage("a version is compared with another: name both")
                .hint("skep diff ADDRESS+1 ADDRESS+2"),
        );
    };
    let new = site::address(second)?;
    if old.site != new.site {
        return Err(CliError::usage("these are versions of two sites"));
    }
    let peers = args.peers.tickets(Some(&new))?;
    let ready = swarm::ready(ctx, "skep diff", old.site, &peers).await?;
    let changed = (|| {
        let (store, state) = (&ready.store, &ready.state);
        let reader = Reader::new(store, state);
        let changes = reader.diff(tree(store, state, &old)?, tree(store, state, &new)?)?;
        let changes = changes.into_iter().map(|change| {
            Ok(Changed {
                old: stored(Some(&reader), change.old.as_ref())?,
                new: stored(Some(&reader), change.new.as_ref())?,
                change,
            })
        });
        changes.collect::<Result<Vec<_>>>()
    })();
    ready.close().await;
    changed
}

fn tree(store: &Store, state: &SiteState, address: &Address) -> Result<NodeHash> {
    Ok(store.entry(state, address.version)?.tree)
}

fn stored(reader: Option<&Reader>, file: Option<&File>) -> Result<Option<Vec<u8>>> {
    match (reader, file) {
        (Some(reader), Some(file)) if file.size <= MAX_TEXT as u64 => {
            Ok(Some(reader.bytes(file, MAX_TEXT as u64)?))
        }
        _ => Ok(None),
    }
}

fn path_of(text: &str) -> Result<ArchivePath> {
    ArchivePath::new(text)
        .map_err(|e| CliError::usage(e.to_string()).hint("name a file as `skep status` lists it"))
}

impl Changed {
    /// The changed lines; `None` if one of the sides is no text.
    fn lines(&self) -> Option<LineDiff> {
        let side = |bytes: &Option<Vec<u8>>, file: &Option<File>| match (bytes, file) {
            (Some(bytes), _) => Some(bytes.clone()),
            // A side that is not there has no lines; one that is too long can't be shown.
            (None, None) => Some(Vec::new()),
            (None, Some(_)) => None,
        };
        line_diff(
            &side(&self.old, &self.change.old)?,
            &side(&self.new, &self.change.new)?,
        )
    }
}

fn show(out: &Output, file: &Changed) {
    let path = printable(file.change.path.as_str());
    let size = |file: &Option<File>| file.as_ref().map_or("none".to_owned(), |f| bytes(f.size));
    out.say(format!("{BOLD}{path}{BOLD:#}"));
    let Some(diff) = file.lines() else {
        out.say(format!(
            "  no text: {} -> {}",
            size(&file.change.old),
            size(&file.change.new)
        ));
        return;
    };
    for hunk in &diff.hunks {
        let cyan = AnsiColor::Cyan.on_default();
        out.say(format!(
            "{cyan}@@ -{} +{} @@{cyan:#}",
            hunk.old_start, hunk.new_start
        ));
        for line in &hunk.lines {
            let (sign, style) = match line.side {
                Side::Both => (' ', Style::new()),
                Side::Old => ('-', AnsiColor::Red.on_default()),
                Side::New => ('+', AnsiColor::Green.on_default()),
            };
            let mut text = format!("{style}{sign}{style:#}");
            for (differs, part) in &line.parts {
                let style = if *differs { style.invert() } else { style };
                // A site's text may come from elsewhere: nothing in it commands the terminal.
                text += &format!("{style}{}{style:#}", printable(&part.replace('\t', "    ")));
            }
            out.say(text);
        }
    }
}

fn to_json(file: &Changed) -> Value {
    let lines = file.lines();
    let hunks = lines.as_ref().map(|diff| {
        let hunks = diff.hunks.iter().map(|hunk| {
            let lines = hunk.lines.iter().map(|line| {
                let side = match line.side {
                    Side::Both => "both",
                    Side::Old => "old",
                    Side::New => "new",
                };
                json!({"side": side, "parts": line.parts})
            });
            json!({
                "old_start": hunk.old_start,
                "new_start": hunk.new_start,
                "lines": lines.collect::<Vec<_>>(),
            })
        });
        hunks.collect::<Vec<_>>()
    });
    json!({
        "path": file.change.path.as_str(),
        "old_bytes": file.change.old.as_ref().map(|f| f.size),
        "new_bytes": file.change.new.as_ref().map(|f| f.size),
        "added": lines.as_ref().map(|diff| diff.added),
        "removed": lines.as_ref().map(|diff| diff.removed),
        "hunks": hunks,
    })
}
