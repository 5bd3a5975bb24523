//! `skep serve`: the live preview.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use serde_json::json;
use skep_generator::preview::{self, PreviewEvent, PreviewOptions};

use crate::{
    browser,
    commands::build::Include,
    context::{Context, now},
    error::{Exit, Result},
    output::{BOLD, Output},
    site::SiteDir,
    swarm::stop_signal,
};

/// Preview the website while you write; the page reloads when you save
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep serve --open
  skep serve --drafts --follow
  skep serve my-site --port 4001")]
pub(crate) struct ServeArgs {
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    include: Include,
    /// Open the website in the browser
    #[arg(long)]
    open: bool,
    /// Let the browser go to the page of each post that you save
    #[arg(long)]
    follow: bool,
    /// The port, 0 for any free one [default: 4000, or the next free one]
    #[arg(long)]
    port: Option<u16>,
    /// Look for changes a few times a second, where the system does not tell of them
    #[arg(long)]
    polling: bool,
}

pub(crate) async fn run(ctx: &Context, args: &ServeArgs) -> Result<Exit> {
    let options = PreviewOptions {
        port: args.port,
        drafts: args.include.drafts,
        future: args.include.future,
        unpublished: args.include.unpublished,
        polling: args.polling,
        follow: args.follow,
        cache: Some(ctx.home.cache()),
        ..PreviewOptions::new(now)
    };
    if let Ok(dir) = SiteDir::open(ctx, &args.dir)
        && let Ok(site) = dir.id()
    {
        dir.remember(ctx, site);
    }
    let out = ctx.out.clone();
    let preview = preview::start(&args.dir, options, {
        let out = out.clone();
        move |event| report(&out, &event)
    })?;
    if preview.port_moved {
        out.note("Port 4000 is taken; the next free one is used.");
    }
    out.json(&json!({"event": "ready", "url": preview.url}));
    out.say(format!(
        "{BOLD}{}{BOLD:#} shows {} as you save it. Ctrl-C ends.",
        preview.url,
        args.dir.display()
    ));
    if args.open
        && let Err(e) = browser::open(&preview.url)
    {
        out.note(format!(
            "Could not open a browser: {e}. Open {} yourself.",
            preview.url
        ));
    }
    stop_signal().await?;
    preview.stop();
    Ok(Exit::Done)
}

fn report(out: &Output, event: &PreviewEvent) {
    match event {
        PreviewEvent::Changed { paths, took } => {
            out.json(&json!({
                "event": "changed",
                "paths": paths,
                "millis": millis(took.total()),
                "waiting": millis(took.waiting),
                "reading": millis(took.reading),
                "telling": millis(took.telling),
            }));
            let what = match paths.as_slice() {
                [] => "time has passed".to_owned(),
                [path] => path.clone(),
                [path, ..] => format!("{path} and {} more", paths.len() - 1),
            };
            out.say(format!("  {what} ({:.1} ms)", millis(took.total())));
        }
        PreviewEvent::Failed(error) => {
            out.json(&json!({"event": "failed", "message": error.to_string()}));
            out.warn(error.to_string());
        }
        PreviewEvent::Mended => {
            out.json(&json!({"event": "mended"}));
            out.say("  mended");
        }
        PreviewEvent::Polling(reason) => {
            out.json(&json!({"event": "polling", "reason": reason}));
            out.note(format!(
                "Looking for changes a few times a second: {reason}."
            ));
        }
        _ => {}
    }
}

/// In milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
