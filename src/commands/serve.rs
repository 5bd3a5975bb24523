//! `skep serve`: the live preview.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use serde_json::json;
use skep_generator::{
    Engine,
    preview::{self, PreviewEvent, PreviewOptions},
};
use skep_publisher::{
    archive::address::SiteId,
    gateway,
    swarm::{Node, OpenStore},
};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    browser,
    built::Trust,
    commands::build::Include,
    confined,
    context::{Context, now},
    desk::{self, Desk, Setting},
    engine,
    error::{CliError, Exit, Result},
    notes,
    output::{BOLD, Output},
    remote::Socket,
    running::Pages,
    site::SiteDir,
    stop::stop_signal,
    swarm, trust,
    workshop::{Shop, Showing, preview_path, review_path},
};

/// Preview the website while you write; the page reloads when you save
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep serve --open
  skep serve --drafts --follow
  skep serve my-site --port 4001

The bar at the foot of each page says how many changes a publish would bring, and leads to the page on which they are
reviewed and published. A browser may open that page once it was let in by the link that is printed here, which lets
one browser in, once. Nobody else learns that you are there until you publish or read something.")]
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
    #[command(flatten)]
    trust: Trust,
}

pub(crate) async fn run(ctx: &Context, args: &ServeArgs) -> Result<Exit> {
    let dir = ctx.path(&args.dir);
    // A site without an address is shown too.
    let site = SiteDir::open(ctx, &args.dir).and_then(|dir| {
        let site = dir.id()?;
        dir.remember(ctx, site);
        Ok(site)
    });
    let Ok(site) = site else {
        return show(ctx, args, &dir).await;
    };
    if let Some(guest) = &ctx.guest {
        return match desk::pages(&guest.running, None).await {
            Ok(
                pages @ Pages {
                    shop: Some(shop), ..
                },
            ) => {
                let showing = show_at(ctx, args, (site, &dir), shop)?;
                let stop = stop_signal()?;
                ready(ctx, args, &showing.url, links(pages, site));
                stop.await;
                Ok(Exit::Done)
            }
            // A host reviews nothing.
            Ok(_) => show(ctx, args, &dir).await,
            Err(e) => show_alone(ctx, args, &dir, &e).await,
        };
    }
    match Place::take(ctx).await {
        Ok(place) => show_beside(ctx, args, (site, &dir), place).await,
        Err(e) => show_alone(ctx, args, &dir, &e).await,
    }
}

/// Shows the site alone, and says why.
async fn show_alone(ctx: &Context, args: &ServeArgs, dir: &Path, why: &CliError) -> Result<Exit> {
    let why = &why.message;
    ctx.out.note(format!(
        "There is no review page beside the preview: {why}."
    ));
    show(ctx, args, dir).await
}

/// The store and the port that a review page needs.
struct Place {
    open: OpenStore,
    listener: TcpListener,
    port: u16,
}

impl Place {
    async fn take(ctx: &Context) -> Result<Self> {
        let listener = gateway::local::listen(None, ctx.network).await?;
        let port = gateway::port_of(&listener)?;
        let open = swarm::own(ctx, NAME).await?;
        Ok(Self {
            open,
            listener,
            port,
        })
    }
}

const NAME: &str = "skep serve";

/// Shows the site alone: nothing can be published from there.
async fn show(ctx: &Context, args: &ServeArgs, dir: &Path) -> Result<Exit> {
    let out = ctx.out.clone();
    let options = options(ctx, args)?;
    let preview = preview::start(dir, options, move |event| report(&out, &event))?;
    say_moved(ctx, preview.port_moved);
    let stop = stop_signal()?;
    ready(ctx, args, &preview.url, None);
    notes::tell_left_out(&ctx.out, &preview.left_out(), true);
    stop.await;
    preview.stop();
    Ok(Exit::Done)
}

