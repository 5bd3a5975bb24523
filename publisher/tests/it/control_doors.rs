//! Every route of the control pages, out of the code itself: what is not sent by a page of theirs in a browser that
//! was let in is not done, whichever it is.

use std::net::SocketAddr;

use skep_publisher::{
    archive::address::SiteId, keys, library::folders, store::Relation, swarm::Node,
};

use crate::{
    control::Browser,
    fixture::{Author, Seen, seen},
    web::send,
};

const CODE: &str = include_str!("../../src/gateway/control/routes.rs");

/// A route.
struct Route {
    is_post: bool,
    path: String,
}

/// The routes that the code has, with `site` for any site and 0 for any number.
fn routes(site: SiteId) -> Vec<Route> {
    let mut routes = Vec::new();
    let mut before = "/".to_owned();
    for line in CODE.lines() {
        if line.starts_with("async fn of_site") {
            before = format!("/sites/{site}/");
        }
        let Some((method, rest)) = line
            .trim()
            .strip_prefix('(')
            .and_then(|l| l.split_once(", ["))
        else {
            continue;
        };
        let Some((segments, _)) = rest.split_once("]) =>") else {
            continue;
        };
        if segments.contains("rest @ ..") {
            continue;
        }
        let segments = segments.split(", ").map(|segment| match segment {
            "number" | "job" => "0",
            "" => "",
            literal => {
                let literal = literal.strip_prefix('"').and_then(|l| l.strip_suffix('"'));
                literal.unwrap_or_else(|| panic!("{line}: say here what may stand there"))
            }
        });
        routes.push(Route {
            is_post: match method {
                "true" => true,
                "false" => false,
                _ => panic!("{line}: a route does something, or it does not"),
            },
            path: before.clone() + &segments.collect::<Vec<_>>().join("/"),
        });
    }
    routes
}

/// What a request is, its head, and its body.
type Stranger<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);

/// All that a form of any of these pages could change.
#[derive(Debug, PartialEq)]
struct World {
    own: Seen,
    followed: Option<(Relation, bool)>,
    paused: Option<bool>,
    folders: usize,
    keys: usize,
    done: Vec<&'static str>,
}

