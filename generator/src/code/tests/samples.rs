//! Every language has the colours that a reader expects.

use proptest::prelude::*;

use super::super::languages::{self, LANGUAGES};
use super::super::spans::{Class, Span};
use super::*;

/// The samples of the benchmark: they have a bit of everything.
fn sample(language: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/samples");
    std::fs::read_to_string(format!("{folder}/{language}.txt")).unwrap()
}

fn spans(language: &str, code: &str) -> Vec<Span> {
    let language = languages::find(language).unwrap();
    Highlighter::default().highlight(language, code)
}

/// The class of the first `text` in `code`, if all of it has one.
fn class_of(spans: &[Span], code: &str, text: &str) -> Option<Class> {
    let start = code.find(text)?;
    let mut end = 0;
    for span in spans {
        end += span.length as usize;
        if end > start {
            return (end >= start + text.len()).then_some(span.class);
        }
    }
    Some(Class::Plain)
}

#[test]
fn every_language_has_the_colours_that_one_expects() {
    let mut wrong = Vec::new();
    // Of each language: classes and words.
    for (language, expected) in [
        (
            "bash",
            "k local|k if|f echo|s 'from cron'|c # Publishes|p limit|n 10|p --strict",
        ),
        (
            "c",
            "k typedef|t unsigned int|f add|n 0x10|s \"north\"|e \\n|c /* A hive|a #include|n LIMIT|k static",
        ),
        (
            "console",
            "a $ |f skep|s \"On bees\"|p --strict|- made my-site",
        ),
        (
            "cpp",
            "k namespace|t Census|f add|s \"north\"|n 50'000|c // Counts|k explicit|k final|t std|n nullptr",
        ),
        (
            "csharp",
            "k using|k sealed|t Dictionary|f TryGetValue|s \"use AddAll\"|n 50_000|c /// <summary>|a [Obsolete|k throw",
        ),
        (
            "css",
            "k @import|c /* The|p --honey|n #e6b467|f .hive|a :first-child|t li|f var|n 34rem|k !important|f #main|p color",
        ),
        (
            "diff",
            "a diff --git|k @@ -1,7|d -    bees: u16|x +    bees: u32|- pub struct",
        ),
        (
            "dockerfile",
            "k FROM|t rust|n :1.91-slim|k AS|c # A host|f apt-get|s \"host\"|a --chown|p --release",
        ),
        (
            "elixir",
            "k defmodule|t Hive.Census|k def|f start_link|n 50_000|c # A hive|n :error|a moduledoc|p name:|s Counts the|e ~r/hive",
        ),
        (
            "go",
            "k package|t Hive|f Add|s \"errors\"|e \\n|n 50_000|c // ErrFull|n nil|k chan|p Name",
        ),
        (
            "haskell",
            "k module|t Map|c -- |a {-# LANGUAGE|f putStrLn|s \"full|n 50000|k where|t Maybe",
        ),
        (
            "html",
            "a <!doctype|t head|p lang|s \"en\"|e &amp;|f .hive|k const|f querySelectorAll|c <!-- The",
        ),
        ("ini", "c ; The|t [Unit]|p Description|s A host|n 512M"),
        (
            "java",
            "k package|t Map|f merge|s \"hives: \"|n 50_000|c /** Counts|a @Override|k throw",
        ),
        (
            "javascript",
            "k import|s \"node:fs/promises\"|c // Reads|t Census|f load|n 42|e /^hive|k await|f test|n PATTERN",
        ),
        (
            "jinja",
            "a {%|k extends|s \"default.html\"|c {# The|t h1|f upper|p class|k if|n 100",
        ),
        ("json", "p \"name\"|s \"north\"|n 50000|n true|e \\\""),
        (
            "kotlin",
            "k package|t Hive|k class|f add|n 50_000|c /** Counts|a @Throws|s \"north\"|k fun|k suspend",
        ),
        (
            "lua",
            "k local|f new|s \"north\"|n 50000|c -- Counts|k function|n nil|e \\n",
        ),
        (
            "make",
            "c # Builds|p SITE|f .PHONY|k include|p $(shell find|k ifeq",
        ),
        (
            "markdown",
            "a ---|p title|h # The first|b **busy**|i *warm*|s `brood`|u (2026-03-01-last.md)|k let|n 50_000|k - ",
        ),
        (
            "nix",
            "c # A package|k let|k inherit|s \"1.0.0\"|f buildRustPackage|n 4|p pname|k with",
        ),
        (
            "php",
            "a <?php|k namespace|t InvalidArgumentException|f add|s 'north'|n 50_000|c /** Counts|k private",
        ),
        (
            "python",
            "k import|t Hive|f add|s \"\"\"A hive|n 1.5e3|c # A hive|a @dataclass|p default_factory|n None|k lambda",
        ),
        (
            "ruby",
            "k require|t Hives|f initialize|s \"json\"|n 50_000|c # Counts|n :hives|p @hives|k unless|e \\d",
        ),
        (
            "rust",
            "k use|t BTreeMap|k pub|f count|s \"{hive}|e \\n|n 50_000|c /// Counts|a #[derive|f println!|p hives|t 'a|k mut|n LIMIT",
        ),
        (
            "scss",
            "k @use|c // The|p $honey|n #e6b467|k !default|k @mixin|f darken|f .hive|p width|n 10%",
        ),
        (
            "sql",
            "c -- The|k CREATE|t INTEGER|s 'north'|n 50000|f COUNT|n TRUE|k ORDER",
        ),
        (
            "swift",
            "k import|t Hive|f add|n 50_000|c /// Counts|a @discardableResult|s \"north\"|e \\n|k guard|k throws",
        ),
        (
            "toml",
            "c # The|p title|s \"Hives|t build|n true|n 2026-04-01T10:00:00Z|e \\t|p version",
        ),
        (
            "tsx",
            "k import|t Props|f toUpperCase|t section|p className|s \"hive\"|k return|n false|c // A card",
        ),
        (
            "typescript",
            "k interface|t Hive|k readonly|f find|n 50_000|c /** Finds|k private|p bees|s \"./bee\"|t Promise",
        ),
        (
            "vim",
            "c \" Builds|k if|f exists|s 'g:loaded_skep'|n 50|k function|e <CR>|k endfunction",
        ),
        (
            "vue",
            "t script|k import|s \"vue\"|f defineProps|p v-if|f toUpperCase|c <!-- A|p color",
        ),
        (
            "xml",
            "a <?xml|c <!-- A feed|t title|p xmlns|s \"http://www.w3.org/2005/Atom\"|e &amp;",
        ),
        (
            "yaml",
            "c # What|p name|s build|n 60|n true|a &defaults|s 'Publish it'|a *defaults",
        ),
        (
            "zig",
            "k const|f @import|s \"std\"|c /// A hive|t u32|n 50_000|k pub|f add|e \\n|k try",
        ),
    ] {
        let code = sample(language);
        let spans = spans(language, &code);
        for item in expected.split('|') {
            let (class, text) = item.split_once(' ').unwrap();
            let found = class_of(&spans, &code, text).map(|class| class.name().unwrap_or("-"));
            if found != Some(class) {
                wrong.push((language, item, found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_language_has_a_sample() {
    for entry in LANGUAGES {
        assert!(
            !spans(entry.name, &sample(entry.name)).is_empty(),
            "{}",
            entry.name
        );
    }
}

/// The text of `html` without its tags.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[test]
fn threads_and_caches_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache");
    let html = |highlighter: &Highlighter| -> Vec<String> {
        let one = |at: usize| {
            let entry = &LANGUAGES[at % LANGUAGES.len()];
            let code = format!("{}\n{}", sample(entry.name), at % 50);
            let mut out = String::new();
            assert_eq!(write_block(&mut out, entry.name, &code, highlighter), None);
            out
        };
        use rayon::prelude::*;
        (0..200).into_par_iter().map(one).collect()
    };
    let on = |threads: usize, highlighter: &Highlighter| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| html(highlighter))
    };
    let plain = on(1, &Highlighter::default());
    let first = Highlighter::open(Some(&file));
    assert_eq!(on(8, &first), plain);
    assert_eq!(on(8, &first), plain);
    first.save().unwrap();
    assert_eq!(on(3, &Highlighter::open(Some(&file))), plain);
}

#[test]
fn code_in_code_in_code_ends_somewhere() {
    let mut code = "let x = 1;".to_owned();
    for depth in 3..150 {
        let fence = "`".repeat(depth);
        code = format!("{fence}md\n{code}\n{fence}\n");
    }
    assert!(!spans("markdown", &code).is_empty());
    let long = "fn ".repeat(1 << 20);
    assert!(spans("rust", &long).is_empty());
    let note = write_block(&mut String::new(), "rust", &long, &Highlighter::default());
    assert_eq!(note.unwrap(), "code of more than 32 kB has no colours");
}

#[test]
fn code_that_no_grammar_likes_takes_no_longer_than_its_length_allows() {
    for entry in LANGUAGES {
        for part in [
            "(", "{[<", "<a ", "\"", "'\n", "-- {{% ", "/*", "é😀", "0x", "\0\r\t", "`${", "#{",
            "%(",
        ] {
            let code = part.repeat(300);
            let end: usize = spans(entry.name, &code)
                .iter()
                .map(|span| span.length as usize)
                .sum();
            assert!(end <= code.len());
        }
    }
}

/// The most memory that this process had, in MB.
#[cfg(target_os = "linux")]
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kb = line.unwrap().split_whitespace().nth(1).unwrap();
    kb.parse::<usize>().unwrap() / 1000
}

#[cfg(target_os = "linux")]
#[test]
fn code_that_is_read_in_many_ways_at_once_does_not_take_the_memory() {
    for (language, part) in [
        ("cpp", "a.b<c,"),
        ("c", "a=>"),
        ("csharp", "<a "),
        ("bash", "a?"),
    ] {
        let code = part.repeat(super::super::highlighter::MAX_LENGTH / part.len());
        write_block(&mut String::new(), language, &code, &Highlighter::default());
        let most = most_memory();
        assert!(most < 1500, "{language} {part}: {most} MB");
    }
}

#[test]
fn long_code_with_an_error_is_read_in_pieces() {
    let code = format!(
        "{}{}",
        "a.b<c,\n".repeat(600),
        "\n// end\nint x = 1;\n".repeat(600)
    );
    let spans = spans("cpp", &code);
    assert!(spans.len() > 500, "{} spans", spans.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_byte_of_the_code_is_lost_or_made_up(
        at in 0..LANGUAGES.len(),
        other in 0..LANGUAGES.len(),
        from in 0..700_usize,
        length in 0..400_usize,
        noise in "[<>&\"'`{}()\\[\\]$#@%*/\\\\=:;é😀\r\n\t a-c0-9]{0,20}",
    ) {
        let text = sample(LANGUAGES[other].name);
        let start = text.floor_char_boundary(from);
        let end = text.floor_char_boundary(from + length);
        let code = format!("{}{noise}{}", &text[start..end], &text[..start]);
        let mut out = String::new();
        write_block(&mut out, &format!("{},linenos", LANGUAGES[at].name), &code, &Highlighter::default());
        prop_assert_eq!(text_of(out.strip_suffix('\n').unwrap()), code);
    }
}
