//! Inlines: what runs with the text.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};
use pulldown_cmark_escape::{escape_href, escape_html, escape_html_body_text};

use super::super::math;
use super::super::note::Note;
use super::super::references;
use super::super::scripts;
use super::super::spans::{Kind, Span};
use super::{OpenImage, OpenLink, Writer};
use crate::html as entities;
use crate::marks::{self, LinkKind};

impl<'a> Writer<'a> {
    pub(super) fn math(&mut self, tex: &str, range: Range<usize>, is_display: bool) {
        let written = &self.text[range.clone()];
        // As in Pandoc: in `$5-$6` there is no formula.
        let is_price = self.text[range.end..].starts_with(|c: char| c.is_ascii_digit());
        if is_price && !is_display {
            return self.plain(written);
        }
        match math::mathml(tex, is_display) {
            Ok(mathml) => {
                self.says_something = true;
                if let Some(heading) = &mut self.heading {
                    heading.plain.push_str(tex);
                }
                self.out.push_str(&mathml);
            }
            Err(error) => {
                let fence = if is_display { 2 } else { 1 };
                // In a quote the lines of the text hold more than those of the formula.
                let is_same = tex.len() + 2 * fence == range.len();
                let inner = if is_same { fence + error.offset } else { 0 };
                let message = format!("this formula can't be read: {}", error.message);
                self.note(Note::new(range.start + inner, message).with_hint(
                    "it is shown as it is written; a dollar sign that is none of a formula is \\$",
                ));
                self.out.push_str("<code class=\"math-error\">");
                let _ = escape_html_body_text(&mut self.out, written);
                self.out.push_str("</code>");
            }
        }
    }

    pub(super) fn text(&mut self, mut text: &str, mut range: Range<usize>) {
        if self.code.is_some() {
            self.count_words(text);
            self.code_text.push_str(text);
            return;
        }
        while text.len() == range.len()
            && let Some(span) = self.span_in(&range)
        {
            self.plain(&text[..span.range.start - range.start]);
            self.next_span = self.spans.next();
            let end = self.span(&span);
            if end >= range.end {
                return;
            }
            text = &text[end - range.start..];
            range.start = end;
        }
        self.plain(text);
    }

    /// Text without spans.
    fn plain(&mut self, text: &str) {
        self.count_words(text);
        self.say(text);
        if let Some(heading) = &mut self.heading {
            heading.plain.push_str(text);
        }
        let _ = escape_html_body_text(&mut self.out, text);
    }

    /// The next span, if it begins in `range`.
    fn span_in(&mut self, range: &Range<usize>) -> Option<Span> {
        loop {
            let next = self.next_span.as_ref()?;
            if next.range.start >= range.end {
                return None;
            }
            let may_be = match next.kind {
                Kind::Link(_) => self.links.is_empty() && !self.raw_elements.forbid_links(),
                Kind::Superscript | Kind::Subscript => true,
            };
            let may_be = may_be && !self.raw_elements.are_verbatim();
            if next.range.start >= range.start && may_be {
                return Some(next.clone());
            }
            self.next_span = self.spans.next();
        }
    }

    /// Writes a span. Returns where it ends.
    fn span(&mut self, span: &Span) -> usize {
        let mut range = span.range.clone();
        let inner = range.start + 1..range.end - 1;
        match span.kind {
            Kind::Link(prefix) => {
                // A cell of a table ends at its bar.
                if self.in_cell
                    && let Some(bar) = self.text[range.clone()].find('|')
                {
                    range.end = range.start + bar;
                }
                self.autolink(prefix, range.clone());
            }
            Kind::Superscript => {
                self.out.push_str("<sup>");
                self.plain(&self.text[inner]);
                self.out.push_str("</sup>");
            }
            Kind::Subscript => {
                self.out.push_str("<sub>");
                self.plain(&self.text[inner]);
                self.out.push_str("</sub>");
            }
        }
        self.written = range;
        self.written.end
    }

