//! What the parts of a code are: the outcome of highlighting, before it is HTML.

/// What a part of a code is, for a reader's eye. The names of the CSS classes are public: themes
/// are written against them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// Text without a colour: variables, operators, brackets, white space.
    Plain,
    /// `k`: keywords.
    Keyword,
    /// `f`: functions and macros, where they are defined or called.
    Function,
    /// `t`: types, modules, tags of HTML.
    Type,
    /// `s`: strings and characters.
    String,
    /// `e`: what has a meaning of its own in a string; regular expressions.
    Escape,
    /// `n`: numbers, truth values, constants.
    Number,
    /// `c`: comments.
    Comment,
    /// `p`: properties, keys and attributes.
    Property,
    /// `a`: annotations, decorators, directives of a preprocessor.
    Annotation,
    /// `h`: headings of markup.
    Heading,
    /// `b`: strong text of markup.
    Strong,
    /// `i`: stressed text of markup.
    Emphasis,
    /// `u`: links.
    Link,
    /// `x`: inserted lines of a diff.
    Inserted,
    /// `d`: deleted lines of a diff.
    Deleted,
}

impl Class {
    /// All of them; a class is stored as its index.
    pub(super) const ALL: [Self; 16] = [
        Self::Plain,
        Self::Keyword,
        Self::Function,
        Self::Type,
        Self::String,
        Self::Escape,
        Self::Number,
        Self::Comment,
        Self::Property,
        Self::Annotation,
        Self::Heading,
        Self::Strong,
        Self::Emphasis,
        Self::Link,
        Self::Inserted,
        Self::Deleted,
    ];

    /// The name of the CSS class, or none for plain text.
    pub(super) fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Plain => return None,
            Self::Keyword => "k",
            Self::Function => "f",
            Self::Type => "t",
            Self::String => "s",
            Self::Escape => "e",
            Self::Number => "n",
            Self::Comment => "c",
            Self::Property => "p",
            Self::Annotation => "a",
            Self::Heading => "h",
            Self::Strong => "b",
            Self::Emphasis => "i",
            Self::Link => "u",
            Self::Inserted => "x",
            Self::Deleted => "d",
        })
    }
}

/// A part of a code: so many bytes of one class. The spans of a code follow each other from its
/// start; what they leave over at its end is plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) class: Class,
    pub(super) length: u32,
}

/// Makes the spans of a code, from its start to its end. Neighbours of one class become one.
#[derive(Debug, Default)]
pub(super) struct Painter {
    spans: Vec<Span>,
    at: usize,
}

impl Painter {
    /// Where the next span starts, in bytes from the start of the code.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Gives `class` to everything up to the byte `to`. What has a class already keeps it.
    pub(super) fn fill(&mut self, to: usize, class: Class) {
        let Ok(length) = u32::try_from(to.saturating_sub(self.at)) else {
            return;
        };
        if length == 0 {
            return;
        }
        self.at = to;
        match self.spans.last_mut() {
            Some(last) if last.class == class => last.length += length,
            _ => self.spans.push(Span { class, length }),
        }
    }

    /// Paints up to the byte `to` as `spans` does, which begin at the byte `from`. What has a class
    /// already keeps it.
    pub(super) fn copy(&mut self, spans: &[Span], from: usize, to: usize) {
        let mut end = from;
        for span in spans {
            end += span.length as usize;
            self.fill(end.min(to), span.class);
            if end >= to {
                return;
            }
        }
        self.fill(to, Class::Plain);
    }

    /// The spans; what is plain at the end is left out.
    pub(super) fn finish(mut self) -> Vec<Span> {
        if self
            .spans
            .last()
            .is_some_and(|last| last.class == Class::Plain)
        {
            self.spans.pop();
        }
        self.spans.shrink_to_fit();
        self.spans
    }
}

/// The spans as bytes: of each its class in the four low bits and its length above them, as a
/// number of seven bits a byte, the lowest first. Most take one byte.
pub(super) fn encode(spans: &[Span]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(spans.len() * 5 / 4);
    for span in spans {
        let mut value = u64::from(span.length) << 4 | span.class as u64;
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
    }
    bytes
}

/// The spans that `bytes` stand for, if they can be those of `code`: none is empty, each ends
/// between two characters, and all of them in it.
pub(super) fn decode(bytes: &[u8], code: &str) -> Option<Vec<Span>> {
    let mut spans = Vec::with_capacity(bytes.len());
    let mut end = 0_usize;
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut value = 0_u64;
        let mut shift = 0;
        loop {
            let (byte, after) = rest.split_first()?;
            rest = after;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
            if shift > 35 {
                return None;
            }
        }
        let class = *Class::ALL.get((value & 0xf) as usize)?;
        let length = u32::try_from(value >> 4)
            .ok()
            .filter(|length| *length > 0)?;
        end = end.checked_add(length as usize)?;
        if !code.is_char_boundary(end) {
            return None;
        }
        spans.push(Span { class, length });
    }
    Some(spans)
}

#[cfg(test)]
mod tests;
