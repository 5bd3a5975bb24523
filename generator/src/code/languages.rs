//! The languages, by the names that writers give them.

use crate::error::did_you_mean;

/// A language that has colours: an index into [`LANGUAGES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Language(pub(super) usize);

impl Language {
    /// The name that it is known by.
    pub(crate) fn name(self) -> &'static str {
        LANGUAGES[self.0].0
    }
}

/// Names of what is not to be coloured.
const PLAIN: &[&str] = &["text", "plain", "plaintext", "txt", "none", "raw", "output"];

/// The languages and their other names.
pub(super) const LANGUAGES: &[(&str, &[&str])] = &[
    (
        "bash",
        &[
            "sh",
            "shell",
            "zsh",
            "console",
            "shell-session",
            "shellsession",
            "terminal",
        ],
    ),
    ("c", &["h"]),
    ("cpp", &["c++", "cc", "cxx", "hpp"]),
    ("csharp", &["c#", "cs"]),
    ("css", &[]),
    ("diff", &["patch", "udiff"]),
    ("dockerfile", &["docker", "containerfile"]),
    ("elixir", &["ex", "exs"]),
    ("go", &["golang"]),
    ("haskell", &["hs"]),
    ("html", &["htm", "xhtml"]),
    ("ini", &["cfg", "conf", "dosini", "properties", "desktop"]),
    ("java", &[]),
    ("javascript", &["js", "mjs", "cjs", "jsx", "node"]),
    ("json", &["jsonc", "json5", "geojson"]),
    ("kotlin", &["kt", "kts"]),
    ("lua", &[]),
    ("make", &["makefile", "mk", "gnumake"]),
    ("markdown", &["md", "commonmark", "gfm"]),
    ("nix", &[]),
    ("php", &[]),
    ("python", &["py", "python3", "py3", "pyi"]),
    ("ruby", &["rb"]),
    ("rust", &["rs"]),
    ("scss", &["sass"]),
    (
        "sql",
        &["mysql", "postgresql", "postgres", "sqlite", "psql"],
    ),
    ("swift", &[]),
    ("toml", &[]),
    ("tsx", &[]),
    ("typescript", &["ts", "mts", "cts"]),
    ("vim", &["viml", "vimscript"]),
    ("xml", &["svg", "xsl", "xsd", "rss", "atom", "plist"]),
    ("yaml", &["yml"]),
    ("zig", &[]),
];

/// The language of that name, in any case; none for plain text. A name that nobody knows is an
/// error: a sentence for the writer.
pub(super) fn find(name: &str) -> Result<Option<Language>, String> {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    if name.is_empty() || PLAIN.iter().any(is) {
        return Ok(None);
    }
    let found = LANGUAGES
        .iter()
        .position(|(known, others)| is(known) || others.iter().any(is));
    found.map(|at| Some(Language(at))).ok_or_else(|| {
        let all = LANGUAGES
            .iter()
            .flat_map(|(known, others)| std::iter::once(known).chain(*others));
        let short: String = name.chars().take(40).collect();
        match did_you_mean(&short, all.copied()) {
            Some(meant) => {
                format!("no colours for the language '{short}'; did you mean '{meant}'?")
            }
            None => format!("no colours for the language '{short}': the code is shown plain"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_many_names_in_any_case() {
        for (name, language) in [
            ("rust", "rust"),
            ("RS", "rust"),
            ("Yml", "yaml"),
            ("C++", "cpp"),
        ] {
            assert_eq!(find(name).unwrap().unwrap().name(), language);
        }
        for name in ["", "text", "Plain", "none"] {
            assert_eq!(find(name), Ok(None), "{name}");
        }
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
        let mut names: Vec<&str> = LANGUAGES
            .iter()
            .flat_map(|(known, others)| std::iter::once(known).chain(*others))
            .chain(PLAIN)
            .copied()
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
