//! What programs other than a kind browser send.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

use skep_generator::preview::PreviewOptions;

use crate::support::site;

use super::{a_site, options, start};

#[test]
fn a_part_of_a_film_can_be_asked_for() {
    let site = site(&[("film.mp4", "0123456789"), ("empty.mp4", "")]);
    let running = start(&site, options());
    let part = |headers: &str| running.get_with("/film.mp4", headers);
    let (status, head, body) = part("");
    assert_eq!((status, body.as_str()), (200, "0123456789"));
    assert!(
        head.contains("Accept-Ranges: bytes") && head.contains("video/mp4"),
        "{head}"
    );
    let tag = head.split("ETag: ").nth(1).unwrap();
    let tag = tag.split("\r\n").next().unwrap().to_owned();

    let (status, head, body) = part("Range: bytes=2-4\r\n");
    assert_eq!((status, body.as_str()), (206, "234"));
    assert!(head.contains("Content-Range: bytes 2-4/10"), "{head}");
    assert_eq!(part("Range: bytes=-2\r\n").2, "89");
    assert_eq!(part("Range: bytes=0-1,4-5\r\n").0, 200);
    let (status, head, _) = part("Range: bytes=10-\r\n");
    assert_eq!(status, 416);
    assert!(head.contains("Content-Range: bytes */10"), "{head}");
    assert_eq!(running.get_with("/empty.mp4", "Range: bytes=0-\r\n").0, 416);

    assert_eq!(
        part(&format!("Range: bytes=2-4\r\nIf-Range: {tag}\r\n")).0,
        206
    );
    assert_eq!(part("Range: bytes=2-4\r\nIf-Range: \"other\"\r\n").0, 200);
    let (status, _, body) = part(&format!("If-None-Match: W/{tag}\r\n"));
    assert_eq!((status, body.as_str()), (304, ""));
    site.write("film.mp4", "01234567890");
    assert_eq!(part(&format!("If-None-Match: {tag}\r\n")).0, 200);
}

#[test]
fn head_ignores_ranges_and_if_match_is_evaluated_first() {
    let site = site(&[("film.mp4", "0123456789"), ("index.md", "Home")]);
    let running = start(&site, options());
    let host = running.authority().to_owned();
    let ask = |method: &str, path: &str, headers: &str| {
        running.answer(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"
        ))
    };
    let (_, head, _) = ask("GET", "/film.mp4", "");
    let tag = head.split("ETag: ").nth(1).unwrap();
    let tag = tag.split("\r\n").next().unwrap().to_owned();
    for range in ["bytes=2-4", "bytes=10-"] {
        let (status, head, body) = ask("HEAD", "/film.mp4", &format!("Range: {range}\r\n"));
        assert_eq!((status, body.as_str()), (200, ""), "{range}");
        assert!(head.contains("Content-Length: 10"), "{head}");
        assert!(!head.contains("Content-Range"), "{head}");
    }
    for method in ["GET", "HEAD"] {
        for (path, headers, wanted) in [
            ("/film.mp4", format!("If-Match: \"a\", {tag}\r\n"), 200),
            ("/film.mp4", "If-Match: \"a\"\r\n".to_owned(), 412),
            ("/film.mp4", format!("If-Match: W/{tag}\r\n"), 412),
            (
                "/film.mp4",
                format!("If-Match: \"a\"\r\nIf-None-Match: {tag}\r\n"),
                412,
            ),
            (
                "/film.mp4",
                format!("If-Match: {tag}\r\nIf-None-Match: {tag}\r\n"),
                304,
            ),
            (
                "/film.mp4",
                "If-Match: \"a\"\r\nRange: bytes=2-4\r\n".to_owned(),
                412,
            ),
            ("/", "If-Match: *\r\n".to_owned(), 200),
            ("/", "If-Match: \"a\"\r\n".to_owned(), 412),
            ("/missing", "If-Match: \"a\"\r\n".to_owned(), 404),
        ] {
            assert_eq!(
                ask(method, path, &headers).0,
                wanted,
                "{method} {path} {headers}"
            );
        }
    }
}

