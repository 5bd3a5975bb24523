//! Footnotes: numbered in the order in which the text refers to them, and listed at its end,
//! with links there and back.

use std::collections::HashMap;
use std::fmt::Write;

use pulldown_cmark_escape::escape_html;

use super::note::Note;
use super::settings::Labels;

/// The footnotes of one text.
#[derive(Debug)]
pub(super) struct Footnotes {
    /// Keeps the ids apart from those of other texts on the same page.
    prefix: String,
    /// In the order of their numbers.
    list: Vec<Footnote>,
    /// By label, in lower case.
    by_label: HashMap<String, Defined>,
}

#[derive(Debug)]
struct Footnote {
    label: String,
    references: usize,
}

#[derive(Debug, Default)]
struct Defined {
    number: Option<usize>,
    html: Option<String>,
    offset: usize,
}

impl Footnotes {
    /// Of the text at `path` in the site. Without a path, `text` itself tells it from others.
    pub(super) fn of(path: &str, text: &str) -> Self {
        Self {
            prefix: prefix(if path.is_empty() { text } else { path }),
            list: Vec::new(),
            by_label: HashMap::new(),
        }
    }

    /// Writes a reference to the footnote `label`, as a link if it may be one.
    pub(super) fn refer(&mut self, out: &mut String, label: &str, is_link: bool) {
        let label = label.to_lowercase();
        let defined = self.by_label.entry(label.clone()).or_default();
        let number = *defined.number.get_or_insert_with(|| {
            self.list.push(Footnote {
                label,
                references: 0,
            });
            self.list.len()
        });
        let footnote = &mut self.list[number - 1];
        footnote.references += 1;
        let prefix = &self.prefix;
        if !is_link {
            let _ = write!(
                out,
                "<sup class=\"footnote-reference\" id=\"fnref-{prefix}{number}{}\">{number}</sup>",
                Nth(footnote.references)
            );
            return;
        }
        let _ = write!(
            out,
            "<sup class=\"footnote-reference\"><a id=\"fnref-{prefix}{number}{}\" \
             href=\"#fn-{prefix}{number}\" role=\"doc-noteref\">{number}</a></sup>",
            Nth(footnote.references)
        );
    }

    /// The footnote `label` reads `html`. The first definition counts.
    pub(super) fn define(&mut self, label: &str, html: String, offset: usize) {
        let defined = self.by_label.entry(label.to_lowercase()).or_default();
        if defined.html.is_none() {
            defined.html = Some(html);
            defined.offset = offset;
        }
    }

    /// Writes the list of all footnotes that are referred to. Tells of the others.
    pub(super) fn write(mut self, out: &mut String, labels: &Labels, notes: &mut Vec<Note>) {
        let unused = self.by_label.iter().filter(|(_, d)| d.number.is_none());
        notes.extend(unused.map(|(label, defined)| {
            Note::new(
                defined.offset,
                format!("nothing refers to the footnote '{label}'"),
            )
            .with_hint(format!("it is left out: refer to it with [^{label}]"))
        }));
        if self.list.is_empty() {
            return;
        }
        out.push_str("<section class=\"footnotes\" role=\"doc-endnotes\" aria-label=\"");
        let _ = escape_html(&mut *out, &labels.footnotes);
        out.push_str("\">\n<ol>\n");
        let prefix = &self.prefix;
        for (index, footnote) in self.list.iter().enumerate() {
            let number = index + 1;
            let defined = self.by_label.get_mut(&footnote.label);
            let html = defined.and_then(|d| d.html.take()).unwrap_or_default();
            let _ = write!(
                out,
                "<li class=\"footnote-definition\" id=\"fn-{prefix}{number}\">"
            );
            // The way back stands in the last line of the footnote.
            let (body, end) = match html.strip_suffix("</p>\n") {
                Some(body) => (body, "</p>\n"),
                None => (html.as_str(), ""),
            };
            if body.starts_with('<') {
                out.push('\n');
            }
            out.push_str(body);
            for nth in 1..=footnote.references {
                let _ = write!(
                    out,
                    " <a class=\"footnote-backref\" href=\"#fnref-{prefix}{number}{}\" \
                     role=\"doc-backlink\" aria-label=\"",
                    Nth(nth)
                );
                let _ = escape_html(&mut *out, &labels.back);
                let _ = write!(out, " {number}{}\">↩", Nth(nth));
                if nth > 1 {
                    let _ = write!(out, "<sup>{nth}</sup>");
                }
                out.push_str("</a>");
            }
            out.push_str(end);
            out.push_str("</li>\n");
        }
        out.push_str("</ol>\n</section>\n");
    }
}

/// The number of a reference after the first to one footnote.
struct Nth(usize);

impl std::fmt::Display for Nth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1 => Ok(()),
            nth => write!(f, "-{nth}"),
        }
    }
}

/// A short name for what tells a text from others: 64-bit FNV-1a, folded to 32 bits. It only
/// has to differ among the texts of one page.
fn prefix(name: &str) -> String {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{:08x}-", (hash >> 32) ^ (hash & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_tells_texts_apart() {
        assert_eq!(prefix("a.md").len(), 9);
        assert_ne!(prefix("a.md"), prefix("b.md"));
    }
}
