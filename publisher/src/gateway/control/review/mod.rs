//! What a publish would change, and the publish.
//!
//! | module | what it does |
//! | --- | --- |
//! | `shown` | a draft that a browser shows: what is published is this one |
//! | `show` | the page of all changes, sent while it is made |
//! | `rows` | a row a path, with how many lines came and went |
//! | `row` | one change: lines, images, pages side by side |
//! | `lines` | a line diff |
//! | `restore` | putting a file back |
//! | `publish` | signing what was shown, and telling other nodes |
//! | `progress` | how far a publish is |

mod lines;
mod progress;
mod publish;
mod restore;
mod row;
mod rows;
mod show;
mod shown;
mod sources;

pub(super) use progress::progress;
pub(super) use publish::{Publishing, publish};
pub(super) use restore::{ask_restore, restore};
pub(super) use row::{file, pages, row};
pub(super) use show::show;
pub(super) use shown::Shown;
pub(super) use sources::sources;
