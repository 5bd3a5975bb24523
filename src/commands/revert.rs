//! `skep revert`: an old version's files as a new version.

use std::path::PathBuf;

use clap::Args;
use skep_publisher::{
    keys::{self, SigningKey},
    review::revert,
};

use crate::{
    context::Context,
    error::{Exit, Result},
    outgoing::{self, Outgoing, Signed},
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
}

pub(crate) async fn run(ctx: &Context, args: &RevertArgs) -> Result<Exit> {
    let dir = SiteDir::open(&args.dir)?;
    let key = keys::load(&ctx.home, dir.id()?)?;
    let audience = args.outgoing.audience()?;
    let session = Session::open(ctx, "skep revert", &audience).await?;
    let caught_up = session.catch_up(ctx, dir.id()?, &audience, args.outgoing.seen());
    let signed = match caught_up.await {
        Ok(()) => sign(ctx, args, &dir, &key, &session),
        Err(e) => Err(e),
    };
    match signed {
        Ok(signed) => Ok(outgoing::deliver(ctx, session, signed, &audience).await),
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
    args.outgoing.confirm(ctx, &review)?;
    let default = format!("Back to version {}", args.version);
    let message = args.outgoing.message.as_deref().unwrap_or(&default);
    let shown = report.json();
    outgoing::sign(ctx, session, key, &review, (message, old.as_of), shown)
}
