//! Runs a command of another program in the shell.

use std::{
    io::{self, Read},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Whether it says that all went well.
    pub(crate) success: bool,
    /// Its exit code, if it was not killed.
    pub(crate) code: Option<i32>,
    /// How it ended, in words.
    pub(crate) words: String,
    /// What it said last, at most [`KEPT`] bytes.
    pub(crate) last: Vec<u8>,
}

/// So many bytes of what a command said last are kept.
pub(crate) const KEPT: usize = 4096;
/// A command may leave something running that still could speak. Nobody waits longer for that.
const GRACE: Duration = Duration::from_secs(1);

/// Runs `command` in the folder `dir` with the environment of this process, and waits for its end. What it
/// says is handed to `said`.
pub(crate) fn run(
    dir: &Path,
    command: &str,
    mut said: impl FnMut(&[u8]) + Send + 'static,
) -> io::Result<Ended> {
    let (mut from, into) = io::pipe()?;
    let mut child = shell(command)
        .current_dir(dir)
        // Where the keys are is none of its business.
        .env_remove("SKEP_HOME")
        .stdin(Stdio::null())
        .stdout(into.try_clone()?)
        .stderr(into)
        .spawn()?;
    let last = Arc::new(Mutex::new(Vec::new()));
    let (sender, ended) = mpsc::channel::<()>();
    let kept = last.clone();
    thread::spawn(move || {
        // Dropped at the end of what is said: whoever waits for it is told so.
        let _sender = sender;
        let mut chunk = vec![0; 8192];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            said(&chunk[..count]);
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&chunk[..count]);
            let over = kept.len().saturating_sub(KEPT);
            kept.drain(..over);
        }
    });
    let status = child.wait()?;
    let _ = ended.recv_timeout(GRACE);
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Ended::new(status, std::mem::take(&mut *last)))
}

impl Ended {
    fn new(status: ExitStatus, last: Vec<u8>) -> Self {
        Self {
            success: status.success(),
            code: status.code(),
            words: status.to_string(),
            last,
        }
    }
}

#[cfg(not(windows))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    // The shell takes the outer quotes off, and the rest as it is.
    shell
        .args(["/D", "/S", "/C"])
        .raw_arg(format!("\"{command}\""));
    shell
}
