//! What the path in a link means: a source, a folder, or a file of the output.

use super::{Output, Site};
use crate::markdown::{self, Reference};
use crate::marks::LinkKind;
use crate::names::{self, Url};

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The page with this number.
    Page(u32),
    /// A page with this number that is not shown, or has no file of its own.
    Hidden(u32),
    /// Something else of the site.
    At(Url),
}

/// The texts that stand for their folder.
const INDEXES: [&str; 3] = ["index.md", "index.markdown", "index.html"];

impl Site {
    /// What is at `path`, which is composed (NFC): a source, a folder of sources, or a file or
    /// folder of the output, in this order. A folder means the page in it, or the page that has
    /// its URL.
    pub(crate) fn resolve(&self, path: &str) -> Option<Target> {
        if let Some(found) = self.source_at(path) {
            return Some(found);
        }
        let folder = path.trim_end_matches('/');
        let inside = |name: &str| match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        if let Some(found) = INDEXES
            .iter()
            .find_map(|name| self.source_at(&inside(name)))
        {
            return Some(found);
        }
        let places = [folder.to_owned(), inside("index.html")];
        let is_folder = folder.len() < path.len() || folder.is_empty();
        let mut places = places.iter().skip(usize::from(is_folder));
        places.find_map(|path| match self.outputs.get(path.as_str())? {
            Output::Page { id, part: 1 } => Some(Target::Page(*id)),
            _ => Some(Target::At(Url::of_page(path))),
        })
    }

    fn source_at(&self, path: &str) -> Option<Target> {
        if let Some(id) = self.ids.get(path) {
            let is_shown = self.page(*id).is_some_and(|page| page.has_output);
            return Some(match is_shown {
                true => Target::Page(*id),
                false => Target::Hidden(*id),
            });
        }
        let at = self.files.get(path)?.at.as_ref()?;
        Some(Target::At(Url::of_file(at)))
    }

    /// What `link` leads to. A name that is no URL, such as `fig#1.png`, is taken as a name if the
    /// URL leads to nothing. Also the heading.
    pub(crate) fn target_of(&self, link: &Reference) -> Option<(Target, Option<String>)> {
        match link.kind {
            LinkKind::Wiki => {
                let (id, heading) = self.page_called(&link.target)?;
                Some((Target::Page(id), heading))
            }
            LinkKind::Link | LinkKind::Image => match self.resolve(&link.target) {
                Some(found) => Some((found, link.fragment.clone())),
                None => Some((self.resolve(link.literal.as_deref()?)?, None)),
            },
        }
    }

    /// The page that a wiki link calls `written`, which may have a heading at its end, and that.
    pub(crate) fn page_called(&self, written: &str) -> Option<(u32, Option<String>)> {
        markdown::of_name(written)
            .find_map(|(name, heading)| Some((self.page_named(name)?, heading)))
    }

    /// Whether a browser that shows the page at `page` finds something of the site at `written`.
    pub(crate) fn is_found_from(&self, page: &Url, written: &str) -> bool {
        let url = Url::written(written);
        let folder = page
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let Some(path) = names::decoded(url.path()) else {
            return false;
        };
        let path = names::nfc(&path);
        let path = match path.strip_prefix('/') {
            Some(from_root) => names::resolve("", from_root),
            None => names::resolve(&names::decoded(folder).unwrap_or_default(), &path),
        };
        // No URL leads above the root.
        let path = path.trim_start_matches("../").trim_end_matches('/');
        let index = match path {
            "" => "index.html".to_owned(),
            path => format!("{path}/index.html"),
        };
        self.outputs.contains_key(path) || self.outputs.contains_key(index.as_str())
    }
}
