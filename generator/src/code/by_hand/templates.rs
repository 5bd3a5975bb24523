//! Templates in HTML: Tera, Jinja, Liquid, Twig, Handlebars.

use super::words::Words;
use super::{Embed, Scanner};
use crate::code::spans::{Class, Painter};

const WORDS: Words = Words {
    capital_types: false,
    keywords: "and as assign autoescape block break call capture case component continue decrement
        each else elif elseif elsif endautoescape endblock endcall endcapture endcase endcomment
        endcomponent endfilter endfor endif endmacro endraw endset endtablerow endunless endwith
        extends filter for from if import in include increment is layout macro not or raw render
        section set set_global tablerow unless when with",
    constants: "true false none null nil",
    quotes: &["\"", "'", "`"],
    ..Words::NONE
};

/// A template: HTML, and between its braces names, filters and tags.
pub(in crate::code) fn template(text: &str, painter: &mut Painter, embed: Embed<'_>) {
    // The HTML is coloured as a whole, or a tag with braces in it would be none.
    let mut html = Painter::default();
    embed("html", text, &mut html);
    let html = html.finish();

    let from = painter.at();
    let mut at = 0;
    while let Some(start) = text[at..].find('{').map(|brace| at + brace) {
        let end = match text.as_bytes().get(start + 1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => {
                at = start + 1;
                continue;
            }
        };
        painter.copy(&html, from, from + start);
        let mut scanner = Scanner::new(&text[start..], painter);
        if end == "#}" {
            scanner.take(2, Class::Comment);
            scanner.take_past(end, Class::Comment);
            at = start + scanner.at;
            continue;
        }
        scanner.take(2, Class::Annotation);
        let length = scanner.rest().find(end);
        let inner = &scanner.rest()[..length.unwrap_or(scanner.rest().len())];
        let (inner_at, length) = (start + 2, length.map_or(0, |_| end.len()));
        paint_inner(inner, painter);
        painter.fill(from + inner_at + inner.len() + length, Class::Annotation);
        at = inner_at + inner.len() + length;
    }
    painter.copy(&html, from, from + text.len());
}

/// Names and filters: what stands behind a bar is a function.
fn paint_inner(inner: &str, painter: &mut Painter) {
    let mut is_first = true;
    for part in inner.split_inclusive('|') {
        if !is_first {
            let space = part.len() - part.trim_start().len();
            let name = part[space..]
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(part.len() - space);
            painter.fill(painter.at() + space, Class::Plain);
            painter.fill(painter.at() + name, Class::Function);
            WORDS.paint(&part[space + name..], painter);
        } else {
            WORDS.paint(part, painter);
        }
        is_first = false;
    }
}
