//! A review, for people and for programs.

use std::collections::BTreeMap;

use anstyle::Style;
use serde_json::{Value, json};
use skep_publisher::{
    archive::{
        address::Address,
        tree::{Change, File},
    },
    error::printable,
    review::{ImageSize, Part, Review, Row, RowKind, Rows, Warning, WarningKind},
    store::Store,
};

use crate::context::{now, seconds, utc};
use crate::output::{BOLD, GREEN, Output, RED, YELLOW, bytes, count};

/// What is said of a review.
pub(crate) struct Report<'a> {
    pub(crate) store: &'a Store,
    pub(crate) review: &'a Review,
    pub(crate) warnings: &'a [Warning],
    /// How many changes were not chosen.
    pub(crate) left_out: usize,
    /// Whether a terminal gets all rows.
    pub(crate) all: bool,
    /// The present moment, in seconds since 1970.
    pub(crate) now: u64,
}

/// The name of the warning about the clock. It stops nothing.
const CLOCK: &str = "clock";

/// So many changes of a kind are listed on a terminal: more go by unseen.
const MAX_ROWS: usize = 100;
/// And so many warnings.
const MAX_WARNINGS: usize = 20;

impl<'a> Report<'a> {
    /// Of all changes.
    pub(crate) fn new(store: &'a Store, review: &'a Review, warnings: &'a [Warning]) -> Self {
        Self {
            store,
            review,
            warnings,
            left_out: 0,
            all: false,
            now: seconds(now()),
        }
    }

    /// The changes, as `git status` would show them.
    pub(crate) fn show(&self, out: &Output) {
        let Review {
            output, sources, ..
        } = self.review;
        let all = self.all || !out.is_terminal();
        if output.changes.is_empty() {
            out.say(match self.left_out {
                0 => "Nothing has changed since.",
                _ => "Nothing of that has changed since.",
            });
        } else {
            self.part(out, output, "The site then has", all);
        }
        if !sources.changes.is_empty() {
            out.say("");
            out.say(match sources.count() {
                0 => "The sources are not published any more:",
                _ => "The sources are published as well:",
            });
            self.part(out, sources, "The sources are then", all);
        }
        self.warn(out, if all { usize::MAX } else { MAX_WARNINGS });
        if self.left_out > 0 {
            let others = count(self.left_out as u64, "other change");
            out.say(format!("{others} left out by `--only`."));
        }
        if let Some(clock) = self.clock() {
            out.warn(format!("{clock} ({CLOCK})"));
        }
    }

    /// What to say if the clock of this machine is behind the newest version.
    fn clock(&self) -> Option<String> {
        let before = self.review.clock_behind(self.now)?;
        let number = self.review.base.as_ref()?.number;
        Some(format!(
            "the clock of this machine says {}, and version {number} is dated {}: the next version gets that date; \
             set the clock if it is wrong",
            utc(self.now),
            utc(before)
        ))
    }

    fn part(&self, out: &Output, part: &Part, then: &str, all: bool) {
        let rows = Rows::of(part);
        out.say("");
        for (kind, rows) in rows.by_kind() {
            let most = if all { usize::MAX } else { MAX_ROWS };
            self.rows(out, part, kind, rows, most);
        }
        out.say("");
        out.say(format!(
            "{BOLD}{}{BOLD:#}: {}. {then} {} ({}).",
            count(rows.count() as u64, "change"),
            rows.summary(),
            count(part.count(), "file"),
            bytes(part.bytes()),
        ));
    }

