//! Which elements of raw HTML are open around what is written.

/// No link may be in these: HTML parsers end the outer one early, or the inner one is never
/// reached.
const WITHOUT_LINKS: [&str; 2] = ["a", "button"];
/// Plain text stays as it is in these: it is code, or no HTML at all.
const VERBATIM: [&str; 8] = [
    "code", "kbd", "pre", "samp", "script", "style", "textarea", "title",
];

/// The elements that are open.
#[derive(Debug, Default)]
pub(super) struct RawElements {
    link: Option<Open>,
    verbatim: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    name: &'static str,
    /// Whether it began within a paragraph, with which it ends at the latest.
    is_inline: bool,
}

impl RawElements {
    /// Whether the place is inside of an element that can hold no link.
    pub(super) fn forbid_links(&self) -> bool {
        self.link.is_some()
    }

    /// Whether what is plain text here stays as it is.
    pub(super) fn are_verbatim(&self) -> bool {
        self.verbatim.is_some()
    }

    /// Takes in the tags of `html`, which `rest` follows in the text.
    pub(super) fn take_in(&mut self, html: &str, rest: &str, is_inline: bool) {
        let mut at = 0;
        while let Some(found) = memchr::memchr(b'<', &html.as_bytes()[at..]) {
            let tag = &html[at + found + 1..];
            at += found + 1;
            if tag.starts_with("!--") {
                at += tag.find("-->").unwrap_or(tag.len());
                continue;
            }
            let is_end = tag.starts_with('/');
            let name = &tag[usize::from(is_end)..];
            let len = name.find(|c: char| !c.is_ascii_alphanumeric());
            let name = &name[..len.unwrap_or(name.len())];
            let known = |names: &[&'static str]| {
                let mut names = names.iter();
                names
                    .find(|known| known.eq_ignore_ascii_case(name))
                    .copied()
            };
            let (slot, name) = match (known(&WITHOUT_LINKS), known(&VERBATIM)) {
                (Some(name), _) => (&mut self.link, name),
                (_, Some(name)) => (&mut self.verbatim, name),
                (None, None) => continue,
            };
            if is_end {
                if slot.is_some_and(|open| open.name == name) {
                    *slot = None;
                }
                continue;
            }
            // `<a name="x"/>` is meant to be empty, whatever a browser makes of it.
            let end = tag.find('>').unwrap_or(tag.len());
            if !tag[..end].ends_with('/') && is_closed(name, &tag[end..], rest) {
                *slot = Some(Open { name, is_inline });
            }
        }
    }

    /// The block ends, and with it what began within its text.
    pub(super) fn end_block(&mut self) {
        for slot in [&mut self.link, &mut self.verbatim] {
            if slot.is_some_and(|open| open.is_inline) {
                *slot = None;
            }
        }
    }
}

/// Whether the element `name` is closed in `html`, or in `rest` after it, before another begins.
fn is_closed(name: &str, html: &str, rest: &str) -> bool {
    let first = |text: &str| {
        let opens = memchr::memchr_iter(b'<', text.as_bytes());
        opens.map(|at| &text.as_bytes()[at + 1..]).find_map(|tag| {
            let is_end = tag.first() == Some(&b'/');
            let tag = &tag[usize::from(is_end)..];
            let found = tag.get(..name.len())?.eq_ignore_ascii_case(name.as_bytes());
            let goes_on = tag.get(name.len()).is_some_and(u8::is_ascii_alphanumeric);
            (found && !goes_on).then_some(is_end)
        })
    };
    first(html).or_else(|| first(rest)).unwrap_or(false)
}