fn world(browser: &Browser, author: &Author, node: &Node, followed: SiteId) -> World {
    let store = &node.store;
    let state = |site| store.site(site).unwrap();
    World {
        own: seen(store, author.site),
        followed: state(followed).map(|state| (state.relation, state.paused)),
        paused: state(author.site).map(|state| state.paused),
        folders: folders::list(&author.home).unwrap().len(),
        keys: keys::list(&author.home).unwrap().len(),
        done: browser.done(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_does_anything_for_a_stranger() {
    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    author.publish_at(&desk).await;
    let followed = SiteId([7; 32]);
    desk.store.add_site(followed, Relation::Followed).unwrap();
    let browser = Browser::at(&desk, &author.home).await;
    let world = || world(&browser, &author, &desk, followed);
    let before = world();

    let server = SocketAddr::from(([127, 0, 0, 1], browser.port));
    let host = format!("localhost:{}", browser.port);
    let ours = format!("http://{host}");
    let address = format!("skep://{}", SiteId([8; 32]));
    // Whatever any of the forms needs.
    let fields = format!(
        "title=Bees&theme=default&folder=&address={address}&do=follow&knows=yes&own=yes&freed=0&publish=yes&draft=0&complete=&r=0&version=1&site={followed}&item=x"
    );
    let right = format!("token={}&{fields}", browser.token);
    let cookie = ("Cookie", browser.cookie.as_str());
    let origin = ("Origin", ours.as_str());
    let worthless = browser.cookie.replace('=', "=0");
    let strangers: Vec<Stranger<'_>> = vec![
        ("no cookie", vec![origin], &right),
        (
            "another cookie",
            vec![("Cookie", &worthless), origin],
            &right,
        ),
        ("no token", vec![cookie, origin], &fields),
        ("an empty token", vec![cookie, origin], "token=&title=Bees"),
        (
            "another token",
            vec![cookie, origin],
            "token=0123456789abcdef0123456789abcdef&title=Bees",
        ),
        (
            "another origin",
            vec![cookie, ("Origin", "http://evil.example")],
            &right,
        ),
        (
            "a site that is read here",
            vec![cookie, ("Origin", "http://x.localhost:7537")],
            &right,
        ),
        (
            "an origin without a name",
            vec![cookie, ("Origin", "null")],
            &right,
        ),
        (
            "an origin that is no text",
            vec![cookie, ("Origin", "http://localh\u{f6}st")],
            &right,
        ),
        (
            "another site",
            vec![cookie, ("Sec-Fetch-Site", "cross-site")],
            &right,
        ),
        (
            "a site beside",
            vec![cookie, origin, ("Sec-Fetch-Site", "same-site")],
            &right,
        ),
    ];
    let (mut posts, mut gets) = (0, 0);
    for route in routes(author.site) {
        for path in [
            &route.path,
            &format!("{}?token={}", route.path, browser.token),
        ] {
            if route.is_post {
                posts += 1;
                for (what, headers, body) in &strangers {
                    let answer = send(server, "POST", path, &host, headers, body.as_bytes()).await;
                    assert!(
                        matches!(answer.status, 401 | 403),
                        "{what}: {path}: {}",
                        answer.status
                    );
                    assert_eq!(answer.header("set-cookie"), "", "{what}: {path}");
                    assert!(!answer.text().contains(&browser.token), "{what}: {path}");
                }
                // A link, an image, a tab that is restored.
                for method in ["GET", "HEAD", "PUT", "DELETE"] {
                    let headers = [cookie, origin];
                    send(server, method, path, &host, &headers, right.as_bytes()).await;
                    let query = format!("{}?{right}", route.path);
                    send(server, method, &query, &host, &headers, b"").await;
                }
            } else {
                gets += 1;
                let answer = send(server, "GET", path, &host, &[origin], b"").await;
                assert_eq!(answer.status, 401, "{path}");
                assert!(!answer.text().contains(&browser.token), "{path}");
            }
        }
        assert_eq!(world(), before, "{}", route.path);
    }
    assert!(
        posts >= 20 && gets >= 20,
        "{posts} and {gets} routes are not all"
    );
    assert_eq!(
        CODE.matches("path ==").count() + CODE.matches("path.strip_prefix").count(),
        2,
        "what is answered before the doors is tried here by name"
    );
    let style = send(server, "GET", "/-/style.css", &host, &[], b"").await;
    assert_eq!(style.status, 200);
    let entered = send(
        server,
        "POST",
        "/enter",
        &host,
        &[cookie, origin],
        right.as_bytes(),
    )
    .await;
    assert_eq!((entered.status, entered.header("set-cookie")), (401, ""));

    // The same fields from a page of ours open every one of these doors.
    let routes = routes(author.site)
        .into_iter()
        .filter(|route| route.is_post);
    for route in routes {
        let answer = send(
            server,
            "POST",
            &route.path,
            &host,
            &[cookie, origin],
            right.as_bytes(),
        )
        .await;
        assert!(
            !matches!(answer.status, 401 | 403 | 404),
            "{}: {}",
            route.path,
            answer.status
        );
    }
    assert_ne!(world(), before);
}

/// A program of another user, which only root can start, knows all that lets a browser in.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn another_user_is_kept_out_whatever_is_known() {
    use std::{os::unix::process::CommandExt, process::Command};

    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    let browser = Browser::at(&desk, &author.home).await;
    let ask = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{0}; printf 'GET / HTTP/1.1\\r\\nHost: localhost:{0}\\r\\nCookie: {1}\\r\\nConnection: close\\r\\n\\r\\n' >&3; head -n 1 <&3",
        browser.port, browser.cookie
    );
    let status_for = |user: Option<u32>| {
        let mut bash = Command::new("timeout");
        bash.args(["60", "bash", "-c", &ask]);
        if let Some(user) = user {
            bash.uid(user);
        }
        let said = bash.output().ok()?.stdout;
        Some(String::from_utf8_lossy(&said).trim().to_owned())
    };
    let [own, other] = tokio::task::block_in_place(|| [status_for(None), status_for(Some(65534))]);
    assert_eq!(own.as_deref(), Some("HTTP/1.1 200 OK"));
    // Whoever is not root can't be somebody else.
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| {
        use std::os::unix::fs::MetadataExt;
        process.uid() == 0
    });
    let kept_out = is_root.then_some("HTTP/1.1 403 Forbidden");
    assert_eq!(other.as_deref(), kept_out);
}

/// The same, from the port of a connection of ours on another of this machine's addresses.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn another_user_with_the_port_of_our_connection_is_kept_out() {
    use std::{net::TcpStream, os::unix::process::CommandExt, process::Command};

    let author = Author::new().with("index.html", "one");
    let desk = author.start().await;
    let browser = Browser::at(&desk, &author.home).await;
    let url = format!("http://localhost:{}/", browser.port);
    let cookie = format!("Cookie: {}", browser.cookie);
    let to_server = format!("localhost:{0}:127.0.0.1:{0}", browser.port);
    let status_at = |address: &str, user: u32| {
        let ours = TcpStream::connect(("127.0.0.1", browser.port)).unwrap();
        let port = ours.local_addr().unwrap().port().to_string();
        let mut curl = Command::new("curl");
        curl.args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--max-time",
            "20",
        ]);
        curl.args(["--interface", address, "--local-port", &port]);
        curl.args(["--resolve", &to_server, "-H", &cookie, &url]);
        curl.uid(user);
        let said = curl.output().ok()?;
        Some(String::from_utf8_lossy(&said.stdout).into_owned())
    };
    // Only root can be somebody else, and not every system has curl.
    let statuses = tokio::task::block_in_place(|| {
        let at = (1..=8).map(|n| format!("127.9.8.{n}"));
        at.map(|address| [status_at(&address, 0), status_at(&address, 65534)])
            .collect::<Vec<_>>()
    });
    for [own, other] in statuses {
        if own.as_deref() == Some("200") {
            assert_eq!(other.as_deref(), Some("403"));
        }
    }
}
