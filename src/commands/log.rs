//! `skep log`: the versions of a site.

use clap::Args;
use serde_json::{Value, json};
use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        entry::Entry,
        head::Head,
    },
    error::printable,
    store::{Elsewhere, OtherVersion, Retractions, Rival, SiteState, Store},
};

use crate::{
    commands::retract::names,
    context::{Context, rfc3339, utc},
    error::{Exit, Result},
    fork::exact,
    output::{BOLD, YELLOW, bytes, count},
    site::id_of,
    swarm::{self, OnFork, Peers},
};

/// List the versions of a site
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep log
  skep log skep://… --peer TICKET

Versions that a later one abandoned come last, each with the address by which it can still be read where it is held.
A site that was published from two machines, and not mended yet, is said to be forked; that is no failure of this
command. In JSON, `abandoned` has the former, and `fork` says what contradicts what (null if nothing does).")]
pub(crate) struct LogArgs {
    /// The site's folder, or its address
    #[arg(default_value = ".", value_name = "DIR|ADDRESS")]
    site: String,
    #[command(flatten)]
    peers: Peers,
}

/// What there is to list.
struct Listed {
    log: Vec<Entry>,
    retractions: Retractions,
    abandoned: Vec<OtherVersion>,
    head: Option<Head>,
    rivals: Vec<Rival>,
    /// Versions of a site of one's own that another machine has published.
    elsewhere: Option<Elsewhere>,
}

pub(crate) async fn run(ctx: &Context, args: &LogArgs) -> Result<Exit> {
    let site = id_of(ctx, &args.site)?;
    let address = args.site.parse::<Address>().ok();
    let peers = args.peers.tickets(address.as_ref())?;
    let ready = swarm::ready_with(ctx, "skep log", site, &peers, OnFork::Show).await?;
    let listed = list(&ready.store, ready.state.site);
    ready.close().await;
    let Listed {
        log,
        retractions,
        abandoned,
        head,
        rivals,
        elsewhere,
    } = listed?;
    // What was abandoned has nothing to do with what the log retracts.
    let none = Retractions::default();
    ctx.out.json(&json!({
        "event": "log", "address": Address::of(site).to_string(),
        "versions": log.iter().rev().map(|entry| version(entry, &retractions)).collect::<Vec<_>>(),
        "abandoned": abandoned.iter().rev().map(|a| {
            let mut shown = version(&a.entry, &none);
            shown["address"] = exact(site, &a.entry, a.leaf).to_string().into();
            shown
        }).collect::<Vec<_>>(),
        "fork": fork(head.as_ref(), &rivals),
    }));
    for (at, entry) in log.iter().enumerate().rev() {
        // Said where it begins, and where it changes.
        let before = at.checked_sub(1).and_then(|at| log[at].origin);
        let origin = entry.origin.filter(|origin| Some(*origin) != before);
        let origin = origin.map(|origin| format!("  a fork of {}", origin_of(origin)));
        let mark = origin.unwrap_or_default();
        ctx.out.say(line(entry, &mark, &retractions));
    }
    for OtherVersion { entry, leaf } in abandoned.iter().rev() {
        let mark = format!("  {YELLOW}abandoned{YELLOW:#}");
        ctx.out.say(line(entry, &mark, &none));
        ctx.out.say(format!("    {}", exact(site, entry, *leaf)));
    }
    if let Some(elsewhere) = elsewhere {
        ctx.out.warn(format!(
            "version {} was published from another machine; `skep status` shows what your files change in it",
            elsewhere.newest
        ));
    }
    for rival in &rivals {
        ctx.out.warn(forked(log.len() as u64, rival));
    }
    Ok(Exit::Done)
}

fn list(store: &Store, site: SiteId) -> Result<Listed> {
    let state: SiteState = store.known(site)?;
    Ok(Listed {
        log: store.log(&state)?,
        retractions: store.retractions(&state)?,
        abandoned: store.abandoned(&state)?,
        rivals: store.rivals(&state)?,
        elsewhere: store.elsewhere(site)?,
        head: state.head,
    })
}

fn line(entry: &Entry, mark: &str, retractions: &Retractions) -> String {
    let message = entry.message.lines();
    let message: String = message
        .map(|line| format!("\n    {}", printable(line)))
        .collect();
    let retracts = match entry.retracts() {
        [] => String::new(),
        versions => format!("\n    retracts {}", names(versions)),
    };
    let gone = retractions.by(entry.number);
    let gone = gone.map(|by| format!("\n    retracted in version {by}"));
    format!(
        "{BOLD}version {}{BOLD:#}  {}  {}, {}{mark}{retracts}{message}{}",
        entry.number,
        utc(entry.time),
        count(entry.files, "file"),
        bytes(entry.bytes),
        gone.unwrap_or_default(),
    )
}

/// The address of the version that a site was forked from.
fn origin_of((site, version): (SiteId, u64)) -> Address {
    Address {
        version: Some(version),
        ..Address::of(site)
    }
}

fn forked(newest: u64, rival: &Rival) -> String {
    let parts = match rival.fork_point {
        Some(0) => ": they have no version in common".to_owned(),
        Some(version) => format!(": they part after version {version}"),
        None => String::new(),
    };
    format!(
        "the site is forked: its key has signed version {} elsewhere, which contradicts version {newest} here{parts}; the author's next `skep publish` mends it",
        rival.head.length()
    )
}

fn version(entry: &Entry, retractions: &Retractions) -> Value {
    json!({
        "version": entry.number,
        "time": rfc3339(entry.time),
        "message": entry.message,
        "files": entry.files,
        "bytes": entry.bytes,
        "tree": entry.tree.to_string(),
        "origin": entry.origin.map(|origin| origin_of(origin).to_string()),
        "retracts": entry.retracts(),
        "retracted_by": retractions.by(entry.number),
    })
}

/// What contradicts what; null if nothing does.
fn fork(head: Option<&Head>, rivals: &[Rival]) -> Value {
    let signed = |head: &Head| json!({"version": head.length(), "root": head.root().to_string()});
    if rivals.is_empty() {
        return Value::Null;
    }
    let others = rivals.iter().map(|rival| {
        let mut shown = signed(&rival.head);
        shown["fork_point"] = rival.fork_point.into();
        shown
    });
    json!({
        "here": head.map(signed),
        "others": others.collect::<Vec<_>>(),
    })
}
