//! News: the feeds of followed sites on one page.

use skep_publisher::{feeds, store::Store, swarm::follow};

use crate::{
    control::Browser,
    fixture::{Author, Other},
};

const ATOM: &str = r#"<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://bees.example/"/>
  <entry><title>The &lt;i&gt; dance</title><id>1</id><link href="https://bees.example/dance/"/><published>2026-11-01T10:00:00Z</published><summary>Round and round</summary></entry>
  <entry><title>Elsewhere</title><id>2</id><link href="https://wasps.example/x"/><published>2026-11-02T10:00:00Z</published></entry>
  <entry><title>Evil</title><id>3</id><link href="javascript:alert(1)"/><published>2999-01-01T00:00:00Z</published></entry>
</feed>"#;

fn bees() -> Author {
    Author::new()
        .with("index.html", r#"<title>Bees</title><link rel="alternate" type="application/atom+xml" href="/news.xml">"#)
        .with("dance/index.html", "they dance")
        .with("news.xml", ATOM)
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_followed_sites_are_read_marked_and_counted_without_a_network() {
    let author = bees();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let other = Other::new().await;
    let browser = Browser::at(&other.node, &other.home).await;
    assert!(browser.get("/feed").await.text().contains("Nothing yet"));
    let peers = std::slice::from_ref(desk.ticket().unwrap());
    other.read(author.site, &desk).await.unwrap();
    assert!(
        browser.get("/feed").await.text().contains("Nothing yet"),
        "only visited"
    );
    follow::follow(&other.node, author.site, peers)
        .await
        .unwrap();
    desk.close().await;

    let page = browser.get("/feed").await.text();
    let dance = format!("http://{}.localhost:{}/dance/", author.site, browser.port);
    for text in [
        "3 items not read",
        "The &lt;i&gt; dance",
        "Round and round",
        &format!("href=\"{dance}\" data-fallback"),
        "href=\"https://wasps.example/x\" rel=\"noreferrer external\"",
        "on wasps.example",
        ">Bees</a>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("javascript:"), "{page}");
    let at = |text: &str| page.find(text).unwrap();
    assert!(at("Evil") < at("Elsewhere") && at("Elsewhere") < at("dance</a>"));
    assert!(!page.contains("2999"), "the future is not shown");

    let store = &other.node.store;
    let items = feeds::news(store, 1_800_000_000).unwrap();
    let dance = items
        .iter()
        .find(|item| item.title.contains("dance"))
        .unwrap();
    let site = author.site.to_string();
    let fields = [
        ("site", site.as_str()),
        ("item", &dance.key),
        ("as", "read"),
    ];
    let marked = browser.post("/feed/read?unread", &fields).await;
    assert_eq!(marked.header("location"), "/feed?page=1&unread");
    let page = browser.get(marked.header("location")).await.text();
    assert!(
        page.contains("2 items not read") && !page.contains("dance"),
        "{page}"
    );
    // The navigation of other pages counts too.
    let library = browser.get("/").await.text();
    assert!(
        library.contains("2<span class=\"visually-hidden\"> not read</span>"),
        "{library}"
    );

    let unmark = [
        ("site", site.as_str()),
        ("item", &dance.key),
        ("as", "unread"),
        ("quiet", "yes"),
    ];
    assert_eq!(browser.post("/feed/read", &unmark).await.status, 204);
    assert!(
        browser
            .get("/feed")
            .await
            .text()
            .contains("3 items not read")
    );
    browser.post("/feed/read", &[]).await;
    let all = browser.get("/feed?unread").await.text();
    assert!(all.contains("All of it is read"), "{all}");
    for odd in [
        "/feed?page=0",
        "/feed?page=99999999999999999999",
        "/feed?page=7",
    ] {
        assert_eq!(browser.get(odd).await.status, 200, "{odd}");
    }
    for (site, item) in [("x", ""), (site.as_str(), "zz"), (site.as_str(), "")] {
        let answer = browser
            .post("/feed/read", &[("site", site), ("item", item)])
            .await;
        assert_eq!(answer.status, 303);
    }
}

fn left(store: &Store, now: u64) -> usize {
    let items = feeds::news(store, now).unwrap();
    items.iter().filter(|item| !item.read).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_read_again_when_a_version_came_and_what_was_read_stays_read() {
    let author = bees();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let other = Other::new().await;
    let peers = std::slice::from_ref(desk.ticket().unwrap());
    follow::follow(&other.node, author.site, peers)
        .await
        .unwrap();
    let (store, now) = (&other.node.store, 1_800_000_000);
    assert_eq!(left(store, now), 3);
    feeds::mark_all(store).unwrap();
    assert_eq!(left(store, now), 0);

    let more = r#"<entry><title>New</title><id>4</id><updated>2026-11-03T10:00:00Z</updated></entry></feed>"#;
    author.write("news.xml", ATOM.replace("</feed>", more));
    author.publish_at(&desk).await;
    other.read(author.site, &desk).await.unwrap();
    let items = feeds::news(store, now).unwrap();
    assert_eq!(items.len(), 4);
    let unread: Vec<_> = items
        .iter()
        .filter(|item| !item.read)
        .map(|item| item.title.as_str())
        .collect();
    assert_eq!(unread, ["New"]);
    author.write("news.xml", ATOM.replace("</feed>", &more.replace('4', "5")));
    author.publish_at(&desk).await;
    other.read(author.site, &desk).await.unwrap();
    let library = Browser::at(&other.node, &other.home)
        .await
        .get("/")
        .await
        .text();
    assert!(
        library.contains("1<span class=\"visually-hidden\"> not read</span>"),
        "{library}"
    );

    // A version without a feed, and one whose feed is none.
    author.write("news.xml", "no feed");
    author.publish_at(&desk).await;
    other.read(author.site, &desk).await.unwrap();
    assert_eq!(feeds::news(store, now).unwrap(), []);
    author.write("news.xml", ATOM);
    author.publish_at(&desk).await;
    other.read(author.site, &desk).await.unwrap();
    assert_eq!(left(store, now), 3);
    follow::unfollow(&other.node, author.site).await.unwrap();
    assert_eq!(feeds::news(store, now).unwrap(), []);
}
