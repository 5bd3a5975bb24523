//! [`parse`]: a feed in any of three formats.

use super::{json, xml};
use crate::plain;

/// The longest feed that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 4 << 20;
/// The most items of a feed that are looked at.
pub(super) const MAX_LOOKED_AT: usize = 1000;
/// The most items of a feed that are kept, the newest ones.
pub(super) const MAX_ITEMS: usize = 100;
/// The longest title, in characters.
const LONGEST_TITLE: usize = 200;
/// The longest summary, in characters.
const LONGEST_SUMMARY: usize = 400;
/// The longest link or id, in bytes.
const LONGEST_LINK: usize = 2048;

/// A feed, as plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feed {
    /// The page of which it is the feed.
    pub home: Option<String>,
    /// Its items, each with another id: the newest first, those without a moment last.
    pub items: Vec<Item>,
}

/// An item of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// What tells it from others, whatever becomes of it.
    pub id: String,
    /// One line of text.
    pub title: String,
    /// Where it leads, as the feed says.
    pub link: Option<String>,
    /// When it was published, in seconds since 1970.
    pub time: Option<u64>,
    /// One line of text.
    pub summary: String,
}

/// An item as a format has it.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) id: String,
    pub(super) title: Text,
    pub(super) link: String,
    pub(super) time: Option<u64>,
    pub(super) summary: Text,
}

/// A text that may be a piece of HTML.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) is_html: bool,
}

/// Reads a feed; `None` if it is none, or over a bound.
pub fn parse(bytes: &[u8]) -> Option<Feed> {
    if bytes.len() as u64 > MAX_BYTES {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let (home, raw) = match text.as_bytes().first()? {
        b'{' => json::read(text)?,
        b'<' => xml::read(text)?,
        _ => return None,
    };
    let mut items: Vec<Item> = raw.into_iter().filter_map(Raw::finish).collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.time));
    let mut seen = std::collections::HashSet::new();
    items.retain(|item| seen.insert(item.id.clone()));
    items.truncate(MAX_ITEMS);
    Some(Feed {
        home: link(&home),
        items,
    })
}

impl Raw {
    /// The item as text; `None` if it says nothing.
    fn finish(self) -> Option<Item> {
        let summary = self.summary.line(LONGEST_SUMMARY);
        let title = match self.title.line(LONGEST_TITLE) {
            title if title.is_empty() => plain::line(&summary, LONGEST_TITLE / 2),
            title => title,
        };
        let link = link(&self.link);
        if title.is_empty() {
            return None;
        }
        let id = match self.id.trim() {
            "" => link.clone().unwrap_or_else(|| title.clone()),
            id => cut(id, LONGEST_LINK).to_owned(),
        };
        Some(Item {
            id,
            title,
            link,
            time: self.time,
            summary,
        })
    }
}

impl Text {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_html: false,
        }
    }

    pub(super) fn html(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_html: true,
        }
    }

    fn line(&self, most: usize) -> String {
        match self.is_html {
            true => plain::text_of(&self.text, most),
            false => plain::line(&self.text, most),
        }
    }
}

