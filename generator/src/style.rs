//! Stylesheets in Sass as CSS.
//!
//! Sass is a language in which a loop need not end and a function may call itself for ever, and its compiler has no limits: a
//! stack that overflows ends the process. So a program can have a [`StyleCompiler`] that does the work elsewhere.

mod compiler;

use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use grass::{InputSyntax, Options, OutputStyle};

use crate::documents::extension;
use crate::error::{Error, ErrorKind};
use crate::site::{Files, Styles};
use compiler::{Failure, Outcome};
pub use compiler::{Stopped, StyleCompiler, compile_style};

/// The CSS of the stylesheet `source`. What it imports is looked for beside it and in `_sass`, among the
/// sources of the site and its theme and nowhere else.
pub(crate) fn compile(files: &Files, styles: &Styles, source: &str) -> Result<String, Error> {
    let shown = |path: &str| match files.get(path) {
        Some(file) => file.source.shown.clone(),
        None => path.to_owned(),
    };
    match styles.compiler.compile(&styles.texts, source) {
        Outcome::Css(css) => Ok(css),
        Outcome::Failed(failure) => {
            let error = Error::new(ErrorKind::Template, failure.message);
            let Some((path, line, column)) = failure.place else {
                return Err(error.in_file(shown(source)));
            };
            let text = styles.texts.get(path.as_str()).map_or("", |text| &**text);
            Err(error.at(&shown(&path), text, line, Some(column)))
        }
        Outcome::Stopped(stopped) => {
            let error = Error::new(ErrorKind::Limit, stopped.to_string());
            let error = match suspect(&styles.texts, source, &stopped) {
                Some((path, line)) => {
                    let text = styles.texts.get(path.as_str()).map_or("", |text| &**text);
                    error.at(&shown(&path), text, line, None)
                }
                None => error.in_file(shown(source)),
            };
            Err(error.with_hint(
                "look for a @while or @each that does not end, a function or mixin that calls itself, \
                 or selectors that are multiplied in each other",
            ))
        }
    }
}

/// Where the only loop or definition is that can be meant, if there is one such line in the stylesheet and what is
/// imported.
fn suspect(texts: &Texts, source: &str, stopped: &Stopped) -> Option<(String, usize)> {
    let words: &[&str] = match stopped {
        Stopped::Stack => &["@function", "@mixin"],
        _ => &["@while"],
    };
    let is_meant = |path: &str| path == source || path.starts_with("_sass/");
    let mut found = texts
        .iter()
        .filter(|(path, _)| is_meant(path))
        .flat_map(|(path, text)| {
            let lines = (1..).zip(text.lines());
            lines
                .filter(|(_, line)| words.iter().any(|word| line.trim_start().starts_with(word)))
                .map(|(number, _)| (path.to_string(), number))
        });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The text of the stylesheets and their parts, by their source.
pub(crate) type Texts = std::collections::BTreeMap<Arc<str>, Arc<str>>;

/// Compiles the stylesheet `source` in this process, without limits.
fn evaluate(texts: &Texts, source: &str) -> Result<String, Failure> {
    let Some(text) = texts.get(source) else {
        let message = format!("there is no stylesheet '{source}'");
        return Err(Failure {
            message,
            place: None,
        });
    };
    let syntax = match extension(source) {
        "sass" => InputSyntax::Sass,
        _ => InputSyntax::Scss,
    };
    let sources = Sources { styles: texts };
    let folder = source.rsplit_once('/').map_or("", |(folder, _)| folder);
    let options = Options::default()
        .fs(&sources)
        .load_path(folder)
        .load_path("_sass")
        .style(OutputStyle::Expanded)
        .input_syntax(syntax)
        .quiet(true);
    // A mistake in the compiler is no reason for this process to end.
    let compiled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        grass::from_string(text.to_string(), &options)
    }));
    match compiled {
        Ok(compiled) => compiled.map_err(|error| tell(texts, source, &error)),
        Err(_) => Err(Failure {
            message: "the compiler of Sass breaks down over this stylesheet".to_owned(),
            place: None,
        }),
    }
}

/// The sources of the site as the compiler's only file system: it reaches no other file of the machine.
#[derive(Debug)]
struct Sources<'a> {
    styles: &'a Texts,
}

impl Sources<'_> {
    fn text(&self, path: &Path) -> Option<&str> {
        Some(self.styles.get(name(path)?.as_str())?)
    }
}

impl grass::Fs for Sources<'_> {
    fn is_dir(&self, path: &Path) -> bool {
        let Some(mut folder) = name(path) else {
            return false;
        };
        folder.push('/');
        let mut below = self
            .styles
            .range::<str, _>((Bound::Included(folder.as_str()), Bound::Unbounded));
        below
            .next()
            .is_some_and(|(path, _)| path.starts_with(&folder))
    }

    fn is_file(&self, path: &Path) -> bool {
        self.text(path).is_some()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.text(path) {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// `path` as that of a source, without `.` and `..`.
fn name(path: &Path) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                names.pop()?;
            }
            std::path::Component::Normal(name) => names.push(name.to_str()?),
            _ => return None,
        }
    }
    Some(names.join("/"))
}

/// The compiler's error, and its place in the author's file.
fn tell(texts: &Texts, source: &str, error: &grass::Error) -> Failure {
    let (message, line, column, file) = match error.clone().kind() {
        grass::ErrorKind::ParseError { message, loc, .. } => {
            let name = loc.file.name().to_owned();
            (message, loc.begin.line + 1, loc.begin.column + 1, name)
        }
        _ => {
            let message = format!("this stylesheet can't be compiled: {error}");
            return Failure {
                message,
                place: None,
            };
        }
    };
    // The text that was given has no name of its own.
    let path = match name(Path::new(&file)) {
        Some(path) if texts.contains_key(path.as_str()) => path,
        _ => source.to_owned(),
    };
    Failure {
        message: message.trim_end_matches('.').to_owned(),
        place: Some((path, line, column)),
    }
}
