//! `--only`: a part of what changed.

use clap::Args;
use skep_generator::glob;
use skep_publisher::{
    archive::path::ArchivePath,
    review::{Review, only},
    store::Store,
};

use crate::error::{CliError, Result};

/// Which of the changes are meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct Choice {
    /// Take only what lies at these paths of the site, and leave the rest as it is published: `about`, `*.css`,
    /// `**/*.png` (may be given more than once)
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
}

impl Choice {
    /// All changes.
    pub(crate) const ALL: Self = Self { only: Vec::new() };

    /// Whether all paths are meant.
    pub(crate) fn is_all(&self) -> bool {
        self.only.is_empty()
    }

    /// Whether a path is meant.
    pub(crate) fn has(&self, path: &ArchivePath) -> bool {
        self.only.is_empty() || glob::any(&self.only, path.as_str())
    }

    /// Fails on a glob that none of the paths has: a slip there must not look like "nothing has changed".
    pub(crate) fn check<'a>(&self, paths: impl Iterator<Item = &'a ArchivePath>) -> Result<()> {
        let mut unused: Vec<&String> = self.only.iter().collect();
        for path in paths {
            if unused.is_empty() {
                return Ok(());
            }
            unused.retain(|pattern| !glob::any(std::slice::from_ref(pattern), path.as_str()));
        }
        match unused.first() {
            None => Ok(()),
            Some(pattern) => Err(CliError::usage(format!(
                "`--only {pattern}` matches no file of the site, old or new"
            ))
            .hint(
                "name paths as `skep status` lists them; `*` stays within a folder, `**` does not",
            )),
        }
    }

    /// The review of what is meant, and how many changes that leaves out.
    pub(crate) fn narrow(&self, store: &Store, all: Review) -> Result<(Review, usize)> {
        if self.only.is_empty() {
            return Ok((all, 0));
        }
        self.check(all.output.paths())?;
        Ok(only(store, all, |path| self.has(path))?)
    }
}
