//! What templates see: `site` and `page`. The values are made once for the whole site; a clone
//! of one costs no more than a counter.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;
use tera::value::Key;
use tera::{Map, Value};

use crate::config::Config;
use crate::data::Table;
use crate::dates;
use crate::load::LoadOptions;
use crate::site::page::{Kind, Page};
use crate::site::taxonomy::{self, Term};

/// The values of a site.
#[derive(Debug)]
pub(crate) struct Values {
    pub(crate) site: Value,
    /// The value of each page, by its index.
    pub(crate) pages: Vec<Value>,
}

/// What the values are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SiteParts<'a> {
    pub(crate) config: &'a Config,
    pub(crate) options: &'a LoadOptions,
    pub(crate) base_url: Option<&'a str>,
    pub(crate) pages: &'a [Page],
    /// How many of the pages are posts.
    pub(crate) posts: usize,
    pub(crate) tags: &'a [Term],
    pub(crate) categories: &'a [Term],
    pub(crate) data: &'a Table,
}

impl Values {
    pub(crate) fn new(parts: &SiteParts<'_>) -> Self {
        let by_slug: BTreeMap<&str, &Term> = parts
            .tags
            .iter()
            .map(|tag| (tag.slug.as_str(), tag))
            .collect();
        let mut pages: Vec<Value> = (0..parts.pages.len())
            .into_par_iter()
            .map(|index| page(parts, &by_slug, index))
            .collect();
        let posts = Value::from(pages[..parts.posts].to_vec());
        let tags: Vec<Value> = parts.tags.iter().map(|tag| term(tag, &pages)).collect();
        let categories = parts.categories.iter().map(|term_| term(term_, &pages));
        let categories: Vec<Value> = categories.collect();

        for (index, page) in parts.pages.iter().enumerate() {
            if let Kind::Tag(tag) = page.kind
                && let Some(map) = pages[index].as_map()
            {
                let mut map = map.clone();
                put(&mut map, "tag", tags[tag].clone());
                pages[index] = Value::from(map);
            }
        }

        let listed = parts.pages.iter().zip(&pages).filter(|(page, _)| {
            page.kind == Kind::Page && page.title.is_some() && !page.from_theme && page.is_html()
        });
        let listed: Vec<Value> = listed.map(|(_, value)| value.clone()).collect();

        let mut site = map(&parts.config.table);
        put(&mut site, "lang", parts.config.lang.as_str());
        put(&mut site, "url", parts.base_url);
        let now = parts.options.as_of.to_zoned(parts.config.time_zone.clone());
        put(&mut site, "time", dates::rfc3339(&now));
        put(&mut site, "posts", posts);
        put(&mut site, "pages", Value::from(listed));
        put(&mut site, "tags", Value::from(tags));
        put(&mut site, "categories", Value::from(categories));
        put(&mut site, "data", from_table(parts.data));
        ensure(
            &mut site,
            &["title", "description", "author", "address", "nav"],
        );
        Self {
            site: Value::from(site),
            pages,
        }
    }
}

/// `table` as a value.
pub(super) fn from_table(table: &Table) -> Value {
    Value::from(map(table))
}

fn map(table: &Table) -> Map {
    let pairs = table
        .iter()
        .map(|(key, value)| (key.clone().into(), from_json(value)));
    pairs.collect()
}

fn from_json(value: &impl Serialize) -> Value {
    // What came out of JSON always goes in; there is no error to tell.
    Value::try_from_serializable(value).unwrap_or_else(|_| Value::none())
}

fn put(map: &mut Map, key: &'static str, value: impl Into<Value>) {
    map.insert(key.into(), value.into());
}

/// Makes sure that each of `keys` is there, as none if it has no value. A template may then print
/// what a page does not have, and print nothing; only a key that nobody knows is an error.
fn ensure(map: &mut Map, keys: &[&'static str]) {
    for key in keys {
        map.entry((*key).into()).or_insert_with(Value::none);
    }
}

fn page(parts: &SiteParts<'_>, tags: &BTreeMap<&str, &Term>, index: usize) -> Value {
    let page = &parts.pages[index];
    let mut value = match &page.document {
        Some(document) => map(&document.front.table),
        None => Map::new(),
    };
    put(&mut value, "title", page.title.as_deref());
    put(&mut value, "url", page.url.as_str());
    let absolute = parts.base_url.map(|base| format!("{base}{}", page.url));
    put(&mut value, "permalink", absolute);
    put(&mut value, "date", page.date.as_ref().map(dates::rfc3339));
    put(
        &mut value,
        "updated",
        page.updated.as_ref().map(dates::rfc3339),
    );
    put(&mut value, "draft", page.draft);
    put(&mut value, "future", page.future);
    let source = page.source.as_deref().filter(|_| !page.from_theme);
    put(&mut value, "source", source);

    let own_tags = page.tags.iter().map(|name| {
        let slug = taxonomy::slug(name);
        let mut tag = Map::new();
        put(&mut tag, "name", name.as_str());
        put(
            &mut tag,
            "url",
            tags.get(slug.as_str()).and_then(|term| term.url.as_deref()),
        );
        put(&mut tag, "slug", slug);
        Value::from(tag)
    });
    put(
        &mut value,
        "tags",
        Value::from(own_tags.collect::<Vec<Value>>()),
    );
    let categories = page
        .categories
        .iter()
        .map(|name| Value::from(name.as_str()));
    put(
        &mut value,
        "categories",
        Value::from(categories.collect::<Vec<Value>>()),
    );

    if let Some(body) = page.body_html() {
        put(&mut value, "content", Value::safe_string(&body.html));
        // An author's own excerpt goes before the one out of the text.
        let excerpt = value.entry(Key::Str("excerpt"));
        excerpt.or_insert_with(|| Value::safe_string(&body.excerpt));
        put(&mut value, "word_count", body.words);
        put(
            &mut value,
            "reading_time",
            body.words.div_ceil(WORDS_A_MINUTE).max(1),
        );
    }
    // Newest first: the post before this one in time comes after it in the list.
    let is_post = page.kind == Kind::Post;
    let previous = (is_post && index + 1 < parts.posts).then(|| &parts.pages[index + 1]);
    put(&mut value, "previous", previous.map(link));
    let next = index.checked_sub(1).filter(|_| is_post);
    put(
        &mut value,
        "next",
        next.map(|newer| link(&parts.pages[newer])),
    );
    ensure(
        &mut value,
        &[
            "description",
            "author",
            "lang",
            "content",
            "excerpt",
            "word_count",
            "reading_time",
            "tag",
        ],
    );
    Value::from(value)
}

/// How fast people read, for `page.reading_time`.
const WORDS_A_MINUTE: usize = 220;

fn link(page: &Page) -> Value {
    let mut link = Map::new();
    put(&mut link, "title", page.title.as_deref());
    put(&mut link, "url", page.url.as_str());
    Value::from(link)
}

fn term(term: &Term, pages: &[Value]) -> Value {
    let mut value = Map::new();
    put(&mut value, "name", term.name.as_str());
    put(&mut value, "slug", term.slug.as_str());
    put(&mut value, "url", term.url.as_deref());
    put(&mut value, "count", term.posts.len());
    let posts: Vec<Value> = term.posts.iter().map(|post| pages[*post].clone()).collect();
    put(&mut value, "posts", Value::from(posts));
    Value::from(value)
}
