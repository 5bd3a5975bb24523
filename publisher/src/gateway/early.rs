//! Pages of a site before all of its newest version is here: from a peer that is asked page by page, in memory
//! alone.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    http::{Response, request::Parts},
};

use super::{
    guard,
    local::Gateway,
    site::{self, wants_page},
    version::{Contents, Files, PIECE, Version, candidates},
};
use crate::{
    archive::{address::SiteId, path::ArchivePath, tree::File},
    error::{Error, Kind, Result},
    manifest,
    store::Relation,
    swarm::{
        Ticket,
        node::blocking,
        page::{MAX_FILE, Session},
    },
};

// What a peer sends so is kept among the small files, and nowhere else.
const _: () = assert!(MAX_FILE <= PIECE);

/// Asks a peer for the front page of a site.
pub(super) async fn open(gateway: &Gateway, site: SiteId, peer: &Ticket) -> Result<Arc<Session>> {
    let (session, files) = Session::open(&gateway.node, site, peer, &paths("/")).await?;
    keep(&gateway.contents, files);
    Ok(Arc::new(session))
}

/// Answers a request from what a peer gives for it.
///
/// # Errors
///
/// If that is not all that it takes: then the whole version has to be waited for.
pub(super) async fn respond(
    gateway: &Arc<Gateway>,
    session: &Arc<Session>,
    parts: &Arc<Parts>,
) -> Result<Response<Body>> {
    let paths = paths(parts.uri.path());
    keep(&gateway.contents, session.bring(&paths).await?);
    let version = version_of(session, &gateway.contents).await?;
    let fallback = version.manifest.fallback_page.iter();
    let fallback: Vec<_> = fallback.filter(|_| wants_page(parts)).cloned().collect();
    keep(&gateway.contents, session.bring(&fallback).await?);
    let (gateway, session, parts) = (gateway.clone(), session.clone(), parts.clone());
    blocking(move || {
        for path in paths.iter().chain(&fallback) {
            // It would be sent as it is read.
            if session.find(path)?.is_some_and(|file| file.size > PIECE) {
                return Err(not_here());
            }
        }
        let mut response = site::respond(&version, &gateway.contents, &parts, None)?;
        guard::keep_apart(&mut response, version.manifest.csp.as_ref());
        Ok(response)
    })
    .await
}

/// What may be needed to answer a request for a URL's path.
fn paths(path: &str) -> Vec<ArchivePath> {
    let fixed = [manifest::PATH, "404.html"];
    let fixed = fixed.iter().filter_map(|path| ArchivePath::new(path).ok());
    candidates(path).into_iter().chain(fixed).collect()
}

async fn version_of(session: &Arc<Session>, contents: &Arc<Contents>) -> Result<Version> {
    let files = Early {
        session: session.clone(),
        contents: contents.clone(),
    };
    let session = session.clone();
    blocking(move || {
        let (head, entry) = (session.head().clone(), session.entry());
        Version::new(head, Relation::Visited, entry, Arc::new(files))
    })
    .await
}

fn keep(contents: &Contents, files: Vec<(File, Vec<u8>)>) {
    for (file, bytes) in files {
        contents.put(&file, &Bytes::from(bytes));
    }
}

/// The files that a peer has given so far.
struct Early {
    session: Arc<Session>,
    contents: Arc<Contents>,
}

impl Files for Early {
    fn find(&self, path: &ArchivePath) -> Result<Option<File>> {
        self.session.find(path)
    }

    fn range(&self, file: &File, offset: u64, length: u64) -> Result<Vec<u8>> {
        let bytes = self.contents.get(file).ok_or_else(not_here)?;
        let start = (offset as usize).min(bytes.len());
        let end = (offset.saturating_add(length) as usize).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }
}

fn not_here() -> Error {
    Error::new(Kind::NotFound, "this file comes with the whole version")
}
