//! Marks in texts that are no HTML.

use super::Targets;
use crate::marks::{self, LinkKind};

const LINK: &str = "{skep:";
const CALL: &str = "!--skep:call ";

/// `text` with the URLs of its marks, from the root, and without the marks of calls.
pub(super) fn sweep(text: &str, targets: &dyn Targets) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let link = rest.find(LINK);
        let call = rest.find(CALL);
        let Some(at) = link.into_iter().chain(call).min() else {
            out.push_str(rest);
            return out;
        };
        let (before, after) = rest.split_at(at);
        if Some(at) == link
            && let Some(end) = after.find('}')
            && let Some(mark) = marks::link(&after[..=end])
        {
            out.push_str(before);
            let url = match mark.kind {
                LinkKind::Wiki => targets.url_of_name(&mark.target),
                LinkKind::Link | LinkKind::Image => targets.url_of_source(&mark.target),
            };
            match url {
                Some(url) => {
                    let suffix = mark.written.find(['?', '#']).unwrap_or(mark.written.len());
                    out.push_str(&url);
                    out.push_str(&mark.written[suffix..]);
                }
                None => out.push_str(mark.written),
            }
            rest = &after[end + 1..];
            continue;
        }
        // `<!--` and `-->` may be written in several ways.
        let opened = ["&lt;", "<", "\\u003c", "\\u003C"]
            .into_iter()
            .find(|open| before.ends_with(open));
        if Some(at) == call
            && let Some(open) = opened
            && let Some(end) = after.find("--")
            && let Some(end) = after[end + 2..].find("--").map(|more| end + 2 + more + 2)
        {
            out.push_str(&before[..before.len() - open.len()]);
            rest = &after[end..];
            let closed = ["&gt;", ">", "\\u003e", "\\u003E"];
            rest = closed
                .into_iter()
                .find_map(|close| rest.strip_prefix(close))
                .unwrap_or(rest);
            continue;
        }
        let (skipped, next) = after.split_at(1);
        out.push_str(before);
        out.push_str(skipped);
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Nothing, Targets};
    use super::*;
    use crate::error::Error;
    use std::borrow::Cow;

    struct One;

    impl Targets for One {
        fn url_of_source(&self, path: &str) -> Option<Cow<'_, str>> {
            (path == "a b.md").then_some(Cow::Borrowed("/a/"))
        }
        fn url_of_name(&self, _: &str) -> Option<Cow<'_, str>> {
            None
        }
        fn image_size(&self, _: &str) -> Option<(u32, u32)> {
            None
        }
        fn call(&self, _: &str, _: usize) -> Result<String, Error> {
            Ok("never".to_owned())
        }
    }

    #[test]
    fn marks_go_however_they_are_escaped() {
        let mut mark = String::new();
        marks::push_link(&mut mark, LinkKind::Link, "a%20b.md#x", "a b.md");
        let mut call = String::new();
        marks::push_call(&mut call, "p.md", 3);
        let html = format!("<a href=\"{mark}\">1</a>{call}2");
        for (escaped, expected) in [
            (html.clone(), "<a href=\"/a/#x\">1</a>2"),
            (html.replace('"', "\\\""), "<a href=\\\"/a/#x\\\">1</a>2"),
            (
                crate::html::escape(&html),
                "&lt;a href=&quot;/a/#x&quot;&gt;1&lt;/a&gt;2",
            ),
        ] {
            assert_eq!(sweep(&escaped, &One), expected);
        }
        assert_eq!(sweep(&mark, &Nothing), "a%20b.md#x");
        for text in [
            "{skep:",
            "{skep:x}",
            "<!--skep:call",
            "a { b } <!-- c -->",
            "<!--skep:call 1",
        ] {
            assert_eq!(sweep(text, &One), text);
        }
    }
}
