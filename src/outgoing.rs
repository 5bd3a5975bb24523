//! What goes out: a review that a person has seen becomes a signed version, and nodes are told of it.

use std::{sync::Arc, time::Duration};

use clap::Args;
use serde_json::{Value, json};
use skep_publisher::{
    archive::{
        address::{Address, SiteId},
        entry::Entry,
        head::Head,
    },
    error::{Error, Kind},
    history,
    keys::SigningKey,
    publish::{Outcome, Statement, Step, publish},
    review::Review,
    swarm::{Announced, Node, Ticket, announce::announce},
};
use tokio::task::JoinSet;

use crate::{
    catch_up::Seen,
    context::{Context, now, seconds},
    error::{CliError, Exit, Result},
    output::{BOLD, Phase, Unit, bytes, count},
    session::Session,
    swarm::Peers,
};

/// How a version goes out.
#[derive(Debug, Args)]
pub(crate) struct Outgoing {
    /// What changed, in words
    #[arg(short, long)]
    pub(crate) message: Option<String>,
    /// Publish without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    peers: Peers,
    /// Wait until N of the peers have said, signed, that they keep the version [default: all of them]
    #[arg(long, value_name = "N")]
    wait: Option<usize>,
}

/// Whom to tell of a version, and how many of them have to confirm it.
pub(crate) struct Audience {
    pub(crate) peers: Vec<Ticket>,
    pub(crate) wanted: usize,
}

impl Audience {
    /// Nobody is asked or told.
    pub(crate) const NOBODY: Self = Self {
        peers: Vec::new(),
        wanted: 0,
    };
}

impl Outgoing {
    /// Whom to tell. Fails early on what would fail late.
    pub(crate) fn audience(&self) -> Result<Audience> {
        let message = self.message.as_deref().unwrap_or("").trim();
        if message.len() > Entry::MAX_MESSAGE
            || message.chars().any(|c| c.is_control() && c != '\n')
        {
            return Err(CliError::usage(format!(
                "a message has at most {} bytes and no control characters",
                Entry::MAX_MESSAGE
            )));
        }
        let peers = self.peers.tickets(None)?;
        let wanted = self.wait.unwrap_or(peers.len());
        if wanted > peers.len() {
            return Err(CliError::usage(format!(
                "`--wait {wanted}` needs {}, and {} given",
                count(wanted as u64, "`--peer TICKET`"),
                match peers.len() {
                    0 => "none is".to_owned(),
                    n => format!("{n} are"),
                }
            ))
            .hint(
                "`skep host` prints its ticket; `--wait 0` publishes without waiting for anyone",
            ));
        }
        Ok(Audience { peers, wanted })
    }

    /// Whether nobody is to be told so far: a person has said so.
    pub(crate) fn tells_nobody(&self) -> bool {
        self.wait == Some(0)
    }

    /// Whether somebody looks at the changes before they are published.
    pub(crate) fn seen(&self) -> Seen {
        match self.yes {
            true => Seen::No,
            false => Seen::Yes,
        }
    }

    /// Asks whether to publish, unless `--yes` has answered that.
    pub(crate) fn confirm(&self, ctx: &Context, review: &Review) -> Result<()> {
        if self.yes || (review.is_empty() && review.mend.is_none()) {
            return Ok(());
        }
        let version = review.base.as_ref().map_or(1, |entry| entry.number + 1);
        ctx.out
            .say("What is published can't be called back: whoever has it may keep it.");
        self.ask(
            ctx,
            &format!("Publish version {version}?"),
            "look at `skep status`, then publish with `--yes`",
        )
    }

    /// Asks `question`, unless `--yes` has answered it; `hint` says what to do where nobody can.
    pub(crate) fn ask(&self, ctx: &Context, question: &str, hint: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        match ctx.out.ask(question) {
            Some(true) => Ok(()),
            Some(false) => Err(CliError::failed("cancelled", "nothing was published")),
            None => Err(CliError::usage("there is no terminal to ask on").hint(hint)),
        }
    }
}

/// A signed version.
pub(crate) struct Signed {
    head: Head,
    /// Whether it is new.
    changed: bool,
    /// How many bytes are new in the archive.
    added: u64,
    /// How many nodes said before that they keep it.
    holders: usize,
    /// The review, for programs.
    review: Value,
}

/// What the author says of a version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    /// What changed, in words.
    pub(crate) message: &'a str,
    /// The moment that the build took for the present, in seconds since 1970.
    pub(crate) as_of: u64,
    /// The site and version that the site was forked from.
    pub(crate) origin: Option<(SiteId, u64)>,
}

/// Signs a version of what was reviewed. `shown` is the review, for programs.
pub(crate) fn sign(
    ctx: &Context,
    session: &Session,
    key: &SigningKey,
    review: &Review,
    said: Said<'_>,
    shown: Value,
) -> Result<Signed> {
    let statement = Statement {
        message: said.message.to_owned(),
        time: seconds(now()),
        as_of: said.as_of,
        origin: said.origin,
    };
    ctx.check_wanted()?;
    let Session { store, scratch, .. } = session;
    let outcome = publish(store, key, review, &statement, scratch, |step| {
        say_step(ctx, step);
    });
    let (head, changed, added) = match outcome? {
        Outcome::Unchanged(head) => (head, false, 0),
        Outcome::Published(published) => (published.head, true, published.added),
    };
    Signed::new(ctx, session, head, changed, added, shown)
}

