//! The HTML writer: one pass over the events of the parser.

mod blocks;
mod html;
mod inlines;
mod raw;

use std::ops::Range;

use pulldown_cmark::{Alignment, CowStr, Event, Parser, TagEnd};

use self::raw::RawElements;
use super::calls::Calls;
use super::covers::Covers;
use super::excerpt::Excerpt;
use super::footnotes::Footnotes;
use super::ids::Ids;
use super::note::Note;
use super::spans::{self, Span};
use super::{Context, Rendered, toc, words};

/// What is known while a text is being written.
struct Writer<'a> {
    /// The text, calls covered.
    text: &'a str,
    context: &'a Context<'a>,
    extended: bool,
    /// What has been written; of the innermost frame.
    out: String,
    /// What surrounds the part that is being written.
    frames: Vec<Frame<'a>>,
    /// The elements that are open, outermost first.
    open: Vec<TagEnd>,

    excerpt: Excerpt,
    /// Where the paragraph on the top level began that is being written.
    paragraph: usize,
    /// Whether it says something.
    says_something: bool,

    heading: Option<OpenHeading<'a>>,
    image: Option<OpenImage<'a>>,
    code: Option<OpenCode<'a>>,
    /// The text of blocks of code.
    code_text: String,
    /// The links that are open.
    links: Vec<OpenLink>,
    raw_elements: RawElements,
    has_images: bool,
    has_toc: bool,
    in_table_head: bool,
    alignments: Vec<Alignment>,
    cell: usize,
    in_cell: bool,

    spans: std::vec::IntoIter<Span>,
    next_span: Option<Span>,
    /// The span of the text that was written last.
    written: Range<usize>,

    calls: Calls,
    /// The next of the calls' tokens.
    token: usize,

    ids: Ids,
    html_ids: Vec<String>,
    footnotes: Footnotes,
    errors: Vec<Note>,
    done: Rendered,
}

/// A part of the text whose HTML goes elsewhere; with the HTML around it.
enum Frame<'a> {
    /// The body of a call.
    Call {
        index: usize,
        /// How many elements were open where it began.
        depth: usize,
        html: String,
    },
    Footnote {
        label: CowStr<'a>,
        html: String,
    },
}

struct OpenHeading<'a> {
    id: Option<CowStr<'a>>,
    offset: usize,
    /// Where its attributes go, in the HTML.
    attributes: usize,
    /// Where its content begins, in the HTML.
    content: usize,
    plain: String,
    /// Another link can't stand around it.
    has_link: bool,
}

/// What an open link is in the HTML.
#[derive(Clone, Copy)]
enum OpenLink {
    Written,
    /// Its words only: it is in an element that can hold no link.
    LeftOut,
    /// Its words in brackets, as it is written.
    Brackets,
}

struct OpenImage<'a> {
    title: CowStr<'a>,
    /// Where its alternative text begins, in the HTML.
    alt: usize,
    /// Whether that may say how large it is.
    may_have_size: bool,
    /// How many elements are open in it.
    depth: usize,
    is_lazy: bool,
}

struct OpenCode<'a> {
    /// What stands after the fence; an indented block has none.
    info: Option<CowStr<'a>>,
    offset: usize,
}

