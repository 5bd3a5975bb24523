//! Drafts, and how they become posts.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Zoned;

use crate::config;
use crate::dates;
use crate::documents;
use crate::error::{Error, ErrorKind};
use crate::files;
use crate::front_matter::{self, Format};
use crate::slugs;
use crate::sources;

/// How long the name of a draft's file may be, without its extension. It becomes a part of a URL that people
/// send to each other; and file systems end at 255 bytes.
const LONGEST_SLUG: usize = 80;

/// Makes a draft called `title` in the site `dir`, and returns its path. Never overwrites a file.
pub fn draft(dir: &Path, title: &str) -> Result<PathBuf, Error> {
    config::read(dir)?.engine.expect_tera()?;
    let title = title.trim();
    if !slugs::says_something(title) {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("'{title}' has no letters to name a file by"),
        )
        .with_hint("give the draft a title of words; you can change it in the file"));
    }
    let slug = short(slugs::slug(title));
    let drafts = dir.join("_drafts");
    refuse_namesake(&drafts, &slug)?;
    let path = drafts.join(format!("{slug}.md"));
    // A string of JSON is one of YAML.
    let quoted = serde_json::Value::from(title).to_string();
    files::create(
        &path,
        format!("---\ntitle: {quoted}\ntags: []\n---\n\n").as_bytes(),
    )?;
    Ok(path)
}

/// Dates the draft `file` of the site `dir` and moves it to `_posts`; returns its new path. `file`
/// may be given as a path, as a path in the site, or as a name in `_drafts`. A draft that is a folder with an
/// `index.md` is moved with all that lies in it. Of its text, only
/// `date` in the front matter changes, and `draft: true` goes. Never overwrites a file.
pub fn post(dir: &Path, file: &Path, date: Zoned) -> Result<PathBuf, Error> {
    let settings = config::read(dir)?;
    settings.engine.expect_tera()?;
    let draft = find_draft(dir, file)?;
    let text = fs::read_to_string(&draft.text)
        .map_err(|error| Error::io("read it", &error).in_file(&draft.shown))?;
    let date = date.with_time_zone(settings.time_zone);
    let new = with_date(&draft.shown, &text, &date)?;

    let name = file_name(&draft.moves);
    let (stem, extension) = match draft.is_folder() {
        true => (name.as_str(), String::new()),
        false => match documents::extension(&name) {
            "" => (name.as_str(), ".md".to_owned()),
            known => (&name[..name.len() - known.len() - 1], format!(".{known}")),
        },
    };
    let slug = dates::split_file_name(stem).map_or(stem, |(_, slug)| slug);
    let stem = format!("{}-{slug}", date.date());
    let posts = dir.join("_posts").join(&draft.below);
    refuse_namesake(&posts, &stem)?;
    let to = posts.join(format!("{stem}{extension}"));
    if draft.is_folder() {
        let index = to.join(file_name(&draft.text));
        move_folder(&draft.moves, &to)?;
        if let Err(error) = files::replace(&index, new.as_bytes()) {
            // Nothing is lost: it is a draft again, as it was.
            let _ = fs::rename(&to, &draft.moves);
            return Err(Error::io(format_args!("write {}", index.display()), &error));
        }
        return Ok(index);
    }
    files::create(&to, new.as_bytes())?;
    fs::remove_file(&draft.moves).map_err(|error| {
        Error::io(format_args!("remove the draft {}", draft.shown), &error)
            .with_hint("the post is made; remove the draft by hand")
    })?;
    Ok(to)
}

/// `slug`, cut after a whole word if it is too long.
fn short(slug: String) -> String {
    if slug.len() <= LONGEST_SLUG {
        return slug;
    }
    let cut = slugs::cut(&slug, LONGEST_SLUG);
    if slug[cut.len()..].starts_with('-') {
        return cut.to_owned();
    }
    let words = cut.rsplit_once('-').map_or(cut, |(words, _)| words);
    words.to_owned()
}

/// Refuses a name in `folder` that a file with another extension, or a folder, has already: both would claim one URL.
fn refuse_namesake(folder: &Path, stem: &str) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let extension = documents::extension(&name);
        let is_text = documents::is_markdown(&name) || matches!(extension, "html" | "htm");
        let is_same =
            name == stem || (is_text && name[..name.len() - extension.len() - 1] == *stem);
        if is_same {
            let message = format!("{} exists already", folder.join(name).display());
            return Err(Error::new(ErrorKind::Refused, message)
                .with_hint("nothing was changed: rename one of the two"));
        }
    }
    Ok(())
}

fn move_folder(from: &Path, to: &Path) -> Result<(), Error> {
    let failed = |error: &std::io::Error| {
        Error::io(
            format_args!("move {} to {}", from.display(), to.display()),
            error,
        )
    };
    if let Some(above) = to.parent() {
        fs::create_dir_all(above).map_err(|error| failed(&error))?;
    }
    fs::rename(from, to).map_err(|error| failed(&error))
}