/// Shows the site beside the control pages, on a node that takes part in the network only when something is
/// published or read there.
async fn show_beside(
    ctx: &Context,
    args: &ServeArgs,
    (site, dir): (SiteId, &Path),
    place: Place,
) -> Result<Exit> {
    let socket = Socket::open(&ctx.home);
    let scratch = place.open.scratch();
    // Nobody here wants to hear of it.
    let (events, _) = mpsc::channel(1);
    let config = place.open.config.clone();
    let node = Node::quiet(place.open, ctx.network, events).await?;
    tokio::spawn({
        let (ctx, node) = (ctx.clone(), node.clone());
        async move {
            node.awake().await;
            if node.ticket().is_some() {
                swarm::first_time_notice(&ctx, &config);
            }
        }
    });
    let setting = Setting {
        name: NAME,
        scratch,
        port: place.port,
        peers: Vec::new(),
        reload: true,
    };
    let shown = Desk::new(ctx, &node, setting).and_then(|desk| {
        let showing = show_at(ctx, args, (site, dir), &desk.shop)?;
        Ok((desk, showing))
    });
    let (desk, showing) = match shown {
        Ok(shown) => shown,
        Err(e) => {
            node.close().await;
            return Err(e);
        }
    };
    let tell = |desk: &Desk| {
        ready(ctx, args, &showing.url, links(&desk.pages, site));
    };
    desk.serve(ctx, socket, place.listener, tell, stop_signal()?)
        .await?;
    Ok(Exit::Done)
}

/// Starts the preview beside the control pages of `shop`.
fn show_at(
    ctx: &Context,
    args: &ServeArgs,
    (site, dir): (SiteId, &Path),
    shop: &Arc<Shop>,
) -> Result<Showing> {
    let out = ctx.out.clone();
    let options = options(ctx, args)?;
    let showing = shop.show(site, dir, options, move |event| report(&out, event))?;
    say_moved(ctx, showing.port_moved);
    notes::tell_left_out(&ctx.out, &showing.left_out, true);
    Ok(showing)
}

fn options(ctx: &Context, args: &ServeArgs) -> Result<PreviewOptions> {
    let mut builder = None;
    let dir = SiteDir::open(ctx, &args.dir);
    if let Ok(dir) = dir
        && let Engine::Command { command, .. } = &dir.config.engine
    {
        trust::ask(ctx, &dir, command, args.trust.trust)?;
        builder = Some(engine::builder(ctx, &dir.dir));
    }
    Ok(PreviewOptions {
        port: args.port,
        drafts: args.include.drafts,
        future: args.include.future,
        unpublished: args.include.unpublished,
        polling: args.polling,
        follow: args.follow,
        styles: confined::compiler(),
        cache: Some(ctx.home.cache()),
        builder,
        ..PreviewOptions::new(now)
    })
}

fn say_moved(ctx: &Context, port_moved: bool) {
    if port_moved {
        ctx.out
            .note("Port 4000 is taken; the next free one is used.");
    }
}

/// Links that let a browser in at the control pages.
struct Links {
    /// To the review.
    review: String,
    /// Back to the preview.
    preview: String,
}

fn links(pages: &Pages, site: SiteId) -> Option<Links> {
    Some(Links {
        review: pages.control_link(&review_path(site))?,
        preview: pages.link_at_once(&preview_path(site))?,
    })
}

/// Says where the preview is, and the link that lets a browser publish.
fn ready(ctx: &Context, args: &ServeArgs, url: &str, links: Option<Links>) {
    let out = &ctx.out;
    let review = links.as_ref().map(|links| &links.review);
    out.json(&json!({"event": "ready", "url": url, "review": review}));
    out.say(format!(
        "{BOLD}{url}{BOLD:#} shows {} as you save it. Ctrl-C ends.",
        args.dir.display()
    ));
    if let Some(review) = review {
        out.field("publish", review);
    }
    // The browser that is opened may publish from then on.
    let first = links.as_ref().map_or(url, |links| &links.preview);
    if args.open
        && let Err(e) = browser::open(first)
    {
        out.note(format!(
            "Could not open a browser: {e}. Open {url} yourself."
        ));
    }
}

fn report(out: &Output, event: &PreviewEvent) {
    match event {
        PreviewEvent::Changed {
            paths,
            took,
            left_out,
        } => {
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
            notes::tell_left_out(out, left_out, true);
        }
        PreviewEvent::Failed(error) => {
            out.json(&json!({"event": "failed", "message": error.to_string()}));
            out.fault(error.to_string());
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
