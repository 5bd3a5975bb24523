//! Passphrases: from a terminal that does not show them, or from a file; never from an argument, which
//! other programs can see.

use std::{
    fs::File,
    io::{Read, stdin},
    path::{Path, PathBuf},
};

use clap::Args;
use skep_publisher::keys::{self, sealed::Passphrase};
use zeroize::Zeroizing;

use crate::{
    context::Context,
    error::{CliError, Result},
};

/// Where a passphrase comes from.
#[derive(Debug, Args)]
pub(crate) struct PassphraseArgs {
    /// Take the passphrase from the first line of a file, `-` is stdin, instead of asking for it
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// A new passphrase; who types it types it twice.
    pub(crate) fn choose(&self, ctx: &Context) -> Result<Passphrase> {
        let passphrase = match &self.passphrase_file {
            // A blank at its end was left by an editor: nobody would type it.
            Some(file) => {
                let exact = from_file(file)?;
                exact.trimmed().unwrap_or(exact)
            }
            None => {
                let first = ask(ctx, "New passphrase: ")?;
                if first.is_short() {
                    short(ctx);
                }
                if !first.is(&ask(ctx, "The same again: ")?) {
                    let message = "the two passphrases differ; nothing was exported";
                    return Err(CliError::failed("cancelled", message));
                }
                return Ok(first);
            }
        };
        if passphrase.is_short() {
            short(ctx);
        }
        Ok(passphrase)
    }

    /// The passphrase of what was locked before.
    pub(crate) fn recall(&self, ctx: &Context) -> Result<Passphrase> {
        match &self.passphrase_file {
            Some(file) => from_file(file),
            None => ask(ctx, "Passphrase: "),
        }
    }

    /// Whether stdin is where it comes from.
    pub(crate) fn is_stdin(&self) -> bool {
        self.passphrase_file.as_deref() == Some(Path::new("-"))
    }
}

fn short(ctx: &Context) {
    ctx.out.warn(
        "this passphrase has fewer than 12 characters: whoever gets hold of the file can find it by trying",
    );
}

fn ask(ctx: &Context, prompt: &str) -> Result<Passphrase> {
    let Some(typed) = ctx.out.ask_secret(prompt) else {
        return Err(
            CliError::usage("there is no terminal to ask for a passphrase")
                .hint("give it with `--passphrase-file FILE`, or `-` for stdin"),
        );
    };
    let typed =
        typed.map_err(|e| CliError::failed("io", format!("can't ask for a passphrase: {e}")))?;
    Ok(Passphrase::new(typed)?)
}

fn from_file(path: &Path) -> Result<Passphrase> {
    // More than the longest, also in UTF-16, so that too much is seen to be.
    const LIMIT: usize = 4 * Passphrase::MAX;
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT + 1));
    let read = match path == Path::new("-") {
        true => stdin().take(LIMIT as u64).read_to_end(&mut bytes),
        false => File::open(path).and_then(|file| file.take(LIMIT as u64).read_to_end(&mut bytes)),
    };
    let shown = path.display();
    read.map_err(|e| CliError::failed("io", format!("can't read {shown}: {e}")))?;
    let text = keys::text::decode(&bytes).ok_or_else(|| {
        CliError::usage(format!("{shown}: a passphrase is text in UTF-8 or UTF-16"))
    })?;
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    Ok(Passphrase::new(Zeroizing::new(line.to_owned()))?)
}
