//! `skep revert`: an old version's files as a new version.

use std::path::PathBuf;

use clap::Args;
use skep_publisher::{
    keys::{self, SigningKey},
    review::revert,
};

use crate::{
    commands::publish::check_allow,
    context::Context,
    error::{Exit, Result},
    fork::Fork,
    outgoing::{self, Outgoing, Said, Signed},
    report::Report,
    session::Session,
    site::SiteDir,
};

/// Publish an old version's files as a new version
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep revert 3
  skep revert 3 my-site --peer TICKET

The sources stay as they are: the next `skep publish` brings back what they make.")]
pub(crate) struct RevertArgs {
    /// The version to go back to
    #[arg(id = "number", value_name = "VERSION")]
    version: u64,
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    outgoing: Outgoing,
    /// Publish in spite of a warning of that name (may be given more than once)
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
}

pub(crate) async fn run(ctx: &Context, args: &RevertArgs) -> Result<Exit> {
    let dir = SiteDir::open(ctx, &args.dir)?;
    let key = keys::load(&ctx.home, dir.id()?)?;
    check_allow(&args.allow)?;
    let audience = args.outgoing.audience()?;
    let mut session = Session::open(ctx, "skep revert", dir.id()?, audience).await?;
    let caught_up = session.catch_up(ctx, dir.id()?, args.outgoing.seen());
    let signed = match caught_up.await {
        Ok(behind) => sign(ctx, args, &dir, &key, &session, behind),
        Err(e) => Err(e),
    };
    match signed {
        Ok(signed) => Ok(outgoing::deliver(ctx, session, signed).await),
        Err(e) => {
            session.close().await;
            Err(e)
        }
    }
}

fn sign(
    ctx: &Context,
    args: &RevertArgs,
    dir: &SiteDir,
    key: &SigningKey,
    session: &Session,
    behind: Option<String>,
) -> Result<Signed> {
    let site = dir.id()?;
    let review = revert(&session.store, site, args.version)?;
    let state = session.store.known(site)?;
    let old = session.store.entry(&state, Some(args.version))?;
    let report = Report::new(&session.store, &review, &[]);
    report.show(&ctx.out);
    ctx.out.note(
        "The sources here stay as they are: the next `skep publish` brings back what they make.",
    );
    let mut shown = report.json("revert");
    let fork = Fork::of(&review, behind);
    fork.add_to(&mut shown);
    fork.show(&ctx.out);
    fork.check(&args.allow)?;
    args.outgoing.confirm(ctx, &review)?;
    let default = format!("Back to version {}", args.version);
    let message = args.outgoing.message.as_deref().unwrap_or(&default);
    let said = Said {
        message,
        as_of: old.as_of,
        origin: dir.origin()?.map(|origin| origin.record()),
    };
    outgoing::sign(ctx, session, key, &review, said, shown)
}
