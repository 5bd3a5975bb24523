//! Which build commands may run on this machine.
//!
//! A site that came from elsewhere may bring any command with it. It runs once a person has seen it and
//! said yes, or has written it here with `skep init`; a changed one is asked about again.

use std::{fs, io::ErrorKind, path::Path};

use serde_json::{Value, json};
use skep_publisher::{error::printable, home::Home};

use crate::{
    context::Context,
    error::{CliError, Result},
    output::BOLD,
    site::SiteDir,
};

/// A command that a person lets run in a site's folder.
pub(crate) struct Trusted {
    command: String,
}

impl Trusted {
    /// What the shell is to run.
    pub(crate) fn command(&self) -> &str {
        &self.command
    }
}

/// Asks whether `command` may build the site, unless that is known, or `granted` says so.
pub(crate) fn ask(ctx: &Context, dir: &SiteDir, command: &str, granted: bool) -> Result<Trusted> {
    let trusted = Trusted {
        command: command.to_owned(),
    };
    if is_known(&ctx.home, &dir.dir, command).map_err(|e| dir.as_typed(e))? {
        return Ok(trusted);
    }
    let folder = dir.typed.display();
    let shown = printable(command);
    let granted = granted
        || {
            let whose = match &dir.config.address {
                Some(address) => format!(" of {}", printable(address)),
                None => String::new(),
            };
            ctx.out.note(format!(
            "The skep.toml in {folder}{whose} says that this command builds the site:\n\n  {BOLD}{shown}{BOLD:#}\n\nNobody has said on this machine that it may. It can do whatever you can."
        ));
            match ctx.out.ask("Run it, now and from now on?") {
                Some(answer) => answer,
                None => {
                    return Err(CliError::failed(
                    "untrusted",
                    format!("the command that builds {folder} is not trusted on this machine: {shown}"),
                )
                .hint("if you know what it does, `--trust` runs it, now and from now on; `--no-build` takes what was built before"));
                }
            }
        };
    if !granted {
        return Err(
            CliError::failed("untrusted", "the build command was not run")
                .hint("`--no-build` takes what was built before"),
        );
    }
    remember(&ctx.home, &dir.dir, command).map_err(|e| dir.as_typed(e))?;
    Ok(trusted)
}

/// `command`, if it is known that it may build the site. Nobody is asked.
pub(crate) fn known(ctx: &Context, dir: &SiteDir, command: &str) -> Result<Trusted> {
    if is_known(&ctx.home, &dir.dir, command).map_err(|e| dir.as_typed(e))? {
        return Ok(Trusted {
            command: command.to_owned(),
        });
    }
    let shown = printable(command);
    let message = format!("the command that builds this site is not trusted here: {shown}");
    Err(CliError::failed("untrusted", message)
        .hint("if you know what it does, run `skep build` once in its folder, and say yes"))
}

/// Remembers that `command` may run in the folder `dir`.
pub(crate) fn remember(home: &Home, dir: &Path, command: &str) -> Result<()> {
    let Some(folder) = name_of(dir)? else {
        return Ok(());
    };
    let mut known = read(home)?;
    let entry = json!({"folder": folder, "command": command});
    if known.contains(&entry) {
        return Ok(());
    }
    known.push(entry);
    write(home, &known)
}

/// Forgets what may run in the folder that is or will be at `dir`: what is there now is a stranger's.
pub(crate) fn forget(home: &Home, dir: &Path) -> Result<()> {
    let cant_open = |e| crate::folder::cant_open(dir, &e);
    let path = match dir.canonicalize() {
        Ok(path) => path,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let dir = std::path::absolute(dir).map_err(cant_open)?;
            let parent = dir.parent().unwrap_or(&dir).canonicalize();
            let name = dir.file_name().unwrap_or_default();
            parent.map_err(cant_open)?.join(name)
        }
        Err(e) => return Err(cant_open(e)),
    };
    let mut known = read(home)?;
    let before = known.len();
    known.retain(|entry| entry["folder"].as_str() != path.to_str());
    match known.len() == before {
        true => Ok(()),
        false => write(home, &known),
    }
}

fn write(home: &Home, known: &[Value]) -> Result<()> {
    let text = format!("{:#}\n", json!({"format": FORMAT, "commands": known}));
    Ok(home.write(FILE, text.as_bytes())?)
}

const FILE: &str = "trust.json";
const FORMAT: u64 = 1;

fn is_known(home: &Home, dir: &Path, command: &str) -> Result<bool> {
    let Some(folder) = name_of(dir)? else {
        return Ok(false);
    };
    let known = read(home)?;
    Ok(known.contains(&json!({"folder": folder, "command": command})))
}

/// The folder's own name, whatever led to it. `None` if it is not text: what is said of such a folder
/// can't be remembered.
fn name_of(dir: &Path) -> Result<Option<String>> {
    match dir.canonicalize() {
        Ok(path) => Ok(path.to_str().map(str::to_owned)),
        Err(e) => Err(CliError::failed(
            "io",
            format!("could not open {}: {e}", dir.display()),
        )),
    }
}

fn read(home: &Home) -> Result<Vec<Value>> {
    let path = home.root().join(FILE);
    let failed =
        |why: String| CliError::failed("io", format!("could not read {}: {why}", path.display()));
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e.to_string())),
    };
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(Value::Object(mut file)) if file.get("format") == Some(&FORMAT.into()) => {
            match file.remove("commands") {
                Some(Value::Array(known)) => Ok(known),
                _ => Err(failed("it has no list of commands".to_owned())),
            }
        }
        Ok(_) => Err(failed("another version of skep wrote it".to_owned())),
        Err(e) => Err(failed(e.to_string())),
    }
    .map_err(|e| e.hint("remove it: every build command is asked about again then"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_for_one_command_in_one_folder() {
        let world = tempfile::tempdir().unwrap();
        let home = Home::new(world.path().join("home"));
        let (one, two) = (world.path().join("one"), world.path().join("two"));
        for dir in [&one, &two] {
            fs::create_dir(dir).unwrap();
        }
        assert!(!is_known(&home, &one, "make").unwrap());
        remember(&home, &one, "make").unwrap();
        remember(&home, &one, "make").unwrap();
        remember(&home, &two, "hugo").unwrap();
        assert!(is_known(&home, &one, "make").unwrap());
        assert!(is_known(&home, &one.join("../one"), "make").unwrap());
        assert!(!is_known(&home, &one, "make ").unwrap());
        assert!(!is_known(&home, &one, "hugo").unwrap());
        assert!(!is_known(&home, &two, "make").unwrap());
        assert_eq!(read(&home).unwrap().len(), 2);
        // Another site will be there.
        fs::remove_dir(&one).unwrap();
        forget(&home, &one).unwrap();
        fs::create_dir(&one).unwrap();
        assert!(!is_known(&home, &one, "make").unwrap());
        assert!(is_known(&home, &two, "hugo").unwrap());
    }

    #[test]
    fn a_list_that_can_not_be_read_trusts_nobody() {
        let world = tempfile::tempdir().unwrap();
        let home = Home::new(world.path());
        for text in [
            "",
            "[]",
            "{\"format\": 2, \"commands\": []}",
            "{\"format\": 1}",
        ] {
            home.write(FILE, text.as_bytes()).unwrap();
            assert!(is_known(&home, world.path(), "make").is_err(), "{text}");
            assert!(remember(&home, world.path(), "make").is_err(), "{text}");
        }
    }
}
