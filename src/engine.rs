//! Runs the program that builds a site.

use std::{
    io::{self, Read},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use skep_publisher::error::printable;

use crate::{
    context::Context,
    error::{CliError, Result},
    output::Output,
    trust::Trusted,
};

/// Runs a trusted command in the site's folder and waits for its end. What it says goes to stderr.
pub(crate) fn run(ctx: &Context, dir: &Path, trusted: &Trusted) -> Result<()> {
    let shown = printable(trusted.command());
    ctx.out.note(format!("Running `{shown}`"));
    let (status, last) = run_in(ctx.out.clone(), dir, trusted.command())
        .map_err(|e| CliError::failed("build", format!("could not run `{shown}`: {e}")))?;
    if status.success() {
        return Ok(());
    }
    // What was shown already is not shown again.
    let last = match ctx.out.passes_on() {
        true => String::new(),
        false => last_lines(&last),
    };
    let failed = CliError::failed(
        "build",
        format!("the build failed ({status}): `{shown}`{last}"),
    );
    Err(match status.code() {
        // So the shell says that there is no such program.
        Some(127) => failed.hint("is that program installed, and found by your PATH?"),
        _ => failed.hint("mend what it complains of, and try again"),
    })
}

/// So many bytes of what a command said last are kept.
const KEPT: usize = 4096;
/// A command may leave something running that still could speak. Nobody waits longer for that.
const GRACE: Duration = Duration::from_secs(1);

fn run_in(out: Output, dir: &Path, command: &str) -> io::Result<(ExitStatus, Vec<u8>)> {
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
            out.pass_on(&chunk[..count]);
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&chunk[..count]);
            let over = kept.len().saturating_sub(KEPT);
            kept.drain(..over);
        }
    });
    let status = child.wait()?;
    let _ = ended.recv_timeout(GRACE);
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((status, std::mem::take(&mut *last)))
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

/// The last lines of what a command said, each on a line of its own.
fn last_lines(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines.iter().skip(lines.len().saturating_sub(10));
    last.map(|line| format!("\n  | {}", printable(line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_obey_nobody() {
        let said: String = (1..=12).map(|n| format!("line {n}\r\n\n")).collect();
        let last = last_lines(said.as_bytes());
        assert!(last.starts_with("\n  | line 3\n  | line 4"), "{last}");
        assert!(last.ends_with("| line 12"), "{last}");
        assert_eq!(last_lines(b"a\x1b[2J"), "\n  | a\\u{1b}[2J");
        assert_eq!(last_lines(b""), "");
    }
}
