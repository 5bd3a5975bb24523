//! What is to be published: built now, or what lies in the site's output folder.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;
use skep_generator::{
    BuildManifest, BuildReport, Engine, LoadOptions, Site, build_watched, load, record_of,
};
use skep_publisher::{
    archive::{address::SiteId, path::ArchivePath},
    error::printable,
    review::{Origin, Review, Sources, Warning, review, warnings},
    snapshot::{Options, Snapshot, snapshot},
    store::Store,
};

use crate::{
    choice::Choice,
    confined,
    context::{Context, now, seconds},
    engine,
    error::{CliError, Result},
    folder::{self, Folder},
    notes,
    output::{Phase, Unit},
    site::SiteDir,
    sources,
    trust::{self, Trusted},
};

/// Where the files come from that would be published.
#[derive(Debug, Clone, Args)]
pub(crate) struct From {
    /// Take what lies in the output folder as it is, and build nothing
    #[arg(long, conflicts_with = "trust")]
    pub(crate) no_build: bool,
    #[command(flatten)]
    pub(crate) trust: Trust,
}

/// Whether a program that is not known here may build the site.
#[derive(Debug, Clone, Args)]
pub(crate) struct Trust {
    /// Run the command that builds the site, though nobody has seen it on this machine
    #[arg(long)]
    pub(crate) trust: bool,
}

/// How the files are to come about. Whoever has one was told what runs.
pub(crate) struct Plan<'a> {
    dir: &'a SiteDir,
    how: How,
}

enum How {
    Build,
    Run { command: Trusted, output: String },
    Take { output: String },
    Folder,
}

/// The files that would be published.
pub(crate) struct Built<'a> {
    dir: &'a SiteDir,
    site: SiteId,
    /// Where they are: in the cache, or in the site's folder.
    out: PathBuf,
    /// Where it is remembered what was seen there.
    seen: PathBuf,
    record: Record,
    /// What a snapshot has left out, in words.
    excluded: RefCell<BTreeSet<String>>,
}

/// What is known of how the files came to be.
enum Record {
    /// skep built them just now.
    Made(BuildManifest),
    /// skep may have built them before; then it left a manifest beside them.
    Found,
    /// Another program made them, at that moment, or nobody.
    Unknown(Timestamp),
}

/// What a person should know of the files that would be published.
pub(crate) struct Known {
    pub(crate) warnings: Vec<Warning>,
    /// The moment that the build took for the present, in seconds since 1970.
    pub(crate) as_of: u64,
    /// Whether drafts among them would have been seen.
    drafts_checked: bool,
    /// Some of what lies in the folder and is left out.
    excluded: Vec<String>,
}

impl Known {
    /// Adds it to a review, for programs.
    pub(crate) fn add_to(&self, review: &mut Value) {
        review["drafts_checked"] = self.drafts_checked.into();
        review["excluded"] = self.excluded.clone().into();
    }
}

impl From {
    /// How the files of `dir` are to come about. Asks whether a command may run that is not known here.
    pub(crate) fn plan<'a>(&self, ctx: &Context, dir: &'a SiteDir) -> Result<Plan<'a>> {
        let how = match (&dir.config.engine, self.no_build) {
            (Engine::Tera { .. }, false) => How::Build,
            (Engine::Command { command, output }, false) => How::Run {
                command: trust::ask(ctx, dir, command, self.trust.trust)?,
                output: output.clone(),
            },
            (Engine::Tera { output } | Engine::Command { output, .. }, true) => How::Take {
                output: output.clone(),
            },
            _ => How::Folder,
        };
        Ok(Plan { dir, how })
    }
}

