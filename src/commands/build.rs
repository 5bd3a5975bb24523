//! `skep build`: the website as files.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use skep_generator::{LoadOptions, build, load};

use crate::{
    context::{Context, now},
    error::{Exit, Result},
    output::{bytes, count},
};

/// Build the website as files, for any web server
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep build
  skep build my-site -o /tmp/out --drafts")]
pub(crate) struct BuildArgs {
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to [default: _site in the site's folder]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    include: Include,
    /// What absolute URLs begin with, in feeds for instance [default: `url` in skep.toml]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

/// What is shown beside the finished posts.
#[derive(Debug, Clone, Args)]
pub(crate) struct Include {
    /// Include drafts
    #[arg(long)]
    pub(crate) drafts: bool,
    /// Include posts whose date is in the future
    #[arg(long)]
    pub(crate) future: bool,
    /// Include pages with `published: false`
    #[arg(long)]
    pub(crate) unpublished: bool,
}

pub(crate) fn run(ctx: &Context, args: &BuildArgs) -> Result<Exit> {
    let options = LoadOptions {
        as_of: now(),
        drafts: args.include.drafts,
        future: args.include.future,
        unpublished: args.include.unpublished,
        base_url: args.base_url.clone(),
    };
    let out = args.out.clone().unwrap_or_else(|| args.dir.join("_site"));
    let report = build(&load(&args.dir, &options)?, &out)?;
    let files = report.manifest.files.len() as u64;
    ctx.out.json(&json!({
        "out": out,
        "files": files,
        "bytes": report.bytes,
        "written": report.written,
        "unchanged": report.unchanged,
        "removed": report.removed,
    }));
    ctx.out.say(format!(
        "Built {} with {} ({}; {} written, {} removed)",
        out.display(),
        count(files, "file"),
        bytes(report.bytes),
        report.written,
        report.removed,
    ));
    Ok(Exit::Done)
}
