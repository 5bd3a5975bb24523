//! `skep status`: what `publish` would change.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use skep_publisher::{
    archive::{address::Address, receipt::Receipt, tree::Change},
    error::printable,
    review::{Review, Warning, review},
    swarm::OpenStore,
};

use crate::{
    built::From,
    context::Context,
    error::{Exit, Result},
    output::{BOLD, GREEN, Output, RED, YELLOW, bytes, count},
    site::SiteDir,
};

/// Show what `publish` would change
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep status
  skep status my-site --json")]
pub(crate) struct StatusArgs {
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    from: From,
}

pub(crate) async fn run(ctx: &Context, args: &StatusArgs) -> Result<Exit> {
    let dir = SiteDir::open(&args.dir)?;
    let site = dir.id()?;
    // The store first: its owner is the only one who builds into the cache.
    let open = OpenStore::open(&ctx.home, "skep status")?;
    let shown = (|| {
        let built = dir.built(ctx, site, &args.from)?;
        let review = review(&open.store, site, built.snapshot()?)?;
        let holders = match open.store.site(site)? {
            Some(state) => {
                let receipts = open.store.receipts(&state)?;
                let newest = |r: &&Receipt| state.head.as_ref().is_some_and(|head| r.is_for(head));
                receipts.iter().filter(newest).count() as u64
            }
            None => 0,
        };
        let known = built.inspect(ctx, &review)?;
        let warnings = &known.warnings;
        let mut result = to_json(&review, warnings);
        result["drafts_checked"] = known.drafts_checked.into();
        result["holders"] = holders.into();
        ctx.out.json(&result);
        ctx.out.say(format!("{}", Address::of(site)));
        match &review.base {
            None => ctx.out.say("Nothing is published yet."),
            Some(entry) => ctx.out.say(format!(
                "Version {} is the newest. {}.",
                entry.number,
                match holders {
                    0 => "No other node has said that it keeps it".to_owned(),
                    1 => "1 other node said that it keeps it".to_owned(),
                    n => format!("{n} other nodes said that they keep it"),
                }
            )),
        }
        show(&ctx.out, &review, warnings);
        Ok::<_, crate::error::CliError>(())
    })();
    open.close().await;
    shown?;
    Ok(Exit::Done)
}

/// The changes, as `git status` would show them.
pub(crate) fn show(out: &Output, review: &Review, warnings: &[Warning]) {
    if review.changes.is_empty() {
        out.say("Nothing has changed since.");
        return;
    }
    let numbers = Numbers::of(review);
    out.say(format!(
        "{BOLD}{}{BOLD:#}: {} new, {} changed, {} moved, {} removed",
        count(review.changes.len() as u64, "change"),
        numbers.added,
        numbers.modified,
        review.moves.len(),
        numbers.removed,
    ));
    for change in &review.changes {
        let path = printable(change.path.as_str());
        let size = bytes(change.new.as_ref().map_or(0, |new| new.size));
        let came = review.moves.iter().find(|m| m.to == change.path);
        let went = review.moves.iter().any(|m| m.from == change.path);
        match (&change.old, &change.new) {
            (None, Some(_)) => match came {
                Some(m) => {
                    let from = printable(m.from.as_str());
                    out.say(format!("  {GREEN}moved    {GREEN:#} {from} -> {path}"));
                }
                None => out.say(format!("  {GREEN}new      {GREEN:#} {path} ({size})")),
            },
            (Some(_), None) if went => {}
            (Some(_), None) => out.say(format!("  {RED}removed  {RED:#} {path}")),
            _ => out.say(format!("  {YELLOW}changed  {YELLOW:#} {path} ({size})")),
        }
    }
    for warning in warnings {
        let path = printable(warning.path.as_str());
        let line = warning
            .line
            .map_or(String::new(), |line| format!(":{line}"));
        out.warn(format!(
            "{path}{line}: {} ({})",
            warning.message,
            warning.kind.name()
        ));
    }
}

/// The review, for programs.
pub(crate) fn to_json(review: &Review, warnings: &[Warning]) -> Value {
    let numbers = Numbers::of(review);
    let kind = |change: &Change| match (&change.old, &change.new) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "modified",
    };
    let changes = review.changes.iter().map(|change| {
        json!({
            "path": change.path.as_str(),
            "change": kind(change),
            "bytes": change.new.as_ref().map(|file| file.size),
        })
    });
    let moves = review.moves.iter();
    let moves = moves.map(|m| json!({"from": m.from.as_str(), "to": m.to.as_str()}));
    let warnings = warnings.iter().map(|warning| {
        json!({
            "name": warning.kind.name(),
            "blocking": warning.kind.is_blocking(),
            "path": warning.path.as_str(),
            "line": warning.line,
            "message": warning.message,
        })
    });
    json!({
        "address": Address::of(review.site).to_string(),
        "version": review.base.as_ref().map(|entry| entry.number),
        "files": review.files,
        "bytes": review.bytes,
        "added": numbers.added,
        "modified": numbers.modified,
        "removed": numbers.removed,
        "changes": changes.collect::<Vec<_>>(),
        "moves": moves.collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
    })
}

struct Numbers {
    added: usize,
    modified: usize,
    removed: usize,
}

impl Numbers {
    fn of(review: &Review) -> Self {
        let count = |f: fn(&Change) -> bool| review.changes.iter().filter(|c| f(c)).count();
        Self {
            // A move is one of neither.
            added: count(|c| c.old.is_none()) - review.moves.len(),
            modified: count(|c| c.old.is_some() && c.new.is_some()),
            removed: count(|c| c.new.is_none()) - review.moves.len(),
        }
    }
}
