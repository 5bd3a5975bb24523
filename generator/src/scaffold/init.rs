//! Makes an existing folder a site.

use std::path::Path;

use crate::config;
use crate::engine::{Engine, OUTPUT};
use crate::error::{Error, ErrorKind};
use crate::files;

/// Writes a `skep.toml` for the website in `dir`, which `engine` builds. An existing one is never
/// changed.
pub fn init(dir: &Path, title: &str, engine: &Engine) -> Result<(), Error> {
    let path = dir.join(config::FILE);
    // Something that is no file may have that name, or a link that leads nowhere.
    if path.symlink_metadata().is_ok() {
        let message = format!("{} exists already", path.display());
        return Err(Error::new(ErrorKind::Refused, message)
            .with_hint("this is a site of skep: change its skep.toml by hand"));
    }
    files::create(&path, settings(title, engine).as_bytes())
}

fn settings(title: &str, engine: &Engine) -> String {
    let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "title = {}\n\n[build]\nengine = {}\n",
        quote(title),
        quote(engine.name())
    );
    let mut set = |name: &str, value: &str| text.push_str(&format!("{name} = {}\n", quote(value)));
    match engine {
        Engine::Tera { output } if output == OUTPUT => {}
        Engine::Tera { output } => set("output", output),
        Engine::Command { command, output } => {
            set("command", command);
            set("output", output);
        }
        Engine::Static => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    #[test]
    fn what_is_written_is_what_is_read() {
        for engine in [
            Engine::Static,
            Engine::Tera {
                output: OUTPUT.to_owned(),
            },
            Engine::Tera {
                output: "out".to_owned(),
            },
            Engine::command("a \"b\" 'c' \\d \u{e9} $x #y", "a b/c").unwrap(),
        ] {
            let title = "\"T\"\n[build]\u{7}";
            let config = parse(&settings(title, &engine)).unwrap();
            assert_eq!(
                (config.title.as_deref(), config.engine),
                (Some(title), engine)
            );
        }
    }
}
