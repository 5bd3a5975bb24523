//! Everything that evaluates what an author, or the author of a fork's sources, has written: no bytes make it panic, and none
//! keep it at work without end. The property tests and the fuzz targets in `generator/fuzz` both include this module.
//!
//! A check says whether the bytes were accepted.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use skep_generator::code::{self, Highlighter};
use skep_generator::{LoadOptions, load, rehearse};

/// One evaluator.
pub(crate) struct Evaluator {
    /// Its name, and that of its fuzz target.
    pub(crate) name: &'static str,
    /// Feeds it any bytes.
    pub(crate) check: fn(&[u8]) -> bool,
    /// Texts that it accepts, to begin from.
    pub(crate) seeds: &'static [&'static str],
}

/// All of them.
pub(crate) static ALL: [Evaluator; 7] = [
    Evaluator {
        name: "code",
        check: highlight,
        seeds: &[
            "rust\nfn main() { let x: Vec<u8> = vec![1, 2]; println!(\"{x:?}\"); }",
            "cpp,hl_lines=1\ntemplate <class T> a.b<c, T>(d) { return x < y; }",
            "html\n<p class=\"a\"><script>let a = `${b}`;</script><!-- c --></p>",
            "bash\nfor f in *; do if [[ $f = (a) ]]; then echo \"${f%.*}\"; fi; done",
            "md\n# a\n```js\nlet x = {};\n```\n",
            "yaml\n- a: [1, 2]\n  b: |\n    c\n",
        ],
    },
    Evaluator {
        name: "colour_cache",
        check: colour_cache,
        seeds: &[""],
    },
    Evaluator {
        name: "data",
        check: data,
        seeds: &[
            "jX{\"a\": [1, 2.5, true, null, \"b\"]}",
            "yXa: &b [1, 2]\nc: *b\nd: |\n  e\n",
            "tXa = 2026-01-02\n[b]\nc = [1, 'd']\n",
            "cXa,b\n1,\"2 \"\"3\"\n",
        ],
    },
    Evaluator {
        name: "front_matter",
        check: |bytes| document(&[b"---\n", bytes, b"\n---\ntext\n"].concat()),
        seeds: &[
            "title: A\ndate: 2026-01-02 10:00\ntags: [a, b]\nlayout: page",
            "aliases: [/a/, /b/]\npublished: true\npermalink: /x/",
        ],
    },
    Evaluator {
        name: "markdown",
        check: document,
        seeds: &[
            "# A\n\n*b* [c](d) ![e](f.png)\n\n> - 1. x\n\n| a | b |\n|---|---|\n| c | d |\n",
            "a[^1] $x^2$ <b>c</b> `d`\n\n[^1]: e\n\n```rust\nfn f() {}\n```\n",
        ],
    },
    Evaluator {
        name: "style",
        check: style,
        seeds: &[
            "$a: 1px;\na { b { c: $a + 2px; &:hover { d: e } } }\n",
            "@media (min-width: 10em) { a { b: rgba(#123, .5) } }\n",
        ],
    },
    Evaluator {
        name: "template",
        check: template,
        seeds: &[
            "{% for p in site.posts | where(attribute='a', value=1) %}{{ p.title | upper }}{% endfor %}",
            "{% set a = [1, {'b': 2}] %}{% set_global c = a ~ 'x' %}{{ [x for x in a] | join(sep=c) }}",
            "{% component a(b: String) %}{{ b }}{% endcomponent %}{{ <a b=\"c\" /> }}{{ 'd' | replace(from='d', to='e') }}",
            "{% if page.title is defined and 1 in [1] %}{{ page.title[0:2] }}{% else %}{{ 1 + 2 * 3 // 4 }}{% endif %}",
        ],
    },
];

/// The evaluator of that name.
#[allow(
    dead_code,
    reason = "a fuzz target asks for one, and the property tests for all"
)]
pub(crate) fn evaluator(name: &str) -> &'static Evaluator {
    ALL.iter().find(|one| one.name == name).unwrap()
}

/// Whether a site of this one file, and a layout, can be built.
fn builds(path: &str, bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("skep.toml", b"theme = 'none'\ntitle = 'T'\n");
    write(
        "_layouts/page.html",
        b"{{ content | safe }}{{ page.title | default(value='') }}",
    );
    write(path, bytes);
    is_built(folder.path())
}

fn is_built(dir: &Path) -> bool {
    let now = "2026-06-15T12:00:00Z".parse().unwrap();
    let site = load(dir, &LoadOptions::published(now));
    // An error has to be shown.
    site.and_then(|site| rehearse(&site))
        .map_err(|error| error.to_string())
        .is_ok()
}

fn template(bytes: &[u8]) -> bool {
    builds(
        "x.html",
        &[b"---\nlayout: none\ntitle: X\n---\n", bytes].concat(),
    )
}

fn document(bytes: &[u8]) -> bool {
    builds("a.md", bytes)
}

fn data(bytes: &[u8]) -> bool {
    let Some((kind, rest)) = bytes.split_at_checked(2) else {
        return false;
    };
    let file = match kind[0] {
        b'j' => "_data/a.json",
        b'y' => "_data/a.yml",
        b't' => "_data/a.toml",
        _ => "_data/a.csv",
    };
    builds(file, rest)
}

fn style(bytes: &[u8]) -> bool {
    // In this process a stylesheet has no limits; what can make it run on is compiled by the tests of `skep`, in a child.
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let may_run_on = [
        "@while",
        "@for",
        "@each",
        "@function",
        "@mixin",
        "@extend",
        "@import",
        "@use",
    ];
    if may_run_on.iter().any(|word| text.contains(word)) || text.matches('{').count() > 40 {
        return false;
    }
    builds("a.scss", bytes)
}

fn highlight(bytes: &[u8]) -> bool {
    static HIGHLIGHTER: LazyLock<Highlighter> = LazyLock::new(Highlighter::default);
    let text = String::from_utf8_lossy(bytes);
    let (info, code) = text.split_once('\n').unwrap_or(("", &text));
    let mut out = String::new();
    code::write_block(&mut out, info, code, &HIGHLIGHTER);
    !out.is_empty()
}

/// A damaged cache is as good as an empty one.
fn colour_cache(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache");
    let block = |highlighter: &Highlighter| {
        let mut out = String::new();
        code::write_block(&mut out, "rust", "fn a() { \"é\" }", highlighter);
        out
    };
    let known = Highlighter::open(Some(&file));
    let expected = block(&known);
    known.save().unwrap();
    let mut whole = fs::read(&file).unwrap();
    // The bytes take the place of some of the file's, from where the first two say.
    let at = match bytes {
        [a, b, ..] => (usize::from(*a) << 8 | usize::from(*b)) % (whole.len() + 1),
        _ => 0,
    };
    let new = bytes.get(2..).unwrap_or_default();
    let end = (at + new.len()).min(whole.len());
    whole.splice(at..end, new.iter().copied());
    fs::write(&file, whole).unwrap();
    let damaged = Highlighter::open(Some(&file));
    let shown = block(&damaged);
    // The colours may be others, the code is the same.
    let text = |html: &str| {
        html.split('<')
            .filter_map(|part| part.split_once('>'))
            .map(|(_, t)| t.to_owned())
            .collect::<String>()
    };
    assert_eq!(text(&shown), text(&expected));
    damaged.save().is_ok()
}
