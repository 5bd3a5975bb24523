//! `skep publish`: build, review, sign, hand to those who keep it.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use serde_json::{Value, json};
use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        head::Head,
    },
    error::{Error, Kind},
    keys::{self, SigningKey},
    publish::{Outcome, Statement, Step, publish},
    review::{Review, Warning, WarningKind, review},
    snapshot::snapshot,
    swarm::{Announced, OpenStore, Ticket, announce::announce},
};
use tokio::task::JoinSet;

use crate::{
    commands::status,
    context::{Context, now, seconds},
    error::{CliError, Exit, Result},
    output::{BOLD, bytes, count},
    site::SiteDir,
    swarm::{self, Peers},
};

/// Publish: build, review, sign a version, hand it to those who keep it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep publish
  skep publish my-site -m \"Why bees dance\" --peer TICKET
  skep publish my-site --yes --wait 0        sign a version, tell nobody yet

A ticket is what `skep host` prints. Publish the same site again to tell further nodes.")]
pub(crate) struct PublishArgs {
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// What changed, in words
    #[arg(short, long, default_value = "")]
    message: String,
    /// Publish without asking
    #[arg(short, long)]
    yes: bool,
    /// Show what would be published, and end
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Publish in spite of warnings of that name (may be given more than once)
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
    #[command(flatten)]
    peers: Peers,
    /// Wait until N of the peers have said, signed, that they keep the version [default: all of them]
    #[arg(long, value_name = "N")]
    wait: Option<usize>,
}

/// How long a node may take to fetch a version.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) async fn run(ctx: &Context, args: &PublishArgs) -> Result<Exit> {
    let dir = SiteDir::open(&args.dir)?;
    let site = dir.id()?;
    let key = keys::load(&ctx.home, site)?;
    let peers = args.peers.tickets(None)?;
    check_allow(&args.allow)?;
    let wanted = args.wait.unwrap_or(peers.len());
    if wanted > peers.len() {
        return Err(CliError::usage(format!(
            "`--wait {wanted}` needs {}, and {} given",
            count(wanted as u64, "`--peer TICKET`"),
            match peers.len() {
                0 => "none is".to_owned(),
                n => format!("{n} are"),
            }
        ))
        .hint("`skep host` prints its ticket; `--wait 0` publishes without waiting for anyone"));
    }
    // The store first: its owner is the only one who builds into the cache.
    let open = OpenStore::open(&ctx.home, "skep publish")?;
    let signed = match sign(ctx, args, &dir, site, &key, &open) {
        Ok(Some(signed)) => signed,
        Ok(None) => {
            open.close().await;
            return Ok(Exit::Done);
        }
        Err(e) => {
            open.close().await;
            return Err(e);
        }
    };
    let told = if wanted == 0 {
        open.close().await;
        Told::default()
    } else {
        tell(ctx, open, &signed.head, &peers, wanted).await
    };
    Ok(report(ctx, signed, &told, wanted))
}

/// A signed version.
struct Signed {
    head: Head,
    /// Whether it is new.
    changed: bool,
    /// How many bytes are new in the archive.
    added: u64,
    /// The review, for programs.
    review: Value,
}

/// Builds, shows what changes, asks, and signs; or stops before that, in a dry run.
fn sign(
    ctx: &Context,
    args: &PublishArgs,
    dir: &SiteDir,
    site: SiteId,
    key: &SigningKey,
    open: &OpenStore,
) -> Result<Option<Signed>> {
    let built = dir.build(ctx, site)?;
    let review = review(&open.store, site, snapshot(&built.out)?)?;
    let warnings = built.warnings(&review)?;
    let shown = status::to_json(&review, &warnings);
    if args.dry_run {
        ctx.out.json(&shown);
        status::show(&ctx.out, &review, &warnings);
        return Ok(None);
    }
    confirm(ctx, args, &review, &warnings)?;
    let statement = Statement {
        message: args.message.clone(),
        time: seconds(now()),
        as_of: built.as_of,
    };
    let scratch = open.scratch();
    let outcome = publish(&open.store, key, &review, &statement, &scratch, |step| {
        ctx.out.step(match step {
            Step::Stored => "stored",
            Step::Synced => "synced",
            Step::Signed => "signed",
        });
    });
    let (head, changed, added) = match outcome? {
        Outcome::Unchanged(head) => (head, false, 0),
        Outcome::Published(published) => (published.head, true, published.added),
    };
    let version = head.length();
    ctx.out.say(match changed {
        true => format!(
            "{BOLD}Version {version}{BOLD:#} is signed ({} new in the archive).",
            bytes(added)
        ),
        false => format!("{BOLD}Version {version}{BOLD:#} is the newest already."),
    });
    ctx.out.field("address", Address::of(site));
    Ok(Some(Signed {
        head,
        changed,
        added,
        review: shown,
    }))
}

