//! Who builds a site: the table `[build]` of `skep.toml`.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::error::{Error, ErrorKind, did_you_mean};

/// Who builds a site.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Engine {
    /// skep itself, with Tera templates.
    Tera {
        /// Where `skep build` builds to: a folder in the site's, with slashes.
        output: String,
    },
    /// Any other program.
    Command {
        /// What the shell runs in the site's folder. One line, without control characters.
        command: String,
        /// The folder in the site's to which it writes, with slashes.
        output: String,
    },
    /// Nobody: the folder is the website as it is.
    Static,
}

/// The output folder of sites that skep builds.
pub const OUTPUT: &str = "_site";

/// A command is shown whole to whoever has to trust it.
const MAX_COMMAND: usize = 4096;

const NAMES: [&str; 3] = ["tera", "command", "static"];

/// The table as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    engine: Option<Spanned<String>>,
    command: Option<Spanned<String>>,
    output: Option<Spanned<String>>,
}

impl Engine {
    /// The name of the engine, as `skep.toml` has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tera { .. } => "tera",
            Self::Command { .. } => "command",
            Self::Static => "static",
        }
    }

    /// Another program as the engine.
    pub fn command(command: &str, output: &str) -> Result<Self, Error> {
        let refused = |message| Error::new(ErrorKind::Refused, message);
        let command = command_line(command).map_err(refused)?;
        let output = Self::folder(output)?;
        Ok(Self::Command { command, output })
    }

    /// `output` as an output folder, with single slashes.
    pub fn folder(output: &str) -> Result<String, Error> {
        folder(output).ok_or_else(|| {
            let message = format!("'{output}' can't be the output folder");
            Error::new(ErrorKind::Refused, message).with_hint(OUTPUT_HINT)
        })
    }

    /// Fails if the site is not built by skep itself.
    pub(crate) fn expect_tera(&self) -> Result<(), Error> {
        let (who, hint) = match self {
            Self::Tera { .. } => return Ok(()),
            Self::Command { command, .. } => (
                format!("`{command}` builds this site, as its skep.toml says"),
                "use that program for it; `skep serve`, `skep status` and `skep publish` work as ever",
            ),
            Self::Static => (
                "nobody builds this site: its skep.toml says engine = \"static\"".to_owned(),
                "`skep serve`, `skep status` and `skep publish` work as ever",
            ),
        };
        Err(Error::new(
            ErrorKind::Refused,
            format!("this is for sites that skep builds; {who}"),
        )
        .with_hint(hint))
    }

    /// Reads the table. `wrong` makes an error at a place in the file.
    pub(crate) fn read(
        build: Build,
        wrong: impl Fn(Range<usize>, String) -> Error,
    ) -> Result<Self, Error> {
        let place = |name: &Spanned<String>| name.span();
        let name = build.engine.as_ref().map_or("tera", |e| e.get_ref());
        let output = match &build.output {
            None => None,
            Some(text) => Some(folder(text.get_ref()).ok_or_else(|| {
                let message = format!("'{}' can't be the output folder", text.get_ref());
                wrong(place(text), message).with_hint(OUTPUT_HINT)
            })?),
        };
        match (name, &build.engine) {
            ("command", Some(engine)) => {
                let (Some(command), Some(output)) = (&build.command, output) else {
                    let message = "engine = \"command\" needs `command` and `output`".to_owned();
                    return Err(wrong(place(engine), message)
                        .with_hint("for instance: command = \"hugo\" and output = \"public\""));
                };
                let line = command_line(command.get_ref());
                Ok(Self::Command {
                    command: line.map_err(|message| wrong(place(command), message))?,
                    output,
                })
            }
            (_, engine) if build.command.is_some() => {
                let at = build.command.as_ref().or(engine.as_ref()).map(place);
                let message = "`command` goes with engine = \"command\" only".to_owned();
                Err(wrong(at.unwrap_or_default(), message)
                    .with_hint("add that line, or take this one out"))
            }
            ("tera", _) => Ok(Self::Tera {
                output: output.unwrap_or_else(|| OUTPUT.to_owned()),
            }),
            ("static", _) => match &build.output {
                None => Ok(Self::Static),
                Some(output) => {
                    let message = "engine = \"static\" has no `output`: it takes the folder itself";
                    Err(wrong(place(output), message.to_owned()).with_hint(
                        "take the line out, or publish that folder: `skep init --static` in it",
                    ))
                }
            },
            (name, engine) => {
                let at = engine.as_ref().map(place).unwrap_or_default();
                let message = match name {
                    "jekyll" => "skep can't build Jekyll sites itself yet".to_owned(),
                    _ => format!("there is no engine '{name}'"),
                };
                Err(wrong(at, message).with_hint(engine_hint(name)))
            }
        }
    }
}

const OUTPUT_HINT: &str = "name a folder in that of the site, such as \"public\"";

