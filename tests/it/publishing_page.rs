//! Publishing from the review page: what was shown is published, once, or nothing.

use std::{thread, time::Instant};

use serde_json::Value;

use crate::skep::{Answer, LIMIT, Running, World, http_body, http_with};

/// A browser that was let in; mostly at the review page of a site that `skep serve` shows.
pub(crate) struct Page {
    origin: String,
    cookie: String,
    review: String,
}

/// What a tab shows.
struct Tab {
    draft: String,
    token: String,
    html: String,
    rows: Vec<String>,
}

impl Page {
    /// `skep serve`, and a browser that it has let in.
    fn of(world: &World) -> (Running, Self) {
        let serve = world.start("home", &["serve", "site", "--port", "0"]);
        let ready = serve.event("ready");
        let page = Self::behind(ready["review"].as_str().unwrap());
        (serve, page)
    }

    /// A browser that opens a link which lets it in.
    pub(crate) fn behind(link: &str) -> Self {
        let (origin, _) = link.split_once("/enter").unwrap();
        let entered = http_with("GET", link, &[]);
        let cookie = entered.header("set-cookie").split(';').next().unwrap();
        Self {
            origin: origin.to_owned(),
            cookie: cookie.to_owned(),
            review: entered.header("location").to_owned(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        http_with(
            "GET",
            &format!("{}{path}", self.origin),
            &[("Cookie", &self.cookie)],
        )
    }

    pub(crate) fn html(&self, path: &str) -> String {
        String::from_utf8(self.get(path).body).unwrap()
    }

    fn tab(&self) -> Tab {
        let html = self.html(&self.review);
        let value = |name: &str| {
            let after = html.split(&format!("name=\"{name}\" value=\"")).nth(1);
            after
                .unwrap_or_else(|| panic!("no {name}: {html}"))
                .split('"')
                .next()
                .unwrap()
                .to_owned()
        };
        let rows = html.split("name=\"r\" value=\"").skip(1);
        Tab {
            draft: value("draft"),
            token: value("token"),
            rows: rows
                .map(|row| row.split('"').next().unwrap().to_owned())
                .collect(),
            html: html.clone(),
        }
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        let fields = [("Cookie", self.cookie.as_str()), ("Origin", &self.origin)];
        http_body("POST", &format!("{}{path}", self.origin), &fields, body)
    }

    /// Sends the form of a tab, with all its rows.
    fn publish(&self, tab: &Tab, more: &str) -> Answer {
        let rows: String = tab.rows.iter().map(|row| format!("&r={row}")).collect();
        let path = self.review.replace("/review", "/publish");
        let body = format!(
            "token={}&draft={}&complete=yes{rows}{more}",
            tab.token, tab.draft
        );
        self.post(&path, &body)
    }

    /// What came of a publish that has begun.
    fn end_of(&self, begun: &Answer) -> String {
        assert_eq!(
            begun.status,
            303,
            "{}",
            String::from_utf8_lossy(&begun.body)
        );
        let place = begun.header("location");
        assert!(place.starts_with("/publishing/"), "{place}");
        let end = Instant::now() + LIMIT;
        loop {
            let html = self.html(place);
            if html.contains("data-over") {
                return html;
            }
            assert!(Instant::now() < end, "{html}");
            thread::yield_now();
        }
    }
}

fn versions(world: &World) -> usize {
    let log = world.run("home", &["log", "site", "--json"]);
    let log = match log.code {
        0 => log.result(),
        _ => Value::Null,
    };
    log["versions"].as_array().map_or(0, Vec::len)
}

fn edit(world: &World, words: &str) {
    world.write(
        "site/about.md",
        format!("---\ntitle: About\n---\n{words}\n"),
    );
}

#[test]
fn of_two_tabs_the_newer_one_publishes_and_each_once() {
    let world = World::new();
    world.new_site("home", "site");
    let (serve, page) = Page::of(&world);
    let first = page.tab();
    edit(&world, "Second words.");
    let second = page.tab();
    assert_ne!(first.draft, second.draft);
    for stale in [&first.draft, "0000000000000000", "", "x"] {
        let stale = Tab {
            draft: stale.to_owned(),
            token: second.token.clone(),
            html: String::new(),
            rows: second.rows.clone(),
        };
        let answer = page.publish(&stale, "");
        assert!(answer.status != 303 || !answer.header("location").starts_with("/publishing/"));
    }
    assert_eq!(versions(&world), 0);
    // Both tabs at once, by a finger that is too quick.
    let answers: Vec<Answer> = thread::scope(|scope| {
        let tries: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| page.publish(&second, "")))
            .collect();
        tries
            .into_iter()
            .map(|tried| tried.join().unwrap())
            .collect()
    });
    let begun: Vec<&Answer> = answers
        .iter()
        .filter(|a| a.status == 303 && a.header("location").starts_with("/publishing/"))
        .collect();
    assert_eq!(begun.len(), 1);
    assert!(page.end_of(begun[0]).contains("Version 1 is published"));
    assert_eq!(versions(&world), 1);
    page.publish(&second, "");
    page.publish(&first, "");
    assert_eq!(versions(&world), 1);
    assert_eq!(serve.terminate(), 0);
}

