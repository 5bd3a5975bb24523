//! Feeds: of the whole site, of a term, of a collection.

mod atom;
mod json;
mod rss;

use std::borrow::Cow;

use jiff::Zoned;
use tera::{Map, Value};

use crate::config::{Config, Format};
use crate::error::Error;
use crate::html;
use crate::links::{self, Base};
use crate::names::{SitePath, Url};
use crate::site::Site;
use crate::site::page::Page;
use crate::site::targets::Around;
use crate::site::taxonomy::Taxonomy;
use crate::template::Context;
use crate::template::values::put;

/// One feed in one format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feed {
    pub(crate) format: Format,
    /// The output path.
    pub(crate) path: SitePath,
    /// What it is a feed of, beside the title of the site; `None` for the site itself.
    pub(crate) title: Option<String>,
    /// The URL of the page that lists the same, from the root of the site.
    pub(crate) of: Url,
    /// The numbers of the pages in it, newest first.
    pub(crate) entries: Vec<u32>,
}

/// All feeds of a site. An entry of a feed needs an absolute URL or the site's address, so that a site which has neither
/// has no feeds.
pub(crate) fn all(
    config: &Config,
    posts: &[u32],
    taxonomies: &[Taxonomy],
    collections: &[Vec<u32>],
    base_url: Option<&str>,
) -> Vec<Feed> {
    let mut feeds = Vec::new();
    if base_url.is_none() && config.address.is_none() {
        return feeds;
    }
    let limit = config.feed.limit;
    let mut add = |title: Option<&str>, of: String, entries: Vec<u32>| {
        for format in &config.feed.formats {
            feeds.push(Feed {
                format: *format,
                path: SitePath::of(&format!("{}{}", &of[1..], format.file())),
                title: title.map(str::to_owned),
                of: Url::of_file(&of[1..]),
                entries: entries.clone(),
            });
        }
    };
    if !posts.is_empty() {
        add(
            None,
            "/".to_owned(),
            posts.iter().take(limit).copied().collect(),
        );
    }
    if config.feed.terms {
        for taxonomy in taxonomies
            .iter()
            .filter(|one| matches!(one.name.as_str(), "tags" | "categories"))
        {
            for term in &taxonomy.terms {
                let entries = term.posts.iter().take(limit).copied().collect();
                add(Some(&term.name), taxonomy.term_url(&term.slug), entries);
            }
        }
    }
    for (settings, documents) in config.collections.iter().zip(collections) {
        if settings.feed && settings.output && !documents.is_empty() {
            let entries = documents.iter().take(limit).copied().collect();
            add(
                Some(&settings.title),
                format!("/{}/", settings.name),
                entries,
            );
        }
    }
    feeds
}

impl Feed {
    /// Its URL from the root of the site.
    fn url(&self) -> Url {
        Url::of_file(&self.path)
    }

    /// What templates see of it.
    pub(crate) fn value(&self) -> Value {
        let mut value = Map::new();
        put(&mut value, "url", self.url().as_str());
        put(&mut value, "type", self.format.media_type());
        put(&mut value, "title", self.title.as_deref());
        put(&mut value, "of", self.of.as_str());
        Value::from(value)
    }
}

/// The bytes of `feed`. Nothing in it depends on when it is made.
pub(crate) fn render(site: &Site, feed: &Feed) -> Result<String, Error> {
    let entries = entries(site, feed)?;
    Ok(match feed.format {
        Format::Atom => atom::render(site, feed, &entries),
        Format::Rss => rss::render(site, feed, &entries),
        Format::Json => json::render(site, feed, &entries),
    })
}

impl Feed {
    /// The start of the URLs in it.
    fn base<'a>(&self, site: &'a Site) -> &'a str {
        site.base_url().or(address(site)).unwrap_or_default()
    }

    /// The start of the ids in it. An id must never change, even if the site moves: the address is more lasting than
    /// the URL.
    fn id_base<'a>(&self, site: &'a Site) -> &'a str {
        address(site).or(site.base_url()).unwrap_or_default()
    }

    fn full_title<'a>(&'a self, site: &'a Site) -> Cow<'a, str> {
        let title = site.config.title.as_deref().unwrap_or("Untitled");
        match &self.title {
            None => title.into(),
            Some(own) => format!("{own} · {title}").into(),
        }
    }
}

fn address(site: &Site) -> Option<&str> {
    let address = site.config.address.as_deref();
    address.map(|address| address.trim_end_matches('/'))
}

/// One entry of a feed.
struct Entry<'a> {
    page: &'a Page,
    /// Its own authors; none if it is of the site's author.
    authors: Vec<&'a str>,
    terms: Vec<&'a str>,
    /// The whole text, with absolute links, if the settings want it.
    content: Option<String>,
    /// The excerpt, with absolute links.
    excerpt: Option<String>,
}

impl Entry<'_> {
    fn title(&self) -> &str {
        self.page.title.as_deref().unwrap_or("Untitled")
    }
}

/// The entries of `feed`.
fn entries<'a>(site: &'a Site, feed: &Feed) -> Result<Vec<Entry<'a>>, Error> {
    let start = feed.base(site);
    let mut entries = Vec::with_capacity(feed.entries.len());
    for shown in feed.entries.iter().filter_map(|id| site.shown(*id)) {
        let page = &*shown.page;
        let mut context = Context::new();
        context.insert_value("site", site.value.clone());
        context.insert_value("page", shown.value.clone());
        let around = Around {
            site,
            context: &context,
        };
        let text = |key: &str| match shown
            .value
            .get_from_path(key)
            .and_then(|text| text.as_str())
        {
            None | Some("") => Ok(None),
            Some(html) => {
                let base = Base::Absolute {
                    base: start,
                    url: &page.url,
                };
                links::finish(html, base, &around).map(Some)
            }
        };
        let names = |index: usize| page.terms[index].iter().map(String::as_str);
        entries.push(Entry {
            page,
            authors: names(2).collect(),
            terms: names(1).chain(names(0)).collect(),
            content: match site.config.feed.full {
                true => text("content")?,
                false => None,
            },
            excerpt: text("excerpt")?,
        });
    }
    Ok(entries)
}

/// When `page` was changed last.
pub(crate) fn changed(page: &Page) -> Option<&Zoned> {
    page.updated.as_ref().or(page.date.as_ref())
}

/// `text` escaped, without the characters that XML can't hold at all.
pub(crate) fn xml(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    html::escape(&text.chars().filter(allowed).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_holds_no_control_characters() {
        assert_eq!(xml("a\u{8}<b\u{ffff}\n"), "a&lt;b\n");
    }
}
