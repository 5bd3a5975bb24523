//! What keeps sites apart in a browser: names, headers, and who may ask.

use crate::{
    control::Browser,
    fixture::Author,
    web::{Web, ask, ask_at},
};

/// What a browser sends when a page of `site` shows or loads something else.
fn asked_by(site: &str, mode: &str, dest: &str) -> [(&'static str, String); 3] {
    [
        ("Sec-Fetch-Site", site.to_owned()),
        ("Sec-Fetch-Mode", mode.to_owned()),
        ("Sec-Fetch-Dest", dest.to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_site_answers_keeps_it_in_its_frame() {
    let web = Web::new().await;
    let version = format!("v1-{}", web.host);
    let unknown = format!("v7-{}", web.host);
    let nobody = format!("{}.localhost:{}", Author::new().site, web.port);
    for (host, path, status) in [
        (&web.host, "/", 200),
        (&web.host, "/data.bin", 200),
        (&web.host, "/missing", 404),
        (&web.host, "/posts", 308),
        (&version, "/", 200),
        (&unknown, "/", 404),
        (&nobody, "/", 504),
    ] {
        let answer = web.ask("GET", path, host, &[]).await;
        assert_eq!(answer.status, status, "{host}{path}");
        let policy = answer.header("content-security-policy");
        for part in [
            "frame-ancestors 'self'",
            "default-src 'self' data: blob:",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' data: blob:;",
        ] {
            assert!(policy.contains(part), "{host}{path}: {policy}");
        }
        // Plain HTTP is how the control pages and all other sites are reached.
        assert!(!policy.contains("http:") && !policy.contains("localhost"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin-allow-popups"),
            ("referrer-policy", "same-origin"),
            ("origin-agent-cluster", "?1"),
            ("access-control-allow-origin", ""),
            ("service-worker-allowed", ""),
            ("set-cookie", ""),
        ] {
            assert_eq!(answer.header(name), value, "{host}{path}: {name}");
        }
        let permissions = answer.header("permissions-policy");
        assert!(permissions.contains("camera=()"), "{permissions}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_elsewhere_can_not_load_a_site_or_learn_whether_it_is_here() {
    let web = Web::new().await;
    let nobody = format!("{}.localhost:{}", Author::new().site, web.port);
    let mut refusals = Vec::new();
    for host in [&web.host, &nobody] {
        for (site, mode, dest) in [
            ("cross-site", "no-cors", "image"),
            ("cross-site", "cors", "empty"),
            ("same-site", "no-cors", "script"),
            ("cross-site", "navigate", "iframe"),
        ] {
            let headers = asked_by(site, mode, dest);
            let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let answer = web.ask("GET", "/", host, &headers).await;
            assert_eq!(answer.status, 403, "{site} {mode} {dest}");
            refusals.push(answer.body);
        }
        let origin = [("Origin", "http://evil.example")];
        refusals.push(web.ask("GET", "/", host, &origin).await.body);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1);

    // A link is followed, and the site itself loads what it has.
    let own = format!("http://{}", web.host);
    for (site, mode, dest) in [
        ("cross-site", "navigate", "document"),
        ("same-origin", "cors", "empty"),
        ("same-origin", "cors", "font"),
        ("same-origin", "no-cors", "script"),
    ] {
        let headers = asked_by(site, mode, dest);
        let mut headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        if mode == "cors" {
            headers.push(("Origin", &own));
        }
        let answer = web.with("/text.txt", &headers).await;
        assert_eq!(answer.status, 200, "{site} {mode} {dest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_pages_and_no_other_show_a_site_in_a_frame() {
    let web = Web::new().await;
    let browser = Browser::at(&web.node, &web.author.home).await;
    let port = browser.port;
    let host = format!("{}.localhost:{port}", web.author.site);
    let ours = format!("http://localhost:{port}");
    let frame = asked_by("cross-site", "navigate", "iframe");
    let asked = |referer: &str| {
        let mut headers = frame.clone().map(|(n, v)| (n, v)).to_vec();
        headers.push(("Referer", referer.to_owned()));
        headers
    };
    for (referer, path, status) in [
        (format!("{ours}/"), "/", 200),
        (format!("{ours}/"), "/posts", 308),
        (format!("{ours}/"), "/missing", 404),
        (format!("http://localhost:{}/", port - 1), "/", 403),
        (format!("http://127.0.0.1:{port}/"), "/", 403),
        (format!("http://{}/", web.host), "/", 403),
        (String::new(), "/", 403),
    ] {
        let headers = asked(&referer);
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let answer = ask(port, "GET", path, &host, &headers).await;
        assert_eq!(answer.status, status, "{referer}{path}");
        // The browser keeps to it whoever the frame is in, and at every depth.
        let policy = answer.header("content-security-policy");
        let last = policy.rsplit("; ").next().unwrap();
        assert_eq!(last, format!("frame-ancestors 'self' {ours}"), "{policy}");
    }
    // Without control pages nobody does.
    let headers = asked(&format!("http://localhost:{}/", web.port));
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(web.with("/", &headers).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_has_a_name_beside_that_of_its_site() {
    let web = Web::new().await;
    let (site, port) = (web.author.site, web.port);
    let beside = format!("v1-{site}.localhost:{port}");
    assert_eq!(web.ask("GET", "/", &beside, &[]).await.status, 200);
    let below = format!("v1.{site}.localhost:{port}");
    let answer = web.ask("GET", "/posts/?q=1", &below, &[]).await;
    assert_eq!(answer.status, 308);
    let target = format!("http://v1-{site}.localhost:{port}/posts/?q=1");
    assert_eq!(answer.header("location"), target);
    let answer = web.ask("POST", "/", &below, &[]).await;
    assert_eq!((answer.status, answer.header("location")), (421, ""));
    assert_eq!(
        web.gateway.url_of_version(site, 99_999).unwrap(),
        format!("http://v99999-{site}.localhost:{port}/")
    );
    let error = web.gateway.url_of_version(site, 100_000).unwrap_err();
    assert!(error.message.contains("up to 99999"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_pages_alone_learn_that_names_below_localhost_resolve() {
    let web = Web::new().await;
    let host = format!("probe.localhost:{}", web.port);
    let answer = web.ask("GET", "/", &host, &[]).await;
    assert_eq!(answer.status, 204);
    let allowed = answer.header("access-control-allow-origin");
    assert_eq!(allowed, format!("http://localhost:{}", web.port));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_names_below_localhost_each_site_has_an_address_for_ever() {
    let web = Web::new().await;
    let other = Author::new().with("index.html", "another");
    skep_publisher::keys::import(
        &web.author.home,
        &skep_publisher::keys::export(&other.home, other.site).unwrap(),
    )
    .unwrap();
    other.publish_at(&web.node).await;
    let mut addresses = Vec::new();
    for (site, body) in [(web.author.site, "<h1>home</h1>"), (other.site, "another")] {
        let url = web.gateway.fallback_url(site).await.unwrap();
        assert_eq!(web.gateway.fallback_url(site).await.unwrap(), url);
        let host = url.strip_prefix("http://").unwrap().trim_end_matches('/');
        let address: std::net::SocketAddr = host.parse().unwrap();
        assert!(address.ip().is_loopback());
        let answer = ask_at(address, "GET", "/", host, &[]).await;
        assert_eq!((answer.status, &*answer.body), (200, body.as_bytes()));
        for stranger in [&*web.host, "evil.example", "localhost"] {
            let answer = ask_at(address, "GET", "/", stranger, &[]).await;
            assert_eq!(answer.status, 421, "{stranger}");
        }
        addresses.push(address);
    }
    // Cookies reach every port of an address.
    assert_ne!(addresses[0].ip(), addresses[1].ip());
    let next = crate::web::serve(&web.node, Vec::new()).await;
    let url = next.fallback_url(other.site).await.unwrap();
    assert!(!url.contains(&addresses[0].to_string()), "{url}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_version_says_that_it_is_old() {
    let web = Web::new().await;
    web.author.write("index.html", "new");
    web.author.publish_at(&web.node).await;
    let old = format!("v1-{}", web.host);
    let tab = [("Accept", "text/html"), ("Sec-Fetch-Dest", "document")];
    let page = web.ask("GET", "/posts/?a=1&b=%22", &old, &tab).await;
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert!(text.starts_with("<h1>posts</h1>\n"), "{text}");
    assert!(
        text.contains("Version 1 of 2, published on 2026-11-23."),
        "{text}"
    );
    let link = format!("href=\"http://{}/posts/?a=1&amp;b=%22\"", web.host);
    assert!(text.contains(&link), "{text}");
    assert_eq!(page.header("content-length"), page.body.len().to_string());
    let head = web.ask("HEAD", "/posts/?a=1&b=%22", &old, &tab).await;
    assert_eq!(head.header("content-length"), page.header("content-length"));
    let again = [tab[0], tab[1], ("If-None-Match", page.header("etag"))];
    assert_eq!(
        web.ask("GET", "/posts/?a=1&b=%22", &old, &again)
            .await
            .status,
        304
    );
    let style = web.ask("GET", "/.well-known/skep/bar.css", &old, &[]).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    // A part of a page, a part of a file, what is no page, and the newest version are as they were published.
    let frame = [("Accept", "text/html"), ("Sec-Fetch-Dest", "iframe")];
    let plain = web.ask("GET", "/posts/", &old, &frame).await;
    assert_eq!(plain.body, b"<h1>posts</h1>");
    assert_ne!(plain.header("etag"), page.header("etag"));
    let range = [tab[0], tab[1], ("Range", "bytes=0-3")];
    assert_eq!(web.ask("GET", "/posts/", &old, &range).await.body, b"<h1>");
    assert_eq!(
        web.ask("GET", "/text.txt", &old, &tab).await.body,
        b"0123456789"
    );
    let newest = web.with("/", &tab).await;
    assert!(newest.body.starts_with(b"new"));
    assert!(!String::from_utf8(newest.body).unwrap().contains("skep-bar"));
}
