//! The settings of a site: `skep.toml`.

mod collections;
pub(crate) mod defaults;
mod feeds;
mod web;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

use crate::data::{self, Table};
use crate::dates;
use crate::engine::{Build, Engine};
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::glob;
use crate::markdown;
use crate::permalink;
use crate::recognise::recognise;
use crate::theme;
pub use collections::{Collection, SortBy};
pub use defaults::Defaults;
pub use feeds::{Feeds, Format};
pub use web::Web;

/// The name of the file that makes a folder a site.
pub const FILE: &str = "skep.toml";

/// The settings of a site.
#[derive(Debug, Clone)]
pub struct Config {
    /// The title of the site.
    pub title: Option<String>,
    /// What the site is about, in a sentence.
    pub description: Option<String>,
    /// Who writes the site.
    pub author: Option<String>,
    /// The language of the site, as in HTML's `lang`.
    pub lang: String,
    /// The site's `skep://` address. The generator takes it as it is.
    pub address: Option<String>,
    /// The version of another site that this one was forked from, as an address. The generator takes it as it is.
    pub origin: Option<String>,
    /// Where the site is on the web, without a slash at the end. Absolute URLs start with it.
    pub url: Option<String>,
    /// The name of the theme, or `none`.
    pub theme: String,
    /// The time zone in which dates without an offset are read, and all dates are shown.
    pub time_zone: TimeZone,
    /// The pattern of the URLs of posts.
    pub permalink: String,
    /// The folders of documents beside the posts, sorted by name.
    pub collections: Vec<Collection>,
    /// Front matter that pages have in common.
    pub defaults: Vec<Defaults>,
    /// The keys of front matter that group posts: `tags`, `categories`, `authors` and the site's own.
    pub taxonomies: Vec<String>,
    /// How many posts a page of a list holds, where the site decides that and not its theme.
    pub paginate: Option<usize>,
    /// The URL of the further pages of a list, below the first: a pattern with `:num`.
    pub paginate_path: String,
    /// Which feeds there are.
    pub feed: Feeds,
    /// How Markdown is read and written.
    pub(crate) markdown: markdown::Settings,
    /// Globs of paths that are left out of the site.
    pub exclude: Vec<String>,
    /// Globs of paths that are part of the site although their names say that they are not, such as `.htaccess`.
    pub include: Vec<String>,
    /// Whether the sources are published too; `None` if the author hasn't said yet.
    pub publish_source: Option<bool>,
    /// What the site tells gateways and hosts, if it has `[web]`.
    pub web: Option<Web>,
    /// Who builds the site.
    pub engine: Engine,
    /// Every setting as written, for templates: `site.KEY`.
    pub table: Table,
    /// What is odd about the settings, but no error.
    pub notes: Vec<Error>,
}

impl Config {
    /// The settings by which a site is shown that skep does not build: files are copied, and nothing is made beside
    /// them. `None` if skep builds it.
    pub(crate) fn into_unbuilt(mut self) -> Option<Self> {
        if matches!(self.engine, Engine::Tera { .. }) {
            return None;
        }
        self.url = None;
        self.web = None;
        self.theme = theme::NONE.to_owned();
        self.collections = Vec::new();
        self.defaults = Vec::new();
        self.taxonomies = Vec::new();
        self.feed = Feeds {
            formats: Vec::new(),
            ..self.feed
        };
        Some(self)
    }

    /// The index of the collection called `name`.
    pub(crate) fn collection(&self, name: &str) -> Option<usize> {
        self.collections.iter().position(|one| one.name == name)
    }

    /// Whether the settings leave `path` out of the site: a path with slashes, from its folder.
    pub fn excludes(&self, path: &str) -> bool {
        glob::any(&self.exclude, path)
    }

    /// Whether the settings take `path` itself into the site, whatever its name is.
    pub fn includes(&self, path: &str) -> bool {
        glob::names(&self.include, path)
    }

