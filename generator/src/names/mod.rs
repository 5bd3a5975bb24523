//! Names on their way from a disk to a browser, with one type and one conversion for each step.
//!
//! A [`SitePath`] is the name of a file, decoded: `a b/fig#1.png`. [`Url::of_file`] makes a [`Url`]
//! of it: `/a%20b/fig%231.png`. [`Url::html`] makes [`Html`] of that, for the value of an
//! attribute. No type turns into another by itself, so that text can't be escaped twice, in the
//! wrong order or not at all.

mod html;
mod path;
mod url;

pub(crate) use html::Html;
pub(crate) use path::{SitePath, check, nfc, on_disk, resolve};
pub(crate) use url::{Url, decoded, has_scheme, split};
