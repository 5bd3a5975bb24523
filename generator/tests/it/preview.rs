//! The preview, over real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use skep_generator::ErrorKind;
use skep_generator::preview::{self, Preview, PreviewEvent, PreviewOptions};

use crate::support::{TestSite, now, site};

/// How long anything may take before a test fails.
const BOUND: Duration = Duration::from_secs(20);

fn options() -> PreviewOptions {
    PreviewOptions {
        port: Some(0),
        drafts: false,
        future: false,
        unpublished: false,
        clock: now,
        polling: false,
    }
}

struct Running {
    preview: Preview,
    events: Receiver<PreviewEvent>,
}

fn start(site: &TestSite, options: PreviewOptions) -> Running {
    let (sender, events) = channel();
    let preview = preview::start(site.dir(), options, move |event| {
        let _ = sender.send(event);
    });
    Running {
        preview: preview.unwrap_or_else(|error| panic!("{error}")),
        events,
    }
}

impl Running {
    fn authority(&self) -> &str {
        self.preview
            .url
            .trim_start_matches("http://")
            .trim_end_matches('/')
    }

    fn connect(&self, request: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        BufReader::new(stream)
    }

    /// The status, the headers and the body of the answer to `request`.
    fn answer(&self, request: &str) -> (u16, String, String) {
        let mut text = Vec::new();
        self.connect(request).read_to_end(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String, String) {
        let host = self.authority();
        self.answer(&format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ))
    }

    /// Loads the page at `path` as a browser would, and listens for its changes.
    fn browse(&self, path: &str) -> Listener {
        let (_, _, body) = self.get(path);
        let seen = body
            .split("data-seen=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let mut reader = self.connect(&format!(
            "GET /.skep/events?path={path}&seen={seen} HTTP/1.1\r\nHost: {}\r\n\r\n",
            self.authority()
        ));
        let mut line = String::new();
        while line != "retry: 1000\n" {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0, "the stream ended");
        }
        Listener { reader }
    }

    /// Waits for an event that `wanted` takes.
    fn wait<T>(&self, wanted: impl Fn(PreviewEvent) -> Option<T>) -> T {
        loop {
            let event = self.events.recv_timeout(BOUND).expect("an event");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    fn wait_for_change(&self) -> Vec<String> {
        self.wait(|event| match event {
            PreviewEvent::Changed { paths, .. } => Some(paths),
            _ => None,
        })
    }
}

struct Listener {
    reader: BufReader<TcpStream>,
}

impl Listener {
    /// The next event: its name and its data.
    fn next(&mut self) -> (String, String) {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            assert!(
                self.reader.read_line(&mut line).unwrap() > 0,
                "the stream ended"
            );
            if let Some(event) = line.strip_prefix("event: ") {
                name = event.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data:") {
                return (name, data.trim().to_owned());
            }
        }
    }
}

fn a_site() -> TestSite {
    site(&[
        ("_layouts/default.html", "<body>{{ content | safe }}</body>"),
        (
            "index.html",
            "---\n---\n{% for p in site.posts %}{{ p.title }} {% endfor %}",
        ),
        ("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nold\n"),
        ("other.md", "---\n---\nother\n"),
        ("assets/x.css", "a{}"),
        ("assets/y.png", "not really"),
    ])
}

