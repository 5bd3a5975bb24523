//! Publishing into a real store.

use skep_publisher::{
    archive::{blobs::BlobKind, entry::Entry},
    error::Kind,
    publish::{Outcome, Statement, Step, publish, retract, retraction},
};

use crate::fixture::{Author, check, checked_out, noise, seen};

#[test]
fn versions_follow_each_other_and_an_unchanged_site_makes_none() {
    let author = Author::new()
        .with("index.html", "<p>one</p>")
        .with("a/b.css", "b {}");
    let open = author.open();
    let first = author.publish(&open.store);
    assert_eq!((first.head.length(), first.entry.files), (1, 2));
    check(&open.store, author.site).unwrap();

    author.write("index.html", "<p>two</p>");
    let second = author.publish(&open.store);
    assert_eq!(second.head.length(), 2);
    assert_eq!(check(&open.store, author.site).unwrap().versions, 2);
    assert_eq!(
        checked_out(&open.store, author.site, None).unwrap(),
        author.files()
    );
    let old = checked_out(&open.store, author.site, Some(1)).unwrap();
    assert_eq!(old["index.html"], b"<p>one</p>");

    let before = seen(&open.store, author.site);
    match author.try_publish(&open.store).unwrap() {
        Outcome::Unchanged(head) => assert_eq!(head, second.head),
        Outcome::Published(p) => panic!("{p:?}"),
    }
    assert_eq!(seen(&open.store, author.site), before);
}

#[test]
fn a_rename_adds_tree_nodes_and_no_file() {
    let author = Author::new()
        .with("a.html", noise(1, 30_000))
        .with("big.png", noise(2, 90_000))
        .with("index.html", "i");
    let open = author.open();
    let first = author.publish(&open.store);
    assert!(first.added > 120_000, "{}", first.added);
    author.rename("a.html", "b.html");
    author.rename("big.png", "c/large.png");
    let second = author.publish(&open.store);
    assert!(second.added < 1000, "{} bytes", second.added);
    check(&open.store, author.site).unwrap();
}

#[test]
fn a_reverted_file_adds_no_file_bytes() {
    let author = Author::new()
        .with("big.png", noise(1, 90_000))
        .with("page.html", noise(2, 20_000));
    let open = author.open();
    author.publish(&open.store);
    author.write("big.png", noise(3, 90_000));
    author.write("page.html", noise(4, 20_000));
    author.publish(&open.store);
    author.write("big.png", noise(1, 90_000));
    author.write("page.html", noise(2, 20_000));
    let third = author.publish(&open.store);
    assert_eq!(third.added, 0, "even the tree is the first one's");
    assert_eq!(
        checked_out(&open.store, author.site, None).unwrap(),
        author.files()
    );
    check(&open.store, author.site).unwrap();
}

