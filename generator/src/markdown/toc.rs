//! The table of contents.

use std::fmt::Write;

use pulldown_cmark_escape::{escape_html, escape_html_body_text};

use super::settings::Labels;

/// A heading of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// From 1 to 6.
    pub(crate) level: usize,
    pub(crate) id: String,
    /// Its plain text.
    pub(crate) title: String,
}

/// What stands in the HTML where the table of contents goes, until all headings are known.
pub(super) const PLACE: &str = "<!--skep:toc-->";

/// Whether the paragraph `text` asks for a table of contents.
pub(super) fn is_marker(text: &str) -> bool {
    let text = text.trim();
    text.eq_ignore_ascii_case("[toc]") || text.eq_ignore_ascii_case("[[toc]]")
}

/// The table of contents as HTML.
pub(super) fn html(headings: &[Heading], labels: &Labels) -> String {
    let mut out = String::from("<nav class=\"toc\" aria-label=\"");
    let _ = escape_html(&mut out, &labels.contents);
    out.push_str("\">\n");
    // The levels of the lists that are open.
    let mut open: Vec<usize> = Vec::new();
    for heading in headings {
        while open.len() > 1 && heading.level <= open[open.len() - 2] {
            out.push_str("</li>\n</ol>\n");
            open.pop();
        }
        match open.last_mut() {
            Some(level) if heading.level <= *level => {
                *level = heading.level;
                out.push_str("</li>\n<li>");
            }
            _ => {
                out.push_str(if open.is_empty() {
                    "<ol>\n<li>"
                } else {
                    "\n<ol>\n<li>"
                });
                open.push(heading.level);
            }
        }
        out.push_str("<a href=\"#");
        let _ = escape_html(&mut out, &heading.id);
        out.push_str("\">");
        let _ = escape_html_body_text(&mut out, &heading.title);
        out.push_str("</a>");
    }
    for _ in open {
        out.push_str("</li>\n</ol>\n");
    }
    let _ = writeln!(out, "</nav>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_nested_as_the_headings_are() {
        let headings: Vec<Heading> = [2, 3, 3, 2, 4, 3, 1, 2]
            .into_iter()
            .enumerate()
            .map(|(index, level)| Heading {
                level,
                id: format!("i{index}"),
                title: format!("<{index}"),
            })
            .collect();
        let html = html(&headings, &Labels::default());
        let text: String = html
            .replace("</a>", "")
            .replace("<ol>", "(")
            .replace("</ol>", ")")
            .split('<')
            .filter_map(|part| part.split_once('>'))
            .map(|(_, text)| text.replace('\n', ""))
            .collect();
        assert_eq!(text, "(&lt;0(&lt;1&lt;2)&lt;3(&lt;4&lt;5)&lt;6(&lt;7))");
        assert_eq!(html.matches("<li>").count(), html.matches("</li>").count());
        assert!(html.starts_with(
            "<nav class=\"toc\" aria-label=\"Contents\">\n<ol>\n<li><a href=\"#i0\">"
        ));
    }
}
