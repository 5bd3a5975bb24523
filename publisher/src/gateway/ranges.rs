//! Conditional and partial requests, as in RFC 9110.

use axum::http::{HeaderMap, HeaderName, Method, header};

/// What the conditions of a request for a file come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The whole file is sent.
    Whole,
    /// A part is sent: its start and length.
    Part(u64, u64),
    /// The client has the file already.
    NotModified,
    /// The file is not the one that the client means.
    PreconditionFailed,
    /// The file does not have the part that is asked for.
    NotSatisfiable,
}

/// Evaluates the conditions of a request in the order of RFC 9110, section 13.2.2.
///
/// No answer has a date, so that `If-Unmodified-Since` and `If-Modified-Since` are ignored, as
/// sections 13.1.3 and 13.1.4 demand, and a date in `If-Range` never matches. `range` is what
/// [`wanted`] says.
pub(super) fn evaluate(
    headers: &HeaderMap,
    etag: &str,
    range: Option<Wanted>,
    size: u64,
) -> Outcome {
    if headers.contains_key(header::IF_MATCH) && !names(headers, header::IF_MATCH, etag, true) {
        return Outcome::PreconditionFailed;
    }
    if names(headers, header::IF_NONE_MATCH, etag, false) {
        return Outcome::NotModified;
    }
    match range {
        None => Outcome::Whole,
        Some(range) => range.of(size),
    }
}

/// A part of a file that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// From the first byte on, up to and with the last.
    FromTo(u64, u64),
    /// The last bytes.
    Last(u64),
}

/// The part that a request asks for, if the file is still the one of `etag`. `None` means the whole
/// file: only `GET` has ranges (section 14.2), and several at once are answered with the whole file,
/// as that section allows.
pub(super) fn wanted(method: &Method, headers: &HeaderMap, etag: &str) -> Option<Wanted> {
    if method != Method::GET {
        return None;
    }
    // A weak tag, a date or another tag: the parts would not fit together.
    if let Some(condition) = headers.get(header::IF_RANGE)
        && condition.as_bytes().trim_ascii() != etag.as_bytes()
    {
        return None;
    }
    let mut ranges = headers.get_all(header::RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return None;
    };
    let (unit, spec) = range.to_str().ok()?.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u64>().ok(),
        false => None,
    };
    match (first.trim(), last.trim()) {
        ("", "") => None,
        ("", last) => number(last).map(Wanted::Last),
        (first, "") => Some(Wanted::FromTo(number(first)?, u64::MAX)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Wanted::FromTo(first, last))
        }
    }
}

impl Wanted {
    fn of(self, size: u64) -> Outcome {
        let (start, end) = match self {
            Self::FromTo(first, last) => (first, last.saturating_add(1).min(size)),
            Self::Last(count) => (size.saturating_sub(count), size),
        };
        match start >= end {
            true => Outcome::NotSatisfiable,
            false => Outcome::Part(start, end - start),
        }
    }
}

/// Whether one of the headers `name` has `etag` or `*`. The strong comparison, which is that of
/// `If-Match` (section 8.8.3.2), takes no weak tag.
fn names(headers: &HeaderMap, name: HeaderName, etag: &str, is_strong: bool) -> bool {
    let values = headers.get_all(name).iter();
    let mut values = values.filter_map(|value| value.to_str().ok());
    values.any(|value| {
        value.trim() == "*" || tags(value).any(|(weak, tag)| tag == etag && !(weak && is_strong))
    })
}