    /// Whether a file or folder is part of a site that skep does not build, by its path in the folder that is
    /// published.
    pub fn publishes(&self, path: &str) -> bool {
        // A folder that is put on the web with git is a repository.
        if matches!(path, ".git" | FILE) {
            return false;
        }
        match self.engine {
            Engine::Tera { .. } => true,
            Engine::Command { .. } => !self.excludes(path) || glob::any(&self.include, path),
            Engine::Static => {
                let included = glob::prefixes(path).filter(|prefix| self.includes(prefix));
                let included = included.last().map_or(0, str::len);
                let mut below = glob::prefixes(path).filter(|prefix| prefix.len() > included);
                below.all(|prefix| is_public(prefix) && !self.excludes(prefix))
                    || glob::may_match_below(&self.include, path)
            }
        }
    }
}

/// Whether a file or folder is meant for others, by its path in a folder that is published as it is.
fn is_public(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let hidden = name.starts_with('.') && path != ".well-known";
    // What an editor leaves, and what a package manager fetches.
    let backup = name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
    !hidden && !backup && name != "node_modules"
}

/// Reads the settings of the site in the folder `dir`.
pub fn read(dir: &Path) -> Result<Config, Error> {
    match std::fs::read_to_string(dir.join(FILE)) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(no_site(dir)),
        Err(error) => Err(Error::io(format_args!("read {FILE}"), &error).in_file(FILE)),
    }
}

fn no_site(dir: &Path) -> Error {
    let shown = dir.display();
    if !dir.exists() {
        return Error::new(ErrorKind::NoSite, format!("there is no folder {shown}"))
            .with_hint(format!("make a site there with: skep new {shown}"));
    }
    if let Some(found) = recognise(dir).into_iter().next() {
        return Error::new(
            ErrorKind::NoSite,
            format!(
                "{shown} holds a website of {} ({}), but no {FILE}",
                found.generator, found.marks
            ),
        )
        .with_hint(format!("make it publishable as it is: skep init {shown}"));
    }
    Error::new(
        ErrorKind::NoSite,
        format!("there is no site in {shown}: it has no {FILE}"),
    )
    .with_hint("make a site with `skep new DIR`, or go to the folder of one")
}

/// Makes an error at a place in the file.
type Wrong<'a> = dyn Fn(Range<usize>, String) -> Error + 'a;

/// The settings that have a meaning here. All others are for templates.
#[derive(Deserialize)]
struct Known {
    title: Option<String>,
    description: Option<String>,
    author: Option<String>,
    lang: Option<String>,
    address: Option<String>,
    origin: Option<String>,
    url: Option<Spanned<String>>,
    theme: Option<Spanned<String>>,
    timezone: Option<Spanned<String>>,
    permalink: Option<Spanned<String>>,
    #[serde(default)]
    collections: BTreeMap<Spanned<String>, collections::Written>,
    #[serde(default)]
    defaults: Vec<defaults::Written>,
    #[serde(default)]
    taxonomies: Vec<Spanned<String>>,
    paginate: Option<Spanned<usize>>,
    paginate_path: Option<Spanned<String>>,
    #[serde(default)]
    feed: Feeds,
    #[serde(default)]
    markdown: markdown::Settings,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    publish_source: Option<bool>,
    web: Option<web::Written>,
    #[serde(default)]
    build: Build,
}

