//! The languages, by the names that writers give them.

use tree_sitter::Language as Grammar;

use super::by_hand::{Embed, console, css, lines, markdown, templates, words};
use super::spans::Painter;
use crate::error::did_you_mean;

/// A language that has colours: an index into [`LANGUAGES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Language(pub(super) usize);

/// What is known of a language.
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// Its other names, with spaces between.
    pub(super) others: &'static str,
    pub(super) source: Source,
}

/// Where its colours come from.
pub(super) enum Source {
    /// A grammar, and its colour sheets.
    Grammar(fn() -> Grammar, &'static [&'static str]),
    /// A function of [`super::by_hand`].
    ByHand(fn(&str, &mut Painter, Embed<'_>)),
}

impl Language {
    pub(super) fn entry(self) -> &'static Entry {
        &LANGUAGES[self.0]
    }
}

/// Names of what is not to be coloured.
const PLAIN: &str = "text plain plaintext txt none raw output ascii";

macro_rules! grammar {
    ($name:literal, $others:literal, $crate_name:ident, $($sheet:literal),+) => {
        Entry {
            name: $name,
            others: $others,
            source: Source::Grammar(
                || $crate_name::language().into(),
                &[$(include_str!(concat!("sheets/", $sheet, ".txt"))),+],
            ),
        }
    };
}

macro_rules! by_hand {
    ($name:literal, $others:literal, $function:expr) => {
        Entry {
            name: $name,
            others: $others,
            source: Source::ByHand($function),
        }
    };
}

/// The languages, by name.
pub(super) static LANGUAGES: &[Entry] = &[
    grammar!("bash", "sh shell zsh ksh bats", arborium_bash, "bash"),
    grammar!("c", "h", arborium_c, "c"),
    by_hand!(
        "console",
        "shell-session shellsession sh-session terminal",
        console::console
    ),
    grammar!("cpp", "c++ cc cxx hpp hxx", arborium_cpp, "c", "cpp"),
    grammar!("csharp", "c# cs c-sharp", arborium_c_sharp, "csharp"),
    by_hand!("css", "", css::css),
    by_hand!("diff", "patch udiff", lines::diff),
    grammar!(
        "dockerfile",
        "docker containerfile",
        arborium_dockerfile,
        "dockerfile"
    ),
    grammar!("elixir", "ex exs", arborium_elixir, "elixir"),
    grammar!("go", "golang", arborium_go, "go"),
    grammar!("haskell", "hs", arborium_haskell, "haskell"),
    grammar!("html", "htm xhtml", arborium_html, "html"),
    by_hand!(
        "ini",
        "cfg conf dosini properties desktop systemd dotenv env editorconfig gitconfig",
        lines::ini
    ),
    grammar!("java", "", arborium_java, "java"),
    grammar!(
        "javascript",
        "js mjs cjs jsx node",
        arborium_javascript,
        "javascript",
        "jsx"
    ),
    by_hand!(
        "jinja",
        "jinja2 tera liquid twig django nunjucks njk handlebars hbs mustache",
        templates::template
    ),
    grammar!(
        "json",
        "jsonc json5 geojson jsonl webmanifest",
        arborium_json,
        "json"
    ),
    grammar!("kotlin", "kt kts", arborium_kotlin, "kotlin"),
    grammar!("lua", "", arborium_lua, "lua"),
    grammar!("make", "makefile mk gnumake", arborium_make, "make"),
    by_hand!("markdown", "md commonmark gfm mdx", markdown::markdown),
    grammar!("nix", "", arborium_nix, "nix"),
    grammar!("php", "", arborium_php, "php"),
    grammar!("python", "py python3 py3 pyi", arborium_python, "python"),
    grammar!("ruby", "rb gemfile rakefile", arborium_ruby, "ruby"),
    grammar!("rust", "rs", arborium_rust, "rust"),
    by_hand!("scss", "sass less", css::css),
    by_hand!(
        "sql",
        "mysql postgresql postgres pgsql sqlite psql mariadb tsql",
        words::sql
    ),
    grammar!("swift", "", arborium_swift, "swift"),
    grammar!("toml", "", arborium_toml, "toml"),
    grammar!("tsx", "", arborium_tsx, "typescript", "jsx"),
    grammar!(
        "typescript",
        "ts mts cts",
        arborium_typescript,
        "typescript"
    ),
    grammar!("vim", "viml vimscript", arborium_vim, "vim"),
    grammar!("vue", "", arborium_vue, "vue"),
    grammar!(
        "xml",
        "svg xsl xslt xsd rss atom plist mathml",
        arborium_xml,
        "xml"
    ),
    grammar!("yaml", "yml", arborium_yaml, "yaml"),
    grammar!("zig", "", arborium_zig, "zig"),
];

/// The language of that name, in any case; none for plain text. A name that nobody knows is an
/// error: a sentence for the writer.
pub(super) fn find(name: &str) -> Result<Option<Language>, String> {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    if name.is_empty() || PLAIN.split(' ').any(is) {
        return Ok(None);
    }
    let found = LANGUAGES
        .iter()
        .position(|entry| is(entry.name) || entry.others.split(' ').any(is));
    found.map(|at| Some(Language(at))).ok_or_else(|| {
        let short: String = name.chars().take(40).collect();
        match did_you_mean(&short, names()) {
            Some(meant) => {
                format!("no colours for the language '{short}'; did you mean '{meant}'?")
            }
            None => format!("no colours for the language '{short}': the code is shown plain"),
        }
    })
}

/// All names, those of plain text too.
fn names() -> impl Iterator<Item = &'static str> {
    let all = LANGUAGES
        .iter()
        .flat_map(|entry| std::iter::once(entry.name).chain(entry.others.split(' ')));
    all.chain(PLAIN.split(' ')).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::sheet::Sheet;

    #[test]
    fn a_language_has_many_names_in_any_case() {
        for (name, language) in [
            ("rust", "rust"),
            ("RS", "rust"),
            ("Yml", "yaml"),
            ("C++", "cpp"),
            ("C#", "csharp"),
        ] {
            assert_eq!(find(name).unwrap().unwrap().entry().name, language);
        }
        for name in ["", "text", "Plain", "none"] {
            assert_eq!(find(name), Ok(None), "{name}");
        }
        assert!(find(" ").is_err());
    }

    #[test]
    fn an_unknown_language_is_told_with_what_was_meant() {
        assert_eq!(
            find("pyhton").unwrap_err(),
            "no colours for the language 'pyhton'; did you mean 'python'?"
        );
        assert_eq!(
            find("befunge").unwrap_err(),
            "no colours for the language 'befunge': the code is shown plain"
        );
    }

    #[test]
    fn no_name_means_two_languages() {
        let mut all: Vec<&str> = names().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(LANGUAGES.is_sorted_by_key(|entry| entry.name));
    }

    #[test]
    fn every_sheet_speaks_of_what_its_grammar_has() {
        let mut unknown = Vec::new();
        for entry in LANGUAGES {
            if let Source::Grammar(grammar, sheets) = entry.source {
                Sheet::new(&grammar(), sheets, |item| unknown.push((entry.name, item)));
            }
        }
        assert_eq!(unknown, []);
    }
}
