//! What a browser asks for.

/// How long a target may be.
const LONGEST: usize = 16 * 1024;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path as it was sent, with its percent escapes.
    pub(super) path: String,
    /// What follows the `?`, as it was sent.
    pub(super) query: String,
    /// The host that a target such as `http://host/path` names.
    authority: Option<String>,
    headers: Vec<(String, String)>,
}

impl Request {
    /// Reads what tiny_http has received. An error is the status with which it is refused.
    pub(super) fn read(received: &tiny_http::Request) -> Result<Self, u16> {
        let headers = received.headers().iter().map(|header| {
            let name = header.field.as_str().as_str().to_ascii_lowercase();
            (name, header.value.as_str().trim().to_owned())
        });
        Self::new(
            received.method().as_str(),
            received.url(),
            headers.collect(),
        )
    }

    fn new(method: &str, target: &str, headers: Vec<(String, String)>) -> Result<Self, u16> {
        if target.len() > LONGEST {
            return Err(414);
        }
        let (authority, target) = split_target(target).ok_or(400_u16)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            authority,
            headers,
        })
    }
}

/// A target such as `/path?query` or `http://host/path?query`: the host, and the path with its query.
fn split_target(target: &str) -> Option<(Option<String>, &str)> {
    if target.starts_with('/') {
        return Some((None, target));
    }
    let scheme = target.get(..7)?;
    if !scheme.eq_ignore_ascii_case("http://") {
        return None;
    }
    let rest = &target[7..];
    let end = rest.find('/').unwrap_or(rest.len());
    let path = if end == rest.len() { "/" } else { &rest[end..] };
    Some((Some(rest[..end].to_owned()), path))
}

impl Request {
    /// The values of all headers with this `name` in lower case.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let headers = self.headers.iter();
        headers
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of the only header with this `name` in lower case.
    pub(super) fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut all = self.all(name);
        let first = all.next();
        first.filter(|_| all.next().is_none())
    }

    /// Whether the request names several hosts, or in its target another than the server on `port`. Programs
    /// between a browser and a server could take it for a request to either.
    pub(super) fn is_ambiguous(&self, port: u16) -> bool {
        let target = self.authority.as_deref();
        self.all("host").count() > 1 || target.is_some_and(|host| !is_host(host, port))
    }

    /// Whether the request comes from a page of this server on `port`, or from a person. A name that leads here by
    /// DNS could be anybody's site, and so could be the page behind a request with another origin. Pages of the
    /// origin `framer` may show this server in a frame: a browser lets no other page send their `Referer`.
    pub(super) fn is_own(&self, port: u16, framer: Option<&str>) -> bool {
        let is_host = |host: &str| is_host(host, port);
        let is_origin = |origin: &str| origin.strip_prefix("http://").is_some_and(is_host);
        // Browsers say it of a picture that another site shows, which has no origin.
        let is_foreign = self
            .all("sec-fetch-site")
            .any(|site| !matches!(site, "same-origin" | "none"));
        // A link from elsewhere may lead here, but not in a frame.
        let is_visit = self.header("sec-fetch-mode") == Some("navigate")
            && match self.header("sec-fetch-dest") {
                Some("document") => true,
                Some("iframe") => {
                    let referer = self.header("referer").and_then(|url| url.strip_suffix('/'));
                    referer.is_some() && referer == framer
                }
                _ => false,
            };
        self.header("host").is_some_and(is_host)
            && self.authority.as_deref().is_none_or(is_host)
            && self.all("origin").count() <= 1
            && self.all("origin").all(is_origin)
            && (!is_foreign || is_visit)
    }

    /// The value of `Range`, if the request has one for a file with this entity tag: only `GET` has ranges, and a part
    /// of another file than the browser has is of no use to it (RFC 9110, sections 13.1.5 and 14.2).
    pub(super) fn range(&self, tag: &str) -> Option<&str> {
        let is_same = self.all("if-range").all(|known| known == tag);
        self.header("range")
            .filter(|_| is_same && self.method == "GET")
    }

    /// Whether `If-Match` lets this go on for a file with this entity tag, or for one without a tag. It is compared
    /// strongly (RFC 9110, section 13.1.1).
    pub(super) fn matches(&self, tag: Option<&str>) -> bool {
        let mut wanted = self
            .all("if-match")
            .flat_map(|list| list.split(','))
            .peekable();
        wanted.peek().is_none()
            || wanted
                .map(str::trim)
                .any(|wanted| wanted == "*" || Some(wanted) == tag)
    }

    /// Whether `If-None-Match` names the entity tag of a file.
    pub(super) fn knows(&self, tag: &str) -> bool {
        self.all("if-none-match")
            .flat_map(|list| list.split(','))
            .map(|known| known.trim().trim_start_matches("W/"))
            .any(|known| known == tag || known == "*")
    }

    /// The value of `name` in the query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| decode(value))
    }
}

