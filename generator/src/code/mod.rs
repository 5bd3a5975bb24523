//! Code blocks: what stands behind the fence, the colours of the code, and the HTML of both.
//!
//! ```html
//! <figure class="code"><figcaption>src/main.rs</figcaption>
//! <pre tabindex="0"><code class="language-rust"><span class="line" data-line="1">…
//! </span><mark class="line" data-line="2">…
//! </mark></code></pre></figure>
//! ```
//!
//! There is a figure only for a title, and an element per line only where lines are numbered or
//! some are marked. A line number is no text: it is not copied with the code, and the theme has
//! screen readers pass over it.

mod by_hand;
mod cache;
mod highlighter;
mod html;
mod info;
mod languages;
mod lines;
mod sheet;
mod spans;
mod tree;

pub use highlighter::Highlighter;

/// Writes the HTML of a fenced code block: `info` is what stands behind the fence, `code` what
/// stands in it. What is odd about it comes back as a note, one sentence without a full stop.
pub fn write_block(
    out: &mut String,
    info: &str,
    code: &str,
    highlighter: &Highlighter,
) -> Option<String> {
    let info = info::parse(info);
    let mut notes = info.notes;
    let language = languages::find(&info.language);
    if let Err(note) = &language {
        notes.push(note.clone());
    }
    notes.extend(no_such_line(&info.look, code));
    if matches!(language, Ok(Some(_))) && code.len() > highlighter::MAX_LENGTH {
        let most = highlighter::MAX_LENGTH / 1000;
        notes.push(format!("code of more than {most} kB has no colours"));
    }

    let spans = highlighter.highlight(language.ok().flatten(), code);
    if let Some(title) = &info.title {
        out.push_str("<figure class=\"code\"><figcaption>");
        html::push_text(out, title);
        out.push_str("</figcaption>\n");
    }
    // What scrolls has to be reached without a mouse.
    out.push_str("<pre tabindex=\"0\">");
    html::push_code(out, &info.language, code, &spans, &info.look);
    out.push_str("</pre>");
    if info.title.is_some() {
        out.push_str("</figure>");
    }
    out.push('\n');
    (!notes.is_empty()).then(|| printable(&notes.join("; ")))
}

/// Writes `code` as part of a line of text: `<code class="language-x">`, and a note as
/// [`write_block`] has.
pub fn write_inline(
    out: &mut String,
    language: &str,
    code: &str,
    highlighter: &Highlighter,
) -> Option<String> {
    let found = languages::find(language);
    let note = found.as_ref().err().map(|note| printable(note));
    let spans = highlighter.highlight(found.ok().flatten(), code);
    html::push_code(out, language, code, &spans, &lines::Look::default());
    note
}

/// `note` without what a terminal obeys.
fn printable(note: &str) -> String {
    note.replace(char::is_control, "\u{fffd}")
}

fn no_such_line(look: &lines::Look, code: &str) -> Option<String> {
    let count = code.lines().count();
    let line = look.marked.beyond(count)?;
    Some(format!(
        "line {line} is to be highlighted, but the code has {count} line{}",
        if count == 1 { "" } else { "s" }
    ))
}

#[cfg(test)]
mod tests;
