//! Taxonomies: the tags, categories and authors of posts, and whatever else the settings name.

use std::collections::{HashMap, HashSet};
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
    /// As its newest post writes it.
    pub(crate) name: String,
    /// What tells it from other terms (see [`slugs::identity`]).
    pub(crate) identity: Arc<str>,
    /// Its address, which no other term of the taxonomy has.
    pub(crate) slug: Arc<str>,
    /// The numbers of its posts, in their order.
    pub(crate) posts: Vec<u32>,
    /// The number of its identity.
    pub(super) number: u32,
}

/// Numbers for the identities of terms, so that grouping 10,000 posts compares no texts. A number
/// never changes.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    by_identity: HashMap<Arc<str>, u32>,
    known: Vec<Known>,
    /// The numbers by name: to make an identity takes longer than to look it up.
    names: HashMap<String, u32>,
}

#[derive(Debug)]
struct Known {
    identity: Arc<str>,
    /// The slug that its name has alone.
    slug: Arc<str>,
}

impl Numbers {
    /// The number of the identity of `name`.
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let identity: Arc<str> = slugs::identity(name).into();
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let number = *self
            .by_identity
            .entry(Arc::clone(&identity))
            .or_insert(next);
        if number == next {
            let slug = slugs::slug(&identity).into();
            self.known.push(Known { identity, slug });
        }
        self.names.insert(name.to_owned(), number);
        number
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The slug of the term with this number if no other term has it.
    pub(super) fn slug(&self, number: u32) -> Arc<str> {
        Arc::clone(&self.known[number as usize].slug)
    }
}

/// The taxonomy called `name` of `posts`, newest first: the number of each, the names of its terms
/// and the numbers of their identities. A term is called as its newest post calls it.
pub(crate) fn group<'a>(
    name: &str,
    numbers: &Numbers,
    posts: impl Iterator<Item = (u32, &'a [String], &'a [u32])>,
) -> Taxonomy {
    let mut found: Vec<Option<Term>> = vec![None; numbers.known.len()];
    // Which terms were met last, and so are the oldest.
    let mut last_met: Vec<usize> = vec![0; numbers.known.len()];
    for (place, (post, names, of_post)) in posts.enumerate() {
        for (name, number) in names.iter().zip(of_post) {
            let known = &numbers.known[*number as usize];
            last_met[*number as usize] = place;
            let term = found[*number as usize].get_or_insert_with(|| Term {
                name: name.clone(),
                identity: Arc::clone(&known.identity),
                slug: Arc::clone(&known.slug),
                posts: Vec::new(),
                number: *number,
            });
            if term.posts.last() != Some(&post) {
                term.posts.push(post);
            }
        }
    }
    let mut terms: Vec<Term> = found.into_iter().flatten().collect();
    part(&mut terms, &last_met);
    terms.sort_by_cached_key(|term| (term.name.to_lowercase(), Arc::clone(&term.slug)));
    Taxonomy {
        name: name.to_owned(),
        terms,
    }
}

/// Gives a slug of its own to each of several terms that would have the same, such as `rock 'n' roll` and
/// `rock-n-roll`. The one whose first post is the oldest keeps the plain slug, and the next ones
/// get numbers: a new post moves no page that is there already.
fn part(terms: &mut [Term], last_met: &[usize]) {
    let mut by_slug: HashMap<Arc<str>, Vec<usize>> = HashMap::with_capacity(terms.len());
    for (index, term) in terms.iter().enumerate() {
        let same = by_slug.entry(Arc::clone(&term.slug)).or_default();
        same.push(index);
    }
    if by_slug.len() == terms.len() {
        return;
    }
    let mut taken: HashSet<Arc<str>> = by_slug.keys().cloned().collect();
    let mut shared: Vec<(Arc<str>, Vec<usize>)> = by_slug
        .into_iter()
        .filter(|(_, same)| same.len() > 1)
        .collect();
    shared.sort();
    for (slug, mut same) in shared {
        same.sort_by(|a, b| {
            let first_post = |index: &usize| last_met[terms[*index].number as usize];
            let by_age = first_post(b).cmp(&first_post(a));
            by_age.then_with(|| terms[*a].identity.cmp(&terms[*b].identity))
        });
        let mut numbered = (2_usize..).map(|number| Arc::from(format!("{slug}-{number}")));
        for index in same.into_iter().skip(1) {
            let free = numbered.find(|slug| taken.insert(Arc::clone(slug)));
            terms[index].slug = free.unwrap_or_else(|| Arc::clone(&slug));
        }
    }
}

