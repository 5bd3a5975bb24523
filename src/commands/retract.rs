//! `skep retract`: take the bytes of old versions out of the archive.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use skep_publisher::{
    archive::{address::Address, entry::Entry},
    error::printable,
    keys::{self, SigningKey},
    publish::{Retraction, retract, retraction},
};

use crate::{
    context::{Context, now, seconds},
    error::{CliError, Exit, Result},
    fork,
    outgoing::{self, Outgoing, Signed},
    output::{BOLD, Output, bytes, count},
    session::Session,
    site::SiteDir,
};

/// Ask everyone who keeps the site to delete what only these versions have
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep retract 3 --dry-run
  skep retract 3 4 my-site --peer TICKET

Nodes that run skep delete the bytes when they get the new version. Copies that others made stay.")]
pub(crate) struct RetractArgs {
    /// The versions, and the site's folder after them [default: .]
    #[arg(required = true, id = "which", value_name = "VERSION|DIR")]
    which: Vec<String>,
    #[command(flatten)]
    outgoing: Outgoing,
    /// Show what would be deleted, and end
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
}

pub(crate) async fn run(ctx: &Context, args: &RetractArgs) -> Result<Exit> {
    let (versions, dir) = parse(&args.which)?;
    let dir = SiteDir::open(ctx, &dir)?;
    let site = dir.id()?;
    let key = keys::load(&ctx.home, site)?;
    let audience = args.outgoing.audience()?;
    let mut session = Session::open(ctx, "skep retract", site, audience).await?;
    let caught_up = session.catch_up(ctx, site, args.outgoing.seen());
    let signed = match caught_up.await {
        Ok(behind) => fork::check_none(&session.store, site, behind)
            .and_then(|()| Ok(retraction(&session.store, site, &versions)?))
            .and_then(|plan| sign(ctx, args, &plan, &key, &session)),
        Err(e) => Err(e),
    };
    match signed {
        Ok(Some(signed)) => Ok(outgoing::deliver(ctx, session, signed).await),
        Ok(None) => {
            session.close().await;
            Ok(Exit::Done)
        }
        Err(e) => {
            session.close().await;
            Err(e)
        }
    }
}

/// The versions, and the folder if one is named after them.
fn parse(which: &[String]) -> Result<(Vec<u64>, PathBuf)> {
    let is_number = |text: &String| text.parse::<u64>().is_ok();
    let (versions, dir) = match which.split_last() {
        Some((dir, versions)) if !is_number(dir) => (versions, dir.as_str()),
        _ => (which, "."),
    };
    let versions = versions.iter().map(|text| {
        text.parse().map_err(|_| {
            CliError::usage(format!("{text:?} is not the number of a version"))
                .hint("skep retract VERSION... [DIR]; `skep log` lists the versions")
        })
    });
    let versions = versions.collect::<Result<Vec<u64>>>()?;
    if versions.is_empty() {
        return Err(CliError::usage("which version is to be retracted?")
            .hint("skep retract VERSION... [DIR]; `skep log` lists the versions"));
    }
    Ok((versions, dir.into()))
}

/// Shows what would be deleted, asks, and does it; or stops before that, in a dry run.
fn sign(
    ctx: &Context,
    args: &RetractArgs,
    plan: &Retraction,
    key: &SigningKey,
    session: &Session,
) -> Result<Option<Signed>> {
    let shown = to_json(plan);
    show(&ctx.out, plan);
    if args.dry_run {
        ctx.out.json(&shown);
        return Ok(None);
    }
    let what = names(&plan.versions);
    args.outgoing.ask(
        ctx,
        &format!("Retract {what}?"),
        "look at it with `--dry-run`, then retract with `--yes`",
    )?;
    let default = match format!("Retract {what}") {
        long if long.len() > Entry::MAX_MESSAGE => {
            format!("Retract {} versions", plan.versions.len())
        }
        text => text,
    };
    let message = args.outgoing.message.as_deref().unwrap_or(&default);
    let says = (message, seconds(now()));
    ctx.check_wanted()?;
    let Session { store, scratch, .. } = session;
    let done = retract(store, key, plan, says, scratch, |step| {
        outgoing::say_step(ctx, step);
    })?;
    if let Some(failed) = &done.failed {
        ctx.out.warn(format!(
            "{what}: retracted, but not deleted here yet: {failed}; the next skep on this `--home` tries again"
        ));
    }
    let published = done.published;
    let signed = Signed::new(ctx, session, published.head, true, published.added, shown)?;
    Ok(Some(signed))
}

/// `version 3`, or `versions 3, 4`.
pub(crate) fn names(versions: &[u64]) -> String {
    let list: Vec<String> = versions.iter().map(u64::to_string).collect();
    let noun = if versions.len() == 1 {
        "version"
    } else {
        "versions"
    };
    format!("{noun} {}", list.join(", "))
}

/// So many files are named, and the others counted.
const NAMED: usize = 30;

fn show(out: &Output, plan: &Retraction) {
    let what = names(&plan.versions);
    match plan.gone.len() {
        0 => out.say(format!(
            "Every file of {what} is in other versions too: none goes."
        )),
        n => out.say(format!(
            "{BOLD}{}{BOLD:#} of {what} {} in no other version, and {}:",
            count(n as u64, "file"),
            if n == 1 { "is" } else { "are" },
            if n == 1 { "goes" } else { "go" },
        )),
    }
    for gone in plan.gone.iter().take(NAMED) {
        let path = printable(gone.path.as_str());
        out.say(format!("  {path} ({})", bytes(gone.size)));
    }
    if let Some(more) = plan.gone.len().checked_sub(NAMED).filter(|n| *n > 0) {
        out.say(format!("  and {}", count(more as u64, "other")));
    }
    for file in &plan.elsewhere {
        let path = printable(file.path.as_str());
        out.say(match file.versions.is_empty() {
            true => format!("{path} stays: another file of a version that stays is the same."),
            false => format!("{path} stays: {} too.", has(&file.versions)),
        });
    }
    let again = match plan.repacked {
        0 => String::new(),
        n => format!(
            "; {} in them that other versions need are stored anew",
            bytes(n)
        ),
    };
    out.say(format!(
        "{} of blobs are deleted here, and wherever skep keeps the site{again}.",
        bytes(plan.deleted)
    ));
    out.say(
        "It can't be undone, and not everything can be called back: whoever has copied a version keeps it; \
         a node deletes it when it gets this retraction, and one that does not run skep may not. \
         The log goes on to show each version's number, time, message and hashes.",
    );
}

fn has(versions: &[u64]) -> String {
    let verb = if versions.len() == 1 { "has" } else { "have" };
    format!("{} {verb} it", names(versions))
}

fn to_json(plan: &Retraction) -> Value {
    let gone = plan.gone.iter();
    let gone = gone.map(|file| json!({"path": file.path.as_str(), "bytes": file.size}));
    let elsewhere = plan.elsewhere.iter();
    let elsewhere =
        elsewhere.map(|file| json!({"path": file.path.as_str(), "versions": file.versions}));
    json!({
        "event": "retract", "address": Address::of(plan.site).to_string(),
        "retracts": plan.versions,
        "gone": gone.collect::<Vec<_>>(),
        "elsewhere": elsewhere.collect::<Vec<_>>(),
        "deleted_bytes": plan.deleted,
        "repacked_bytes": plan.repacked,
    })
}
