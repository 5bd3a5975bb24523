//! What is told of broken templates: where, what, and how it is written here.

use skep_generator::{Error, ErrorKind, render};

use crate::support::{TestSite, site};

/// A site with `template` as the page `t/`, which begins in line 4.
fn with(template: &str) -> TestSite {
    let site = site(&[
        ("_includes/card.html", "-"),
        (
            "_includes/components.html",
            "{% component figure(src: String, width=0) %}{{ src }}{% endcomponent %}",
        ),
        ("_layouts/base.html", "{% block main %}{% endblock %}"),
        ("_posts/2026-01-02-a.md", "---\ntitle: A\ntags: x\n---\n"),
    ]);
    site.write("t.html", &format!("---\nlayout: none\n---\n{template}"));
    site
}

/// The error of `template`, whether it comes up while it is read or filled in.
fn error_of(template: &str) -> Error {
    let site = with(template);
    match skep_generator::load(site.dir(), &crate::support::published()) {
        Err(error) => error,
        Ok(site) => render(&site, "t/index.html").expect_err(template),
    }
}

/// Checks the column (in line 4), a part of the message, and one of the hint.
fn check(cases: &[(&str, usize, &str, &str)]) {
    for (template, column, message, hint) in cases {
        let error = error_of(template);
        let place = error.place.as_ref().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(place.file, "t.html", "{error}");
        assert_eq!(place.line, Some(4), "{error}");
        assert_eq!(place.column, Some(*column), "{error}");
        assert_eq!(place.excerpt.as_deref(), Some(*template));
        assert_eq!(error.kind, ErrorKind::Template);
        assert!(error.message.contains(message), "{error}");
        let told = error.hint.as_deref().unwrap_or_else(|| panic!("{error}"));
        assert!(told.contains(hint), "{error}");
    }
}

#[test]
fn names_that_do_not_exist_are_guessed() {
    check(&[
        (
            "{{ page.title | uper }}",
            17,
            "unknown filter `uper`",
            "did you mean `upper`?",
        ),
        (
            "{{ page.title | zzz }}",
            17,
            "unknown filter",
            "the filters are abs, absolute_url",
        ),
        (
            "{{ get_pgae(path='x') }}",
            4,
            "unknown function",
            "did you mean `get_page`?",
        ),
        (
            "{% if page is strin %}{% endif %}",
            15,
            "unknown test",
            "did you mean `string`?",
        ),
        (
            "{{ pgae.title }}",
            4,
            "no variable `pgae`",
            "did you mean `page`?",
        ),
        (
            "{{ page.titel }}",
            9,
            "field `titel`",
            "did you mean `title`?",
        ),
        (
            "{{ page.titel | upper }}",
            4,
            "this has no value",
            "did you mean `title`?",
        ),
        (
            "{{ page.titel | slugify }}",
            4,
            "this has no value",
            "did you mean `title`?",
        ),
        (
            "{% include \"crad.html\" %}",
            12,
            "unknown template",
            "did you mean \"card.html\"?",
        ),
        (
            "{% include \"new.html\" %}",
            12,
            "unknown template",
            "make it: _includes/new.html",
        ),
        (
            "{% extends \"bsae.html\" %}",
            4,
            "no template 'bsae.html'",
            "did you mean \"base.html\"?",
        ),
        (
            "{{ <figre src=\"a\" /> }}",
            4,
            "unknown component",
            "did you mean 'figure'?",
        ),
        ("{% unlss x %}", 4, "no tag {% unlss %}", "the tags are"),
        ("{% esle %}", 4, "no tag {% esle %}", "did you mean `else`?"),
        (
            "{% extends \"base.html\" %}{% block mian %}{% endblock %}",
            35,
            "block `mian`",
            "did you mean `main`?",
        ),
    ]);
}

#[test]
fn arguments_that_are_missing_or_too_many() {
    check(&[
        (
            "{{ site.posts | where }}",
            17,
            "`attribute` is missing",
            "where(attribute=…)",
        ),
        (
            "{{ 'a' | replace(from='a') }}",
            10,
            "`to` is missing",
            "its arguments are from, to",
        ),
        (
            "{{ site.posts | sort(atribute='date') }}",
            17,
            "`sort` has no argument `atribute`",
            "did you mean `attribute`?",
        ),
        ("{{ <figure /> }}", 4, "needs the argument `src`", "src=…"),
        (
            "{{ <figure scr=\"a\" /> }}",
            4,
            "no argument `scr`",
            "did you mean `src`?",
        ),
        (
            "{{ <figure src={1} /> }}",
            4,
            "must be a text, and is a whole number",
            "quotes",
        ),
    ]);
}

