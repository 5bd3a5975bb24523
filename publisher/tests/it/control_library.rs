//! The library page, and what is done with sites from there.

use skep_publisher::{
    keys,
    library::folders::{self, Folder},
    store::Relation,
};

use crate::{
    control::Browser,
    fixture::{Author, Other, noise},
};

fn site() -> Author {
    Author::new()
        .with("index.html", "<title>Bees &lt;script></title>one")
        .with("photo.png", noise(2, 300_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_of_each_site_what_there_is_to_say() {
    let author = site();
    let (desk, host) = (author.start().await, Other::pinning(author.site).await);
    author.publish_at(&desk).await;
    author.announce(&desk, &host.node).await.unwrap();
    let browser = Browser::at(&desk, &author.home).await;
    let page = browser.get("/").await.text();
    for text in [
        "Your websites",
        "Bees &lt;script&gt;",
        "version 1",
        "2 files, 300 kB",
        "1 node says it holds version 1",
        &format!("<code class=\"address\">skep://{}</code>", author.site),
        &format!("/sites/{}/review", author.site),
        "Start the preview",
        &format!("http://{}.localhost:{}/", author.site, browser.port),
    ] {
        assert!(page.contains(text), "{text} is missing in {page}");
    }
    let pinned = Browser::at(&host.node, &host.home)
        .await
        .get("/")
        .await
        .text();
    assert!(pinned.contains("Pinned") && !pinned.contains("Your websites"));
    assert!(!pinned.contains("/review"), "{pinned}");

    let preview = format!("/sites/{}/preview", author.site);
    assert_eq!(browser.post(&preview, &[]).await.header("location"), "/");
    let running = browser.get("/").await.text();
    assert!(running.contains("http://127.0.0.1:4000/") && running.contains("Stop the preview"));
    browser.post(&format!("{preview}?stop"), &[]).await;
    assert!(!browser.get("/").await.text().contains("Stop the preview"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_website_without_a_version_is_there_too() {
    let other = Other::new().await;
    let (known, lost) = (
        keys::create(&other.home).unwrap(),
        keys::create(&other.home).unwrap(),
    );
    let folder = Folder {
        dir: other.home.root().join("my site"),
        title: "Wasps".into(),
    };
    folders::remember(&other.home, known, &folder).unwrap();
    let browser = Browser::at(&other.node, &other.home).await;
    let page = browser.get("/").await.text();
    for text in ["Wasps", "my site", "no version is here", &lost.to_string()] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(page.contains(&format!("/sites/{known}/review")));
    assert!(!page.contains(&format!("/sites/{lost}/review")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_followed_once_the_person_knows_what_that_means_and_unfollowed() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let other = Other::new().await;
    let browser = Browser::at(&other.node, &other.home).await;
    let (address, ticket) = (
        format!("skep://{}", author.site),
        desk.ticket().unwrap().to_string(),
    );
    let fields = [
        ("address", address.as_str()),
        ("ticket", &ticket),
        ("do", "follow"),
    ];
    let asked = browser.post("/add", &fields).await;
    assert_eq!(asked.status, 200);
    assert!(
        asked.text().contains("you also serve to others"),
        "{}",
        asked.text()
    );
    assert!(other.node.store.sites().unwrap().is_empty());

    let follow = format!("/sites/{}/follow", author.site);
    let done = browser
        .post(&follow, &[("knows", "yes"), ("ticket", &ticket)])
        .await;
    assert_eq!(
        done.header("location"),
        format!("/?followed={}", author.site)
    );
    let state = other.node.store.known(author.site).unwrap();
    assert_eq!(state.relation, Relation::Followed);
    let page = browser.get(done.header("location")).await.text();
    assert!(page.contains("You follow \u{201c}Bees"), "{page}");

    let unfollow = format!("/sites/{}/unfollow", author.site);
    let done = browser.post(&unfollow, &[]).await;
    let page = browser.get(done.header("location")).await.text();
    assert!(
        page.contains("You do not follow") && page.contains("Visited"),
        "{page}"
    );
    // Asked once.
    let again = browser.post(&follow, &[]).await;
    assert_eq!(again.status, 303);
    assert_eq!(
        other.node.store.known(author.site).unwrap().relation,
        Relation::Followed
    );
    // What is not so is not said, whoever made the link.
    let wrong = browser.get(&format!("/?unfollowed={}", author.site)).await;
    assert!(!wrong.text().contains("You do not follow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_opened_and_a_link_only_shows_where_it_leads() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let other = Other::new().await;
    let browser = Browser::at(&other.node, &other.home).await;
    let url = format!("http://{}.localhost:{}/a/", author.site, browser.port);
    let link = format!("/open?address=web%2Bskep%3A%2F%2F{}%2Fa%2F", author.site);
    let shown = browser.get(&link).await;
    assert_eq!(shown.status, 200);
    assert!(
        shown.text().contains(&format!("href=\"{url}\"")),
        "{}",
        shown.text()
    );
    assert!(
        other.node.store.sites().unwrap().is_empty(),
        "a link does nothing"
    );

    let ticket = desk.ticket().unwrap().to_string();
    let address = format!("skep://{}/a/", author.site);
    let fields = [
        ("address", address.as_str()),
        ("ticket", &ticket),
        ("do", "open"),
    ];
    let opened = browser.post("/add", &fields).await;
    assert!(
        opened.text().contains(&format!("href=\"{url}\"")),
        "{}",
        opened.text()
    );
    let state = other.node.store.known(author.site).unwrap();
    assert_eq!(state.relation, Relation::Visited);

    // Where names below localhost are not resolved, it has an address of its own.
    let fallback = browser
        .get(&format!("/sites/{}/read?path=%2Fa%2F", author.site))
        .await;
    let to = fallback.header("location");
    assert!(to.starts_with("http://127.") && to.ends_with("/a/"), "{to}");
    let away = format!("/sites/{}/read?path=%2F%2Fevil.example", author.site);
    let away = browser.get(&away).await;
    assert!(!away.header("location").contains("evil"));

    for wrong in [
        "",
        "javascript:alert(1)",
        "skep://abc",
        "http://localhost:1/",
    ] {
        let fields = [("address", wrong), ("do", "open")];
        let refused = browser.post("/add", &fields).await;
        assert_eq!(refused.status, 422, "{wrong}");
        assert!(refused.text().contains("role=\"alert\""));
        assert!(!refused.text().contains("href=\"javascript"));
    }
    let fields = [
        ("address", address.as_str()),
        ("ticket", "no ticket"),
        ("do", "open"),
    ];
    assert_eq!(browser.post("/add", &fields).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_is_asked_for_with_what_it_frees_and_ones_own_site_must_be_meant() {
    let author = site();
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let other = Other::new().await;
    other.read(author.site, &desk).await.unwrap();
    let remove = format!("/sites/{}/remove", author.site);

    let browser = Browser::at(&other.node, &other.home).await;
    let asked = browser.get(&remove).await.text();
    assert!(asked.contains("<dd>300 kB</dd>"), "{asked}");
    assert!(other.node.store.known(author.site).is_ok());
    let done = browser.post(&remove, &[("freed", "300000")]).await;
    assert!(other.node.store.known(author.site).is_err());
    let page = browser.get(done.header("location")).await.text();
    assert!(page.contains("is removed; 300 kB came free"), "{page}");
    assert_eq!(browser.get(&remove).await.status, 404);

    let own = Browser::at(&desk, &author.home).await;
    assert!(own.get(&remove).await.text().contains("/export\""));
    assert_eq!(own.post(&remove, &[]).await.status, 422);
    assert!(desk.store.known(author.site).is_ok());
    assert_eq!(own.post(&remove, &[("own", "yes")]).await.status, 303);
    assert!(desk.store.known(author.site).is_err());
    assert_eq!(keys::list(&author.home).unwrap(), [author.site]);
}
