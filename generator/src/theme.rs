//! The themes inside this program.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rust_embed::RustEmbed;

/// The theme of a site that names none.
pub(crate) const DEFAULT: &str = "default";

/// What a site calls its theme that wants none: all of its layouts are its own.
pub(crate) const NONE: &str = "none";

#[derive(RustEmbed)]
#[folder = "../themes"]
struct Themes;

/// The names of the embedded themes, sorted.
pub fn names() -> Vec<String> {
    let names: BTreeSet<String> = Themes::iter()
        .filter_map(|path| Some(path.strip_suffix("/theme.toml")?.to_owned()))
        .filter(|name| !name.contains('/'))
        .collect();
    names.into_iter().collect()
}

/// What the embedded theme `name` is like, in a sentence, if it says that.
pub fn description(name: &str) -> Option<String> {
    let file = Themes::get(&format!("{name}/theme.toml"))?;
    let settings: toml::Table = toml::from_str(std::str::from_utf8(&file.data).ok()?).ok()?;
    Some(settings.get("description")?.as_str()?.to_owned())
}

/// The files of the theme `name`: their paths in the theme and their bytes, sorted by path.
pub(crate) fn files(name: &str) -> Vec<(String, Cow<'static, [u8]>)> {
    let mut files: Vec<_> = Themes::iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(name)?.strip_prefix('/')?.to_owned();
            Some((inside, Themes::get(&path)?.data))
        })
        .filter(|(path, _)| !is_about_the_theme(path))
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

/// Whether a file of a theme describes it and is no part of a site.
fn is_about_the_theme(path: &str) -> bool {
    path == "theme.toml"
        || (!path.contains('/')
            && ["README", "LICENSE", "CHECKLIST"]
                .iter()
                .any(|name| path.starts_with(name)))
}
