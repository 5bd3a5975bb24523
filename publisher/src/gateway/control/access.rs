//! [`Access`]: who may use the control pages.
//!
//! Any program of any user of this machine can open a connection to the gateway, and any page in the
//! browser can send it a request. The cookie keeps out the former; the check of the origin and the token
//! in each form the latter. Where the system tells, other users are kept out whatever they know (`neighbour`).
//!
//! A browser gets the cookie by a link with a code. All users of a machine can read such a link on
//! the browser's command line, so that the first request with a code uses it up.

use std::{
    collections::VecDeque,
    fs,
    io::ErrorKind,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderName, header};
use data_encoding::HEXLOWER;

use crate::{
    error::{Error, Kind, Result},
    home::Home,
};

/// The secret of the control pages. It stays the same, so that a browser that was let in once still is after
/// a restart.
#[derive(Clone)]
pub struct Access {
    secret: [u8; 32],
    codes: Arc<Mutex<Codes>>,
}

/// The codes of links that no browser has opened so far.
struct Codes {
    /// Random for each process, so that no code is ever made twice.
    seed: [u8; 32],
    made: u64,
    /// Each with its end, the newest last.
    open: VecDeque<(String, Instant)>,
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The browser was not let in here yet.
    NoCookie,
    /// A page of another origin has sent it.
    Foreign,
}

const FILE: &str = "control-token";
/// What the secret is used for. Nobody who sees one of these values learns another, or the secret.
const COOKIE: &str = "skep 2026 cookie of the control pages";
const FORM: &str = "skep 2026 token of forms";
const CODE: &str = "skep 2026 code of a link to the control pages";

/// How long a link is good that a person reads in a terminal, and opens some time.
const PRINTED: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a link is good that is given to a browser at once. It may have to start first.
const AT_ONCE: Duration = Duration::from_secs(60);
/// So many links are good at a time; the oldest makes room for another.
const MOST_CODES: usize = 64;

impl Access {
    /// The secret of `home`; it is made if there is none.
    ///
    /// # Errors
    ///
    /// If it can't be read or written.
    pub fn of(home: &Home) -> Result<Self> {
        let path = home.root().join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let text = HEXLOWER.encode(&random()?);
                home.write(FILE, text.as_bytes())?;
                text
            }
            Err(e) => return Err(Error::io("read", &path, &e)),
        };
        let secret = HEXLOWER.decode(text.trim().as_bytes()).ok();
        let secret = secret.and_then(|bytes| bytes.try_into().ok());
        let secret = secret.ok_or_else(|| {
            Error::new(Kind::Damaged, format!("{} is damaged", path.display()))
                .hint("remove it; browsers have to be let in again then")
        })?;
        Self::with(secret)
    }

    fn with(secret: [u8; 32]) -> Result<Self> {
        let codes = Codes {
            seed: random()?,
            made: 0,
            open: VecDeque::new(),
        };
        Ok(Self {
            secret,
            codes: Arc::new(Mutex::new(codes)),
        })
    }

    /// The URL that lets one browser in, and leads it to the page at `path` of the control pages
    /// at `port`. It is good for a day, in this process.
    pub fn link(&self, port: u16, path: &str) -> String {
        self.link_for(port, path, PRINTED)
    }

    /// The same for a browser that is started now: it is good for a minute.
    pub fn link_at_once(&self, port: u16, path: &str) -> String {
        self.link_for(port, path, AT_ONCE)
    }

    fn link_for(&self, port: u16, path: &str, lifetime: Duration) -> String {
        let to = match path {
            "/" => String::new(),
            path => format!("&to={path}"),
        };
        let code = self.codes().make(Instant::now() + lifetime);
        format!("http://localhost:{port}/enter?code={code}{to}")
    }

    /// Uses up the code of a link; false if there is no such code, or no more.
    pub(super) fn take_code(&self, code: &str) -> bool {
        self.codes().take(code, Instant::now())
    }

    fn codes(&self) -> MutexGuard<'_, Codes> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a form has to send along.
    pub(super) fn form_token(&self) -> String {
        self.token(FORM)
    }

    /// The cookie that lets a browser in, for a year. Cookies know no ports, so its name does.
    pub(super) fn cookie(&self, port: u16) -> String {
        let (name, value) = (cookie_name(port), self.token(COOKIE));
        // Not `Strict`: a link from the preview, which is another site, would not send it.
        format!("{name}={value}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
    }

    pub(super) fn is_form_token(&self, token: &str) -> bool {
        same(token, &self.form_token())
    }

    /// Whether the request comes from a browser that was let in.
    pub(super) fn check_cookie(&self, headers: &HeaderMap, port: u16) -> Result<(), Refused> {
        let (name, value) = (cookie_name(port), self.token(COOKIE));
        let sent = headers.get_all(header::COOKIE).iter();
        let sent = sent.filter_map(|header| header.to_str().ok());
        let mut pairs = sent.flat_map(|header| header.split(';').filter_map(|c| c.split_once('=')));
        match pairs.any(|(n, v)| n.trim() == name && same(v.trim(), &value)) {
            true => Ok(()),
            false => Err(Refused::NoCookie),
        }
    }

    fn token(&self, purpose: &str) -> String {
        let mut hasher = blake3::Hasher::new_derive_key(purpose);
        hasher.update(&self.secret);
        HEXLOWER.encode(&hasher.finalize().as_bytes()[..16])
    }
}

