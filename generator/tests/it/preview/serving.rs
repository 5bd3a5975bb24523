//! What is served, and to whom.

use std::time::Instant;

use skep_generator::ErrorKind;
use skep_generator::preview::{self, PreviewOptions};

use super::{BOUND, a_site, options, start};

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
        "Cross-Origin-Resource-Policy: same-origin",
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
    assert_eq!(status(&format!("{own}Host: evil.example\r\n")), 400);
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

#[test]
fn a_request_for_a_decomposed_name_is_answered() {
    let site = a_site();
    site.write("assets/e\u{301}.txt", "composed");
    let running = start(&site, options());
    for path in ["/assets/e%CC%81.txt", "/assets/%C3%A9.txt"] {
        let (status, _, body) = running.get(path);
        assert_eq!((status, body.as_str()), (200, "composed"), "{path}");
    }
}
