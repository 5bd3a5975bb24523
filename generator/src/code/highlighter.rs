//! Which colours a code has.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::cache::{self, Cache};
use super::languages::{LANGUAGES, Language, Source, find};
use super::spans::{Painter, Span};
use super::tree::Grammar;
use crate::error::Error;

/// Code in code in code has colours, what lies deeper has none.
const MAX_DEPTH: usize = 3;

/// Longer code has no colours: nobody reads some 1,000 lines in a post, and some grammars take time with the square of
/// the length. At this length the worst that was found takes a second.
pub(super) const MAX_LENGTH: usize = 32 << 10;

/// Colours code. One is shared by all threads of a build; a grammar is made ready when the first
/// code in its language comes, and no code is coloured twice.
#[derive(Debug)]
pub struct Highlighter {
    grammars: Vec<OnceLock<Grammar>>,
    cache: Cache,
    file: Option<PathBuf>,
}

impl Default for Highlighter {
    fn default() -> Self {
        let grammars = LANGUAGES.iter().map(|_| OnceLock::new()).collect();
        Self {
            grammars,
            cache: Cache::default(),
            file: None,
        }
    }
}

/// How much code of a language is read at once. These have texts that can be read in so many ways that the memory grows
/// with the square of their length between two questions of the parser: 4 KiB of C++ take 150 MB, 32 KiB took 8 GB.
fn at_once(language: &str) -> usize {
    match language {
        "cpp" | "csharp" | "java" => 4 << 10,
        _ => MAX_LENGTH,
    }
}

impl Highlighter {
    /// A highlighter that knows what earlier runs have left in `file`. A file that is not there,
    /// damaged or from another version is as good as an empty one.
    #[must_use]
    pub fn open(file: Option<&Path>) -> Self {
        Self {
            cache: file.map(Cache::open).unwrap_or_default(),
            file: file.map(Path::to_owned),
            ..Self::default()
        }
    }

    /// Writes what is new to the file that this was opened with. It goes on as before if that fails.
    ///
    /// # Errors
    ///
    /// If the file can't be written.
    pub fn save(&self) -> Result<(), Error> {
        self.file
            .as_deref()
            .map_or(Ok(()), |file| self.cache.save(file))
    }

    /// What the parts of `code` are. Without a language all of it is plain.
    pub(super) fn highlight(&self, language: Option<Language>, code: &str) -> Vec<Span> {
        let Some(language) = language.filter(|_| code.len() <= MAX_LENGTH) else {
            return Vec::new();
        };
        let key = cache::key(language.entry().name, code);
        if let Some(spans) = self.cache.get(&key, code) {
            return spans;
        }
        let mut painter = Painter::default();
        self.paint(language, code, &mut painter, 0);
        let spans = painter.finish();
        self.cache.add(key, &spans);
        spans
    }

    /// Paints `code`, which begins where `painter` is and lies in `depth` other languages.
    fn paint(&self, language: Language, code: &str, painter: &mut Painter, depth: usize) {
        let mut embed = |name: &str, text: &str, painter: &mut Painter| {
            if let Ok(Some(language)) = find(name)
                && depth < MAX_DEPTH
            {
                self.paint(language, text, painter, depth + 1);
            }
        };
        match &language.entry().source {
            Source::Grammar(grammar, sheets) => {
                let ready = self.grammars[language.0].get_or_init(|| {
                    Grammar::new(grammar(), sheets, at_once(language.entry().name))
                });
                ready.paint(code, painter, &mut embed);
            }
            Source::ByHand(paint) => paint(code, painter, &mut embed),
        }
    }
}
