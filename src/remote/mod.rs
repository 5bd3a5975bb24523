//! Commands that are done by the node that runs on the same home, over a local socket.
//!
//! One process owns a store. While that is `skep browse`, `skep host` or `skep node`, another command hands its arguments
//! to it, and stays its mouth and ears: it prints, asks, and runs what builds a site; the rest happens over there.
//!
//! | module | what it does |
//! | --- | --- |
//! | `place` | where the socket is, and who may be at its other end |
//! | `frames` | the messages |
//! | `client` | a command that lets the node do its work |
//! | `server`, `voice` | a node that does it, and speaks through the other process |
//! | `absent` | all of it where there are no such sockets |

#[cfg(not(unix))]
mod absent;
#[cfg(unix)]
mod client;
#[cfg(unix)]
mod frames;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod server;
#[cfg(all(test, unix))]
mod tests;
#[cfg(unix)]
mod voice;

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use tokio::sync::watch;

use crate::output::Voice;

#[cfg(not(unix))]
pub(crate) use absent::{Serving, Socket, ask, path, remove_stale, serve, through};
#[cfg(unix)]
pub(crate) use client::{ask, through};
#[cfg(unix)]
pub(crate) use place::{Socket, path, remove_stale};
#[cfg(unix)]
pub(crate) use server::{Serving, serve};

/// What another process asks this one to do.
pub(crate) struct Asked {
    /// The arguments, the name of the program first.
    pub(crate) args: Vec<OsString>,
    /// The folder from which that process was started.
    pub(crate) folder: PathBuf,
    /// The home, as that process names it.
    pub(crate) home: PathBuf,
    /// Where its output goes, and where its answers come from.
    pub(crate) voice: Arc<dyn Voice>,
    /// Turns true when it is gone.
    pub(crate) gone: watch::Receiver<bool>,
}
