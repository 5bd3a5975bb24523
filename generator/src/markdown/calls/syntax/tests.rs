use serde_json::json;

use super::*;

fn args(text: &str) -> Result<Value, String> {
    match parse(text, 0) {
        Ok((Form::Whole { args, .. }, end)) => {
            assert_eq!(end, text.len());
            Ok(args.into_iter().collect::<serde_json::Map<_, _>>().into())
        }
        Ok(other) => panic!("{other:?}"),
        Err(note) => Err(format!("{}: {}", note.offset, note.message)),
    }
}

#[test]
fn reads_arguments_as_tera_does() {
    for (text, expected) in [
        ("{{<a/>}}", json!({})),
        ("{{- <a.b_1 -/> -}}", json!({})),
        (
            "{{ <a b=\"c d\" e='f' g=`h`/> }}",
            json!({"b": "c d", "e": "f", "g": "h"}),
        ),
        (
            "{{<a b = {-12} c={1.5} d={ true } e={false} />}}",
            json!({"b": -12, "c": 1.5, "d": true, "e": false}),
        ),
        (
            "{{<a b={[1, 'x', [],]} c={\"y\"}/>}}",
            json!({"b": [1, "x", []], "c": "y"}),
        ),
        (
            "{{<a b=\"\\\"\\n\\\\ }} /> é\"\n/>}}",
            json!({"b": "\"\n\\ }} /> é"}),
        ),
    ] {
        // A minus sign belongs to the braces, never to the tag.
        let text = text.replace(" -/>", " />");
        assert_eq!(args(&text).as_ref(), Ok(&expected), "{text}");
    }
}

#[test]
fn says_what_is_wrong_and_where() {
    for (text, expected) in [
        ("{{<a", "0: this call never ends"),
        ("{{<a/>", "0: this call never ends"),
        (
            "{{<a/>}x",
            "6: in this call '}' stands where '}}' ought to be",
        ),
        (
            "{{<a>}}",
            "0: the call of <a> in double braces has no slash at its end",
        ),
        (
            "{%<a/>%}",
            "0: the call of <a> has no body, but stands in {% %}",
        ),
        ("{{<a.1/>}}", "5: this call has no name of a component"),
        ("{{<a b/>}}", "5: the argument 'b' has no value"),
        (
            "{{<a b=c/>}}",
            "7: the value of 'b' is nothing that Markdown can give",
        ),
        (
            "{{<a b={c}/>}}",
            "8: the value of 'b' is nothing that Markdown can give",
        ),
        (
            "{{<a b={1 + 1}/>}}",
            "10: the value of 'b' is nothing that Markdown can give",
        ),
        (
            "{{<a b={1e999}/>}}",
            "8: the value of 'b' is nothing that Markdown can give",
        ),
        (
            "{{<a {...c}/>}}",
            "5: arguments can't be spread in Markdown",
        ),
        (
            "{{<a b='1' b='2'/>}}",
            "11: the argument 'b' is given twice",
        ),
        (
            "{{<a b='x/>}}",
            "7: this string never ends: its closing ' is missing",
        ),
        (
            "{{<a b='\\x'/>}}",
            "8: this string has a backslash before a character that needs none",
        ),
        (
            "{{<a\n> b/>}}",
            "0: the call of <a> in double braces has no slash at its end",
        ),
    ] {
        assert_eq!(args(text), Err(expected.to_owned()), "{text}");
    }
    let deep = format!("{{{{<a b={{{}1}}/>}}}}", "[".repeat(10_000));
    assert!(args(&deep).is_err());
}

#[test]
fn finds_where_a_call_may_begin() {
    let text = "{{<a {% <b {%- </c {{-\n<d {{ <1 {{ </e {{{<f \\{{<g";
    let found: Vec<_> = candidates(text)
        .into_iter()
        .map(|c| (&text[c.angle..c.angle + 2], c.is_escaped))
        .collect();
    let expected = [
        ("<a", false),
        ("<b", false),
        ("</", false),
        ("<d", false),
        ("<f", false),
        ("<g", true),
    ];
    assert_eq!(found, expected);
}
