//! What functions and filters may ask about the whole site: a page by its path, a term by its name, the URL of an asset.
//!
//! It belongs to one site, as it was loaded, and is bound to the templates with it. They could hand it on in their
//! context, but a component sees nothing of the context around it, and `asset_url` must work there too.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tera::value::Key;
use tera::{TeraResult, Value};

use super::filters::fail;
use super::filters::urls::rooted;
use crate::error::did_you_mean;
use crate::site::{Assets, Shown};

/// What there is to look up.
#[derive(Debug)]
pub(crate) struct Lookup {
    pages: Arc<Vec<Option<Shown>>>,
    /// `site.taxonomies`.
    taxonomies: Value,
    assets: Assets,
    /// The pages by their sources and URLs, made when the first is asked for.
    index: OnceLock<HashMap<Arc<str>, u32>>,
}

impl Lookup {
    pub(crate) fn new(pages: Arc<Vec<Option<Shown>>>, site: &Value, assets: Assets) -> Self {
        let taxonomies = site
            .as_map()
            .and_then(|map| map.get(&Key::Str("taxonomies")));
        Self {
            pages,
            taxonomies: taxonomies.cloned().unwrap_or_else(Value::none),
            assets,
            index: OnceLock::new(),
        }
    }

    /// The page with this source or URL.
    pub(super) fn page(&self, path: &str) -> TeraResult<Value> {
        let found = self.find(path);
        found.map(|shown| shown.value.clone()).ok_or_else(|| {
            let sources = self.index().keys().map(|path| &**path);
            let hint = match nearest(path, sources) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => {
                    "give its source, such as _posts/2026-01-02-title.md, or its URL".to_owned()
                }
            };
            fail(format!("there is no page '{path}'"), hint)
        })
    }

    /// The URL of the page with this source or URL.
    pub(super) fn url_of_page(&self, path: &str) -> Option<Value> {
        Some((&*self.find(path)?.page.url).into())
    }

    fn find(&self, path: &str) -> Option<&Shown> {
        // Zola writes `@/` before the paths of sources.
        let path = path.trim_start_matches("@/").trim_start_matches("./");
        let index = self.index();
        let id = index
            .get(path)
            .or_else(|| index.get(path.trim_start_matches('/')))
            .or_else(|| index.get(&*format!("/{path}")))
            .or_else(|| index.get(&*format!("/{}/", path.trim_matches('/'))));
        self.pages.get(*id? as usize)?.as_ref()
    }

    fn index(&self) -> &HashMap<Arc<str>, u32> {
        self.index.get_or_init(|| {
            let mut index = HashMap::new();
            for (id, shown) in (0..).zip(self.pages.iter()) {
                if let Some(Shown { page, .. }) = shown {
                    index.insert(Arc::clone(&page.source), id);
                    if page.has_output {
                        index.insert(Arc::from(&*page.url), id);
                    }
                }
            }
            index
        })
    }

    /// All terms of the taxonomy `name`.
    pub(super) fn taxonomy(&self, name: &str) -> TeraResult<Value> {
        let all = self.taxonomies.as_map();
        let found = all.and_then(|all| all.get(&Key::Str(name)));
        found.cloned().ok_or_else(|| {
            let names = || {
                all.into_iter()
                    .flat_map(|all| all.keys().filter_map(Key::as_str))
            };
            let hint = match did_you_mean(name, names()) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!(
                    "the taxonomies are {}",
                    names().collect::<Vec<&str>>().join(", ")
                ),
            };
            fail(format!("there is no taxonomy '{name}'"), hint)
        })
    }

    /// The term `name`, or with this slug, of a taxonomy.
    pub(super) fn term(&self, taxonomy: &str, name: &str) -> TeraResult<Value> {
        let all = self.taxonomy(taxonomy)?;
        let terms = all.as_array().unwrap_or_default();
        let field = |term: &Value, key| Some(term.as_map()?.get(&Key::Str(key))?.clone());
        let is =
            |term: &&Value, key| field(term, key).is_some_and(|value| value.as_str() == Some(name));
        let by_name = terms.iter().find(|term| is(term, "name"));
        let found = by_name.or_else(|| terms.iter().find(|term| is(term, "slug")));
        found.cloned().ok_or_else(|| {
            let names: Vec<Value> = terms
                .iter()
                .filter_map(|term| field(term, "name"))
                .collect();
            let hint = match did_you_mean(name, names.iter().filter_map(Value::as_str)) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("ask get_taxonomy(name=\"{taxonomy}\") for those that there are"),
            };
            fail(format!("there is no '{name}' among the {taxonomy}"), hint)
        })
    }

    /// The URL of the asset at `url`, with a fingerprint of its content. A URL that does not begin with a slash leads to
    /// what lies beside the page at `page`, else from the root.
    pub(super) fn asset_url(&self, url: &str, page: Option<&str>) -> TeraResult<String> {
        let (path, fragment) = match url.find('#') {
            Some(at) => url.split_at(at),
            None => (url, ""),
        };
        let beside = page
            .filter(|_| !path.starts_with('/'))
            .and_then(|page| Some(format!("{}/{path}", page.rsplit_once('/')?.0)));
        let paths = beside.into_iter().chain([rooted(path)]);
        for path in paths {
            if let Some(query) = self.assets.fingerprint(path.trim_start_matches('/')) {
                return match query {
                    Ok(Some(hash)) => Ok(format!("{path}?v={hash}{fragment}")),
                    Ok(None) => Ok(format!("{path}{fragment}")),
                    Err(error) => Err(tera::Error::message(error)),
                };
            }
        }
        let path = rooted(path);
        let hint = match nearest(path.trim_start_matches('/'), self.assets.paths()) {
            Some(meant) => format!("did you mean \"/{meant}\"?"),
            None => "put the file there, or write the URL without asset_url".to_owned(),
        };
        Err(fail(format!("the site has no file '{path}'"), hint))
    }
}

/// What was meant by `path`: it is almost that, or lies in another folder.
fn nearest<'a>(path: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let name = path.rsplit('/').next().filter(|name| !name.is_empty());
    did_you_mean(path, known.clone()).or_else(|| {
        let same_name = known.filter(|known| known.rsplit('/').next() == name);
        same_name.min()
    })
}
