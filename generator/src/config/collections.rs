//! Collections: folders of documents that belong together, such as `_recipes/`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Wrong;
use crate::error::Error;
use crate::permalink;

/// A collection. Its documents lie in the folder `_NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// The name, without the underscore.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Whether its documents have pages of their own.
    pub output: bool,
    /// The pattern of the URLs of its documents.
    pub permalink: String,
    /// By what its documents are sorted.
    pub sort_by: SortBy,
    /// Whether the order is turned round.
    pub reverse: bool,
    /// Whether it has a feed.
    pub feed: bool,
}

/// By what documents are sorted. Where that is equal, their paths decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortBy {
    /// The path of the source.
    #[default]
    Path,
    /// The date, oldest first; what has none comes first.
    Date,
    /// The title.
    Title,
    /// The number `weight` in the front matter, smallest first; what has none comes last.
    Weight,
}

/// A collection as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Written {
    title: Option<String>,
    output: Option<bool>,
    permalink: Option<Spanned<String>>,
    sort_by: SortBy,
    reverse: bool,
    feed: bool,
}

/// Names that mean something else already, in the folder or in templates.
const TAKEN: [&str; 15] = [
    "posts",
    "drafts",
    "layouts",
    "includes",
    "data",
    "sass",
    "site",
    "pages",
    "collections",
    "taxonomies",
    "title",
    "url",
    "time",
    "lang",
    "nav",
];

/// Reads the collections.
pub(super) fn read(
    written: BTreeMap<Spanned<String>, Written>,
    wrong: &Wrong<'_>,
) -> Result<Vec<Collection>, Error> {
    let mut collections = Vec::new();
    for (name, written) in written {
        let text = name.get_ref();
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if text.is_empty() || !text.chars().all(is_word) || text.starts_with(['_', '-']) {
            let message = format!("'{text}' can't be the name of a collection");
            return Err(wrong(name.span(), message)
                .with_hint("use letters, digits, - and _ only; its documents lie in _NAME/"));
        }
        if TAKEN.contains(&text.as_str()) {
            let message = format!("the name '{text}' means something else already");
            return Err(wrong(name.span(), message).with_hint("call the collection otherwise"));
        }
        let permalink = match &written.permalink {
            None => "/:collection/:path/".to_owned(),
            Some(style) => permalink::pattern(style.get_ref())
                .map_err(|problem| wrong(style.span(), problem).with_hint(permalink::HINT))?,
        };
        collections.push(Collection {
            title: written.title.unwrap_or_else(|| text.clone()),
            name: name.into_inner(),
            output: written.output.unwrap_or(true),
            permalink,
            sort_by: written.sort_by,
            reverse: written.reverse,
            feed: written.feed,
        });
    }
    Ok(collections)
}
