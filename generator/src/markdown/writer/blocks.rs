//! Blocks: what has lines of its own.

use std::fmt::Write;
use std::ops::Range;

use pulldown_cmark::{Alignment, BlockQuoteKind, CodeBlockKind, CowStr, HeadingLevel, Tag, TagEnd};
use pulldown_cmark_escape::escape_html;

use super::super::note::Note;
use super::super::{plain, toc};
use super::{Frame, OpenCode, OpenHeading, Writer};

impl<'a> Writer<'a> {
    pub(super) fn start(&mut self, tag: Tag<'a>, range: Range<usize>) {
        // A block of HTML is no element: a call may begin in one and end in another.
        if matches!(tag, Tag::HtmlBlock) {
            return self.new_line();
        }
        let is_top = self.open.is_empty();
        self.open.push(tag.to_end());
        match tag {
            Tag::Paragraph => {
                self.new_line();
                if is_top && self.frames.is_empty() {
                    self.paragraph = self.out.len();
                    self.says_something = false;
                }
                self.out.push_str("<p>");
            }
            Tag::Heading {
                level,
                id,
                classes,
                attrs,
            } => self.start_heading(level, id, &classes, &attrs, range.start),
            Tag::BlockQuote(kind) => self.start_quote(kind),
            Tag::CodeBlock(kind) => {
                self.new_line();
                self.code_text.clear();
                self.code = Some(OpenCode {
                    info: match kind {
                        CodeBlockKind::Fenced(info) => Some(info),
                        CodeBlockKind::Indented => None,
                    },
                    offset: range.start,
                });
            }
            Tag::List(Some(1)) => self.block("<ol>\n"),
            Tag::List(Some(start)) => {
                self.new_line();
                let _ = writeln!(self.out, "<ol start=\"{start}\">");
            }
            Tag::List(None) => self.block("<ul>\n"),
            Tag::Item => self.block("<li>"),
            Tag::DefinitionList => self.block("<dl>\n"),
            Tag::DefinitionListTitle => self.block("<dt>"),
            Tag::DefinitionListDefinition => self.block("<dd>"),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                // A wide table scrolls in this box, so that the keyboard has to reach it.
                self.block("<div class=\"table\" role=\"group\" tabindex=\"0\" aria-label=\"");
                let _ = escape_html(&mut self.out, &self.context.settings.labels.table);
                self.out.push_str("\"><table>");
            }
            Tag::TableHead => {
                self.in_table_head = true;
                self.cell = 0;
                self.out.push_str("<thead><tr>");
            }
            Tag::TableRow => {
                self.cell = 0;
                self.out.push_str("<tr>");
            }
            Tag::TableCell => self.start_cell(),
            Tag::FootnoteDefinition(label) => self.frames.push(Frame::Footnote {
                label,
                html: std::mem::take(&mut self.out),
            }),
            Tag::HtmlBlock | Tag::MetadataBlock(_) => {}
            inline => self.start_inline(inline, range),
        }
    }

    pub(super) fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        if tag == TagEnd::HtmlBlock {
            return;
        }
        self.open.pop();
        self.calls_inside_end_with_it();
        if !is_inline(tag) {
            self.raw_elements.end_block();
        }
        match tag {
            TagEnd::Paragraph => {
                self.out.push_str("</p>\n");
                if self.says_something && self.open.is_empty() && self.frames.is_empty() {
                    self.excerpt
                        .paragraph(&self.out, self.paragraph..self.out.len());
                }
            }
            TagEnd::Heading(level) => self.end_heading(level),
            TagEnd::BlockQuote(None) => self.block("</blockquote>\n"),
            TagEnd::BlockQuote(Some(_)) => self.block("</div>\n"),
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::List(true) => self.out.push_str("</ol>\n"),
            TagEnd::List(false) => self.out.push_str("</ul>\n"),
            TagEnd::Item => self.out.push_str("</li>\n"),
            TagEnd::DefinitionList => self.out.push_str("</dl>\n"),
            TagEnd::DefinitionListTitle => self.out.push_str("</dt>\n"),
            TagEnd::DefinitionListDefinition => self.out.push_str("</dd>\n"),
            TagEnd::Table => self.out.push_str("</tbody></table></div>\n"),
            TagEnd::TableHead => {
                self.in_table_head = false;
                self.out.push_str("</tr></thead><tbody>\n");
            }
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => {
                self.in_cell = false;
                self.cell += 1;
                let end = if self.in_table_head { "</th>" } else { "</td>" };
                self.out.push_str(end);
            }
            TagEnd::FootnoteDefinition => {
                if let Some(Frame::Footnote { label, html }) = self.frames.pop() {
                    let body = std::mem::replace(&mut self.out, html);
                    self.footnotes.define(&label, body, range.start);
                }
            }
            TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => {}
            inline => self.end_inline(inline, range),
        }
    }

    /// Writes `html` on a line of its own.
    fn block(&mut self, html: &str) {
        self.new_line();
        self.out.push_str(html);
    }

    fn start_heading(
        &mut self,
        level: HeadingLevel,
        id: Option<CowStr<'a>>,
        classes: &[CowStr<'a>],
        attrs: &[(CowStr<'a>, Option<CowStr<'a>>)],
        offset: usize,
    ) {
        self.new_line();
        let _ = write!(self.out, "<{level}");
        let attributes = self.out.len();
        for (index, class) in classes.iter().enumerate() {
            self.out
                .push_str(if index == 0 { " class=\"" } else { " " });
            let _ = escape_html(&mut self.out, class);
        }
        if !classes.is_empty() {
            self.out.push('"');
        }
        for (name, value) in attrs {
            self.out.push(' ');
            let _ = escape_html(&mut self.out, name);
            self.out.push_str("=\"");
            let _ = escape_html(&mut self.out, value.as_deref().unwrap_or_default());
            self.out.push('"');
        }
        self.out.push('>');
        self.heading = Some(OpenHeading {
            id,
            offset,
            attributes,
            content: self.out.len(),
            plain: String::new(),
            has_link: false,
        });
    }

    /// The id of a heading is known when its text is.
    fn end_heading(&mut self, level: HeadingLevel) {
        if let Some(heading) = self.heading.take()
            && self.extended
        {
            let title = heading.plain.trim();
            let id = self.ids.of_heading(heading.id.as_deref(), title);
            if let Some(own) = heading.id.as_deref().filter(|own| *own != id) {
                let whose = match self.context.template_ids.contains(own) {
                    true => "a template of the site has the id of this heading",
                    false => "this heading has the id of another",
                };
                let message = format!("{whose}, so that it is '{id}' here");
                let note = Note::new(heading.offset, message);
                self.note(note.with_hint("an id leads to one place: give each heading its own"));
            }
            let mut escaped = String::with_capacity(id.len());
            let _ = escape_html(&mut escaped, &id);
            let is_empty = heading.content == self.out.len();
            let may_be_link = !is_empty && !heading.has_link && !self.raw_elements.forbid_links();
            let has_anchor = may_be_link && self.context.settings.heading_anchors;
            if has_anchor {
                // The heading's own words are the link: nothing more is read out to those who
                // hear the page, and the keyboard reaches it.
                let anchor = format!("<a class=\"anchor\" href=\"#{escaped}\">");
                self.insert(heading.content, &anchor);
                let end = self.out.len();
                self.out.push_str("</a>");
                self.leave_out_of_excerpt(end);
            }
            self.insert(heading.attributes, &format!(" id=\"{escaped}\""));
            self.done.toc.push(toc::Heading {
                level: level as usize,
                id,
                title: title.to_owned(),
            });
        }
        let _ = writeln!(self.out, "</{level}>");
    }

    /// Puts `html`, which no excerpt has, at `at`.
    fn insert(&mut self, at: usize, html: &str) {
        self.out.insert_str(at, html);
        if self.excerpt.is_open() && self.frames.is_empty() {
            self.excerpt.insert(at, html.len());
        }
    }

    fn start_quote(&mut self, kind: Option<BlockQuoteKind>) {
        let labels = &self.context.settings.labels;
        let (class, title) = match kind {
            None => return self.block("<blockquote>\n"),
            Some(BlockQuoteKind::Note) => ("note", &labels.note),
            Some(BlockQuoteKind::Tip) => ("tip", &labels.tip),
            Some(BlockQuoteKind::Important) => ("important", &labels.important),
            Some(BlockQuoteKind::Warning) => ("warning", &labels.warning),
            Some(BlockQuoteKind::Caution) => ("caution", &labels.caution),
        };
        self.new_line();
        let _ = write!(
            self.out,
            "<div class=\"markdown-alert markdown-alert-{class}\" role=\"note\">\n\
             <p class=\"markdown-alert-title\">"
        );
        let _ = escape_html(&mut self.out, title);
        self.out.push_str("</p>\n");
    }

    fn start_cell(&mut self) {
        self.in_cell = true;
        let name = if self.in_table_head {
            "<th scope=\"col\""
        } else {
            "<td"
        };
        self.out.push_str(name);
        self.out.push_str(match self.alignments.get(self.cell) {
            Some(Alignment::Left) => " style=\"text-align: left\">",
            Some(Alignment::Center) => " style=\"text-align: center\">",
            Some(Alignment::Right) => " style=\"text-align: right\">",
            _ => ">",
        });
    }

    fn end_code(&mut self) {
        let Some(code) = self.code.take() else {
            return;
        };
        match &code.info {
            Some(info) if self.extended => {
                let said = (self.context.write_code)(&mut self.out, info, &self.code_text);
                if let Some(message) = said {
                    self.note(Note::new(code.offset, message));
                }
            }
            info => {
                let pre = if self.extended {
                    "<pre tabindex=\"0\">"
                } else {
                    "<pre>"
                };
                let info = info.as_deref().unwrap_or_default();
                plain::write_block(&mut self.out, pre, info, &self.code_text);
            }
        }
    }

    pub(super) fn is_toc_marker(&self, tag: &Tag<'_>, range: &Range<usize>) -> bool {
        self.extended
            && matches!(tag, Tag::Paragraph)
            && range.len() < 16
            && toc::is_marker(&self.text[range.clone()])
    }

    /// Leaves a place for the table of contents. There is one in a text, so that many markers
    /// don't make much out of little.
    pub(super) fn toc_place(&mut self, offset: usize) {
        if self.has_toc {
            self.note(
                Note::new(offset, "the table of contents stands further up already")
                    .with_hint("take one of the two markers out"),
            );
            return;
        }
        self.has_toc = true;
        self.block(toc::PLACE);
    }

    /// Writes the box of a task at the start of a list item.
    pub(super) fn task(&mut self, is_done: bool) {
        let labels = &self.context.settings.labels;
        for (item, with_class) in [
            ("<li>", "<li class=\"task\">"),
            ("<li>\n<p>", "<li class=\"task\">\n<p>"),
        ] {
            if self.out.ends_with(item) {
                self.out.truncate(self.out.len() - item.len());
                self.out.push_str(with_class);
            }
        }
        self.out.push_str("<input type=\"checkbox\" disabled");
        let label = if is_done {
            self.out.push_str(" checked");
            &labels.done
        } else {
            &labels.to_do
        };
        self.out.push_str(" aria-label=\"");
        let _ = escape_html(&mut self.out, label);
        self.out.push_str("\"> ");
    }

    pub(super) fn footnote_reference(&mut self, label: &str) {
        let start = self.out.len();
        // A link can't be in another.
        let is_link = self.links.is_empty() && !self.raw_elements.forbid_links();
        self.footnotes.refer(&mut self.out, label, is_link);
        self.leave_out_of_excerpt(start);
        if let Some(heading) = &mut self.heading {
            heading.has_link = true;
        }
    }
}

fn is_inline(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image
    )
}