#[test]
fn equal_files_are_stored_once_and_large_ones_as_blobs() {
    let author = Author::new()
        .with("a.html", noise(1, 20_000))
        .with("b.html", noise(1, 20_000))
        .with("small.png", noise(2, 20_000))
        .with("photo.png", noise(3, 32 << 10))
        .with("again.png", noise(3, 32 << 10))
        .with("long.txt", noise(4, (512 << 10) + 1))
        .with("fits.txt", noise(5, 512 << 10));
    let open = author.open();
    let entry = author.publish(&open.store).entry;
    let blobs = |kind| {
        let blobs = entry.adds.inline.iter().filter(|b| b.kind == kind);
        let mut sizes: Vec<_> = blobs.map(|b| b.size).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(blobs(BlobKind::File), [32 << 10, (512 << 10) + 1]);
    let [pack] = blobs(BlobKind::Pack)[..] else {
        panic!("{entry:?}")
    };
    let content = 20_000 + 20_000 + (512 << 10);
    assert!((content..content + 2000).contains(&pack), "{pack}");
    check(&open.store, author.site).unwrap();
    assert_eq!(
        checked_out(&open.store, author.site, None).unwrap(),
        author.files()
    );
}

#[test]
fn a_file_that_changed_after_the_review_is_refused() {
    // Once as a part of a pack, once as a blob.
    for (path, size) in [("a.html", 100), ("a.png", 60_000)] {
        let author = Author::new().with("index.html", "i");
        let open = author.open();
        author.publish(&open.store);
        author.write(path, noise(1, size));
        let review = author.review(&open.store);
        author.write(path, noise(2, size));
        let before = seen(&open.store, author.site);
        let error = author
            .publish_review(&open.store, &review, "m")
            .unwrap_err();
        assert_eq!(error.kind, Kind::Unpublishable, "{error}");
        assert!(error.message.contains(path), "{error}");
        assert_eq!(seen(&open.store, author.site), before);
    }
}

#[test]
fn a_review_of_an_older_version_is_refused() {
    let author = Author::new().with("index.html", "one");
    let open = author.open();
    author.publish(&open.store);
    author.write("index.html", "two");
    let stale = author.review(&open.store);
    author.publish(&open.store);
    let before = seen(&open.store, author.site);
    author.write("index.html", "two");
    let error = author.publish_review(&open.store, &stale, "m").unwrap_err();
    assert_eq!(error.kind, Kind::Unpublishable, "{error}");
    assert_eq!(seen(&open.store, author.site), before);
}

/// The same key, at the same store, at the same time: one of the two is refused whole.
#[test]
fn a_publish_that_is_overtaken_changes_nothing() {
    let author = Author::new().with("index.html", "one");
    let open = author.open();
    author.publish(&open.store);
    author.write("index.html", "slow");
    let slow = author.review(&open.store);
    let statement = Statement {
        message: "slow".into(),
        time: 0,
        as_of: 0,
        origin: None,
    };
    let scratch = tempfile::tempdir().unwrap();
    let (key, mut fast) = (author.key(), None);
    let result = publish(
        &open.store,
        &key,
        &slow,
        &statement,
        scratch.path(),
        |step| {
            if step == Step::Synced {
                author.write("index.html", "fast");
                author.publish(&open.store);
                fast = Some(seen(&open.store, author.site));
            }
        },
    );
    assert_eq!(result.unwrap_err().kind, Kind::Unpublishable);
    assert_eq!(Some(seen(&open.store, author.site)), fast);
}

#[test]
fn only_the_sites_own_key_publishes_it() {
    let (author, other) = (Author::new().with("index.html", "i"), Author::new());
    let open = author.open();
    let review = author.review(&open.store);
    let error = other.publish_review(&open.store, &review, "m").unwrap_err();
    assert_eq!(error.kind, Kind::NoKey, "{error}");
    assert!(open.store.site(author.site).unwrap().is_none());
}

#[test]
fn a_message_that_can_not_be_recorded_is_refused() {
    let author = Author::new().with("index.html", "i");
    let open = author.open();
    let review = author.review(&open.store);
    for message in ["m".repeat(Entry::MAX_MESSAGE + 1), "\x1b[2J".into()] {
        let error = author.publish_review(&open.store, &review, &message);
        assert_eq!(error.unwrap_err().kind, Kind::Unpublishable);
        assert!(open.store.known(author.site).is_err());
    }
    author
        .publish_review(&open.store, &review, &"m".repeat(Entry::MAX_MESSAGE))
        .unwrap();
}

#[test]
fn sixty_versions_with_many_blobs_fit_into_their_entries() {
    let author = Author::new().with("index.html", "i");
    let open = author.open();
    for version in 0..60u64 {
        // Some stay, some go, some change: lists are kept, rewritten and merged.
        for n in 0..4 {
            let path = format!("{}/{n}.png", version % 23);
            author.write(&path, noise(version * 10 + n, 33_000));
        }
        author.write("index.html", version.to_string());
        let entry = author.publish(&open.store).entry;
        let length = entry.encode().unwrap().len();
        assert!(
            length + Entry::MAX_MESSAGE <= Entry::MAX_ENCODED,
            "{length}"
        );
        assert!(entry.keeps.lists.len() <= 6, "{}", entry.keeps.lists.len());
        let live = entry.adds.count() + entry.keeps.count();
        assert!(live > 4 * version.min(22), "{live} blobs at {version}");
    }
    let verified = check(&open.store, author.site).unwrap();
    assert_eq!((verified.versions, verified.whole), (60, 60));
    assert_eq!(
        checked_out(&open.store, author.site, None).unwrap(),
        author.files()
    );
}

/// A thread that runs a task has a budget of steps, and reading a megabyte takes more of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_can_be_read_by_a_thread_that_runs_a_task() {
    let author = Author::new().with("long.bin", noise(1, 2 << 20));
    let open = author.open();
    author.publish(&open.store);
    assert_eq!(check(&open.store, author.site).unwrap().files, 1);
    open.close().await;
}

/// Compressed types are blobs of their own from a length on at which others lie in packs.
#[test]
fn the_same_bytes_may_be_a_page_and_an_image() {
    let author = Author::new().with("index.html", "home");
    let open = author.open();
    author.publish(&open.store);
    for (n, names) in [["a.xml", "b.png"], ["c.png", "d.xml"]].iter().enumerate() {
        for name in names {
            author.write(name, noise(n as u64, 40_000));
        }
        author.publish(&open.store);
        check(&open.store, author.site).unwrap();
        let files = checked_out(&open.store, author.site, None).unwrap();
        assert_eq!(files, author.files());
    }
    std::fs::remove_file(author.folder().join("a.xml")).unwrap();
    std::fs::remove_file(author.folder().join("c.png")).unwrap();
    author.publish(&open.store);
    check(&open.store, author.site).unwrap();
    assert_eq!(
        checked_out(&open.store, author.site, None).unwrap(),
        author.files()
    );
}

#[test]
fn a_clock_that_was_set_back_dates_no_version_before_the_last() {
    let author = Author::new().with("index.html", "one");
    let open = author.open();
    let scratch = author.folder().join("../scratch");
    let at = |time: u64, text: &str| {
        author.write("index.html", text);
        let review = author.review(&open.store);
        let statement = Statement {
            message: String::new(),
            time,
            as_of: time,
            origin: None,
        };
        let made = publish(
            &open.store,
            &author.key(),
            &review,
            &statement,
            &scratch,
            |_| (),
        );
        match made.unwrap() {
            Outcome::Published(made) => (made.entry.time, review.clock_behind(time)),
            Outcome::Unchanged(head) => panic!("{head:?}"),
        }
    };
    assert_eq!(at(2000, "one"), (2000, None));
    assert_eq!(at(1000, "two"), (2000, Some(2000)));
    assert_eq!(at(2000, "three"), (2000, None));
    assert_eq!(at(2001, "four"), (2001, None));
    let plan = retraction(&open.store, author.site, &[1]).unwrap();
    let says = ("", 1500);
    let done = retract(&open.store, &author.key(), &plan, says, &scratch, |_| ()).unwrap();
    assert_eq!(done.published.entry.time, 2001);
    check(&open.store, author.site).unwrap();
}
