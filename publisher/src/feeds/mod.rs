//! News of followed sites: their feeds, read out of the versions that are here, without a network.
//!
//! | module | what it does |
//! | --- | --- |
//! | `parse`, `xml`, `json`, `date` | RSS 2.0, Atom and JSON Feed → plain text, within bounds |
//! | `find` | which file of a version is its feed |
//! | `links` | where an item leads: into its site, or away from it |
//! | `news` | the items of all followed sites, read and unread |
//!
//! A feed is as hostile as any file of a site. Of markup nothing is left but its text, and a feed is read again
//! only when another version came.

mod date;
mod find;
mod json;
mod links;
mod news;
mod parse;
mod xml;

pub use links::Lead;
pub use news::{NewsItem, mark, mark_all, news, unread};
pub use parse::{Feed, Item, parse};
