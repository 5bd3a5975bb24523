//! [`Access`]: who may use the control pages.
//!
//! Any program of any user of this machine can open a connection to the gateway, and any page in the
//! browser can send it a request. The cookie keeps out the former; the check of the origin and the token
//! in each form the latter. Where the system tells, other users are kept out whatever they know (`neighbour`).

use std::{fs, io::ErrorKind};

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
const LINK: &str = "skep 2026 link to the control pages";

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
                let mut secret = [0; 32];
                getrandom::fill(&mut secret).map_err(|e| {
                    Error::new(Kind::Io, format!("the system has no randomness: {e}"))
                })?;
                let text = HEXLOWER.encode(&secret);
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
        Ok(Self { secret })
    }

    /// The URL that lets a browser in, and leads it to the page at `path` of the control pages at `port`.
    pub fn link(&self, port: u16, path: &str) -> String {
        let to = match path {
            "/" => String::new(),
            path => format!("&to={path}"),
        };
        format!(
            "http://localhost:{port}/enter?token={}{to}",
            self.link_token()
        )
    }

    /// What lets a browser in, as a part of a URL.
    fn link_token(&self) -> String {
        self.token(LINK)
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

    pub(super) fn is_link_token(&self, token: &str) -> bool {
        same(token, &self.link_token())
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
        assert_eq!(first.link_token(), again.link_token());
        let other = Access::of(&Home::new(dir.path().join("other"))).unwrap();
        assert_ne!(first.link_token(), other.link_token());
        assert_ne!(first.link_token(), first.form_token());
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
    fn the_cookie_lets_in_and_nothing_else_does() {
        let access = Access { secret: [1; 32] };
        let cookie = access.cookie(7537);
        let cookie = cookie.split(';').next().unwrap();
        let check = |pairs: &[_]| access.check_cookie(&headers(pairs), 7537);
        assert_eq!(check(&[("cookie", cookie)]), Ok(()));
        let among = format!("a=b; {cookie}; c=d");
        assert_eq!(check(&[("cookie", &among)]), Ok(()));
        let other = Access { secret: [2; 32] }.cookie(7537);
        for wrong in [
            other.split(';').next().unwrap().to_owned(),
            cookie[..cookie.len() - 1].to_owned(),
            cookie.replace("7537", "7538"),
            format!("skep-7537={}", access.link_token()),
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