#[test]
fn values_of_another_kind() {
    check(&[
        (
            "{{ page.title | upper }}",
            4,
            "this is nothing, where a text is needed",
            "default",
        ),
        (
            "{{ site.posts | upper }}",
            4,
            "this is a list, where a text",
            "another filter",
        ),
        (
            "{% for a in page.date %}{% endfor %}",
            13,
            "this is nothing, not a list",
            "{% if",
        ),
        (
            "{{ 'a' < 1 }}",
            4,
            "a text can't be compared with a whole number",
            "int",
        ),
        ("{{ 'a' + 'b' }}", 4, "numbers", "~"),
        ("{{ page.collection.x.y }}", 20, "field `x`", "ask first"),
    ]);
}

#[test]
fn what_is_never_closed_or_never_opened() {
    check(&[
        (
            "{{ page.title",
            1,
            "this {{ is never closed",
            "close it with }}",
        ),
        (
            "a {% if page",
            3,
            "this {% is never closed",
            "close it with %}",
        ),
        (
            "a {% if page %} b",
            3,
            "this {% if %} is never closed",
            "{% endif %}",
        ),
        ("{# a", 1, "this comment is never closed", "#}"),
        ("{{ \"a }}", 4, "this text is never closed", "another \""),
        (
            "{% raw %}a",
            1,
            "this {% raw %} is never closed",
            "{% endraw %}",
        ),
        (
            "{{ page.title }",
            15,
            "`}` can't stand here",
            "ends with }}",
        ),
        (
            "{{ page.title %}",
            16,
            "`}` can't stand here",
            "ends with }}",
        ),
        (
            "{% if page }}a{% endif %}",
            12,
            "`}` can't stand here",
            "ends with %}",
        ),
        (
            "{% endfor %}",
            4,
            "{% endfor %} belongs to nothing",
            "take it out",
        ),
        (
            "{% if page %}{% endfor %}",
            17,
            "{% endfor %} belongs to nothing",
            "the {% if %} in this line; it ends with {% endif %}",
        ),
        (
            "{% else %}",
            4,
            "{% else %} belongs to nothing",
            "take it out",
        ),
    ]);
}

#[test]
fn liquid_is_told_how_it_is_written_here() {
    check(&[
        (
            "{% assign x = 1 %}",
            4,
            "no tag {% assign %}",
            "write {% set x = 1 %}",
        ),
        (
            "{% capture x %}a{% endcapture %}",
            4,
            "capture",
            "{% set x %} … {% endset %}",
        ),
        (
            "{% unless page.a %}b{% endunless %}",
            4,
            "unless",
            "{% if not page.a %} … {% endif %}",
        ),
        (
            "{% if page %}{% elsif site %}{% endif %}",
            17,
            "elsif",
            "{% elif site %}",
        ),
        ("{% comment %}a{% endcomment %}", 4, "comment", "{# … #}"),
        ("{% case x %}{% endcase %}", 4, "case", "{% elif a == 2 %}"),
        (
            "{% highlight ruby %}a{% endhighlight %}",
            4,
            "highlight",
            "highlight(lang=",
        ),
        (
            "{% link _posts/2026-01-02-a.md %}",
            4,
            "link",
            "get_url(path=\"_posts/2026-01-02-a.md\")",
        ),
        (
            "{% post_url 2026-01-02-a %}",
            4,
            "post_url",
            "get_url(path=\"_posts/2026-01-02-a.md\")",
        ),
        ("{% seo %}", 4, "seo", "{% include \"seo.html\" %}"),
        ("{% macro a() %}{% endmacro %}", 4, "macro", "{% component"),
        (
            "{{ site.posts | where: \"tags\", \"x, y\" }}",
            22,
            "`:` can't stand here",
            "write where(attribute=\"tags\", value=\"x, y\")",
        ),
        (
            "{{ page.date | date: \"%Y\" }}",
            20,
            "`:`",
            "write date(format=\"%Y\")",
        ),
        (
            "{{ page.title | default: 'x' }}",
            24,
            "`:`",
            "write default(value='x')",
        ),
        ("{{ page.title | append: 'x' }}", 23, "`:`", "`a ~ b`"),
        (
            "{{ page.title | upcase }}",
            17,
            "unknown filter",
            "here it is `upper`",
        ),
        (
            "{{ site.posts | sample }}",
            17,
            "unknown filter",
            "no chance",
        ),
        (
            "{{ site.posts | where(\"tags\", \"x\") }}",
            23,
            "there should be a name",
            "write where(attribute=\"tags\", value=\"x\")",
        ),
        (
            "{% include card.html %}",
            12,
            "there should be a text in quotes",
            "{% include \"card.html\" %}",
        ),
        (
            "{% include card.html a=1 %}",
            12,
            "text in quotes",
            "an include takes no arguments",
        ),
        (
            "{% include \"card.html\" a=1 %}",
            24,
            "`a` can't stand here: the tag should end",
            "an include takes no arguments",
        ),
        (
            "{% for p in site.posts limit:5 %}{% endfor %}",
            24,
            "`limit` can't stand here",
            "write site.posts[:5]",
        ),
        (
            "{% for p in site.posts offset:2 %}{% endfor %}",
            24,
            "`offset`",
            "write site.posts[2:]",
        ),
        (
            "{% for p in site.posts reversed %}{% endfor %}",
            24,
            "`reversed`",
            "write site.posts | reverse",
        ),
        (
            "{% for i in (1..5) %}{% endfor %}",
            16,
            "`.` can't",
            "range(start=1, end=6)",
        ),
        (
            "{% if page.title contains \"x\" %}{% endif %}",
            18,
            "`contains` can't stand here",
            "write \"x\" in page.title",
        ),
        (
            "{% if page && site %}{% endif %}",
            12,
            "`&` means nothing here",
            "write `and`",
        ),
        (
            "{% if page || site %}{% endif %}",
            13,
            "`|` can't",
            "write `or`",
        ),
        ("{% if !page %}{% endif %}", 7, "`!` can't", "write `not`"),
        (
            "{% if page.title == nil %}{% endif %}",
            21,
            "no variable `nil`",
            "`if not a`",
        ),
        (
            "{% if page.title != blank %}{% endif %}",
            21,
            "no variable `blank`",
            "`if a`",
        ),
        (
            "{{ forloop.index }}",
            4,
            "no variable `forloop`",
            "loop.index",
        ),
        ("{{ jekyll.version }}", 4, "no variable `jekyll`", "`site`"),
        (
            "{{ now() | date }}",
            4,
            "unknown function `now`",
            "site.time",
        ),
        ("{{ 'now' | date }}", 12, "'now' is not a date", "site.time"),
        (
            "{{ get_page(path='/t/').url }}",
            24,
            "`.` can't stand here",
            "{% set it = … %}",
        ),
        (
            "{{ __tera_context }}",
            4,
            "another order each time",
            "jsonify(pretty=true)",
        ),
    ]);
}