#[test]
fn what_was_saved_after_the_page_was_shown_is_not_published_with_it() {
    let world = World::new();
    let address = world.new_site("home", "site");
    let (serve, page) = Page::of(&world);
    edit(&world, "What was shown.");
    let tab = page.tab();
    edit(&world, "What came later.");
    // Another command builds it, into the files that the page has shown.
    world.json("home", &["status", "site"]);
    let end = page.end_of(&page.publish(&tab, ""));
    match versions(&world) {
        0 => assert!(end.contains("Nothing was published"), "{end}"),
        _ => {
            let about = world.run("home", &["show", &format!("{address}/about/index.html")]);
            assert!(about.out().contains("What was shown."), "{}", about.out());
        }
    }
    let tab = page.tab();
    let end = page.end_of(&page.publish(&tab, "&message=later"));
    assert!(end.contains(" is published"), "{end}");
    let about = world.run("home", &["show", &format!("{address}/about/index.html")]);
    assert!(about.out().contains("What came later."), "{}", about.out());
    assert_eq!(serve.terminate(), 0);
}

#[test]
fn a_form_that_is_not_whole_or_too_much_publishes_nothing() {
    let world = World::new();
    world.new_site("home", "site");
    let (serve, page) = Page::of(&world);
    world.write("site/notes.txt", "the key is\nAKIAQ3EGW5TXJ7LM2ZPB\n");
    let tab = page.tab();
    let path = page.review.replace("/review", "/publish");
    let whole = format!("token={}&draft={}", tab.token, tab.draft);
    let long = "m".repeat(513);
    for (more, says) in [
        ("&r=0", "not loaded to its end"),
        ("&complete=yes", "No change is chosen"),
        (
            "&complete=yes&r=99999999999999999999&r=-1&r=x",
            "No change is chosen",
        ),
        (
            "&complete=yes&r=0&message=%1B%5B2J",
            "no control characters",
        ),
        (
            &format!("&complete=yes&r=0&message={long}"),
            "at most 512 bytes",
        ),
        ("&complete=yes&r=0&peers=nonsense", "ticket"),
    ] {
        let answer = page.post(&path, &format!("{whole}{more}"));
        let html = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 422, "{more}: {html}");
        assert!(html.contains(says), "{more}: {html}");
    }
    let huge = format!("{whole}&complete=yes&message={}", "m".repeat(9 << 20));
    assert_eq!(page.post(&path, &huge).status, 400);
    // The same warnings as in the terminal stop it, also who leaves them out of the form.
    let end = page.end_of(&page.publish(&tab, ""));
    assert!(end.contains("Nothing was published"), "{end}");
    assert!(tab.html.contains("name=\"allow\" value=\"secret\""));
    assert_eq!(versions(&world), 0);
    let end = page.end_of(&page.publish(&page.tab(), "&allow=secret&message=%3Cb%3E"));
    assert!(end.contains("Version 1 is published"), "{end}");
    assert_eq!(serve.terminate(), 0);
}

#[test]
fn a_file_is_put_back_when_the_page_says_so_and_by_no_other() {
    let world = World::new();
    world.new_site("home", "site");
    edit(&world, "Published words.");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        format!("publish_source = true\n{settings}"),
    );
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    edit(&world, "Slipped words.");
    let (serve, page) = Page::of(&world);
    let tab = page.tab();
    let old = page.tab();
    let number = (0..tab.rows.len() + 3)
        .find(|n| {
            page.html(&format!("{}/{n}/restore", page.review))
                .contains("about")
        })
        .expect("a row of it");
    let restore = format!("{}/{number}/restore", page.review);
    let draft = page.html(&restore);
    let draft = draft.split("name=\"draft\" value=\"").nth(1).unwrap();
    let draft = draft.split('"').next().unwrap().to_owned();
    assert_eq!(draft, old.draft);
    let slipped = world.read("site/about.md");
    for (path, body) in [
        (
            restore.clone(),
            format!("token={}&draft={}", tab.token, tab.draft),
        ),
        (restore.clone(), format!("token={}", tab.token)),
        (
            restore.replace(&format!("/{number}/"), "/99999/"),
            format!("token={}&draft={draft}", tab.token),
        ),
        (
            restore.replace(&format!("/{number}/"), "/-1/"),
            format!("token={}&draft={draft}", tab.token),
        ),
    ] {
        page.post(&path, &body);
        assert_eq!(world.read("site/about.md"), slipped, "{path} {body}");
    }
    let done = page.post(&restore, &format!("token={}&draft={draft}", tab.token));
    assert_eq!(done.status, 303, "{}", String::from_utf8_lossy(&done.body));
    assert!(world.read("site/about.md").contains("Published words."));
    let kept = world.files("home/kept");
    assert!(kept.into_values().any(|copy| copy == slipped.as_bytes()));
    assert_eq!(serve.terminate(), 0);
}
