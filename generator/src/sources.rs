//! The source files of a site: those of its folder, laid over those of its theme.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::config::{self, Config};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::glob;
use crate::links_to::trail;
use crate::names::nfc;
use crate::nul;
use crate::stamp::Stamp;
use crate::theme;

/// One source file. Its text is not read yet.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The path in the site folder or in the theme, with slashes, composed (NFC) however the disk
    /// has it.
    pub(crate) path: String,
    /// The path as errors show it.
    pub(crate) shown: String,
    pub(crate) role: Role,
    pub(crate) content: Content,
}

/// Where the bytes of a source are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Theme(Cow<'static, [u8]>),
    Disk {
        /// Where the bytes are: what a link leads to.
        path: PathBuf,
        stamp: Stamp,
        /// If the source is a link: every further path on the way to its bytes. A change of one of them can be a
        /// change of the source.
        trail: Vec<PathBuf>,
    },
}

/// What a source is for, as its place in the folder says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Post,
    Draft,
    /// Of the collection with this index in the settings.
    Document(usize),
    Layout,
    Include,
    Data,
    /// A part of stylesheets, which becomes no file of its own.
    Sass,
    /// A page if it has front matter, a stylesheet if it is written in Sass, else a file that is copied.
    Other,
}

impl Role {
    /// Whether what has this role and is a text becomes a post or a document of a collection.
    pub(crate) fn is_collected(self) -> bool {
        matches!(self, Self::Post | Self::Draft | Self::Document(_))
    }
}

impl Source {
    pub(crate) fn is_from_theme(&self) -> bool {
        matches!(self.content, Content::Theme(_))
    }

    /// How many bytes it has, as far as is known without reading it.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.content {
            Content::Theme(bytes) => bytes.len() as u64,
            Content::Disk { stamp, .. } => stamp.bytes,
        }
    }

    /// All bytes of the source.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Error> {
        match &self.content {
            Content::Theme(bytes) => Ok(bytes.to_vec()),
            Content::Disk { path, .. } => std::fs::read(path)
                .map_err(|error| Error::io("read it", &error).in_file(&self.shown)),
        }
    }

    /// The text of the source, without a byte order mark.
    pub(crate) fn read_text(&self) -> Result<String, Error> {
        let bytes = self.read()?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..valid]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            Error::new(
                ErrorKind::FrontMatter,
                format!("line {line} of this file is not UTF-8 text"),
            )
            .in_file(&self.shown)
            .with_hint("save it as UTF-8 in your editor")
        })?;
        Ok(nul::without(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        }))
    }

    /// Whether the source begins as a file with front matter does. Reads no more than that.
    pub(crate) fn may_have_front_matter(&self) -> Result<bool, Error> {
        use std::io::Read;
        let mut head = Vec::with_capacity(6);
        match &self.content {
            Content::Theme(bytes) => head.extend(bytes.iter().take(6)),
            Content::Disk { path, .. } => {
                std::fs::File::open(path)
                    .and_then(|file| file.take(6).read_to_end(&mut head))
                    .map_err(|error| Error::io("read it", &error).in_file(&self.shown))?;
            }
        }
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        Ok(head.starts_with(b"---") || head.starts_with(b"+++"))
    }
}

/// The sources that the theme of a site brings, by path.
pub(crate) fn of_theme(config: &Config) -> BTreeMap<String, Source> {
    let files = theme::files(&config.theme).into_iter();
    files
        .map(|(path, bytes)| {
            let source = Source {
                shown: format!("theme:{}/{path}", config.theme),
                role: role(&path, config),
                content: Content::Theme(bytes),
                path: path.clone(),
            };
            (path, source)
        })
        .collect()
}

