//! What a hostile author writes, on the pages that can publish in a reader's name.

use skep_publisher::{error::printable, publish::Outcome, swarm::follow};

use crate::{
    control::Browser,
    fixture::{Author, Other},
};

/// Markup, the end of whatever it stands in, and characters that turn around or hide what follows.
const EVIL: &str = "</title></p>'\"><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}txt\u{2066}\u{200f}";

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_says_what_a_site_has_written_but_as_plain_text() {
    let text = escaped(EVIL);
    let author = Author::new()
        .with(
            "index.html",
            format!("<title>{text}</title><link rel=alternate type=application/rss+xml title='{text}' href=/feed.xml>"),
        )
        .with(
            "feed.xml",
            format!(
                "<rss version='2.0'><channel><title>{text}</title><link>https://x.example/</link>\
                 <item><title>{text}</title><link>https://x.example/\" onclick=alert(3) x=\"</link><description>{text} {}</description><guid>{text}</guid><pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate></item>\
                 <item><title>two</title><link>javascript:alert(4)</link><guid>2</guid></item></channel></rss>",
                escaped(&text)
            ),
        )
        .with("skep.json", serde_json::json!({ "title": EVIL }).to_string());
    let desk = author.start().await;
    let message = EVIL.replace("txt", "txt\nsecond line");
    let review = author.review(&desk.store);
    let published = author.publish_review(&desk.store, &review, &message);
    assert!(matches!(published.unwrap(), Outcome::Published(_)));
    desk.share(author.site, 1).await.unwrap();

    let reader = Other::new().await;
    let peers = std::slice::from_ref(desk.ticket().unwrap());
    follow::follow(&reader.node, author.site, peers)
        .await
        .unwrap();
    let browser = Browser::at(&reader.node, &reader.home).await;
    let site = author.site;
    let mut said = 0;
    for path in [
        "/".to_owned(),
        "/feed".into(),
        "/feed?unread".into(),
        format!("/sites/{site}"),
        format!("/sites/{site}/remove"),
        format!("/sites/{site}/review"),
        format!("/open?address={site}"),
        format!("/?followed={site}"),
        format!("/?removed={site}&freed=%22%3E%3Cscript%3Ealert(1)"),
        format!("/sites/{site}/review?restored=%3Cscript%3Ealert(1)&kept=%E2%80%AE"),
        "/open?address=%22%3E%3Cscript%3Ealert(1)%E2%80%AE".into(),
        "/publishing/%22%3E%3Cscript%3Ealert(1)".into(),
        "/%22%3E%3Cscript%3Ealert(1)".into(),
    ] {
        let html = browser.get(&path).await.text();
        for element in [
            "<script>",
            "<script ",
            "<img",
            "onerror=alert(2)>",
            "javascript:",
        ] {
            let count = html.matches(element).count();
            // The one of these pages.
            let ours = usize::from(element == "<script ");
            assert_eq!(count, ours, "{element} on {path}: {html}");
        }
        assert!(!html.contains("\" onclick"), "{path}: {html}");
        let odd = html.chars().find(|c| {
            matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                || (c.is_control() && !matches!(c, '\n' | '\r'))
        });
        assert_eq!(odd, None, "{path}: {html}");
        said += html.matches("alert(1)").count();
    }
    assert!(said >= 6, "it is shown, as text");
    let history = browser.get(&format!("/sites/{site}")).await.text();
    let lines: Vec<String> = message.lines().map(printable).collect();
    assert!(history.contains(&escaped(&lines.join("\n"))), "{history}");
}
