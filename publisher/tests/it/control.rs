//! The control pages: a browser that was let in, and who is kept out.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use skep_publisher::{
    archive::{address::SiteId, head::Head},
    gateway::{
        self,
        control::{
            Access, Control,
            workshop::{
                Draft, Forked, NewFork, NewWebsite, Place, Refusal, Restored, Theme, Wanted,
                Workshop,
            },
        },
        local::{self, Gateway},
    },
    home::Home,
    library::folders::{self, Folder},
    swarm::Node,
};

use crate::{
    fixture::Other,
    web::{Answer, send},
};

/// A program around the pages that makes websites without content, and builds none.
pub(crate) struct Bench {
    home: Home,
    previews: Mutex<BTreeMap<SiteId, String>>,
    /// What it was asked to do.
    done: Mutex<Vec<&'static str>>,
}

impl Bench {
    fn does(&self, what: &'static str) {
        self.done.lock().unwrap().push(what);
    }
}

impl Workshop for Bench {
    fn themes(&self) -> Vec<Theme> {
        vec![Theme {
            name: "default".into(),
            description: "plain".into(),
        }]
    }

    fn websites_folder(&self) -> PathBuf {
        self.home.root().join("websites")
    }

    fn create(&self, wanted: &NewWebsite) -> Result<SiteId, Refusal> {
        self.does("create");
        let site = skep_publisher::keys::create(&self.home)?;
        let folder = Folder {
            dir: self.websites_folder().join("new"),
            title: wanted.title.clone(),
        };
        folders::remember(&self.home, site, &folder)?;
        Ok(site)
    }

    fn fork(&self, wanted: &NewFork) -> Result<Forked, Refusal> {
        self.does("fork");
        let folder = self.websites_folder().join(&wanted.folder);
        skep_publisher::checkout::check_target(&folder)?;
        Ok(Forked {
            site: skep_publisher::keys::create(&self.home)?,
            title: wanted.title.clone(),
            folder,
            command: Some("make <all>".into()),
            missing: vec!["lost.html".into()],
            url: None,
        })
    }

    fn preview(&self, site: SiteId) -> Option<String> {
        self.previews.lock().unwrap().get(&site).cloned()
    }

    fn start_preview(&self, site: SiteId) -> Result<String, Refusal> {
        self.does("start");
        let url = "http://127.0.0.1:4000/".to_owned();
        self.previews.lock().unwrap().insert(site, url.clone());
        Ok(url)
    }

    fn stop_preview(&self, site: SiteId) {
        self.does("stop");
        self.previews.lock().unwrap().remove(&site);
    }

    fn draft(&self, _: SiteId) -> Result<Draft, Refusal> {
        Err(Refusal::new("nothing is built here"))
    }

    fn choose_sources(&self, _: SiteId, _: bool) -> Result<(), Refusal> {
        self.does("choose");
        Err(Refusal::new("nothing is written here"))
    }

    fn sign(&self, _: Draft, _: &Wanted, _: &dyn Fn(&str)) -> Result<Head, Refusal> {
        self.does("sign");
        Err(Refusal::new("nothing is signed here"))
    }

    fn restore(&self, _: &Draft, _: Place<'_>) -> Result<Restored, Refusal> {
        self.does("restore");
        Err(Refusal::new("nothing is put back here"))
    }
}

/// A browser at the control pages of a node.
pub(crate) struct Browser {
    pub(crate) port: u16,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) cookie: String,
    pub(crate) token: String,
    bench: Arc<Bench>,
}

impl Browser {
    /// Lets a browser in at new pages of a node on `home`.
    pub(crate) async fn at(node: &Arc<Node>, home: &Home) -> Self {
        let listener = gateway::listen(0).await.unwrap();
        let port = gateway::port_of(&listener).unwrap();
        let access = Access::of(home).unwrap();
        let link = access.link(port, "/new");
        let bench = Arc::new(Bench {
            home: home.clone(),
            previews: Mutex::default(),
            done: Mutex::default(),
        });
        let control = Control::new(access, bench.clone(), home, &node.store);
        let gateway = Gateway::new(node.clone(), Vec::new(), port).with_control(Arc::new(control));
        let gateway = Arc::new(gateway);
        tokio::spawn(local::serve(
            gateway.clone(),
            listener,
            std::future::pending(),
        ));
        let mut this = Self {
            port,
            gateway,
            cookie: String::new(),
            token: String::new(),
            bench,
        };
        let origin = format!("http://localhost:{port}");
        let entered = this.get(link.strip_prefix(&origin).unwrap()).await;
        assert_eq!((entered.status, entered.header("location")), (303, "/new"));
        let cookie = entered.header("set-cookie");
        assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        this.cookie = cookie.split(';').next().unwrap().to_owned();
        let form = this.get("/new").await.text();
        let token = form.split("name=\"token\" value=\"").nth(1).unwrap();
        this.token = token.split('"').next().unwrap().to_owned();
        this
    }

