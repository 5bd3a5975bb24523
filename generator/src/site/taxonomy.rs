//! Taxonomies: the tags, categories and authors of posts, and whatever else the settings name.

use std::collections::HashMap;
use std::sync::Arc;

use super::page::Page;
use crate::slugs;

/// A taxonomy, such as the tags, with its terms, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taxonomy {
    /// The key of front matter, such as `tags`.
    pub(crate) name: String,
    pub(crate) terms: Vec<Term>,
}

/// A term, such as one tag, and the posts that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) name: String,
    pub(crate) slug: Arc<str>,
    /// The numbers of its posts, in their order.
    pub(crate) posts: Vec<u32>,
}

/// Numbers for slugs, so that grouping 10,000 posts compares no texts. A number never changes.
#[derive(Debug, Default)]
pub(crate) struct Slugs {
    numbers: HashMap<Arc<str>, u32>,
    slugs: Vec<Arc<str>>,
    /// The numbers by name: to make a slug takes longer than to look it up.
    names: HashMap<String, u32>,
}

impl Slugs {
    /// The number of the slug of `name`.
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let slug: Arc<str> = slugs::slug(name).into();
        let next = u32::try_from(self.slugs.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(Arc::clone(&slug)).or_insert(next);
        if number == next {
            self.slugs.push(slug);
        }
        self.names.insert(name.to_owned(), number);
        number
    }
}

/// The taxonomy called `name` of `posts`: the number of each, the names of its terms and the numbers of their slugs. Names
/// that differ only in ways that their slugs do not show (such as case) are one term, called as its newest post
/// calls it.
pub(crate) fn group<'a>(
    name: &str,
    slugs: &Slugs,
    posts: impl Iterator<Item = (u32, &'a [String], &'a [u32])>,
) -> Taxonomy {
    let mut found: Vec<Option<Term>> = vec![None; slugs.slugs.len()];
    for (post, names, numbers) in posts {
        for (name, number) in names.iter().zip(numbers) {
            let number = *number as usize;
            let term = found[number].get_or_insert_with(|| Term {
                name: name.clone(),
                slug: Arc::clone(&slugs.slugs[number]),
                posts: Vec::new(),
            });
            if term.posts.last() != Some(&post) {
                term.posts.push(post);
            }
        }
    }
    let mut terms: Vec<Term> = found.into_iter().flatten().collect();
    terms.sort_by_cached_key(|term| (term.name.to_lowercase(), Arc::clone(&term.slug)));
    Taxonomy {
        name: name.to_owned(),
        terms,
    }
}

/// The numbers of the terms of `page`, for each taxonomy.
pub(crate) fn numbers(page: &Page, slugs: &mut [Slugs]) -> Vec<Vec<u32>> {
    let all = page.terms.iter().zip(slugs);
    all.map(|(terms, slugs)| terms.iter().map(|name| slugs.number(name)).collect())
        .collect()
}

impl Taxonomy {
    /// The URL of the page that lists all terms.
    pub(crate) fn url(&self) -> String {
        format!("/{}/", self.name)
    }

    /// The URL of the page of the term `slug`.
    pub(crate) fn term_url(&self, slug: &str) -> String {
        format!("/{}/{slug}/", self.name)
    }
}

/// What one of the terms of the taxonomy `name` is called.
pub(crate) fn singular(name: &str) -> &str {
    match name {
        "categories" => "category",
        "series" => "series",
        _ => name.strip_suffix('s').unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_one_slug_are_one_term() {
        let mut slugs = Slugs::default();
        let posts: Vec<(u32, Vec<String>)> = vec![
            (7, vec!["Rust".to_owned(), "b".to_owned()]),
            (3, vec!["rust".to_owned(), "RUST".to_owned()]),
        ];
        let posts: Vec<(u32, Vec<String>, Vec<u32>)> = posts
            .into_iter()
            .map(|(id, names)| {
                let numbers = names.iter().map(|name| slugs.number(name)).collect();
                (id, names, numbers)
            })
            .collect();
        let taxonomy = group(
            "tags",
            &slugs,
            posts
                .iter()
                .map(|(id, names, numbers)| (*id, names.as_slice(), numbers.as_slice())),
        );
        let terms: Vec<(&str, &[u32])> = taxonomy
            .terms
            .iter()
            .map(|term| (term.name.as_str(), term.posts.as_slice()))
            .collect();
        assert_eq!(terms, [("b", &[7][..]), ("Rust", &[7, 3])]);
    }
}
