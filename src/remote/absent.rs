//! Where there are no local sockets: one process has the store, and the others are told so.

use std::{
    io,
    path::{Path, PathBuf},
};

use skep_publisher::home::Home;

use super::Asked;
use crate::{
    context::Context,
    error::{Exit, Result},
};

/// No socket.
pub(crate) struct Socket;

/// Nothing that would have to be ended.
pub(crate) struct Serving;

impl Socket {
    pub(crate) fn open(_home: &Home) -> io::Result<Self> {
        Ok(Self)
    }
}

impl Serving {
    pub(crate) async fn end(self) {}
}

pub(crate) fn serve(
    _socket: Socket,
    _run: impl Fn(Asked) -> Exit + Send + Sync + 'static,
) -> io::Result<Serving> {
    Ok(Serving)
}

pub(crate) fn through(_ctx: &Context) -> Result<Option<Exit>> {
    Ok(None)
}

pub(crate) fn ask(_ctx: &Context, _args: &[&str]) -> Result<Option<String>> {
    Ok(None)
}

pub(crate) fn path(home: &Path) -> PathBuf {
    home.join("socket")
}

pub(crate) fn remove_stale(_home: &Home) {}
