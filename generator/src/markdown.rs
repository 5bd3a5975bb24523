//! Markdown to HTML: CommonMark with the extensions that writers expect.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// What a text of Markdown becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) html: String,
    /// What stands before `<!--more-->`, else the first paragraph.
    pub(crate) excerpt: String,
    pub(crate) words: usize,
}

const MORE: &str = "<!--more-->";

/// Renders `text`. Raw HTML in it passes: it is the author's own.
pub(crate) fn render(text: &str) -> Rendered {
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, extensions()).collect();
    let words = count_words(&events);
    give_headings_ids(&mut events);
    let excerpt = excerpt(&events);
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events.into_iter());
    Rendered {
        html: out,
        excerpt,
        words,
    }
}

/// The excerpt of a post that is HTML already.
pub(crate) fn html_excerpt(html: &str) -> String {
    if let Some((before, _)) = html.split_once(MORE) {
        return before.to_owned();
    }
    match (html.find("<p"), html.find("</p>")) {
        (Some(start), Some(end)) if start < end => html[start..end + "</p>".len()].to_owned(),
        _ => String::new(),
    }
}

fn extensions() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_SMART_PUNCTUATION
        | Options::ENABLE_GFM
}

fn count_words(events: &[Event<'_>]) -> usize {
    events
        .iter()
        .map(|event| match event {
            Event::Text(text) | Event::Code(text) => text
                .split_whitespace()
                .filter(|word| word.contains(char::is_alphanumeric))
                .count(),
            _ => 0,
        })
        .sum()
}

/// Gives every heading an id: its own, else one made of its text as GitHub does. None comes twice.
fn give_headings_ids(events: &mut [Event<'_>]) {
    let own = events.iter().filter_map(|event| match event {
        Event::Start(Tag::Heading { id: Some(id), .. }) => Some(id.to_string()),
        _ => None,
    });
    let mut used: BTreeSet<String> = own.collect();
    // Where the search for a free number goes on, or many equal headings would take for ever.
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for start in 0..events.len() {
        if !matches!(&events[start], Event::Start(Tag::Heading { id: None, .. })) {
            continue;
        }
        let mut text = String::new();
        for event in &events[start + 1..] {
            match event {
                Event::End(TagEnd::Heading(_)) => break,
                Event::Text(part) | Event::Code(part) => text.push_str(part),
                Event::SoftBreak | Event::HardBreak => text.push(' '),
                _ => {}
            }
        }
        let wanted = heading_id(&text);
        let number = numbers.entry(wanted.clone()).or_insert(1);
        let mut unique = wanted.clone();
        while !used.insert(unique.clone()) {
            unique = format!("{wanted}-{number}");
            *number += 1;
        }
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
            *id = Some(CowStr::from(unique));
        }
    }
}

fn heading_id(text: &str) -> String {
    let mut id = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if c.is_alphanumeric() || c == '_' || c == '-' {
            id.extend(c.to_lowercase());
        } else if c.is_whitespace() {
            id.push('-');
        }
    }
    if id.is_empty() {
        "section".to_owned()
    } else {
        id
    }
}

/// The excerpt as HTML. It can stand on a page of many: it has no ids and no footnotes.
fn excerpt(events: &[Event<'_>]) -> String {
    let range = before_more(events).or_else(|| first_paragraph(events));
    let Some((range, unclosed)) = range else {
        return String::new();
    };
    let mut footnotes = 0;
    let mut part: Vec<Event<'_>> = Vec::new();
    for event in &events[range] {
        match event {
            Event::Start(Tag::FootnoteDefinition(_)) => footnotes += 1,
            Event::End(TagEnd::FootnoteDefinition) => footnotes -= 1,
            Event::FootnoteReference(_) => {}
            _ if footnotes > 0 => {}
            Event::Start(Tag::Heading { level, .. }) => part.push(Event::Start(Tag::Heading {
                level: *level,
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            })),
            other => part.push(other.clone()),
        }
    }
    part.extend(unclosed.into_iter().rev().map(Event::End));
    let mut out = String::new();
    html::push_html(&mut out, part.into_iter());
    out
}

type Part = (std::ops::Range<usize>, Vec<TagEnd>);

/// The events before the marker, and what is still open there.
fn before_more(events: &[Event<'_>]) -> Option<Part> {
    let mut open = Vec::new();
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Start(tag) => open.push(tag.to_end()),
            Event::End(_) => {
                open.pop();
            }
            Event::Html(html) | Event::InlineHtml(html) if html.trim() == MORE => {
                return Some((0..at, open));
            }
            _ => {}
        }
    }
    None
}

