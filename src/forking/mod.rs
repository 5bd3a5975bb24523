//! Sites that are made of the published sources of others.

mod apply;
mod folder;
mod make;
mod merge;
mod origin;
mod update;
mod upstream;

pub(crate) use folder::is_decided;
pub(crate) use make::{Forked, fork};
pub(crate) use merge::{About, Change, Conflict};
pub(crate) use origin::Origin;
pub(crate) use update::{Updated, lost_origin, update};
