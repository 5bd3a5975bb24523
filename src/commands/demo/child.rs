//! `skep` as a process of its own, told and heard as any program would.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use serde_json::Value;

use crate::error::{CliError, Result};

/// A `skep` that goes on running. It is ended when this is dropped.
pub(super) struct Running {
    process: Child,
    lines: Receiver<Value>,
    name: String,
}

/// A command that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `skep ARGS` to its end and returns what it wrote as JSON.
pub(super) fn run(home: &Path, args: &[&str]) -> Result<Value> {
    let name = name_of(args);
    let output = command(home, args)?
        .output()
        .map_err(|e| failed(&name, &format!("can't be started: {e}")))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(failed(&name, why.trim()));
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    // The lines before the last tell of progress.
    let result = stdout.trim().lines().last().unwrap_or_default();
    serde_json::from_str(result).map_err(|e| failed(&name, &format!("wrote no JSON: {e}")))
}

/// Starts `skep ARGS` and leaves it running.
pub(super) fn start(home: &Path, args: &[&str]) -> Result<Running> {
    let name = name_of(args);
    let mut process = command(home, args)?
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| failed(&name, &format!("can't be started: {e}")))?;
    let (sender, lines) = mpsc::channel();
    if let Some(stdout) = process.stdout.take() {
        // Ends with the process.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(value) = serde_json::from_str(&line) {
                    let _ = sender.send(value);
                }
            }
        });
    }
    Ok(Running {
        process,
        lines,
        name,
    })
}

impl Running {
    /// Waits for the event of that name.
    pub(super) fn event(&self, event: &str) -> Result<Value> {
        loop {
            let line = self.lines.recv_timeout(LIMIT);
            let line = line.map_err(|_| failed(&self.name, &format!("never said {event:?}")))?;
            if line["event"] == event {
                return Ok(line);
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has nothing to lose: its store survives a kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(home: &Path, args: &[&str]) -> Result<Command> {
    let exe = std::env::current_exe()
        .map_err(|e| CliError::failed("io", format!("can't find this program again: {e}")))?;
    let mut command = Command::new(exe);
    command
        .arg("--home")
        .arg(home)
        .args(["--network", "loopback", "--json"])
        .args(args)
        .stdin(Stdio::null());
    Ok(command)
}

fn name_of(args: &[&str]) -> String {
    format!("skep {}", args.first().unwrap_or(&""))
}

fn failed(name: &str, why: &str) -> CliError {
    CliError::failed("demo", format!("`{name}` of the demo failed: {why}"))
}
