//! `skep publish`: build, review, sign, hand to those who keep it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use serde_json::json;
use skep_publisher::{
    archive::{address::Address, head::Head},
    error::{Error, Kind},
    keys,
    publish::{Outcome, Statement, Step, publish},
    review::{Review, review},
    snapshot::snapshot,
    swarm::{Announced, Node, OpenStore, Ticket, announce::announce},
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
    let built = dir.build(ctx, site)?;
    let open = OpenStore::open(&ctx.home, "skep publish")?;
    let store = open.store.clone();
    let review = review(&store, site, snapshot(&built.out)?)?;
    if let Err(e) = confirm(ctx, args, &review) {
        open.close().await;
        return Err(e);
    }
    let statement = Statement {
        message: args.message.clone(),
        time: seconds(now()),
        as_of: built.as_of,
    };
    let scratch = ctx.home.store().join("tmp");
    let outcome = publish(&store, &key, &review, &statement, &scratch, |step| {
        ctx.out.step(match step {
            Step::Stored => "stored",
            Step::Synced => "synced",
            Step::Signed => "signed",
        });
    });
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(e) => {
            open.close().await;
            return Err(e.into());
        }
    };
    let (head, added) = match &outcome {
        Outcome::Unchanged(head) => (head.clone(), 0),
        Outcome::Published(published) => (published.head.clone(), published.added),
    };
    let changed = matches!(outcome, Outcome::Published(_));
    report_signed(ctx, &head, changed, added);

    let told = if wanted == 0 {
        open.close().await;
        Told::default()
    } else {
        let (node, _events) = swarm::start(ctx, open).await?;
        let told = tell(ctx, &node, &head, &peers, wanted).await;
        node.close().await;
        told
    };
    let mut result = status::to_json(&review);
    result["version"] = head.length().into();
    result["changed"] = changed.into();
    result["root"] = head.root().to_string().into();
    result["added_bytes"] = added.into();
    result["wanted"] = wanted.into();
    result["holders"] = told.holders.iter().map(holder).collect();
    result["failures"] = told
        .failures
        .iter()
        .map(|e| json!({"kind": e.kind.name(), "message": e.message}))
        .collect();
    ctx.out.json(&result);
    if told.holders.len() < wanted {
        ctx.out.warn(format!(
            "version {} is signed and safe here, but {} of {} confirmed that they keep it; `skep publish` tries again",
            head.length(),
            told.holders.len(),
            count(wanted as u64, "node"),
        ));
        return Ok(Exit::Unconfirmed);
    }
    if told.holders.is_empty() {
        ctx.out.say(format!(
            "Only this machine holds version {}.",
            head.length()
        ));
        ctx.out.field(
            "next",
            "hand it to a host with `skep publish --peer TICKET`, or serve it with `skep browse`",
        );
    }
    Ok(Exit::Done)
}

fn confirm(ctx: &Context, args: &PublishArgs, review: &Review) -> Result<()> {
    if review.changes.is_empty() {
        return Ok(());
    }
    if !args.yes || !ctx.out.is_json() {
        status::show(&ctx.out, review);
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

fn report_signed(ctx: &Context, head: &Head, changed: bool, added: u64) {
    let version = head.length();
    ctx.out.say(match changed {
        true => format!(
            "{BOLD}Version {version}{BOLD:#} is signed ({} new in the archive).",
            bytes(added)
        ),
        false => format!("{BOLD}Version {version}{BOLD:#} is the newest already."),
    });
    ctx.out.field("address", Address::of(head.site()));
}

/// Who was told of the version.
#[derive(Default)]
struct Told {
    holders: Vec<Announced>,
    failures: Vec<Error>,
}

/// Tells all peers at once, until `wanted` of them have confirmed.
async fn tell(
    ctx: &Context,
    node: &Arc<Node>,
    head: &Head,
    peers: &[Ticket],
    wanted: usize,
) -> Told {
    let mut told = Told::default();
    if let Err(e) = node.share(head.site(), 1).await {
        told.failures.push(e);
        return told;
    }
    let mut tasks = JoinSet::new();
    for peer in peers.iter().cloned() {
        let (node, head) = (node.clone(), head.clone());
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
                        short(&announced.receipt.node),
                        bytes(announced.received)
                    ),
                );
                told.holders.push(announced);
            }
            Ok(Err(e)) => {
                let hint = e
                    .hint
                    .as_ref()
                    .map_or(String::new(), |hint| format!("; {hint}"));
                ctx.out.warn(format!("{e}{hint}"));
                told.failures.push(e);
            }
            Err(e) => told
                .failures
                .push(Error::new(Kind::Io, format!("a task broke off: {e}"))),
        }
    }
    told
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

fn short(node: &[u8; 32]) -> String {
    hex(&node[..5])
}
