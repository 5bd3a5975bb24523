//! [`scan`]: what the bytes of one file should not hold.

use memchr::memchr_iter;

use super::{
    WarningKind, local_links,
    local_links::{Markup, Place},
    phrases, secrets,
    tokens::Token,
};
use crate::{archive::path::ArchivePath, keys::text::decode};

/// Something in a file that its author should see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing it is.
    pub kind: WarningKind,
    /// The line, from 1.
    pub line: usize,
    /// What was found, and never the secret itself.
    pub message: &'static str,
}

/// Longer files are searched up to there: a page is much shorter.
pub const MAX_SCANNED: usize = 4 << 20;

/// So many of one kind in one file are enough to see what it is.
const MAX_PER_KIND: usize = 5;

const OWN_HERE: &str = "the site gives an address of this machine as its own: set its base URL";
const OWN_EXAMPLE: &str =
    "the site gives an address that is reserved for examples as its own: set its base URL";

/// Looks through the bytes of the file at `path`, or their beginning, for secrets and links to this machine.
/// Costs about a nanosecond a byte; whether the bytes are text does not matter.
pub fn scan(path: &ArchivePath, bytes: &[u8]) -> Vec<Finding> {
    let bytes = &bytes[..bytes.len().min(MAX_SCANNED)];
    // What an editor on Windows may write.
    let utf16 = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => decode(&bytes[..bytes.len() & !1]),
        _ => None,
    };
    let bytes = utf16.as_ref().map_or(bytes, |text| text.as_bytes());
    let mut found: Vec<(usize, WarningKind, &'static str)> = Vec::new();
    let (mut secret, mut public) = (0, 0);
    secrets::find(bytes, |at, token| {
        let (count, kind, what) = match token {
            Token::Secret(what) => (&mut secret, WarningKind::Secret, what),
            Token::Public(what) => (&mut public, WarningKind::ApiKey, what),
        };
        *count += 1;
        if *count <= MAX_PER_KIND {
            found.push((at, kind, what));
        }
        secret < MAX_PER_KIND
    });
    if let Some(markup) = Markup::of(path) {
        let (mut links, mut own) = (0, 0);
        local_links::find(markup, bytes, |at, place| {
            let (count, most, kind, message) = match place {
                Place::Link => (
                    &mut links,
                    MAX_PER_KIND,
                    WarningKind::Localhost,
                    "a link to this machine",
                ),
                Place::OwnHere => (&mut own, 1, WarningKind::BaseUrl, OWN_HERE),
                Place::OwnExample => (&mut own, 1, WarningKind::BaseUrl, OWN_EXAMPLE),
            };
            *count += 1;
            if *count <= most {
                found.push((at, kind, message));
            }
            links < MAX_PER_KIND || own == 0
        });
    }
    let line_of = |bytes: &[u8], at: usize| 1 + memchr_iter(b'\n', &bytes[..at]).count();
    found.sort_by_key(|(at, kind, _)| (*kind, *at));
    let findings = found.into_iter().map(|(at, kind, message)| Finding {
        kind,
        line: line_of(bytes, at),
        message,
    });
    let mut findings: Vec<Finding> = findings.collect();
    if let Some((at, plain)) = phrases::find(bytes) {
        let phrase = Finding {
            kind: WarningKind::Secret,
            line: line_of(&plain, at),
            message: "the 24 words of a recovery phrase",
        };
        findings.insert(0, phrase);
    }
    findings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "AKIAQ3EGW5TXJ7LM2ZPB";

    fn found(path: &str, text: &str) -> Vec<(WarningKind, usize)> {
        let path = ArchivePath::new(path).unwrap();
        let found = scan(&path, text.as_bytes());
        found.iter().map(|f| (f.kind, f.line)).collect()
    }

    #[test]
    fn findings_have_their_lines_and_the_gravest_comes_first() {
        let text = format!("<p>\n<a href=\"http://localhost:4000/\">\n<b>{KEY}</b>\n{KEY}");
        let secret = WarningKind::Secret;
        assert_eq!(
            found("index.html", &text),
            [(secret, 3), (secret, 4), (WarningKind::Localhost, 2)]
        );
        assert_eq!(found("index.txt", &text), [(secret, 3), (secret, 4)]);
        assert_eq!(found("index.html", ""), []);
    }

    #[test]
    fn a_file_in_utf_16_hides_nothing() {
        let text = format!("\u{feff}one\r\n{KEY}\r\n");
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let found = scan(&ArchivePath::new("a.txt").unwrap(), &bytes);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].line), (WarningKind::Secret, 2));
    }

    #[test]
    fn a_key_for_browsers_is_another_kind() {
        let text = "<script src=\"https://maps.example.org/?key=AIzaSyB7x9QmW2kLr4TnV8cYpHf3JdZs6GuEoXa\">";
        assert_eq!(found("index.html", text), [(WarningKind::ApiKey, 1)]);
    }

    #[test]
    fn a_file_full_of_secrets_has_some_findings_and_not_thousands() {
        let text = format!("{KEY}\n<a href='http://localhost'>\n").repeat(1000);
        assert_eq!(found("index.html", &text).len(), 2 * MAX_PER_KIND);
    }

    #[test]
    fn the_end_of_a_very_long_file_is_not_looked_at() {
        let text = format!("{}\n{KEY}", " ".repeat(MAX_SCANNED));
        assert_eq!(found("data.txt", &text), []);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_scanned(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            extension in "html|xml|css|json|txt",
        ) {
            let path = ArchivePath::new(&format!("a.{extension}")).unwrap();
            scan(&path, &bytes);
        }

        #[test]
        fn a_secret_is_found_between_any_other_bytes(
            before in "(?s)[ -~\n]{0,80}[ \n\"'<>(=;,/]",
            after in "(?s)[ \n\"'<>)=;,/][ -~\n]{0,80}",
        ) {
            let path = ArchivePath::new("a.txt").unwrap();
            let text = format!("{before}{KEY}{after}");
            let line = 1 + before.matches('\n').count();
            let found = scan(&path, text.as_bytes());
            prop_assert!(
                found.iter().any(|f| f.kind == WarningKind::Secret && f.line == line),
                "{text:?}: {found:?}"
            );
        }
    }
}
