//! `skep key import`: a key that was exported, in whatever form.

use std::{
    fs::File,
    io::{IsTerminal, Read, stdin},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use skep_publisher::{
    archive::address::Address,
    error::{Error, Kind},
    keys::{
        self, KeyText, MAX_FILE, SigningKey,
        backup::{self, Backup, Form},
        phrase, sealed,
    },
};
use zeroize::Zeroizing;

use crate::{
    context::{Context, now, seconds},
    error::{CliError, Result},
    passphrase::PassphraseArgs,
};

/// Take in a key that was exported
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep key import my-site.key.age     asks for the passphrase
  skep key import --phrase            type the 24 words; numbers, capitals and line breaks don't matter")]
pub(super) struct KeyImportArgs {
    /// The file, with a passphrase or without; `-` is stdin
    #[arg(required_unless_present = "phrase")]
    file: Option<PathBuf>,
    /// Read a recovery phrase: from the terminal, stdin or the file
    #[arg(long, conflicts_with = "passphrase_file")]
    phrase: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(super) fn run(ctx: &Context, args: &KeyImportArgs) -> Result<()> {
    let file = args.file.as_deref().unwrap_or(Path::new("-"));
    if file == Path::new("-") && args.passphrase.is_stdin() {
        return Err(CliError::usage(
            "the key and the passphrase can't both be on stdin",
        ));
    }
    let before = keys::list(&ctx.home)?;
    let key = match args.phrase {
        true => phrase::read(&read_phrase(ctx, file)?)?,
        false => read_key(ctx, args, file)?,
    };
    let site = keys::add(&ctx.home, &key)?;
    let new = !before.contains(&site);
    // Where it came from is a backup, and of a key that has one already this one need not be told.
    if backup::last(&ctx.home, site)?.is_none() {
        let (form, time) = (Form::Imported, seconds(now()));
        backup::record(&ctx.home, site, Backup { form, time })?;
    }
    let address = Address::of(site).to_string();
    ctx.out
        .json(&json!({"event": "key_import", "address": address, "new": new}));
    ctx.out.say(match new {
        true => format!("The key of {address} is here now."),
        false => format!("The key of {address} was here already."),
    });
    if args.phrase {
        ctx.out.say("Compare that with the address on your paper.");
    }
    if new {
        ctx.out.field(
            "next",
            "bring the site's versions: `skep publish --peer TICKET` from a node, `skep import FILE` from a file",
        );
    }
    Ok(())
}

fn read_key(ctx: &Context, args: &KeyImportArgs, file: &Path) -> Result<SigningKey> {
    let bytes = read(file)?;
    let named = |e: Error| {
        let e = CliError::from(e);
        CliError {
            message: format!("{}: {}", name(file), e.message),
            ..e
        }
    };
    if !sealed::is_sealed(&bytes) {
        return keys::read(&bytes).map_err(named);
    }
    let passphrase = args.passphrase.recall(ctx)?;
    let text = match (sealed::open(&bytes, &passphrase), passphrase.trimmed()) {
        (Err(e), Some(trimmed)) if e.kind == Kind::Passphrase => {
            sealed::open(&bytes, &trimmed).map_err(|_| e)
        }
        (opened, _) => opened,
    };
    keys::read(text.map_err(named)?.as_bytes()).map_err(named)
}

fn read_phrase(ctx: &Context, file: &Path) -> Result<Zeroizing<Vec<u8>>> {
    if file == Path::new("-") && stdin().is_terminal() {
        ctx.out.note(format!(
            "Type the {} words of the recovery phrase, on one line or many, and then an empty line.",
            phrase::WORDS
        ));
        return Ok(Zeroizing::new(type_phrase()?.as_bytes().to_vec()));
    }
    read(file)
}

/// What a person types, up to the last word or an empty line.
fn type_phrase() -> Result<KeyText> {
    let mut typed = Zeroizing::new(String::with_capacity(MAX_FILE));
    while phrase::words(&typed).count() < phrase::WORDS {
        let start = typed.len();
        let room = (MAX_FILE - start) as u64;
        let read = std::io::BufRead::read_line(&mut stdin().lock().take(room), &mut typed);
        read.map_err(|e| CliError::failed("io", format!("can't read what is typed: {e}")))?;
        let nothing_yet = typed.trim().is_empty();
        if typed[start..].is_empty() || (typed[start..].trim().is_empty() && !nothing_yet) {
            break;
        }
    }
    Ok(typed)
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let limit = MAX_FILE + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    let read = match file == Path::new("-") {
        true => stdin().take(limit as u64).read_to_end(&mut bytes),
        false => File::open(file).and_then(|f| f.take(limit as u64).read_to_end(&mut bytes)),
    };
    read.map_err(|e| CliError::failed("io", format!("can't read {}: {e}", name(file))))?;
    match bytes.len() > MAX_FILE {
        true => Err(no_key(file, "it is far too long")),
        false => Ok(bytes),
    }
}

fn no_key(file: &Path, why: &str) -> CliError {
    CliError::usage(format!("{} is not a skep key: {why}", name(file)))
        .hint("`skep key export` writes one")
}

fn name(file: &Path) -> String {
    match file == Path::new("-") {
        true => "stdin".into(),
        false => file.display().to_string(),
    }
}
