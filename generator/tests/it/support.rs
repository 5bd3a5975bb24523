//! A site in a temporary folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use skep_generator::{Error, LoadOptions, Site, load, render};
use tempfile::TempDir;

pub(crate) struct TestSite {
    pub(crate) folder: TempDir,
}

/// The moment at which all tests happen.
pub(crate) fn now() -> jiff::Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

/// A site of `files`, with settings and the plainest layouts unless it brings its own.
pub(crate) fn site(files: &[(&str, &str)]) -> TestSite {
    let site = TestSite {
        folder: tempfile::tempdir().unwrap(),
    };
    site.write("skep.toml", "title = \"T\"\n");
    site.write(
        "_layouts/default.html",
        "[{{ page.title }}]{{ content | safe }}",
    );
    site.write(
        "_layouts/post.html",
        "---\nlayout: default\n---\n<post>{{ content | safe }}</post>",
    );
    site.write(
        "_layouts/page.html",
        "---\nlayout: default\n---\n{{ content | safe }}",
    );
    for (path, text) in files {
        site.write(path, text);
    }
    site
}

pub(crate) fn published() -> LoadOptions {
    LoadOptions::published(now())
}

impl TestSite {
    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn load(&self) -> Site {
        load(self.dir(), &published()).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn error(&self) -> Error {
        load(self.dir(), &published()).expect_err("the site should not load")
    }

    /// One rendered path as text.
    pub(crate) fn render(&self, path: &str) -> String {
        text(&self.load(), path)
    }
}

pub(crate) fn text(site: &Site, path: &str) -> String {
    let bytes = render(site, path).unwrap_or_else(|error| panic!("{error}"));
    String::from_utf8(bytes).unwrap()
}

/// All files below `dir` by their paths.
pub(crate) fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn visit(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                visit(&entry.path(), &format!("{path}/"), files);
            } else {
                files.insert(path, fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    visit(dir, "", &mut files);
    files
}
