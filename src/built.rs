//! What is to be published: built now, or what lies in the site's output folder.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Args;
use skep_generator::{BuildManifest, LoadOptions, build, load, record_of};
use skep_publisher::{
    archive::address::SiteId,
    review::{Origin, Review, Warning, warnings},
    snapshot::{Options, Snapshot, snapshot},
};

use crate::{
    context::{Context, now, seconds},
    error::{CliError, Result},
    site::SiteDir,
};

/// Where the files come from that would be published.
#[derive(Debug, Clone, Args)]
pub(crate) struct From {
    /// Take what lies in the output folder (`_site`) as it is, and build nothing
    #[arg(long)]
    pub(crate) no_build: bool,
}

/// The files that would be published.
pub(crate) struct Built {
    /// Where they are: in the cache, or in the site's output folder.
    out: PathBuf,
    /// Where it is remembered what was seen there.
    seen: PathBuf,
    record: Record,
}

/// What is known of how they came to be.
enum Record {
    /// They were built just now.
    Made(BuildManifest),
    /// They lay there; whoever wrote them may have left a manifest beside them.
    Found,
}

/// What a person should know of the files that would be published.
pub(crate) struct Known {
    pub(crate) warnings: Vec<Warning>,
    /// The moment that the build took for the present, in seconds since 1970.
    pub(crate) as_of: u64,
    /// Whether drafts among them would have been seen.
    pub(crate) drafts_checked: bool,
}

impl SiteDir {
    /// The files that would be published: built now, without drafts and posts from the future, or
    /// those of an earlier build.
    pub(crate) fn built(&self, ctx: &Context, site: SiteId, from: &From) -> Result<Built> {
        match from.no_build {
            true => self.found(ctx, site),
            false => self.build(ctx, site),
        }
    }

    /// Builds into the cache, never into `_site`, where a draft may lie.
    fn build(&self, ctx: &Context, site: SiteId) -> Result<Built> {
        let model = load(&self.dir, &LoadOptions::published(now()))?;
        let out = ctx.home.cache().join("build").join(site.to_string());
        let report = build(&model, &out)?;
        ctx.out.step(format!(
            "built {} files in {}",
            report.manifest.files.len(),
            out.display()
        ));
        Ok(Built {
            out,
            seen: seen(ctx, site, "built"),
            record: Record::Made(report.manifest),
        })
    }

    /// The output folder as it is. Of the sources, `skep.toml` alone was read.
    fn found(&self, ctx: &Context, site: SiteId) -> Result<Built> {
        let shown = self.dir.join(OUTPUT);
        let io = |path: &Path, e: std::io::Error| {
            CliError::failed("io", format!("could not open {}: {e}", path.display()))
        };
        let out = match shown.canonicalize() {
            Ok(out) if out.is_dir() => out,
            Ok(_) => {
                let message = format!("{} is a file, not a folder", shown.display());
                return Err(CliError::failed("no-output", message));
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let message = format!("there is no {}: nothing was built there", shown.display());
                return Err(CliError::failed("no-output", message)
                    .hint("build it with `skep build`, or leave `--no-build` out"));
            }
            Err(e) => return Err(io(&shown, e)),
        };
        let dir = self.dir.canonicalize().map_err(|e| io(&self.dir, e))?;
        if !out.starts_with(&dir) {
            let message = format!(
                "{} is a link that leads out of the site's folder",
                shown.display()
            );
            return Err(CliError::failed("no-output", message).hint(
                "put the folder itself in its place: a publish takes files of the site only",
            ));
        }
        Ok(Built {
            out,
            seen: seen(ctx, site, "found"),
            record: Record::Found,
        })
    }
}

/// Where `skep build` builds to, in the site's folder.
const OUTPUT: &str = "_site";

/// Each folder has a file of its own, so that neither has to be read whole because of the other.
fn seen(ctx: &Context, site: SiteId, which: &str) -> PathBuf {
    ctx.home
        .cache()
        .join("seen")
        .join(format!("{site}.{which}"))
}

impl Built {
    /// The files with their hashes; only those that changed since the last time are read.
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        let options = Options {
            cache: Some(&self.seen),
            // A folder that is put on the web with git is a repository.
            leave_out: Some(&|path| path == ".git"),
        };
        Ok(snapshot(&self.out, &options)?)
    }

    /// What the author should know of what would be published.
    pub(crate) fn inspect(&self, ctx: &Context, review: &Review) -> Result<Known> {
        let changed = || review.changes.iter().map(|change| change.path.as_str());
        let mut origins: BTreeMap<&str, Origin> = BTreeMap::new();
        let (as_of, drafts_checked) = match &self.record {
            Record::Made(manifest) => {
                for path in changed() {
                    if let Some(file) = manifest.files.get(path) {
                        origins.insert(path, origin(file.draft, file.future, file.unpublished));
                    }
                }
                (manifest.as_of, true)
            }
            // Nothing has to be known of nothing: the manifest of a large site takes a while to read.
            Record::Found if review.changes.is_empty() => (now(), true),
            Record::Found => match record_of(&self.out, changed())? {
                None => {
                    ctx.out.note(format!(
                        "Drafts can't be told from other files here: `skep build` leaves a list beside {}, and there is none.",
                        self.out.display()
                    ));
                    (now(), false)
                }
                Some(record) => {
                    for (path, mark) in changed().zip(record.marks) {
                        if let Some(mark) = mark {
                            origins.insert(path, origin(mark.draft, mark.future, mark.unpublished));
                        }
                    }
                    (record.as_of, true)
                }
            },
        };
        let origin = |path: &str| origins.get(path).copied().unwrap_or_default();
        Ok(Known {
            warnings: warnings(review, origin)?,
            as_of: seconds(as_of),
            drafts_checked,
        })
    }
}

fn origin(draft: bool, future: bool, unpublished: bool) -> Origin {
    Origin {
        draft,
        future,
        unpublished,
    }
}