impl<'a> Plan<'a> {
    /// Brings the files about.
    pub(crate) fn carry_out(self, ctx: &Context, site: SiteId) -> Result<Built<'a>> {
        let dir = self.dir;
        let (out, record) = match self.how {
            How::Build => build_in_cache(ctx, dir, site)?,
            How::Run { command, output } => {
                let as_of = now();
                (run(ctx, dir, &command, &output)?, Record::Unknown(as_of))
            }
            How::Take { output } => {
                let record = match dir.config.engine {
                    Engine::Tera { .. } => Record::Found,
                    _ => Record::Unknown(now()),
                };
                let hint = "build it with `skep build`, or leave `--no-build` out";
                let out = folder::inside(&dir.dir, &output, hint);
                (out.map_err(|e| dir.as_typed(e))?, record)
            }
            How::Folder => {
                let out = dir.dir.canonicalize();
                let out = out.map_err(|e| folder::cant_open(&dir.typed, &e))?;
                (out, Record::Unknown(now()))
            }
        };
        let home = ctx.home.root();
        if home.canonicalize().is_ok_and(|home| home.starts_with(&out)) {
            let message = format!(
                "{} holds the keys and the store of skep ({}), which must never be published",
                out.display(),
                home.display()
            );
            return Err(CliError::failed("refused", message)
                .hint("move them elsewhere, and say where with `--home DIR`"));
        }
        // Each folder has a file of its own, so that neither has to be read whole because of the other.
        let which = match record {
            Record::Made(_) => "built",
            _ => "found",
        };
        let seen = ctx.home.cache().join("seen");
        Ok(Built {
            dir,
            site,
            out,
            seen: seen.join(format!("{site}.{which}")),
            record,
            excluded: RefCell::default(),
        })
    }
}

/// Builds into the cache, never into `_site`, where a draft may lie: no drafts, nothing from the future.
fn build_in_cache(ctx: &Context, dir: &SiteDir, site: SiteId) -> Result<(PathBuf, Record)> {
    let options = LoadOptions {
        styles: confined::compiler(),
        cache: Some(ctx.home.cache()),
        ..LoadOptions::published(now())
    };
    let loading = ctx.out.begin(Phase::Load, None, Unit::Files);
    let model = load(&dir.dir, &options).map_err(|e| dir.as_typed(e))?;
    drop(loading);
    notes::tell(ctx, &model, false)?;
    notes::tell_left_out(&ctx.out, model.left_out(), false);
    let out = ctx.home.cache().join("build").join(site.to_string());
    let report = write(ctx, &model, &out)?;
    ctx.out.step(format!(
        "built {} files in {}",
        report.manifest.files.len(),
        out.display()
    ));
    Ok((out, Record::Made(report.manifest)))
}

/// Writes `site` to the folder `out`, and shows how far that is.
pub(crate) fn write(ctx: &Context, site: &Site, out: &Path) -> Result<BuildReport> {
    let work = ctx.out.begin(Phase::Build, None, Unit::Files);
    let watch = |done, total| work.set(done as u64, total as u64);
    Ok(build_watched(site, out, &watch)?)
}

/// Lets another program build the site, and returns the folder to which it wrote.
pub(crate) fn run(
    ctx: &Context,
    dir: &SiteDir,
    command: &Trusted,
    output: &str,
) -> Result<PathBuf> {
    let folder = dir.dir.join(output);
    let before = Folder::read(&folder);
    engine::run(ctx, &dir.dir, command)?;
    let hint = format!(
        "`{}` has ended well: set `output` in skep.toml to the folder to which it writes",
        printable(command.command())
    );
    let out = folder::inside(&dir.dir, output, &hint).map_err(|e| dir.as_typed(e))?;
    let after = Folder::read(&folder);
    if after.files == 0 {
        let message = format!("{} has no files", out.display());
        return Err(CliError::failed("no-output", message).hint(hint));
    }
    if before == after {
        ctx.out.note(format!(
            "Note that the command changed nothing in {output}; is that the folder to which it writes?"
        ));
    }
    Ok(out)
}