/// The entity tags of a list with their quotes, and whether each is weak. A comma may be in a tag.
fn tags(list: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let (is_weak, tag) = match rest.strip_prefix("W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let end = tag.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = tag.split_at(end);
        rest = after;
        Some((is_weak, tag))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const ETAG: &str = "\"e\"";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn outcome(method: Method, pairs: &[(&'static str, &str)]) -> Outcome {
        let headers = headers(pairs);
        evaluate(&headers, ETAG, wanted(&method, &headers, ETAG), 100)
    }

    fn ask(value: &str, size: u64) -> Result<Option<(u64, u64)>, ()> {
        let headers = headers(&[("range", value)]);
        match evaluate(&headers, ETAG, wanted(&Method::GET, &headers, ETAG), size) {
            Outcome::Whole => Ok(None),
            Outcome::Part(start, length) => Ok(Some((start, length))),
            _ => Err(()),
        }
    }

    #[test]
    fn conditions_are_evaluated_in_the_order_of_rfc_9110() {
        use Outcome::{NotModified, Part, PreconditionFailed, Whole};
        const DATE: &str = "Tue, 01 Dec 2026 00:00:00 GMT";
        for (pairs, get, head) in [
            (&[("range", "bytes=0-4")][..], Part(0, 5), Whole),
            (&[("range", "bytes=100-")], Outcome::NotSatisfiable, Whole),
            (&[("range", "BYTES=0-4")], Part(0, 5), Whole),
            (
                &[("range", "bytes=0-4"), ("range", "bytes=5-9")],
                Whole,
                Whole,
            ),
            (&[("if-match", ETAG)], Whole, Whole),
            (&[("if-match", "*")], Whole, Whole),
            (&[("if-match", "\"x\", \"e\"")], Whole, Whole),
            (&[("if-match", "\"x\""), ("if-match", ETAG)], Whole, Whole),
            (
                &[("if-match", "\"x,\"")],
                PreconditionFailed,
                PreconditionFailed,
            ),
            (
                &[("if-match", "W/\"e\"")],
                PreconditionFailed,
                PreconditionFailed,
            ),
            (
                &[("if-match", "\"x, \"e\"")],
                PreconditionFailed,
                PreconditionFailed,
            ),
            (
                &[("if-match", "\"x\""), ("if-none-match", ETAG)],
                PreconditionFailed,
                PreconditionFailed,
            ),
            (
                &[("if-match", ETAG), ("if-none-match", ETAG)],
                NotModified,
                NotModified,
            ),
            (&[("if-none-match", "W/\"e\"")], NotModified, NotModified),
            (
                &[("if-none-match", "\"a,b\",\"e\"")],
                NotModified,
                NotModified,
            ),
            (
                &[("if-none-match", "\"x\""), ("if-none-match", "*")],
                NotModified,
                NotModified,
            ),
            (
                &[("if-none-match", ETAG), ("range", "bytes=0-4")],
                NotModified,
                NotModified,
            ),
            (
                &[("if-match", "\"x\""), ("range", "bytes=0-4")],
                PreconditionFailed,
                PreconditionFailed,
            ),
            (
                &[("if-match", ETAG), ("range", "bytes=0-4")],
                Part(0, 5),
                Whole,
            ),
            (
                &[("if-range", ETAG), ("range", "bytes=0-4")],
                Part(0, 5),
                Whole,
            ),
            (
                &[("if-range", "\"x\""), ("range", "bytes=0-4")],
                Whole,
                Whole,
            ),
            (
                &[("if-range", "W/\"e\""), ("range", "bytes=0-4")],
                Whole,
                Whole,
            ),
            (&[("if-range", DATE), ("range", "bytes=0-4")], Whole, Whole),
            (&[("if-unmodified-since", DATE)], Whole, Whole),
            (&[("if-modified-since", DATE)], Whole, Whole),
        ] {
            assert_eq!(outcome(Method::GET, pairs), get, "GET {pairs:?}");
            assert_eq!(outcome(Method::HEAD, pairs), head, "HEAD {pairs:?}");
        }
    }

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        assert_eq!(ask("bytes=0-9", 100), Ok(Some((0, 10))));
        assert_eq!(ask("bytes=90-", 100), Ok(Some((90, 10))));
        assert_eq!(ask("bytes=90-500", 100), Ok(Some((90, 10))));
        assert_eq!(ask("bytes=-10", 100), Ok(Some((90, 10))));
        assert_eq!(ask("bytes=-500", 100), Ok(Some((0, 100))));
        assert_eq!(ask("bytes=100-", 100), Err(()));
        assert_eq!(ask("bytes=-0", 100), Err(()));
        for ignored in [
            "bytes=9-0",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=-",
        ] {
            assert_eq!(ask(ignored, 100), Ok(None), "{ignored}");
        }
    }
}

#[cfg(test)]
mod random {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_range_is_within_the_file_whatever_is_asked_for(
            range in "bytes=[0-9]{0,21} ?-[0-9]{0,21}(,[0-9-]{0,3})?|[ -~]{0,20}",
            condition in proptest::option::of("\"?[ef]?\"?"),
            size in prop_oneof![0..100u64, any::<u64>()],
        ) {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_str(&range).unwrap());
            if let Some(condition) = condition {
                headers.insert(header::IF_RANGE, HeaderValue::from_str(&condition).unwrap());
            }
            let wanted = wanted(&Method::GET, &headers, "\"e\"");
            if let Outcome::Part(start, length) = evaluate(&headers, "\"e\"", wanted, size) {
                prop_assert!(length > 0 && start.checked_add(length).is_some_and(|end| end <= size));
            }
        }
    }
}
