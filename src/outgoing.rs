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
    swarm::{Announced, Known, Node, Ticket, announce::announce},
};
use tokio::task::JoinSet;

use crate::{
    catch_up::Seen,
    context::{Context, now, rfc3339, seconds},
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
    /// Wait until N of the peers, and of the nodes that keep the site, have said, signed, that they keep the version;
    /// 0 tells nobody [default: all peers]
    #[arg(long, value_name = "N")]
    wait: Option<usize>,
}

/// Whom to ask before a version is signed, whom to tell of it, and how many of them have to confirm it.
pub(crate) struct Audience {
    /// Those that were named now.
    peers: Vec<Ticket>,
    /// Those that are known to have the site otherwise.
    known: Vec<Known>,
    /// How many have to confirm it, if that was said.
    wait: Option<usize>,
    /// Whether anybody is asked or told at all.
    is_open: bool,
}

impl Audience {
    /// Nobody is asked or told.
    pub(crate) const NOBODY: Self = Self {
        peers: Vec::new(),
        known: Vec::new(),
        wait: None,
        is_open: false,
    };

    /// With the nodes that are known to have the site.
    ///
    /// # Errors
    ///
    /// If more have to confirm the version than can be told of it.
    pub(crate) fn with(mut self, known: Vec<Known>) -> Result<Self> {
        if self.is_open {
            let is_named = |known: &Known| {
                self.peers
                    .iter()
                    .any(|peer| peer.node() == known.ticket.node())
            };
            self.known = known.into_iter().filter(|known| !is_named(known)).collect();
        }
        let told = self.peers.len() + self.keepers().count();
        match self.wait {
            Some(wanted) if wanted > told => Err(too_many(wanted, told)),
            _ => Ok(self),
        }
    }

    /// All who are asked what they have.
    pub(crate) fn asked(&self) -> Vec<Ticket> {
        let known = self.known.iter().map(|known| known.ticket.clone());
        self.peers.iter().cloned().chain(known).collect()
    }

    /// Those that are known to keep the site, and were not named now.
    fn keepers(&self) -> impl Iterator<Item = &Ticket> {
        let keepers = self.known.iter().filter(|known| known.keeps);
        keepers.map(|known| &known.ticket)
    }

    /// Whether this node was named now.
    fn names(&self, node: [u8; 32]) -> bool {
        self.peers.iter().any(|peer| peer.node() == node)
    }

    /// How many have to confirm a version.
    fn wanted(&self) -> usize {
        self.wait.unwrap_or(self.peers.len())
    }
}

fn too_many(wanted: usize, told: usize) -> CliError {
    let message = format!(
        "`--wait {wanted}` needs {wanted} nodes to tell: {} `--peer TICKET`, or known to keep the site",
        match told {
            0 => "none is named with".to_owned(),
            n => format!("{n} are named with"),
        }
    );
    CliError::usage(message)
        .hint("`skep host` prints its ticket; `--wait 0` publishes without waiting for anyone")
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
        Ok(Audience {
            peers: self.peers.tickets(None)?,
            known: Vec::new(),
            wait: self.wait,
            is_open: true,
        })
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
pub(crate) async fn deliver(ctx: &Context, session: Session, signed: Signed) -> Exit {
    let delivered = hand_over(ctx, session, signed).await;
    delivered.session.close().await;
    delivered.exit
}

/// Tells the audience of a signed version, and says how it ended.
pub(crate) async fn hand_over(ctx: &Context, mut session: Session, signed: Signed) -> Delivered {
    let site = signed.head.site();
    session.end_turn(ctx, site).await;
    let told = match &session.node {
        Some(node) if session.audience.wait != Some(0) => {
            tell(ctx, node, &signed.head, &session.audience, &session.silent).await
        }
        _ => Told::default(),
    };
    Delivered {
        is_alone: told.holders.is_empty() && signed.holders == 0,
        address: Address::of(site),
        exit: report(ctx, signed, &told, &session.audience),
        session,
    }
}

/// Says how it ended.
fn report(ctx: &Context, signed: Signed, told: &Told, audience: &Audience) -> Exit {
    let wanted = audience.wanted();
    // If nobody said how many, it is those that were named.
    let counts =
        |announced: &&Announced| audience.wait.is_some() || audience.names(announced.receipt.node);
    let confirmed = told.holders.iter().filter(counts).count();
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
    if confirmed < wanted {
        ctx.out.warn(format!(
            "version {version} is signed and safe here, but {confirmed} of {} confirmed that they keep it; `skep publish` tries again",
            count(wanted as u64, "node"),
        ));
        if told.holders.is_empty() && signed.holders == 0 {
            say_alone(ctx, version);
        }
        return Exit::Unconfirmed;
    }
    match (told.holders.len(), signed.holders) {
        (0, 0) => say_alone(ctx, version),
        (0, before) => ctx.out.say(format!(
            "{} said before that they keep it.",
            count(before as u64, "other node")
        )),
        _ => {}
    }
    if told.untold > 0 && audience.wait.is_some() {
        ctx.out.note(format!(
            "{} may not have it: `--wait {wanted}` waits no longer.",
            count(told.untold as u64, "peer")
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
    /// How many had not answered in the end.
    untold: usize,
}

/// Tells all who were named, and all who keep the site, at once, until as many as were asked for have confirmed. Who
/// was `silent` before is not waited for, unless it was named. What fails here does not undo the version: it is
/// signed.
async fn tell(
    ctx: &Context,
    node: &Arc<Node>,
    head: &Head,
    audience: &Audience,
    silent: &[[u8; 32]],
) -> Told {
    let mut told = Told::default();
    // The node started before there was this version.
    if let Err(e) = node.share(head.site(), 1).await {
        told.fail(ctx, e, true);
        return told;
    }
    let is_there = |ticket: &&Ticket| audience.wait.is_some() || !silent.contains(&ticket.node());
    let keepers = audience.keepers().filter(is_there);
    let mut tasks = JoinSet::new();
    for peer in audience.peers.iter().chain(keepers) {
        let (node, head, peer) = (node.clone(), head.clone(), peer.clone());
        let is_named = audience.names(peer.node());
        tasks.spawn(async move {
            let announced = announce(&node, &head, &peer, CONFIRM_TIMEOUT).await;
            (announced, is_named)
        });
    }
    let most = audience.wait.unwrap_or(tasks.len()) as u64;
    let work = ctx.out.begin(Phase::Confirm, Some(most), Unit::Nodes);
    while audience
        .wait
        .is_none_or(|wanted| told.holders.len() < wanted)
        && let Some(done) = tasks.join_next().await
    {
        match done {
            Ok((Ok(announced), _)) => {
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
            Ok((Err(e), is_named)) => told.fail(ctx, e, is_named),
            Err(e) => {
                let error = Error::new(Kind::Io, format!("a task broke off: {e}"));
                told.fail(ctx, error, true);
            }
        }
    }
    told.untold = tasks.len();
    told
}

impl Told {
    /// A node did not confirm it. That is a warning if it was named now.
    fn fail(&mut self, ctx: &Context, error: Error, is_named: bool) {
        let hint = error.hint.as_ref();
        let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
        match is_named {
            true => ctx.out.warn(format!("{error}{hint}")),
            false => ctx.out.note(format!("{error}{hint}")),
        }
        self.failures.push(error);
    }
}

fn holder(announced: &Announced) -> serde_json::Value {
    json!({
        "node": hex(&announced.receipt.node),
        "mode": announced.receipt.mode.name(),
        "time": rfc3339(announced.receipt.time),
        "received": announced.received,
    })
}

/// The name of a node, or a part of it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
