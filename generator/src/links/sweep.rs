//! Marks in texts that are no HTML.

use super::Targets;
use crate::marks;
use crate::names::{self, Html, Url};

const LINK: &str = "{skep:";
const CALL: &str = "!--skep:call ";
/// No mark is longer, or many that never end would be searched for ever.
const MAX_LEN: usize = 16 * 1024;
/// `<` and `>` may be written in several ways.
const OPEN: [&str; 4] = ["&lt;", "<", "\\u003c", "\\u003C"];
const CLOSE: [&str; 4] = ["&gt;", ">", "\\u003e", "\\u003E"];

/// `text` with the URLs of its marks, from the root, and without the marks of calls.
pub(super) fn sweep(text: &str, targets: &dyn Targets) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    // One search for each kind, so that none of them begins again for each mark of the other.
    let links = memchr::memmem::find_iter(text.as_bytes(), LINK).map(|at| (at, true));
    let calls = memchr::memmem::find_iter(text.as_bytes(), CALL).map(|at| (at, false));
    let mut marks: Vec<(usize, bool)> = links.chain(calls).collect();
    marks.sort_unstable();
    for (at, is_link) in marks {
        if at < copied {
            continue;
        }
        let before = &text[copied..at];
        let after = &text[at..text.floor_char_boundary(at + MAX_LEN)];
        let swept = if is_link {
            link(after, targets).map(|(url, len)| (before.len(), url, len))
        } else {
            call(before, after).map(|(kept, len)| (kept, String::new(), len))
        };
        if let Some((kept, url, len)) = swept {
            out.push_str(&before[..kept]);
            out.push_str(&url);
            copied = at + len;
        }
    }
    out.push_str(&text[copied..]);
    out
}

/// The URL for the mark at the start of `text`, and the length of the mark.
fn link(text: &str, targets: &dyn Targets) -> Option<(String, usize)> {
    let len = text.find('}')? + 1;
    let mark = marks::link(&text[..len])?;
    let url = super::url_of(&mark, targets).unwrap_or_else(|| Url::written(&mark.written));
    // How the text around it is escaped is not known: a name is written so that it is safe in all.
    let (path, suffix) = names::split(url.as_str());
    let path = path.replace('&', "%26").replace('\'', "%27");
    Some((path + Html::of(suffix).as_str(), len))
}

/// How much stays of `before`, and how long the mark of a call is at the start of `after`.
fn call(before: &str, after: &str) -> Option<(usize, usize)> {
    let open = OPEN.into_iter().find(|open| before.ends_with(open))?;
    // A path may hold two hyphens as well.
    let mut hyphens = after.match_indices("--").skip(1).map(|(at, _)| at + 2);
    let len = hyphens.find_map(|end| {
        let close = CLOSE
            .into_iter()
            .find(|close| after[end..].starts_with(close))?;
        Some(end + close.len())
    })?;
    Some((before.len() - open.len(), len))
}

#[cfg(test)]
mod tests {
    use super::super::{Nothing, Targets};
    use super::*;
    use crate::error::Error;
    use crate::marks::LinkKind;

    struct One;

    impl Targets for One {
        fn url_of_source(&self, path: &str) -> Option<Url> {
            match path {
                "a b.md" => Some(Url::of_page("a/index.html")),
                "it's & #1.png" => Some(Url::of_file(path)),
                _ => None,
            }
        }
        fn url_of_name(&self, _: &str) -> Option<Url> {
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
        marks::push_link(&mut mark, LinkKind::Link, "a%20b.md#x", "a b.md", None);
        let mut call = String::new();
        marks::push_call(&mut call, "p--q.md", 3);
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
        let mut odd = String::new();
        let written = "it's & #1.png";
        marks::push_link(&mut odd, LinkKind::Image, written, "it's & ", Some(written));
        assert_eq!(sweep(&odd, &One), "/it%27s%20%26%20%231.png");
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
