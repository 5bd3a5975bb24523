use crate::names::Url;

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::links::{Base, Targets, finish};

#[test]
fn hostile_texts_take_no_longer() {
    // Each of these takes minutes if a byte of it is looked at for each other byte.
    let n = 20_000;
    for text in [
        "# x\n".repeat(n),
        "[[".repeat(n),
        "[[a]] ".repeat(n),
        "{{<a/>}} ".repeat(n),
        "{% <a> %}{% </a> %}".repeat(n),
        "{{< ".repeat(n),
        "{#a ".repeat(n),
        "\n\n> ".repeat(n),
        ">".repeat(n),
        "https://a.b/".repeat(n),
        "https://a.b/( ".repeat(n),
        "a@".repeat(n),
        "*a **b ".repeat(n),
        "[^a] ".repeat(n) + "\n\n[^a]: b",
        "[a](b.md) ".repeat(n),
        "![](b.png) ".repeat(n),
        "<b>".repeat(n),
        "$a$ ".repeat(n),
        "x^2 ".repeat(n),
        "~a ".repeat(n),
        format!("# {}", "a *b* ".repeat(n)),
        format!("<!--more-->{}", "# a[^1]\n\n".repeat(n)),
        "# a[^1]\n\n".repeat(n) + "<!--more-->\n\n[^1]: b",
        "[toc]\n\n# a\n\n".repeat(n),
        "- ".repeat(n),
        "`a".repeat(n),
        "<!--".repeat(n),
        "![".repeat(n),
        "- [ ] a\n".repeat(n),
        "a^b^".repeat(n),
        "|a".repeat(n) + "\n" + &"|-".repeat(n) + "\n" + &"|b".repeat(n),
    ] {
        let _ = rendered_with(&text, &Settings::default());
    }
}

proptest! {
    #[test]
    fn any_text_becomes_html(
        text in "([a-z*_~^`#>|:.@!\\[\\]()<{}%/$&;\"' \n\t-]|\\[\\^a\\]|\\{\\{<a/>\\}\\}|\\{% </?b> %\\}|https://a\\.b|<!--more-->|\\[toc\\]|é){0,60}"
    ) {
        for settings in [settings(""), settings("raw_html = 'drop'"), settings("flavour = 'commonmark'")] {
            let first = rendered_with(&text, &settings);
            prop_assert_eq!(&rendered_with(&text, &settings), &first);
            let Ok(rendered) = first else {
                continue;
            };
            for note in &rendered.notes {
                prop_assert!(text.is_char_boundary(note.offset));
            }
            for link in &rendered.links {
                prop_assert!(text.is_char_boundary(link.offset));
            }
            if settings.raw_html == crate::markdown::settings::RawHtml::Drop {
                // With no HTML of the author's own, every element that begins ends.
                for name in ["p", "a", "em", "strong", "del", "sup", "sub", "ul", "ol", "li", "div", "h1", "section", "table", "td", "dl", "blockquote"] {
                    let open = rendered.html.matches(&format!("<{name}>")).count()
                        + rendered.html.matches(&format!("<{name} ")).count();
                    let close = rendered.html.matches(&format!("</{name}>")).count();
                    prop_assert_eq!(open, close, "{} in {}", name, rendered.html);
                }
            }
        }
    }
}

/// Knows every source, every name and no image; a call gives a link of its own.
struct Everything;

impl Targets for Everything {
    fn url_of_source(&self, path: &str) -> Option<Url> {
        path.len().is_multiple_of(2).then(|| Url::of_file(path))
    }

    fn url_of_name(&self, name: &str) -> Option<Url> {
        name.len().is_multiple_of(2).then(|| Url::of_file(name))
    }

    fn image_size(&self, _: &str) -> Option<(u32, u32)> {
        Some((1, 2))
    }

    fn call(&self, path: &str, index: usize) -> Result<String, Error> {
        assert_eq!(path, "_posts/trip/index.md");
        Ok(format!("<a href=\"x.md\">{index}</a>"))
    }
}

proptest! {
    #[test]
    fn no_mark_survives_the_finishing_pass(
        text in "([a-z*_#>|:.!\\[\\]()<{}%/ \n-]|\\[a\\]\\(b\\.md#c\\)|!\\[\\]\\(d\\.png\\)|\\[\\[e\\|f\\]\\]|\\{\\{<a/>\\}\\}|<!--skep:call 0 b-->|\\[\\^a\\]|\\n\\n\\[\\^a\\]: b|\\n\\n\\[toc\\]\\n\\n){0,40}"
    ) {
        // An open comment or tag of the author's own hides what follows, a mark as well.
        let settings = settings("raw_html = 'drop'");
        let Ok(rendered) = rendered_with(&text, &settings) else {
            return Ok(());
        };
        let url = &Url::written("/trip/");
        let page = Base::Page { path: "trip/index.html", url };
        for base in [page, Base::Root { below: "" }, Base::Absolute { base: "https://h", url }] {
            for html in [&rendered.html, &rendered.excerpt] {
                let done = finish(html, base, &Everything).unwrap();
                prop_assert!(!done.contains("{skep:") && !done.contains("<!--skep:"), "{}", done);
            }
        }
    }
}
