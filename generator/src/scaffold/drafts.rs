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
use crate::sources;

/// Makes a draft called `title` in the site `dir`, and returns its path. Never overwrites a file.
pub fn draft(dir: &Path, title: &str) -> Result<PathBuf, Error> {
    config::read(dir)?.engine.expect_tera()?;
    let title = title.trim();
    let slug = slug::slugify(title);
    if slug.is_empty() {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("'{title}' has no letters to name a file by"),
        )
        .with_hint("give the draft a title of words; you can change it in the file"));
    }
    let path = dir.join("_drafts").join(format!("{slug}.md"));
    // A string of JSON is one of YAML.
    let quoted = serde_json::Value::from(title).to_string();
    files::create(
        &path,
        format!("---\ntitle: {quoted}\ntags: []\n---\n\n").as_bytes(),
    )?;
    Ok(path)
}

/// Dates the draft `file` of the site `dir` and moves it to `_posts`; returns its new path. `file`
/// may be given as a path, as a path in the site, or as a name in `_drafts`. Of its text, only
/// `date` in the front matter changes, and `draft: true` goes. Never overwrites a file.
pub fn post(dir: &Path, file: &Path, date: Zoned) -> Result<PathBuf, Error> {
    let settings = config::read(dir)?;
    settings.engine.expect_tera()?;
    let from = find_draft(dir, file)?;
    let shown = format!("_drafts/{}", file_name(&from));
    let text =
        fs::read_to_string(&from).map_err(|error| Error::io("read it", &error).in_file(&shown))?;
    let date = date.with_time_zone(settings.time_zone);
    let new = with_date(&shown, &text, &date)?;

    let name = file_name(&from);
    let extension = documents::extension(&name).to_owned();
    let stem = name.strip_suffix(&format!(".{extension}")).unwrap_or(&name);
    let slug = dates::split_file_name(stem).map_or(stem, |(_, slug)| slug);
    let extension = if extension.is_empty() {
        "md"
    } else {
        &extension
    };
    let name = format!("{}-{slug}.{extension}", date.date());
    let to = dir.join("_posts").join(name);
    files::create(&to, new.as_bytes())?;
    fs::remove_file(&from).map_err(|error| {
        Error::io(format_args!("remove the draft {shown}"), &error)
            .with_hint("the post is made; remove the draft by hand")
    })?;
    Ok(to)
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

fn find_draft(dir: &Path, file: &Path) -> Result<PathBuf, Error> {
    let drafts = dir.join("_drafts");
    let with_extension = PathBuf::from(format!("{}.md", file.display()));
    let candidates = [
        file.to_owned(),
        dir.join(file),
        drafts.join(file),
        drafts.join(&with_extension),
    ];
    let Some(found) = candidates.iter().find(|path| path.is_file()) else {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("there is no draft {}", file.display()),
        )
        .with_hint("drafts lie in _drafts; start one with `skep draft \"TITLE\"`"));
    };
    let inside = match (found.canonicalize(), drafts.canonicalize()) {
        (Ok(found), Ok(drafts)) => found.starts_with(drafts),
        _ => false,
    };
    if !inside {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("{} is not a draft of this site", file.display()),
        )
        .with_hint("only files in _drafts can become posts"));
    }
    sources::relative(&drafts, found)?;
    Ok(found.clone())
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