#[test]
fn a_page_answers_without_its_ending_after_a_file_and_a_folder_of_that_name() {
    let site = site(&[
        ("about.html", "about"),
        ("both.html", "page"),
        ("both/index.html", "folder"),
        ("plain", "file"),
        ("plain.html", "page"),
    ]);
    let running = start(&site, options());
    for (path, status, text) in [
        ("/about", 200, "about"),
        ("/about.html", 200, "about"),
        ("/both", 302, ""),
        ("/both/", 200, "folder"),
        ("/plain", 200, "file"),
    ] {
        let (found, _, body) = running.get(path);
        assert_eq!(found, status, "{path}");
        assert!(body.contains(text), "{path}: {body}");
    }
    assert_eq!(running.get("/about/").0, 404);
}

#[test]
fn the_pages_of_the_review_and_no_other_show_the_preview_in_a_frame() {
    let site = a_site();
    let review = || PreviewOptions {
        review_url: Some("http://localhost:7537/sites/x/review".to_owned()),
        ..options()
    };
    let frame = |referer: &str| {
        format!(
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n\
             Referer: {referer}\r\n"
        )
    };
    let running = start(&site, review());
    for (referer, status) in [
        ("http://localhost:7537/", 200),
        ("http://localhost:7538/", 403),
        ("http://x.localhost:7537/", 403),
        ("http://127.0.0.1:7537/", 403),
    ] {
        let (found, head, _) = running.get_with("/", &frame(referer));
        assert_eq!(found, status, "{referer}");
        let policy = "Content-Security-Policy: frame-ancestors 'self' http://localhost:7537\r\n";
        assert!(head.contains(policy), "{head}");
    }
    let alone = start(&site, options());
    let (status, head, _) = alone.get_with("/", &frame("http://localhost:7537/"));
    assert_eq!(status, 403);
    assert!(
        head.contains("Content-Security-Policy: frame-ancestors 'self'\r\n"),
        "{head}"
    );
}

#[test]
fn what_is_made_has_a_tag_too_but_a_page_is_asked_for_each_time() {
    let site = a_site();
    site.write("data.json", "---\nlayout: null\n---\n{}");
    let running = start(&site, options());
    for path in ["/data.json", "/.skep/preview.js", "/assets/x.css"] {
        let (_, head, _) = running.get(path);
        let tag = head
            .split("ETag: ")
            .nth(1)
            .unwrap_or_else(|| panic!("{path}: {head}"));
        let tag = tag.split("\r\n").next().unwrap();
        assert!(head.contains("Cache-Control: no-cache"), "{head}");
        let (status, ..) = running.get_with(path, &format!("If-None-Match: \"a\", {tag}\r\n"));
        assert_eq!(status, 304, "{path}");
    }
    let (_, head, _) = running.get("/");
    assert!(
        head.contains("no-store") && !head.contains("ETag"),
        "{head}"
    );
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let site = a_site();
    let running = start(&site, options());
    let host = running.authority().to_owned();
    let mut both = String::new();
    let request = format!("GET /assets/x.css HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let last = format!("HEAD /assets/x.css HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let sent = format!("{request}{request}{last}");
    running.connect(&sent).read_to_string(&mut both).unwrap();
    assert_eq!(both.matches("HTTP/1.1 200 OK").count(), 3);
    assert_eq!(both.matches("a{}").count(), 2);
}

#[test]
fn targets_in_other_forms() {
    let site = a_site();
    let running = start(&site, options());
    let host = running.authority().to_owned();
    let status = |target: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        running.answer(&request).0
    };
    assert_eq!(status(&format!("http://{host}/assets/x.css")), 200);
    assert_eq!(status("http://evil.example/assets/x.css"), 400);
    assert_eq!(running.get_with("/", &format!("Host: {host}\r\n")).0, 400);
    for target in [
        "*",
        "assets/x.css",
        "https://localhost/",
        "/%",
        "/%00",
        "/%ff",
    ] {
        assert_eq!(status(target), 400, "{target}");
    }
    let long = "a".repeat(100_000);
    assert_eq!(status(&format!("/{long}")), 414);
    let body = format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 34\r\n\r\nGET / HTTP/1.1\r\nHost: {host}\r\n\r\n"
    );
    assert_eq!(running.answer(&body).0, 405);
    assert_eq!(
        running.get_with("/", "Origin: http://evil.example\r\n").0,
        403
    );
    let image =
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n";
    assert_eq!(running.get_with("/assets/y.png", image).0, 403);
}