/// What to write instead of an engine that there is not.
fn engine_hint(name: &str) -> String {
    let command = match name {
        "jekyll" => Some(("bundle exec jekyll build", "_site")),
        "hugo" => Some(("hugo --cleanDestinationDir", "public")),
        "zola" => Some(("zola build", "public")),
        "mdbook" => Some(("mdbook build", "book")),
        "eleventy" | "11ty" => Some(("npx @11ty/eleventy", "_site")),
        _ => None,
    };
    match (command, did_you_mean(name, NAMES)) {
        (Some((command, output)), _) => format!(
            "let it build the site: engine = \"command\", command = \"{command}\", output = \"{output}\""
        ),
        (None, Some(meant)) => format!("did you mean \"{meant}\"?"),
        (None, None) => format!("the engines are: {}", NAMES.join(", ")),
    }
}

/// `text` as a command; else what is wrong with it.
fn command_line(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the command is empty".to_owned());
    }
    if text.len() > MAX_COMMAND {
        return Err(format!(
            "the command has more than {MAX_COMMAND} bytes; put it into a script, and name that here"
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(
            "the command is not a single line; put it into a script, and name that here".to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// `text` as a folder below that of the site, with single slashes. `None` if it leads elsewhere, or
/// means something else on another system.
pub(crate) fn folder(text: &str) -> Option<String> {
    let text = text.strip_prefix("./").unwrap_or(text);
    let text = text.strip_suffix('/').unwrap_or(text);
    // A repository or keys are never a website.
    let fine = |part: &str| {
        !matches!(
            part.to_ascii_lowercase().as_str(),
            "" | "." | ".." | ".git" | ".hg" | ".svn" | ".ssh" | ".gnupg"
        ) && part.trim() == part
            && !part.contains(|c: char| c.is_control() || "\\:*?\"<>|".contains(c))
    };
    text.split('/').all(fine).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    fn engine(table: &str) -> Result<Engine, Error> {
        parse(&format!("title = 'T'\n\n[build]\n{table}")).map(|config| config.engine)
    }

    #[test]
    fn each_engine_has_what_it_needs() {
        let tera = |output: &str| Engine::Tera {
            output: output.to_owned(),
        };
        assert_eq!(engine("").unwrap(), tera("_site"));
        assert_eq!(engine("output = './out/'").unwrap(), tera("out"));
        assert_eq!(
            engine("engine = 'tera'\noutput = 'a/b'").unwrap(),
            tera("a/b")
        );
        assert_eq!(
            engine("engine = 'command'\ncommand = ' hugo '\noutput = 'public'").unwrap(),
            Engine::command("hugo", "public/").unwrap()
        );
        assert_eq!(engine("engine = 'static'").unwrap(), Engine::Static);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_the_next_step() {
        for (table, line, says, hint) in [
            ("engine = 'comand'", 4, "no engine 'comand'", "\"command\"?"),
            ("engine = 'make'", 4, "no engine 'make'", "tera, command"),
            ("engine = 'hugo'", 4, "no engine 'hugo'", "public"),
            ("engine = 'jekyll'", 4, "Jekyll", "bundle exec jekyll build"),
            ("engine = 'command'", 4, "needs `command`", "hugo"),
            (
                "engine = 'command'\ncommand = 'x'",
                4,
                "and `output`",
                "hugo",
            ),
            ("command = 'x'\noutput = 'y'", 4, "goes with", "add"),
            ("engine = 'static'\noutput = 'y'", 5, "itself", "take"),
            ("output = '../x'", 4, "'../x' can't be", "public"),
            ("output = '/x'", 4, "'/x' can't be", "public"),
            ("output = '.'", 4, "'.' can't be", "public"),
            ("output = ''", 4, "'' can't be", "public"),
            ("output = 'a//b'", 4, "can't be", "public"),
            ("output = 'a/.Git'", 4, "can't be", "public"),
            ("output = 'C:x'", 4, "can't be", "public"),
            ("output = 'a\\..\\b'", 4, "can't be", "public"),
        ] {
            let error = engine(table).unwrap_err();
            let place = error.place.clone().unwrap();
            assert_eq!(place.line, Some(line), "{table}");
            assert!(error.message.contains(says), "{table}: {}", error.message);
            let told = error.hint.as_deref().unwrap_or_default();
            assert!(told.contains(hint), "{table}: {told}");
        }
        for command in ["", "  ", "a\nb", "a\u{1b}[2Jb", &"x".repeat(5000)] {
            let quoted = toml::Value::String(command.to_owned());
            let table = format!("engine = 'command'\noutput = 'y'\ncommand = {quoted}");
            assert!(engine(&table).is_err(), "{command:?}");
            assert!(Engine::command(command, "y").is_err(), "{command:?}");
        }
    }
}