#[test]
fn all_broken_templates_of_a_run_are_told() {
    let places = |error: &Error| -> Vec<(String, usize)> {
        let places = error.each().map(|error| error.place.clone().unwrap());
        places
            .map(|place| (place.file, place.line.unwrap_or(0)))
            .collect()
    };
    let syntax = site(&[
        ("_includes/a.html", "\n{{ a"),
        ("_layouts/b.html", "---\nx: 1\n---\n{% endif %}"),
        ("c.html", "---\n---\n{% assign x = 1 %}"),
        ("d.html", "---\n---\n{{ fine }}"),
    ]);
    assert_eq!(
        places(&syntax.error()),
        [
            ("_includes/a.html".to_owned(), 2),
            ("_layouts/b.html".to_owned(), 4),
            ("c.html".to_owned(), 3),
        ]
    );
    let references = site(&[
        ("_includes/a.html", "{% include \"b.html\" %}"),
        ("_includes/b.html", "{% include \"a.html\" %}"),
        ("_includes/c.html", "{% component c() %}{% endcomponent %}"),
        ("_layouts/d.html", "{% extends \"nothing.html\" %}"),
        (
            "_layouts/e.html",
            "{{ page.title | zzz }}\n{{ <c /> }}{{ f() }}",
        ),
    ]);
    let found = places(&references.error());
    for (file, line) in [
        ("_includes/a.html", 0),
        ("_layouts/d.html", 1),
        ("_layouts/e.html", 1),
        ("_layouts/e.html", 2),
    ] {
        assert!(found.contains(&(file.to_owned(), line)), "{found:?}");
    }
    assert_eq!(found.len(), 4, "{}", references.error());
}

#[test]
fn a_component_with_a_name_twice() {
    let site = site(&[
        ("_includes/a.html", "{% component c() %}{% endcomponent %}"),
        ("_includes/b.html", "{% component c() %}{% endcomponent %}"),
    ]);
    let error = site.error();
    assert!(
        error
            .message
            .contains("'c' is defined in _includes/a.html and in _includes/b.html"),
        "{error}"
    );
    assert!(error.hint.is_some());
}

#[test]
fn what_is_fine_is_not_complained_about() {
    let template = "{# {% assign x %} #}{% raw %}{{ a == nil }}{% endraw %}\
        {% set empty = 1 %}{{ empty }}{% if 'nil' == 'nil' %}{{ \"{% endif %}\" }}{% endif %}\
        {% for p in site.posts[:1] %}{{ loop.index }}{% endfor %}";
    assert_eq!(
        with(template).render("t/index.html"),
        "{{ a == nil }}1{% endif %}1"
    );
}
