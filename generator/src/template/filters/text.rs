//! Filters for texts and HTML.

use tera::{TeraResult, Value};

use super::smart::smart;
use super::{Call, Own};
use crate::code;
use crate::html;
use crate::markdown;
use crate::slugs;
use crate::template::values;

pub(super) const ALL: &[Own] = &[
    Own {
        name: "markdownify",
        arguments: &["inline"],
        call: markdownify,
    },
    Own {
        name: "highlight",
        arguments: &["lang"],
        call: highlight,
    },
    Own {
        name: "strip_html",
        arguments: &[],
        call: |call| Ok(html::text(&call.text()?).into()),
    },
    Own {
        name: "truncate_words",
        arguments: &["length", "end"],
        call: truncate_words,
    },
    Own {
        name: "number_of_words",
        arguments: &[],
        call: |call| Ok(words(&call.text()?).into()),
    },
    Own {
        name: "reading_time",
        arguments: &[],
        call: |call| Ok(values::reading_time(words(&call.text()?)).into()),
    },
    Own {
        name: "slugify",
        arguments: &[],
        call: |call| Ok(slugs::slug(&call.text()?).into()),
    },
    Own {
        name: "jsonify",
        arguments: &["pretty"],
        call: jsonify,
    },
    Own {
        name: "xml_escape",
        arguments: &[],
        call: |call| Ok(Value::safe_string(&html::escape(&call.text()?))),
    },
    Own {
        name: "smartify",
        arguments: &[],
        call: |call| Ok(as_safe_as(call, smart(&call.text()?))),
    },
    Own {
        name: "strip_newlines",
        arguments: &[],
        call: |call| Ok(as_safe_as(call, call.text()?.replace(['\n', '\r'], ""))),
    },
    Own {
        name: "normalize_whitespace",
        arguments: &[],
        call: |call| {
            let text = call.text()?;
            let words: Vec<&str> = text.split_whitespace().collect();
            Ok(as_safe_as(call, words.join(" ")))
        },
    },
];

/// A text that was made of the value and brings no markup that the value did not have.
fn as_safe_as(call: &Call<'_>, text: String) -> Value {
    match call.value.is_safe() {
        true => Value::safe_string(&text),
        false => text.into(),
    }
}

fn markdownify(call: &Call<'_>) -> TeraResult<Value> {
    let highlighter = &call.around.highlighter;
    let write_code =
        |out: &mut String, info: &str, code: &str| code::write_block(out, info, code, highlighter);
    let context = markdown::Context {
        path: "",
        settings: &call.around.markdown,
        template_ids: &crate::markdown::NO_IDS,
        write_code: &write_code,
    };
    let text = call.text()?;
    // Some 100 times as much work as copying it.
    tera::fuel::steps(text.len())?;
    let rendered = markdown::render(&text, &context).map_err(|errors| {
        let messages: Vec<String> = errors.into_iter().map(|e| e.message).collect();
        tera::Error::message(messages.join("; "))
    })?;
    let html = rendered.html.as_str();
    // A line in a heading or a link must not be a paragraph of its own.
    let paragraph = || {
        let inner = html.trim_end().strip_prefix("<p>")?.strip_suffix("</p>")?;
        (!inner.contains("<p>")).then_some(inner)
    };
    let inline = call.argument("inline")?.unwrap_or(false);
    let inner = inline.then(paragraph).flatten();
    Ok(Value::safe_string(inner.unwrap_or(html)))
}

/// The text as a block of code; `lang` is all that may stand behind the fence of one in Markdown.
fn highlight(call: &Call<'_>) -> TeraResult<Value> {
    let info = call.argument::<&str>("lang")?.unwrap_or_default();
    let text = call.text()?;
    // A filter gets what stands between `{% filter %}` and its end as finished HTML.
    let text = match call.value.is_safe() {
        true => html::decode(&text),
        false => text.into_owned(),
    };
    tera::fuel::steps(text.len().saturating_mul(16))?;
    let mut out = String::new();
    code::write_block(
        &mut out,
        info,
        text.trim_matches('\n'),
        &call.around.highlighter,
    );
    Ok(Value::safe_string(&out))
}

/// How many words the text of some HTML has.
fn words(html: &str) -> usize {
    html::text(html).split_whitespace().count()
}

