//! `skep key new`: a key and an address for a site that has none, or has lost it.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use skep_generator::scaffold;
use skep_publisher::{archive::address::Address, keys};

use crate::{
    backup,
    context::Context,
    error::{CliError, Result},
    output::BOLD,
    site::SiteDir,
};

/// Give a site a fresh key, and with it a new address
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep key new             the site in this folder
  skep key new my-site

A site that has an address keeps it if its key can be had: see `skep key import`. With a new one it begins
again: readers of the old one don't learn of it, and what was published stays there.")]
pub(super) struct KeyNewArgs {
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Give up the address that it has without asking
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(ctx: &Context, args: &KeyNewArgs) -> Result<()> {
    let dir = SiteDir::open(ctx, &args.dir)?;
    let old = dir.config.address.clone();
    if let Some(old) = &old {
        confirm(ctx, args, old)?;
    }
    let site = keys::create(&ctx.home)?;
    let address = Address::of(site).to_string();
    scaffold::set_address(&args.dir, &address)?;
    ctx.out
        .json(&json!({"event": "key_new", "address": address, "dir": args.dir, "replaced": old}));
    let shown = args.dir.display();
    ctx.out
        .say(format!("{BOLD}{shown}{BOLD:#} has a key of its own now."));
    ctx.out.field("address", &address);
    backup::advise(ctx, &args.dir);
    Ok(())
}

/// Asks before an address is given up: readers know the site by it.
fn confirm(ctx: &Context, args: &KeyNewArgs, old: &str) -> Result<()> {
    if args.yes {
        return Ok(());
    }
    let parsed = old.parse::<Address>().ok();
    let key = parsed.map(|address| keys::load(&ctx.home, address.site));
    let old = skep_publisher::error::printable(old);
    ctx.out.note(format!("This site has an address: {old}"));
    ctx.out.note(match key {
        Some(Ok(_)) => "Its key is here, and stays here.",
        _ => "Its key is not here; `skep key import` brings it from a backup.",
    });
    ctx.out
        .note("With a new address it begins again: readers of the old one don't learn of it.");
    match ctx.out.ask("Give it a new address?") {
        Some(true) => Ok(()),
        Some(false) => Err(CliError::failed("cancelled", "nothing was changed")),
        None => Err(
            CliError::usage("there is no terminal to ask whether to give up the address")
                .hint("`--yes` gives it up without asking"),
        ),
    }
}