/// The numbers of the terms of `page`, for each taxonomy.
pub(crate) fn numbers(page: &Page, numbers: &mut [Numbers]) -> Vec<Vec<u32>> {
    let all = page.terms.iter().zip(numbers);
    all.map(|(terms, numbers)| terms.iter().map(|name| numbers.number(name)).collect())
        .collect()
}

impl Taxonomy {
    /// The URL of the page that lists all terms.
    pub(crate) fn url(&self) -> String {
        format!("/{}/", self.name)
    }

    /// The term called `name`, in any case of letters, else the one whose slug is `name`.
    pub(crate) fn find(&self, name: &str) -> Option<&Term> {
        let identity = slugs::identity(name);
        let mut terms = self.terms.iter();
        let by_name = terms.find(|term| *term.identity == *identity);
        by_name.or_else(|| self.terms.iter().find(|term| &*term.slug == name))
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

    /// The terms of posts, given newest first.
    fn terms(posts: &[&[&str]]) -> Vec<(String, String, usize)> {
        let mut numbers = Numbers::default();
        let posts: Vec<(u32, Vec<String>, Vec<u32>)> = (0..)
            .zip(posts)
            .map(|(id, names)| {
                let of_post = names.iter().map(|name| numbers.number(name)).collect();
                let names = names.iter().map(|name| (*name).to_owned()).collect();
                (id, names, of_post)
            })
            .collect();
        let posts = posts.iter();
        let posts = posts.map(|(id, names, of_post)| (*id, &names[..], &of_post[..]));
        let terms = group("tags", &numbers, posts).terms.into_iter();
        terms
            .map(|term| (term.name, term.slug.to_string(), term.posts.len()))
            .collect()
    }

    fn term(name: &str, slug: &str, posts: usize) -> (String, String, usize) {
        (name.to_owned(), slug.to_owned(), posts)
    }

    #[test]
    fn names_that_differ_in_case_only_are_one_term() {
        assert_eq!(
            terms(&[&["Rust", "b"], &["rust", "RUST"]]),
            [term("b", "b", 1), term("Rust", "rust", 2)]
        );
    }

    #[test]
    fn different_words_are_different_terms() {
        assert_eq!(
            terms(&[
                &["pâté", "北京"],
                &["pâte", "背景"],
                &["pate", "мир", "mir"]
            ]),
            [
                term("mir", "mir", 1),
                term("pate", "pate", 1),
                term("pâte", "pâte", 1),
                term("pâté", "pâté", 1),
                term("мир", "мир", 1),
                term("北京", "北京", 1),
                term("背景", "背景", 1),
            ]
        );
    }

    #[test]
    fn terms_with_one_slug_have_addresses_of_their_own_that_a_new_post_does_not_move() {
        let before: [&[&str]; 2] = [&["rock-n-roll", "rock-n-roll-2"], &["rock 'n' roll"]];
        let expected = [
            term("rock 'n' roll", "rock-n-roll", 1),
            term("rock-n-roll", "rock-n-roll-3", 1),
            term("rock-n-roll-2", "rock-n-roll-2", 1),
        ];
        assert_eq!(terms(&before), expected);
        let after: [&[&str]; 3] = [&["Rock, n Roll"], before[0], before[1]];
        let mut after = terms(&after);
        after.retain(|(name, ..)| name != "Rock, n Roll");
        assert_eq!(after, expected);
    }
}
