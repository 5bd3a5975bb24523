//! The node that runs in this process, for the commands that it does for others.

use std::{fmt, path::PathBuf, sync::Arc};

use skep_publisher::{
    gateway::{control::Access, local::Gateway},
    swarm::Node,
};
use tokio::{
    runtime::Handle,
    sync::{OnceCell, watch},
};

use crate::{
    context::Context,
    error::{CliError, Result},
    workshop::Shop,
};

/// The node that runs in this process.
#[derive(Clone)]
pub(crate) struct Running {
    /// What was started, such as `skep browse`.
    pub(crate) name: &'static str,
    pub(crate) node: Arc<Node>,
    /// A folder for temporary files on the store's disk; it may not exist yet.
    pub(crate) scratch: PathBuf,
    pub(crate) face: Arc<Face>,
    /// On which tasks run.
    pub(crate) runtime: Handle,
}

/// What a node shows to browsers.
pub(crate) struct Face {
    pub(crate) pages: OnceCell<Pages>,
    /// In whose name they are opened when somebody asks for them; `None` if they never are.
    pub(crate) later: Option<Later>,
}

/// What it takes to open pages while a node runs.
pub(crate) struct Later {
    pub(crate) ctx: Context,
    /// Turns true when they have to end.
    pub(crate) stopped: watch::Receiver<bool>,
}

/// Pages that are served.
#[derive(Clone)]
pub(crate) struct Pages {
    /// Where sites are read.
    pub(crate) gateway: Arc<Gateway>,
    /// What lets a browser in at the control pages, if there are such.
    pub(crate) access: Option<Access>,
    /// What shows the websites of this machine, if it does.
    pub(crate) shop: Option<Arc<Shop>>,
}

impl Face {
    /// The face of a node that shows `pages` from the start.
    pub(crate) fn of(pages: Pages) -> Arc<Self> {
        Arc::new(Self {
            pages: OnceCell::new_with(Some(pages)),
            later: None,
        })
    }
}

/// For whom a command is done: by a running node, for another process.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) running: Running,
    /// Turns true when the other process is gone.
    pub(crate) gone: watch::Receiver<bool>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running({:?})", self.name)
    }
}

impl Pages {
    /// A link that lets one browser in, once, and leads it to a control page.
    pub(crate) fn control_link(&self, path: &str) -> Option<String> {
        let access = self.access.as_ref()?;
        Some(access.link(self.gateway.port, path))
    }

    /// The same for a browser that is started now: others may see it, and it ends soon.
    pub(crate) fn link_at_once(&self, path: &str) -> Option<String> {
        let access = self.access.as_ref()?;
        Some(access.link_at_once(self.gateway.port, path))
    }
}

impl Guest {
    /// Fails if nobody waits for the command any more.
    pub(crate) fn check(&self) -> Result<()> {
        match *self.gone.borrow() {
            false => Ok(()),
            true => Err(cancelled()),
        }
    }

    /// Does a command until it is done, or nobody waits for it any more. What is not async in it is done to its end.
    pub(crate) fn block_on<T>(&self, command: impl Future<Output = Result<T>>) -> Result<T> {
        let mut gone = self.gone.clone();
        self.running.runtime.block_on(async {
            tokio::select! {
                // Whoever is gone before it begins wants none of it.
                biased;
                _ = gone.wait_for(|gone| *gone) => Err(cancelled()),
                done = command => done,
            }
        })
    }
}

fn cancelled() -> CliError {
    CliError::failed("cancelled", "the command that has asked for it is gone")
}
