//! A node that does the work of other commands.

use std::{
    ffi::OsString,
    io,
    net::Shutdown,
    os::unix::{ffi::OsStringExt, net::UnixStream},
    sync::{
        Arc,
        mpsc::{self, SyncSender},
    },
    thread,
    time::Duration,
};

use tokio::{
    net::UnixListener,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
};

use super::{
    Asked,
    frames::{self, Request, ToServer},
    place::{self, Socket},
    voice::Remote,
};
use crate::error::Exit;

/// So many commands are done at once; others wait until one is done.
pub(super) const MOST: usize = 32;
/// How long a process that has connected may take to say what it wants.
const GREETING: Duration = Duration::from_secs(10);
/// How long the end waits for commands that are at work.
const FAREWELL: Duration = Duration::from_secs(5);

/// The end of a node that does the work of other commands.
pub(crate) struct Serving {
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    permits: Arc<Semaphore>,
}

/// Does the work of those who come to `socket`, each on a thread of its own, by `run`.
pub(crate) fn serve(
    socket: Socket,
    run: impl Fn(Asked) -> Exit + Send + Sync + 'static,
) -> io::Result<Serving> {
    let listener = socket.listener.try_clone()?;
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let (stop, stopped) = watch::channel(false);
    let permits = Arc::new(Semaphore::new(MOST));
    let accepting = accept(listener, socket, permits.clone(), stopped, Arc::new(run));
    Ok(Serving {
        stop,
        accepting: tokio::spawn(accepting),
        permits,
    })
}

impl Serving {
    /// Takes the socket away and ends what is being done for others: a version is signed or not.
    pub(crate) async fn end(self) {
        let _ = self.stop.send(true);
        let _ = self.accepting.await;
        // What is in the middle of its work can't be interrupted; what it leaves is as after a crash.
        let all = self.permits.acquire_many(MOST as u32);
        let _ = tokio::time::timeout(FAREWELL, all).await;
    }
}

async fn accept<R: Fn(Asked) -> Exit + Send + Sync + 'static>(
    listener: UnixListener,
    _socket: Socket,
    permits: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
    run: Arc<R>,
) {
    let stop = stopped.clone();
    let accepting = async {
        loop {
            let Ok(permit) = permits.clone().acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                // There are no file descriptors left: there may be some in a moment.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            // Whoever it is, the next one is served.
            let _ = begin(stream, permit, stop.clone(), run.clone());
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

/// Begins to do what a process that has connected wants.
fn begin<R: Fn(Asked) -> Exit + Send + Sync + 'static>(
    stream: tokio::net::UnixStream,
    permit: OwnedSemaphorePermit,
    mut stopped: watch::Receiver<bool>,
    run: Arc<R>,
) -> io::Result<()> {
    if !place::is_own(&stream)? {
        return Ok(());
    }
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    let end = stream.try_clone()?;
    let (done, is_done) = watch::channel(());
    thread::Builder::new()
        .name("skep-command".to_owned())
        .spawn(move || {
            // Dropped when the command is done, however it ends.
            let _held = (permit, done);
            // What is wrong with what a process says is its own affair.
            let _ = converse(stream, &*run);
        })?;
    tokio::spawn(async move {
        let mut is_done = is_done;
        tokio::select! {
            _ = is_done.changed() => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        // Whoever reads from it or writes to it now is told that it is over.
        let _ = end.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// Does what the process at the other end of `stream` wants.
pub(super) fn converse(mut stream: UnixStream, run: &impl Fn(Asked) -> Exit) -> io::Result<()> {
    stream.set_read_timeout(Some(GREETING))?;
    frames::greet(&mut stream)?;
    if !frames::is_greeted(&mut stream)? {
        return Ok(());
    }
    let request: Request = frames::read(&mut stream)?;
    stream.set_read_timeout(None)?;
    let (gone, is_gone) = watch::channel(false);
    // One answer to one question. More than that nobody has asked for.
    let (sender, answers) = mpsc::sync_channel(1);
    let from = stream.try_clone()?;
    thread::Builder::new()
        .name("skep-answers".to_owned())
        .spawn(move || listen(from, &sender, &gone))?;
    let voice = Arc::new(Remote::new(stream, answers, request.terminals));
    let code = run(Asked {
        args: request.args.into_iter().map(OsString::from_vec).collect(),
        folder: OsString::from_vec(request.folder).into(),
        home: OsString::from_vec(request.home).into(),
        voice: voice.clone(),
        gone: is_gone,
    });
    voice.end(code as u8);
    Ok(())
}

/// Hands on what the other process answers, until it is gone.
fn listen(mut from: UnixStream, answers: &SyncSender<ToServer>, gone: &watch::Sender<bool>) {
    while let Ok(answer) = frames::read(&mut from) {
        if answers.try_send(answer).is_err() {
            break;
        }
    }
    let _ = gone.send(true);
    let _ = from.shutdown(Shutdown::Both);
}