fn link(text: &str) -> Option<String> {
    let text = text.trim();
    let is_link = !text.is_empty() && text.len() <= LONGEST_LINK;
    is_link.then(|| text.to_owned())
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn titles(feed: &str) -> Vec<String> {
        let feed = parse(feed.as_bytes()).unwrap_or_default();
        feed.items.into_iter().map(|item| item.title).collect()
    }

    #[test]
    fn the_three_formats_say_the_same() {
        let rss = r#"<?xml version="1.0"?><rss version="2.0"><channel><title>T</title><link>https://a.example/</link>
            <item><title>Two &amp; &lt;b&gt;bold&lt;/b&gt;</title><link>https://a.example/2/</link><guid isPermaLink="false">2</guid>
              <pubDate>Wed, 25 Nov 2026 10:00:00 +0100</pubDate><description><![CDATA[<p>Some <em>text</em></p>]]></description></item>
            <item><title>One</title><guid>https://a.example/1/</guid><pubDate>Tue, 24 Nov 2026 10:00:00 GMT</pubDate></item>
          </channel></rss>"#;
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><link href="https://a.example/"/>
            <entry><title type="html">Two &amp;amp; &lt;b&gt;bold&lt;/b&gt;</title><link rel="edit" href="x"/><link href="https://a.example/2/"/><id>2</id>
              <updated>2026-11-26T00:00:00Z</updated><published>2026-11-25T10:00:00+01:00</published>
              <summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Some <em>text</em></p></div></summary></entry>
            <entry><title>One</title><link rel="alternate" href="https://a.example/1/"/><id>https://a.example/1/</id><updated>2026-11-24T10:00:00Z</updated></entry>
          </feed>"#;
        let json = r#"{"version": "https://jsonfeed.org/version/1.1", "title": "T", "home_page_url": "https://a.example/", "items": [
            {"id": "2", "url": "https://a.example/2/", "title": "Two & bold", "date_published": "2026-11-25T10:00:00+01:00", "content_html": "<p>Some <em>text</em></p>"},
            {"id": "https://a.example/1/", "url": "https://a.example/1/", "title": "One", "date_published": "2026-11-24T10:00:00Z"}]}"#;
        for text in [rss, atom, json] {
            let feed = parse(text.as_bytes()).unwrap();
            assert_eq!(feed.home.as_deref(), Some("https://a.example/"));
            let two = Item {
                id: "2".into(),
                title: "Two & bold".into(),
                link: Some("https://a.example/2/".into()),
                time: Some(1_795_597_200),
                summary: "Some text".into(),
            };
            assert_eq!(feed.items[0], two, "{text}");
            let one = &feed.items[1];
            assert_eq!((one.title.as_str(), one.time), ("One", Some(1_795_514_400)));
            assert_eq!(one.link.as_deref(), Some("https://a.example/1/"));
        }
    }

    #[test]
    fn what_a_hostile_feed_says_is_text() {
        let evil = r#"<rss><channel><item><title>&lt;script&gt;alert(1)&lt;/script&gt;Hi&#x202e;</title>
            <description>&lt;img src=x onerror=alert(1)&gt;a&#7;b</description></item></channel></rss>"#;
        let feed = parse(evil.as_bytes()).unwrap();
        assert_eq!(
            (feed.items[0].title.as_str(), feed.items[0].summary.as_str()),
            ("Hi", "ab")
        );
        let plain = "<feed><entry><title>1 &lt; 2 &lt;b></title></entry></feed>";
        assert_eq!(titles(plain), ["1 < 2 <b>"]);
    }

    #[test]
    fn entities_of_its_own_are_not_expanded() {
        let bomb = r#"<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>
            <rss><channel><item><title>&b;&b; &x; &amp;eacute; &eacute;</title></item></channel></rss>"#;
        assert_eq!(titles(bomb), ["&b;&b; &x; \u{e9} \u{e9}"]);
    }

    #[test]
    fn what_has_no_end_is_cut_off() {
        let item = "<item><title>t</title></item>";
        let many: String = (0..5000)
            .map(|n| item.replace(">t<", &format!(">t{n}<")))
            .collect();
        let feed = format!("<rss><channel>{many}</channel></rss>");
        assert_eq!(titles(&feed).len(), MAX_ITEMS);
        let deep = format!(
            "<rss><channel><item><title>{}</title>",
            "<b>".repeat(100_000)
        );
        assert_eq!(parse(deep.as_bytes()), None);
        let long = format!(
            "<rss><channel><item><title>{}</title></item></channel></rss>",
            "x".repeat(1 << 20)
        );
        assert_eq!(titles(&long)[0].chars().count(), LONGEST_TITLE);
        let huge = vec![b'<'; MAX_BYTES as usize + 1];
        assert_eq!(parse(&huge), None);
        let json = format!("{{\"items\":{}", "[".repeat(1 << 20));
        assert_eq!(parse(json.as_bytes()), None);
        let link = format!(
            "<rss><channel><item><title>t</title><link>https://{}</link></item></channel></rss>",
            "x".repeat(5000)
        );
        assert_eq!(parse(link.as_bytes()).unwrap().items[0].link, None);
        // What comes before the break is read.
        assert_eq!(
            titles("<rss><channel><item><title>one</title></item><item><title>tw"),
            ["one"]
        );
    }

    #[test]
    fn what_is_no_feed_is_none() {
        for text in [
            "",
            "   ",
            "hello",
            "<html><title>x</title></html>",
            "{\"a\":1}",
            "[]",
            "<",
            "<?xml",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn items_are_told_apart_by_id_and_an_item_without_anything_is_none() {
        let feed = r#"{"version":"https://jsonfeed.org/version/1.1","items":[
            {"id":"a","title":"1"},{"id":"a","title":"2"},{"id":7,"title":"3"},{"url":"x"},{}, 5, {"id":"b","content_text":"no title"}]}"#;
        assert_eq!(titles(feed), ["1", "3", "no title"]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_all_text_is_short(parts in prop::collection::vec(
            "<rss>|<channel>|<item>|</item>|<feed>|<entry>|</entry>|<title type=\"html\">|</title>|<link href=\"|\"/>|<link>|</link>|<!\\[CDATA\\[|\\]\\]>|<!--|-->|&#x0;|&amp;|<pubDate>|</pubDate>|\\{\"items\":\\[|\\{\"id\":|\"x\"|\\}|\\]|\\PC{0,5}|<|>|&|\"", 0..60)) {
            let text = parts.concat();
            if let Some(feed) = parse(text.as_bytes()) {
                prop_assert!(feed.items.len() <= MAX_ITEMS);
                for item in feed.items {
                    prop_assert!(!item.title.is_empty() && item.title.chars().count() <= LONGEST_TITLE);
                    prop_assert!(item.summary.chars().count() <= LONGEST_SUMMARY);
                    prop_assert!(item.id.len() <= LONGEST_LINK && !item.title.chars().any(char::is_control));
                }
            }
        }
    }
}
