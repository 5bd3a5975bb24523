//! URLs and e-mail addresses in plain text, by the rules of GitHub Flavored Markdown
//! (extended autolinks).

use super::spans::{Kind, Span};

/// The URL whose scheme ends at `colon`.
pub(super) fn url(text: &str, colon: usize) -> Option<Span> {
    let before = &text.as_bytes()[..colon];
    let scheme = ["https", "http", "ftp"].into_iter().find(|scheme| {
        before.len() >= scheme.len()
            && before[before.len() - scheme.len()..].eq_ignore_ascii_case(scheme.as_bytes())
    })?;
    let start = colon - scheme.len();
    if start > 0 && before[start - 1].is_ascii_alphanumeric() {
        return None;
    }
    let domain = colon + "://".len();
    let end = domain_end(text, domain)?;
    Some(Span {
        range: start..path_end(text, start, end),
        kind: Kind::Link(""),
    })
}

/// The address without a scheme that begins at `start`.
pub(super) fn www(text: &str, start: usize) -> Option<Span> {
    let may_stand_here = match text[..start].chars().next_back() {
        None => true,
        Some(before) => before.is_whitespace() || "*_~(".contains(before),
    };
    if !may_stand_here {
        return None;
    }
    let end = domain_end(text, start)?;
    (end > start + "www.".len()).then(|| Span {
        range: start..path_end(text, start, end),
        kind: Kind::Link("http://"),
    })
}

/// Where the domain that begins at `start` ends, if it is one: parts with a dot between them,
/// and no underscore in the last two.
fn domain_end(text: &str, start: usize) -> Option<usize> {
    let mut underscores = [0, 0];
    let mut dots = 0;
    let mut end = start;
    for (at, c) in text[start..].char_indices() {
        match c {
            '.' => {
                underscores = [underscores[1], 0];
                dots += 1;
            }
            '_' => underscores[1] += 1,
            '-' => {}
            c if c.is_alphanumeric() => {}
            _ => break,
        }
        end = start + at + c.len_utf8();
    }
    let is_domain =
        text[start..].starts_with(char::is_alphanumeric) && dots > 0 && underscores == [0, 0];
    is_domain.then_some(end)
}

/// Where the URL from `start` ends whose domain ends at `domain_end`: at white space or `<`, and
/// before the punctuation of the sentence that it stands in.
fn path_end(text: &str, start: usize, domain_end: usize) -> usize {
    let rest = &text[domain_end..];
    // In cmark code spans are found first.
    let len = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '`'))
        .unwrap_or(rest.len());
    let mut url = &text[start..domain_end + len];
    let opened = url.matches('(').count();
    let mut closed = url.matches(')').count();
    while let Some(last) = url.bytes().next_back() {
        match last {
            b'?' | b'!' | b'.' | b',' | b':' | b'*' | b'_' | b'~' | b'\'' | b'"' => {
                url = &url[..url.len() - 1];
            }
            b')' if closed > opened => {
                closed -= 1;
                url = &url[..url.len() - 1];
            }
            b';' => match entity_start(url) {
                Some(at) => url = &url[..at],
                None => break,
            },
            _ => break,
        }
    }
    start + url.len()
}

/// Where the entity begins with which `url` ends.
fn entity_start(url: &str) -> Option<usize> {
    let name = url
        .strip_suffix(';')?
        .trim_end_matches(|c: char| c.is_ascii_alphanumeric());
    (name.ends_with('&') && name.len() + 1 < url.len()).then(|| name.len() - 1)
}

/// The e-mail address around `at`.
pub(super) fn mail(text: &str, at: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_+".contains(byte);
    let local = bytes[..at].iter().rev().take_while(|b| is_local(b)).count();
    let mut start = at - local;
    if local == 0 || (start > 0 && bytes[start - 1] == b'/') {
        return None;
    }
    let is_domain = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-_".contains(*byte);
    let len = bytes[at + 1..].iter().take_while(is_domain).count();
    let mut domain = text[at + 1..at + 1 + len].trim_end_matches('.');
    let ends_well = domain.ends_with(|c: char| c.is_ascii_alphanumeric());
    if !ends_well || !domain.contains('.') || domain.starts_with('.') {
        return None;
    }
    let mut prefix = "mailto:";
    for scheme in ["mailto:", "xmpp:"] {
        let Some(before) = text[..start].strip_suffix(scheme) else {
            continue;
        };
        if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            continue;
        }
        start = before.len();
        prefix = "";
        if scheme == "xmpp:" {
            let rest = &text[at + 1..];
            domain = &rest[..domain.len() + resource_len(&rest[domain.len()..])];
        }
    }
    Some(Span {
        range: start..at + 1 + domain.len(),
        kind: Kind::Link(prefix),
    })
}