/// Reads the text of a `skep.toml`.
pub(crate) fn parse(text: &str) -> Result<Config, Error> {
    let table = data::toml(ErrorKind::Config, FILE, text, text, 0)?;
    let known: Known = toml::from_str(text)
        .map_err(|error| data::toml_error(ErrorKind::Config, FILE, text, 0, &error))?;
    let wrong = |span: std::ops::Range<usize>, message: String| {
        Error::new(ErrorKind::Config, message).at_offset(FILE, text, span.start)
    };

    let time_zone = match &known.timezone {
        None => TimeZone::UTC,
        Some(name) => dates::zone(name.get_ref()).ok_or_else(|| {
            wrong(
                name.span(),
                format!("there is no time zone '{}'", name.get_ref()),
            )
            .with_hint("write it as in the tz database, such as \"Europe/Berlin\" or \"UTC\"")
        })?,
    };
    let theme = match &known.theme {
        None => theme::DEFAULT.to_owned(),
        Some(name)
            if name.get_ref() == theme::NONE
                || theme::names().iter().any(|known| known == name.get_ref()) =>
        {
            name.get_ref().clone()
        }
        Some(name) => {
            let names = theme::names();
            let hint = match did_you_mean(name.get_ref(), names.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("the themes are: {}; or \"none\"", names.join(", ")),
            };
            let message = format!("there is no theme '{}'", name.get_ref());
            return Err(wrong(name.span(), message).with_hint(hint));
        }
    };
    let permalink = match &known.permalink {
        None => permalink::DEFAULT.to_owned(),
        Some(style) => permalink::pattern(style.get_ref())
            .map_err(|problem| wrong(style.span(), problem).with_hint(permalink::HINT))?,
    };
    let url = match &known.url {
        None => None,
        Some(url) => Some(base_url(url.get_ref()).ok_or_else(|| {
            wrong(
                url.span(),
                format!("'{}' is not the URL of a website", url.get_ref()),
            )
            .with_hint("write it whole, such as \"https://example.org\"")
        })?),
    };
    let engine = Engine::read(known.build, wrong)?;
    let collections = collections::read(known.collections, &wrong)?;
    let names: Vec<&str> = collections.iter().map(|one| one.name.as_str()).collect();
    let defaults = defaults::read(known.defaults, &names, &wrong)?;
    let taxonomies = taxonomies(known.taxonomies, &wrong)?;
    let web = known.web.map(|written| web::read(written, &wrong));
    let paginate = match known.paginate {
        Some(number) if *number.get_ref() == 0 => {
            let message = "a page can't hold 0 posts".to_owned();
            return Err(wrong(number.span(), message)
                .with_hint("take the line out: then the theme decides"));
        }
        number => number.map(Spanned::into_inner),
    };
    let paginate_path = match known.paginate_path {
        Some(path) if !path.get_ref().contains(":num") => {
            let message = format!("'{}' has no :num in it", path.get_ref());
            return Err(wrong(path.span(), message).with_hint("write for example \"page/:num/\""));
        }
        path => path.map_or_else(|| "page/:num/".to_owned(), Spanned::into_inner),
    };
    let mut exclude = known.exclude;
    if let Engine::Tera { output } = &engine {
        // What was built is no source, nor is what lies beside it.
        exclude.extend([output.clone(), format!("{output}.skep.json")]);
    }

    Ok(Config {
        title: known.title,
        description: known.description,
        author: known.author,
        lang: known.lang.unwrap_or_else(|| "en".to_owned()),
        address: known.address,
        origin: known.origin,
        url,
        theme,
        time_zone,
        permalink,
        collections,
        defaults,
        taxonomies,
        paginate,
        paginate_path,
        feed: known.feed,
        markdown: known.markdown,
        exclude,
        include: known.include,
        publish_source: known.publish_source,
        web: web.transpose()?,
        engine,
        notes: misspelt(text, &table),
        table,
    })
}

/// The taxonomies that every site has.
const TAXONOMIES: [&str; 3] = ["tags", "categories", "authors"];

fn taxonomies(own: Vec<Spanned<String>>, wrong: &Wrong<'_>) -> Result<Vec<String>, Error> {
    let mut all = TAXONOMIES.map(str::to_owned).to_vec();
    for name in own {
        let text = name.get_ref();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if text.is_empty() || !text.chars().all(is_word) {
            let message = format!("'{text}' can't be the name of a taxonomy");
            return Err(wrong(name.span(), message).with_hint(
                "use letters, digits and _: it is a key of front matter, such as \"series\"",
            ));
        }
        if !all.contains(text) {
            all.push(name.into_inner());
        }
    }
    Ok(all)
}

/// The settings at the top that mean something.
const KEYS: [&str; 28] = [
    "title",
    "description",
    "author",
    "lang",
    "address",
    "url",
    "theme",
    "timezone",
    "permalink",
    "collections",
    "defaults",
    "taxonomies",
    "paginate",
    "paginate_path",
    "feed",
    "markdown",
    "exclude",
    "include",
    "publish_source",
    "web",
    "build",
    "origin",
    // Those of the default theme.
    "nav",
    "footer",
    "social",
    "accent",
    "related",
    "date_format",
];

