//! `skep publish`: build, review, sign, hand to those who keep it.

use std::path::PathBuf;

use clap::Args;
use skep_publisher::{
    archive::address::SiteId,
    keys::{self, SigningKey},
    review::{Warning, WarningKind},
};

use crate::{
    backup,
    built::{From, Plan},
    catch_up::{self, Seen},
    choice::Choice,
    context::Context,
    error::{CliError, Exit, Result},
    fork::{self, Fork},
    forking::Origin,
    outgoing::{self, Audience, Delivered, Outgoing, Said, Signed},
    remote::Socket,
    report::Report,
    session::Session,
    site::SiteDir,
    sources,
};

/// Publish: build, review, sign a version, hand it to those who keep it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep publish
  skep publish my-site -m \"Why bees dance\" --peer TICKET
  skep publish my-site --yes --wait 0        sign a version, tell nobody yet
  skep publish --only 'about/**'              the rest stays as it is published
  skep publish --no-build                    what `skep build` made, or what you made of it

Before it signs, it asks the peers, and all nodes that are known to have the site, for 2 s what they have. If the site
was published from another machine too, the new version follows on the longer of the two histories and abandons the other: `--allow abandons`, once you
have seen what is lost. `--allow behind` signs although versions that this key has signed are not here.

A ticket is what `skep host` prints. A node that has kept a version is remembered, and told of the next ones too.
Publish the same site again to tell further nodes. A version that no other node
holds is served until Ctrl-C if this is a terminal and no node runs on this home; `--detach` or `--wait 0` end at once.")]
pub(crate) struct PublishArgs {
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    outgoing: Outgoing,
    /// Show what would be published, and end: nothing is signed, nobody is asked. Exit code 1 says that
    /// a warning would stop it
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// End at once, also if no other node holds the version
    #[arg(long)]
    detach: bool,
    /// Publish in spite of warnings of that name: secret, private-file, draft, future, backup, abandons,
    /// behind (may be given more than once)
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
}

pub(crate) async fn run(ctx: &Context, args: &PublishArgs) -> Result<Exit> {
    let mut dir = SiteDir::open(ctx, &args.dir)?;
    let site = dir.id()?;
    dir.remember(ctx, site);
    let key = keys::load(&ctx.home, site)?;
    let origin = dir.origin()?;
    check_allow(&args.allow)?;
    let mut audience = args.outgoing.audience()?;
    if args.dry_run {
        audience = Audience::NOBODY;
    }
    if !args.dry_run && !args.from.no_build && args.outgoing.seen() == Seen::Yes {
        sources::ask(ctx, &mut dir)?;
    }
    let plan = args.from.plan(ctx, &dir)?;
    // The store first: its owner is the only one who builds into the cache.
    let mut session = Session::open(ctx, NAME, site, audience).await?;
    let caught_up = match args.dry_run {
        // Nobody is asked, and what came meanwhile is in the review.
        true => catch_up::missing(ctx, &session.store, site, None),
        false => session.catch_up(ctx, site, args.outgoing.seen()).await,
    };
    let outcome = match caught_up {
        Ok(behind) => sign(ctx, args, plan, (site, &key), &session, behind, origin),
        Err(e) => Err(e),
    };
    match outcome {
        Ok(Outcome::Signed(signed)) => {
            let delivered = outgoing::hand_over(ctx, session, *signed).await;
            backup::remind(ctx, site, &args.dir);
            match delivered.is_alone && stays(ctx, args) {
                true => seed(ctx, delivered).await,
                false => {
                    delivered.session.close().await;
                    Ok(delivered.exit)
                }
            }
        }
        Ok(Outcome::Shown(exit)) => {
            session.close().await;
            Ok(exit)
        }
        Err(e) => {
            session.close().await;
            Err(e)
        }
    }
}

/// Whether it serves a version that nobody else holds until Ctrl-C: if somebody sees that it does, and no node goes
/// on running anyway.
fn stays(ctx: &Context, args: &PublishArgs) -> bool {
    let is_seen = ctx.out.is_terminal() && ctx.out.passes_on();
    is_seen && !args.detach && !args.outgoing.tells_nobody() && ctx.guest.is_none()
}

