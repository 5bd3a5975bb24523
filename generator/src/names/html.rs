//! Text that is escaped for HTML already.

use std::fmt;

/// Text that is escaped for HTML already: it can be an attribute's value or an element's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    /// Escapes `text`.
    pub(crate) fn of(text: &str) -> Self {
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        for c in text.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                // As CommonMark's own program writes it.
                '\'' => out.push_str("&#x27;"),
                _ => out.push(c),
            }
        }
        Self(out)
    }

    /// What is escaped already, and was put together from pieces that are.
    pub(crate) fn escaped(html: String) -> Self {
        Self(html)
    }

    /// The escaped text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
