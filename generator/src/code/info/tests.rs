use super::*;

fn lines(texts: &[&str]) -> Lines {
    let mut lines = Lines::default();
    for text in texts {
        assert!(lines.add(text));
    }
    lines
}

#[test]
fn understands_what_writers_know_from_others() {
    let numbered = |language: &str, from: u32, marked: &[&str], title: Option<&str>| Info {
        language: language.to_owned(),
        title: title.map(str::to_owned),
        look: Look {
            numbered_from: (from > 0).then_some(from),
            marked: lines(marked),
            hidden: Lines::default(),
        },
        notes: Vec::new(),
    };
    for (info, language, from, marked, title) in [
        ("", "", 0, &[][..], None),
        ("rust", "rust", 0, &[][..], None),
        ("C++", "C++", 0, &[], None),
        // Zola
        (
            "rust,linenos,hl_lines=2-4 7",
            "rust",
            1,
            &["2-4", "7"],
            None,
        ),
        ("rust, linenos, linenostart=20", "rust", 20, &[], None),
        ("linenos", "", 1, &[], None),
        ("rust,name=main.rs", "rust", 0, &[], Some("main.rs")),
        // Hugo
        (
            "rust {linenos=true, hl_lines=[\"2-4\",7], title=\"src/main.rs\"}",
            "rust",
            1,
            &["2-4", "7"],
            Some("src/main.rs"),
        ),
        (
            "go {linenos=table,hl_lines=[8],linenostart=199}",
            "go",
            199,
            &["8"],
            None,
        ),
        (
            "go {linenos=false hl_lines=\"1 3\"}",
            "go",
            0,
            &["1", "3"],
            None,
        ),
        // MkDocs
        (
            "py title=\"a b.py\" linenums=\"5\" hl_lines=\"2 3\"",
            "py",
            5,
            &["2-3"],
            Some("a b.py"),
        ),
        // Pandoc
        (
            "{.haskell .numberLines startFrom=\"100\"}",
            "haskell",
            100,
            &[],
            None,
        ),
        ("{#id .haskell .x}", "haskell", 0, &[], None),
        // Gatsby, VitePress, Docusaurus, Shiki, Expressive Code
        ("js{1,3-5}", "js", 0, &["1", "3-5"], None),
        ("js {1,3-5} showLineNumbers", "js", 1, &["1", "3-5"], None),
        ("js {\"1\", '3'}", "js", 0, &["1", "3"], None),
        ("{2}", "", 0, &["2"], None),
        ("ts:line-numbers=2 {1}", "ts", 2, &["1"], None),
        ("ts:no-line-numbers", "ts", 0, &[], None),
        (
            "js [config/vite.config.js]",
            "js",
            0,
            &[],
            Some("config/vite.config.js"),
        ),
        (
            "js showLineNumbers{10} /word/ title='x \"y\"'",
            "js",
            10,
            &[],
            Some("x \"y\""),
        ),
        ("js mark={2-3} ins={4}", "js", 0, &["2-3"], None),
        // Qiita, Zenn
        ("rust:src/main.rs", "rust", 0, &[], Some("src/main.rs")),
        // rustdoc, mdBook, knitr
        ("rust,ignore,edition2021", "rust", 0, &[], None),
        ("rust,no_run,should_panic", "rust", 0, &[], None),
        ("{r, echo=FALSE}", "r", 0, &[], None),
        ("python 3", "python", 0, &[], None),
    ] {
        assert_eq!(
            parse(info),
            numbered(language, from, marked, title),
            "{info}"
        );
    }
}

#[test]
fn hidden_lines_are_a_list_of_their_own() {
    let look = parse("rust,hide_lines=1-2 9,hl_lines=4 6,linenos").look;
    assert_eq!(look.hidden, lines(&["1-2", "9"]));
    assert_eq!(look.marked, lines(&["4", "6"]));
    assert_eq!(look.numbered_from, Some(1));
}

#[test]
fn a_slip_is_told() {
    for (info, note) in [
        (
            "rust,hl_line=2",
            "code blocks have no option 'hl_line'; did you mean 'hl_lines'?",
        ),
        (
            "rust hl_lines=two",
            "'two' is no line or range of lines such as 2 or 4-7",
        ),
        ("rust linenostart=x", "'x' is no number of a line"),
    ] {
        assert_eq!(parse(info).notes, [note], "{info}");
    }
}

#[test]
fn nothing_that_stands_behind_a_fence_stops_a_build() {
    let parts = [
        "rust", "{", "}", "[", "]", "\"", "'", "=", ",", ":", " ", "hl_lines", "é", "9-", "-",
    ];
    // Every sequence of four parts.
    for at in 0..parts.len().pow(4) {
        let n = parts.len();
        let info = [at % n, at / n % n, at / n / n % n, at / n / n / n]
            .map(|part| parts[part])
            .concat();
        let parsed = parse(&info);
        assert!(parsed.language.len() <= info.len());
    }
    for long in ["{[\"", "1,", "é"] {
        let notes = parse(&long.repeat(100_000)).notes;
        assert!(
            notes[0].starts_with("only the first 4096 bytes"),
            "{notes:?}"
        );
    }
}