/// The first paragraph on the top level that says something.
fn first_paragraph(events: &[Event<'_>]) -> Option<Part> {
    let mut depth = 0;
    let mut start = None;
    let mut has_text = false;
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Start(tag) => {
                if depth == 0 && matches!(tag, Tag::Paragraph) {
                    (start, has_text) = (Some(at), false);
                }
                depth += 1;
            }
            Event::End(_) => {
                depth -= 1;
                if depth == 0
                    && let Some(start) = start.take()
                    && has_text
                {
                    return Some((start..at + 1, Vec::new()));
                }
            }
            Event::Text(text) | Event::Code(text) => has_text |= !text.trim().is_empty(),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        render(text).html
    }

    #[test]
    fn the_extensions_are_on() {
        for (text, expected) in [
            ("|a|\n|-|\n|b|\n", "<td>b</td>"),
            ("~~x~~", "<del>x</del>"),
            ("- [x] done", "type=\"checkbox\" checked"),
            ("\"q\" -- it's...", "“q” – it’s…"),
            ("> [!NOTE]\n> n", "markdown-alert-note"),
            ("x[^1]\n\n[^1]: y", "footnote-definition"),
            ("# T {#own .c}", "<h1 id=\"own\" class=\"c\">"),
            (
                "```rust\nfn\n```",
                "<pre><code class=\"language-rust\">fn\n</code></pre>",
            ),
            ("<b onclick=x>raw</b>", "<b onclick=x>raw</b>"),
        ] {
            assert!(html(text).contains(expected), "{text}: {}", html(text));
        }
    }

    #[test]
    fn every_heading_has_an_id_of_its_own() {
        let text = "# A *b* `c`!\n\n## Same\n\n## Same\n\n## Über {#same-1}\n\n## 日本語\n\n## Same\n\n## !";
        let html = html(text);
        for id in [
            "a-b-c",
            "same",
            "same-2",
            "same-1",
            "日本語",
            "same-3",
            "section",
        ] {
            let attribute = format!("id=\"{id}\"");
            assert_eq!(html.matches(&attribute).count(), 1, "{id}: {html}");
        }
    }

    #[test]
    fn many_equal_headings_take_no_longer() {
        // With a search from 1 for each of them this takes hours.
        assert!(html(&"# x\n".repeat(50_000)).contains("id=\"x-49999\""));
    }

    #[test]
    fn the_excerpt_is_the_first_paragraph_that_says_something() {
        let text = "# T\n\n![](a.png)\n\nOne *two*.[^1]\n\nThree.\n\n[^1]: Note";
        assert_eq!(render(text).excerpt, "<p>One <em>two</em>.</p>\n");
        assert_eq!(render("# only a heading").excerpt, "");
    }

    #[test]
    fn the_marker_ends_the_excerpt_wherever_it_stands() {
        assert_eq!(
            render("One.\n\n## H\n\nTwo.\n\n<!--more-->\n\nThree.").excerpt,
            "<p>One.</p>\n<h2>H</h2>\n<p>Two.</p>\n"
        );
        assert_eq!(render("One <!--more--> two.").excerpt, "<p>One </p>\n");
        // In a code block the marker is only text.
        assert_eq!(
            render("One.\n\n```\n<!--more-->\n```\n").excerpt,
            "<p>One.</p>\n"
        );
    }

    #[test]
    fn counts_words() {
        assert_eq!(render("One two, `three` — *four*.").words, 4);
    }

    #[test]
    fn html_has_an_excerpt_too() {
        assert_eq!(html_excerpt("<h1>x</h1><p>a</p><p>b</p>"), "<p>a</p>");
        assert_eq!(html_excerpt("a<!--more-->b"), "a");
        assert_eq!(html_excerpt("nothing"), "");
    }
}
