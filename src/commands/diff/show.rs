//! Changed files, for people and for programs.

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use skep_publisher::{archive::tree::File, error::printable, review::Side};

use super::Changed;
use crate::{
    output::{BOLD, GREEN, Output, RED, bytes, count},
    report::image_json,
};

/// What was shown so far.
pub(super) struct Shown<'a> {
    out: &'a Output,
    stat: bool,
    files: u64,
    /// How many lines were added.
    pub(super) added: usize,
    /// How many were removed.
    pub(super) removed: usize,
    rows: Vec<Row>,
}

/// A row of `--stat`.
struct Row {
    name: String,
    /// Lines added and removed, or what else is known.
    facts: Result<(usize, usize), String>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(out: &'a Output, stat: bool) -> Self {
        Self {
            out,
            stat,
            files: 0,
            added: 0,
            removed: 0,
            rows: Vec::new(),
        }
    }

    /// Shows a changed file; only its numbers, and later, with `--stat`.
    pub(super) fn add(&mut self, file: &Changed<'_>) {
        self.files += 1;
        if let Some(lines) = &file.lines {
            self.added += lines.added;
            self.removed += lines.removed;
        }
        match self.stat {
            false => show(self.out, file),
            true => self.rows.push(Row {
                name: name(file),
                facts: match (&file.lines, file.from) {
                    (_, Some(_)) => Err("moved".to_owned()),
                    (Some(lines), None) => Ok((lines.added, lines.removed)),
                    (None, None) => Err(facts(file)),
                },
            }),
        }
    }

    /// Shows what `--stat` asks for, and the sum.
    pub(super) fn finish(self) {
        if self.files == 0 {
            self.out.say("Nothing has changed.");
            return;
        }
        self.stat();
        let mut sum = format!("{} changed", count(self.files, "file"));
        if self.added > 0 {
            sum += &format!(", {}(+)", count(self.added as u64, "insertion"));
        }
        if self.removed > 0 {
            sum += &format!(", {}(-)", count(self.removed as u64, "deletion"));
        }
        self.out.say(format!("{BOLD}{sum}{BOLD:#}"));
    }

    fn stat(&self) {
        let name_width = self.rows.iter().map(|row| row.name.chars().count()).max();
        let name_width = name_width.unwrap_or(0).min(MAX_NAME);
        let lines = self.rows.iter().filter_map(|row| row.facts.as_ref().ok());
        let most = lines.map(|(added, removed)| added + removed).max();
        let most = most.unwrap_or(0).max(1);
        let number_width = most.to_string().len();
        for row in &self.rows {
            let name = shorten(&row.name, name_width);
            let facts = match &row.facts {
                Err(facts) => facts.clone(),
                Ok((added, removed)) => {
                    let (plus, minus) = bar(*added, *removed, most);
                    format!(
                        "{:>number_width$} {GREEN}{}{GREEN:#}{RED}{}{RED:#}",
                        added + removed,
                        "+".repeat(plus),
                        "-".repeat(minus),
                    )
                }
            };
            self.out.say(format!(" {name:<name_width$} | {facts}"));
        }
    }
}

/// Longer names lose their beginning.
const MAX_NAME: usize = 48;
/// How long the longest bar is.
const BAR: usize = 24;

fn shorten(name: &str, width: usize) -> String {
    let length = name.chars().count();
    match length > width {
        false => name.to_owned(),
        true => {
            let end: String = name.chars().skip(length - width + 1).collect();
            format!("…{end}")
        }
    }
}

/// How many signs of each kind stand for so many lines.
fn bar(added: usize, removed: usize, most: usize) -> (usize, usize) {
    let scale = |lines: usize| match most > BAR {
        // Whatever changed is seen.
        true => (lines * BAR / most).max(usize::from(lines > 0)),
        false => lines,
    };
    (scale(added), scale(removed))
}

fn name(file: &Changed<'_>) -> String {
    let path = printable(file.change.path.as_str());
    match file.from {
        Some(from) => format!("{} -> {path}", printable(from.as_str())),
        None => path,
    }
}

/// What is known of a file that is no text.
fn facts(file: &Changed<'_>) -> String {
    let side = |side: &Option<File>, image: usize| match side {
        None => "none".to_owned(),
        Some(side) => match file.images[image] {
            Some(size) => format!("{}x{}, {}", size.width, size.height, bytes(side.size)),
            None => bytes(side.size),
        },
    };
    format!(
        "{} -> {}",
        side(&file.change.old, 0),
        side(&file.change.new, 1)
    )
}

fn show(out: &Output, file: &Changed<'_>) {
    let what = match (&file.change.old, &file.change.new, file.from) {
        (_, _, Some(_)) => " (moved)",
        (None, _, None) => " (new)",
        (_, None, None) => " (removed)",
        _ => "",
    };
    out.say(format!("{BOLD}{}{BOLD:#}{what}", name(file)));
    let Some(diff) = &file.lines else {
        out.say(format!("  no text: {}", facts(file)));
        return;
    };
    for hunk in &diff.hunks {
        let cyan = AnsiColor::Cyan.on_default();
        out.say(format!("{cyan}{}{cyan:#}", hunk.header()));
        for line in &hunk.lines {
            let (sign, style) = match line.side {
                Side::Both => (' ', Style::new()),
                Side::Old => ('-', AnsiColor::Red.on_default()),
                Side::New => ('+', AnsiColor::Green.on_default()),
            };
            let mut text = format!("{style}{sign}{style:#}");
            for (differs, part) in &line.parts {
                let style = if *differs { style.invert() } else { style };
                // A site's text may come from elsewhere: nothing in it commands the terminal.
                text += &format!("{style}{}{style:#}", printable(&part.replace('\t', "    ")));
            }
            out.say(text);
        }
    }
}

pub(super) fn to_json(file: &Changed<'_>) -> Value {
    let hunks = file.lines.as_ref().map(|diff| {
        let hunks = diff.hunks.iter().map(|hunk| {
            let lines = hunk.lines.iter().map(|line| {
                let side = match line.side {
                    Side::Both => "both",
                    Side::Old => "old",
                    Side::New => "new",
                };
                json!({"side": side, "parts": line.parts})
            });
            json!({
                "old_start": hunk.old_start,
                "new_start": hunk.new_start,
                "lines": lines.collect::<Vec<_>>(),
            })
        });
        hunks.collect::<Vec<_>>()
    });
    let mut value = json!({
        "path": file.change.path.as_str(),
        "from": file.from.map(|path| path.as_str()),
        "old_bytes": file.change.old.as_ref().map(|f| f.size),
        "new_bytes": file.change.new.as_ref().map(|f| f.size),
        "added": file.lines.as_ref().map(|diff| diff.added),
        "removed": file.lines.as_ref().map(|diff| diff.removed),
        "hunks": hunks,
    });
    let [old, new] = file.images.map(image_json);
    if !old.is_null() || !new.is_null() {
        value["pixels"] = new;
        value["old_pixels"] = old;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_never_too_long_and_shows_whatever_changed() {
        assert_eq!(bar(3, 2, 5), (3, 2));
        assert_eq!(bar(1, 9_999, 10_000), (1, 23));
        assert_eq!(bar(10_000, 0, 10_000), (24, 0));
        assert_eq!(bar(0, 0, 1), (0, 0));
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(shorten("a/b.html", 8), "a/b.html");
        assert_eq!(shorten("a/long/way/b.html", 8), "…/b.html");
        assert_eq!(shorten("ééééé", 3), "…éé");
    }
}
