//! The ids of headings: each its own, and none twice.

use std::collections::{HashMap, HashSet};

/// The ids of one text.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// What the author has given to headings, further down too.
    reserved: HashSet<String>,
    used: HashSet<String>,
    /// Where the search for a free number goes on, or many equal headings would take for ever.
    numbers: HashMap<String, usize>,
}

impl Ids {
    /// Knows the ids that the headings of `text` have of their own, and perhaps more.
    pub(super) fn of(text: &str) -> Self {
        let mut ids = Self::default();
        let bytes = text.as_bytes();
        for open in memchr::memchr_iter(b'{', bytes) {
            let inner = &text[open + 1..];
            // A brace inside of braces begins anew, so that no byte is looked at twice.
            let end = inner.find(['}', '{', '\n']).unwrap_or(inner.len());
            let tokens = inner[..end].split_ascii_whitespace();
            let own = tokens.filter_map(|token| token.strip_prefix('#'));
            ids.reserved.extend(own.map(str::to_owned));
        }
        ids
    }

    /// The id of a heading: `own` if the author gave it one, else one made of its `text` as
    /// GitHub does.
    pub(super) fn of_heading(&mut self, own: Option<&str>, text: &str) -> String {
        let made;
        let (wanted, is_own) = match own {
            Some(own) => (own, true),
            None => {
                made = from_text(text);
                (made.as_str(), false)
            }
        };
        let is_free = is_own || !self.reserved.contains(wanted);
        if is_free && self.used.insert(wanted.to_owned()) {
            return wanted.to_owned();
        }
        let number = self.numbers.entry(wanted.to_owned()).or_insert(1);
        loop {
            let numbered = format!("{wanted}-{number}");
            *number += 1;
            if !self.reserved.contains(&numbered) && self.used.insert(numbered.clone()) {
                return numbered;
            }
        }
    }

    /// All ids that were given.
    pub(super) fn into_used(self) -> Vec<String> {
        let mut used: Vec<String> = self.used.into_iter().collect();
        used.sort_unstable();
        used
    }
}

/// The id that a heading with this text gets if it is free.
pub(super) fn from_text(text: &str) -> String {
    let mut id = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if c.is_alphanumeric() || c == '_' || c == '-' {
            id.extend(c.to_lowercase());
        } else if c.is_whitespace() {
            id.push('-');
        }
    }
    if id.is_empty() {
        "section".to_owned()
    } else {
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_authors_own_is_kept_for_its_heading() {
        let mut ids = Ids::of("# a\n# b {.c #a}\n# a {#a}\n# a\n");
        assert_eq!(ids.of_heading(None, "a"), "a-1");
        assert_eq!(ids.of_heading(Some("a"), "b"), "a");
        assert_eq!(ids.of_heading(Some("a"), "a"), "a-2");
        assert_eq!(ids.of_heading(None, "a"), "a-3");
        assert_eq!(ids.into_used(), ["a", "a-1", "a-2", "a-3"]);
    }
}
