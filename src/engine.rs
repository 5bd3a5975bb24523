//! Runs the program that builds a site.

use std::path::Path;

use skep_generator::{Engine, ErrorKind, preview::Builder};
use skep_publisher::error::printable;

use crate::{
    context::Context,
    error::{CliError, Result},
    site::SiteDir,
    trust::{self, Trusted},
};

/// Runs a trusted command in the site's folder and waits for its end. What it says goes to stderr.
pub(crate) fn run(ctx: &Context, dir: &Path, trusted: &Trusted) -> Result<()> {
    let shown = printable(trusted.command());
    ctx.out.note(format!("Running `{shown}`"));
    let ended = ctx.out.execute(dir, trusted.command());
    let ended =
        ended.map_err(|e| CliError::failed("build", format!("could not run `{shown}`: {e}")))?;
    if ended.success {
        return Ok(());
    }
    // What was shown already is not shown again.
    let last = match ctx.out.passes_on() {
        true => String::new(),
        false => last_lines(&ended.last),
    };
    let failed = CliError::failed(
        "build",
        format!("the build failed ({}): `{shown}`{last}", ended.words),
    );
    Err(match ended.code {
        // So the shell says that there is no such program.
        Some(127) => failed.hint("is that program installed, and found by your PATH?"),
        _ => failed.hint("mend what it complains of, and try again"),
    })
}

/// What builds the site in `dir` for its preview, as often as it is asked. It runs the command of the settings as they
/// are then, if that is trusted, and asks nobody.
pub(crate) fn builder(ctx: &Context, dir: &Path) -> Builder {
    let (ctx, dir) = (ctx.clone(), dir.to_owned());
    Builder::new(move || {
        build(&ctx, &dir).map_err(|error| {
            let mut failed = skep_generator::Error::new(ErrorKind::Build, error.message);
            failed.hint = error.hint;
            failed
        })
    })
}

fn build(ctx: &Context, dir: &Path) -> Result<()> {
    let dir = SiteDir::open(ctx, dir)?;
    let Engine::Command { command, .. } = &dir.config.engine else {
        return Ok(());
    };
    let trusted = trust::known(ctx, &dir, command)?;
    let shown = printable(trusted.command());
    let ended = ctx.out.execute_quietly(&dir.dir, trusted.command());
    let ended =
        ended.map_err(|e| CliError::failed("build", format!("could not run `{shown}`: {e}")))?;
    match ended.success {
        true => Ok(()),
        false => Err(CliError::failed(
            "build",
            format!(
                "the build failed ({}): `{shown}`{}",
                ended.words,
                last_lines(&ended.last)
            ),
        )
        .hint("mend what it complains of: the preview builds again when you save")),
    }
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