    fn autolink(&mut self, prefix: &str, range: Range<usize>) {
        let shown = entities::decode(&self.text[range]);
        if let Some(heading) = &mut self.heading {
            heading.has_link = true;
        }
        self.out.push_str("<a href=\"");
        self.out.push_str(prefix);
        let _ = escape_href(&mut self.out, &shown);
        self.out.push_str("\">");
        self.plain(&shown);
        self.out.push_str("</a>");
    }

    /// A text that begins inside of a span: what goes beyond it.
    pub(super) fn rest_of_span(&mut self, text: &str, range: Range<usize>) {
        let end = self.written.end;
        if range.end > end && text.len() == range.len() {
            self.text(&text[end - range.start..], end..range.end);
        }
    }

    pub(super) fn code_span(&mut self, text: &str) {
        self.count_words(text);
        self.say(text);
        if let Some(heading) = &mut self.heading {
            heading.plain.push_str(text);
        }
        self.out.push_str("<code>");
        let _ = escape_html_body_text(&mut self.out, text);
        self.out.push_str("</code>");
    }

    pub(super) fn soft_break(&mut self) {
        self.out.push('\n');
        if let Some(heading) = &mut self.heading {
            heading.plain.push(' ');
        }
    }

    pub(super) fn start_inline(&mut self, tag: Tag<'a>, range: Range<usize>) {
        match tag {
            Tag::Emphasis => self.out.push_str("<em>"),
            Tag::Strong => self.out.push_str("<strong>"),
            Tag::Strikethrough => self.out.push_str("<del>"),
            Tag::Superscript if !self.is_script(&range) => self.plain("^"),
            Tag::Superscript => self.out.push_str("<sup>"),
            Tag::Subscript if !self.is_script(&range) => self.plain("~"),
            Tag::Subscript => self.out.push_str("<sub>"),
            Tag::Link {
                link_type,
                dest_url,
                title,
                ..
            } => self.start_link(link_type, &dest_url, &title, range.start),
            Tag::Image {
                link_type,
                dest_url,
                title,
                ..
            } => {
                self.out.push_str("<img src=\"");
                self.url(LinkKind::Image, link_type, &dest_url, range.start);
                self.out.push_str("\" alt=\"");
                let alt = self.out.len();
                let is_first = !std::mem::replace(&mut self.has_images, true);
                self.image = Some(OpenImage {
                    title,
                    alt,
                    may_have_size: matches!(link_type, LinkType::WikiLink { has_pothole: true }),
                    depth: 0,
                    // The first is often the largest thing that one sees at once.
                    is_lazy: self.extended && self.context.settings.lazy_images && !is_first,
                });
            }
            _ => {}
        }
    }

