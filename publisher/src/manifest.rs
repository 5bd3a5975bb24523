//! What a site says of itself: `skep.json`, a published file like any other (FORMAT.md, section 13).

use axum::http::HeaderValue;
use serde_json::Value;

use crate::{
    archive::{path::ArchivePath, tree::File},
    error::printable,
};

/// The manifest's path.
pub const PATH: &str = "skep.json";

/// The longest manifest, in bytes. Of a longer one nothing is read.
pub const MAX_BYTES: u64 = 16 << 10;

/// The longest policy, in bytes.
const MAX_CSP: usize = 2048;

/// What a site says of itself; all of it is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// What it is called: one line, at most 200 characters.
    pub title: Option<String>,
    /// What it is about: one line, at most 1000 characters.
    pub description: Option<String>,
    /// The page that stands for every path that is not there.
    pub fallback_page: Option<ArchivePath>,
    /// A content security policy that applies beside that of the gateway.
    pub csp: Option<HeaderValue>,
}

impl Manifest {
    /// Whether a file of that size is read as a manifest.
    pub fn is_readable(file: &File) -> bool {
        file.size <= MAX_BYTES
    }

    /// Reads a manifest. Whatever is not as it should be is as if it were not there: a site is not less
    /// readable for a mistake in it, and a later skep may know more fields.
    pub fn read(bytes: &[u8]) -> Self {
        if bytes.len() as u64 > MAX_BYTES {
            return Self::default();
        }
        let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) else {
            return Self::default();
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        Self {
            title: text("title").and_then(|title| line(title, 200)),
            description: text("description").and_then(|text| line(text, 1000)),
            fallback_page: text("fallback_page").and_then(|path| {
                ArchivePath::composed(path.strip_prefix('/').unwrap_or(path)).ok()
            }),
            csp: text("csp").and_then(policy),
        }
    }
}

/// One line of text that a page or a terminal can show.
fn line(text: &str, most: usize) -> Option<String> {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = printable(&words).chars().take(most).collect();
    (!shown.is_empty()).then_some(shown)
}

/// A policy that is a header as it stands: printable ASCII, so that it can't end the header or begin another.
fn policy(text: &str) -> Option<HeaderValue> {
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let is_policy = is_plain && text.len() <= MAX_CSP && !text.trim().is_empty();
    match is_policy {
        true => HeaderValue::from_str(text.trim()).ok(),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_fields_are_read_and_unknown_ones_passed_over() {
        let manifest = Manifest::read(
            br#"{"title": " A\n site ", "description": "d", "fallback_page": "/app.html",
                "csp": "script-src 'self'", "later": {"x": [1]}}"#,
        );
        assert_eq!(manifest.title.as_deref(), Some("A site"));
        assert_eq!(manifest.description.as_deref(), Some("d"));
        let page = manifest.fallback_page.unwrap();
        assert_eq!(page.as_str(), "app.html");
        assert_eq!(manifest.csp.unwrap(), "script-src 'self'");
    }

    #[test]
    fn what_is_wrong_is_as_if_it_were_not_there() {
        for bytes in [
            &b""[..],
            b"[]",
            b"{",
            b"\"x\"",
            br#"{"title": 7, "description": "", "fallback_page": "../x", "csp": "a\r\nSet-Cookie: x=1"}"#,
            br#"{"fallback_page": "//etc/passwd", "csp": "\u0000"}"#,
            r#"{"csp": "ü", "fallback_page": ""}"#.as_bytes(),
            br#"{"csp": "  "}"#,
            format!(r#"{{"csp": "{}"}}"#, "x".repeat(MAX_CSP + 1)).as_bytes(),
            "[".repeat(MAX_BYTES as usize).as_bytes(),
            format!(r#"{{"title": "{}"}}"#, "x".repeat(MAX_BYTES as usize)).as_bytes(),
        ] {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(Manifest::read(bytes), Manifest::default(), "{text}");
        }
    }

    #[test]
    fn a_title_can_not_command_whoever_shows_it() {
        let manifest = Manifest::read(br#"{"title": "\u001b[2Ja\u202eb"}"#);
        assert_eq!(manifest.title.as_deref(), Some(r"\u{1b}[2Ja\u{202e}b"));
        let long = format!(r#"{{"title": "{}"}}"#, "\u{fc}".repeat(500));
        let title = Manifest::read(long.as_bytes()).title.unwrap();
        assert_eq!(title.chars().count(), 200);
    }

    proptest! {
        #[test]
        fn any_policy_that_is_taken_is_one_header(csp in "\\PC{0,40}|[ -~\\r\\n\\x00]{0,40}") {
            let json = serde_json::json!({ "csp": csp }).to_string();
            if let Some(value) = Manifest::read(json.as_bytes()).csp {
                prop_assert_eq!(value.to_str().unwrap(), csp.trim());
            }
        }
    }
}
