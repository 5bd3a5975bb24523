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
use crate::names::{self, Url, nfc};
use crate::site::{Assets, Shown};
use crate::slugs;

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
        Some(self.find(path)?.page.url.as_str().into())
    }

    fn find(&self, path: &str) -> Option<&Shown> {
        let path = &*nfc(path);
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
                        index.insert(Arc::from(page.url.as_str()), id);
                        if let Some(name) = page.url.name() {
                            index.entry(format!("/{name}").into()).or_insert(id);
                        }
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
        let by_identity = || {
            let wanted = slugs::identity(name);
            let is_it = |term: &&Value| {
                let name = field(term, "name");
                name.is_some_and(|name| name.as_str().map(slugs::identity) == Some(wanted.clone()))
            };
            terms.iter().find(is_it)
        };
        let found = by_name
            .or_else(by_identity)
            .or_else(|| terms.iter().find(|term| is(term, "slug")));
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

    /// The URL of the asset at `url`, with a fingerprint of its content. What does not begin with a
    /// slash leads to what is beside the page at `page`, else from the root.
    pub(super) fn asset_url(&self, url: &str, page: Option<&str>) -> TeraResult<String> {
        if let Some(found) = self.file_of(url, page) {
            let url = Url::of_file(&found.path);
            let (url, fragment) = (url.path(), fragment(&found.suffix));
            return match self.assets.fingerprint(&found.path) {
                Some(Ok(Some(hash))) => Ok(format!("{url}?v={hash}{fragment}")),
                Some(Err(error)) => Err(tera::Error::message(error)),
                _ => Ok(format!("{url}{fragment}")),
            };
        }
        let path = rooted(names::split(url).0);
        let hint = match nearest(path.trim_start_matches('/'), self.assets.paths()) {
            Some(meant) => format!("did you mean \"/{meant}\"?"),
            None => "put the file there, or write the URL without asset_url".to_owned(),
        };
        Err(fail(format!("the site has no file '{path}'"), hint))
    }

    /// The URL of what a template calls `text`, the name of a file or a URL. A name is encoded;
    /// what the site does not have is a URL, and keeps its meaning.
    pub(super) fn url_of(&self, text: &str, page: Option<&str>) -> Url {
        match self.file_of(text, page) {
            Some(found) => Url::of_file(&found.path).with_suffix(&found.suffix),
            None => Url::written(&rooted(&nfc(text))),
        }
    }

    /// The file that `text` means, from beside the page at the URL `page` or from the root: as a
    /// name, in which `#`, `?` and `%` mean themselves, or as a URL.
    fn file_of(&self, text: &str, page: Option<&str>) -> Option<Found> {
        let text = nfc(text);
        let (path, suffix) = names::split(&text);
        let decoded = names::decoded(path)?;
        let beside = |name: &str| {
            let folder = Url::written(page?).name()?.into_owned();
            let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
            Some(names::resolve(folder, name))
        };
        for (name, suffix) in [(&*text, ""), (&*decoded, suffix)] {
            let near = match name.starts_with('/') {
                true => None,
                false => beside(name),
            };
            let from_root = name.trim_start_matches('/').to_owned();
            let mut places = near.into_iter().chain([from_root]);
            if let Some(path) = places.find(|path| self.assets.has(path)) {
                return Some(Found {
                    path,
                    suffix: Url::written(suffix).as_str().to_owned(),
                });
            }
        }
        None
    }
}

/// A file that a template names.
struct Found {
    path: String,
    /// The query and the fragment.
    suffix: String,
}

/// The fragment in what follows the path of a URL.
fn fragment(suffix: &str) -> &str {
    suffix.find('#').map_or("", |at| &suffix[at..])
}

/// What was meant by `path`: it is almost that, or lies in another folder.
fn nearest<'a>(path: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let name = path.rsplit('/').next().filter(|name| !name.is_empty());
    did_you_mean(path, known.clone()).or_else(|| {
        let same_name = known.filter(|known| known.rsplit('/').next() == name);
        same_name.min()
    })
}
