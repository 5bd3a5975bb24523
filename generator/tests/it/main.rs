//! The generator as its users see it: a folder goes in, a website comes out.

mod as_written;
mod assets;
mod build;
mod content;
mod errors;
mod evaluators;
mod fuel;
mod limits;
mod lists;
mod markdown;
mod names;
mod preview;
mod scaffold;
mod seo;
mod support;
mod template_errors;
mod templates;
mod theme;