fn truncate_words(call: &Call<'_>) -> TeraResult<Value> {
    let length = call.argument::<usize>("length")?.unwrap_or(50);
    let end = call.argument::<&str>("end")?.unwrap_or("…");
    let text = call.text()?;
    // Of HTML it could cut the end of a tag off: what is left is text.
    let text = match call.value.is_safe() {
        true => html::text(&text),
        false => text.into_owned(),
    };
    let mut words = text.split_whitespace();
    let kept: Vec<&str> = words.by_ref().take(length).collect();
    Ok(match words.next() {
        Some(_) => format!("{}{end}", kept.join(" ")).into(),
        None => text.into(),
    })
}

fn jsonify(call: &Call<'_>) -> TeraResult<Value> {
    tera::fuel::weigh(&call.value)?;
    let json = match call.argument("pretty")?.unwrap_or(false) {
        true => serde_json::to_string_pretty(&call.value),
        false => serde_json::to_string(&call.value),
    };
    let json = json.map_err(tera::Error::message)?;
    // So that no text can end the <script> that the JSON stands in, or begin a comment there.
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e");
    Ok(Value::safe_string(&json.replace('&', "\\u0026")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, prints};

    #[test]
    fn texts_become_html_and_html_becomes_text() {
        check(
            "\"<p>One &amp; <b>two</b></p>\\n three\"",
            &[
                ("{{ x | strip_html }}", "One &amp; two\n three"),
                (
                    "{{ x | strip_html | normalize_whitespace }}",
                    "One &amp; two three",
                ),
                ("{{ x | number_of_words }}", "4"),
                ("{{ x | reading_time }}", "1"),
                ("{{ x | safe | truncate_words(length=2) }}", "One &amp;…"),
                ("{{ 'a b' | truncate_words(length=2) }}", "a b"),
                ("{{ 'a b c' | truncate_words(length=2, end='.') }}", "a b."),
                ("{{ '*x*' | markdownify }}", "<p><em>x</em></p>\n"),
                ("{{ '*x*' | markdownify(inline=true) }}", "<em>x</em>"),
                ("{{ 'Ä b C++' | slugify }}", "ä-b-cplusplus"),
                ("{{ 'a\nb' | strip_newlines }}", "ab"),
                (
                    "{{ \"<a b='c'>&\" | xml_escape }}",
                    "&lt;a b=&#39;c&#39;&gt;&amp;",
                ),
                ("{{ \"<i>'a'</i>\" | safe | smartify }}", "<i>‘a’</i>"),
                ("{{ none | strip_html }}{{ none | slugify | length }}", "8"),
            ],
        );
    }

    #[test]
    fn code_is_highlighted_in_templates_too() {
        let shown = prints(
            "{% filter highlight(lang='rust {1} title=\"a.rs\"') %}\nfn main() { 1 < 2 }\n{% endfilter %}",
            "1",
        )
        .unwrap();
        assert!(shown.contains("<figcaption>a.rs</figcaption>"), "{shown}");
        assert!(shown.contains("class=\"language-rust\""), "{shown}");
        assert!(
            shown.contains("&lt;") && !shown.contains("&amp;lt;"),
            "{shown}"
        );
        let plain = prints("{{ '<x>' | highlight }}", "1").unwrap();
        assert!(plain.contains("&lt;x&gt;"), "{plain}");
        let fenced = prints("{{ x | markdownify }}", "\"```rust\\nfn a() {}\\n```\"").unwrap();
        assert!(fenced.contains("language-rust"), "{fenced}");
    }

    #[test]
    fn json_is_safe_in_a_script() {
        check(
            "{\"a\": \"</script><!--&\"}",
            &[
                (
                    "{{ x | jsonify }}",
                    "{\"a\":\"\\u003c/script\\u003e\\u003c!--\\u0026\"}",
                ),
                ("{{ [1] | jsonify(pretty=true) }}", "[\n  1\n]"),
            ],
        );
    }

    #[test]
    fn what_is_no_text_says_so() {
        let error = prints("{{ x.y | upcase_ | slugify }}", "1").unwrap_err();
        assert!(error.contains("Unknown filter"), "{error}");
        let error = prints("{{ x | slugify }}", "[1]").unwrap_err();
        assert!(
            error.contains("expected `string` but got `array`"),
            "{error}"
        );
    }
}