#[test]
fn serves_the_site_with_the_right_headers() {
    let site = a_site();
    let running = start(&site, options());
    let (status, head, body) = running.get("/");
    assert_eq!(status, 200);
    assert!(
        body.contains("A") && body.contains("<script src=\"/.skep/preview.js\""),
        "{body}"
    );
    for header in [
        "text/html; charset=utf-8",
        "Cache-Control: no-store",
        "nosniff",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
    for (path, media) in [
        ("/assets/x.css", "text/css"),
        ("/assets/y.png", "image/png"),
        ("/.skep/preview.js", "text/javascript"),
    ] {
        let (status, head, body) = running.get(path);
        assert_eq!(status, 200);
        assert!(
            head.contains(media) && !body.contains("/.skep/preview.js\" data"),
            "{path}"
        );
    }
    let (status, head, _) = running.get("/2026/01/02/a?x=1");
    assert_eq!(status, 302);
    assert!(head.contains("Location: /2026/01/02/a/?x=1"), "{head}");
    let (status, _, body) = running.get("/no/such");
    assert_eq!(status, 404);
    assert!(body.contains("/.skep/preview.js"));
    let host = running.authority().to_owned();
    let (status, _, body) = running.answer(&format!(
        "HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!((status, body.as_str()), (200, ""));
    let (status, ..) = running.answer(&format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!(status, 405);
    running.preview.stop();
}

#[test]
fn answers_to_localhost_only() {
    let site = a_site();
    let running = start(&site, options());
    let port = running.authority().rsplit(':').next().unwrap().to_owned();
    let status = |headers: &str| {
        running
            .answer(&format!(
                "GET / HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"
            ))
            .0
    };
    for host in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"] {
        assert_eq!(status(&format!("Host: {host}:{port}\r\n")), 200, "{host}");
    }
    for host in [
        "evil.example",
        "localhost",
        "localhost:1",
        "127.0.0.1.evil.example",
    ] {
        assert_eq!(status(&format!("Host: {host}\r\n")), 403, "{host}");
        let with_port = format!("Host: {host}.x:{port}\r\n");
        assert_eq!(status(&with_port), 403, "{with_port}");
    }
    assert_eq!(status(""), 403);
    let own = format!("Host: localhost:{port}\r\n");
    assert_eq!(status(&format!("{own}Host: evil.example\r\n")), 403);
    assert_eq!(
        status(&format!("{own}Origin: http://localhost:{port}\r\n")),
        200
    );
    assert_eq!(
        status(&format!("{own}Origin: http://evil.example\r\n")),
        403
    );
    assert_eq!(status(&format!("{own}Origin: null\r\n")), 403);
}

#[test]
fn never_serves_what_is_outside_the_site() {
    let site = a_site();
    site.write(".env", "SECRET");
    let running = start(&site, options());
    for path in [
        "/skep.toml",
        "/.env",
        "/_posts/2026-01-02-a.md",
        "/../skep.toml",
        "/%2e%2e/skep.toml",
        "/assets/../skep.toml",
        "/assets%2f..%2fskep.toml",
        "//etc/passwd",
        "/..%5cskep.toml",
        "/_layouts/default.html",
        "//127.0.0.1/",
    ] {
        let (status, head, body) = running.get(path);
        assert!(
            status == 404 && !body.contains("SECRET"),
            "{path}: {status}"
        );
        assert!(!head.contains("Location"), "{path}");
    }
}

#[test]
fn a_change_reloads_the_pages_that_it_changes_and_no_others() {
    let site = a_site();
    let running = start(&site, options());
    let mut post = running.browse("/2026/01/02/a/");
    let mut other = running.browse("/other/");
    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nnew\n");
    assert_eq!(running.wait_for_change(), ["_posts/2026-01-02-a.md"]);
    assert_eq!(post.next().0, "reload");
    assert!(running.get("/2026/01/02/a/").2.contains("new"));

    // The first that the other page hears of is something else.
    site.write("assets/x.css", "b{}");
    assert_eq!(other.next().0, "styles");
}

#[test]
fn an_editor_that_writes_by_rename_is_noticed() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write(".a.tmp", "---\ntitle: Renamed\n---\n");
    std::fs::rename(site.path(".a.tmp"), site.path("_posts/2026-01-02-a.md")).unwrap();
    assert_eq!(home.next().0, "reload");
    assert!(running.get("/").2.contains("Renamed"));
}

#[test]
fn a_stylesheet_is_swapped_without_a_reload() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("assets/x.css", "b{}");
    assert_eq!(home.next().0, "styles");
    assert_eq!(running.get("/assets/x.css").2, "b{}");
}

#[test]
fn an_error_lies_over_the_page_until_it_is_mended() {
    let site = a_site();
    let running = start(&site, options());
    let mut home = running.browse("/");
    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\ndate: x\n---\n");
    let (name, data) = home.next();
    assert_eq!(name, "failed");
    let errors: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(errors[0]["file"], "_posts/2026-01-02-a.md");
    assert_eq!(errors[0]["line"], 3);
    assert_eq!(errors[0]["excerpt"], "date: x");
    running.wait(|event| matches!(event, PreviewEvent::Failed(_)).then_some(()));
    // Meanwhile the last good page is shown, and a browser that comes is told.
    assert_eq!(running.get("/").0, 200);
    assert_eq!(running.browse("/").next().0, "failed");

    site.write("_posts/2026-01-02-a.md", "---\ntitle: A\n---\nold\n");
    assert_eq!(home.next().0, "mended");
    running.wait(|event| matches!(event, PreviewEvent::Mended).then_some(()));
}

#[test]
fn a_broken_page_shows_its_error_and_reloads_when_it_is_mended() {
    let site = a_site();
    site.write("bad.html", "---\n---\n{{ page.nothing.more }}");
    let running = start(&site, options());
    let (status, _, body) = running.get("/bad/");
    assert_eq!(status, 500);
    assert!(body.contains("bad.html:3:"), "{body}");
    let mut bad = running.browse("/bad/");
    site.write("bad.html", "---\n---\nfine");
    assert_eq!(bad.next().0, "reload");
    assert_eq!(running.get("/bad/").0, 200);
}

#[test]
fn a_site_that_is_broken_at_the_start_or_in_its_settings_goes_on_when_mended() {
    let site = a_site();
    site.write("skep.toml", "title = \n");
    let running = start(&site, options());
    running.wait(|event| matches!(event, PreviewEvent::Failed(_)).then_some(()));
    assert_eq!(running.get("/").0, 500);
    let mut home = running.browse("/");
    site.write("skep.toml", "title = 'T'\n");
    assert_eq!(home.next().0, "reload");
    assert_eq!(running.get("/").0, 200);
}

#[test]
fn polling_notices_changes_too() {
    let site = a_site();
    let running = start(
        &site,
        PreviewOptions {
            polling: true,
            ..options()
        },
    );
    let mut home = running.browse("/");
    site.write("_posts/2026-01-03-b.md", "---\ntitle: New\n---\n");
    assert_eq!(home.next().0, "reload");
}

#[test]
fn a_post_that_becomes_due_appears() {
    fn clock() -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
    let site = a_site();
    let due = clock() + Duration::from_secs(2);
    site.write("soon.md", "---\n---\n");
    site.write(
        "_posts/2026-01-02-a.md",
        &format!("---\ntitle: Due\ndate: {due}\n---\n"),
    );
    let running = start(&site, PreviewOptions { clock, ..options() });
    assert!(!running.get("/").2.contains("Due"));
    let mut home = running.browse("/");
    assert_eq!(home.next().0, "reload");
    assert!(running.get("/").2.contains("Due"));
}

#[test]
fn ports() {
    let site = a_site();
    let first = start(&site, options());
    let port = first
        .authority()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let taken = preview::start(
        site.dir(),
        PreviewOptions {
            port: Some(port),
            ..options()
        },
        |_| {},
    );
    assert_eq!(taken.unwrap_err().kind, ErrorKind::Preview);
    first.preview.stop();
    // A stopped preview lets its port go, though perhaps not in the same instant.
    let started = Instant::now();
    while let Err(error) = preview::start(
        site.dir(),
        PreviewOptions {
            port: Some(port),
            ..options()
        },
        |_| {},
    ) {
        assert!(started.elapsed() < BOUND, "{error}");
        std::thread::yield_now();
    }

    let moved = start(
        &site,
        PreviewOptions {
            port: None,
            ..options()
        },
    );
    let again = start(
        &site,
        PreviewOptions {
            port: None,
            ..options()
        },
    );
    assert!(again.preview.port_moved);
    assert_ne!(moved.authority(), again.authority());
}

#[test]
fn a_folder_that_is_no_site_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for dir in [folder.path().to_owned(), folder.path().join("x")] {
        let error = preview::start(&dir, options(), |_| {}).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoSite);
    }
}
