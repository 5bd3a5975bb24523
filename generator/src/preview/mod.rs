//! A live preview: a local web server that shows a site while it is being written.
//!
//! Nothing is written to disk. The [`Site`](crate::Site) is kept in memory and a page is rendered
//! when a browser asks for it. After a change, the pages that browsers show are rendered again,
//! and those whose bytes changed are told to reload. No dependency between pages is tracked, so
//! nothing can be stale.

mod assets;
mod bar;
mod clients;
mod command;
mod front;
mod http;
mod mounts;
mod overlay;
mod request;
mod scope;
mod server;
mod state;
mod tags;
mod watch;
mod watcher;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::site::LeftOut;
use crate::style::StyleCompiler;
pub use command::Builder;
use state::State;

/// The port that the preview takes if it is free.
pub const DEFAULT_PORT: u16 = 4000;
/// The last port that is tried if the default one is taken.
const LAST_PORT: u16 = 4100;

/// How a site is previewed.
#[derive(Debug, Clone)]
pub struct PreviewOptions {
    /// The port. An explicit one that is taken is an error; 0 is any free one; `None` is
    /// [`DEFAULT_PORT`] or, if that is taken, the next free one.
    pub port: Option<u16>,
    /// Whether drafts are shown.
    pub drafts: bool,
    /// Whether posts from the future are shown.
    pub future: bool,
    /// Whether unpublished pages are shown.
    pub unpublished: bool,
    /// Tells the present moment. It is asked at every change.
    pub clock: fn() -> Timestamp,
    /// Looks for changes a few times a second instead of being told of them by the system, which
    /// does not work everywhere.
    pub polling: bool,
    /// Whether browsers go to the page of what was just saved.
    pub follow: bool,
    /// Where the changes can be reviewed and published. The bar of each page links there; the preview itself publishes
    /// nothing.
    pub review_url: Option<String>,
    /// Who compiles stylesheets.
    pub styles: StyleCompiler,
    /// A folder for what may be used again by later runs, as in [`LoadOptions`](crate::LoadOptions).
    pub cache: Option<PathBuf>,
    /// Builds the site, if another program does. Without it such a site is refused.
    pub builder: Option<Builder>,
}

impl PreviewOptions {
    /// The preview of what is published: no drafts, nothing from the future.
    pub fn new(clock: fn() -> Timestamp) -> Self {
        Self {
            port: None,
            drafts: false,
            future: false,
            unpublished: false,
            clock,
            polling: false,
            follow: false,
            review_url: None,
            styles: StyleCompiler::default(),
            cache: None,
            builder: None,
        }
    }
}

/// What happens during a preview.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PreviewEvent {
    /// The site was read again.
    Changed {
        /// The sources that changed, relative to the site folder. Empty if only time has passed.
        paths: Vec<String>,
        /// How long it took until the browsers were told.
        took: Took,
        /// Which of the sources that changed are left out, and why.
        left_out: Vec<LeftOut>,
    },
    /// The site, or a page that a browser shows, is broken. The last good one is shown meanwhile.
    Failed(Error),
    /// What was broken is whole again.
    Mended,
    /// The system can't tell of changes (for the reason given), so skep looks for them itself.
    Polling(String),
}

/// What the time from the first sign of a change until the browsers were told was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// Waiting until the editor, or whoever changes files, was done.
    pub waiting: Duration,
    /// Reading what changed and making the site anew.
    pub reading: Duration,
    /// Rendering the pages that browsers show, and telling the browsers.
    pub telling: Duration,
}

impl Took {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.waiting + self.reading + self.telling
    }
}

