//! What a site says of itself in `skep.json`.

use crate::{
    fixture::Author,
    web::{Web, ask},
};

const PAGE: [(&str, &str); 1] = [("Accept", "text/html,*/*;q=0.8")];

async fn site(manifest: &str) -> Web {
    let author = Author::new()
        .with("index.html", "home")
        .with("app.html", "app")
        .with("404.html", "none")
        .with("skep.json", manifest);
    Web::of(author).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_there_is_the_fallback_page() {
    let web = site(r#"{"fallback_page": "/app.html"}"#).await;
    let page = web.with("/users/7?x=1", &PAGE).await;
    assert_eq!((page.status, &*page.body), (200, &b"app"[..]));
    assert_eq!(page.header("vary"), "accept");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let again = [PAGE[0], ("If-None-Match", page.header("etag"))];
    assert_eq!(web.with("/users/8", &again).await.status, 304);
    assert_eq!(web.with("/", &PAGE).await.body, b"home");
    // A script that asks for data is told that there is none.
    let data = web.with("/users/7.json", &[("Accept", "*/*")]).await;
    assert_eq!((data.status, &*data.body), (404, &b"none"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_the_site_stands_beside_that_of_the_gateway() {
    let web = site(r#"{"csp": "img-src *; script-src 'none'"}"#).await;
    let answer = web.get("/").await;
    let policies: Vec<_> = answer
        .header("content-security-policy")
        .split('\n')
        .collect();
    assert_eq!(policies.len(), 2);
    assert!(policies[0].contains("img-src 'self' data: blob: https:;"));
    assert_eq!(policies[1], "img-src *; script-src 'none'");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_manifest_changes_nothing() {
    for manifest in [
        "{",
        r#"{"csp": "x\r\nSet-Cookie: a=b", "fallback_page": "../../etc/passwd"}"#,
        r#"{"csp": 7, "fallback_page": "not/there.html"}"#,
    ] {
        let web = site(manifest).await;
        let answer = web.with("/missing", &PAGE).await;
        assert_eq!((answer.status, &*answer.body), (404, &b"none"[..]));
        assert_eq!(answer.header("set-cookie"), "");
        let policy = answer.header("content-security-policy");
        assert!(!policy.contains('\n'), "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_has_the_manifest_that_was_published_with_it() {
    let web = site(r#"{"csp": "script-src 'none'"}"#).await;
    web.author
        .write("skep.json", r#"{"csp": "img-src 'none'"}"#);
    web.author.publish_at(&web.node).await;
    let newest = web.get("/").await;
    assert!(
        newest
            .header("content-security-policy")
            .ends_with("\nimg-src 'none'")
    );
    let old = format!("v1-{}", web.host);
    let old = ask(web.port, "GET", "/", &old, &[]).await;
    assert!(
        old.header("content-security-policy")
            .ends_with("\nscript-src 'none'")
    );
}
