//! Tags and categories.

use std::collections::BTreeMap;

use super::page::Page;

/// A tag or a category and the posts that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) name: String,
    pub(crate) slug: String,
    /// The URL of its page, if there is one.
    pub(crate) url: Option<String>,
    /// The indexes of its posts, in their order.
    pub(crate) posts: Vec<usize>,
}

/// The terms that `of` finds in `posts`, sorted by name. Names that differ only in ways that
/// their slugs do not show (such as case) are one term, called as its newest post calls it.
/// With `base`, each term has a page below it.
pub(crate) fn terms(
    posts: &[Page],
    of: impl Fn(&Page) -> &Vec<String>,
    base: Option<&str>,
) -> Vec<Term> {
    let mut by_slug: BTreeMap<String, Term> = BTreeMap::new();
    for (index, post) in posts.iter().enumerate() {
        for name in of(post) {
            let slug = slug(name);
            let term = by_slug.entry(slug.clone()).or_insert_with(|| Term {
                name: name.clone(),
                url: base.map(|base| format!("{base}{slug}/")),
                slug,
                posts: Vec::new(),
            });
            if term.posts.last() != Some(&index) {
                term.posts.push(index);
            }
        }
    }
    let mut terms: Vec<Term> = by_slug.into_values().collect();
    terms.sort_by_cached_key(|term| (term.name.to_lowercase(), term.slug.clone()));
    terms
}

/// `name` as a part of a URL. Never empty, and different for C, C++ and C#.
pub(crate) fn slug(name: &str) -> String {
    let spelled = name.replace('+', "plus").replace('#', "sharp");
    let slug = slug::slugify(spelled);
    if !slug.is_empty() {
        return slug;
    }
    // Nothing but punctuation.
    let codes: Vec<String> = name
        .chars()
        .map(|c| format!("{:x}", u32::from(c)))
        .collect();
    if codes.is_empty() {
        return "untitled".to_owned();
    }
    codes.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_never_empty_and_tell_names_apart() {
        assert_eq!(slug("Hello, World!"), "hello-world");
        assert_eq!(slug("C"), "c");
        assert_eq!(slug("C++"), "cplusplus");
        assert_eq!(slug("C#"), "csharp");
        assert_eq!(slug("!?"), "21-3f");
        assert_eq!(slug(""), "untitled");
    }
}