impl Codes {
    fn make(&mut self, end: Instant) -> String {
        let mut hasher = blake3::Hasher::new_derive_key(CODE);
        hasher.update(&self.seed).update(&self.made.to_le_bytes());
        self.made += 1;
        let code = HEXLOWER.encode(&hasher.finalize().as_bytes()[..16]);
        if self.open.len() >= MOST_CODES {
            self.open.pop_front();
        }
        self.open.push_back((code.clone(), end));
        code
    }

    fn take(&mut self, code: &str, now: Instant) -> bool {
        self.open.retain(|(_, end)| *end > now);
        let before = self.open.len();
        self.open.retain(|(open, _)| !same(code, open));
        self.open.len() < before
    }
}

fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::new(Kind::Io, format!("the system has no randomness: {e}")))?;
    Ok(bytes)
}

/// Whether a request that does something may come from where it says: a browser tells the truth about that.
pub(super) fn check_origin(headers: &HeaderMap, port: u16) -> Result<(), Refused> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let ours = format!("http://localhost:{port}");
    let is_foreign = match (text(header::ORIGIN), site) {
        (Some(origin), _) if origin != ours => true,
        (_, Some(site)) => site != "same-origin",
        // A client that sends neither is no browser of today; the cookie and the token still count.
        (_, None) => false,
    };
    match is_foreign || (headers.contains_key(header::ORIGIN) && text(header::ORIGIN).is_none()) {
        true => Err(Refused::Foreign),
        false => Ok(()),
    }
}

fn cookie_name(port: u16) -> String {
    format!("skep-{port}")
}

/// Whether two texts are the same, in a time that does not tell where they differ.
fn same(a: &str, b: &str) -> bool {
    let differ = a
        .bytes()
        .zip(b.bytes())
        .fold(0, |acc, (a, b)| acc | (a ^ b));
    a.len() == b.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                let value = HeaderValue::from_str(value).unwrap();
                (HeaderName::from_static(name), value)
            })
            .collect()
    }

    #[test]
    fn the_secret_of_a_home_stays_and_is_for_the_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("home"));
        let first = Access::of(&home).unwrap();
        let again = Access::of(&home).unwrap();
        assert_eq!(first.cookie(1), again.cookie(1));
        let other = Access::of(&Home::new(dir.path().join("other"))).unwrap();
        assert_ne!(first.cookie(1), other.cookie(1));
        assert_ne!(first.token(COOKIE), first.form_token());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(home.root().join(FILE)).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
        }
        fs::write(home.root().join(FILE), "zz").unwrap();
        assert!(Access::of(&home).is_err());
    }

    #[test]
    fn a_link_is_used_up_by_the_first_who_opens_it() {
        let access = Access::with([1; 32]).unwrap();
        let code = |link: String| {
            let code = link.split_once("/enter?code=").unwrap().1;
            code.split('&').next().unwrap().to_owned()
        };
        let links = [access.link(7537, "/"), access.link_at_once(7537, "/new")];
        assert!(links[1].ends_with("&to=/new"));
        let [first, second] = links.map(code);
        for wrong in ["", &first[1..], &access.token(COOKIE)] {
            assert!(!access.take_code(wrong), "{wrong}");
        }
        // Its clones know the same codes; another process of the same home knows none.
        assert!(!Access::with([1; 32]).unwrap().take_code(&first));
        assert!(access.clone().take_code(&first));
        assert!(!access.take_code(&first));
        assert!(access.take_code(&second));
    }

    #[test]
    fn links_end_by_themselves() {
        let mut codes = Codes {
            seed: [7; 32],
            made: 0,
            open: VecDeque::new(),
        };
        let now = Instant::now();
        let code = codes.make(now + AT_ONCE);
        assert!(!codes.take(&code, now + AT_ONCE));
        let oldest = codes.make(now + PRINTED);
        let all: Vec<_> = (0..MOST_CODES).map(|_| codes.make(now + PRINTED)).collect();
        assert!(!codes.take(&oldest, now));
        assert!(all.iter().all(|code| codes.take(code, now)));
    }

    #[test]
    fn the_cookie_lets_in_and_nothing_else_does() {
        let access = Access::with([1; 32]).unwrap();
        let cookie = access.cookie(7537);
        let cookie = cookie.split(';').next().unwrap();
        let check = |pairs: &[_]| access.check_cookie(&headers(pairs), 7537);
        assert_eq!(check(&[("cookie", cookie)]), Ok(()));
        let among = format!("a=b; {cookie}; c=d");
        assert_eq!(check(&[("cookie", &among)]), Ok(()));
        let other = Access::with([2; 32]).unwrap().cookie(7537);
        for wrong in [
            other.split(';').next().unwrap().to_owned(),
            cookie[..cookie.len() - 1].to_owned(),
            cookie.replace("7537", "7538"),
            format!("skep-7537={}", access.form_token()),
            "skep-7537=".to_owned(),
            String::new(),
        ] {
            assert_eq!(
                access.check_cookie(&headers(&[("cookie", &wrong)]), 7537),
                Err(Refused::NoCookie),
                "{wrong}"
            );
        }
        assert_eq!(check(&[]), Err(Refused::NoCookie));
    }

    #[test]
    fn what_another_origin_sends_is_refused() {
        let check = |pairs: &[_]| check_origin(&headers(pairs), 7537);
        let ours = ("origin", "http://localhost:7537");
        assert_eq!(check(&[ours]), Ok(()));
        assert_eq!(check(&[ours, ("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(check(&[]), Ok(()));
        for foreign in [
            &[("origin", "http://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "http://localhost:4000")],
            &[("origin", "http://a.localhost:7537")],
            &[ours, ("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert_eq!(check(foreign), Err(Refused::Foreign), "{foreign:?}");
        }
    }
}
