//! What templates see: `site` and `page`. The values are made once; a clone of one costs no more than a counter.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value as Json;
use tera::value::Key;
use tera::{Map, Value};

use super::Templates;
use crate::config::Config;
use crate::data::Table;
use crate::dates;
use crate::documents::Item;
use crate::feed::Feed;
use crate::load::{Entry, LoadOptions};
use crate::names::Url;
use crate::site::Shown;
use crate::site::page::{Kind, Page};
use crate::site::taxonomy::{self, Taxonomy};

/// What the value of a page is made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Making<'a> {
    pub(crate) config: &'a Config,
    pub(crate) base_url: Option<&'a str>,
    /// Whether a template wants the headings.
    pub(crate) with_toc: bool,
}

/// What the value of a site is made of.
#[derive(Debug)]
pub(crate) struct SiteParts<'a> {
    pub(crate) config: &'a Config,
    pub(crate) options: &'a LoadOptions,
    pub(crate) base_url: Option<&'a str>,
    pub(crate) pages: &'a [Option<Shown>],
    /// The posts, newest first.
    pub(crate) posts: &'a [u32],
    pub(crate) collections: &'a [Vec<u32>],
    pub(crate) taxonomies: &'a [Taxonomy],
    pub(crate) templates: &'a Templates,
    pub(crate) feeds: &'a [Feed],
    pub(crate) data: Value,
}

/// `site`. What holds none of the pages `before.1` is taken from the value `before.0`, if nothing but these pages is another
/// than it was.
pub(crate) fn site(parts: &SiteParts<'_>, before: Option<(&Value, &[u32])>) -> Value {
    let config = parts.config;
    let before = before.and_then(|(value, changed)| Some((value.as_map()?, changed)));
    let shown = |id: &u32| Some(parts.pages.get(*id as usize)?.as_ref()?.value.clone());
    let values = |ids: &[u32]| Value::from(ids.iter().filter_map(shown).collect::<Vec<Value>>());
    let mut site = map(&config.table);
    put(&mut site, "lang", config.lang.as_str());
    put(&mut site, "url", parts.base_url);
    let now = parts.options.as_of.to_zoned(config.time_zone.clone());
    put(&mut site, "time", dates::rfc3339(&now));
    put(&mut site, "posts", values(parts.posts));
    let kind = |id: &u32| Some(parts.pages.get(*id as usize)?.as_ref()?.page.kind);
    let is_changed = |ids: &[u32], changed: &[u32]| ids.iter().any(|id| changed.contains(id));
    let listed = before
        .filter(|(_, changed)| changed.iter().all(|id| kind(id) != Some(Kind::Page)))
        .and_then(|(old, _)| old.get(&Key::Str("pages")).cloned());
    put(
        &mut site,
        "pages",
        listed.unwrap_or_else(|| listed_pages(parts.pages)),
    );

    let mut all = Map::new();
    for taxonomy in parts.taxonomies {
        let has_pages = parts.templates.has_term_pages(&taxonomy.name);
        let old = before.and_then(|(old, changed)| {
            let old = old.get(&Key::Str("taxonomies"))?.as_map()?;
            Some((old.get(&Key::Str(&taxonomy.name))?.as_array()?, changed))
        });
        let terms = taxonomy.terms.iter().enumerate().map(|(index, term)| {
            if let Some((old, changed)) = old
                && !is_changed(&term.posts, changed)
                && let Some(old) = old.get(index)
            {
                return old.clone();
            }
            let mut value = Map::new();
            put(&mut value, "name", term.name.as_str());
            put(&mut value, "slug", &*term.slug);
            let url = has_pages.then(|| taxonomy.term_url(&term.slug));
            put(&mut value, "url", url);
            put(&mut value, "count", term.posts.len());
            put(&mut value, "posts", values(&term.posts));
            Value::from(value)
        });
        let terms = Value::from(terms.collect::<Vec<Value>>());
        all.insert(taxonomy.name.clone().into(), terms.clone());
        // A site's own taxonomy must not take the place of something that has this name already.
        if site.get(&Key::Str(&taxonomy.name)).is_none() {
            site.insert(taxonomy.name.clone().into(), terms);
        }
    }
    put(&mut site, "taxonomies", Value::from(all));

    let mut all = Map::new();
    for (settings, documents) in config.collections.iter().zip(parts.collections) {
        let documents = values(documents);
        let mut value = Map::new();
        put(&mut value, "name", settings.name.as_str());
        put(&mut value, "title", settings.title.as_str());
        let has_page = settings.output && parts.templates.has_layout("collection");
        let url = has_page.then(|| format!("/{}/", settings.name));
        put(&mut value, "url", url);
        put(&mut value, "documents", documents.clone());
        all.insert(settings.name.clone().into(), Value::from(value));
        // As in Jekyll.
        if site.get(&Key::Str(&settings.name)).is_none() {
            site.insert(settings.name.clone().into(), documents);
        }
    }
    put(&mut site, "collections", Value::from(all));
    let feeds = parts.feeds.iter().map(|feed| feed.value());
    put(
        &mut site,
        "feeds",
        Value::from(feeds.collect::<Vec<Value>>()),
    );
    put(&mut site, "data", parts.data.clone());
    ensure(
        &mut site,
        &["title", "description", "author", "address", "nav"],
    );
    Value::from(site)
}

