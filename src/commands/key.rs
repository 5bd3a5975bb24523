//! `skep key`: back up and restore site keys.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde_json::json;
use skep_publisher::{archive::address::Address, keys};

use crate::{
    context::Context,
    error::{CliError, Exit, Result},
    site::id_of,
};

/// Back up and restore the keys of your sites
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep key list
  skep key export skep://… my-site.key     keep that file where nobody else can read it
  skep key import my-site.key              on another machine")]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// The sites whose keys are here
    List,
    /// Write a key to a file that only you can read; without FILE, to stdout
    Export {
        /// The site's address, or its folder
        #[arg(value_name = "ADDRESS|DIR")]
        site: String,
        /// The file to make
        file: Option<PathBuf>,
    },
    /// Take in a key that was exported
    Import {
        /// The file; `-` is stdin
        file: PathBuf,
    },
}

pub(crate) fn run(ctx: &Context, args: &KeyArgs) -> Result<Exit> {
    match &args.command {
        KeyCommand::List => list(ctx)?,
        KeyCommand::Export { site, file } => export(ctx, site, file.as_deref())?,
        KeyCommand::Import { file } => import(ctx, file)?,
    }
    Ok(Exit::Done)
}

fn list(ctx: &Context) -> Result<()> {
    let addresses: Vec<String> = keys::list(&ctx.home)?
        .into_iter()
        .map(|site| Address::of(site).to_string())
        .collect();
    ctx.out.json(&json!({"keys": addresses}));
    for address in &addresses {
        ctx.out.say(address);
    }
    if addresses.is_empty() {
        ctx.out.note(format!(
            "There are no keys in {}.",
            ctx.home.keys().display()
        ));
    }
    Ok(())
}

fn export(ctx: &Context, site: &str, file: Option<&Path>) -> Result<()> {
    let site = id_of(site)?;
    match file {
        Some(file) => {
            refuse_site_folder(file)?;
            keys::export_to(&ctx.home, site, file)?;
            let address = Address::of(site).to_string();
            ctx.out.json(&json!({"address": address, "file": file}));
            ctx.out
                .say(format!("The key of {address} is in {}.", file.display()));
            ctx.out.say("Whoever has that file can publish as you: keep it off shared disks and out of git.");
        }
        None => {
            let text = keys::export(&ctx.home, site)?;
            std::io::stdout()
                .write_all(text.as_bytes())
                .map_err(|e| CliError::failed("io", format!("can't write to stdout: {e}")))?;
        }
    }
    Ok(())
}

/// A site's folder goes to git and to web servers, and what lies in it is part of the site.
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
    .hint("name a file outside of the site's folder, such as ../my-site.key"))
}

/// A key file has a few hundred bytes; more is another kind of file.
const MAX_KEY_FILE: u64 = 16 << 10;

fn import(ctx: &Context, file: &Path) -> Result<()> {
    let mut text = String::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin()
            .take(MAX_KEY_FILE)
            .read_to_string(&mut text),
        false => {
            std::fs::File::open(file).and_then(|f| f.take(MAX_KEY_FILE).read_to_string(&mut text))
        }
    };
    read.map_err(|e| CliError::failed("io", format!("can't read {}: {e}", file.display())))?;
    let address = Address::of(keys::import(&ctx.home, &text)?).to_string();
    ctx.out.json(&json!({"address": address}));
    ctx.out.say(format!("The key of {address} is here now."));
    Ok(())
}
