//! `skep new`: a site that builds, with a fresh key; works offline.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use skep_generator::scaffold;
use skep_publisher::{
    archive::address::{Address, SiteId},
    keys,
};

use crate::{
    backup,
    context::{Context, now},
    error::{CliError, Exit, Result},
    making::Making,
    output::BOLD,
    site::SiteDir,
};

/// Make a new website with an address of its own; works offline
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep new my-site
  skep new my-site --title \"Field notes\" --author \"Ada\"
  skep new manual --example        start from the example site, skep's own manual")]
pub(crate) struct NewArgs {
    /// The folder to make; it must not exist, or be empty
    dir: PathBuf,
    /// The website's title [default: the folder's name]
    #[arg(long)]
    title: Option<String>,
    /// Who writes it
    #[arg(long)]
    author: Option<String>,
    /// How it looks
    #[arg(long, value_name = "NAME", default_value = "default")]
    theme: String,
    /// Start from the example site instead of an empty one
    #[arg(long, conflicts_with_all = ["title", "author", "theme"])]
    example: bool,
}

pub(crate) fn run(ctx: &Context, args: &NewArgs) -> Result<Exit> {
    let dir = &args.dir;
    let making = begin(dir)?;
    if args.example {
        scaffold::example_site(&making.site())?;
    } else {
        let name = std::path::absolute(dir).unwrap_or(dir.clone());
        let name = name
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let title = args.title.clone().or(name);
        let title =
            title.ok_or_else(|| CliError::usage("a website needs a title: `--title TITLE`"))?;
        write(&making.site(), &title, args.author.as_deref(), &args.theme)?;
    }
    let address = Address::of(give_key(ctx, making, dir)?).to_string();
    ctx.out
        .json(&json!({"event": "new", "address": address, "dir": dir}));
    let shown = dir.display();
    ctx.out.say(format!(
        "{BOLD}{shown}{BOLD:#} is a website now, with a key of its own."
    ));
    ctx.out.field("address", &address);
    backup::advise(ctx, dir);
    ctx.out.field("next", format!("skep serve {shown}"));
    Ok(Exit::Done)
}

/// Makes a website with a key of its own in `dir`, and returns its identity.
pub(crate) fn make(
    ctx: &Context,
    dir: &Path,
    title: &str,
    author: Option<&str>,
    theme: &str,
) -> Result<SiteId> {
    let making = begin(dir)?;
    write(&making.site(), title, author, theme)?;
    give_key(ctx, making, dir)
}

fn begin(dir: &Path) -> Result<Making> {
    Making::begin(dir, ".skep-new-")
}

fn write(dir: &Path, title: &str, author: Option<&str>, theme: &str) -> Result<()> {
    scaffold::new_site(
        dir,
        &scaffold::NewSite {
            title,
            theme,
            author,
            // A new site's time zone is UTC: with the date of another, its
            // first post could lie in the future.
            date: now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        },
    )?;
    Ok(())
}

/// The key comes last: a key without a site would be one that nobody knows of. The site appears in
/// `dir` with its address.
fn give_key(ctx: &Context, making: Making, dir: &Path) -> Result<SiteId> {
    let site = keys::create(&ctx.home)?;
    scaffold::set_address(&making.site(), &Address::of(site).to_string())?;
    making.place()?;
    SiteDir::open(ctx, dir)?.remember(ctx, site);
    Ok(site)
}
