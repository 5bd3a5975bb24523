//! The sources that are published beside the site, if its author wants that.

use std::collections::HashSet;

use skep_generator::{BuildManifest, Engine, scaffold};
use skep_publisher::{
    archive::address::SiteId,
    snapshot::{Options, Snapshot, snapshot},
};

use crate::{context::Context, error::Result, site::SiteDir};

/// Whether nobody has said yet if the sources go out too.
pub(crate) fn is_open(dir: &SiteDir) -> bool {
    // Of which files another program makes a site is not known.
    let is_ours = matches!(dir.config.engine, Engine::Tera { .. });
    is_ours && dir.config.publish_source.is_none()
}

/// Asks, once, whether the sources go out too, and writes the answer into `skep.toml`. Where there is nobody to
/// ask they stay.
pub(crate) fn ask(ctx: &Context, dir: &mut SiteDir) -> Result<()> {
    if !is_open(dir) {
        return Ok(());
    }
    let question = "Publish the sources as well (texts, templates, settings; no drafts), so that others can build on them?";
    if let Some(answer) = ctx.out.ask(question) {
        scaffold::set_publish_source(&dir.dir, answer).map_err(|e| dir.as_typed(e))?;
        dir.config.publish_source = Some(answer);
        ctx.out.note(format!(
            "skep.toml says now: publish_source = {answer}. Change it there whenever you like."
        ));
    }
    Ok(())
}

/// The files of the site's folder of which a build was made.
pub(crate) fn take(
    ctx: &Context,
    dir: &SiteDir,
    site: SiteId,
    manifest: &BuildManifest,
) -> Result<Snapshot> {
    let mut wanted: HashSet<&str> = HashSet::new();
    for path in &manifest.sources {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        wanted.extend(folders.chain([path.as_str()]));
    }
    let cache = ctx
        .home
        .cache()
        .join("seen")
        .join(format!("{site}.sources"));
    let leave_out = |path: &str| !wanted.contains(path);
    let options = Options {
        cache: Some(&cache),
        leave_out: Some(&leave_out),
        watch: Some(ctx.out.watch().clone()),
    };
    snapshot(&dir.dir, &options).map_err(|e| dir.as_typed(e))
}
