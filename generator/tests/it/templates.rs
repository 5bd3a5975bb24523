//! What templates can do and see.

use crate::support::site;

/// What `template` prints on a site with two posts.
fn prints(template: &str) -> String {
    let site = site(&[
        (
            "skep.toml",
            "title = 'T'\nauthor = 'Ada'\ncolour = 'red'\ntimezone = 'Europe/Berlin'\n",
        ),
        (
            "_posts/2026-01-02-a.md",
            "---\ntitle: A\ntags: x\nmood: good\n---\nOne *two*.\n\nThree.\n",
        ),
        ("_posts/2026-01-03-b.md", "---\ntitle: B\n---\n"),
        ("_data/people.yml", "- name: Ada\n  age: 36\n"),
        ("_data/deep/list.csv", "a,b\n1,2\n"),
        ("_includes/inc.html", "<{{ page.kind }}>"),
        (
            "t.html",
            &format!("---\nlayout: none\nkind: k\n---\n{template}"),
        ),
    ]);
    site.render("t/index.html")
}

#[test]
fn site_and_page() {
    for (template, expected) in [
        (
            "{{ site.title }} {{ site.author }} {{ site.colour }} {{ site.lang }}",
            "T Ada red en",
        ),
        ("{{ site.time }}", "2026-06-15T14:00:00+02:00"),
        ("{% if site.url %}y{% else %}n{% endif %}", "n"),
        (
            "{% for p in site.posts %}{{ p.title }}{{ p.url }} {% endfor %}",
            "B/2026/01/03/b/ A/2026/01/02/a/ ",
        ),
        (
            "{{ site.posts[1].mood }} {{ site.posts[1].source }}",
            "good _posts/2026-01-02-a.md",
        ),
        ("{{ site.posts[1].date }}", "2026-01-02T00:00:00+01:00"),
        (
            "{{ site.posts[1].excerpt | safe }}",
            "<p>One <em>two</em>.</p>\n",
        ),
        (
            "{{ site.posts[1].word_count }} {{ site.posts[1].reading_time }}",
            "3 1",
        ),
        (
            "{{ site.data.people[0].age }} {{ site.data.deep.list[0].b }}",
            "36 2",
        ),
        ("{% include \"inc.html\" %}", "<k>"),
        (
            "{{ page.url }} {{ page.kind }} {{ page.draft }}",
            "/t/ k false",
        ),
        ("{{ '<b>' }}", "&lt;b&gt;"),
        // What a page does not have prints nothing, and a default stands in for it.
        (
            "{{ page.title }}{{ page.description }}{{ site.url }}{{ page.tag }}",
            "",
        ),
        (
            "{{ page.title | default(value='d') }} {{ page.own | default(value='e') }}",
            "d e",
        ),
    ] {
        assert_eq!(prints(template), expected, "{template}");
    }
}

#[test]
fn filters() {
    for (template, expected) in [
        ("{{ site.posts[1].date | date }}", "2 January 2026"),
        (
            "{{ site.posts[1].date | date(format='%d/%m/%y') }}",
            "02/01/26",
        ),
        (
            "{{ '2026-01-02 10:00' | date_to_xmlschema }}",
            "2026-01-02T10:00:00+01:00",
        ),
        (
            "{{ \"<a b='c'>&\" | xml_escape }}",
            "&lt;a b=&#39;c&#39;&gt;&amp;",
        ),
        ("{{ 'Ä b C++' | slugify }}", "ä-b-cplusplus"),
        ("{{ '*x*' | markdownify }}", "<p><em>x</em></p>\n"),
        (
            "{{ 'a/b' | relative_url }} {{ '/a' | absolute_url }}",
            "/a/b /a",
        ),
        ("{{ 'https://x/' | absolute_url }}", "https://x/"),
        (
            "{{ ['</script>&', 1] | jsonify }}",
            "[\"\\u003c/script\\u003e\\u0026\",1]",
        ),
        ("{{ '<p>a &amp; <b>b</b></p>' | strip_html }}", "a &amp; b"),
        (
            "{% for p in site.posts | where(attribute='mood', value='good') %}{{ p.title }}{% endfor %}",
            "A",
        ),
    ] {
        assert_eq!(prints(template), expected, "{template}");
    }
}

#[test]
fn layouts_know_their_front_matter() {
    let site = site(&[
        (
            "_layouts/outer.html",
            "{{ layout.width | default(value=0) }}:{{ content | safe }}",
        ),
        (
            "_layouts/inner.html",
            "---\nlayout: outer\nwidth: 3\n---\n{{ layout.width }}-{{ content | safe }}",
        ),
        ("a.md", "---\nlayout: inner\n---\nx"),
    ]);
    assert_eq!(site.render("a/index.html"), "0:3-<p>x</p>\n");
}

#[test]
fn a_post_knows_its_neighbours_and_what_is_related_to_it() {
    let site = site(&[
        (
            "_layouts/post.html",
            "{{ page.previous.title or '-' }} {{ page.next.title or '-' }} \
             {% for post in page.related %}{{ post.title }}{% endfor %}",
        ),
        ("_posts/2026-01-01-a.md", "---\ntitle: A\ntags: x y\n---\n"),
        ("_posts/2026-01-02-b.md", "---\ntitle: B\ntags: x\n---\n"),
        ("_posts/2026-01-03-c.md", "---\ntitle: C\ntags: x y\n---\n"),
        ("_posts/2026-01-04-d.md", "---\ntitle: D\ntags: z\n---\n"),
    ]);
    assert_eq!(site.render("2026/01/01/a/index.html"), "- B CB");
    assert_eq!(site.render("2026/01/02/b/index.html"), "A C CA");
    assert_eq!(site.render("2026/01/04/d/index.html"), "C - ");
}