/// Serves what was published until Ctrl-C.
async fn seed(ctx: &Context, delivered: Delivered) -> Result<Exit> {
    let Delivered {
        exit,
        address,
        session,
        ..
    } = delivered;
    // Other commands are done here meanwhile.
    let socket = Socket::open(&ctx.home);
    let faceless = session.stay(ctx, NAME).await?;
    let node = faceless.node.clone();
    let ready = || {
        ctx.out
            .say("Serving it until Ctrl-C; `--detach` ends at once.");
        if let Some(ticket) = node.ticket() {
            ctx.out
                .field("read it", format!("skep browse {address} --peer {ticket}"));
        }
    };
    faceless.run(ctx, socket, ready).await?;
    Ok(exit)
}

const NAME: &str = "skep publish";

/// What became of the changes.
enum Outcome {
    /// They are a version.
    Signed(Box<Signed>),
    /// It was a dry run.
    Shown(Exit),
}

/// Builds, shows what changes, asks, and signs; or stops before that, in a dry run.
fn sign(
    ctx: &Context,
    args: &PublishArgs,
    plan: Plan<'_>,
    (site, key): (SiteId, &SigningKey),
    session: &Session,
    behind: Option<String>,
    origin: Option<Origin>,
) -> Result<Outcome> {
    let built = plan.carry_out(ctx, site)?;
    let (review, left_out) = built.review(ctx, &session.store, &args.choice)?;
    let known = built.inspect(ctx, &review)?;
    let report = Report {
        left_out,
        ..Report::new(&session.store, &review, &known.warnings)
    };
    let mut shown = report.json("publish");
    known.add_to(&mut shown);
    let fork = Fork::of(&review, behind);
    fork.add_to(&mut shown);
    if !review.is_empty() || args.dry_run || left_out > 0 {
        report.show(&ctx.out);
    }
    fork.show(&ctx.out);
    let checked = check_warnings(&known.warnings, &args.allow);
    let checked = checked.and_then(|()| fork.check(&args.allow));
    if args.dry_run {
        shown["blocked"] = checked.is_err().into();
        ctx.out.json(&shown);
        return Ok(Outcome::Shown(match checked {
            Ok(()) => Exit::Done,
            Err(error) => {
                ctx.out.blocked(&error);
                Exit::Failed
            }
        }));
    }
    checked?;
    args.outgoing.confirm(ctx, &review)?;
    let message = args.outgoing.message.as_deref().unwrap_or("");
    let said = Said {
        message,
        as_of: known.as_of,
        origin: origin.map(|origin| origin.record()),
    };
    let signed = outgoing::sign(ctx, session, key, &review, said, shown)?;
    Ok(Outcome::Signed(Box::new(signed)))
}

/// Fails on a name that no warning has: a slip there must not look like an allowance.
pub(crate) fn check_allow(names: &[String]) -> Result<()> {
    let known = [&WarningKind::ALL.map(WarningKind::name)[..], &fork::NAMES].concat();
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(
            CliError::usage(format!("there are no warnings named {name:?}"))
                .hint(format!("these are: {}", known.join(", "))),
        ),
    }
}

/// Fails if a warning stops the publish.
pub(crate) fn check_warnings(warnings: &[Warning], allow: &[String]) -> Result<()> {
    let blocking = |warning: &&Warning| {
        let name = warning.kind.name();
        warning.kind.is_blocking() && !allow.iter().any(|allowed| allowed == name)
    };
    let Some(first) = warnings.iter().find(blocking) else {
        return Ok(());
    };
    let mut kinds: Vec<WarningKind> = warnings.iter().filter(blocking).map(|w| w.kind).collect();
    kinds.dedup();
    let allow: Vec<String> = kinds
        .iter()
        .map(|kind| format!("--allow {}", kind.name()))
        .collect();
    Err(CliError::failed(
        "blocked",
        format!(
            "nothing was published: {} looks like what should not be: {}",
            first.path, first.message
        ),
    )
    .hint(format!(
        "mend it, or publish it all the same with `{}`",
        allow.join(" ")
    )))
}
