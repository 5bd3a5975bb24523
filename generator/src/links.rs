//! Rewrites the links of finished HTML.

/// Calls `rewrite` on every URL in the attributes of `html` that hold links, and puts what it
/// returns in place of the URL. `None` leaves it as it is, to the byte.
pub(crate) fn rewrite(html: &str, rewrite: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 16);
    // Everything before `copied` is in `out`.
    let mut copied = 0;
    let mut at = 0;
    while let Some(open) = html[at..].find('<').map(|found| at + found) {
        let tag = &html[open..];
        if tag.starts_with("<!--") {
            at = tag.find("-->").map_or(html.len(), |end| open + end + 3);
            continue;
        }
        if !tag[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            at = open + 1;
            continue;
        }
        let name_end = end_of(html, open + 1, |c| {
            c.is_ascii_whitespace() || c == b'>' || c == b'/'
        });
        let name = &html[open + 1..name_end];
        at = name_end;
        while let Some(attribute) = next_attribute(html, at) {
            at = attribute.end;
            let Some(value) = attribute.value else {
                continue;
            };
            let old = &html[value.clone()];
            let new = match attribute.name.to_ascii_lowercase().as_str() {
                "href" | "src" | "action" | "formaction" | "poster" => rewrite(old),
                "data" if name.eq_ignore_ascii_case("object") => rewrite(old),
                "srcset" | "imagesrcset" => rewrite_srcset(old, &rewrite),
                _ => None,
            };
            if let Some(new) = new {
                out.push_str(&html[copied..value.start]);
                out.push_str(&new);
                copied = value.end;
            }
        }
        at = end_of(html, at, |c| c == b'>')
            .saturating_add(1)
            .min(html.len());
        // What is inside these is no HTML.
        for raw in ["script", "style", "textarea", "title"] {
            if name.eq_ignore_ascii_case(raw) {
                at = close_of(html, at, raw);
            }
        }
    }
    out.push_str(&html[copied..]);
    out
}

/// Makes the root-absolute links of the page at the output `path` relative to it, so that the
/// site works wherever it is mounted.
pub(crate) fn relative(html: &str, path: &str) -> String {
    let up = "../".repeat(path.matches('/').count());
    rewrite(html, |url| relative_url(url, &up))
}

/// Makes the root-absolute links in `html` absolute.
pub(crate) fn absolute(html: &str, base: &str) -> String {
    rewrite(html, |url| {
        from_root(url).map(|rest| format!("{base}/{rest}"))
    })
}

fn relative_url(url: &str, up: &str) -> Option<String> {
    let rest = from_root(url)?;
    let first = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Nothing at all would be the page itself, and `a:b` would be a scheme.
    let dot = if up.is_empty() && (first.is_empty() || first.contains(':')) {
        "./"
    } else {
        ""
    };
    Some(format!("{dot}{up}{rest}"))
}

/// What follows the slash of a root-absolute URL. `//host/path` is not one.
fn from_root(url: &str) -> Option<&str> {
    let rest = url.trim_start().strip_prefix('/')?;
    (!rest.starts_with(['/', '\\'])).then_some(rest)
}

fn rewrite_srcset(value: &str, rewrite: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut changed = false;
    let candidates: Vec<String> = value
        .split(',')
        .map(|candidate| {
            let trimmed = candidate.trim_start();
            let space = &candidate[..candidate.len() - trimmed.len()];
            let url_end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
            let (url, descriptor) = trimmed.split_at(url_end);
            match rewrite(url) {
                Some(new) => {
                    changed = true;
                    format!("{space}{new}{descriptor}")
                }
                None => candidate.to_owned(),
            }
        })
        .collect();
    changed.then(|| candidates.join(","))
}

struct Attribute<'a> {
    name: &'a str,
    value: Option<std::ops::Range<usize>>,
    end: usize,
}

