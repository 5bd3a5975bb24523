//! What others can have of a site: a fork that is made on a page, and a file with all of it.

use std::{fs, io::Cursor, sync::Arc};

use skep_publisher::{
    home::Home,
    keys, portable,
    publish::Outcome,
    review::Sources,
    snapshot::{Options, snapshot},
    store::Relation,
    swarm::{Node, OpenStore},
};

use crate::{
    control::Browser,
    fixture::{Author, Other, check, checked_out, noise},
};

/// Publishes what is in the folder, with `text` as the only source.
async fn publish(author: &Author, node: &Node, text: &str) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("skep.toml"), text).unwrap();
    let sources = Sources::Files(snapshot(dir.path(), &Options::default()).unwrap());
    let review = author.review_with(&node.store, sources);
    let message = "Say <why>\nand how";
    let outcome = author.publish_review(&node.store, &review, message);
    match outcome.unwrap() {
        Outcome::Published(published) => {
            let version = published.head.length();
            node.share(author.site, version).await.unwrap();
        }
        Outcome::Unchanged(_) => panic!("nothing was published"),
    }
}

/// A site of two versions with sources, and somebody who has read the second.
async fn read() -> (Author, Arc<Node>, Other) {
    let author = Author::new().with("index.html", "<title>Bees</title>");
    let desk = author.start().await;
    publish(&author, &desk, "title = '1'").await;
    author.write("index.html", "<title>Bees</title>2");
    publish(&author, &desk, "title = '2'").await;
    let reader = Other::new().await;
    reader.read(author.site, &desk).await.unwrap();
    (author, desk, reader)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_is_made_on_a_page() {
    let (author, _desk, reader) = read().await;
    let browser = Browser::at(&reader.node, &reader.home).await;
    let path = format!("/sites/{}/fork", author.site);
    let site = browser.get(&format!("/sites/{}", author.site)).await.text();
    assert!(site.contains(&format!("href=\"{path}\"")), "{site}");
    assert!(site.contains("skep fork skep://"), "the command stays");

    let form = browser.get(&path).await;
    assert_eq!(form.status, 200);
    let form = form.text();
    for text in [
        "<h1>Fork Bees</h1>",
        "<option value=\"2\" selected>2, the newest",
        "<option value=\"1\">1 (",
        "Say &lt;why&gt; and how",
        "do not run",
    ] {
        assert!(form.contains(text), "{text}: {form}");
    }
    assert!(keys::list(&reader.home).unwrap().is_empty());

    let made = browser.post(&path, &[("version", "2"), ("folder", "x")]);
    let made = made.await;
    assert_eq!(made.status, 200);
    let made = made.text();
    let key = keys::list(&reader.home).unwrap()[0];
    for text in [
        "Bees is a website now",
        "http://127.0.0.1:4000/",
        &format!("skep://{key}"),
        &format!("/sites/{key}/review"),
        "websites/x",
        &format!("version 2 of <code>skep://{}", author.site),
        "<code>make &lt;all&gt;</code>",
        "lost.html",
    ] {
        assert!(made.contains(text), "{text}: {made}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_fork_needs_is_brought_from_those_that_had_the_site() {
    let (author, desk, reader) = read().await;
    let old = |reader: &Other| checked_out(&reader.node.store, author.site, Some(1));
    old(&reader).unwrap_err();
    let browser = Browser::at(&reader.node, &reader.home).await;
    let path = format!("/sites/{}/fork", author.site);
    let made = browser.post(&path, &[("version", "1"), ("folder", "x")]);
    assert_eq!(made.await.status, 200);
    assert_eq!(old(&reader).unwrap()["index.html"], b"<title>Bees</title>");

    // Who had it is away.
    let late = Other::new().await;
    late.read(author.site, &desk).await.unwrap();
    desk.close().await;
    let browser = Browser::at(&late.node, &late.home).await;
    let made = browser.post(&path, &[("version", "1"), ("folder", "my <fork>")]);
    let made = made.await;
    assert_eq!(made.status, 422);
    let made = made.text();
    for text in [
        "Can't reach the node",
        "<option value=\"1\" selected>",
        "value=\"my &lt;fork&gt;\"",
    ] {
        assert!(made.contains(text), "{text}: {made}");
    }
    assert!(keys::list(&late.home).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_forked_says_why_and_keeps_what_was_typed() {
    let (author, desk, reader) = read().await;
    let browser = Browser::at(&reader.node, &reader.home).await;
    let path = format!("/sites/{}/fork", author.site);
    let taken = reader.home.root().join("websites/taken");
    fs::create_dir_all(&taken).unwrap();
    fs::write(taken.join("mine"), "mine").unwrap();
    for (version, folder, why) in [
        ("2", "taken", "is not empty"),
        ("3", "x", "There is no version 3"),
        ("", "x", "not said of which version"),
        ("18446744073709551616", "x", "not said of which version"),
    ] {
        let fields = [("version", version), ("folder", folder)];
        let form = browser.post(&path, &fields).await;
        assert_eq!(form.status, 422, "{version} {folder}");
        let form = form.text();
        assert!(form.contains(why), "{why}: {form}");
        assert!(form.contains(&format!("value=\"{folder}\"")), "{form}");
    }
    assert!(keys::list(&reader.home).unwrap().is_empty());
    let unknown = format!("/sites/{}/fork", Author::new().site);
    assert_eq!(browser.get(&unknown).await.status, 422);
    assert_eq!(
        browser.post(&unknown, &[("version", "1")]).await.status,
        422
    );

    // The author thinks better of it.
    author.write("index.html", "3");
    author.publish_at(&desk).await;
    reader.read(author.site, &desk).await.unwrap();
    let page = browser.get(&path).await.text();
    for text in [
        "finished pages of version 3 alone",
        &format!("skep clone skep://{} DIR", author.site),
        &format!("skep fork skep://{}+2 DIR", author.site),
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("<form"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_saved_as_a_file_that_can_be_imported_elsewhere() {
    let author = Author::new()
        .with("index.html", "<title>Bees & \"Friends\"</title>")
        .with("large", noise(1, 3_000_000));
    let desk = author.start().await;
    author.publish_at(&desk).await;
    author.write("index.html", "<title>Bees & \"Friends\"</title>2");
    author.publish_at(&desk).await;
    let browser = Browser::at(&desk, &author.home).await;
    let page = browser.get(&format!("/sites/{}", author.site)).await.text();
    let path = format!("/sites/{}/export", author.site);
    assert!(page.contains(&format!("href=\"{path}\"")), "{page}");

    let file = browser.get(&path).await;
    assert_eq!(file.status, 200);
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename*=UTF-8''bees-friends.skep"
    );
    assert_eq!(file.header("content-type"), "application/octet-stream");
    assert_eq!(file.header("cross-origin-resource-policy"), "same-origin");
    let bytes = joined(&file.body);
    let mut made = Vec::new();
    let state = desk.store.known(author.site).unwrap();
    portable::export(&desk.store, &state, &mut made).unwrap();
    assert!(bytes == made, "the page sends what `skep export` writes");

    let dir = tempfile::tempdir().unwrap();
    let open = OpenStore::open(&Home::new(dir.path()), "a test").unwrap();
    let mut input = Cursor::new(bytes);
    portable::import(
        &open.store,
        &mut input,
        |_| Relation::Visited,
        &open.scratch(),
    )
    .unwrap();
    check(&open.store, author.site).unwrap();
    let files = checked_out(&open.store, author.site, None).unwrap();
    assert_eq!(files, author.files());

    // Where nothing is, a page says so.
    let nothing = browser
        .get(&format!("/sites/{}/export", Author::new().site))
        .await;
    assert_eq!(nothing.status, 422);
    assert!(nothing.text().contains("Nothing was exported"));
}

/// The bytes of a body that came in chunks.
fn joined(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body;
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let length = std::str::from_utf8(&rest[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return out;
        }
        out.extend_from_slice(&rest[end + 2..][..length]);
        rest = &rest[end + 2 + length + 2..];
    }
}
