//! Programs that do not end: templates, layouts and data that take too much end in one error with a place.

use std::fmt::Write;

use skep_generator::{Error, ErrorKind, build, render};

use crate::support::{TestSite, site};

/// The error of the page that has `body` as its template.
fn error_of(body: &str, files: &[(&str, &str)]) -> Error {
    let site = site(files);
    site.write("x.html", &format!("---\nlayout: none\n---\n{body}"));
    render(&site.load(), "x/index.html").expect_err("it should be given up")
}

fn is_limit(error: &Error, says: &str) {
    assert_eq!(error.kind, ErrorKind::Limit, "{error}");
    assert!(error.message.contains(says), "{error}");
    assert!(error.hint.is_some(), "{error}");
}

/// Loops over 10^5 numbers in each other; `inner` is in the innermost.
fn loops(inner: &str) -> String {
    let range = "in range(end=100000) %}";
    format!(
        "{{% for a {range}{{% for b {range}{{% for c {range}{inner}{{% endfor %}}{{% endfor %}}{{% endfor %}}"
    )
}

#[test]
fn a_template_that_does_not_end_is_given_up_at_its_line() {
    for body in [
        loops(""),
        loops("{% if a == b %}{% endif %}"),
        loops("{% set x = [a, b, c] %}"),
        format!("{{% set x %}}{}{{% endset %}}", loops("")),
    ] {
        let error = error_of(&format!("a\n\n{body}"), &[]);
        is_limit(&error, "given up here");
        let place = error.place.unwrap();
        assert_eq!(
            (place.file.as_str(), place.line),
            ("x.html", Some(6)),
            "{body}"
        );
    }
}

#[test]
fn what_calls_itself_over_and_over_is_given_up() {
    // Two calls each, twenty levels deep; twenty is Tera's own bound.
    let twice = "{% component twice(n) %}{% if n > 0 %}\
        {{ <twice n={n - 1} /> }}{{ <twice n={n - 1} /> }}{{ <twice n={n - 1} /> }}{% endif %}{% endcomponent %}";
    let error = error_of("{{ <twice n={18} /> }}", &[("_includes/t.html", twice)]);
    is_limit(&error, "given up here");

    let names: Vec<String> = (0..200).map(|n| format!("_includes/i{n}.html")).collect();
    let texts: Vec<String> = (0..200)
        .map(|n| match n {
            199 => String::new(),
            n => format!("{{% include \"i{}.html\" %}}", n + 1),
        })
        .collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(texts.iter().map(String::as_str))
        .collect();
    is_limit(
        &error_of("{% include \"i0.html\" %}", &files),
        "in each other",
    );
}

#[test]
fn a_text_that_doubles_is_given_up_before_it_takes_the_memory() {
    let doubled = |set: &str| {
        format!(
            "{{% set a = 'xxxxxxxx' %}}{{% for i in range(end=60) %}}\n{set}{{% endfor %}}{{{{ a | length }}}}"
        )
    };
    for (set, says) in [
        ("{% set_global a = a ~ a %}", "MB"),
        ("{% set_global a = a ~ a ~ a ~ a ~ a ~ a ~ a ~ a %}", "MB"),
        ("{% set_global a %}{{ a }}{{ a }}{% endset %}", "MB"),
        ("{% set_global a = a | replace(from='x', to=a) %}", "MB"),
        ("{% set_global a = [a, a] | join(sep=a) %}", "MB"),
        ("{% set_global a = [a, a] | str %}", "MB"),
        ("{% set_global a = [a, a] | jsonify %}", "MB"),
    ] {
        let error = error_of(&doubled(set), &[]);
        is_limit(&error, says);
        let line = error.place.unwrap().line;
        assert!(matches!(line, Some(4 | 5)), "{set}: {line:?}");
    }
}

#[test]
fn what_is_small_and_endless_in_print_is_not_printed() {
    for set in ["[a, a]", "{'a': a, 'b': a}"] {
        for print in [
            "{{ a }}",
            "{{ a | str }}",
            "{{ a == b }}",
            "{{ [a, a] | sort }}",
            "{{ [a] | unique }}",
        ] {
            let body = format!(
                "{{% set a = 'xxxxxxxx' %}}{{% for i in range(end=60) %}}{{% set_global a = {set} %}}\
                 {{% endfor %}}{{% set b = [a, a] %}}\n\n{print}"
            );
            let error = error_of(&body, &[]);
            is_limit(&error, "given up here");
            assert_eq!(error.place.unwrap().line, Some(6), "{set} {print}");
        }
    }
}

