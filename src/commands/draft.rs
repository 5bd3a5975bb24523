//! `skep draft`: a new draft.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use skep_generator::scaffold;

use crate::{
    context::Context,
    error::{Exit, Result},
};

/// Begin a draft: a file in _drafts with front matter
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep draft \"Why bees dance\"
  skep draft \"Why bees dance\" my-site")]
pub(crate) struct DraftArgs {
    /// The draft's title
    title: String,
    /// The site's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
}

pub(crate) fn run(ctx: &Context, args: &DraftArgs) -> Result<Exit> {
    let file = scaffold::draft(&args.dir, &args.title)?;
    ctx.out.json(&json!({"event": "draft", "file": file}));
    ctx.out.say(format!("Write in {}", file.display()));
    ctx.out.field("preview", "skep serve --drafts");
    ctx.out
        .field("when done", format!("skep post {}", file.display()));
    Ok(Exit::Done)
}
