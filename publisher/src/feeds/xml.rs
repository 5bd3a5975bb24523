//! RSS 2.0 (and its elder kin) and Atom. Names are compared as they are mostly written, prefixes included.

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

use super::{
    date,
    parse::{MAX_LOOKED_AT, Raw, Text},
};
use crate::plain;

/// How deep elements may lie in others.
const MAX_DEPTH: usize = 64;
/// How much of one text is kept, in bytes.
const MAX_TEXT: usize = 64 << 10;

/// What an element below the feed, or one of its items, means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    Title,
    Link,
    /// When it was published.
    Published,
    /// When it was changed: of use if nobody says when it was published.
    Updated,
    Summary,
    Content,
}

/// A text that is being read.
struct Open {
    field: Field,
    depth: usize,
    text: String,
    is_html: bool,
    /// Whether its markup stands in the feed as elements.
    is_xhtml: bool,
}

/// What was read so far.
#[derive(Default)]
struct State {
    /// Whether it is Atom; `None` before the first element.
    atom: Option<bool>,
    home: String,
    item: Option<Item>,
    items: Vec<Raw>,
    open: Option<Open>,
}

#[derive(Default)]
struct Item {
    raw: Raw,
    depth: usize,
    updated: Option<u64>,
    content: Option<Text>,
}

/// The link of the feed's page and its items; `None` if it is no feed.
pub(super) fn read(text: &str) -> Option<(String, Vec<Raw>)> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.expand_empty_elements = true;
    let mut state = State::default();
    let mut depth = 0;
    while state.items.len() < MAX_LOOKED_AT {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return None;
                }
                state.start(&element, depth)?;
            }
            Ok(Event::End(_)) => {
                state.end(depth);
                // What follows an element of XHTML is another word.
                state.text(" ");
                depth = depth.saturating_sub(1);
            }
            Ok(Event::Text(text)) => state.text(&text),
            Ok(Event::CData(text)) => state.text(&text),
            Ok(Event::GeneralRef(reference)) => state.reference(&reference),
            // A DOCTYPE is passed over with all that it declares.
            Ok(Event::Eof) => break,
            Ok(_) => {}
            // What comes before it is read: a broken feed is one all the same.
            Err(_) => break,
        }
    }
    state.atom.map(|_| (state.home, state.items))
}

impl State {
    fn start(&mut self, element: &BytesStart<'_>, depth: usize) -> Option<()> {
        let name = element.name();
        let name: &str = name.as_ref();
        let Some(atom) = self.atom else {
            self.atom = Some(match name {
                "feed" | "atom:feed" => true,
                "rss" | "rdf:RDF" => false,
                _ => return None,
            });
            return Some(());
        };
        if let Some(open) = &mut self.open {
            // Words in two elements are two words.
            open.push(" ");
            return Some(());
        }
        let name = match atom {
            true => name.strip_prefix("atom:").unwrap_or(name),
            false => name,
        };
        if self.item.is_none() && matches!((atom, name), (true, "entry") | (false, "item")) {
            self.item = Some(Item {
                depth,
                ..Item::default()
            });
            return Some(());
        }
        match &mut self.item {
            Some(item) if depth == item.depth + 1 => {
                if atom && name == "link" {
                    if item.raw.link.is_empty() {
                        item.raw.link = alternate(element).unwrap_or_default();
                    }
                } else if let Some(field) = field(atom, name) {
                    self.open = Some(Open::new(atom, field, depth, element));
                }
            }
            // Of the feed itself: below `feed` or `channel`.
            None if depth <= 3 && name == "link" && self.home.is_empty() => match atom {
                true => self.home = alternate(element).unwrap_or_default(),
                false => self.open = Some(Open::new(atom, Field::Link, depth, element)),
            },
            _ => {}
        }
        Some(())
    }