/// The author's pages that have a title, by their URLs.
fn listed_pages(pages: &[Option<Shown>]) -> Value {
    let mut listed: Vec<&Shown> = pages
        .iter()
        .flatten()
        .filter(|shown| {
            let page = &shown.page;
            page.kind == Kind::Page && page.title.is_some() && !page.from_theme && page.is_html()
        })
        .collect();
    listed.sort_by(|a, b| a.page.url.cmp(&b.page.url));
    let values = listed.into_iter().map(|shown| shown.value.clone());
    Value::from(values.collect::<Vec<Value>>())
}

/// `page` as every template sees it, also in lists. `terms` are the links to its terms, for each taxonomy.
pub(crate) fn page(
    making: &Making<'_>,
    page: &Page,
    future: bool,
    terms: Vec<Vec<Value>>,
) -> Value {
    let mut value = map(&page.table);
    put(&mut value, "title", page.title.as_deref());
    put(&mut value, "url", page.url.as_str());
    let absolute = making
        .base_url
        .map(|base| format!("{base}{}", page.url.as_str()));
    put(&mut value, "permalink", absolute);
    put(&mut value, "slug", page.slug.as_str());
    put(&mut value, "date", page.date.as_ref().map(dates::rfc3339));
    put(
        &mut value,
        "updated",
        page.updated.as_ref().map(dates::rfc3339),
    );
    put(&mut value, "draft", page.draft);
    put(&mut value, "future", future);
    put(
        &mut value,
        "source",
        Some(&*page.source).filter(|_| !page.from_theme),
    );
    let kind = match page.kind {
        Kind::Post => "posts",
        Kind::Page => "pages",
        Kind::Document(index) => making.config.collections[index].name.as_str(),
    };
    put(&mut value, "collection", kind);
    for (name, terms) in making.config.taxonomies.iter().zip(terms) {
        value.insert(name.clone().into(), Value::from(terms));
    }
    if let Some(content) = page.content() {
        value.insert("content".into(), content.html.clone());
        // An author's own excerpt goes before the one out of the text.
        let excerpt = value.entry(Key::Str("excerpt"));
        excerpt.or_insert_with(|| content.excerpt.clone());
        if making.with_toc {
            let toc = content.toc.iter().map(|heading| {
                let mut value = Map::new();
                put(&mut value, "level", heading.level);
                put(&mut value, "id", heading.id.as_str());
                put(&mut value, "title", heading.title.as_str());
                Value::from(value)
            });
            put(&mut value, "toc", Value::from(toc.collect::<Vec<Value>>()));
        }
        put(&mut value, "word_count", content.words);
        put(&mut value, "reading_time", reading_time(content.words));
    }
    ensure(&mut value, &PAGE_KEYS);
    Value::from(value)
}

/// What every page has, as none where it has no value.
const PAGE_KEYS: [&str; 18] = [
    "description",
    "author",
    "lang",
    "image",
    "content",
    "excerpt",
    "word_count",
    "reading_time",
    "toc",
    "taxonomy",
    "terms",
    "term",
    "tag",
    "category",
    "year",
    "month",
    "posts",
    "documents",
];

