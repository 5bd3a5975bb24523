//! [`Version`]: a version of a site, ready to be read, and which of its files a URL means.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::Bytes;
use percent_encoding::percent_decode_str;

use crate::{
    archive::{entry::Entry, hash::NodeHash, head::Head, path::ArchivePath, tree::File},
    error::{Error, Kind, Result},
    manifest::{self, Manifest},
    store::{Reader, Relation, SiteState, Store},
};

/// How many paths of a version are kept with the files that they name.
const MAX_ROUTES: usize = 4096;

/// The longest of these paths, in bytes: there is no end to the ways in which one can be written.
const MAX_KNOWN: usize = 1024;

/// Where a version's files come from, verified. Its methods may block.
pub(super) trait Files: Send + Sync {
    /// The file at `path`.
    fn find(&self, path: &ArchivePath) -> Result<Option<File>>;

    /// The `length` bytes of a file from `offset` on.
    fn range(&self, file: &File, offset: u64, length: u64) -> Result<Vec<u8>>;
}

/// A version of a site, ready to be read.
pub(super) struct Version {
    /// The newest head that is here, and why the site is known.
    pub(super) head: Head,
    pub(super) relation: Relation,
    pub(super) number: u64,
    /// When it was published, in seconds since 1970 by the author's clock.
    pub(super) time: u64,
    pub(super) files: Arc<dyn Files>,
    pub(super) manifest: Manifest,
    routes: Mutex<HashMap<String, File>>,
}

/// What lies behind a URL.
pub(super) enum Route {
    /// A file.
    File(File),
    /// A folder that was asked for without its slash.
    Folder,
    /// The page that the site has for every path.
    Fallback(File),
    /// The site's own page for what does not exist, or nothing.
    Missing(Option<File>),
}

/// A version in the store.
struct Stored {
    reader: Reader,
    tree: NodeHash,
}

impl Files for Stored {
    fn find(&self, path: &ArchivePath) -> Result<Option<File>> {
        self.reader.find(self.tree, path)
    }

    fn range(&self, file: &File, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.reader.range(file, offset, length)
    }
}

impl Version {
    /// The version of that number in the store, the newest if there is none given. May block.
    pub(super) fn stored(store: &Store, state: &SiteState, number: Option<u64>) -> Result<Self> {
        let entry = store.version(state, number)?;
        let files = Stored {
            reader: Reader::new(store, state),
            tree: entry.tree,
        };
        let head = state.head.clone();
        let head = head.ok_or_else(|| Error::damaged("a site has no head"))?;
        Self::new(head, state.relation, &entry, Arc::new(files))
    }

    /// The version of `entry` with these files. May block.
    pub(super) fn new(
        head: Head,
        relation: Relation,
        entry: &Entry,
        files: Arc<dyn Files>,
    ) -> Result<Self> {
        let manifest = match read_manifest(&*files) {
            // An older version may have lost it; its other files may be there.
            Err(e) if e.kind == Kind::NotFound => Manifest::default(),
            manifest => manifest?,
        };
        Ok(Self {
            head,
            relation,
            number: entry.number,
            time: entry.time,
            files,
            manifest,
            routes: Mutex::default(),
        })
    }

    /// What a URL's path leads to, if that is known without a look at the files.
    pub(super) fn known_route(&self, path: &str) -> Option<Route> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get(path).cloned().map(Route::File)
    }

    /// What a URL's path leads to. May block.
    pub(super) fn route(&self, path: &str, wants_page: bool) -> Result<Route> {
        if let Some(known) = self.known_route(path) {
            return Ok(known);
        }
        let route = route(&*self.files, &self.manifest, path, wants_page)?;
        // What is not there has no end.
        if let Route::File(file) = &route
            && path.len() <= MAX_KNOWN
        {
            let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
            if routes.len() == MAX_ROUTES {
                routes.clear();
            }
            routes.insert(path.to_owned(), file.clone());
        }
        Ok(route)
    }
}

fn read_manifest(files: &dyn Files) -> Result<Manifest> {
    let Ok(path) = ArchivePath::new(manifest::PATH) else {
        return Ok(Manifest::default());
    };
    match files.find(&path)?.filter(Manifest::is_readable) {
        Some(file) => Ok(Manifest::read(&files.range(&file, 0, file.size)?)),
        None => Ok(Manifest::default()),
    }
}

/// The files that a URL's path may mean, the likeliest first: the file of that name, the page of the folder
/// of that name, and for `/about` the page `about.html`.
pub(super) fn candidates(path: &str) -> Vec<ArchivePath> {
    let decoded = percent_decode_str(path.trim_start_matches('/')).decode_utf8();
    let Ok(name) = decoded else {
        return Vec::new();
    };
    let names = match name.is_empty() || name.ends_with('/') {
        true => vec![format!("{name}index.html")],
        false => vec![
            name.to_string(),
            format!("{name}/index.html"),
            format!("{name}.html"),
        ],
    };
    let paths = names.iter().map(|name| ArchivePath::composed(name));
    paths.filter_map(std::result::Result::ok).collect()
}

fn route(files: &dyn Files, manifest: &Manifest, path: &str, wants_page: bool) -> Result<Route> {
    for (n, candidate) in candidates(path).iter().enumerate() {
        if let Some(file) = files.find(candidate)? {
            let is_in_folder = n > 0 && candidate.as_str().ends_with("/index.html");
            return Ok(match is_in_folder {
                true => Route::Folder,
                false => Route::File(file),
            });
        }
    }
    if let Some(page) = manifest.fallback_page.as_ref().filter(|_| wants_page)
        && let Some(file) = files.find(page)?
    {
        return Ok(Route::Fallback(file));
    }
    Ok(Route::Missing(match ArchivePath::new("404.html") {
        Ok(path) => files.find(&path)?,
        Err(_) => None,
    }))
}

