//! `skep demo`: all of it on this machine, by the public commands alone.

mod child;
mod steps;

use clap::Args;
use serde_json::json;

use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    output::BOLD,
    stop::stop_signal,
};

/// See all of it on this machine, with no network and nothing to set up
#[derive(Debug, Args)]
#[command(
    after_help = "The demo copies the example site into a temporary folder, publishes it, starts a host that
fetches it, edits a post and publishes again. It checks each step, and removes everything when it ends.

Examples:
  skep demo
  skep demo --once"
)]
pub(crate) struct DemoArgs {
    /// End after the last step instead of keeping the pages up
    #[arg(long)]
    once: bool,
}

pub(crate) async fn run(ctx: &Context, args: &DemoArgs) -> Result<Exit> {
    // First: whoever sees the folder may stop the demo.
    let mut stop = std::pin::pin!(stop_signal()?);
    let folder = tempfile::Builder::new()
        .prefix("skep-demo-")
        .tempdir()
        .map_err(|e| CliError::failed("io", format!("can't create a temporary folder: {e}")))?;
    let (step_ctx, path) = (ctx.clone(), folder.path().to_owned());
    let mut steps = tokio::task::spawn_blocking(move || steps::run(&step_ctx, &path));
    let demo = tokio::select! {
        demo = &mut steps => demo,
        () = &mut stop => {
            // Not before the steps are over: what they have started ends with them, and the folder
            // is removed after that.
            let _ = steps.await;
            return Err(CliError::failed("cancelled", "the demo was stopped"));
        }
    };
    let demo = demo.map_err(|e| CliError::failed("demo", format!("the demo broke off: {e}")))??;
    ctx.out.json(&json!({
        "event": "ready",
        "address": demo.address,
        "preview": demo.preview_url,
        "mirror": demo.mirror_url,
        "gateway": demo.gateway_url,
        "received": demo.received,
    }));
    if args.once {
        ctx.out.say("Every step was checked.");
        return Ok(Exit::Done);
    }
    ctx.out.say("");
    ctx.out.say("These stay up until Ctrl-C:");
    ctx.out
        .field("preview", format!("{BOLD}{}{BOLD:#}", demo.preview_url));
    ctx.out.field(
        "",
        format!("save a file in {} and watch it", demo.site.display()),
    );
    ctx.out.field(
        "mirror",
        format!("{BOLD}{}{BOLD:#} what the host serves", demo.mirror_url),
    );
    ctx.out.field(
        "gateway",
        format!(
            "{BOLD}{}{BOLD:#} how the host's own browser reads it",
            demo.gateway_url
        ),
    );
    stop.await;
    // The children end when they are dropped, the folder after them.
    drop(demo);
    Ok(Exit::Done)
}
