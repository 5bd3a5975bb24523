//! `skep key`: make, back up and restore site keys.

mod export;
mod import;
mod list;
mod new;

use clap::{Args, Subcommand};

use crate::{
    context::Context,
    error::{Exit, Result},
};

/// Make, back up and restore the keys of your sites
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep key list
  skep key export my-site my-site.key.age    a file that a passphrase locks
  skep key export my-site --phrase           24 words to write on paper
  skep key import my-site.key.age            on another machine
  skep key import --phrase                   type the words
  skep key new my-site                       a new key and address for a site without one")]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    New(new::KeyNewArgs),
    /// The sites whose keys are here, and when they were backed up
    #[command(after_help = "Examples:\n  skep key list")]
    List,
    Export(export::KeyExportArgs),
    Import(import::KeyImportArgs),
}

pub(crate) fn run(ctx: &Context, args: &KeyArgs) -> Result<Exit> {
    match &args.command {
        KeyCommand::New(args) => new::run(ctx, args)?,
        KeyCommand::List => list::run(ctx)?,
        KeyCommand::Export(args) => export::run(ctx, args)?,
        KeyCommand::Import(args) => import::run(ctx, args)?,
    }
    Ok(Exit::Done)
}