/// A running preview. It ends when it is dropped.
pub struct Preview {
    /// Where the site is shown.
    pub url: String,
    /// Whether the default port was taken and the next free one is used.
    pub port_moved: bool,
    state: Arc<State>,
    server: Arc<http::Server>,
    signals: Sender<watcher::Signal>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts to preview the site in `dir`. A site that is broken is served too, as its error, until
/// it is mended; a folder that is no site is refused. The files of a site that skep does not build are shown as they
/// are. `on_event` is called from other threads.
pub fn start(
    dir: &Path,
    options: PreviewOptions,
    on_event: impl Fn(PreviewEvent) + Send + Sync + 'static,
) -> Result<Preview, Error> {
    if let Err(error) = dir.canonicalize() {
        return Err(match crate::config::read(dir) {
            Err(no_site) => no_site,
            Ok(_) => Error::io(format_args!("open {}", dir.display()), &error),
        });
    }
    // Another folder may come to be at this path, by another link.
    let dir = std::path::absolute(dir)
        .map_err(|error| Error::io(format_args!("open {}", dir.display()), &error))?;
    // Settings that are broken may be mended while they are shown.
    let config = crate::config::read(&dir).ok();
    if let Some(config) = &config
        && matches!(config.engine, Engine::Command { .. })
        && options.builder.is_none()
    {
        config.engine.expect_tera()?;
    }
    let (listener, port_moved) = bind(options.port)?;
    let port = listener
        .local_addr()
        .map_err(|error| no_server(&error.to_string()))?
        .port();

    let (signals, received) = mpsc::channel();
    // Watch first and read then, so that no change falls in between.
    let scope = scope::Scope::of(config.as_ref());
    let watcher = watcher::Watcher::start(&dir, scope, options.polling, signals.clone());
    let state = Arc::new(State::load(dir, options, Box::new(on_event))?);
    if watcher.polls() {
        state.set_polling(watcher.polls_because.clone());
    }
    let (server, http) = http::serve(listener, port, {
        let state = Arc::clone(&state);
        move |request| server::answer(&state, port, request)
    })?;
    let watching = watch::spawn(watcher, received, Arc::clone(&state))?;
    Ok(Preview {
        state,
        url: format!("http://127.0.0.1:{port}/"),
        port_moved,
        server,
        signals,
        threads: vec![http, watching],
    })
}

impl Preview {
    /// Gives what tells the browsers how many changes would be published; `None` if nobody knows. The bar shows that
    /// beside the link to the review. It does nothing once the preview has ended.
    pub fn change_teller(&self) -> impl Fn(Option<usize>) + Send + Sync + use<> {
        let state = Arc::downgrade(&self.state);
        move |changes| {
            if let Some(state) = state.upgrade() {
                state.set_changes(changes);
            }
        }
    }

    /// The posts and pages that are left out, and why.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let site = self.state.current().site;
        site.map_or_else(Vec::new, |site| site.left_out().to_vec())
    }

    /// Stops the server and the watcher, and waits until they have ended.
    pub fn stop(self) {
        drop(self);
    }
}

impl fmt::Debug for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Preview({})", self.url)
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        let _ = self.signals.send(watcher::Signal::Stop);
        self.server.stop();
        if self.state.is_building() {
            // The command of another program is not waited for: nobody knows how long it takes.
            self.threads.clear();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn bind(port: Option<u16>) -> Result<(TcpListener, bool), Error> {
    let listen = |port: u16| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    match port {
        Some(port) => listen(port)
            .map(|listener| (listener, false))
            .map_err(|error| {
                let error = Error::new(
                    ErrorKind::Preview,
                    format!("could not listen on port {port}: {error}"),
                );
                error.with_hint("another program may use it: choose another with --port")
            }),
        None => (DEFAULT_PORT..=LAST_PORT)
            .find_map(|port| Some((listen(port).ok()?, port != DEFAULT_PORT)))
            .ok_or_else(|| {
                let message = format!("no port from {DEFAULT_PORT} to {LAST_PORT} is free");
                Error::new(ErrorKind::Preview, message).with_hint("choose one with --port")
            }),
    }
}

fn no_server(reason: &str) -> Error {
    Error::new(
        ErrorKind::Preview,
        format!("could not start the preview: {reason}"),
    )
}

/// Starts a thread with a name that a debugger shows.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name(format!("skep-preview-{name}"))
        .spawn(run)
        .map_err(|error| no_server(&error.to_string()))
}
