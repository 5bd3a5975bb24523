//! `skep publish`: build, review, sign, hand to those who keep it.

use std::path::PathBuf;

use clap::Args;
use skep_publisher::{
    archive::address::SiteId,
    keys::{self, SigningKey},
    review::{Warning, WarningKind, review},
};

use crate::{
    built::From,
    commands::status,
    context::Context,
    error::{CliError, Exit, Result},
    outgoing::{self, Outgoing, Signed},
    session::Session,
    site::SiteDir,
};

/// Publish: build, review, sign a version, hand it to those who keep it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep publish
  skep publish my-site -m \"Why bees dance\" --peer TICKET
  skep publish my-site --yes --wait 0        sign a version, tell nobody yet
  skep publish --no-build                    what `skep build` made, or what you made of it

A ticket is what `skep host` prints. Publish the same site again to tell further nodes.")]
pub(crate) struct PublishArgs {
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    outgoing: Outgoing,
    /// Show what would be published, and end
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Publish in spite of warnings of that name: secret, private-file, draft, future, backup (may be
    /// given more than once)
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
}

pub(crate) async fn run(ctx: &Context, args: &PublishArgs) -> Result<Exit> {
    let dir = SiteDir::open(&args.dir)?;
    let site = dir.id()?;
    let key = keys::load(&ctx.home, site)?;
    check_allow(&args.allow)?;
    let audience = args.outgoing.audience()?;
    // The store first: its owner is the only one who builds into the cache.
    let session = Session::open(ctx, "skep publish", &audience).await?;
    let signed = match session
        .catch_up(ctx, site, &audience, args.outgoing.seen())
        .await
    {
        Ok(()) => sign(ctx, args, &dir, site, &key, &session),
        Err(e) => Err(e),
    };
    match signed {
        Ok(Some(signed)) => Ok(outgoing::deliver(ctx, session, signed, &audience).await),
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

/// Builds, shows what changes, asks, and signs; or stops before that, in a dry run.
fn sign(
    ctx: &Context,
    args: &PublishArgs,
    dir: &SiteDir,
    site: SiteId,
    key: &SigningKey,
    session: &Session,
) -> Result<Option<Signed>> {
    let built = dir.built(ctx, site, &args.from)?;
    let review = review(&session.store, site, built.snapshot()?)?;
    let known = built.inspect(ctx, &review)?;
    let warnings = &known.warnings;
    let mut shown = status::to_json(&review, warnings);
    shown["drafts_checked"] = known.drafts_checked.into();
    if args.dry_run {
        ctx.out.json(&shown);
        status::show(&ctx.out, &review, warnings);
        return Ok(None);
    }
    if !review.changes.is_empty() {
        status::show(&ctx.out, &review, warnings);
    }
    check_warnings(warnings, &args.allow)?;
    args.outgoing.confirm(ctx, &review)?;
    let message = args.outgoing.message.as_deref().unwrap_or("");
    let said = (message, known.as_of);
    outgoing::sign(ctx, session, key, &review, said, shown).map(Some)
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

/// Fails if a warning stops the publish.
fn check_warnings(warnings: &[Warning], allow: &[String]) -> Result<()> {
    let blocking = |warning: &&Warning| {
        let name = warning.kind.name();
        warning.kind.is_blocking() && !allow.iter().any(|allowed| allowed == name)
    };
    let Some(first) = warnings.iter().find(blocking) else {
        return Ok(());
    };
    Err(CliError::failed(
        "blocked",
        format!(
            "nothing was published: {} looks like what should not be: {}",
            first.path, first.message
        ),
    )
    .hint(format!(
        "mend it, or publish it all the same with `--allow {}`",
        first.kind.name()
    )))
}
