//! The generator as its users see it: a folder goes in, a website comes out.

mod build;
mod content;
mod errors;
mod lists;
mod markdown;
mod preview;
mod scaffold;
mod seo;
mod support;
mod templates;
