//! `skep diff`: line diffs against the last published version, or between two versions.

mod show;

use std::{collections::HashMap, path::Path};

use clap::Args;
use serde_json::{Value, json};
use skep_publisher::{
    archive::{
        hash::NodeHash,
        path::ArchivePath,
        tree::{Change, File},
    },
    review::{ImageSize, LineDiff, MAX_TEXT, line_diff, moves, stored_image},
    store::Reader,
};

use self::show::Shown;
use crate::{
    built::From,
    choice::Choice,
    context::Context,
    error::{CliError, Exit, Result},
    site::{self, SiteDir},
    swarm::{self, Peers},
};

/// Show line by line what `publish` would change, or what changed between two versions
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep diff
  skep diff --stat                           how many lines in which files
  skep diff my-site about/index.html
  skep diff --only '**/*.css'
  skep diff skep://…+1 skep://…+2")]
pub(crate) struct DiffArgs {
    /// The site's folder, or an address with a version
    #[arg(default_value = ".", value_name = "DIR|ADDRESS+V1")]
    first: String,
    /// A path of the site to look at alone, or the address of the second version
    #[arg(value_name = "PATH|ADDRESS+V2")]
    second: Option<String>,
    /// Show how many lines changed in which files, and not the lines
    #[arg(long)]
    stat: bool,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    peers: Peers,
}

/// A changed file.
struct Changed<'a> {
    change: &'a Change,
    /// Where it was, if it moved.
    from: Option<&'a ArchivePath>,
    /// The changed lines; `None` if one of the sides is no text, or too long.
    lines: Option<LineDiff>,
    /// How large the image is, before and after.
    images: [Option<ImageSize>; 2],
}

/// The bytes of a changed file on both sides, as far as they are there and not too long.
struct Sides {
    old: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
    images: [Option<ImageSize>; 2],
}

pub(crate) async fn run(ctx: &Context, args: &DiffArgs) -> Result<Exit> {
    let result = match ctx.path(Path::new(&args.first)).is_dir() {
        true => against_published(ctx, args).await?,
        false => between_versions(ctx, args).await?,
    };
    ctx.out.json(&result);
    Ok(Exit::Done)
}

async fn against_published(ctx: &Context, args: &DiffArgs) -> Result<Value> {
    let path = args.second.as_deref().map(path_of).transpose()?;
    let dir = SiteDir::open(ctx, Path::new(&args.first))?;
    let site = dir.id()?;
    let plan = args.from.plan(ctx, &dir)?;
    let open = swarm::open(ctx, "skep diff").await?;
    open.store.watch(site, ctx.out.watch());
    let turn = ctx.turn(site).await;
    let told = (|| {
        let built = plan.carry_out(ctx, site)?;
        let (review, _) = built.review(ctx, &open.store, &args.choice)?;
        // Whoever reads the lines may take long for it. A file that is built anew meanwhile is shown as it is then.
        drop(turn);
        let reader = open
            .store
            .site(site)?
            .map(|state| Reader::new(&open.store, &state));
        let meant = |change: &Change| path.as_ref().is_none_or(|path| *path == change.path);
        let parts = [&review.output, &review.sources].map(|part| {
            let sides = |change: &Change| {
                Ok(Sides {
                    old: stored(reader.as_ref(), change.old.as_ref())?,
                    new: match part.new_bytes(change, MAX_TEXT as u64)? {
                        Some(bytes) => Some(bytes),
                        None => stored(reader.as_ref(), change.new.as_ref())?,
                    },
                    images: review.images(&open.store, part, change),
                })
            };
            (part.changes.as_slice(), sides)
        });
        tell(ctx, args, parts, meant)
    })();
    open.end.close().await;
    told
}

