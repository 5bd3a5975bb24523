//! Where the links of a text lead.

use super::ids;
use crate::marks::{self, LinkKind};

/// A link to something of the same site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) kind: LinkKind,
    /// The path of the source from the site's root, or the name of a wiki link. A path that
    /// leads out of the site begins with `../`.
    pub(crate) target: String,
    /// What follows `#`, percent escapes read.
    pub(crate) fragment: Option<String>,
    /// As the author wrote it.
    pub(crate) written: String,
    /// Where the link begins in the text.
    pub(crate) offset: usize,
}

/// The source that `url`, written in the source at `path`, leads to; `None` if it leads
/// elsewhere.
pub(super) fn of_url(kind: LinkKind, path: &str, url: &str, offset: usize) -> Option<Reference> {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (target, rest) = url.split_at(end);
    let fragment = rest.split_once('#').map(|(_, fragment)| fragment);
    let target = if target.is_empty() {
        // A place in the text itself. A query alone is none.
        (rest.starts_with('#') && !path.is_empty()).then(|| path.to_owned())?
    } else if has_scheme(target) || target.starts_with("//") || target.starts_with("\\") {
        return None;
    } else if let Some(from_root) = target.strip_prefix('/') {
        resolve("", &marks::decoded(from_root)?)
    } else {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        resolve(folder, &marks::decoded(target)?)
    };
    Some(Reference {
        kind,
        target,
        fragment: fragment.and_then(|f| Some(marks::decoded(f)?.into_owned())),
        written: url.to_owned(),
        offset,
    })
}

/// The page that the wiki link `[[name]]` or `[[name#heading]]` in the source at `path` leads
/// to. A heading is named by its words.
pub(super) fn of_wiki(path: &str, written: &str, offset: usize) -> Reference {
    let (name, fragment) = match written.split_once('#') {
        Some((name, heading)) => (name.trim(), Some(ids::from_text(heading))),
        None => (written.trim(), None),
    };
    let (kind, target) = if name.is_empty() {
        (LinkKind::Link, path)
    } else {
        (LinkKind::Wiki, name)
    };
    Reference {
        kind,
        target: target.to_owned(),
        fragment,
        written: written.to_owned(),
        offset,
    }
}

/// Whether `url` begins with a scheme such as `https:`.
fn has_scheme(url: &str) -> bool {
    let Some((scheme, _)) = url.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// The path `relative` from `folder`, without `.` and `..`.
pub(crate) fn resolve(folder: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut above = 0;
    let folders = folder.split('/').filter(|part| !part.is_empty());
    for part in folders.chain(relative.split('/')) {
        match part {
            "." => {}
            ".." => {
                if parts.pop().is_none() {
                    above += 1;
                }
            }
            part => parts.push(part),
        }
    }
    let mut path = "../".repeat(above);
    path.push_str(&parts.join("/"));
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_sources() {
        for (url, expected) in [
            ("b.md", Some(("x/b.md", None))),
            ("./b%20%C3%A4.md?q#f%20g", Some(("x/b ä.md", Some("f g")))),
            (
                "../pages/about.md#top",
                Some(("pages/about.md", Some("top"))),
            ),
            ("../../c.md", Some(("../c.md", None))),
            ("/c.md", Some(("c.md", None))),
            ("notes/", Some(("x/notes/", None))),
            ("#top", Some(("x/a.md", Some("top")))),
            ("", None),
            ("?q", None),
            ("https://h/x.md", None),
            ("mailto:a@b.c", None),
            ("//h/x.md", None),
            ("a%FF.md", None),
        ] {
            let found = of_url(LinkKind::Link, "x/a.md", url, 0);
            let found = found
                .as_ref()
                .map(|r| (r.target.as_str(), r.fragment.as_deref()));
            assert_eq!(found, expected, "{url}");
        }
        assert_eq!(of_url(LinkKind::Link, "", "#top", 0), None);
        assert_eq!(
            of_url(LinkKind::Image, "a.md", "b.png", 0).unwrap().target,
            "b.png"
        );
    }

    #[test]
    fn wiki_links_have_a_name_and_perhaps_a_heading() {
        let found = of_wiki("a.md", "A b # C d", 0);
        assert_eq!(found.kind, LinkKind::Wiki);
        assert_eq!(
            (found.target.as_str(), found.fragment.as_deref()),
            ("A b", Some("c-d"))
        );
        assert_eq!(of_wiki("a.md", "A", 0).fragment, None);
        let here = of_wiki("a.md", "#B", 0);
        assert_eq!((here.kind, here.target.as_str()), (LinkKind::Link, "a.md"));
    }
}
