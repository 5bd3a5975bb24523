//! `skep build`: the website as files.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use skep_generator::{Engine, LoadOptions, clean, load};

use crate::{
    built::{self, Trust},
    confined,
    context::{Context, now},
    error::{CliError, Exit, Result},
    folder::Folder,
    notes,
    output::{Phase, Unit, bytes, count},
    site::SiteDir,
    trust,
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
    /// Where to [default: `output` in skep.toml, else _site, in the site's folder]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    include: Include,
    /// Write every file anew, and colour code anew
    #[arg(long)]
    clean: bool,
    /// Let warnings be errors
    #[arg(long)]
    strict: bool,
    /// What absolute URLs begin with, in feeds for instance [default: `url` in skep.toml]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    #[command(flatten)]
    trust: Trust,
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
    let dir = SiteDir::open(ctx, &args.dir)?;
    match &dir.config.engine {
        Engine::Tera { output } => with_tera(ctx, args, output),
        Engine::Command { command, output } => {
            args.refuse_flags()?;
            let command = trust::ask(ctx, &dir, command, args.trust.trust)?;
            let out = built::run(ctx, &dir, &command, output)?;
            let folder = Folder::read(&out);
            ctx.out.json(&json!({
                "event": "build", "out": args.dir.join(output),
                "files": folder.files,
                "bytes": folder.bytes,
                "written": null,
                "unchanged": null,
                "removed": null,
                "warnings": [],
            }));
            ctx.out.say(format!(
                "{} has {} ({}).",
                args.dir.join(output).display(),
                count(folder.files, "file"),
                bytes(folder.bytes)
            ));
            Ok(Exit::Done)
        }
        _ => Err(CliError::failed(
            "refused",
            format!(
                "there is nothing to build: the skep.toml in {} says engine = \"static\"",
                args.dir.display()
            ),
        )
        .hint("`skep publish` takes the folder as it is")),
    }
}

impl BuildArgs {
    /// Fails on flags that say how skep should build.
    fn refuse_flags(&self) -> Result<()> {
        let given = [
            (self.out.is_some(), "--out"),
            (self.include.drafts, "--drafts"),
            (self.include.future, "--future"),
            (self.include.unpublished, "--unpublished"),
            (self.clean, "--clean"),
            (self.strict, "--strict"),
            (self.base_url.is_some(), "--base-url"),
        ];
        match given.iter().find(|(given, _)| *given) {
            None => Ok(()),
            Some((_, flag)) => Err(CliError::usage(format!(
                "`{flag}` is for sites that skep builds; another program builds this one"
            ))
            .hint("say it to that program: put it into `command` in skep.toml")),
        }
    }
}

fn with_tera(ctx: &Context, args: &BuildArgs, output: &str) -> Result<Exit> {
    let options = LoadOptions {
        as_of: now(),
        drafts: args.include.drafts,
        future: args.include.future,
        unpublished: args.include.unpublished,
        base_url: args.base_url.clone(),
        below_base_url: true,
        fingerprint: true,
        styles: confined::compiler(),
        cache: (!args.clean).then(|| ctx.home.cache()),
    };
    let out = args.out.clone().unwrap_or_else(|| args.dir.join(output));
    let loading = ctx.out.begin(Phase::Load, None, Unit::Files);
    let site = load(&args.dir, &options)?;
    drop(loading);
    notes::tell(ctx, &site, args.strict)?;
    notes::tell_left_out(&ctx.out, site.left_out(), true);
    if args.clean {
        clean(&site, &out)?;
    }
    let report = built::write(ctx, &site, &out)?;
    let files = report.manifest.files.len() as u64;
    ctx.out.json(&json!({
        "event": "build", "out": out,
        "files": files,
        "bytes": report.bytes,
        "written": report.written,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "warnings": notes::json(&site),
    }));
    ctx.out.say(format!(
        "Built {} with {} ({}; {} written, {} removed)",
        out.display(),
        count(files, "file"),
        bytes(report.bytes),
        report.written,
        report.removed,
    ));
    // The program ends here: to give back a large site piece by piece would only take time.
    std::mem::forget(site);
    Ok(Exit::Done)
}
