//! Small things about HTML text.

/// `text` with the five characters escaped that mean something in HTML and XML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// The plain text of `html`: no tags, comments, scripts or styles, and entities read.
pub(crate) fn text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let tag = &rest[open..];
        let end = if tag.starts_with("<!--") {
            tag.find("-->").map(|at| at + "-->".len())
        } else if let Some(close) = raw_text_end(tag) {
            Some(close)
        } else {
            tag.find('>').map(|at| at + 1)
        };
        match end {
            Some(end) => rest = &tag[end..],
            None => return decode(out.trim()),
        }
    }
    out.push_str(rest);
    decode(out.trim())
}

/// Where the script or style that `tag` opens ends.
fn raw_text_end(tag: &str) -> Option<usize> {
    for (open, close) in [("<script", "</script>"), ("<style", "</style>")] {
        if tag
            .get(..open.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(open))
        {
            let lower = tag.to_ascii_lowercase();
            return lower.find(close).map(|at| at + close.len());
        }
    }
    None
}

/// `text` with its entities read: the numbers, and the few names that matter in HTML.
pub(crate) fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest.find(';').filter(|end| *end <= 10);
        match entity.and_then(|end| Some((end, entity_char(&rest[1..end])?))) {
            Some((end, c)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity_char(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_of_html() {
        assert_eq!(
            text(
                "<p>A <b title='x'>b</b> &amp; &#39;c&#x27; <!-- > --><script>1 < 2</script>d</p>"
            ),
            "A b & 'c' d"
        );
        assert_eq!(
            text("a & b; &nosuchentityatall; <unfinished"),
            "a & b; &nosuchentityatall;"
        );
    }

    #[test]
    fn escapes() {
        assert_eq!(
            escape("<a b=\"c\">&'"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#39;"
        );
    }
}
