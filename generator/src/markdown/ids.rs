//! The ids of headings: each its own, and none twice.

use std::collections::{BTreeSet, HashMap, HashSet};

use unicode_normalization::UnicodeNormalization;

use crate::slugs;

/// The ids of one text.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// What the author has given to headings, further down too.
    reserved: HashSet<String>,
    /// What no heading may have, not even by its author's wish.
    given: HashSet<String>,
    used: HashSet<String>,
    /// Where the search for a free number goes on, or many equal headings would take for ever.
    numbers: HashMap<String, usize>,
}

impl Ids {
    /// Knows the ids that the headings of `text` have of their own, and perhaps more, those in
    /// its HTML, and those of the templates around it.
    pub(super) fn of(text: &str, of_html: &[String], of_templates: &BTreeSet<String>) -> Self {
        let mut ids = Self::default();
        ids.given.extend(of_html.iter().cloned());
        ids.given.extend(of_templates.iter().cloned());
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
        if is_free && !self.given.contains(wanted) && self.used.insert(wanted.to_owned()) {
            return wanted.to_owned();
        }
        let number = self.numbers.entry(wanted.to_owned()).or_insert(1);
        loop {
            let numbered = format!("{wanted}-{number}");
            *number += 1;
            let is_reserved = self.reserved.contains(&numbered) || self.given.contains(&numbered);
            if !is_reserved && self.used.insert(numbered.clone()) {
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

/// The id that a heading with this text gets if it is free. As GitHub makes it: letters, digits
/// and marks of any script, `_` and `-`; what joins letters is left out.
pub(super) fn from_text(text: &str) -> String {
    let mut id = String::with_capacity(text.len());
    let mut is_inside = false;
    for c in text.trim().nfc() {
        if is_inside && slugs::is_joiner(c) {
            continue;
        }
        is_inside = slugs::is_word(c, is_inside);
        if is_inside || c == '_' || c == '-' {
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
        let mut ids = Ids::of("# a\n# b {.c #a}\n# a {#a}\n# a\n", &[], &BTreeSet::new());
        assert_eq!(ids.of_heading(None, "a"), "a-1");
        assert_eq!(ids.of_heading(Some("a"), "b"), "a");
        assert_eq!(ids.of_heading(Some("a"), "a"), "a-2");
        assert_eq!(ids.of_heading(None, "a"), "a-3");
        assert_eq!(ids.into_used(), ["a", "a-1", "a-2", "a-3"]);
    }

    #[test]
    fn ids_of_templates_and_of_html_are_never_given_again() {
        let of_html = ["b".to_owned()];
        let mut ids = Ids::of("# a {#a}", &of_html, &BTreeSet::from(["a".to_owned()]));
        assert_eq!(ids.of_heading(None, "a"), "a-1");
        assert_eq!(ids.of_heading(Some("a"), "a"), "a-2");
        assert_eq!(ids.of_heading(Some("b"), "x"), "b-1");
        assert_eq!(ids.of_heading(None, "b"), "b-2");
    }

    #[test]
    fn ids_keep_the_marks_of_words() {
        for (text, id) in [
            ("தமிழ் மொழி", "தமிழ்-மொழி"),
            ("ภาษาไทย", "ภาษาไทย"),
            ("हिन्दी", "हिन्दी"),
            ("Cafe\u{301}", "café"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("❤\u{fe0f} x", "-x"),
            ("a_b - c.d", "a_b---cd"),
        ] {
            assert_eq!(from_text(text), id, "{text}");
        }
    }
}