impl Built<'_> {
    /// The files with their hashes; only those that changed since the last time are read.
    fn snapshot(&self, ctx: &Context) -> Result<Snapshot> {
        let leave_out = |path: &str| {
            let keeps = self.keeps(path);
            let mut excluded = self.excluded.borrow_mut();
            if !keeps && excluded.len() < MAX_TOLD {
                excluded.insert(printable(path));
            }
            !keeps
        };
        let options = Options {
            cache: Some(&self.seen),
            leave_out: Some(&leave_out),
            watch: Some(ctx.out.watch().clone()),
        };
        Ok(snapshot(&self.out, &options)?)
    }

    /// What a publish would change: of all files, or of those that are chosen. Also how many changes that leaves out.
    pub(crate) fn review(
        &self,
        ctx: &Context,
        store: &Store,
        choice: &Choice,
    ) -> Result<(Review, usize)> {
        let sources = match choice.is_all() {
            true => self.sources(ctx)?,
            // They would be those of other pages, too.
            false => Sources::AsPublished,
        };
        choice.narrow(
            store,
            review(store, self.site, self.snapshot(ctx)?, sources)?,
        )
    }

    /// The sources that are to be published.
    fn sources(&self, ctx: &Context) -> Result<Sources> {
        let config = &self.dir.config;
        if config.publish_source != Some(true) {
            return Ok(Sources::None);
        }
        match (&self.record, &config.engine) {
            (Record::Made(manifest), _) => {
                let files = sources::take(ctx, self.dir, self.site, manifest)?;
                Ok(Sources::Files(files))
            }
            (_, Engine::Tera { .. }) => {
                ctx.out.note("The sources stay as they are published: with `--no-build` nobody knows of which of them the site is made.");
                Ok(Sources::AsPublished)
            }
            _ => {
                ctx.out.note("The sources are not published, though skep.toml says so: skep did not build the site, and does not know of which files it is made.");
                Ok(Sources::None)
            }
        }
    }

    /// Whether a file or folder of the output is published, by its path.
    fn keeps(&self, path: &str) -> bool {
        match self.dir.config.engine {
            Engine::Tera { .. } => path != ".git",
            _ => self.dir.config.publishes(path),
        }
    }

    /// The file in the site's folder of which a file of the output was made, if it is one.
    pub(crate) fn source_of(&self, path: &ArchivePath) -> Option<String> {
        match (&self.record, &self.dir.config.engine) {
            (Record::Made(manifest), _) => manifest.files.get(path.as_str())?.source.clone(),
            (_, Engine::Tera { .. } | Engine::Command { .. }) => None,
            _ => Some(path.as_str().to_owned()),
        }
    }

    /// What the author should know of what would be published.
    pub(crate) fn inspect(&self, ctx: &Context, review: &Review) -> Result<Known> {
        let changed = || {
            review
                .output
                .changes
                .iter()
                .map(|change| change.path.as_str())
        };
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
            Record::Found if review.output.changes.is_empty() => (now(), true),
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
            Record::Unknown(as_of) => {
                if review.base.is_none() {
                    self.tell_first(ctx);
                }
                (*as_of, false)
            }
        };
        let origin = |path: &str| origins.get(path).copied().unwrap_or_default();
        Ok(Known {
            warnings: warnings(review, origin)?,
            as_of: seconds(as_of),
            drafts_checked,
            excluded: self.excluded.borrow().iter().cloned().collect(),
        })
    }

    /// Says, before the first version, what skep does and does not do with files that it did not make.
    fn tell_first(&self, ctx: &Context) {
        let excluded: Vec<String> = self.excluded.borrow().iter().cloned().collect();
        if !excluded.is_empty() {
            ctx.out.note(format!(
                "Left out of {}: {}",
                self.out.display(),
                excluded.join(", ")
            ));
        }
        ctx.out.note(
            "skep did not build these files, and can't tell drafts among them: look at the list.",
        );
    }
}

/// So many names tell what is left out.
const MAX_TOLD: usize = 20;

fn origin(draft: bool, future: bool, unpublished: bool) -> Origin {
    Origin {
        draft,
        future,
        unpublished,
    }
}

#[cfg(test)]
mod tests {
    use skep_generator::media_type;
    use skep_publisher::snapshot;

    use super::*;

    #[test]
    fn the_preview_and_a_published_version_agree_on_media_types() {
        let extensions = "html htm xhtml css js mjs cjs json jsonld map webmanifest xml rss atom txt md csv tsv svg \
            png jpg jpeg gif webp avif ico bmp tif jxl woff woff2 ttf otf eot mp3 ogg oga opus wav m4a flac aac mp4 \
            m4v webm ogv mov avi pdf epub wasm zip gz tar xz 7z bz2 zst ics vcf vtt srt yaml toml py rs ts tsx MJS JPG";
        let names = extensions
            .split_whitespace()
            .map(|extension| format!("a/b.c.{extension}"));
        for name in names.chain([".mjs", "a.d/mjs", "LICENSE"].map(str::to_owned)) {
            let path = ArchivePath::new(&name).unwrap();
            let published = snapshot::media_type(&path);
            assert_eq!(published.as_str(), media_type(&name), "{name}");
        }
        for name in ["a.js", "a.mjs", "a.MJS", "a.cjs"] {
            assert_eq!(media_type(name), "text/javascript", "{name}");
        }
    }
}
