//! From a folder of Markdown to a website.
//!
//! The data flows one way, and so do the imports: sources → front matter and Markdown →
//! [`Site`], an immutable model → [`render`], one output path as bytes → [`build`], all of them
//! in a folder, or [`preview`], one at a time in a browser.
//!
//! ```no_run
//! use skep_generator::{LoadOptions, build, load};
//!
//! let options = LoadOptions::published(jiff::Timestamp::now());
//! let site = load("my-site".as_ref(), &options)?;
//! let report = build(&site, "my-site/_site".as_ref())?;
//! assert_eq!(report.manifest.files.len(), site.paths().count());
//! # Ok::<(), skep_generator::Error>(())
//! ```
//!
//! This library never prints, asks, exits or reads the environment. The present moment is an
//! argument.

mod build;
pub mod code;
pub mod config;
mod data;
mod dates;
mod documents;
mod engine;
mod error;
mod feed;
mod files;
mod front_matter;
pub mod glob;
mod html;
mod images;
mod links;
mod links_to;
mod load;
mod manifest;
mod markdown;
mod marks;
mod media;
mod names;
mod nul;
mod permalink;
pub mod preview;
mod recognise;
mod redirect;
mod related;
mod render;
pub mod scaffold;
mod site;
mod site_manifest;
mod sitemap;
mod slugs;
mod sources;
mod stamp;
mod style;
mod template;
pub mod theme;
mod written;

pub use build::{BuildReport, build, build_watched, clean, rehearse};
pub use config::Config;
pub use data::Table;
pub use engine::{Engine, OUTPUT};
pub use error::{Error, ErrorKind, Place};
pub use load::{LoadOptions, load};
pub use manifest::{BuildManifest, Mark, Provenance, Record, record_of};
pub use media::media_type;
pub use recognise::{Recognised, recognise};
pub use render::render;
pub use site::{LeftOut, Site, Why};
pub use slugs::slug;
pub use style::{Stopped, StyleCompiler, compile_style};

/// The HTML of a text of Markdown with all extensions, links to other sources not yet resolved.
/// Empty if it calls components in a way that can't be understood. For measuring.
#[doc(hidden)]
pub fn markdown_html(text: &str) -> String {
    let settings = markdown::Settings::default();
    let context = markdown::Context {
        path: "_posts/2026-01-01-a.md",
        settings: &settings,
        template_ids: &markdown::NO_IDS,
        write_code: &markdown::plain_code,
    };
    let rendered = markdown::render(text, &context);
    rendered.map(|rendered| rendered.html).unwrap_or_default()
}
