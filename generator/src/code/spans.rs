//! What the parts of a code are: the outcome of highlighting, before it is HTML.

/// What a part of a code is, for a reader's eye. The names of the CSS classes are public: themes
/// are written against them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
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
    /// The name of the CSS class, or none for plain text.
    pub(crate) fn name(self) -> Option<&'static str> {
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
pub(crate) struct Span {
    pub(crate) class: Class,
    pub(crate) length: u32,
}