    fn rows(&self, out: &Output, part: &Part, kind: RowKind, rows: &[Row<'_>], most: usize) {
        let (title, style) = (kind.name(), style(kind));
        for row in rows.iter().take(most) {
            let path = printable(row.change.path.as_str());
            let path = match row.from {
                Some(from) => format!("{} -> {path}", printable(from.as_str())),
                None => path,
            };
            let facts = self.facts(part, row);
            out.say(format!("  {style}{title:<9}{style:#} {path} ({facts})"));
        }
        if rows.len() > most {
            out.say(format!(
                "  {style}{title:<9}{style:#} … and {} more; `skep status --all` lists them",
                rows.len() - most
            ));
        }
    }

    /// What is known of a changed file beside its name.
    fn facts(&self, part: &Part, row: &Row<'_>) -> String {
        let Change { old, new, .. } = row.change;
        let size = |file: &Option<File>| file.as_ref().map(|file| bytes(file.size));
        let sizes = match (size(old), size(new)) {
            (Some(old), Some(new)) if old != new => format!("{old} -> {new}"),
            (_, Some(new)) => new,
            (Some(old), None) => old,
            (None, None) => String::new(),
        };
        let [old, new] = self.review.images(self.store, part, row.change);
        let pixels = |size: ImageSize| format!("{}x{}", size.width, size.height);
        match (old.map(pixels), new.map(pixels)) {
            (Some(old), Some(new)) if old != new => format!("{old} -> {new}, {sizes}"),
            (_, Some(one)) | (Some(one), None) => format!("{one}, {sizes}"),
            (None, None) => sizes,
        }
    }

    fn warn(&self, out: &Output, most: usize) {
        let mut counts: BTreeMap<WarningKind, usize> = BTreeMap::new();
        for warning in self.warnings {
            let count = counts.entry(warning.kind).or_default();
            *count += 1;
            if *count > most {
                continue;
            }
            let path = printable(warning.path.as_str());
            let line = warning
                .line
                .map_or(String::new(), |line| format!(":{line}"));
            let place = if warning.in_sources { "sources: " } else { "" };
            out.warn(format!(
                "{place}{path}{line}: {} ({})",
                warning.message,
                warning.kind.name()
            ));
        }
        for (kind, count) in counts.iter().filter(|(_, count)| **count > most) {
            let (more, name) = (count - most, kind.name());
            out.warn(format!(
                "and {more} more ({name}); `skep status --all` lists them"
            ));
        }
    }

    /// The review, as the `event` of a command for programs.
    pub(crate) fn json(&self, event: &str) -> Value {
        let Review {
            output, sources, ..
        } = self.review;
        let warnings = self.warnings.iter().map(|warning| {
            json!({
                "name": warning.kind.name(),
                "blocking": warning.kind.is_blocking(),
                "path": warning.path.as_str(),
                "in_sources": warning.in_sources,
                "line": warning.line,
                "message": warning.message,
            })
        });
        let clock = self.clock().map(|message| {
            json!({
                "name": CLOCK,
                "blocking": false,
                "path": null,
                "in_sources": false,
                "line": null,
                "message": message,
            })
        });
        let warnings = warnings.chain(clock);
        let mut value = json!({
            "event": event,
            "address": Address::of(self.review.site).to_string(),
            "version": self.review.base.as_ref().map(|entry| entry.number),
            "left_out": self.left_out,
            "warnings": warnings.collect::<Vec<_>>(),
            "sources": null,
        });
        if sources.count() > 0 || !sources.changes.is_empty() {
            let mut part = json!({});
            self.part_json(sources, &mut part);
            value["sources"] = part;
        }
        self.part_json(output, &mut value);
        value
    }

    fn part_json(&self, part: &Part, value: &mut Value) {
        let rows = Rows::of(part);
        value["files"] = part.count().into();
        value["bytes"] = part.bytes().into();
        // A move is neither added nor removed.
        value["added"] = rows.new.len().into();
        value["modified"] = rows.changed.len().into();
        value["removed"] = rows.removed.len().into();
        let changes = part.changes.iter();
        value["changes"] = changes
            .map(|change| self.change_json(part, change))
            .collect();
        let moves = part.moves.iter();
        value["moves"] = moves
            .map(|m| json!({"from": m.from.as_str(), "to": m.to.as_str()}))
            .collect();
    }

    fn change_json(&self, part: &Part, change: &Change) -> Value {
        let kind = match (&change.old, &change.new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "modified",
        };
        let size = |file: &Option<File>| file.as_ref().map(|file| file.size);
        let mut value = json!({
            "path": change.path.as_str(),
            "change": kind,
            "bytes": size(&change.new),
            "old_bytes": size(&change.old),
        });
        let [old, new] = self.review.images(self.store, part, change).map(image_json);
        if !old.is_null() || !new.is_null() {
            value["pixels"] = new;
            value["old_pixels"] = old;
        }
        value
    }
}

/// The size of an image, for programs: `[width, height]`.
pub(crate) fn image_json(size: Option<ImageSize>) -> Value {
    size.map_or(Value::Null, |size| json!([size.width, size.height]))
}

fn style(kind: RowKind) -> Style {
    match kind {
        RowKind::New | RowKind::Moved => GREEN,
        RowKind::Changed => YELLOW,
        RowKind::Removed => RED,
    }
}
