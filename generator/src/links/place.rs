//! Where a URL of the site is for a browser that shows some HTML. All of it works on text that is
//! escaped for HTML already, and changes nothing but how a URL begins: what somebody wrote in an
//! attribute stays as it is, to the byte.

use super::Base;
use crate::html as entities;
use crate::names::{self, Html, Url};

/// `url`, from the root of the site, as it is where HTML stands that has this `base`.
pub(super) fn placed(base: Base<'_>, url: &Html) -> Html {
    absolute(base, url.as_str()).unwrap_or_else(|| url.clone())
}

/// The same for the `url` of an attribute; `None` if it stays as it is.
pub(super) fn absolute(base: Base<'_>, url: &str) -> Option<Html> {
    let Some(rest) = from_root(url) else {
        return match base {
            Base::Absolute { base, url: page } => out_of_a_page(base, page, url),
            Base::Page { .. } | Base::Root { .. } => None,
        };
    };
    match base {
        Base::Root { below: "" } => None,
        Base::Root { below } => Some(Html::escaped(format!("{}/{rest}", Html::of(below)))),
        Base::Absolute { base, .. } => Some(Html::escaped(format!("{}/{rest}", Html::of(base)))),
        Base::Page { path, .. } => {
            let up = "../".repeat(path.matches('/').count());
            let first = rest.split(['/', '?', '#']).next().unwrap_or_default();
            // Nothing at all would be the page itself, and `a:b` would be a scheme.
            let is_odd = first.is_empty() || first.contains(':');
            let dot = if up.is_empty() && is_odd { "./" } else { "" };
            Some(Html::escaped(format!("{dot}{up}{rest}")))
        }
    }
}

/// The `url` of an attribute that is relative to the page at `page`, for a reader that does not
/// know where that is. `None` if it needs no page.
fn out_of_a_page(base: &str, page: &Url, url: &str) -> Option<Html> {
    let url = url.trim_ascii();
    let here = page.path();
    let (path, suffix) = url.split_at(end_of_path(url));
    if url.is_empty() || url.starts_with(['/', '\\']) || names::has_scheme(&entities::decode(url)) {
        return None;
    }
    let path = if path.is_empty() {
        here.trim_start_matches('/').to_owned()
    } else {
        let folder = here.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut path = names::resolve(folder, path);
        // No URL leads above the root.
        while let Some(rest) = path.strip_prefix("../") {
            path = rest.to_owned();
        }
        // A folder keeps its slash.
        let last = url[..end_of_path(url)].rsplit('/').next();
        if matches!(last, Some("." | "..")) && !path.is_empty() {
            path.push('/');
        }
        path
    };
    Some(Html::escaped(format!("{}/{path}{suffix}", Html::of(base))))
}

/// The `url` of an attribute with the names in it composed (NFC), as the files of a site are
/// called. `None` if they are already, or if it leads elsewhere.
pub(super) fn in_nfc(url: &str) -> Option<Html> {
    if url.is_ascii() && !url.contains('%') {
        return None;
    }
    let (path, suffix) = url.split_at(end_of_path(url));
    let text = entities::decode(path);
    if names::has_scheme(&text) || text.starts_with("//") {
        return None;
    }
    let name = names::decoded(&text)?;
    match names::nfc(&name) {
        std::borrow::Cow::Borrowed(_) => None,
        std::borrow::Cow::Owned(composed) => {
            let url = Url::of_file(&composed);
            // The slash at its start is of a URL from the root.
            let url = Html::of(&url.as_str()[1..]);
            Some(Html::escaped(format!("{url}{suffix}")))
        }
    }
}

/// What follows the slash of a root-absolute URL. `//host/path` is not one.
fn from_root(url: &str) -> Option<&str> {
    let rest = url.trim_start().strip_prefix('/')?;
    (!rest.starts_with(['/', '\\'])).then_some(rest)
}

/// Where the path of an escaped URL ends. The `#` of an entity such as `&#x27;` begins no fragment.
fn end_of_path(url: &str) -> usize {
    let marks = url.match_indices(['?', '#']);
    let mut marks = marks.map(|(at, _)| at);
    marks
        .find(|at| !url[..*at].ends_with('&') || !is_number(&url[at + 1..]))
        .unwrap_or(url.len())
}

/// Whether what follows `&#` is the number of an entity.
fn is_number(text: &str) -> bool {
    let number = text.split(';').next().unwrap_or_default();
    number.len() < text.len()
        && number.len() <= 8
        && !number.is_empty()
        && number
            .bytes()
            .all(|b| b.is_ascii_hexdigit() || b"xX".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_an_entity_is_no_fragment() {
        for (url, path) in [
            ("it&#x27;s.png", "it&#x27;s.png"),
            ("it&#39;s.png#x", "it&#39;s.png"),
            ("a&#b", "a&"),
            ("a&b?c#d", "a&b"),
        ] {
            assert_eq!(&url[..end_of_path(url)], path);
        }
    }

    #[test]
    fn feeds_have_absolute_urls_whatever_is_written() {
        let url = &Url::written("/2024/w/");
        let base = Base::Absolute {
            base: "https://h/b",
            url,
        };
        for (written, expected) in [
            ("p.png", Some("https://h/b/2024/w/p.png")),
            ("rel/", Some("https://h/b/2024/w/rel/")),
            ("..", Some("https://h/b/2024/")),
            ("./", Some("https://h/b/2024/w/")),
            (
                "../../../../x?a=1&amp;b#c",
                Some("https://h/b/x?a=1&amp;b#c"),
            ),
            ("it&#x27;s/../a.png", Some("https://h/b/2024/w/a.png")),
            ("#top", Some("https://h/b/2024/w/#top")),
            ("?q", Some("https://h/b/2024/w/?q")),
            ("/x/", Some("https://h/b/x/")),
            ("//cdn/x", None),
            ("data:image/png;base64,AA", None),
            ("mailto:a@b", None),
            ("", None),
        ] {
            let found = absolute(base, written);
            assert_eq!(found.as_ref().map(Html::as_str), expected, "{written}");
        }
    }

    #[test]
    fn names_in_urls_are_composed() {
        let of = |url| in_nfc(url).map(|url| url.as_str().to_owned());
        assert_eq!(of("e\u{301}/#a"), Some("\u{e9}/#a".to_owned()));
        assert_eq!(of("/e%CC%81%20x"), Some("/\u{e9}%20x".to_owned()));
        for url in [
            "\u{e9}/",
            "a%20b",
            "https://h/e\u{301}",
            "mailto:e\u{301}@h",
        ] {
            assert_eq!(of(url), None, "{url}");
        }
    }
}