/// The length of the resource (`/phone`) at the start of what follows an address of XMPP.
fn resource_len(rest: &str) -> usize {
    let Some(resource) = rest.strip_prefix('/') else {
        return 0;
    };
    let is_resource = |c: char| c.is_ascii_alphanumeric() || c == '@' || c == '.';
    let len = resource.find(|c| !is_resource(c)).unwrap_or(resource.len());
    match resource[..len].trim_end_matches('.').len() {
        0 => 0,
        len => len + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::spans::find;
    use super::*;

    fn links(text: &str) -> Vec<&str> {
        find(text, true, false)
            .into_iter()
            .map(|l| &text[l.range])
            .collect()
    }

    #[test]
    fn finds_what_github_finds() {
        // The cases are those of the specification of GitHub Flavored Markdown, and some more.
        for (text, expected) in [
            ("www.commonmark.org", &["www.commonmark.org"][..]),
            (
                "Visit www.commonmark.org/help for",
                &["www.commonmark.org/help"],
            ),
            ("Visit www.commonmark.org.", &["www.commonmark.org"]),
            ("Visit www.commonmark.org/a.b.", &["www.commonmark.org/a.b"]),
            (
                "www.google.com/search?q=Markup+(business)",
                &["www.google.com/search?q=Markup+(business)"],
            ),
            (
                "www.google.com/search?q=Markup+(business)))",
                &["www.google.com/search?q=Markup+(business)"],
            ),
            (
                "(www.google.com/search?q=Markup+(business))",
                &["www.google.com/search?q=Markup+(business)"],
            ),
            (
                "www.google.com/search?q=(business))+ok",
                &["www.google.com/search?q=(business))+ok"],
            ),
            (
                "www.google.com/search?q=commonmark&hl=en",
                &["www.google.com/search?q=commonmark&hl=en"],
            ),
            (
                "www.google.com/search?q=commonmark&hl;",
                &["www.google.com/search?q=commonmark"],
            ),
            ("www.commonmark.org/he<lp", &["www.commonmark.org/he"]),
            ("http://commonmark.org", &["http://commonmark.org"]),
            (
                "(Visit https://encrypted.google.com/search?q=Markup+(business))",
                &["https://encrypted.google.com/search?q=Markup+(business)"],
            ),
            ("foo@bar.baz", &["foo@bar.baz"]),
            (
                "hello@mail+xyz.example isn't valid, but hello+xyz@mail.example is.",
                &["hello+xyz@mail.example"],
            ),
            (
                "a.b-c_d@a.b a.b-c_d@a.b. a.b-c_d@a.b- a.b-c_d@a.b_",
                &["a.b-c_d@a.b", "a.b-c_d@a.b"],
            ),
            (
                "mailto:foo@bar.baz. mailto:a.b-c_d@a.b/",
                &["mailto:foo@bar.baz", "mailto:a.b-c_d@a.b"],
            ),
            (
                "xmpp:foo@bar.baz/txt@bin.com. xmpp:a@b.c/",
                &["xmpp:foo@bar.baz/txt@bin.com", "xmpp:a@b.c"],
            ),
            ("HTTPS://A.B/c_d--e...f, x", &["HTTPS://A.B/c_d--e...f"]),
            ("\"https://a.b/c\"", &["https://a.b/c"]),
            (
                "http://a_b.c_d.e http://a.b_c.d http://localhost xhttp://a.b awww.a.b www.",
                &[],
            ),
            ("http://a_b.c.d", &["http://a_b.c.d"]),
            ("http://ä.ö/ü ftp://a.b", &["http://ä.ö/ü", "ftp://a.b"]),
            ("@ a@ @b.c a@b http:// ://x.y http://. git://a.b", &[]),
        ] {
            assert_eq!(links(text), expected, "{text}");
        }
        assert_eq!(find("www.a.b", true, false)[0].kind, Kind::Link("http://"));
        assert_eq!(find("a@b.c", true, false)[0].kind, Kind::Link("mailto:"));
        assert_eq!(find("mailto:a@b.c", true, false)[0].kind, Kind::Link(""));
    }
}