#[test]
fn a_list_in_a_list_in_a_list_does_not_overflow_the_stack() {
    for set in ["[a]", "{'a': a}", "[[1], a] | reverse", "[] | push(item=a)"] {
        let body = format!(
            "{{% set a = 1 %}}{{% for i in range(end=90000) %}}{{% set_global a = {set} %}}{{% endfor %}}"
        );
        is_limit(&error_of(&body, &[]), "in each other");
    }
    let mut body = "{% set a = 1 %}".to_owned();
    for _ in 0..20_000 {
        body.push_str("{% set a = [a] %}");
    }
    is_limit(&error_of(&body, &[]), "in each other");
}

#[test]
fn layouts_that_show_their_content_twice_are_given_up() {
    let site = site(&[("a.md", "---\nlayout: l0\n---\nHello there\n")]);
    for n in 0..40 {
        let text = format!(
            "---\nlayout: l{}\n---\n\n{{{{ content | safe }}}}\n{{{{ content | safe }}}}",
            n + 1
        );
        site.write(&format!("_layouts/l{n}.html"), &text);
    }
    site.write("_layouts/l40.html", "{{ content | safe }}");
    let error = render(&site.load(), "a/index.html").unwrap_err();
    is_limit(&error, "MB");
    assert!(error.message.contains("a.md"), "{error}");
    let place = error.place.unwrap();
    assert!(place.file.starts_with("_layouts/l") && place.line.is_some());
}

/// A site of 300 posts whose layout does not end.
fn endless_posts() -> TestSite {
    let site = site(&[]);
    site.write("_layouts/post.html", &loops(""));
    for n in 0..300 {
        let path = format!("_posts/2026-01-01-p{n}.md");
        site.write(&path, "---\ntitle: P\n---\nText\n");
    }
    site
}

#[test]
fn a_layout_that_does_not_end_is_one_error_and_not_one_a_page() {
    let site = endless_posts();
    let error = build(&site.load(), &site.path("_site")).unwrap_err();
    is_limit(&error, "given up here");
    assert!(error.each().count() <= 64, "one a thread at most");
    assert_eq!(error.place.unwrap().file, "_layouts/post.html");
}

#[test]
fn what_is_much_but_ends_is_built() {
    let site = site(&[("x.html", "---\nlayout: none\n---\n")]);
    let body = "{% set_global n = 0 %}{% for a in range(end=1000) %}{% for b in range(end=1000) %}\
        {% set_global n = n + 1 %}{% endfor %}{% endfor %}{{ n }}";
    site.write("x.html", &format!("---\nlayout: none\n---\n{body}"));
    assert_eq!(site.render("x/index.html"), "1000000");
}

#[test]
fn data_that_is_too_large_says_so() {
    let mut cells = "a,b,c\n".to_owned();
    for _ in 0..110_000 {
        cells.push_str("1,2,3\n");
    }
    let mut json = "[0".to_owned();
    for n in 0..310_000 {
        let _ = write!(json, ",{n}");
    }
    json.push(']');
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let last = format!("*a{}", n - 1);
        let _ = writeln!(bomb, "a{n}: &a{n} [{}]", vec![last; 10].join(", "));
    }
    for (file, text, says) in [
        ("_data/a.csv", cells, "more than 300000 values"),
        ("_data/a.json", json, "more than 300000 values"),
        (
            "_data/b.csv",
            "a\n".to_owned() + &"x".repeat(9_000_000),
            "MB",
        ),
        (
            "_data/a.yml",
            "a: ".to_owned() + &"x".repeat(3_000_000),
            "MB",
        ),
        ("_data/b.yml", bomb, ""),
        ("_data/c.yml", "[".repeat(100_000), ""),
        ("_data/c.json", "[".repeat(100_000), ""),
        ("_data/c.toml", "a = ".to_owned() + &"[".repeat(100_000), ""),
    ] {
        let error = site(&[(file, &text)]).error();
        assert!(error.message.contains(says), "{file}: {error}");
        assert_eq!(error.place.unwrap().file, file);
    }
    for deep in ["---\na: ", "+++\na = "] {
        let fence = &deep[..3];
        let text = format!("{deep}{}\n{fence}\n", "[".repeat(100_000));
        assert_eq!(
            site(&[("a.md", &text)]).error().kind,
            ErrorKind::FrontMatter
        );
    }
}
