//! Child processes of tests: what they inherit is reset, and whoever waits for one waits for a bounded time. Also used
//! by `tests/relay`.

use std::{
    ffi::OsStr,
    io::Read,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

/// How long a command may take to end. The longest ones take some 30 s on a machine that does much else.
pub(crate) const END: Duration = Duration::from_secs(300);

/// Variables that change what `skep` does or says.
const VARIABLES: [&str; 7] = [
    "SKEP_HOME",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "TERM",
];

/// `program` as it would run in a fresh terminal, whatever these tests were started from. A job in the background of a
/// script ignores SIGINT, and so does all that it starts; `nohup` does the same to SIGHUP.
pub(crate) fn fresh(program: impl AsRef<OsStr>) -> Command {
    let mut command = match cfg!(target_os = "linux") {
        true => {
            // `env` of coreutils resets signals, and `exec` keeps the number of the process.
            let line = "umask 022; exec /usr/bin/env --default-signal=HUP,INT,QUIT,TERM \"$@\"";
            let mut sh = Command::new("/bin/sh");
            sh.args(["-c", line, "sh"]).arg(program);
            sh
        }
        false => Command::new(program),
    };
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
}

/// Waits until `child` has ended. After [`END`] it is killed, and the test fails with `what` it was to do.
pub(crate) fn wait_with_timeout(child: &mut Child, what: &str) -> ExitStatus {
    wait_until(child, Instant::now() + END)
        .unwrap_or_else(|| panic!("{what}: it has not ended within {END:?}"))
}

/// Waits until `child` has ended. Kills it at `end`; then there is no status.
fn wait_until(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() >= end {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Runs `command` to its end; `what` it is to do is said if it does not end.
pub(crate) fn output_of(command: &mut Command, what: &str) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    collect(command.stdin(Stdio::null()).spawn().unwrap(), what)
}

/// Waits until `child` has ended, and returns what it wrote to its pipes.
pub(crate) fn collect(mut child: Child, what: &str) -> Output {
    drop(child.stdin.take());
    let stdout = child.stdout.take().map(Gathered::of);
    let stderr = child.stderr.take().map(Gathered::of);
    let end = Instant::now() + END;
    let status = wait_until(&mut child, end);
    let whole = |gathered: &Option<Gathered>| match gathered {
        Some(gathered) => gathered.wait(end).then(|| gathered.bytes()),
        None => Some(Vec::new()),
    };
    match (status, whole(&stdout), whole(&stderr)) {
        (Some(status), Some(stdout), Some(stderr)) => Output {
            status,
            stdout,
            stderr,
        },
        (status, ..) => {
            let said = [stdout, stderr].map(|gathered| {
                let bytes = gathered.map_or(Vec::new(), |gathered| gathered.bytes());
                String::from_utf8_lossy(&bytes).into_owned()
            });
            let how = match status {
                Some(_) => "its output stays open",
                None => "it has not ended",
            };
            panic!("{what}: {how} after {END:?}; it said: {said:?}");
        }
    }
}

/// What comes out of a pipe.
struct Gathered {
    bytes: Arc<Mutex<Vec<u8>>>,
    is_over: mpsc::Receiver<()>,
}

impl Gathered {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let (over, is_over) = mpsc::channel();
        let bytes: Arc<Mutex<Vec<u8>>> = Arc::default();
        let to = bytes.clone();
        thread::spawn(move || {
            let mut piece = [0; 8192];
            while let Ok(read @ 1..) = pipe.read(&mut piece) {
                let mut bytes = to.lock().unwrap_or_else(PoisonError::into_inner);
                bytes.extend_from_slice(&piece[..read]);
            }
            drop(over);
        });
        Self { bytes, is_over }
    }

    /// Waits until the pipe is closed; false if it is not by then.
    fn wait(&self, end: Instant) -> bool {
        let left = end.saturating_duration_since(Instant::now());
        // What is left in a pipe whose writer has ended is read in no time.
        let left = left.max(Duration::from_secs(5));
        let ended = self.is_over.recv_timeout(left);
        ended == Err(mpsc::RecvTimeoutError::Disconnected)
    }

    fn bytes(&self) -> Vec<u8> {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.clone()
    }
}

/// Does what may block, such as to open a pipe or to join a thread; fails if it takes longer than [`END`].
#[allow(dead_code, reason = "`tests/relay` has nothing of that kind")]
pub(crate) fn within<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (sender, done) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    match done.recv_timeout(END) {
        Ok(done) => done,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: not done within {END:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{what}: failed"),
    }
}

/// Sends a signal, such as `-INT`, to a process.
#[allow(dead_code, reason = "`tests/relay` sends none")]
pub(crate) fn signal(process: u32, name: &str) {
    let mut kill = Command::new("kill");
    let sent = output_of(kill.args([name, &process.to_string()]), "kill");
    assert!(sent.status.success(), "{sent:?}");
}