async fn between_versions(ctx: &Context, args: &DiffArgs) -> Result<Value> {
    let old = site::address(&args.first)?;
    if args.from.no_build || args.from.trust.trust {
        return Err(CliError::usage(
            "`--no-build` and `--trust` are for a site's folder: between two versions nothing is built",
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
    if let Some(path) = old.path.as_ref().or(new.path.as_ref()) {
        return Err(
            CliError::usage(format!("{path} is a part of a version")).hint(format!(
                "name the versions, and the files apart: skep diff ADDRESS+1 ADDRESS+2 --only '{path}'"
            )),
        );
    }
    let via = match new.via {
        Some(_) => &new,
        None => &old,
    };
    let peers = args.peers.tickets(Some(via))?;
    let mut ready = swarm::ready(ctx, "skep diff", old.site, &peers).await?;
    let brought = match ready.bring(ctx, &old, &peers).await {
        Ok(()) => ready.bring(ctx, &new, &peers).await,
        Err(e) => Err(e),
    };
    let told = brought.and_then(|()| {
        let (store, state) = (&ready.store, &ready.state);
        let reader = Reader::new(store, state);
        let old = store.entry_at(state, &old)?;
        let new = store.entry_at(state, &new)?;
        let changes = reader.diff(old.tree, new.tree)?;
        let sources = between(&reader, old.sources, new.sources)?;
        let mut paths = Vec::new();
        if !args.choice.is_all() {
            reader.walk(new.tree, |path, _| {
                paths.push(path.clone());
                Ok(())
            })?;
        }
        args.choice
            .check(paths.iter().chain(changes.iter().map(|c| &c.path)))?;
        let meant = |change: &Change| args.choice.has(&change.path);
        let parts = [&changes, &sources].map(|changes| {
            let sides = |change: &Change| {
                let image = |file: &Option<File>| stored_image(&reader, file.as_ref()?);
                Ok(Sides {
                    old: stored(Some(&reader), change.old.as_ref())?,
                    new: stored(Some(&reader), change.new.as_ref())?,
                    images: [image(&change.old), image(&change.new)],
                })
            };
            (changes.as_slice(), sides)
        });
        tell(ctx, args, parts, meant)
    });
    ready.close().await;
    told
}

/// Shows the changes of the site's files and those of its sources; returns all of them for programs.
fn tell<S: Fn(&Change) -> Result<Sides>>(
    ctx: &Context,
    args: &DiffArgs,
    [output, sources]: [(&[Change], S); 2],
    meant: impl Fn(&Change) -> bool,
) -> Result<Value> {
    let has_sources = sources.0.iter().any(&meant);
    let mut result = json!({"changes": [], "added": 0, "removed": 0});
    if !has_sources || output.0.iter().any(&meant) {
        result = tell_part(ctx, args, output.0, &meant, output.1)?;
    }
    result["event"] = "diff".into();
    result["sources"] = Value::Null;
    if has_sources {
        ctx.out.say("Sources:");
        result["sources"] = tell_part(ctx, args, sources.0, &meant, sources.1)?;
    }
    Ok(result)
}

/// Shows the changes that are meant, one after the other; returns all of them for programs.
fn tell_part(
    ctx: &Context,
    args: &DiffArgs,
    changes: &[Change],
    meant: impl Fn(&Change) -> bool,
    sides: impl Fn(&Change) -> Result<Sides>,
) -> Result<Value> {
    let moves = moves(changes);
    // Of a move one end may be meant and the other not: then it is none.
    let chosen: HashMap<_, _> = changes
        .iter()
        .map(|change| (&change.path, meant(change)))
        .collect();
    let is_chosen = |path| chosen.get(path).copied().unwrap_or(false);
    let both = moves
        .iter()
        .filter(|m| is_chosen(&m.from) && is_chosen(&m.to));
    let came: HashMap<_, _> = both.clone().map(|m| (&m.to, &m.from)).collect();
    let went: HashMap<_, _> = both.map(|m| (&m.from, &m.to)).collect();
    let mut shown = Shown::new(&ctx.out, args.stat);
    let mut all = Vec::new();
    for change in changes {
        if !is_chosen(&change.path) || went.contains_key(&change.path) {
            continue;
        }
        let from = came.get(&change.path).copied();
        let changed = match from {
            // The same bytes under another name.
            Some(_) => Changed {
                change,
                from,
                lines: line_diff(b"", b""),
                images: [None; 2],
            },
            None => {
                let sides = sides(change)?;
                Changed {
                    change,
                    from,
                    lines: lines(change, &sides),
                    images: sides.images,
                }
            }
        };
        if ctx.out.is_json() {
            all.push(show::to_json(&changed));
        }
        shown.add(&changed);
    }
    let result = json!({
        "changes": all,
        "added": shown.added,
        "removed": shown.removed,
    });
    shown.finish();
    Ok(result)
}

fn lines(change: &Change, sides: &Sides) -> Option<LineDiff> {
    let side = |bytes: &Option<Vec<u8>>, file: &Option<File>| match (bytes, file) {
        (Some(bytes), _) => Some(bytes.clone()),
        // A side that is not there has no lines; one that is too long can't be shown.
        (None, None) => Some(Vec::new()),
        (None, Some(_)) => None,
    };
    line_diff(
        &side(&sides.old, &change.old)?,
        &side(&sides.new, &change.new)?,
    )
}

/// What changes between two trees, either of which may be absent.
fn between(reader: &Reader, old: Option<NodeHash>, new: Option<NodeHash>) -> Result<Vec<Change>> {
    let all = |root: NodeHash, side: fn(File) -> (Option<File>, Option<File>)| {
        let mut changes = Vec::new();
        reader.walk(root, |path, file| {
            let (old, new) = side(file.clone());
            let path = path.clone();
            changes.push(Change { path, old, new });
            Ok(())
        })?;
        Ok(changes)
    };
    match (old, new) {
        (Some(old), Some(new)) => Ok(reader.diff(old, new)?),
        (None, Some(new)) => all(new, |file| (None, Some(file))),
        (Some(old), None) => all(old, |file| (Some(file), None)),
        (None, None) => Ok(Vec::new()),
    }
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
