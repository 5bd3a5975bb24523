//! The site folder that a command works on.

use std::path::{Path, PathBuf};

use skep_generator::{Config, config};
use skep_publisher::{
    archive::address::{Address, SiteId},
    library::folders::{self, Folder},
};

use crate::{
    context::Context,
    error::{CliError, Result},
    forking::Origin,
};

/// A site folder.
pub(crate) struct SiteDir {
    /// The folder, as it has to be opened.
    pub(crate) dir: PathBuf,
    /// The folder, as a person typed it.
    pub(crate) typed: PathBuf,
    pub(crate) config: Config,
}

impl SiteDir {
    /// The site in `dir`, as a person typed it.
    pub(crate) fn open(ctx: &Context, dir: &Path) -> Result<Self> {
        let opened = ctx.path(dir);
        let config = config::read(&opened).map_err(|e| CliError::from(e).naming(&opened, dir))?;
        Ok(Self {
            dir: opened,
            typed: dir.to_owned(),
            config,
        })
    }

    /// The error with the folder named as a person typed it.
    pub(crate) fn as_typed(&self, error: impl Into<CliError>) -> CliError {
        error.into().naming(&self.dir, &self.typed)
    }

    /// Remembers where the site lies, for the library page.
    pub(crate) fn remember(&self, ctx: &Context, site: SiteId) {
        let Ok(dir) = self.dir.canonicalize() else {
            return;
        };
        let title = self.config.title.clone().unwrap_or_default();
        // A list for convenience: that it can't be written keeps nobody from publishing.
        if let Err(e) = folders::remember(&ctx.home, site, &Folder { dir, title }) {
            ctx.out.step(e.to_string());
        }
    }

    /// The site's identity.
    pub(crate) fn id(&self) -> Result<SiteId> {
        let file = self.typed.join("skep.toml");
        let Some(address) = &self.config.address else {
            return Err(CliError::failed(
                "no-address",
                format!(
                    "{} has no `address`: this site has no key yet",
                    file.display()
                ),
            )
            .hint(
                "`skep key new DIR` gives it one; an address that you have goes into skep.toml",
            ));
        };
        let address: Address = address.parse().map_err(|e| {
            CliError::failed(
                "config",
                format!("{}: `address` is not an address: {e}", file.display()),
            )
            .hint("put the address that `skep new` printed there, `skep key list` shows those whose keys are here; or `skep key new DIR` gives the site a new one")
        })?;
        Ok(address.site)
    }

    /// What the site was forked from, if it was.
    pub(crate) fn origin(&self) -> Result<Option<Origin>> {
        let parse = |text: &String| {
            text.parse::<Origin>().map_err(|why| {
                let file = self.dir.join("skep.toml");
                let message = format!("{}: `origin` {why}", file.display());
                CliError::failed("config", message).hint(
                    "it says of which version this site is a fork, and `skep fork` wrote it; take the line out if this is none",
                )
            })
        };
        self.config.origin.as_ref().map(parse).transpose()
    }
}

/// A site that is named by its folder or by its address.
pub(crate) fn id_of(ctx: &Context, target: &str) -> Result<SiteId> {
    let dir = Path::new(target);
    if ctx.path(dir).is_dir() {
        return SiteDir::open(ctx, dir)?.id();
    }
    let address = address(target).map_err(|e| {
        if target.contains("://") || target.len() > 40 {
            return e;
        }
        CliError::usage(format!(
            "there is no folder {target:?}, and it is not an address"
        ))
        .hint("name a site's folder, or its address: `skep://` and 56 letters and digits")
    })?;
    match address.version.is_some() || address.path.is_some() {
        false => Ok(address.site),
        true => Err(
            CliError::usage(format!("{target} is a part of a site")).hint(format!(
                "this is for the whole of it: {}",
                Address::of(address.site)
            )),
        ),
    }
}

/// The address that a person typed. A path may end in a slash, as that of a page does in a browser; an
/// archive's path never has one.
pub(crate) fn address(text: &str) -> Result<Address> {
    let (site, query) = match text.split_once('?') {
        Some((site, query)) => (site, format!("?{query}")),
        None => (text, String::new()),
    };
    let site = site.trim_end().strip_suffix('/').unwrap_or(site);
    Ok(format!("{site}{query}").parse()?)
}
