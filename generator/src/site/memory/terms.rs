//! What terms are called, and where their pages are.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::taxonomy;
use super::{Called, Input, Memory};
use crate::template;

impl Memory {
    /// Groups the posts by their terms. What templates saw of a term that is called otherwise now,
    /// or has another slug, is forgotten.
    pub(super) fn group_terms(&mut self, input: &Input<'_>) {
        self.taxonomies.clear();
        for (index, name) in input.config.taxonomies.iter().enumerate() {
            let posts = self.posts.iter().filter_map(|id| {
                let slot = self.slots[*id as usize].as_ref()?;
                let names = slot.page.terms[index].as_slice();
                Some((*id, names, slot.numbers[index].as_slice()))
            });
            let numbers = &self.numbers[index];
            let taxonomy = taxonomy::group(name, numbers, posts);
            let mut called: Vec<Option<Called>> = vec![None; numbers.len()];
            for term in &taxonomy.terms {
                let name = term.name.clone();
                called[term.number as usize] = Some((name, Arc::clone(&term.slug)));
            }
            self.taxonomies.push(taxonomy);
            self.call_others(index, &mut called);
            let before = std::mem::take(&mut self.called[index]);
            let mut is_another = vec![false; called.len()];
            for (number, (old, new)) in before.iter().zip(&called).enumerate() {
                is_another[number] = old != new;
            }
            self.called[index] = called;
            let terms = &mut self.terms[index];
            terms.resize(is_another.len(), template::Value::none());
            for (term, _) in terms.iter_mut().zip(&is_another).filter(|(_, is)| **is) {
                *term = template::Value::none();
            }
            for slot in self.slots.iter_mut().flatten() {
                let numbers = slot.numbers[index].iter();
                if numbers
                    .into_iter()
                    .any(|number| is_another[*number as usize])
                {
                    slot.value = None;
                }
            }
        }
    }

    /// Terms that no post has are called as the first of the pages calls them that have them.
    fn call_others(&self, index: usize, called: &mut [Option<Called>]) {
        let mut first: HashMap<u32, (&Arc<str>, &String)> = HashMap::new();
        for slot in self.slots.iter().flatten() {
            let page = &slot.page;
            for (name, number) in page.terms[index].iter().zip(&slot.numbers[index]) {
                if called[*number as usize].is_none() {
                    let this = (&page.source, name);
                    let known = first.entry(*number).or_insert(this);
                    *known = this.min(*known);
                }
            }
        }
        for (number, (_, name)) in first {
            let slug = self.numbers[index].slug(number);
            called[number as usize] = Some((name.clone(), slug));
        }
    }
}
