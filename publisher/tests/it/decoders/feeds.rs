//! Feeds: whatever a file of a site says, what comes out of it is short plain text.

use skep_publisher::feeds;

use super::seeds::Seeds;

pub(super) fn feed(bytes: &[u8]) -> bool {
    let Some(feed) = feeds::parse(bytes) else {
        return false;
    };
    assert!(feed.items.len() <= 100);
    for item in &feed.items {
        assert!(!item.title.is_empty() && item.title.chars().count() <= 200);
        assert!(item.summary.chars().count() <= 400);
        assert!(
            !item
                .title
                .chars()
                .chain(item.summary.chars())
                .any(char::is_control)
        );
        let links = [Some(&item.id), item.link.as_ref()];
        assert!(links.into_iter().flatten().all(|link| link.len() <= 2048));
    }
    true
}

pub(super) fn feeds() -> Seeds {
    let rss = r#"<?xml version="1.0"?><rss version="2.0"><channel><link>https://a.example/</link><item>
<title>A &amp; &lt;b&gt;</title><link>https://a.example/1/</link><guid isPermaLink="false">1</guid><pubDate>Wed, 25 Nov 2026 10:00:00 +0100</pubDate>
<description><![CDATA[<p>Text</p>]]></description></item></channel></rss>"#;
    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><link href="/"/><entry><title type="html">T</title><id>1</id>
<link rel="alternate" href="1/"/><updated>2026-11-26T00:00:00Z</updated><summary type="xhtml"><div><p>a</p></div></summary></entry></feed>"#;
    let json = r#"{"version":"https://jsonfeed.org/version/1.1","home_page_url":"/","items":[{"id":"1","url":"/1/","title":"T","date_published":"2026-11-25T10:00:00Z","content_html":"<p>a</p>"}]}"#;
    [rss, atom, json]
        .map(|text| text.as_bytes().to_vec())
        .into()
}
