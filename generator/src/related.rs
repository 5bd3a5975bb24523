//! Posts that have much in common with a post.

use std::cmp::Reverse;
use std::collections::HashMap;

use tera::Value;

use crate::site::Site;
use crate::site::page::Page;

/// How many are named at most.
const MOST: usize = 10;

/// The posts that share the most terms with the post `id`, the best first. A rare term counts more than one that half of all posts
/// have; among equals the newest goes first.
pub(crate) fn posts(site: &Site, id: u32, page: &Page) -> Value {
    let mut scores: HashMap<u32, u64> = HashMap::new();
    for (taxonomy, names) in site.taxonomies.iter().zip(&page.terms) {
        for name in names {
            let Some(term) = taxonomy.find(name) else {
                continue;
            };
            // Whole numbers: sums of fractions would depend on their order.
            let weight = 1_000_000 / (term.posts.len() as u64).max(1);
            for post in term.posts.iter().filter(|post| **post != id) {
                *scores.entry(*post).or_default() += weight;
            }
        }
    }
    let mut found: Vec<(Reverse<u64>, usize, u32)> = scores
        .into_iter()
        .filter_map(|(post, score)| Some((Reverse(score), site.place_of(post)?, post)))
        .collect();
    found.sort_unstable();
    let best: Vec<u32> = found
        .into_iter()
        .take(MOST)
        .map(|(.., post)| post)
        .collect();
    Value::from(site.values(&best))
}
