//! The gateway and the mirror, as servers of files.

use skep_publisher::gateway::{self, mirror};

use crate::{
    fixture::{Author, Other, noise},
    web::{Web, ask, serve},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_served_as_a_web_server_would() {
    let web = Web::new().await;
    for (path, body) in [
        ("/", "<h1>home</h1>"),
        ("/index.html", "<h1>home</h1>"),
        ("/posts/", "<h1>posts</h1>"),
        ("/posts/?q=1", "<h1>posts</h1>"),
        ("/a%20b/%C3%A9.html", "accent"),
        ("/text.txt", "0123456789"),
    ] {
        let answer = web.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body, body.as_bytes(), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-length"), body.len().to_string());
    }
    let html = web.get("/").await;
    assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(web.get("/data.bin").await.body, noise(1, 700_000));
    let missing = web.get("/missing").await;
    assert_eq!(
        (missing.status, &*missing.body),
        (404, &b"<h1>not here</h1>"[..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_redirects_to_itself_and_nowhere_else() {
    let web = Web::new().await;
    for (path, target) in [
        ("/posts", "/posts/"),
        ("//posts", "/posts/"),
        ("//evil.example", "/evil.example/"),
        ("///evil.example", "/evil.example/"),
    ] {
        let answer = web.get(path).await;
        assert_eq!(answer.status, 308, "{path}");
        assert_eq!(answer.header("location"), target);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    for path in [
        "/%2Fevil.example",
        "/%5Cevil.example",
        "/\\evil.example",
        "/%2e/posts",
    ] {
        let answer = web.get(path).await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
        assert_eq!(answer.header("location"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_the_site_is_served() {
    let web = Web::new().await;
    for path in [
        "/../secret",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/posts/%2e%2e/index.html",
        "/..%2f..%2fetc%2fpasswd",
        "/%252e%252e/x",
        "/posts%00",
        "/%ff",
        "/posts//index.html",
        "/C:/x",
    ] {
        let answer = web.get(path).await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.body.windows(5).any(|w| w == b"root:"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn caches_and_ranges() {
    let web = Web::new().await;
    let etag = web.get("/text.txt").await.header("etag").to_owned();
    assert_eq!(etag.len(), 66, "{etag}");
    for tags in [
        etag.clone(),
        format!("\"x\", {etag}"),
        format!("W/{etag}"),
        "*".into(),
    ] {
        let answer = web.with("/text.txt", &[("If-None-Match", &tags)]).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{tags}");
        assert_eq!(answer.header("etag"), etag);
    }
    let stale = web.with("/text.txt", &[("If-None-Match", "\"x\"")]).await;
    assert_eq!(stale.status, 200);

    for (range, status, body, sent) in [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-2", 206, "89", "bytes 8-9/10"),
        ("bytes=0-99999999999999999999", 200, "0123456789", ""),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=18446744073709551615-", 416, "", "bytes */10"),
        (
            "bytes=0-18446744073709551615",
            206,
            "0123456789",
            "bytes 0-9/10",
        ),
        ("bytes=1-2,4-5", 200, "0123456789", ""),
    ] {
        let answer = web.with("/text.txt", &[("Range", range)]).await;
        assert_eq!(answer.status, status, "{range}");
        assert_eq!(answer.body, body.as_bytes(), "{range}");
        assert_eq!(answer.header("content-range"), sent, "{range}");
    }
    let answer = web
        .with("/data.bin", &[("Range", "bytes=299990-600009")])
        .await;
    assert_eq!(answer.body, noise(1, 700_000)[299_990..600_010]);
    let other = [("Range", "bytes=2-4"), ("If-Range", "\"x\"")];
    assert_eq!(web.with("/text.txt", &other).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_sends_no_body_and_other_methods_are_refused() {
    let web = Web::new().await;
    let head = web.ask("HEAD", "/data.bin", &web.host, &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "700000");
    for method in ["POST", "PUT", "DELETE"] {
        let answer = web.ask(method, "/", &web.host, &[]).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_ignores_ranges_and_if_match_is_evaluated_first() {
    let web = Web::new().await;
    let etag = web.get("/text.txt").await.header("etag").to_owned();
    let part = ("Range", "bytes=2-4");
    for (path, length) in [("/text.txt", "10"), ("/data.bin", "700000")] {
        for range in [part, ("Range", "bytes=9000000-")] {
            let head = web.ask("HEAD", path, &web.host, &[range]).await;
            assert_eq!((head.status, head.body.len()), (200, 0), "{path} {range:?}");
            assert_eq!(head.header("content-length"), length, "{path}");
            assert_eq!(head.header("content-range"), "");
        }
    }
    for method in ["GET", "HEAD"] {
        for (condition, status) in [
            (&*etag, 200),
            ("*", 200),
            ("\"x\"", 412),
            (&format!("W/{etag}"), 412),
        ] {
            let headers = [("If-Match", condition), ("If-None-Match", "\"y\"")];
            let answer = web.ask(method, "/text.txt", &web.host, &headers).await;
            assert_eq!(answer.status, status, "{method} {condition}");
        }
        // It is evaluated before all others, and not where there is nothing that it could be about.
        let both = [("If-Match", "\"x\""), ("If-None-Match", &*etag), part];
        let answer = web.ask(method, "/text.txt", &web.host, &both).await;
        assert_eq!((answer.status, answer.body.len()), (412, 0), "{method}");
        assert_eq!(answer.header("etag"), etag);
        let answer = web.ask(method, "/missing", &web.host, &[("If-Match", "*")]);
        assert_eq!(answer.await.status, 404, "{method}");
    }
    // A page in a tab is what the browser has of it, whatever else it asks for.
    let tab = ("Accept", "text/html");
    let shown = ("Sec-Fetch-Dest", "document");
    let page = web.with("/", &[tab, shown]).await;
    let head = web.ask("HEAD", "/", &web.host, &[tab, shown, part]).await;
    assert_eq!(head.header("etag"), page.header("etag"));
    assert_eq!(head.header("content-length"), page.header("content-length"));
    let odd = web.with("/", &[tab, shown, ("Range", "lines=0-1")]).await;
    assert_eq!((odd.status, odd.body), (200, page.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_answers_without_its_ending_after_a_file_and_a_folder_of_that_name() {
    let author = Author::new()
        .with("about.html", "about")
        .with("both.html", "page")
        .with("both/index.html", "folder")
        .with("plain", "file")
        .with("plain.html", "page")
        .with("a b/\u{e9}.html", "accent")
        .with("folder.html/index.html", "odd");
    let web = Web::of(author).await;
    let host = Other::pinning(web.author.site).await;
    let listener = gateway::listen(0).await.unwrap();
    let mirror = gateway::port_of(&listener).unwrap();
    let forever = std::future::pending();
    let node = host.node.clone();
    tokio::spawn(mirror::serve(node, web.author.site, listener, forever));
    web.author.announce(&web.node, &host.node).await.unwrap();
    for (port, name) in [(web.port, &*web.host), (mirror, "anything")] {
        for (path, status, body) in [
            ("/about", 200, "about"),
            ("/about?q=1", 200, "about"),
            ("/about.html", 200, "about"),
            ("/both", 308, "\n"),
            ("/both/", 200, "folder"),
            ("/plain", 200, "file"),
            ("/a%20b/%C3%A9", 200, "accent"),
            ("/folder", 404, "there is no such page on this site\n"),
            ("/about/", 404, "there is no such page on this site\n"),
        ] {
            for _ in 0..2 {
                let answer = ask(port, "GET", path, name, &[]).await;
                let text = String::from_utf8(answer.body).unwrap();
                assert_eq!((answer.status, &*text), (status, body), "{name} {path}");
            }
        }
        let page = ask(port, "GET", "/about", name, &[]).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_control_pages_lists_what_is_kept_and_nothing_else() {
    let web = Web::new().await;
    let host = Other::pinning(web.author.site).await;
    let gateway = serve(&host.node, Vec::new()).await;
    let name = format!("localhost:{}", gateway.port);
    let page = ask(gateway.port, "GET", "/", &name, &[]).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text()
            .contains(&format!("href=\"{}\"", gateway.url_of(web.author.site)))
    );
    // What its owner reads or publishes there is nobody's business.
    let own = web
        .ask("GET", "/", &format!("localhost:{}", web.port), &[])
        .await;
    assert_eq!(own.status, 200);
    assert!(!own.text().contains(&web.author.site.to_string()));
    let other = ask(gateway.port, "GET", "/new", &name, &[]).await;
    assert_eq!(other.status, 404);
    let foreign = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "no-cors"),
    ];
    let foreign = ask(gateway.port, "GET", "/", &name, &foreign).await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_names_of_this_gateway_are_served() {
    let web = Web::new().await;
    let (port, site) = (web.port, web.author.site);
    for stranger in [
        format!("evil.example:{port}"),
        "localhost".into(),
        "127.0.0.1".into(),
        format!("{site}.evil.example:{port}"),
        format!("{site}.localhost:1"),
        format!("v0x1.{site}.localhost:{port}"),
        String::new(),
    ] {
        let answer = web.ask("GET", "/", &stranger, &[]).await;
        assert_eq!(answer.status, 421, "{stranger}");
    }

    let version = |n: u64| format!("v{n}-{site}.localhost:{port}");
    assert_eq!(web.ask("GET", "/", &version(1), &[]).await.status, 200);
    for absent in [0, 2, u64::MAX] {
        let answer = web.ask("GET", "/", &version(absent), &[]).await;
        assert_eq!(answer.status, 404, "{absent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_not_here_is_fetched_or_said_to_be_absent() {
    let web = Web::new().await;
    let reader = Other::new().await;
    let port = serve(&reader.node, vec![web.node.ticket().unwrap().clone()])
        .await
        .port;
    let host = format!("{}.localhost:{port}", web.author.site);
    let answer = ask(port, "GET", "/", &host, &[]).await;
    assert_eq!((answer.status, &*answer.body), (200, &b"<h1>home</h1>"[..]));
    let nobody = Author::new();
    let host = format!("{}.localhost:{port}", nobody.site);
    let absent = ask(port, "GET", "/", &host, &[]).await;
    assert_eq!(absent.status, 504);
    // The page is loaded anew when what it says of the next time is over.
    let wait: u64 = absent.header("refresh").parse().unwrap();
    assert!((2..=7).contains(&wait), "{wait}");
    let within = match wait - 1 {
        1 => "within 1 second,".to_owned(),
        wait => format!("within {wait} seconds,"),
    };
    let text = absent.text();
    assert!(
        text.contains(&within) || !text.contains("asked again"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_serves_one_site_to_everyone() {
    let web = Web::new().await;
    let host = Other::pinning(web.author.site).await;
    let listener = gateway::listen(0).await.unwrap();
    let port = gateway::port_of(&listener).unwrap();
    let forever = std::future::pending();
    let node = host.node.clone();
    tokio::spawn(mirror::serve(node, web.author.site, listener, forever));
    let early = ask(port, "GET", "/", "anything", &[]).await;
    assert_eq!(early.status, 503);
    web.author.announce(&web.node, &host.node).await.unwrap();
    let answer = ask(port, "GET", "/data.bin", "anything", &[]).await;
    assert_eq!((answer.status, answer.body), (200, noise(1, 700_000)));
    let known = ask(port, "GET", "/.well-known/skep", "anything", &[]).await;
    let text = String::from_utf8(known.body).unwrap();
    let expected = format!(
        "{{\"address\":\"skep://{}\",\"version\":1}}\n",
        web.author.site
    );
    assert_eq!(text, expected);
    assert_eq!(known.headers["x-content-type-options"], "nosniff");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_asks_two_hosts_is_refused_by_gateway_and_mirror() {
    let web = Web::new().await;
    let listener = gateway::listen(0).await.unwrap();
    let mirror = gateway::port_of(&listener).unwrap();
    let forever = std::future::pending();
    tokio::spawn(mirror::serve(
        web.node.clone(),
        web.author.site,
        listener,
        forever,
    ));
    for port in [web.port, mirror] {
        let twice = [("Host", "evil.example")];
        assert_eq!(ask(port, "GET", "/", &web.host, &twice).await.status, 400);
        for (target, status) in [
            ("http://evil.example/".to_owned(), 400),
            (format!("https://{}/", web.host), 400),
            (format!("http://{}/", web.host), 200),
        ] {
            let answer = ask(port, "GET", &target, &web.host, &[]).await;
            assert_eq!(answer.status, status, "{port} {target}");
        }
    }
}