/// Says how it ended.
fn report(ctx: &Context, signed: Signed, told: &Told, wanted: usize) -> Exit {
    let version = signed.head.length();
    let failure = |e: &Error| json!({"kind": e.kind.name(), "message": e.message});
    let mut result = signed.review;
    result["version"] = version.into();
    result["changed"] = signed.changed.into();
    result["root"] = signed.head.root().to_string().into();
    result["added_bytes"] = signed.added.into();
    result["wanted"] = wanted.into();
    result["holders"] = told.holders.iter().map(holder).collect();
    result["failures"] = told.failures.iter().map(failure).collect();
    ctx.out.json(&result);
    if told.holders.len() < wanted {
        ctx.out.warn(format!(
            "version {version} is signed and safe here, but {} of {} confirmed that they keep it; `skep publish` tries again",
            told.holders.len(),
            count(wanted as u64, "node"),
        ));
        return Exit::Unconfirmed;
    }
    if told.holders.is_empty() {
        ctx.out
            .say(format!("Only this machine holds version {version}."));
        ctx.out.field(
            "next",
            "hand it to a host with `skep publish --peer TICKET`, or serve it with `skep browse`",
        );
    }
    Exit::Done
}

/// Fails on a name that no warning has: a slip there must not look like an allowance.
fn check_allow(names: &[String]) -> Result<()> {
    let known = WarningKind::ALL.map(WarningKind::name);
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(
            CliError::usage(format!("there are no warnings named {name:?}"))
                .hint(format!("these are: {}", known.join(", "))),
        ),
    }
}

fn confirm(ctx: &Context, args: &PublishArgs, review: &Review, warnings: &[Warning]) -> Result<()> {
    if review.changes.is_empty() {
        return Ok(());
    }
    status::show(&ctx.out, review, warnings);
    let blocking = |warning: &&Warning| {
        let name = warning.kind.name();
        warning.kind.is_blocking() && !args.allow.iter().any(|allowed| allowed == name)
    };
    if let Some(first) = warnings.iter().find(blocking) {
        let name = first.kind.name();
        return Err(CliError::failed(
            "blocked",
            format!(
                "nothing was published: {} looks like what should not be: {}",
                first.path, first.message
            ),
        )
        .hint(format!(
            "mend it, or publish it all the same with `--allow {name}`"
        )));
    }
    if args.yes {
        return Ok(());
    }
    let version = review.base.as_ref().map_or(1, |entry| entry.number + 1);
    ctx.out
        .say("What is published can't be called back: whoever has it may keep it.");
    match ctx.out.ask(&format!("Publish version {version}?")) {
        Some(true) => Ok(()),
        Some(false) => Err(CliError::failed("cancelled", "nothing was published")),
        None => Err(
            CliError::usage("there is no terminal to ask whether to publish")
                .hint("look at `skep status`, then publish with `--yes`"),
        ),
    }
}

/// Who was told of the version.
#[derive(Default)]
struct Told {
    holders: Vec<Announced>,
    failures: Vec<Error>,
}

/// Tells all peers at once, until `wanted` of them have confirmed. What fails here does not undo the
/// version: it is signed.
async fn tell(
    ctx: &Context,
    open: OpenStore,
    head: &Head,
    peers: &[Ticket],
    wanted: usize,
) -> Told {
    let mut told = Told::default();
    let node = match swarm::start(ctx, open).await {
        Ok((node, _)) => node,
        Err(e) => {
            told.fail(ctx, e);
            return told;
        }
    };
    let mut tasks = JoinSet::new();
    for peer in peers {
        let (node, head, peer) = (node.clone(), head.clone(), peer.clone());
        tasks.spawn(async move { announce(&node, &head, &peer, CONFIRM_TIMEOUT).await });
    }
    while told.holders.len() < wanted
        && let Some(done) = tasks.join_next().await
    {
        match done {
            Ok(Ok(announced)) => {
                ctx.out.field(
                    "held by",
                    format!(
                        "node {} (received {})",
                        hex(&announced.receipt.node[..5]),
                        bytes(announced.received)
                    ),
                );
                told.holders.push(announced);
            }
            Ok(Err(e)) => told.fail(ctx, e),
            Err(e) => told.fail(ctx, Error::new(Kind::Io, format!("a task broke off: {e}"))),
        }
    }
    node.close().await;
    told
}

impl Told {
    fn fail(&mut self, ctx: &Context, error: Error) {
        let hint = error.hint.as_ref();
        let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
        ctx.out.warn(format!("{error}{hint}"));
        self.failures.push(error);
    }
}

fn holder(announced: &Announced) -> serde_json::Value {
    json!({
        "node": hex(&announced.receipt.node),
        "mode": announced.receipt.mode.name(),
        "time": announced.receipt.time,
        "received": announced.received,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
