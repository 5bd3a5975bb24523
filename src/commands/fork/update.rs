//! `skep fork --update`: what the other site has published since, merged into a fork.

use std::path::Path;

use serde_json::{Value, json};
use skep_publisher::{
    archive::{address::Address, path::ArchivePath},
    error::printable,
};

use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    forking::{About, Change, Conflict, Origin, Updated, is_decided, lost_origin, update},
    output::{BOLD, GREEN, RED, YELLOW, count},
    site::SiteDir,
    swarm::{self, Peers},
};

pub(super) async fn run(ctx: &Context, shown: &Path, dry_run: bool, peers: &Peers) -> Result<Exit> {
    if shown.to_str().is_some_and(|shown| shown.contains("://")) {
        return Err(CliError::usage("an update is of a fork that is here")
            .hint("name its folder: `skep fork --update DIR`"));
    }
    let opened = ctx.path(shown);
    is_decided(&opened).map_err(|e| e.naming(&opened, shown))?;
    let dir = SiteDir::open(ctx, shown)?;
    let Some(origin) = dir.origin()? else {
        let message = format!(
            "{} is no fork: its skep.toml has no `origin`",
            shown.display()
        );
        return Err(CliError::failed("no-fork", message)
            .hint("`skep fork ADDRESS DIR` makes one, of a site whose sources are published"));
    };
    let peers = peers.tickets(None)?;
    let _turn = ctx.turn(dir.id()?).await;
    let mut ready = swarm::ready(ctx, "skep fork", origin.site(), &peers).await?;
    let brought = ready.bring(ctx, origin.address(), &peers).await;
    let brought = brought.map_err(|e| lost_origin(&origin, e));
    let updated = brought.and_then(|()| {
        let of = (&dir, &origin);
        update(ctx, &ready.store, &ready.state, of, dry_run)
    });
    ready.close().await;
    let site = Address::of(dir.id()?);
    match updated.map_err(|e| dir.as_typed(e))? {
        None => {
            ctx.out.json(&json!({
                "event": "fork_update",
                "address": site.to_string(),
                "origin": origin.to_string(),
                "up_to_date": true,
                "from": origin.version(),
                "to": origin.version(),
                "dry_run": dry_run,
                "changes": [],
                "conflicts": [],
                "kept": null,
            }));
            ctx.out.say(format!(
                "Up to date: version {} is the newest {}.",
                origin.version(),
                match peers.is_empty() {
                    true => "on this machine; `--peer TICKET` asks a node for a newer one",
                    false => "that the peers have",
                }
            ));
            Ok(Exit::Done)
        }
        Some(updated) => {
            let mut result = to_json(&updated);
            result["address"] = site.to_string().into();
            result["from"] = origin.version().into();
            result["dry_run"] = dry_run.into();
            ctx.out.json(&result);
            tell(ctx, &updated, &origin, dry_run);
            Ok(match updated.conflicts.is_empty() {
                true => Exit::Done,
                false => Exit::Failed,
            })
        }
    }
}

fn to_json(updated: &Updated) -> Value {
    let changes = updated
        .changes
        .iter()
        .map(|(path, change)| json!({"path": path.as_str(), "change": name(change)}));
    let conflicts = updated.conflicts.iter().map(|conflict| {
        json!({
            "path": conflict.path.as_str(),
            "line": line(conflict),
            "about": about(conflict.about).0,
            "beside": conflict.beside.as_ref().map(ArchivePath::as_str),
        })
    });
    json!({
        "event": "fork_update",
        "origin": updated.to.to_string(),
        "up_to_date": false,
        "to": updated.to.version(),
        "changes": changes.collect::<Vec<_>>(),
        "conflicts": conflicts.collect::<Vec<_>>(),
        "kept": updated.kept,
    })
}

fn tell(ctx: &Context, updated: &Updated, origin: &Origin, dry_run: bool) {
    for (path, change) in &updated.changes {
        let style = match change {
            Change::Remove => RED,
            Change::Theirs(_) => GREEN,
            Change::Text(_) => YELLOW,
        };
        let (name, path) = (name(change), printable(path.as_str()));
        ctx.out.say(format!("  {style}{name:<9}{style:#} {path}"));
    }
    for conflict in &updated.conflicts {
        let path = printable(conflict.path.as_str());
        let line = line(conflict).map_or(String::new(), |line| format!(":{line}"));
        let why = about(conflict.about).1;
        let beside = conflict
            .beside
            .as_ref()
            .map(|beside| format!("; theirs is {}", printable(beside.as_str())));
        ctx.out
            .warn(format!("{path}{line}: {why}{}", beside.unwrap_or_default()));
    }
    let (from, to) = (origin.version(), updated.to.version());
    let (can, can_not) = match dry_run {
        true => ("would be", "would be to decide"),
        false => ("is", "to decide"),
    };
    ctx.out.say(match updated.conflicts.len() {
        0 => format!("{BOLD}Version {to}{BOLD:#} {can} merged in, with all that came after version {from}."),
        n => format!(
            "{BOLD}Version {to}{BOLD:#} {can} merged in, with all that came after version {from}: {} {can_not}.",
            count(n as u64, "conflict")
        ),
    });
    if let Some(kept) = &updated.kept {
        ctx.out.field(
            "copies",
            format!("{}   of what was overwritten", kept.display()),
        );
    }
}

fn line(conflict: &Conflict) -> Option<usize> {
    match conflict.about {
        About::Lines(line) => Some(line),
        _ => None,
    }
}

fn name(change: &Change) -> &'static str {
    match change {
        Change::Remove => "removed",
        Change::Theirs(_) => "taken",
        Change::Text(_) => "merged",
    }
}

/// What a conflict is about, for programs and for people.
fn about(about: About) -> (&'static str, &'static str) {
    match about {
        About::Lines(_) => (
            "lines",
            "both sides changed these lines; choose between the marks",
        ),
        About::NotText => (
            "not-text",
            "both sides changed it, and it can't be merged; yours stays",
        ),
        About::RemovedThere => (
            "removed-there",
            "they removed it, and you changed it; yours stays",
        ),
        About::RemovedHere => (
            "removed-here",
            "you removed it, and they changed it; theirs is back",
        ),
        About::Name => (
            "name",
            "something here has that name, or one that differs by case only",
        ),
    }
}
