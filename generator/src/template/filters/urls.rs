//! Filters for URLs.

use std::fmt::Write;

use tera::{TeraResult, Value};

use super::{Call, Own};
use crate::names::{Url, has_scheme};

pub(super) const ALL: &[Own] = &[
    Own {
        name: "absolute_url",
        arguments: &[],
        call: absolute_url,
    },
    Own {
        name: "relative_url",
        arguments: &[],
        call: relative_url,
    },
    Own {
        name: "asset_url",
        arguments: &[],
        call: asset_url,
    },
    Own {
        name: "urlencode",
        arguments: &[],
        call: urlencode,
    },
    Own {
        name: "uri_escape",
        arguments: &[],
        call: uri_escape,
    },
    Own {
        name: "cgi_escape",
        arguments: &[],
        call: cgi_escape,
    },
    Own {
        name: "url_decode",
        arguments: &[],
        call: url_decode,
    },
];

fn absolute_url(call: &Call<'_>) -> TeraResult<Value> {
    let url = of_site(call)?;
    let base = call.around.base_url.as_deref().unwrap_or_default();
    Ok(match is_of_site(&url) {
        true => format!("{base}{url}").into(),
        false => url.into(),
    })
}

/// The URL from the root of the site of what the value names, a file or a URL.
fn of_site(call: &Call<'_>) -> TeraResult<String> {
    let text = call.text()?;
    if text.is_empty()
        || text.starts_with(['#', '?'])
        || text.starts_with("//")
        || has_scheme(&text)
    {
        return Ok(rooted(&text));
    }
    let url = match call.around.site.get() {
        Ok(site) => site.url_of(&text, call.page_url().as_deref()),
        // While templates are compiled, and in tests of filters, there is no site.
        Err(_) => Url::written(&rooted(&text)),
    };
    Ok(url.as_str().to_owned())
}

/// The links of finished pages are made relative to them, so that a site works wherever it is mounted. All
/// that is left to do is the slash at the start.
fn relative_url(call: &Call<'_>) -> TeraResult<Value> {
    Ok(of_site(call)?.into())
}

fn asset_url(call: &Call<'_>) -> TeraResult<Value> {
    let url = call.text()?;
    if url.starts_with("//") || has_scheme(&url) {
        return Ok(url.into_owned().into());
    }
    call.around
        .site
        .get()?
        .asset_url(&url, call.page_url().as_deref())
        .map(Value::from)
}

fn urlencode(call: &Call<'_>) -> TeraResult<Value> {
    Ok(escape(&call.text()?, |byte| is_unreserved(byte) || byte == b'/').into())
}

fn uri_escape(call: &Call<'_>) -> TeraResult<Value> {
    let means = |byte: u8| is_unreserved(byte) || b";/?:@&=+$,#[]!'()*%".contains(&byte);
    Ok(escape(&call.text()?, means).into())
}

fn cgi_escape(call: &Call<'_>) -> TeraResult<Value> {
    let escaped = escape(&call.text()?, |byte| {
        (is_unreserved(byte) && byte != b'~') || byte == b' '
    });
    Ok(escaped.replace(' ', "+").into())
}

fn url_decode(call: &Call<'_>) -> TeraResult<Value> {
    let text = call.text()?.replace('+', " ");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex
            .filter(|hex| byte == b'%' && hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// `url` with a slash at its start, unless it leads to another site or into the page.
pub(in crate::template) fn rooted(url: &str) -> String {
    if url.starts_with(['/', '#', '?']) || has_scheme(url) {
        url.to_owned()
    } else {
        format!("/{url}")
    }
}

fn is_of_site(url: &str) -> bool {
    url.starts_with('/') && !url.starts_with("//")
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

fn escape(text: &str, passes: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if passes(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, prints};

    #[test]
    fn urls_of_the_site_get_its_start_and_no_others() {
        for (url, absolute, relative) in [
            ("a/b", "https://example.org/deep/a/b", "/a/b"),
            ("/a", "https://example.org/deep/a", "/a"),
            ("", "https://example.org/deep/", "/"),
            ("#top", "#top", "#top"),
            ("https://x/", "https://x/", "https://x/"),
            ("//cdn.example/a", "//cdn.example/a", "//cdn.example/a"),
            ("mailto:a@b", "mailto:a@b", "mailto:a@b"),
        ] {
            let x = format!("\"{url}\"");
            let both = prints(
                "{{ x | absolute_url | safe }} {{ x | relative_url | safe }}",
                &x,
            );
            assert_eq!(both.unwrap(), format!("{absolute} {relative}"));
        }
    }

    #[test]
    fn escapes_for_parts_of_urls_for_whole_ones_and_for_forms() {
        check(
            "\"a b/ä?c=1&d#~+\"",
            &[
                (
                    "{{ x | urlencode | safe }}",
                    "a%20b/%C3%A4%3Fc%3D1%26d%23~%2B",
                ),
                ("{{ x | uri_escape | safe }}", "a%20b/%C3%A4?c=1&d#~+"),
                (
                    "{{ x | cgi_escape | safe }}",
                    "a+b%2F%C3%A4%3Fc%3D1%26d%23%7E%2B",
                ),
                ("{{ x | cgi_escape | url_decode | safe }}", "a b/ä?c=1&d#~+"),
                ("{{ '%zz%e4%' | url_decode | safe }}", "%zz\u{fffd}%"),
            ],
        );
    }
}
