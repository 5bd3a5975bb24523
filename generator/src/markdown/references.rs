//! Where the links of a text lead.

use super::ids;
use crate::marks::LinkKind;
use crate::names::{self, decoded, has_scheme, nfc, resolve};

/// A link to something of the same site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) kind: LinkKind,
    /// The path of the source from the site's root, or the name of a wiki link with its heading.
    /// A path that leads out of the site begins with `../`. It is composed (NFC).
    pub(crate) target: String,
    /// The same if the URL is the name of a file as it is: `#`, `?` and `%` mean themselves.
    pub(crate) literal: Option<String>,
    /// What follows `#` in a URL, percent escapes read.
    pub(crate) fragment: Option<String>,
    /// As the author wrote it.
    pub(crate) written: String,
    /// Where the link begins in the text.
    pub(crate) offset: usize,
}

/// The source that `url`, written in the source at `path`, leads to; `None` if it leads
/// elsewhere.
pub(super) fn of_url(kind: LinkKind, path: &str, url: &str, offset: usize) -> Option<Reference> {
    let (target, rest) = names::split(url);
    let fragment = rest.split_once('#').map(|(_, fragment)| fragment);
    let from_here = |name: &str| match name.strip_prefix('/') {
        Some(from_root) => resolve("", &nfc(from_root)),
        None => resolve(
            path.rsplit_once('/').map_or("", |(folder, _)| folder),
            &nfc(name),
        ),
    };
    let target = if target.is_empty() {
        // A place in the text itself. A query alone is none.
        (rest.starts_with('#') && !path.is_empty()).then(|| path.to_owned())?
    } else if has_scheme(target) || target.starts_with("//") || target.starts_with("\\") {
        return None;
    } else {
        from_here(&decoded(target)?)
    };
    Some(Reference {
        kind,
        target,
        literal: url.contains(['#', '?', '%']).then(|| from_here(url)),
        fragment: fragment.and_then(|f| Some(decoded(f)?.into_owned())),
        written: url.to_owned(),
        offset,
    })
}

/// The page that the wiki link `[[name]]` or `[[name#heading]]` in the source at `path` leads
/// to. A heading is named by its words. Which `#` is part of the name, only the whole site knows.
pub(super) fn of_wiki(path: &str, written: &str, offset: usize) -> Reference {
    let heading = written.trim().strip_prefix('#');
    let (kind, target) = match heading {
        Some(_) => (LinkKind::Link, path),
        None => (LinkKind::Wiki, written.trim()),
    };
    Reference {
        kind,
        target: target.to_owned(),
        literal: None,
        fragment: heading.map(ids::from_text),
        written: written.to_owned(),
        offset,
    }
}

/// The ways in which what a wiki link says can be a name and a heading, the likeliest first: a
/// name may hold a `#` too, such as `C# in depth`.
pub(crate) fn of_name(written: &str) -> impl Iterator<Item = (&str, Option<String>)> {
    let whole = std::iter::once((written.trim(), None));
    let parted = written.match_indices('#').map(|(at, _)| {
        let heading = ids::from_text(&written[at + 1..]);
        (written[..at].trim(), Some(heading))
    });
    whole.chain(parted).filter(|(name, _)| !name.is_empty())
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
            ("e\u{301}%CC%81.png", Some(("x/\u{e9}\u{301}.png", None))),
            ("/u%CC%88.png", Some(("\u{fc}.png", None))),
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
        let found = of_wiki("a.md", " A b # C d", 0);
        assert_eq!(
            (found.kind, found.target.as_str()),
            (LinkKind::Wiki, "A b # C d")
        );
        let ways: Vec<_> = of_name(&found.target).collect();
        assert_eq!(ways, [("A b # C d", None), ("A b", Some("c-d".to_owned()))]);
        assert_eq!(of_name("A").collect::<Vec<_>>(), [("A", None)]);
        assert_eq!(of_name("C# in depth#B").count(), 3);
        let here = of_wiki("a.md", "#B", 0);
        assert_eq!((here.kind, here.target.as_str()), (LinkKind::Link, "a.md"));
        assert_eq!(here.fragment.as_deref(), Some("b"));
    }
}