/// The attribute after `at` in a tag; `None` at the end of the tag.
fn next_attribute(html: &str, at: usize) -> Option<Attribute<'_>> {
    let start = end_of(html, at, |c| !c.is_ascii_whitespace() && c != b'/');
    if start >= html.len() || html.as_bytes()[start] == b'>' {
        return None;
    }
    // A name may start with an equals sign, but not hold one.
    let name_end = end_of(html, start + 1, |c| {
        c.is_ascii_whitespace() || matches!(c, b'=' | b'>' | b'/')
    });
    let name = html.get(start..name_end).unwrap_or_default();
    let equals = end_of(html, name_end, |c| !c.is_ascii_whitespace());
    if html.as_bytes().get(equals) != Some(&b'=') {
        return Some(Attribute {
            name,
            value: None,
            end: name_end,
        });
    }
    let start = end_of(html, equals + 1, |c| !c.is_ascii_whitespace());
    let (value, end) = match html.as_bytes().get(start) {
        Some(quote @ (b'"' | b'\'')) => {
            let close = end_of(html, start + 1, |c| c == *quote);
            (start + 1..close, (close + 1).min(html.len()))
        }
        _ => {
            let close = end_of(html, start, |c| c.is_ascii_whitespace() || c == b'>');
            (start..close, close)
        }
    };
    Some(Attribute {
        name,
        value: Some(value),
        end,
    })
}

/// The first place from `at` on whose byte is as `wanted`, else the end. All that is asked for
/// are ASCII characters, so that the place is the start of a character.
fn end_of(html: &str, at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let bytes = html.as_bytes().get(at..).unwrap_or_default();
    match bytes.iter().position(|byte| wanted(*byte)) {
        Some(found) => at + found,
        None => html.len(),
    }
}

/// Where the element `name`, whose content starts at `at`, is closed.
fn close_of(html: &str, at: usize, name: &str) -> usize {
    let mut from = at;
    while let Some(found) = html[from..].find("</").map(|found| from + found) {
        let after = found + 2;
        if html
            .get(after..after + name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name))
        {
            return found;
        }
        from = after;
    }
    html.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_from_the_root_become_relative() {
        for (path, html, expected) in [
            (
                "2026/01/02/a/index.html",
                "<a href=\"/x.css\">",
                "<a href=\"../../../../x.css\">",
            ),
            ("index.html", "<a href='/'>", "<a href='./'>"),
            ("index.html", "<a href=/a/>", "<a href=a/>"),
            ("index.html", "<a href='/#top'>", "<a href='./#top'>"),
            ("index.html", "<a href='/a:b'>", "<a href='./a:b'>"),
            ("a/index.html", "<a href='/'>", "<a href='../'>"),
            (
                "a/b.html",
                "<IMG class=x SRC = \"/i.png\" alt>",
                "<IMG class=x SRC = \"../i.png\" alt>",
            ),
            (
                "a/index.html",
                "<img srcset=\"/a.png 1x, /b.png 2x, c.png 3x\">",
                "<img srcset=\"../a.png 1x, ../b.png 2x, c.png 3x\">",
            ),
            (
                "a/index.html",
                "<form action='/f'><video poster='/p'>",
                "<form action='../f'><video poster='../p'>",
            ),
        ] {
            assert_eq!(relative(html, path), expected);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for html in [
            "<a href=\"//host/x\">",
            "<a href=\"https://h/x\"> <a href=\"x\"> <a href=\"#x\">",
            "<a title=\"href='/x'\" data-href=\"/x\">",
            "<p>href=\"/x\" 1 < 2 & a<b href</p>",
            "<!-- <a href=\"/x\"> -->",
            "<script>var a = '<a href=\"/x\">';</script><style>a{b:url(/x)}</style>",
            "<textarea><a href=\"/x\"></textarea>",
            "<a href",
            "<a href=",
            "<a href=\"",
            "<",
            "<é href='é'",
        ] {
            assert_eq!(relative(html, "a/b/index.html"), html);
        }
    }

    #[test]
    fn goes_on_after_a_script() {
        assert_eq!(
            relative(
                "<script src=\"/s.js\">x</script><a href=\"/é\">é</a>",
                "a/b.html"
            ),
            "<script src=\"../s.js\">x</script><a href=\"../é\">é</a>"
        );
    }

    #[test]
    fn absolute_links_for_feeds() {
        assert_eq!(
            absolute("<a href=\"/x/\"><a href=\"y\">", "https://h/sub"),
            "<a href=\"https://h/sub/x/\"><a href=\"y\">"
        );
    }
}