/// Writes `text`, in which `calls` are covered.
pub(super) fn write(
    text: &str,
    calls: Calls,
    context: &Context<'_>,
) -> Result<Rendered, Vec<Note>> {
    let settings = context.settings;
    let extended = settings.is_extended();
    let (autolinks, scripts) = (settings.autolinks, settings.sub_and_superscript);
    let spans = spans::find(text, extended && autolinks, extended && scripts);
    let mut spans = spans.into_iter();
    let covers = match extended {
        true => Covers::of(text, settings.options()),
        false => Covers::none(text),
    };
    let mut writer = Writer {
        text,
        context,
        extended,
        out: String::with_capacity(text.len() * 3 / 2),
        frames: Vec::new(),
        open: Vec::new(),
        excerpt: Excerpt::of(text),
        paragraph: 0,
        says_something: false,
        heading: None,
        image: None,
        code: None,
        code_text: String::new(),
        links: Vec::new(),
        raw_elements: RawElements::default(),
        has_images: false,
        has_toc: false,
        in_table_head: false,
        alignments: Vec::new(),
        cell: 0,
        in_cell: false,
        next_span: spans.next(),
        spans,
        written: 0..0,
        calls,
        token: 0,
        ids: match extended {
            true => Ids::of(text, &covers.html_ids, context.template_ids),
            false => Ids::default(),
        },
        html_ids: Vec::new(),
        footnotes: Footnotes::of(context.path, text),
        errors: Vec::new(),
        done: Rendered::default(),
    };
    let mut inside_of_spans: Vec<Range<usize>> = Vec::new();
    let mut events = Parser::new_ext(&covers.text, settings.options()).into_offset_iter();
    while let Some((event, range)) = events.next() {
        let event = covers.lift(event, &range);
        if writer.image.is_some() {
            writer.in_image(event, range);
            continue;
        }
        // What begins inside of a span is no element, also if it ends after it.
        if matches!(event, Event::End(_)) && inside_of_spans.last() == Some(&range) {
            inside_of_spans.pop();
            continue;
        }
        // What is inside of a span was written with it.
        if range.start < writer.written.end
            && (range.start > writer.written.start || matches!(event, Event::Text(_)))
        {
            match event {
                Event::Text(text) => writer.rest_of_span(&text, range),
                Event::Start(_) => inside_of_spans.push(range),
                _ => {}
            }
            continue;
        }
        match event {
            Event::Text(text) => writer.text(&text, range),
            Event::Start(tag) => {
                if writer.is_toc_marker(&tag, &range) {
                    writer.toc_place(range.start);
                    while !matches!(
                        events.next(),
                        None | Some((Event::End(TagEnd::Paragraph), _))
                    ) {}
                    continue;
                }
                writer.start(tag, range);
            }
            Event::End(tag) => writer.end(tag, range),
            Event::Code(text) => writer.code_span(&text),
            Event::SoftBreak => writer.soft_break(),
            Event::HardBreak => writer.void("<br", "\n"),
            Event::Rule => {
                writer.new_line();
                writer.void("<hr", "\n");
            }
            Event::Html(html) => writer.html(&html, range, false),
            Event::InlineHtml(html) => writer.html(&html, range, true),
            Event::InlineMath(tex) => writer.math(&tex, range, false),
            Event::DisplayMath(tex) => writer.math(&tex, range, true),
            Event::FootnoteReference(label) => writer.footnote_reference(&label),
            Event::TaskListMarker(done) => writer.task(done),
        }
    }
    writer.finish()
}

impl<'a> Writer<'a> {
    fn finish(mut self) -> Result<Rendered, Vec<Note>> {
        self.misplaced_calls_before(usize::MAX);
        if !self.errors.is_empty() {
            self.errors.sort_by_key(|error| error.offset);
            return Err(self.errors);
        }
        let labels = &self.context.settings.labels;
        let mut done = self.done;
        self.footnotes.write(&mut self.out, labels, &mut done.notes);
        done.html = self.out;
        done.excerpt = self.excerpt.into_html();
        done.calls = std::mem::take(&mut self.calls.list);
        if self.has_toc {
            let toc = toc::html(&done.toc, labels);
            done.html = done.html.replacen(toc::PLACE, &toc, 1);
            done.excerpt = done.excerpt.replace(toc::PLACE, "");
            for body in done
                .calls
                .iter_mut()
                .filter_map(|call| call.body_html.as_mut())
            {
                *body = body.replacen(toc::PLACE, &toc, 1);
            }
        }
        done.ids = self.ids.into_used();
        done.ids.append(&mut self.html_ids);
        done.ids.sort_unstable();
        done.ids.dedup();
        done.notes
            .sort_by(|a, b| (a.offset, &a.message).cmp(&(b.offset, &b.message)));
        Ok(done)
    }

    /// Begins a line, unless one has just begun.
    fn new_line(&mut self) {
        if !matches!(self.out.as_bytes().last(), None | Some(b'\n')) {
            self.out.push('\n');
        }
    }

    /// Writes an element without content: as HTML has it, or, for CommonMark's own examples, as
    /// XML does.
    fn void(&mut self, start: &str, after: &str) {
        self.out.push_str(start);
        self.out.push_str(if self.extended { ">" } else { " />" });
        self.out.push_str(after);
    }

    /// Leaves what was written since `start` out of the excerpt.
    fn leave_out_of_excerpt(&mut self, start: usize) {
        if self.excerpt.is_open() && self.frames.is_empty() {
            self.excerpt.leave_out(start..self.out.len());
        }
    }

    /// Notes that the paragraph says something.
    fn say(&mut self, text: &str) {
        if !self.says_something {
            self.says_something = !text.trim().is_empty();
        }
    }

    fn note(&mut self, note: Note) {
        self.done.notes.push(note);
    }

    fn count_words(&mut self, text: &str) {
        self.done.words += words::count(text);
    }
}
