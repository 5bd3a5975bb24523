//! Conditional and partial requests, as in RFC 9110.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers
        .get(name)
        .and_then(|value: &HeaderValue| value.to_str().ok())
}

/// Whether the client has what `etag` names.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    text(headers, header::IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == etag || tag == "*")
    })
}

/// The range that is asked for, as start and length; `Err` if the file does not have it. Several
/// ranges at once are answered with the whole file, as section 14.2 allows.
pub(super) fn range(headers: &HeaderMap, etag: &str, size: u64) -> Result<Option<(u64, u64)>, ()> {
    if text(headers, header::IF_RANGE).is_some_and(|condition| condition != etag) {
        return Ok(None);
    }
    let spec = text(headers, header::RANGE).and_then(|value| value.strip_prefix("bytes="));
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else {
        return Ok(None);
    };
    let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(start), Ok(last)) if last >= start => (start, last.saturating_add(1).min(size)),
        (Ok(start), Err(_)) if last.trim().is_empty() => (start, size),
        (Err(_), Ok(suffix)) if first.trim().is_empty() => (size.saturating_sub(suffix), size),
        _ => return Ok(None),
    };
    match start >= end {
        true => Err(()),
        false => Ok(Some((start, end - start))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(value: &str, size: u64) -> Result<Option<(u64, u64)>, ()> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(value).unwrap());
        range(&headers, "\"e\"", size)
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
            "bytes=-",
        ] {
            assert_eq!(ask(ignored, 100), Ok(None), "{ignored}");
        }
    }
}

#[cfg(test)]
mod random {
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
            if let Ok(Some((start, length))) = super::range(&headers, "\"e\"", size) {
                prop_assert!(length > 0 && start.checked_add(length).is_some_and(|end| end <= size));
            }
        }
    }
}
