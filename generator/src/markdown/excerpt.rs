//! The excerpt of a text: what stands before `<!--more-->`, else its first paragraph.

use std::ops::Range;

use pulldown_cmark::TagEnd;

/// What ends the excerpt.
pub(super) const MORE: &str = "<!--more-->";

/// The excerpt of a post that is HTML already.
pub(crate) fn html_excerpt(html: &str) -> String {
    if let Some((before, _)) = html.split_once(MORE) {
        return before.to_owned();
    }
    match (html.find("<p"), html.find("</p>")) {
        (Some(start), Some(end)) if start < end => html[start..end + "</p>".len()].to_owned(),
        _ => String::new(),
    }
}

/// The excerpt while the HTML is being written.
#[derive(Debug)]
pub(super) struct Excerpt {
    /// The marker is somewhere in the text, perhaps in code.
    may_have_marker: bool,
    /// The excerpt so far: the first paragraph, or all before the marker.
    found: Option<String>,
    is_final: bool,
    /// What an excerpt leaves out, in the HTML: it can stand on a page of many, so that it has
    /// no ids, no footnotes and no links to its own headings.
    left_out: Vec<Range<usize>>,
}

impl Excerpt {
    pub(super) fn of(text: &str) -> Self {
        Self {
            may_have_marker: memchr::memmem::find(text.as_bytes(), MORE.as_bytes()).is_some(),
            found: None,
            is_final: false,
            left_out: Vec::new(),
        }
    }

    /// Whether it matters any more what is to be left out.
    pub(super) fn is_open(&self) -> bool {
        !self.is_final
    }

    /// Leaves `range` of the HTML out.
    pub(super) fn leave_out(&mut self, range: Range<usize>) {
        self.left_out.push(range);
    }

    /// `len` bytes, which are to be left out, were put into the HTML at `at`.
    pub(super) fn insert(&mut self, at: usize, len: usize) {
        let after = self.left_out.partition_point(|range| range.start < at);
        for range in &mut self.left_out[after..] {
            *range = range.start + len..range.end + len;
        }
        self.left_out.insert(after, at..at + len);
    }

    /// A paragraph on the top level that says something is `range` of `html`.
    pub(super) fn paragraph(&mut self, html: &str, range: Range<usize>) {
        if self.is_final || self.found.is_some() {
            return;
        }
        self.found = Some(self.copy(html, range));
        self.is_final = !self.may_have_marker;
    }

    /// The marker stands at the end of `html`, and the elements of `open` are open there.
    pub(super) fn marker(&mut self, html: &str, open: &[TagEnd]) {
        if self.is_final {
            return;
        }
        let mut excerpt = self.copy(html, 0..html.len());
        for tag in open.iter().rev() {
            excerpt.push_str(end_tag(*tag));
        }
        self.found = Some(excerpt);
        self.is_final = true;
    }

    pub(super) fn into_html(self) -> String {
        self.found.unwrap_or_default()
    }

    fn copy(&self, html: &str, range: Range<usize>) -> String {
        let mut out = String::with_capacity(range.len());
        let mut at = range.start;
        for left_out in &self.left_out {
            if left_out.start >= at && left_out.end <= range.end {
                out.push_str(&html[at..left_out.start]);
                at = left_out.end;
            }
        }
        out.push_str(&html[at..range.end]);
        out
    }
}

/// How an element that is open at the marker ends.
fn end_tag(tag: TagEnd) -> &'static str {
    match tag {
        TagEnd::Paragraph => "</p>\n",
        TagEnd::Heading(level) => match level {
            pulldown_cmark::HeadingLevel::H1 => "</h1>\n",
            pulldown_cmark::HeadingLevel::H2 => "</h2>\n",
            pulldown_cmark::HeadingLevel::H3 => "</h3>\n",
            pulldown_cmark::HeadingLevel::H4 => "</h4>\n",
            pulldown_cmark::HeadingLevel::H5 => "</h5>\n",
            pulldown_cmark::HeadingLevel::H6 => "</h6>\n",
        },
        TagEnd::BlockQuote(None) => "</blockquote>\n",
        TagEnd::BlockQuote(Some(_)) => "</div>\n",
        TagEnd::List(true) => "</ol>\n",
        TagEnd::List(false) => "</ul>\n",
        TagEnd::Item => "</li>\n",
        TagEnd::DefinitionList => "</dl>\n",
        TagEnd::DefinitionListTitle => "</dt>\n",
        TagEnd::DefinitionListDefinition => "</dd>\n",
        TagEnd::Table => "</tbody></table></div>\n",
        TagEnd::TableHead => "</tr></thead><tbody>\n",
        TagEnd::TableRow => "</tr>\n",
        TagEnd::TableCell => "</td>",
        TagEnd::Emphasis => "</em>",
        TagEnd::Strong => "</strong>",
        TagEnd::Strikethrough => "</del>",
        TagEnd::Superscript => "</sup>",
        TagEnd::Subscript => "</sub>",
        TagEnd::Link => "</a>",
        // Neither holds the marker, or writes an element.
        TagEnd::HtmlBlock
        | TagEnd::CodeBlock
        | TagEnd::FootnoteDefinition
        | TagEnd::Image
        | TagEnd::MetadataBlock(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_has_an_excerpt_too() {
        assert_eq!(html_excerpt("<h1>x</h1><p>a</p><p>b</p>"), "<p>a</p>");
        assert_eq!(html_excerpt("a<!--more-->b"), "a");
        assert_eq!(html_excerpt("nothing"), "");
    }
}
