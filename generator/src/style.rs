//! Stylesheets in Sass as CSS.

use std::io;
use std::ops::Bound;
use std::path::Path;

use grass::{InputSyntax, Options, OutputStyle};

use crate::documents::extension;
use crate::error::{Error, ErrorKind};
use crate::site::{Files, Styles};

/// The CSS of the stylesheet `source`. What it imports is looked for beside it and in `_sass`, among the
/// sources of the site and its theme and nowhere else.
pub(crate) fn compile(files: &Files, styles: &Styles, source: &str) -> Result<String, Error> {
    let Some(text) = styles.get(source) else {
        let message = format!("there is no stylesheet '{source}'");
        return Err(Error::new(ErrorKind::NotFound, message));
    };
    let syntax = match extension(source) {
        "sass" => InputSyntax::Sass,
        _ => InputSyntax::Scss,
    };
    let sources = Sources { styles };
    let folder = source.rsplit_once('/').map_or("", |(folder, _)| folder);
    let options = Options::default()
        .fs(&sources)
        .load_path(folder)
        .load_path("_sass")
        .style(OutputStyle::Expanded)
        .input_syntax(syntax)
        .quiet(true);
    grass::from_string(text.to_string(), &options)
        .map_err(|error| tell(files, styles, source, &error))
}

/// The sources of the site as the compiler's only file system: it reaches no other file of the machine.
#[derive(Debug)]
struct Sources<'a> {
    styles: &'a Styles,
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

/// The compiler's error at its place in the author's file.
fn tell(files: &Files, styles: &Styles, source: &str, error: &grass::Error) -> Error {
    let (message, line, column, file) = match error.clone().kind() {
        grass::ErrorKind::ParseError { message, loc, .. } => {
            let name = loc.file.name().to_owned();
            (message, loc.begin.line + 1, loc.begin.column + 1, name)
        }
        _ => {
            let message = format!("this stylesheet can't be compiled: {error}");
            return Error::new(ErrorKind::Template, message).in_file(source);
        }
    };
    // The text that was given has no name of its own.
    let path = match name(Path::new(&file)) {
        Some(path) if styles.contains_key(path.as_str()) => path,
        _ => source.to_owned(),
    };
    let text = styles.get(path.as_str()).map_or("", |text| &**text);
    let shown = match files.get(path.as_str()) {
        Some(file) => file.source.shown.clone(),
        None => path,
    };
    let message = message.trim_end_matches('.').to_owned();
    Error::new(ErrorKind::Template, message).at(&shown, text, line, Some(column))
}
