//! [`Url`]: a reference to something, as a browser reads it.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use super::{Html, nfc};

/// A URL reference (RFC 3986): every character that means something to a browser means it here.
/// Letters beyond ASCII may be there as they are (RFC 3987); [`Url::ascii`] encodes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Url(Arc<str>);

impl Url {
    /// The URL, from the root of the site, of the file at `path`.
    pub(crate) fn of_file(path: &str) -> Self {
        let mut url = String::with_capacity(path.len() + 1);
        url.push('/');
        push_path(&mut url, path);
        Self(url.into())
    }

    /// The URL, from the root of the site, of the page at `path`: an `index.html` is its folder.
    pub(crate) fn of_page(path: &str) -> Self {
        let folder = path.strip_suffix("index.html");
        let folder = folder.filter(|folder| folder.is_empty() || folder.ends_with('/'));
        Self::of_file(folder.unwrap_or(path))
    }

    /// The URL that somebody wrote as `text`. What can't be part of a URL is encoded, all else
    /// stays as it is, percent escapes too.
    pub(crate) fn written(text: &str) -> Self {
        let mut url = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let is_escape = || {
                let hex = text.as_bytes().get(at + 1..at + 3);
                hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
            };
            match c {
                '%' if is_escape() => url.push('%'),
                '?' | '#' => url.push(c),
                c => push(&mut url, c),
            }
        }
        Self(url.into())
    }

    /// The URL as text. It is not escaped for HTML.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What comes before the query and the fragment.
    pub(crate) fn path(&self) -> &str {
        split(&self.0).0
    }

    /// The query and the fragment, with their signs.
    pub(crate) fn suffix(&self) -> &str {
        split(&self.0).1
    }

    /// The path of a URL from the root of the site, as the name of a file: without the slash at
    /// its start and without percent escapes. `None` for other URLs.
    pub(crate) fn name(&self) -> Option<Cow<'_, str>> {
        let path = self.path().strip_prefix('/')?;
        decoded(path).filter(|_| !path.starts_with('/'))
    }

    /// The URL with the query and the fragment `suffix` of another.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Self {
        match suffix {
            "" => self.clone(),
            suffix => Self(format!("{}{suffix}", self.0).into()),
        }
    }

    /// The URL with nothing but ASCII in it.
    pub(crate) fn ascii(&self) -> Self {
        if self.0.is_ascii() {
            return self.clone();
        }
        let mut url = String::with_capacity(self.0.len() * 2);
        for c in self.0.chars() {
            match c.is_ascii() {
                true => url.push(c),
                false => encode(&mut url, c),
            }
        }
        Self(url.into())
    }

    /// The URL for anywhere: `base` is the start of absolute URLs, without a slash at its end.
    /// ASCII alone, as feeds and sitemaps have it.
    pub(crate) fn absolute(&self, base: &str) -> String {
        format!("{base}{}", self.ascii().0)
    }

    /// The URL as the value of an attribute.
    pub(crate) fn html(&self) -> Html {
        Html::of(&self.0)
    }
}

/// What comes before the query and the fragment of the URL `url`, and these.
pub(crate) fn split(url: &str) -> (&str, &str) {
    url.split_at(url.find(['?', '#']).unwrap_or(url.len()))
}

/// Whether `url` begins with a scheme, such as `https:`.
pub(crate) fn has_scheme(url: &str) -> bool {
    let Some((scheme, _)) = url.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// `text` with its percent escapes read; `None` if that is no UTF-8.
pub(crate) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
        if bytes[at] == b'%'
            && let (Some(high), Some(low)) = (hex(at + 1), hex(at + 2))
            && let Ok(byte) = u8::try_from(high * 16 + low)
        {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// Adds `path`, the name of a file, to `url`.
fn push_path(url: &mut String, path: &str) {
    for c in nfc(path).chars() {
        push(url, c);
    }
}

/// Adds a character of a name: as it is if it can mean nothing but itself in a path.
fn push(url: &mut String, c: char) {
    let is_plain = match c.is_ascii() {
        // The unreserved ones, the sub-delimiters, and what else a path may have.
        true => c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/".contains(c),
        false => !c.is_control() && !c.is_whitespace(),
    };
    match is_plain {
        true => url.push(c),
        false => encode(url, c),
    }
}

fn encode(url: &mut String, c: char) {
    let mut buffer = [0; 4];
    for byte in c.encode_utf8(&mut buffer).bytes() {
        let _ = write!(url, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_url_of_a_file_leads_back_to_it(path in "[^/\u{0}].{0,20}") {
            let url = Url::of_file(&path);
            let name = nfc(&path);
            prop_assert_eq!(url.name(), Some(Cow::Borrowed(&*name)));
            prop_assert_eq!(url.suffix(), "");
            prop_assert_eq!(Url::written(url.as_str()), url.clone());
            let ascii = url.ascii();
            prop_assert_eq!(ascii.name(), Some(Cow::Borrowed(&*name)));
            let safe = |c: char| !"<>\"` \n\t".contains(c);
            prop_assert!(url.as_str().chars().all(safe));
        }
    }

    #[test]
    fn names_are_encoded_and_written_urls_keep_their_meaning() {
        assert_eq!(
            Url::of_file("fig#1 50%.png").as_str(),
            "/fig%231%2050%25.png"
        );
        assert_eq!(
            Url::of_file("it's [a]|b?.png").html().as_str(),
            "/it&#x27;s%20%5Ba%5D%7Cb%3F.png"
        );
        assert_eq!(Url::of_page("a b/index.html").as_str(), "/a%20b/");
        assert_eq!(Url::of_page("reindex.html").as_str(), "/reindex.html");
        assert_eq!(
            Url::written("a b%20100%?q=\"#f").as_str(),
            "a%20b%20100%25?q=%22#f"
        );
        assert_eq!(
            Url::written("/ü&b/").absolute("https://h"),
            "https://h/%C3%BC&b/"
        );
    }

    #[test]
    fn reads_percent_escapes() {
        assert_eq!(decoded("a%20%C3%A4%zz%").unwrap(), "a ä%zz%");
        assert_eq!(decoded("%FF"), None);
    }
}