/// Whether `host`, as a request names it, is the server on `port`.
fn is_host(host: &str, port: u16) -> bool {
    let mut hosts = ["localhost", "127.0.0.1", "[::1]"]
        .map(|name| format!("{name}:{port}"))
        .to_vec();
    if port == 80 {
        hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
    }
    hosts.contains(&host.to_ascii_lowercase())
}

/// Reads the percent escapes of a URL. `None` if it is not UTF-8 in the end, or holds a NUL.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

/// Which bytes of `length` the header `Range` asks for: the first, and how many. `Ok(None)` is all of them, also if it asks for several parts
/// or makes no sense; an error is a part that is not there.
pub(super) fn range(header: Option<&str>, length: u64) -> Result<Option<(u64, u64)>, ()> {
    let Some((from, to)) = header
        .and_then(|value| value.strip_prefix("bytes="))
        .and_then(|value| value.trim().split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| match text.bytes().all(|digit| digit.is_ascii_digit()) {
        true => text.parse::<u64>().ok(),
        false => None,
    };
    match (from, number(from), to, number(to)) {
        // The last bytes.
        ("", _, _, Some(0)) => Err(()),
        ("", _, _, Some(_)) if length == 0 => Err(()),
        ("", _, _, Some(count)) => {
            let count = count.min(length);
            Ok(Some((length - count, count)))
        }
        (_, Some(from), "", _) if from < length => Ok(Some((from, length - from))),
        (_, Some(from), _, Some(to)) if from <= to && from < length => {
            Ok(Some((from, to.min(length - 1) - from + 1)))
        }
        (_, Some(from), "", _) | (_, Some(from), _, Some(_)) if from >= length => Err(()),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, headers: &str) -> Result<Request, u16> {
        let headers = headers.lines().filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Request::new("GET", target, headers.collect())
    }

    #[test]
    fn decodes_what_browsers_send() {
        assert_eq!(decode("/a%20b/%C3%A9").as_deref(), Some("/a b/é"));
        for text in ["/%", "/%4", "/%zz", "/%+1", "/%ff", "/%00"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn targets_are_taken_apart() {
        let first = request("/a?b=%20c", "").unwrap();
        assert_eq!(
            (first.path.as_str(), first.query.as_str()),
            ("/a", "b=%20c")
        );
        assert_eq!(first.parameter("b").as_deref(), Some(" c"));
        assert_eq!(request(&format!("/{}", "a".repeat(LONGEST)), ""), Err(414));
        for target in ["a", "*", "https://localhost:1/", ""] {
            assert_eq!(request(target, ""), Err(400), "{target}");
        }
    }

    #[test]
    fn only_this_very_server_is_asked() {
        let own = |target: &str, headers: &str| {
            request(target, headers)
                .unwrap()
                .is_own(4000, Some("http://localhost:7537"))
        };
        let host = "Host: localhost:4000\r\n";
        for headers in [
            "Host: 127.0.0.1:4000\r\n",
            "Host: [::1]:4000\r\n",
            "Host: LocalHost:4000\r\n",
            "host:   localhost:4000\t\r\n",
            "Host: localhost:4000\r\nOrigin: http://127.0.0.1:4000\r\n",
            "Host: localhost:4000\r\nSec-Fetch-Site: same-origin\r\n",
            "Host: localhost:4000\r\nSec-Fetch-Site: none\r\n",
            "Host: localhost:4000\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
            "Host: localhost:4000\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\nReferer: http://localhost:7537/\r\n",
        ] {
            assert!(own("/", headers), "{headers}");
        }
        for headers in [
            "",
            "Host:\r\n",
            "Host: localhost\r\n",
            "Host: localhost:4001\r\n",
            "Host: localhost:4000.evil.example\r\n",
            "Host: evil.example:4000\r\n",
            "Host: localhost.:4000\r\n",
            "Host: 127.1:4000\r\n",
            "Host: [::]:4000\r\n",
            "Host: [::ffff:127.0.0.1]:4000\r\n",
            "Host: x@localhost:4000\r\n",
            "Host: localhost:4000\r\nHost: localhost:4000\r\n",
            "Host: localhost:4000\r\nOrigin: null\r\n",
            "Host: localhost:4000\r\nOrigin: https://localhost:4000\r\n",
            "Host: localhost:4000\r\nOrigin: http://localhost:4001\r\n",
            "Host: localhost:4000\r\nOrigin: http://localhost:4000\r\nOrigin: http://localhost:4000\r\n",
            "Host: localhost:4000\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
            "Host: localhost:4000\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
            "Host: localhost:4000\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\nReferer: http://localhost:7538/\r\n",
            "Host: localhost:4000\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\nReferer: http://localhost:7537.evil.example/\r\n",
            "Host: localhost:4000\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\nReferer: http://localhost:7537/\r\n",
        ] {
            assert!(!own("/", headers), "{headers}");
        }
        assert!(own("http://127.0.0.1:4000/x", host));
        assert_eq!(request("http://a:1", "").unwrap().path, "/");
        assert!(!own("http://evil.example/x", host));
        assert!(!own("http://localhost:4000/x", "Host: evil.example\r\n"));
    }

    #[test]
    fn conditions_are_those_of_rfc_9110() {
        let of = |headers: &str| request("/", headers).unwrap();
        let head = |headers: &str| Request {
            method: "HEAD".to_owned(),
            ..of(headers)
        };
        let part = "Range: bytes=0-1";
        assert_eq!(of(part).range("\"e\""), Some("bytes=0-1"));
        assert_eq!(head(part).range("\"e\""), None);
        for (condition, wanted) in [
            ("\"e\"", Some("bytes=0-1")),
            ("\"x\"", None),
            ("W/\"e\"", None),
        ] {
            let headers = format!("{part}\r\nIf-Range: {condition}");
            assert_eq!(of(&headers).range("\"e\""), wanted, "{condition}");
        }
        for (headers, tagged, untagged) in [
            ("", true, true),
            ("If-Match: *", true, true),
            ("If-Match: \"x\", \"e\"", true, false),
            ("If-Match: \"x\"\r\nIf-Match: \"e\"", true, false),
            ("If-Match: W/\"e\"", false, false),
            ("If-Match: \"x\"", false, false),
        ] {
            assert_eq!(of(headers).matches(Some("\"e\"")), tagged, "{headers}");
            assert_eq!(of(headers).matches(None), untagged, "{headers}");
        }
        assert!(of("If-None-Match: \"x\"\r\nIf-None-Match: W/\"e\"").knows("\"e\""));
        assert!(!of("If-None-Match: \"x\"").knows("\"e\""));
    }

    #[test]
    fn ranges() {
        for (header, expected) in [
            ("bytes=0-0", Ok(Some((0, 1)))),
            ("bytes=2-", Ok(Some((2, 8)))),
            ("bytes=2-99", Ok(Some((2, 8)))),
            ("bytes=-3", Ok(Some((7, 3)))),
            ("bytes=-99", Ok(Some((0, 10)))),
            ("bytes=10-", Err(())),
            ("bytes=10-12", Err(())),
            ("bytes=-0", Err(())),
            ("bytes=3-2", Ok(None)),
            ("bytes=0-1,3-4", Ok(None)),
            ("bytes=-", Ok(None)),
            ("bytes=+1-2", Ok(None)),
            ("bytes=99999999999999999999-", Ok(None)),
            ("lines=1-2", Ok(None)),
            ("", Ok(None)),
        ] {
            assert_eq!(range(Some(header), 10), expected, "{header}");
        }
        assert_eq!(range(None, 10), Ok(None));
        assert_eq!(range(Some("bytes=-5"), 0), Err(()));
        assert_eq!(range(Some("bytes=0-"), 0), Err(()));
    }
}