/// Finds the sources of the site in the folder `root`, by path, laid over those of its theme. No
/// link leads to `root`.
pub(crate) fn find(root: &Path, config: &Config) -> Result<BTreeMap<String, Source>, Error> {
    let mut sources = of_theme(config);
    let mut errors = Vec::new();
    let walk = WalkDir::new(root).min_depth(1).sort_by_file_name();
    let wanted = |entry: &DirEntry| match relative(root, entry.path()) {
        Ok(path) => may_hold_sources(&nfc(&path), config),
        // Let the entry through, so that its name is told below.
        Err(_) => true,
    };
    for entry in walk.into_iter().filter_entry(wanted) {
        match entry
            .map_err(walk_error)
            .and_then(|entry| source(root, config, &entry))
        {
            Ok(Some(source)) => match sources.get(&source.path) {
                Some(twin) if !twin.is_from_theme() => errors.push(twins(&source)),
                _ => {
                    sources.insert(source.path.clone(), source);
                }
            },
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    Error::collect(errors)?;
    Ok(sources)
}

/// The error for a file whose path is that of another but for how Unicode writes it.
fn twins(source: &Source) -> Error {
    let message = "another file has the same name: they differ in how Unicode composes letters";
    Error::new(ErrorKind::Path, message)
        .in_file(&source.shown)
        .with_hint("remove or rename one of the two: a site can hold only one of them")
}

/// Finds the files of a site that skep does not build, by their path in the folder `root` that is published. No link
/// leads to `root`.
pub(crate) fn find_as_they_are(
    root: &Path,
    config: &Config,
) -> Result<BTreeMap<String, Source>, Error> {
    let mut sources = BTreeMap::new();
    let mut errors = Vec::new();
    let walk = WalkDir::new(root).min_depth(1).sort_by_file_name();
    let wanted = |entry: &DirEntry| match relative(root, entry.path()) {
        Ok(path) => config.publishes(&nfc(&path)),
        Err(_) => true,
    };
    for entry in walk.into_iter().filter_entry(wanted) {
        let file = entry.map_err(walk_error).and_then(|entry| {
            let path = relative(root, entry.path())?;
            match entry.file_type().is_dir() {
                true => Ok(None),
                false => as_it_is(entry.path(), &nfc(&path)).map(Some),
            }
        });
        match file {
            Ok(Some(source)) if sources.contains_key(&source.path) => {
                errors.push(twins(&source));
            }
            Ok(Some(source)) => {
                sources.insert(source.path.clone(), source);
            }
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    Error::collect(errors)?;
    Ok(sources)
}

/// As [`look`], in the folder `root` of a site that skep does not build.
pub(crate) fn look_as_it_is(root: &Path, config: &Config, path: &str) -> Result<Found, Error> {
    if !config.publishes(path) {
        return Ok(Found::Nothing);
    }
    if nfc(path) != path {
        return Ok(Found::Folder);
    }
    let full = root.join(path);
    match std::fs::symlink_metadata(&full) {
        Ok(metadata) if metadata.is_file() => Ok(Found::Source(Box::new(as_it_is(&full, path)?))),
        Ok(_) => Ok(Found::Folder),
        Err(error) if is_gone(&error) && !path.is_ascii() => Ok(Found::Folder),
        Err(error) if is_gone(&error) => Ok(Found::Nothing),
        Err(error) => Err(Error::io("read it", &error).in_file(path)),
    }
}

/// A file that is published as it is. A link is refused, as the review refuses it.
fn as_it_is(full: &Path, path: &str) -> Result<Source, Error> {
    let metadata = std::fs::symlink_metadata(full)
        .map_err(|error| Error::io("read it", &error).in_file(path))?;
    if !metadata.is_file() {
        let message = match metadata.is_symlink() {
            true => "this is a symbolic link, which is not published",
            false => "this is neither a file nor a folder",
        };
        return Err(Error::new(ErrorKind::Path, message)
            .in_file(path)
            .with_hint("put a copy in its place, or list it under `exclude` in skep.toml"));
    }
    Ok(Source {
        shown: path.to_owned(),
        role: Role::Other,
        content: Content::Disk {
            path: full.to_owned(),
            stamp: Stamp::of(&metadata),
            trail: Vec::new(),
        },
        path: path.to_owned(),
    })
}

/// What lies at one path of a site's folder.
#[derive(Debug)]
pub(crate) enum Found {
    Source(Box<Source>),
    /// Nothing, or nothing that is part of the site.
    Nothing,
    /// A folder, or something that only a walk can judge.
    Folder,
}

/// Looks at one `path` (relative, with slashes) of the site in the folder `root`, to which no link leads.
pub(crate) fn look(root: &Path, config: &Config, path: &str) -> Result<Found, Error> {
    if nfc(path) != path {
        // Another file may have the same name.
        return Ok(Found::Folder);
    }
    if !may_hold_sources(path, config) {
        return Ok(Found::Nothing);
    }
    let full = root.join(path);
    let metadata = match std::fs::symlink_metadata(&full) {
        Ok(metadata) => metadata,
        // The disk may have the name in other letters, which only a walk finds.
        Err(error) if is_gone(&error) && !path.is_ascii() => return Ok(Found::Folder),
        Err(error) if is_gone(&error) => return Ok(Found::Nothing),
        Err(error) => return Err(Error::io("read it", &error).in_file(path)),
    };
    let is_below_a_link = full
        .parent()
        .is_some_and(|parent| parent.canonicalize().ok().as_deref() != Some(parent));
    let is_readable = metadata.is_file() || metadata.is_symlink();
    if !is_readable || is_below_a_link {
        return Ok(Found::Folder);
    }
    if !is_source(path, config) {
        return Ok(Found::Nothing);
    }
    let source = read_entry(root, config, &full, path.to_owned(), metadata.is_symlink())?;
    Ok(Found::Source(Box::new(source)))
}

fn is_gone(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

/// The folders at the root of a site whose files are no output of their own.
const PARTS: [&str; 4] = ["_layouts", "_includes", "_data", "_sass"];

/// Whether the file at `path`, relative to the site folder, is a source.
fn is_source(path: &str, config: &Config) -> bool {
    if is_never_source(path, config) {
        return false;
    }
    // What the author includes by name is there whatever it is called; below it, names count again.
    let included = glob::prefixes(path)
        .filter(|prefix| config.includes(prefix))
        .last();
    let included = included.map_or(0, str::len);
    glob::prefixes(path)
        .filter(|prefix| prefix.len() > included)
        .all(|prefix| is_wanted(prefix, config))
}

/// Whether `path` is a source, or a folder in which there can be one.
fn may_hold_sources(path: &str, config: &Config) -> bool {
    !is_never_source(path, config)
        && (is_source(path, config) || glob::may_match_below(&config.include, path))
}

/// What is no source, even if the settings include it: the settings themselves, what was built before, and a
/// repository, which has what was taken out of the site.
fn is_never_source(path: &str, config: &Config) -> bool {
    let was_built = match &config.engine {
        Engine::Tera { output } => glob::prefixes(path).any(|prefix| prefix == output),
        _ => false,
    };
    path == config::FILE || was_built || matches!(first(path), ".git" | ".hg" | ".svn")
}

/// Whether the name of the file or folder at `path` is one of a source, given that the folder that it lies in is one.
fn is_wanted(path: &str, config: &Config) -> bool {
    if !may_be_source(path) {
        return false;
    }
    let (top, name) = (first(path), last(path));
    let is_known = !name.starts_with('_')
        || matches!(name, "_posts" | "_drafts")
        || PARTS.contains(&top)
        || (name.len() == path.len() && config.collection(&name[1..]).is_some());
    is_known && !glob::any(&config.exclude, path)
}

/// Whether the file or folder at `path` can be a source whatever the settings are (unless they include it), given that
/// the folder that it lies in can.
pub(crate) fn may_be_source(path: &str) -> bool {
    let name = last(path);
    path == ".well-known" || !(name.starts_with(['.', '#']) || name.ends_with('~'))
}

/// Whether what a build writes to the folder `path` of a site would be a source for the next one.
pub(crate) fn would_be_source(path: &str, config: &Config) -> bool {
    is_source(path, config)
}

fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `path` relative to `dir`, with slashes, as it is written on the disk.
pub(crate) fn relative(dir: &Path, path: &Path) -> Result<String, Error> {
    let inside = path.strip_prefix(dir).unwrap_or(path);
    let mut names = Vec::new();
    for component in inside.components() {
        let name = component.as_os_str();
        names.push(name.to_str().ok_or_else(|| {
            Error::new(ErrorKind::Path, "the name of this file is not UTF-8")
                .in_file(inside.to_string_lossy())
                .with_hint("rename it, or list its folder under `exclude` in skep.toml")
        })?);
    }
    Ok(names.join("/"))
}

fn role(path: &str, config: &Config) -> Role {
    let Some((top, _)) = path.split_once('/') else {
        return Role::Other;
    };
    match top {
        "_layouts" => return Role::Layout,
        "_includes" => return Role::Include,
        "_data" => return Role::Data,
        "_sass" => return Role::Sass,
        _ => {}
    }
    if let Some(name) = top.strip_prefix('_')
        && let Some(index) = config.collection(name)
    {
        return Role::Document(index);
    }
    let mut folders = path.split('/');
    folders.next_back();
    for folder in folders {
        match folder {
            "_posts" => return Role::Post,
            "_drafts" => return Role::Draft,
            _ => {}
        }
    }
    Role::Other
}

fn source(root: &Path, config: &Config, entry: &DirEntry) -> Result<Option<Source>, Error> {
    let path = nfc(&relative(root, entry.path())?).into_owned();
    if entry.file_type().is_dir() || !is_source(&path, config) {
        return Ok(None);
    }
    read_entry(root, config, entry.path(), path, entry.path_is_symlink()).map(Some)
}

/// The source at `full`, which is `path` in the site folder `root`.
fn read_entry(
    root: &Path,
    config: &Config,
    full: &Path,
    path: String,
    is_link: bool,
) -> Result<Source, Error> {
    let (target, trail) = match is_link {
        true => (follow(root, config, full, &path)?, trail(full)),
        false => (full.to_owned(), Vec::new()),
    };
    let metadata =
        std::fs::metadata(&target).map_err(|error| Error::io("read it", &error).in_file(&path))?;
    if !metadata.is_file() {
        return Err(
            Error::new(ErrorKind::Path, "this is neither a file nor a folder")
                .in_file(&path)
                .with_hint("remove it, or list it under `exclude` in skep.toml"),
        );
    }
    Ok(Source {
        shown: path.clone(),
        role: role(&path, config),
        content: Content::Disk {
            path: target,
            stamp: Stamp::of(&metadata),
            trail,
        },
        path,
    })
}

/// The file that a symbolic link inside the site stands for. A link must not lead out of the
/// site, or publishing a folder could publish files that were never meant to be in it. Nor may it lead to a file that is no
/// source under its own name, such as `.env`.
fn follow(root: &Path, config: &Config, link: &Path, shown: &str) -> Result<PathBuf, Error> {
    let refuse = |message: &str| {
        Err(Error::new(ErrorKind::Path, message)
            .in_file(shown)
            .with_hint("put a copy in its place, or list it under `exclude` in skep.toml"))
    };
    match link.canonicalize() {
        Err(_) => refuse("this symbolic link leads nowhere"),
        Ok(target) if !target.starts_with(root) => {
            refuse("this symbolic link leads out of the site folder")
        }
        Ok(target) if target.is_dir() => {
            refuse("this is a symbolic link to a folder, which skep does not follow")
        }
        Ok(target) => match relative(root, &target) {
            Ok(path) if would_be_source(&nfc(&path), config) => Ok(target),
            _ => refuse("this symbolic link leads to a file that is no part of the site itself"),
        },
    }
}

fn walk_error(error: walkdir::Error) -> Error {
    let path = error.path().unwrap_or(Path::new("?")).display().to_string();
    match error.io_error() {
        Some(io) => Error::io(format_args!("read {path}"), io),
        None => Error::new(ErrorKind::Io, format!("could not read {path}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_sources() {
        let config = config::parse("collections.recipes = {}\n").unwrap();
        for path in [
            "a.md",
            "_posts",
            "_posts/a.md",
            "blog/_posts",
            "_recipes",
            "_sass/_base.scss",
            "x/y.png",
            ".well-known",
            ".well-known/a",
        ] {
            assert!(is_source(path, &config), "{path}");
        }
        for path in [
            "skep.toml",
            "_site",
            ".git",
            ".env",
            "a.md~",
            "#a.md#",
            "x/.DS_Store",
            "x/_y",
            "x/_recipes",
            "_posts/.a.swp",
            "_site.skep.json",
        ] {
            assert!(!is_source(path, &config), "{path}");
        }
    }

    #[test]
    fn what_is_included_by_name_is_a_source_and_what_lies_beside_it_is_not() {
        let config = config::parse(
            "include = ['.htaccess', '_redirects', '.github/*.txt', '_pages', '.git', 'skep.toml']\n\
             exclude = ['_pages/old']\n",
        )
        .unwrap();
        for path in [
            ".htaccess",
            "_redirects",
            ".github/a.txt",
            "_pages",
            "_pages/a.md",
            "_pages/deep/a.md",
        ] {
            assert!(is_source(path, &config), "{path}");
        }
        for path in [
            "_headers",
            "a/.htaccess",
            ".github/a.yml",
            ".github/deep/a.txt",
            "_pages/.env",
            "_pages/a.md~",
            "_pages/_part.md",
            "_pages/old/a.md",
            ".git",
            ".git/config",
            "skep.toml",
        ] {
            assert!(!is_source(path, &config), "{path}");
        }
        assert!(may_hold_sources(".github", &config));
        assert!(!may_hold_sources(".github/deep", &config));
        assert!(!may_hold_sources(".git", &config));
    }

    #[test]
    fn roles() {
        let config = config::parse("collections.recipes = {}\n").unwrap();
        for (path, expected) in [
            ("_posts/a.md", Role::Post),
            ("blog/_posts/x/a.md", Role::Post),
            ("_drafts/a.md", Role::Draft),
            ("_recipes/soup.md", Role::Document(0)),
            ("_sass/a.scss", Role::Sass),
            ("_includes/_posts/a.html", Role::Include),
            ("_posts", Role::Other),
            ("assets/a.css", Role::Other),
        ] {
            assert_eq!(role(path, &config), expected, "{path}");
        }
    }
}