    fn end(&mut self, depth: usize) {
        if let Some(open) = self.open.take_if(|open| open.depth >= depth) {
            match &mut self.item {
                Some(item) => item.take(open),
                None if self.home.is_empty() => self.home = open.text.trim().to_owned(),
                None => {}
            }
        }
        if let Some(item) = self.item.take_if(|item| item.depth >= depth) {
            self.items.push(item.finish());
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(open) = &mut self.open {
            open.push(text);
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) {
        let Some(open) = &mut self.open else {
            return;
        };
        let name: &str = reference;
        match plain::entity(name) {
            Some(c) => open.push(c.encode_utf8(&mut [0; 4])),
            // One that nobody knows, or that the feed declares itself, stays as it is written.
            None => {
                open.push("&");
                open.push(name);
                open.push(";");
            }
        }
    }
}

impl Item {
    fn take(&mut self, open: Open) {
        let text = match open.is_html && !open.is_xhtml {
            true => Text::html(open.text),
            false => Text::plain(open.text),
        };
        match open.field {
            Field::Id => self.raw.id = text.text,
            Field::Title => self.raw.title = text,
            Field::Link => self.raw.link = text.text,
            Field::Published => self.raw.time = date::seconds(&text.text),
            Field::Updated => self.updated = date::seconds(&text.text),
            Field::Summary => self.raw.summary = text,
            Field::Content => self.content = Some(text),
        }
    }

    fn finish(self) -> Raw {
        let Self {
            mut raw,
            updated,
            content,
            ..
        } = self;
        raw.time = raw.time.or(updated);
        if raw.summary.text.trim().is_empty()
            && let Some(content) = content
        {
            raw.summary = content;
        }
        // Of RSS: an id is a link unless it says that it is none.
        if raw.link.trim().is_empty() && raw.id.contains("://") {
            raw.link.clone_from(&raw.id);
        }
        raw
    }
}

impl Open {
    fn new(atom: bool, field: Field, depth: usize, element: &BytesStart<'_>) -> Self {
        let kind = attribute(element, "type").unwrap_or_default();
        Self {
            field,
            depth,
            text: String::new(),
            // RSS says of nothing whether it is HTML, and mostly it is.
            is_html: !atom || kind == "html" || kind == "text/html",
            is_xhtml: kind == "xhtml",
        }
    }

    fn push(&mut self, text: &str) {
        if self.text.len() + text.len() <= MAX_TEXT {
            self.text.push_str(text);
        } else if self.text.len() < MAX_TEXT {
            let room = MAX_TEXT - self.text.len();
            let rest = text
                .char_indices()
                .take_while(|(at, c)| at + c.len_utf8() <= room);
            self.text.extend(rest.map(|(_, c)| c));
            // So full that nothing more fits.
            self.text
                .push_str(&" ".repeat(MAX_TEXT.saturating_sub(self.text.len())));
        }
    }
}

fn field(atom: bool, name: &str) -> Option<Field> {
    Some(match (atom, name) {
        (_, "title") => Field::Title,
        (true, "id") | (false, "guid") => Field::Id,
        (false, "link") => Field::Link,
        (true, "published" | "issued") | (false, "pubDate" | "dc:date") => Field::Published,
        (true, "updated" | "modified") => Field::Updated,
        (true, "summary") | (false, "description") => Field::Summary,
        (true, "content") | (false, "content:encoded") => Field::Content,
        _ => return None,
    })
}

/// Where a link of Atom leads, if it is to the page itself.
fn alternate(element: &BytesStart<'_>) -> Option<String> {
    match attribute(element, "rel").as_deref() {
        None | Some("alternate") => attribute(element, "href"),
        Some(_) => None,
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    // What is no attribute is passed over, not searched for its end again and again.
    let mut attributes = element.attributes();
    let attributes = attributes.with_checks(false);
    let found = attributes.take(32).flatten().find(|attribute| {
        let key: &str = attribute.key.as_ref();
        key == name
    });
    found.map(|attribute| plain::entities(&attribute.value))
}
