//! Blocks of code without colours.

use pulldown_cmark_escape::{escape_html, escape_html_body_text};

/// Writes a block of code as it is. It may scroll, so that the keyboard has to reach it.
pub(crate) fn plain_code(out: &mut String, info: &str, code: &str) -> Option<String> {
    write_block(out, "<pre tabindex=\"0\">", info, code);
    None
}

/// Writes a block of code in the element that `pre` opens.
pub(super) fn write_block(out: &mut String, pre: &str, info: &str, code: &str) {
    out.push_str(pre);
    let language = info.split(' ').next().unwrap_or_default();
    if language.is_empty() {
        out.push_str("<code>");
    } else {
        out.push_str("<code class=\"language-");
        let _ = escape_html(&mut *out, language);
        out.push_str("\">");
    }
    let _ = escape_html_body_text(&mut *out, code);
    out.push_str("</code></pre>\n");
}
