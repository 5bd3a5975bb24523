//! `skep key export`: a key out of this machine, so that it can be lost.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use skep_publisher::{
    archive::address::Address,
    keys::{
        self, KeyText,
        backup::{self, Backup, Form},
        phrase::Phrase,
        sealed,
    },
};
use zeroize::Zeroizing;

use crate::{
    context::{Context, date, now, seconds},
    error::{CliError, Result},
    output::SCHEMA,
    passphrase::PassphraseArgs,
    site::id_of,
};

/// Write a key to a file that a passphrase locks; without FILE, to stdout
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep key export my-site my-site.key.age
  skep key export my-site --phrase                 24 words, numbered, to write on paper
  skep key export my-site k.age --passphrase-file words.txt

The file is one of age (age-encryption.org): `age -d my-site.key.age` shows the key too.")]
pub(super) struct KeyExportArgs {
    /// The site's address, or its folder
    #[arg(value_name = "ADDRESS|DIR")]
    site: String,
    /// The file to make; it must not exist, nor lie in a site's folder
    file: Option<PathBuf>,
    /// The recovery phrase instead: 24 words, which nothing protects
    #[arg(long, conflicts_with = "passphrase_file")]
    phrase: bool,
    /// The key itself instead: a text that nothing protects
    #[arg(long, conflicts_with_all = ["phrase", "passphrase_file"])]
    plain: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(super) fn run(ctx: &Context, args: &KeyExportArgs) -> Result<()> {
    let site = id_of(ctx, &args.site)?;
    let key = keys::load(&ctx.home, site)?;
    let address = Address::of(site).to_string();
    // Nobody should think of a passphrase in vain.
    if let Some(file) = &args.file {
        refuse_site_folder(file)?;
        refuse_existing(file)?;
    }
    let time = seconds(now());
    let form = match (args.phrase, args.plain) {
        (true, _) => Form::Phrase,
        (_, true) => Form::Plain,
        _ => Form::Sealed,
    };
    let phrase = Phrase::of(&key)?;
    let text = match form {
        Form::Phrase => paper(&phrase, &address, time),
        Form::Plain => keys::export(&ctx.home, site)?,
        _ => {
            let passphrase = args.passphrase.choose(ctx)?;
            let key = keys::export(&ctx.home, site)?;
            Zeroizing::new(sealed::seal(&key, &passphrase, sealed::WORK)?)
        }
    };
    match &args.file {
        Some(file) => keys::write(file, &text)?,
        None => show(ctx, &address, form, &text, &phrase)?,
    }
    backup::record(&ctx.home, site, Backup { form, time })?;
    match &args.file {
        Some(file) => said(ctx, &address, form, file),
        None => ctx.out.note(care(form)),
    }
    Ok(())
}

fn said(ctx: &Context, address: &str, form: Form, file: &Path) {
    let result =
        json!({"event": "key_export", "address": address, "form": form.name(), "file": file});
    ctx.out.json(&result);
    let what = match form {
        Form::Phrase => "The recovery phrase",
        _ => "The key",
    };
    let file = file.display();
    ctx.out.say(format!("{what} of {address} is in {file}."));
    ctx.out.say(care(form));
}

fn care(form: Form) -> &'static str {
    match form {
        Form::Phrase => {
            "Whoever sees these words can publish as you: keep them on paper, where nobody else looks."
        }
        Form::Plain => {
            "Nothing protects this key: whoever has it can publish as you. Keep it off shared disks and out of git."
        }
        _ => {
            "Keep it on another disk or machine. Nobody can open it without the passphrase, not even you."
        }
    }
}

const COLUMNS: usize = 4;

/// The words as they should stand on paper. `skep key import --phrase` reads it as it is.
fn paper(phrase: &Phrase, address: &str, time: u64) -> KeyText {
    // No growing string leaves a part of the words behind.
    let mut text = Zeroizing::new(String::with_capacity(2048));
    text.push_str("# The recovery phrase of the website\n# ");
    text.push_str(address);
    text.push_str(&format!(
        "\n# as of {}. Whoever sees these words can publish as you.\n# `skep key import --phrase` brings the key back.\n",
        date(time)
    ));
    for (i, word) in phrase.words().enumerate() {
        if i % COLUMNS == 0 {
            text.push('\n');
        }
        let number = Zeroizing::new(format!("{:>4} {word:<10}", i + 1));
        text.push_str(match (i + 1) % COLUMNS {
            0 => number.trim_end(),
            _ => &number,
        });
    }
    text.push('\n');
    text
}

/// To stdout, even with `--quiet`: it is what was asked for.
fn show(ctx: &Context, address: &str, form: Form, text: &str, phrase: &Phrase) -> Result<()> {
    let mut line = Zeroizing::new(Vec::with_capacity(4 * text.len() + 2048));
    if ctx.out.is_json() {
        // By hand: a JSON value would keep a copy of the secret.
        let form_name = form.name();
        let begin = format!(
            r#"{{"event":"key_export","schema":{SCHEMA},"address":"{address}","form":"{form_name}","#
        );
        line.extend(begin.bytes());
        let written = match form {
            Form::Phrase => {
                line.extend(br#""words":"#);
                serde_json::to_writer(&mut *line, &phrase.words().collect::<Vec<_>>())
            }
            _ => {
                line.extend(br#""key":"#);
                serde_json::to_writer(&mut *line, text)
            }
        };
        written.map_err(|e| CliError::failed("io", e.to_string()))?;
        line.extend(b"}\n");
    } else {
        line.extend(text.as_bytes());
    }
    let mut stdout = std::io::stdout();
    stdout
        .write_all(&line)
        .and_then(|()| stdout.flush())
        .map_err(|e| CliError::failed("io", format!("can't write to stdout: {e}")))
}

/// A key must not be where it could be published: a site's folder goes to git and to web servers, and what
/// lies in it is part of the site.
fn refuse_site_folder(file: &Path) -> Result<()> {
    let absolute = std::path::absolute(file).unwrap_or(file.to_owned());
    // Links are followed: they may lead into a site from outside.
    let parent = absolute.parent().unwrap_or(&absolute);
    let parent = parent.canonicalize().unwrap_or(parent.to_owned());
    let site = parent
        .ancestors()
        .find(|dir| dir.join("skep.toml").is_file());
    let Some(site) = site else {
        return Ok(());
    };
    Err(CliError::failed(
        "refused",
        format!(
            "{} would lie in the site {}, and a key must not be where it could be published",
            file.display(),
            site.display()
        ),
    )
    .hint("name a file outside of the site's folder, such as ../my-site.key.age"))
}

fn refuse_existing(file: &Path) -> Result<()> {
    match file.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(_) => Err(
            CliError::usage(format!("{} exists already", file.display()))
                .hint("name a file that does not exist yet"),
        ),
    }
}