#[test]
fn neither_many_connections_nor_slow_ones_keep_others_out() {
    let site = a_site();
    site.write("big.bin", &"x".repeat(32 << 20));
    let running = start(&site, options());
    let host = running.authority().to_owned();
    let mut home = running.browse("/");
    // Some ask for much and read nothing, some do not end their request, most say nothing at all.
    let slow: Vec<TcpStream> = (0..200)
        .map(|number| {
            let mut stream = TcpStream::connect(&host).unwrap();
            // The server may have ended it already.
            let _ = match number {
                0..8 => write!(stream, "GET /big.bin HTTP/1.1\r\nHost: {host}\r\n\r\n"),
                8..40 => write!(stream, "GET / HTTP/1.1\r\nHo"),
                _ => Ok(()),
            };
            stream
        })
        .collect();
    assert_eq!(running.get("/").0, 200);
    site.write("_posts/2026-01-02-a.md", "---\ntitle: Still here\n---\n");
    assert_eq!(home.next().0, "reload");
    assert!(running.get("/").2.contains("Still here"));
    drop(slow);
    running.preview.stop();
}

#[test]
fn a_preview_that_is_stopped_sends_everybody_away() {
    let site = a_site();
    let running = start(&site, options());
    let home = running.browse("/");
    running.preview.stop();
    let mut reader = home.reader;
    let mut rest = String::new();
    while !rest.ends_with("\r\n0\r\n\r\n") {
        assert!(reader.read_line(&mut rest).unwrap() > 0, "it ended early");
    }
}

#[test]
fn a_head_that_does_not_end_is_not_kept_in_memory() {
    let site = a_site();
    let running = start(&site, options());
    let host = running.authority().to_owned();
    for (start, status) in [("GET /", "414"), ("GET / HTTP/1.1\r\nX: ", "431")] {
        let mut stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(super::BOUND)).unwrap();
        stream.write_all(start.as_bytes()).unwrap();
        // Far more than the system keeps for a reader; the server ends the connection long before.
        let piece = [b'a'; 1 << 16];
        let taken = (0..1000)
            .take_while(|_| stream.write_all(&piece).is_ok())
            .count();
        assert!(taken < 1000, "{start}: it was all read");
        let mut answer = Vec::new();
        // The system may have thrown the answer away by then.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.is_empty() || answer.contains(status), "{answer}");
    }
    assert_eq!(running.get("/").0, 200);
}

#[test]
fn so_many_connections_and_no_more_are_open_at_once() {
    let site = a_site();
    let running = start(&site, options());
    let host = running.authority().to_owned();
    let mut open: Vec<TcpStream> = (0..700)
        .map(|_| TcpStream::connect(&host).unwrap())
        .collect();
    // They are let in one after the other: the last is sent away.
    let last = open.last_mut().unwrap();
    last.set_read_timeout(Some(super::BOUND)).unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    drop(open);
    let begun = std::time::Instant::now();
    while running.get("/").0 != 200 {
        assert!(
            begun.elapsed() < super::BOUND,
            "those who are gone still count"
        );
    }
}