    pub(super) fn end_inline(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Emphasis => self.out.push_str("</em>"),
            TagEnd::Strong => self.out.push_str("</strong>"),
            TagEnd::Strikethrough => self.out.push_str("</del>"),
            TagEnd::Superscript if !self.is_script(&range) => self.plain("^"),
            TagEnd::Superscript => self.out.push_str("</sup>"),
            TagEnd::Subscript if !self.is_script(&range) => self.plain("~"),
            TagEnd::Subscript => self.out.push_str("</sub>"),
            TagEnd::Link => match self.links.pop() {
                Some(OpenLink::Written) | None => self.out.push_str("</a>"),
                Some(OpenLink::Brackets) => self.plain("]]"),
                Some(OpenLink::LeftOut) => {}
            },
            _ => {}
        }
    }

    /// Whether the parser's super- or subscript is one.
    fn is_script(&self, range: &Range<usize>) -> bool {
        !self.raw_elements.are_verbatim() && scripts::is_script(self.text, range)
    }

    fn start_link(&mut self, link_type: LinkType, url: &str, title: &str, offset: usize) {
        let is_wiki = matches!(link_type, LinkType::WikiLink { .. });
        // No page is called so: `[[1, 2], [3, 4]]` is a list of lists.
        if is_wiki && url.contains(['[', ']']) {
            self.links.push(OpenLink::Brackets);
            return self.plain("[[");
        }
        if self.extended && self.raw_elements.forbid_links() {
            self.links.push(OpenLink::LeftOut);
            let message = "this link is in an element of HTML that can hold none";
            return self.note(Note::new(offset, message).with_hint(
                "its words stay: end the <a> or <button> before it, or take the link out",
            ));
        }
        self.links.push(OpenLink::Written);
        if let Some(heading) = &mut self.heading {
            heading.has_link = true;
        }
        self.out.push_str("<a href=\"");
        self.url(LinkKind::Link, link_type, url, offset);
        if !title.is_empty() {
            self.out.push_str("\" title=\"");
            let _ = escape_html(&mut self.out, title);
        }
        self.out.push_str("\">");
    }

    /// Writes `url` into an attribute, as a mark if it leads to another source.
    fn url(&mut self, kind: LinkKind, link_type: LinkType, url: &str, offset: usize) {
        if let LinkType::Email = link_type {
            self.out.push_str("mailto:");
        }
        let path = self.context.path;
        // In a table the bar is written `\|`, and the name ends before both.
        let url = match link_type {
            LinkType::WikiLink { has_pothole: true } => url.strip_suffix('\\').unwrap_or(url),
            _ => url,
        };
        let is_wiki = matches!(link_type, LinkType::WikiLink { .. }) && kind == LinkKind::Link;
        let reference = match link_type {
            _ if !self.extended => None,
            _ if is_wiki => Some(references::of_wiki(path, url, offset)),
            LinkType::Email | LinkType::Autolink => None,
            _ => references::of_url(kind, path, url, offset),
        };
        let Some(reference) = reference else {
            let _ = escape_href(&mut self.out, url);
            return;
        };
        let heading = reference.fragment.as_ref().filter(|_| is_wiki);
        let written = match heading {
            Some(heading) => Cow::Owned(format!("#{heading}")),
            None if is_wiki => Cow::Borrowed(""),
            None => Cow::Borrowed(url),
        };
        let (target, literal) = (&reference.target, reference.literal.as_deref());
        marks::push_link(&mut self.out, reference.kind, &written, target, literal);
        self.done.links.push(reference);
    }

    /// What is inside of an image: its alternative text.
    pub(super) fn in_image(&mut self, event: Event<'a>, range: Range<usize>) {
        let Some(image) = &mut self.image else {
            return;
        };
        match event {
            Event::Start(_) => image.depth += 1,
            Event::End(_) if image.depth > 0 => image.depth -= 1,
            Event::End(_) => self.end_image(),
            Event::Text(text) | Event::Code(text) => {
                let _ = escape_html(&mut self.out, &text);
            }
            Event::InlineMath(_) | Event::DisplayMath(_) => {
                let _ = escape_html(&mut self.out, &self.text[range]);
            }
            Event::SoftBreak | Event::HardBreak | Event::Rule => self.out.push(' '),
            Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::Html(_)
            | Event::InlineHtml(_) => {}
        }
    }

    fn end_image(&mut self) {
        let Some(image) = self.image.take() else {
            return;
        };
        self.open.pop();
        // As in Obsidian: `![[lake.jpg|300]]` and `![[lake.jpg|300x200]]` say how large it is.
        let size = image.may_have_size.then(|| size(&self.out[image.alt..]));
        let style = size.flatten();
        if style.is_some() {
            self.out.truncate(image.alt);
        }
        if !image.title.is_empty() {
            self.out.push_str("\" title=\"");
            let _ = escape_html(&mut self.out, &image.title);
        }
        self.out.push('"');
        if let Some(style) = style {
            self.out.push_str(&style);
        }
        if image.is_lazy {
            self.out.push_str(" loading=\"lazy\" decoding=\"async\"");
        }
        self.void("", "");
    }
}

/// The attribute that makes an image as large as `words` say: a width, or a width and a height.
fn size(words: &str) -> Option<String> {
    let pixels = |number: &str| {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && number.len() <= 5).then(|| format!("{number}px"))
    };
    let (width, height) = match words.split_once('x') {
        Some((width, height)) => (width, pixels(height)?),
        None => (words, "auto".to_owned()),
    };
    let width = pixels(width)?;
    Some(format!(" style=\"width: {width}; height: {height}\""))
}
