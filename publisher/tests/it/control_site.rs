//! The page of one site: facts, versions, sharing.

use skep_publisher::{library::folders, swarm::fetch};

use crate::{
    control::Browser,
    fixture::{Author, Other},
    web::ask,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_versions_of_a_site_are_shown_some_at_a_time() {
    let author = Author::new().with("index.html", "<title>Bees</title>");
    let desk = author.start().await;
    for n in 1..=30 {
        author.write(&format!("{n}.html"), "x".repeat(1000 + n));
        author.publish_at(&desk).await;
    }
    author.retract(&desk.store, &[28]);
    let browser = Browser::at(&desk, &author.home).await;
    let path = format!("/sites/{}", author.site);
    let page = browser.get(&path).await;
    assert_eq!(page.status, 200);
    let page = page.text();
    let origin = |n: u64| format!("http://v{n}-{}.localhost:{}/", author.site, browser.port);
    for text in [
        "<h1>Bees</h1>",
        "31 versions",
        "Version 31",
        "Takes back version 28.",
        "took it back in version 31",
        "+1.0 kB",
        "a version",
        &origin(7),
        &format!("skep clone skep://{} DIR", author.site),
        "does not publish the sources",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains(&origin(28)), "it is not here any more");
    assert!(!page.contains(&origin(6)), "on the next page");
    let older = browser.get(&format!("{path}?before=7")).await.text();
    assert!(older.contains(&origin(6)) && older.contains(&origin(1)));
    assert!(older.contains("Newer") && !older.contains("Older"));
    for odd in ["0", "1", "18446744073709551615", "x"] {
        let page = browser.get(&format!("{path}?before={odd}")).await;
        assert_eq!(page.status, 200, "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sharing_is_stopped_and_started_on_the_page() {
    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let browser = Browser::at(&desk, &author.home).await;
    let sharing = format!("/sites/{}/sharing", author.site);
    let stopped = browser.post(&format!("{sharing}?stop"), &[]).await;
    let page = browser.get(stopped.header("location")).await.text();
    assert!(page.contains("Share it again"), "{page}");
    assert!(browser.get("/").await.text().contains("not shared for now"));
    let reader = Other::new().await;
    reader.read(author.site, &desk).await.unwrap_err();
    browser.post(&sharing, &[]).await;
    reader.read(author.site, &desk).await.unwrap();

    // What is only visited is shared with nobody anyhow.
    let visited = Browser::at(&reader.node, &reader.home).await;
    let page = visited.get(&format!("/sites/{}", author.site)).await.text();
    assert!(!page.contains("Stop sharing"));
    assert_eq!(
        visited.post(&format!("{sharing}?stop"), &[]).await.status,
        422
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_site_was_read_last_is_known() {
    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let browser = Browser::at(&desk, &author.home).await;
    let path = format!("/sites/{}", author.site);
    assert!(!browser.get(&path).await.text().contains("Last read"));
    let host = format!("{}.localhost:{}", author.site, browser.port);
    // The second is answered out of what the first has opened.
    for _ in 0..2 {
        assert_eq!(ask(browser.port, "GET", "/", &host, &[]).await.status, 200);
        assert!(browser.get(&path).await.text().contains("Last read"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_and_what_was_abandoned_is_said_to_be_so() {
    let desk = Author::new().with("index.html", "one");
    let at_desk = desk.start().await;
    let browser = Browser::at(&at_desk, &desk.home).await;
    let path = format!("/sites/{}", desk.site);
    let own = browser.get(&path).await;
    assert_eq!(own.status, 200);
    assert!(own.text().contains("no version is here"));
    assert_eq!(folders::of(&desk.home, desk.site).unwrap(), None);
    let stranger = Other::new().await;
    let far = Browser::at(&stranger.node, &stranger.home).await;
    assert_eq!(far.get(&path).await.status, 404);

    // Two machines, one key.
    desk.publish_at(&at_desk).await;
    let laptop = desk.on_second_machine();
    let at_laptop = laptop.start().await;
    laptop.write("index.html", "from the laptop");
    laptop.publish_at(&at_laptop).await;
    let ticket = at_laptop.ticket().unwrap();
    let wanted = fetch::Wanted::Whole;
    fetch::newest(&at_desk, desk.site, ticket, wanted)
        .await
        .unwrap_err();
    let forked = browser.get(&path).await.text();
    assert!(forked.contains("your next publish mends it"), "{forked}");
    desk.write("index.html", "both");
    desk.publish_at(&at_desk).await;
    let mended = browser.get(&path).await.text();
    for text in [
        "Abandoned",
        "Version 1, abandoned",
        "Takes the place of versions",
        "+1~",
    ] {
        assert!(mended.contains(text), "{text}: {mended}");
    }
}