/// Small files as they were read, by their hash: their bytes never change.
#[derive(Default)]
pub(super) struct Contents {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    files: HashMap<[u8; 32], Bytes>,
    /// The oldest first.
    order: std::collections::VecDeque<[u8; 32]>,
    bytes: usize,
}

/// The longest file that is kept, in bytes; as much is read and sent at a time.
pub(super) const PIECE: u64 = 256 << 10;

/// How many bytes are kept.
const MAX_KEPT: usize = 32 << 20;

/// What a file takes up beside its bytes: its hash twice, and where they are.
const OVERHEAD: usize = 256;

impl Contents {
    /// The bytes of a file, if they are kept.
    pub(super) fn get(&self, file: &File) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = kept.files.get(&file.hash.0).cloned();
        bytes.filter(|bytes| bytes.len() as u64 == file.size)
    }

    /// Keeps the bytes of a file, if it is small, in the place of those that came first.
    pub(super) fn put(&self, file: &File, bytes: &Bytes) {
        if file.size > PIECE {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.files.insert(file.hash.0, bytes.clone()).is_some() {
            return;
        }
        kept.order.push_back(file.hash.0);
        kept.bytes += OVERHEAD + bytes.len();
        while kept.bytes > MAX_KEPT {
            let Some(oldest) = kept.order.pop_front() else {
                break;
            };
            let gone = kept.files.remove(&oldest);
            kept.bytes -= gone.map_or(0, |bytes| OVERHEAD + bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::archive::{
        hash::{ContentHash, LogHash},
        tree::node::MediaType,
    };

    #[test]
    fn a_url_means_a_file_the_index_of_a_folder_or_a_page_without_its_ending() {
        let of = |path: &str| {
            let found = candidates(path);
            found
                .iter()
                .map(|p| p.as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("/"), ["index.html"]);
        assert_eq!(of("/a/"), ["a/index.html"]);
        assert_eq!(of("/a%20b"), ["a b", "a b/index.html", "a b.html"]);
        assert_eq!(of("//a"), ["a", "a/index.html", "a.html"]);
        assert_eq!(of("/e%CC%81/"), ["\u{e9}/index.html"]);
        assert_eq!(of("/%E1%84%89%E1%85%A1.png")[0], "\u{c0ac}.png");
        for nothing in ["/../x", "/%2e%2e/x", "/a//b", "/%ff", "/a%00", "/C:/x"] {
            assert!(of(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn what_is_kept_of_files_is_bounded_and_the_oldest_goes() {
        let contents = Contents::default();
        let file = |n: u64, size: u64| File {
            hash: ContentHash::of(&n.to_le_bytes()),
            size,
            media_type: MediaType::octet_stream(),
        };
        let bytes = Bytes::from(vec![0; PIECE as usize]);
        let most = (MAX_KEPT / (PIECE as usize + OVERHEAD)) as u64;
        for n in 0..=most {
            contents.put(&file(n, PIECE), &bytes);
            contents.put(&file(n, PIECE), &bytes);
        }
        assert!(contents.get(&file(0, PIECE)).is_none());
        assert!(contents.get(&file(1, PIECE)).is_some());
        assert!(contents.get(&file(most, PIECE)).is_some());
        assert!(contents.get(&file(most, PIECE - 1)).is_none());
        let large = file(most + 1, PIECE + 1);
        contents.put(&large, &Bytes::from(vec![0; PIECE as usize + 1]));
        assert!(contents.get(&large).is_none());
    }
    #[test]
    fn neither_many_small_files_nor_many_ways_to_write_a_path_fill_the_memory() {
        let contents = Contents::default();
        for n in 0..200_000_u64 {
            let bytes = Bytes::copy_from_slice(&n.to_le_bytes());
            let file = File {
                hash: ContentHash::of(&bytes),
                size: 8,
                media_type: MediaType::octet_stream(),
            };
            contents.put(&file, &bytes);
        }
        let kept = contents.kept.lock().unwrap().files.len();
        assert!(kept * OVERHEAD <= MAX_KEPT, "{kept}");

        struct One;
        impl Files for One {
            fn find(&self, _: &ArchivePath) -> Result<Option<File>> {
                Ok(Some(File {
                    hash: ContentHash::of(b"x"),
                    size: 1,
                    media_type: MediaType::octet_stream(),
                }))
            }

            fn range(&self, _: &File, _: u64, _: u64) -> Result<Vec<u8>> {
                Ok(b"x".to_vec())
            }
        }
        let mut version = Version {
            head: Head::sign(&SigningKey::from_bytes(&[7; 32]), 1, LogHash([0; 32])),
            relation: Relation::Visited,
            number: 1,
            time: 0,
            files: Arc::new(One),
            manifest: Manifest::default(),
            routes: Mutex::default(),
        };
        for n in 1..100 {
            version
                .route(&format!("{}a", "/".repeat(n * 600)), false)
                .unwrap();
        }
        let routes = version.routes.get_mut().unwrap();
        let bytes: usize = routes.keys().map(String::len).sum();
        assert!(bytes <= routes.len() * MAX_KNOWN, "{bytes}");
    }
}