    /// What the program around the pages was asked to do.
    pub(crate) fn done(&self) -> Vec<&'static str> {
        self.bench.done.lock().unwrap().clone()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[("Cookie", &self.cookie)], "")
            .await
    }

    /// Sends a form with its token, as a page of this origin does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = format!("token={}", self.token);
        for (name, value) in fields {
            let value: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            body += &format!("&{name}={value}");
        }
        let origin = format!("http://localhost:{}", self.port);
        let headers = [("Cookie", self.cookie.as_str()), ("Origin", &origin)];
        self.send("POST", path, &headers, &body).await
    }

    async fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
        let server = SocketAddr::from(([127, 0, 0, 1], self.port));
        let host = format!("localhost:{}", self.port);
        send(server, method, path, &host, more, body.as_bytes()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_browser_that_was_let_in_sees_pages_or_does_anything() {
    let other = Other::new().await;
    let browser = Browser::at(&other.node, &other.home).await;
    assert_eq!(browser.get("/").await.status, 200);
    for path in ["/", "/new", "/open?address=x", "/sites/x/remove"] {
        for cookie in ["", "skep-1=0", &browser.cookie.replace('=', "=0")] {
            let answer = browser.send("GET", path, &[("Cookie", cookie)], "").await;
            assert_eq!(answer.status, 401, "{path} {cookie}");
            assert!(!answer.text().contains(&browser.token));
        }
    }
    let stranger = browser
        .send("GET", "/enter?code=0123456789abcdef", &[], "")
        .await;
    assert_eq!((stranger.status, stranger.header("set-cookie")), (401, ""));
    let access = &browser.gateway.control.as_ref().unwrap().access;
    let link = access.link(browser.port, "/");
    let path = link.split_once(&browser.port.to_string()).unwrap().1;
    // Whatever only looks at a link leaves it to the browser, and that one uses it up.
    for (method, cookie, status) in [
        ("HEAD", "", 401),
        ("POST", "", 401),
        ("GET", "", 303),
        ("GET", "", 401),
        // A browser that was let in may come by it again.
        ("GET", &browser.cookie, 303),
    ] {
        let answer = browser.send(method, path, &[("Cookie", cookie)], "").await;
        assert_eq!(answer.status, status, "{method} {cookie}");
    }
    for (to, leads) in [
        ("//evil.example/", "/"),
        ("/%5Cevil.example/", "/"),
        // Browsers take tabs and line ends out of what they are led to.
        ("/%09/evil.example/", "/"),
        ("/%0A/evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/%3F//evil.example/", "/?//evil.example/"),
        ("/sites/x/review%3Fa=b", "/sites/x/review?a=b"),
    ] {
        let link = access.link(browser.port, to);
        let path = link.split_once(&browser.port.to_string()).unwrap().1;
        assert_eq!(browser.get(path).await.header("location"), leads, "{to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_page_of_ours_has_sent_is_not_done() {
    let other = Other::new().await;
    let browser = Browser::at(&other.node, &other.home).await;
    let ours = format!("http://localhost:{}", browser.port);
    let fields = format!("token={}&title=Bees&theme=default", browser.token);
    let cookie = ("Cookie", browser.cookie.as_str());
    for (headers, body) in [
        (vec![("Origin", ours.as_str())], &fields),
        (vec![cookie, ("Origin", "http://evil.example")], &fields),
        (vec![cookie, ("Origin", "null")], &fields),
        (vec![cookie, ("Sec-Fetch-Site", "same-site")], &fields),
        (vec![cookie, ("Origin", &ours)], &"title=Bees".to_owned()),
        (
            vec![cookie, ("Origin", &ours)],
            &"token=0&title=Bees".to_owned(),
        ),
    ] {
        let answer = browser.send("POST", "/new", &headers, body).await;
        assert!(matches!(answer.status, 401 | 403), "{headers:?} {body}");
    }
    assert!(folders::list(&other.home).unwrap().is_empty());
    // A name of its own that leads to this machine.
    let server = SocketAddr::from(([127, 0, 0, 1], browser.port));
    let rebound = format!("evil.example:{}", browser.port);
    let answer = send(server, "GET", "/", &rebound, &[cookie], b"").await;
    assert_eq!(answer.status, 421);
    let made = browser.post("/new", &[("title", "Bees"), ("theme", "default")]);
    assert_eq!(made.await.status, 200);
    assert_eq!(folders::list(&other.home).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_run_no_script_but_ours_and_are_in_no_frame() {
    let other = Other::new().await;
    let browser = Browser::at(&other.node, &other.home).await;
    for path in ["/", "/new", "/nothing", "/open?address=%22%3E%3Cscript%3E"] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        let html = answer.text();
        assert!(
            !html.contains("<script>") && !html.contains("style="),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(browser.gateway.node.store.sites().unwrap().len(), 0);
}