/// Notes on settings that only templates can see, but that are nearly called like one of ours.
fn misspelt(text: &str, table: &Table) -> Vec<Error> {
    let own = table.keys().filter(|key| !KEYS.contains(&key.as_str()));
    own.filter_map(|key| {
        let meant = did_you_mean(key, KEYS)?;
        let message = format!("`{key}` is no setting of skep; templates see it as site.{key}");
        let note =
            Error::new(ErrorKind::Config, message).with_hint(format!("did you mean `{meant}`?"));
        let line = text
            .lines()
            .position(|line| line.trim_start().starts_with(key));
        Some(match line {
            Some(line) => note.at(FILE, text, line + 1, None),
            None => note.in_file(FILE),
        })
    })
    .collect()
}

/// `url` as the start of absolute URLs: without slashes at its end. `None` if it can't be one.
pub(crate) fn base_url(url: &str) -> Option<String> {
    let trimmed = url.trim_end_matches('/');
    let host = trimmed
        .strip_prefix("https://")
        .or_else(|| trimmed.strip_prefix("http://"))?;
    let fine = !host.is_empty()
        && !host.starts_with('/')
        && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'<>?#".contains(c));
    fine.then(|| trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_settings_and_keeps_the_rest_for_templates() {
        let config = parse(
            "title = 'T'\nurl = 'https://example.org/'\ntimezone = 'Europe/Berlin'\n\
             colour = 'red'\nnav = [{title = 'About', url = '/about/'}]\n",
        )
        .unwrap();
        assert_eq!(config.title.as_deref(), Some("T"));
        assert_eq!(config.url.as_deref(), Some("https://example.org"));
        assert_eq!(config.lang, "en");
        assert_eq!(config.table["colour"], "red");
        assert_eq!(config.table["nav"][0]["url"], "/about/");
    }

    #[test]
    fn the_manual_explains_every_setting() {
        let manual = include_str!("../../../example-site/_manual/settings.md");
        for key in KEYS {
            let is_there = [format!("`{key}`"), format!("[{key}]"), format!("[{key}.")]
                .iter()
                .any(|form| manual.contains(form));
            assert!(is_there, "{key}");
        }
    }

    #[test]
    fn what_of_a_folder_as_it_is_is_meant_for_others() {
        let config = parse(
            "exclude = ['notes']\ninclude = ['.htaccess', '.github/*.txt', 'notes/a.html']\n\
             [build]\nengine = 'static'\n",
        )
        .unwrap();
        for path in [
            "index.html",
            ".well-known",
            ".well-known/security.txt",
            "#1.html",
            "a/_b/c.css",
            "modules",
            ".htaccess",
            ".github",
            ".github/a.txt",
            "notes/a.html",
        ] {
            assert!(config.publishes(path), "{path}");
        }
        for path in [
            ".git",
            ".env",
            "skep.toml",
            "a/.DS_Store",
            "a/.well-known",
            "a/.htaccess",
            ".well-known/.x",
            "node_modules",
            "a/node_modules",
            "index.html~",
            "#index.html#",
            ".github/a.yml",
            "notes/b.html",
        ] {
            assert!(!config.publishes(path), "{path}");
        }
    }

    #[test]
    fn says_where_a_setting_is_wrong() {
        for (text, line, column, says) in [
            (
                "title = 'T'\ntimezone = 'Mars'\n",
                2,
                12,
                "no time zone 'Mars'",
            ),
            ("title = 1\n", 1, 9, "invalid type"),
            ("\n[build]\nengine = 'hugo'\n", 3, 10, "no engine 'hugo'"),
            ("permalink = '/:yaer/'\n", 1, 13, ":yaer"),
            ("url = 'example.org'\n", 1, 7, "not the URL"),
            ("theme = 'no-such'\n", 1, 9, "no theme 'no-such'"),
            ("title = 'T\n", 1, 11, "TOML"),
            ("[web]\nfallback = 'app/'\n", 2, 12, "not the path"),
            (
                "[web]\ncsp = \"a\\r\\nb: c\"\n",
                2,
                7,
                "can't have the character '\\r'",
            ),
            ("[web]\ncsp = ' '\n", 2, 7, "from 1 to 2048"),
            ("[web]\nscp = 'x'\n", 2, 1, "unknown field `scp`"),
        ] {
            let error = parse(text).unwrap_err();
            let place = error.place.clone().unwrap();
            assert_eq!(
                (place.line, place.column),
                (Some(line), Some(column)),
                "{text}"
            );
            assert!(error.message.contains(says), "{}", error.message);
        }
    }
}
