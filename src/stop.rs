//! The end of a command that runs until it is stopped.

use std::{
    io,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::sync::watch;

use crate::error::{CliError, Result};

/// How long the end may take after the signal: others are told, what is being published is done, the store is closed. A
/// process that hangs then is ended as a crash would; the store bears that.
const FAREWELL: Duration = Duration::from_secs(20);

/// Ctrl-C, or the signal with which services are stopped. From this call on it ends nothing by itself, and whoever
/// waits later is told of it too.
///
/// It is waited for on a thread of its own: all others may be stuck. When the process has not ended [`FAREWELL`] after it, or at the
/// next signal, the thread ends it.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut waiter = WAITER.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stopped = match &*waiter {
        Some(stopped) => stopped.clone(),
        None => {
            let stopped = listen()
                .map_err(|e| CliError::failed("io", format!("can't wait for signals: {e}")))?;
            waiter.insert(stopped).clone()
        }
    };
    Ok(async move {
        // Without the thread nobody can be told.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    })
}

/// Turns true when the process is to end; `None` before anybody has asked.
static WAITER: Mutex<Option<watch::Receiver<bool>>> = Mutex::new(None);

/// Starts the thread that waits for signals.
fn listen() -> io::Result<watch::Receiver<bool>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen()?
    };
    let (stop, stopped) = watch::channel(false);
    thread::Builder::new()
        .name("skep-stop".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                signals.next().await;
                let _ = stop.send(true);
                let _ = tokio::time::timeout(FAREWELL, signals.next()).await;
            });
            end();
        })?;
    Ok(stopped)
}

/// Ends the process, whatever it is doing.
#[allow(
    clippy::exit,
    reason = "a thread that is stuck can be ended in no other way"
)]
fn end() {
    std::process::exit(130);
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        let _ = self.0.recv().await;
    }
}
