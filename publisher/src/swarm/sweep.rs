//! Deleting blobs. iroh-blobs deletes in one way only: its garbage collection deletes all that has no tag,
//! every so often. Here it runs when it is asked to, and at no other time.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use iroh_blobs::store::{GcConfig, ProtectOutcome};
use tokio::sync::{mpsc, oneshot};

use super::blobs::other;

/// Asks for a sweep.
pub(super) struct Sweeper(mpsc::Sender<Request>);

/// Told when the sweep is done; dropped if it failed.
type Request = oneshot::Sender<()>;

/// The other end of a [`Sweeper`].
struct Waiting {
    requests: tokio::sync::Mutex<mpsc::Receiver<Request>>,
    running: Mutex<Option<Request>>,
}

impl Sweeper {
    /// A sweeper, and what the store has to be opened with for it.
    ///
    /// The garbage collection asks before each of its runs what else it has to keep. That question is left
    /// unanswered until somebody wants a run; the next question comes when that run is over.
    pub(super) fn new() -> (Self, GcConfig) {
        let (sender, receiver) = mpsc::channel(1);
        let waiting = Arc::new(Waiting {
            requests: tokio::sync::Mutex::new(receiver),
            running: Mutex::default(),
        });
        let config = GcConfig {
            interval: Duration::ZERO,
            add_protected: Some(Arc::new(move |_: &mut HashSet<_>| {
                let waiting = waiting.clone();
                Box::pin(async move {
                    waiting.next().await;
                    ProtectOutcome::Continue
                })
            })),
        };
        (Self(sender), config)
    }

    /// Deletes every blob that has no tag, and returns when that is done.
    pub(super) async fn sweep(&self) -> io::Result<()> {
        let (sender, done) = oneshot::channel();
        let sent = self.0.send(sender).await;
        sent.map_err(|_| other("the deletion of blobs has stopped"))?;
        done.await.map_err(|_| other("blobs could not be deleted"))
    }
}

impl Waiting {
    /// The run before is over, if there was one. Returns when the next is wanted.
    async fn next(&self) {
        let before = self.running().take();
        if let Some(before) = before {
            // Whoever asked may have given up waiting.
            let _ = before.send(());
        }
        match self.requests.lock().await.recv().await {
            Some(request) => *self.running() = Some(request),
            // The store closes. It must not be emptied of what has no tag yet.
            None => std::future::pending().await,
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Request>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
