//! Makes sites, drafts and posts, and changes single settings, without harm to what is there.

mod drafts;
mod init;
mod settings;

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use rust_embed::RustEmbed;

use crate::config;
use crate::error::{Error, ErrorKind};
use crate::theme;
pub use drafts::{draft, post};
pub use init::init;
pub use settings::{Adopted, adopt, set_address, set_publish_source, with_origin};

/// What a new site starts with.
#[derive(Debug, Clone, Copy)]
pub struct NewSite<'a> {
    /// The title of the site.
    pub title: &'a str,
    /// The name of its theme.
    pub theme: &'a str,
    /// Who writes it.
    pub author: Option<&'a str>,
    /// The date of its first post.
    pub date: Date,
}

/// Makes a new site in `dir`: settings, a first post, a page about the site. `dir` must not exist
/// yet, or be empty. It is made whole or not at all.
pub fn new_site(dir: &Path, site: &NewSite<'_>) -> Result<(), Error> {
    let themes = theme::names();
    if !themes.iter().any(|name| name == site.theme) {
        let message = format!("there is no theme '{}'", site.theme);
        return Err(Error::new(ErrorKind::Refused, message)
            .with_hint(format!("the themes are: {}", themes.join(", "))));
    }
    let post = format!("_posts/{}-welcome.md", site.date);
    let files: [(String, Cow<'static, [u8]>); 4] = [
        (config::FILE.to_owned(), settings(site).into_bytes().into()),
        (
            post,
            WELCOME
                .replace("DATE", &site.date.to_string())
                .into_bytes()
                .into(),
        ),
        ("about.md".to_owned(), ABOUT.as_bytes().into()),
        (".gitignore".to_owned(), IGNORED.as_bytes().into()),
    ];
    make_folder_of(dir, &files)
}

/// Copies the example site, which documents skep, to `dir`, which must not exist yet or be empty.
pub fn example_site(dir: &Path) -> Result<(), Error> {
    let files: Vec<(String, Cow<'static, [u8]>)> = ExampleSite::iter()
        // An output may lie there from trying the site out.
        .filter(|path| !path.starts_with("_site"))
        .filter_map(|path| Some((path.to_string(), ExampleSite::get(&path)?.data)))
        .collect();
    make_folder_of(dir, &files)
}

#[derive(RustEmbed)]
#[folder = "../example-site"]
struct ExampleSite;

/// What a `.gitignore` says of a site: what is built, and keys.
pub const IGNORED: &str = "/_site/\n/_site.skep.json\n*.key\n";

const ABOUT: &str = "\
---
title: About
---

Write here who you are and what this site is about.
";

const WELCOME: &str = "\
---
title: Welcome
tags: [first]
---

This is your first post. It is the file `_posts/DATE-welcome.md`: change it, rename it or delete it.

<!--more-->

## What to do now

- `skep serve` shows the site in your browser while you write.
- `skep draft \"A title\"` starts a post that nobody sees yet; `skep post` dates it.
- `skep publish` shows you what would go out, and then publishes it.
";

fn settings(site: &NewSite<'_>) -> String {
    let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!("title = {}\n", quote(site.title));
    text.push_str("# description = \"What the site is about, in a sentence\"\n");
    if let Some(author) = site.author {
        text.push_str(&format!("author = {}\n", quote(author)));
    }
    text.push_str(&format!("theme = {}\n", quote(site.theme)));
    text.push_str(
        "# timezone = \"Europe/Berlin\"\n\
         # url = \"https://example.org\"    # where the site is on the web, if it is there\n\
         \n\
         nav = [\n\
         \x20 { title = \"Archive\", url = \"/archive/\" },\n\
         \x20 { title = \"About\", url = \"/about/\" },\n\
         ]\n",
    );
    text
}

/// Writes `files` to a folder beside `dir` and moves it there when it is whole.
fn make_folder_of(dir: &Path, files: &[(String, Cow<'static, [u8]>)]) -> Result<(), Error> {
    let shown = dir.display();
    let failed = |error: &io::Error| Error::io(format_args!("make the site in {shown}"), error);
    let absolute = std::path::absolute(dir).map_err(|error| failed(&error))?;
    let exists = match fs::read_dir(&absolute) {
        Ok(entries) => {
            if entries.count() > 0 {
                return Err(
                    Error::new(ErrorKind::Refused, format!("{shown} is not empty"))
                        .with_hint("choose a new folder; nothing was changed"),
                );
            }
            true
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(Error::new(ErrorKind::Refused, format!("{shown} is a file"))
                .with_hint("choose a new folder; nothing was changed"));
        }
        Err(error) => return Err(failed(&error)),
    };
    // The new site is made inside an empty folder that is there (it may be the current one, which
    // can't be replaced), else beside its place.
    let staging = if exists {
        absolute.join(STAGING)
    } else {
        let parent = absolute.parent().unwrap_or(&absolute);
        fs::create_dir_all(parent).map_err(|error| failed(&error))?;
        let name = absolute.file_name().unwrap_or_default().to_string_lossy();
        parent.join(format!("{STAGING}-{name}"))
    };
    let made = write_all(&staging, files).and_then(|()| {
        if exists {
            move_all(&staging, &absolute)
        } else {
            fs::rename(&staging, &absolute)
        }
    });
    made.map_err(|error| {
        let _ = fs::remove_dir_all(&staging);
        failed(&error)
    })
}

const STAGING: &str = ".skep-new";

fn write_all(dir: &Path, files: &[(String, Cow<'static, [u8]>)]) -> io::Result<()> {
    fs::create_dir(dir)?;
    for (path, bytes) in files {
        let path = dir.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// Moves everything in `from` up to `to`, or, if that fails, nothing.
fn move_all(from: &Path, to: &Path) -> io::Result<()> {
    let mut moved: Vec<PathBuf> = Vec::new();
    let result = (|| {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            fs::rename(entry.path(), &target)?;
            moved.push(target);
        }
        fs::remove_dir(from)
    })();
    if result.is_err() {
        for path in moved {
            let _ = if path.is_dir() {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            };
        }
    }
    result
}