/// The text of a draft with its date set.
fn with_date(shown: &str, text: &str, date: &Zoned) -> Result<String, Error> {
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    let newline = if first.ends_with("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let yaml_date = date.strftime("%Y-%m-%d %H:%M:%S %z").to_string();
    let Some(split) = front_matter::split(text) else {
        return Ok(format!(
            "---{newline}date: {yaml_date}{newline}---{newline}{newline}{text}"
        ));
    };
    // So that a draft that can't be read is not moved.
    front_matter::parse(shown, text, &split)?;
    let line = match split.format {
        Format::Yaml => format!("date: {yaml_date}{newline}"),
        Format::Toml => format!("date = {}{newline}", dates::rfc3339(date)),
    };
    let mut matter = String::new();
    let mut is_dated = false;
    let mut in_table = false;
    for old in split.matter.split_inclusive('\n') {
        let starts_table = split.format == Format::Toml && old.trim_start().starts_with('[');
        if starts_table && !in_table {
            in_table = true;
            if !is_dated {
                matter.push_str(&line);
                is_dated = true;
            }
        }
        match key_of(old).filter(|_| !in_table) {
            Some("date") if !is_dated => {
                matter.push_str(&line);
                is_dated = true;
            }
            Some("draft") if old.trim_end().ends_with("true") => {}
            _ => matter.push_str(old),
        }
    }
    if !is_dated {
        matter.push_str(&line);
    }
    let (head, tail) = (
        &text[..split.matter_start],
        &text[split.matter_start + split.matter.len()..],
    );
    Ok(format!("{head}{matter}{tail}"))
}

/// The key that a line of front matter sets.
fn key_of(line: &str) -> Option<&str> {
    let end = line.find([':', '='])?;
    let key = line[..end].trim_end();
    (!key.is_empty() && !key.starts_with(char::is_whitespace)).then_some(key)
}

/// A draft that was found.
struct Draft {
    /// The file with its text.
    text: PathBuf,
    /// What is moved: the file, or the folder that it is the index of.
    moves: PathBuf,
    /// The folder in `_drafts` that it lies in.
    below: PathBuf,
    /// Its path in the site, as errors show it.
    shown: String,
}

impl Draft {
    fn is_folder(&self) -> bool {
        self.moves != self.text
    }
}

fn find_draft(dir: &Path, file: &Path) -> Result<Draft, Error> {
    let drafts = dir.join("_drafts");
    let names = ["", ".md", ".markdown", ".html"].map(|end| format!("{}{end}", file.display()));
    let places = [file.to_owned(), dir.join(file)];
    let candidates = places
        .into_iter()
        .chain(names.map(|name| drafts.join(name)));
    let texts = candidates.flat_map(|path| {
        // A folder stands for its index.
        let index = ["index.md", "index.markdown", "index.html"].map(|name| path.join(name));
        std::iter::once(path).chain(index)
    });
    let found: Vec<PathBuf> = texts.filter(|path| path.is_file()).collect();
    if found.is_empty() {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("there is no draft {}", file.display()),
        )
        .with_hint("drafts lie in _drafts; start one with `skep draft \"TITLE\"`"));
    }
    let not_a_draft = || {
        Error::new(
            ErrorKind::Refused,
            format!("{} is not a draft of this site", file.display()),
        )
        .with_hint("only files in _drafts can become posts")
    };
    // A file of that name may lie elsewhere too.
    let inside = found.iter().find_map(|path| {
        let (real, root) = (path.canonicalize().ok()?, drafts.canonicalize().ok()?);
        Some(real.strip_prefix(root).ok()?.to_owned())
    });
    let inside = inside.ok_or_else(not_a_draft)?;
    let text = drafts.join(&inside);
    let shown = format!("_drafts/{}", sources::relative(&drafts, &text)?);
    let is_index = text.file_stem().is_some_and(|stem| stem == "index");
    let moves = match text.parent() {
        Some(folder) if is_index && folder != drafts => folder.to_owned(),
        _ => text.clone(),
    };
    let below = moves.strip_prefix(&drafts).ok().and_then(Path::parent);
    Ok(Draft {
        below: below.unwrap_or(Path::new("")).to_owned(),
        text,
        moves,
        shown,
    })
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_goes_in_and_nothing_else_changes() {
        let date = dates::parse(
            "2026-01-02 10:00 +0100",
            &dates::zone("Europe/Berlin").unwrap(),
        );
        let date = date.unwrap();
        for (old, new) in [
            (
                "---\ntitle:   x # c\n---\nBody\n",
                "---\ntitle:   x # c\ndate: 2026-01-02 10:00:00 +0100\n---\nBody\n",
            ),
            (
                "---\r\ndate: 1999-01-01\r\ndraft: true\r\nz: 1\r\n---\r\n",
                "---\r\ndate: 2026-01-02 10:00:00 +0100\r\nz: 1\r\n---\r\n",
            ),
            (
                "---\na:\n  date: 1\n---\n",
                "---\na:\n  date: 1\ndate: 2026-01-02 10:00:00 +0100\n---\n",
            ),
            (
                "+++\ntitle = 'x'\n[t]\ndate = 1\n+++\n",
                "+++\ntitle = 'x'\ndate = 2026-01-02T10:00:00+01:00\n[t]\ndate = 1\n+++\n",
            ),
            (
                "Only text",
                "---\ndate: 2026-01-02 10:00:00 +0100\n---\n\nOnly text",
            ),
        ] {
            assert_eq!(with_date("a.md", old, &date).unwrap(), new);
        }
        assert!(with_date("a.md", "---\n: [\n---\n", &date).is_err());
    }
}
