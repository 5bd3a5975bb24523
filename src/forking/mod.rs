//! Sites that are made of the published sources of others.

mod make;
mod origin;
mod upstream;

pub(crate) use make::{Forked, fork};
pub(crate) use origin::Origin;