/// How many minutes it takes to read so many words.
pub(super) fn reading_time(words: usize) -> usize {
    words.div_ceil(WORDS_A_MINUTE).max(1)
}

/// How fast people read.
const WORDS_A_MINUTE: usize = 220;

/// `page` for a page that skep makes.
pub(crate) fn list_page(url: &Url, title: Option<&str>, base_url: Option<&str>) -> Map {
    let mut value = Map::new();
    put(&mut value, "title", title);
    put(&mut value, "url", url.as_str());
    put(
        &mut value,
        "permalink",
        base_url.map(|base| format!("{base}{}", url.as_str())),
    );
    put(&mut value, "draft", false);
    put(&mut value, "future", false);
    for name in ["tags", "categories", "authors"] {
        put(&mut value, name, Value::from(Vec::<Value>::new()));
    }
    ensure(
        &mut value,
        &[
            "slug",
            "date",
            "updated",
            "source",
            "collection",
            "previous",
            "next",
            "related",
        ],
    );
    ensure(&mut value, &PAGE_KEYS);
    value
}

/// A page as far as a link to it needs.
pub(crate) fn link(page: &Page) -> Value {
    let mut link = Map::new();
    put(&mut link, "title", page.title.as_deref());
    put(&mut link, "url", page.url.as_str());
    Value::from(link)
}

/// The term `name` of `taxonomy` as far as a link to it needs.
pub(crate) fn term_link(taxonomy: &str, name: &str, slug: &str, has_page: bool) -> Value {
    let mut link = Map::new();
    put(&mut link, "name", name);
    let url = has_page.then(|| format!("/{taxonomy}/{slug}/"));
    put(&mut link, "url", url);
    put(&mut link, "slug", slug);
    Value::from(link)
}

/// What a term is called on its own page: `page.tag`.
pub(crate) fn term_key(taxonomy: &str) -> Key<'static> {
    taxonomy::singular(taxonomy).to_owned().into()
}

/// `site.data`: the value of `_data/a/b.yml` is `a.b`.
pub(crate) fn data(entries: &BTreeMap<Arc<str>, Entry>) -> Value {
    let mut all = Table::new();
    let from = entries.range::<str, _>((Bound::Included("_data/"), Bound::Unbounded));
    for (path, entry) in from.take_while(|(path, _)| path.starts_with("_data/")) {
        if let Ok(Item::Data(value)) = &entry.item {
            put_data(&mut all, path, (**value).clone());
        }
    }
    from_table(&all)
}

fn put_data(data: &mut Table, path: &str, value: Json) {
    let inside = path.strip_prefix("_data/").unwrap_or(path);
    let stem = inside.rsplit_once('.').map_or(inside, |(stem, _)| stem);
    let mut table = data;
    let mut names = stem.split('/').peekable();
    while let Some(name) = names.next() {
        let slot = table.entry(name).or_insert(Json::Null);
        if names.peek().is_none() {
            *slot = value;
            return;
        }
        if !slot.is_object() {
            *slot = Json::Object(Table::new());
        }
        let Json::Object(inner) = slot else { return };
        table = inner;
    }
}

/// `table` as a value.
pub(super) fn from_table(table: &Table) -> Value {
    Value::from(map(table))
}

fn map(table: &Table) -> Map {
    let pairs = table.iter();
    pairs
        .map(|(key, value)| (key.clone().into(), from_json(value)))
        .collect()
}

pub(crate) fn from_json(value: &Json) -> Value {
    match value {
        Json::Null => Value::none(),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => Value::from(number),
            (_, Some(number), _) => Value::from(number),
            (.., Some(number)) => Value::from(number),
            _ => Value::none(),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<Value>>()),
        Json::Object(table) => from_table(table),
    }
}

pub(crate) fn put(map: &mut Map, key: &'static str, value: impl Into<Value>) {
    map.insert(key.into(), value.into());
}

/// Makes sure that each of `keys` is there, as none if it has no value. A template may then print
/// what a page does not have, and print nothing; only a key that nobody knows is an error.
pub(crate) fn ensure(map: &mut Map, keys: &[&'static str]) {
    for key in keys {
        map.entry((*key).into()).or_insert_with(Value::none);
    }
}
