//! The pages of the manual that the program can write itself: all commands, and all of `--json`. A test compares what
//! is committed with what the program says, and writes it anew with `SKEP_UPDATE=1`.

use std::{fs, path::Path};

use clap::{Arg, ArgAction, Command, CommandFactory, Parser};

use crate::cli::Cli;

const PAGE: &str = "example-site/_manual/commands.md";

/// Compares the parts of `page` that are between `<!-- BEGIN name -->` and `<!-- END name -->` with `parts`.
pub(crate) fn check_page(page: &str, parts: &[(&str, &str)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let committed = fs::read_to_string(&path).unwrap();
    let mut text = committed.clone();
    for (name, part) in parts {
        let (begin, end) = (
            format!("<!-- BEGIN {name} -->\n"),
            format!("<!-- END {name} -->"),
        );
        let (before, rest) = text.split_once(&begin).expect("a place for it");
        let (_, after) = rest.split_once(&end).expect("an end of that place");
        let part = part.trim_end();
        text = format!("{before}{begin}\n{part}\n\n{end}{after}");
    }
    if text == committed {
        return;
    }
    if std::env::var_os("SKEP_UPDATE").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let pairs = text.lines().zip(committed.lines());
    let differs = pairs.clone().position(|(new, old)| new != old);
    let at = differs.unwrap_or(pairs.count());
    panic!(
        "line {} of {page} is not what the program says; `SKEP_UPDATE=1 cargo test -p skep --bin skep` writes it \
         anew:\n{}",
        at + 1,
        text.lines().nth(at).unwrap_or_default()
    );
}

/// The program as its help shows it.
fn program() -> Command {
    let mut program = Cli::command();
    program.build();
    program
}

/// Each command with its name in full, such as `skep key list`.
fn commands() -> Vec<(String, Command)> {
    let mut all = Vec::new();
    add_commands(&mut all, "skep", &program());
    all
}

fn add_commands(all: &mut Vec<(String, Command)>, before: &str, of: &Command) {
    for command in of.get_subcommands() {
        if command.get_name() == "help" || command.is_hide_set() {
            continue;
        }
        let name = format!("{before} {}", command.get_name());
        // `skep node` does something itself, `skep key` does not.
        if !command.has_subcommands() || !command.is_subcommand_required_set() {
            all.push((name.clone(), command.clone()));
        }
        add_commands(all, &name, command);
    }
}

#[test]
fn the_page_of_commands_is_that_of_the_program() {
    let mut list = "| Command | What it does |\n| :-- | :-- |\n".to_owned();
    let mut text = String::new();
    for (name, command) in commands() {
        let about = command.get_about().unwrap_or_default().to_string();
        list += &format!(
            "| [`{name}`](#{}) | {} |\n",
            name.replace(' ', "-"),
            escape(&about)
        );
        text += &section(&name, &command, &about);
    }
    let global = program();
    let global = options(global.get_arguments().filter(|arg| arg.is_global_set()));
    check_page(
        PAGE,
        &[
            ("list", &list),
            ("everywhere", &global),
            ("commands", &text),
        ],
    );
}

fn section(name: &str, command: &Command, about: &str) -> String {
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut text = format!(
        "### {name}\n\n{}.\n\n```text\n{usage}\n```\n\n",
        escape(about)
    );
    let own = |arg: &&Arg| !arg.is_global_set() && !arg.is_hide_set();
    text += &options(command.get_arguments().filter(own));
    let after = command
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let (before, examples) = after.split_once("Examples:\n").unwrap_or((&after, ""));
    let (examples, rest) = examples.split_once("\n\n").unwrap_or((examples, ""));
    for paragraph in [before, rest].iter().flat_map(|text| text.split("\n\n")) {
        if !paragraph.trim().is_empty() {
            text += &format!("{}\n\n", escape(paragraph.trim()));
        }
    }
    let lines = examples
        .lines()
        .map(|line| line.trim_start().to_owned() + "\n");
    text + &format!("```text\n{}```\n\n", lines.collect::<String>())
}

fn options<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut rows = String::new();
    for arg in arguments {
        if matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        ) {
            continue;
        }
        let names = arg.get_value_names().unwrap_or_default();
        let values: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let takes = arg.get_action().takes_values();
        let long = arg.get_long().map(|long| format!("--{long}"));
        let short = arg.get_short().map(|short| format!("-{short}"));
        let mut flags: Vec<String> = short.into_iter().chain(long).collect();
        match flags.last_mut() {
            None => flags.push(values.join(" ")),
            Some(last) if takes => *last += &format!(" {}", values.join(" ")),
            Some(_) => {}
        }
        let mut about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> = arg
            .get_default_values()
            .iter()
            .map(|v| v.to_string_lossy())
            .collect();
        if takes && !defaults.is_empty() {
            about += &format!(" [default: {}]", defaults.join(", "));
        }
        let possible: Vec<String> = match takes {
            true => arg
                .get_possible_values()
                .iter()
                .map(|v| v.get_name().to_owned())
                .collect(),
            false => Vec::new(),
        };
        if !possible.is_empty() {
            about += &format!(" [{}]", possible.join(", "));
        }
        rows += &format!("| `{}` | {} |\n", flags.join("`, `"), escape(&about));
    }
    match rows.is_empty() {
        true => rows,
        false => format!("| Argument | What it says |\n| :-- | :-- |\n{rows}\n"),
    }
}

/// Text in a table or a paragraph of Markdown: what is code stays as it is.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    let mut in_code = false;
    for c in text.chars() {
        in_code ^= c == '`';
        if !in_code && "<>[]*_$\"|".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The words of a line as a shell makes them, up to where the line explains itself.
fn words(line: &str) -> Vec<String> {
    // Two blanks are before an explanation.
    let mut line = line;
    for end in ["  ", " | ", " > ", " #", " && "] {
        line = line.split(end).next().unwrap_or_default();
    }
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(of)) if c == of => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (' ', None) => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn parses(line: &str) -> Result<(), String> {
    Cli::try_parse_from(words(line))
        .map(|_| ())
        .map_err(|e| format!("{line}\n{e}"))
}

#[test]
fn every_command_has_examples_and_they_are_understood() {
    for (name, command) in commands() {
        let after = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let examples = after
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("skep "));
        let own = examples.clone().filter(|line| line.starts_with(&name));
        assert!(own.count() > 0, "`{name} --help` has no example");
        for example in examples {
            parses(example).unwrap();
        }
    }
    let program = program();
    let after = program
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    for example in after
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("skep "))
    {
        parses(example).unwrap();
    }
}

#[test]
fn every_command_of_the_manual_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = fs::read_dir(root.join("example-site/_manual"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.push(root.join("README.md"));
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in files {
        let mut in_code = false;
        for line in fs::read_to_string(&file).unwrap().lines() {
            if line.starts_with("```") {
                in_code = !in_code
                    && ["```sh", "```text", "```console", "```bash"]
                        .iter()
                        .any(|fence| line.starts_with(fence));
                continue;
            }
            let line = line.trim().trim_start_matches("$ ");
            if in_code && line.starts_with("skep ") && !is_usage(line) {
                seen += 1;
                if let Err(why) = parses(line) {
                    wrong.push(format!("{}: {why}", file.display()));
                }
            }
        }
    }
    assert!(seen > 30, "{seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a line says what may be written, and is no example.
fn is_usage(line: &str) -> bool {
    line.contains("[OPTIONS]") || line.contains("[COMMAND]") || line.contains("<COMMAND>")
}
