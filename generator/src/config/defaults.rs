//! Front matter that many pages have in common: `[[defaults]]`.

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::Wrong;
use crate::data::Table;
use crate::error::{Error, did_you_mean};
use crate::glob;

/// Front matter for all pages that it is for, unless a page says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// The pages whose sources it is for, as a glob; all if it is empty.
    pub path: String,
    /// The sort of pages that it is for: `posts`, `drafts`, `pages` or the name of a collection.
    pub kind: Option<String>,
    /// The front matter.
    pub values: Table,
}

/// Defaults as they are written. `type` is Jekyll's word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    kind: Option<Spanned<String>>,
    values: toml::Table,
}

/// Reads the defaults. `collections` are the names of the collections.
pub(super) fn read(
    written: Vec<Written>,
    collections: &[&str],
    wrong: &Wrong<'_>,
) -> Result<Vec<Defaults>, Error> {
    let mut defaults = Vec::with_capacity(written.len());
    for written in written {
        if let Some(kind) = &written.kind {
            let mut kinds = vec!["posts", "drafts", "pages"];
            kinds.extend(collections);
            if !kinds.contains(&kind.get_ref().as_str()) {
                let hint = match did_you_mean(kind.get_ref(), kinds.iter().copied()) {
                    Some(meant) => format!("did you mean \"{meant}\"?"),
                    None => format!("the types are: {}", kinds.join(", ")),
                };
                let message = format!("there are no pages of the type '{}'", kind.get_ref());
                return Err(wrong(kind.span(), message).with_hint(hint));
            }
        }
        let values = match serde_json::to_value(written.values) {
            Ok(Value::Object(values)) => values,
            _ => Table::new(),
        };
        defaults.push(Defaults {
            path: written.path,
            kind: written.kind.map(Spanned::into_inner),
            values,
        });
    }
    Ok(defaults)
}

/// Puts what `defaults` say for the page at `path`, which is of the sort `kind`, into its front matter `table`
/// where that is silent. The last of several that fit goes first, as in Jekyll.
pub(crate) fn apply(defaults: &[Defaults], path: &str, kind: &str, table: &mut Table) {
    for one in defaults.iter().rev() {
        let fits_kind = one.kind.as_deref().is_none_or(|wanted| wanted == kind);
        let fits_path = one.path.is_empty() || glob::any(std::slice::from_ref(&one.path), path);
        if fits_kind && fits_path {
            for (key, value) in &one.values {
                table.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}
