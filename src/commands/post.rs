//! `skep post`: a draft becomes a post.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use skep_generator::{config, scaffold};

use crate::{
    context::{Context, now},
    error::{Exit, Result},
};

/// Date a draft and move it to _posts
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep post _drafts/why-bees-dance.md
  skep post my-site/_drafts/why-bees-dance.md")]
pub(crate) struct PostArgs {
    /// The draft
    file: PathBuf,
    /// The site's folder [default: the one that the draft lies in]
    dir: Option<PathBuf>,
}

pub(crate) fn run(ctx: &Context, args: &PostArgs) -> Result<Exit> {
    let dir = args.dir.clone().unwrap_or_else(|| site_of(&args.file));
    let zone = config::read(&dir)?.time_zone;
    let file = scaffold::post(&dir, &args.file, now().to_zoned(zone))?;
    ctx.out.json(&json!({"event": "post", "file": file}));
    ctx.out.say(format!("It is a post now: {}", file.display()));
    ctx.out.field("next", "skep publish");
    Ok(Exit::Done)
}

/// The folder above `file` that has a `skep.toml`, or the present one.
fn site_of(file: &Path) -> PathBuf {
    let file = std::path::absolute(file).unwrap_or(file.to_owned());
    let site = file
        .ancestors()
        .skip(1)
        .find(|dir| dir.join("skep.toml").is_file());
    site.map_or_else(|| PathBuf::from("."), Path::to_owned)
}
