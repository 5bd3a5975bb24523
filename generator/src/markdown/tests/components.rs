use super::*;

#[test]
fn components_are_called() {
    let text = "# {{ <icon name=\"a\" /> }} T\n\nx {{<kbd/>}} y\n\n{% <note kind='tip'> %}\n*a* {% <b> %}c{% </b> %}\n\n- d\n{% </note> %}\n\n{{<end/>}}\n{{<end/>}}\nz";
    let rendered = rendered(text);
    let mark = |index| format!("<!--skep:call {index} _posts/trip/index.md-->");
    assert_eq!(
        rendered.html,
        format!(
            "<h1 id=\"t\">{} T</h1>\n<p>x {} y</p>\n{}\n{}\n{}\n<p>z</p>\n",
            mark(0),
            mark(1),
            mark(2),
            mark(4),
            mark(5)
        )
    );
    let calls = &rendered.calls;
    assert_eq!(calls[0].args, [("name".to_owned(), "a".into())]);
    let body = format!("\n<p><em>a</em> {}</p>\n<ul>\n<li>d</li>\n</ul>\n", mark(3));
    assert_eq!(calls[2].body_html.as_deref(), Some(body.as_str()));
    assert_eq!(calls[3].body_html.as_deref(), Some("c"));
    assert_eq!(calls[5].offset, text.rfind("{{").unwrap());
    let shown = html("\\{{<a b='c' />}} \\{% <d> %} `{{<e/>}}`\n");
    assert_eq!(
        shown,
        "<p>{{&lt;a b='c' /&gt;}} {% &lt;d&gt; %} <code>{{&lt;e/&gt;}}</code></p>\n"
    );
    let raw = html("<div>\n{{<a/>}} <i>{{<b/>}}</i>\n</div>\n");
    assert_eq!(
        raw,
        format!("<div>\n{} <i>{}</i>\n</div>\n", mark(0), mark(1))
    );
    let off = settings("components = false");
    assert_eq!(
        rendered_with("{{<a/>}}", &off).unwrap().html,
        "<p>{{<a/>}}</p>\n"
    );
}

#[test]
fn bodies_share_the_ids_and_references_of_the_text() {
    let text = "# A\n\n{% <x> %}\n# A\n\n[r] [^1]\n{% </x> %}\n\n[r]: https://r\n[^1]: f\n";
    let rendered = rendered(text);
    let body = rendered.calls[0].body_html.as_deref().unwrap();
    assert!(
        body.contains("<h1 id=\"a-1\">") && body.contains("href=\"https://r\""),
        "{body}"
    );
    assert!(
        body.contains("fnref") && rendered.html.contains("<section"),
        "{}",
        rendered.html
    );
}

#[test]
fn a_call_that_cannot_be_is_an_error_with_its_place() {
    for (text, offset, message) in [
        (
            "a\n\n{% <b> %}\nc {% </b> %}\n",
            15,
            "the two ends of <b> stand in different blocks",
        ),
        (
            "- {% <b> %}\n\nc\n\n{% </b> %}\n",
            2,
            "the two ends of <b> stand in different blocks",
        ),
        (
            "*a {% <b> %} c* {% </b> %}\n",
            3,
            "the two ends of <b> stand in different blocks",
        ),
        (
            "[a]({{<b/>}})\n",
            4,
            "a call of a component can't stand here",
        ),
        (
            "![{{<b/>}}](c)\n",
            2,
            "a call of a component can't stand here",
        ),
        (
            "a {{<b>}}\n",
            2,
            "the call of <b> in double braces has no slash at its end",
        ),
    ] {
        let errors = rendered_with(text, &Settings::default()).unwrap_err();
        assert_eq!(
            (errors[0].offset, errors[0].message.as_str()),
            (offset, message),
            "{text}"
        );
        assert!(errors.len() == 1 && errors[0].hint.is_some(), "{errors:?}");
    }
}

#[test]
fn a_text_without_a_file_calls_no_components() {
    let settings = Settings::default();
    let context = Context {
        path: "",
        settings: &settings,
        template_ids: &NO_IDS,
        write_code: &plain_code,
    };
    let errors = render("a {{<b/>}}", &context).unwrap_err();
    assert_eq!((errors.len(), errors[0].offset), (1, 2));
    assert_eq!(render("`{{<b/>}}`", &context).unwrap().calls, []);
}
