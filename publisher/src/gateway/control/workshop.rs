//! [`Workshop`]: what the program around this library does for the control pages. This library publishes
//! files; where a website lies, what it is made of and how it is built is none of its business.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    archive::{address::SiteId, head::Head, path::ArchivePath},
    error::Error,
    review::{Review, Warning},
};

/// Websites on this machine: making, building and showing them. All methods may block.
pub trait Workshop: Send + Sync + 'static {
    /// How a new website can look.
    fn themes(&self) -> Vec<Theme>;

    /// The folder in which new websites are put if nobody says otherwise.
    fn websites_folder(&self) -> PathBuf;

    /// Makes a website with a key of its own. Nothing is left of it if that fails.
    ///
    /// # Errors
    ///
    /// If the folder has something in it, or can't be written.
    fn create(&self, wanted: &NewWebsite) -> Result<SiteId, Refusal>;

    /// Makes a website with a key of its own of the sources of a version, which is here. Nothing that they name is
    /// run, and nothing is left of it if that fails.
    ///
    /// # Errors
    ///
    /// If the version has no sources or they can't be built, the folder has something in it, or can't be written.
    fn fork(&self, wanted: &NewFork) -> Result<Forked, Refusal>;

    /// The URL of the preview of a site, if it runs.
    fn preview(&self, site: SiteId) -> Option<String>;

    /// Starts the preview of a site, unless it runs, and returns its URL.
    ///
    /// # Errors
    ///
    /// If its folder is not known, or the site can't be read.
    fn start_preview(&self, site: SiteId) -> Result<String, Refusal>;

    /// Stops the preview of a site, if it runs.
    fn stop_preview(&self, site: SiteId);

    /// Builds a site, and compares it with its newest version.
    ///
    /// # Errors
    ///
    /// If its folder or key is not here, or it can't be built.
    fn draft(&self, site: SiteId) -> Result<Draft, Refusal>;

    /// Writes into the site's settings whether its sources are published with it.
    ///
    /// # Errors
    ///
    /// If its folder is not known, or the settings can't be written.
    fn choose_sources(&self, site: SiteId, publish: bool) -> Result<(), Refusal>;

    /// Signs a version of what was shown.
    ///
    /// # Errors
    ///
    /// If something stops it that was not allowed by name, or files changed since they were shown.
    fn sign(&self, draft: Draft, wanted: &Wanted, progress: &dyn Fn(&str))
    -> Result<Head, Refusal>;

    /// Puts the file behind a change back to what the newest version has, and keeps a copy of what was there.
    ///
    /// # Errors
    ///
    /// If the change was made by the build from other files, whose old state is not known.
    fn restore(&self, draft: &Draft, change: Place<'_>) -> Result<Restored, Refusal>;
}

/// Why something was not done, for people.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What failed and why; it may have several lines.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// How a website can look.
#[derive(Debug, Clone)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// What it is like, in a sentence.
    pub description: String,
}

/// A website to be made.
#[derive(Debug, Clone)]
pub struct NewWebsite {
    /// Its title.
    pub title: String,
    /// The name of its theme.
    pub theme: String,
    /// The folder to make.
    pub folder: PathBuf,
}

/// A fork to be made.
#[derive(Debug, Clone)]
pub struct NewFork {
    /// The other site.
    pub site: SiteId,
    /// The version of it.
    pub version: u64,
    /// What the other site is called, if it says that. It is a stranger's text.
    pub title: String,
    /// The folder to make; if it is empty, one in the folder of websites.
    pub folder: PathBuf,
}

/// A fork that was made. Its texts are a stranger's.
#[derive(Debug, Clone)]
pub struct Forked {
    /// Its identity.
    pub site: SiteId,
    /// Its title.
    pub title: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The command that builds it, if skep does not. It has not run.
    pub command: Option<String>,
    /// The paths that the other site has, and that can't be made of its sources.
    pub missing: Vec<String>,
    /// Where the other site says it is on the web; the fork does not say it.
    pub url: Option<String>,
}

/// What a publish would bring, as it is shown to the author.
pub struct Draft {
    /// The title of the site.
    pub title: String,
    /// The changes.
    pub review: Review,
    /// Whether nobody has said yet if the sources are published too.
    pub ask_sources: bool,
    /// What the author should know of the files.
    pub warnings: Vec<Warning>,
    /// What the author should know of versions from other machines.
    pub concerns: Vec<Concern>,
    /// The moment that the build took for the present, in seconds since 1970.
    pub as_of: u64,
    /// What else was said while it was built.
    pub notes: Vec<String>,
    /// The file in the site's folder of which each changed file of the output was made, where it is one.
    pub origins: BTreeMap<ArchivePath, String>,
}

/// What stops a publish, unless it is allowed by its name.
#[derive(Debug, Clone)]
pub struct Concern {
    /// The name by which it is allowed.
    pub name: &'static str,
    /// A sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// How the author wants a draft published.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// What changed, in words.
    pub message: String,
    /// The paths of the site's files that are meant; all changes if there is none.
    pub only: Option<Vec<ArchivePath>>,
    /// The names of warnings and concerns that do not stop it.
    pub allow: Vec<String>,
}

/// Where a change is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The file.
    pub path: &'a ArchivePath,
    /// Whether it is one of the sources.
    pub in_sources: bool,
}

/// A file that was put back.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The file in the site's folder.
    pub file: PathBuf,
    /// Where a copy of what was there is kept, if there was anything.
    pub kept: Option<PathBuf>,
}

impl Refusal {
    /// A refusal without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            message: error.message,
            hint: error.hint,
        }
    }
}