/// Says how far a version is.
pub(crate) fn say_step(ctx: &Context, step: Step) {
    ctx.out.step(match step {
        Step::Stored => "stored",
        Step::Synced => "synced",
        Step::Signed => "signed",
    });
}

impl Signed {
    /// The version of `head`, which was just signed, or before if nothing has changed since. Remembers and
    /// says that.
    pub(crate) fn new(
        ctx: &Context,
        session: &Session,
        head: Head,
        changed: bool,
        added: u64,
        review: Value,
    ) -> Result<Self> {
        let (store, site) = (&session.store, head.site());
        history::remember(&ctx.home, site, head.length())?;
        let receipts = store.receipts(&store.known(site)?)?;
        let holders = receipts.iter().filter(|r| r.is_for(&head)).count();
        let version = head.length();
        ctx.out.say(match changed {
            true => format!(
                "{BOLD}Version {version}{BOLD:#} is signed ({} new in the archive).",
                bytes(added)
            ),
            false => format!("{BOLD}Version {version}{BOLD:#} is the newest already."),
        });
        ctx.out.field("address", Address::of(site));
        Ok(Self {
            head,
            changed,
            added,
            holders,
            review,
        })
    }
}

/// A version of which the audience was told.
pub(crate) struct Delivered {
    pub(crate) exit: Exit,
    pub(crate) address: Address,
    /// Whether no other node has ever said that it holds it.
    pub(crate) is_alone: bool,
    /// The store, still open.
    pub(crate) session: Session,
}

/// Tells the audience of a signed version, says how it ended, and closes the store.
pub(crate) async fn deliver(
    ctx: &Context,
    session: Session,
    signed: Signed,
    audience: &Audience,
) -> Exit {
    let delivered = hand_over(ctx, session, signed, audience).await;
    delivered.session.close().await;
    delivered.exit
}

/// Tells the audience of a signed version, and says how it ended.
pub(crate) async fn hand_over(
    ctx: &Context,
    mut session: Session,
    signed: Signed,
    audience: &Audience,
) -> Delivered {
    let site = signed.head.site();
    session.end_turn(ctx, site).await;
    let told = match &session.node {
        None => Told::default(),
        Some(node) => tell(ctx, node, &signed.head, audience).await,
    };
    Delivered {
        is_alone: told.holders.is_empty() && signed.holders == 0,
        address: Address::of(site),
        exit: report(ctx, signed, &told, audience),
        session,
    }
}

/// Says how it ended.
fn report(ctx: &Context, signed: Signed, told: &Told, audience: &Audience) -> Exit {
    let wanted = audience.wanted;
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
        if told.holders.is_empty() && signed.holders == 0 {
            say_alone(ctx, version);
        }
        return Exit::Unconfirmed;
    }
    let untold = audience.peers.len() - told.holders.len();
    match (told.holders.len(), signed.holders) {
        (0, 0) => say_alone(ctx, version),
        (0, before) => ctx.out.say(format!(
            "{} said before that they keep it.",
            count(before as u64, "other node")
        )),
        _ => {}
    }
    if untold > 0 {
        ctx.out.note(format!(
            "{} may not have it: `--wait {wanted}` waits no longer.",
            count(untold as u64, "peer")
        ));
    }
    Exit::Done
}

fn say_alone(ctx: &Context, version: u64) {
    ctx.out
        .say(format!("Only this machine holds version {version}."));
    ctx.out.field(
        "next",
        "hand it to a host with `skep publish --peer TICKET`, or serve it with `skep node` or `skep browse`",
    );
}

/// How long a node may take to fetch a version.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(60);

/// Who was told of the version.
#[derive(Default)]
struct Told {
    holders: Vec<Announced>,
    failures: Vec<Error>,
}

/// Tells all peers at once, until `wanted` of them have confirmed. What fails here does not undo the
/// version: it is signed.
async fn tell(ctx: &Context, node: &Arc<Node>, head: &Head, audience: &Audience) -> Told {
    let mut told = Told::default();
    // The node started before there was this version.
    if let Err(e) = node.share(head.site(), 1).await {
        told.fail(ctx, e);
        return told;
    }
    let wanted = audience.wanted as u64;
    let work = ctx.out.begin(Phase::Confirm, Some(wanted), Unit::Nodes);
    let mut tasks = JoinSet::new();
    for peer in &audience.peers {
        let (node, head, peer) = (node.clone(), head.clone(), peer.clone());
        tasks.spawn(async move { announce(&node, &head, &peer, CONFIRM_TIMEOUT).await });
    }
    while told.holders.len() < audience.wanted
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
                work.add(1);
            }
            Ok(Err(e)) => told.fail(ctx, e),
            Err(e) => told.fail(ctx, Error::new(Kind::Io, format!("a task broke off: {e}"))),
        }
    }
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

/// The name of a node, or a part of it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
