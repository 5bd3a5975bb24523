//! What a site calls itself.

use crate::{
    archive::{hash::NodeHash, path::ArchivePath},
    error::Result,
    plain,
    store::Reader,
};

/// How much of a page is looked at for its title, in bytes.
const LOOKED_AT: u64 = 256 << 10;
/// The longest title, in characters.
const LONGEST: usize = 200;

/// The title of a version's first page; `None` if it has none. May block.
pub(super) fn of(reader: &Reader, tree: NodeHash) -> Result<Option<String>> {
    let Ok(path) = ArchivePath::new("index.html") else {
        return Ok(None);
    };
    let Some(file) = reader.find(tree, &path)? else {
        return Ok(None);
    };
    let bytes = reader.range(&file, 0, file.size.min(LOOKED_AT))?;
    Ok(in_page(&String::from_utf8_lossy(&bytes)))
}

/// The title of an HTML page.
fn in_page(html: &str) -> Option<String> {
    let mut rest = html;
    loop {
        let at = plain::find_ignoring_case(rest, "<title");
        let at = at?;
        match rest.find("<!--").filter(|comment| *comment < at) {
            Some(comment) => rest = &rest[comment + rest[comment..].find("-->")?..],
            None => {
                rest = &rest[at + "<title".len()..];
                if rest.starts_with(|c: char| c == '>' || c.is_ascii_whitespace()) {
                    break;
                }
            }
        }
    }
    let text = &rest[rest.find('>')? + 1..];
    let text = &text[..plain::find_ignoring_case(text, "</title")?];
    // A title has no tags, only text that looks like some.
    let title = plain::line(&plain::entities(text), LONGEST);
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_is_that_of_the_page() {
        for (html, title) in [
            (
                "<html><head><title>My &amp; site</title>",
                Some("My & site"),
            ),
            (
                "<TITLE lang=en>\n Two\n  lines </TITLE >",
                Some("Two lines"),
            ),
            ("<!-- <title>old</title> --><title>new</title>", Some("new")),
            ("<titles>x</titles><title>y</title>", Some("y")),
            ("<title>a <b> is text</title>", Some("a <b> is text")),
            ("<title>\u{202e}live\x1b[31m</title>", Some("live[31m")),
            ("<title></title>", None),
            ("<title>never ends", None),
            ("<!-- <title>x</title>", None),
            ("no title", None),
        ] {
            assert_eq!(in_page(html).as_deref(), title, "{html}");
        }
        let long = format!("<title>{}</title>", "a".repeat(100_000));
        assert_eq!(in_page(&long).unwrap().chars().count(), LONGEST);
    }
}
