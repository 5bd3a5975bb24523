//! What the preview adds to pages: a script, and the sight of an error.

use crate::error::Error;
use crate::html;

/// The script of every page in the preview.
pub(super) const SCRIPT: &str = include_str!("preview.js");
/// Where it is served.
pub(super) const SCRIPT_PATH: &str = "/.skep/preview.js";
/// Where browsers listen for changes.
pub(super) const EVENTS_PATH: &str = "/.skep/events";

/// The page `html` with the script in it. `seen` is the fingerprint of the page.
pub(super) fn inject(html: &[u8], seen: u64) -> Vec<u8> {
    let tag = format!("<script src=\"{SCRIPT_PATH}\" data-seen=\"{seen:x}\"></script>");
    // The last one: an earlier one may stand in a script or a comment.
    let at = html
        .windows(b"</body>".len())
        .rposition(|window| window.eq_ignore_ascii_case(b"</body>"))
        .unwrap_or(html.len());
    [&html[..at], tag.as_bytes(), &html[at..]].concat()
}

/// A whole page that shows `error`.
pub(super) fn page(error: &Error) -> String {
    let text = html::escape(&error.to_string());
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>This page can’t be shown yet</title>\
         <style>:root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui,sans-serif;\
         max-width:60rem;margin:3rem auto;padding:0 1rem}}pre{{font:.95rem/1.5 ui-monospace,\
         monospace;white-space:pre-wrap;padding:1rem;border-left:.25rem solid #c0392b;\
         background:#8881}}</style></head>\
         <body><h1>This page can’t be shown yet</h1><pre>{text}</pre>\
         <p>It appears by itself as soon as this is mended.</p></body></html>\n"
    )
}

/// `error` for the script: a list of what to show.
pub(super) fn json(error: &Error) -> String {
    let errors: Vec<serde_json::Value> = error
        .each()
        .map(|error| {
            let place = error.place.as_deref();
            serde_json::json!({
                "message": error.message,
                "file": place.map(|place| &place.file),
                "line": place.and_then(|place| place.line),
                "column": place.and_then(|place| place.column),
                "excerpt": place.and_then(|place| place.excerpt.as_ref()),
                "hint": error.hint,
            })
        })
        .collect();
    serde_json::Value::from(errors).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_script_goes_before_the_end_of_the_body() {
        let page = b"<body>a</body> b </BODY></html>";
        let text = String::from_utf8(inject(page, 0xab)).unwrap();
        assert_eq!(
            text,
            "<body>a</body> b <script src=\"/.skep/preview.js\" data-seen=\"ab\"></script></BODY></html>"
        );
        assert!(inject(b"no body", 1).starts_with(b"no body<script"));
    }

    #[test]
    fn an_error_page_shows_text_as_text() {
        let error = Error::new(ErrorKind::Template, "<script>").in_file("a.md");
        assert!(page(&error).contains("a.md: &lt;script&gt;"));
    }
}
