//! The examples of the CommonMark specification, run with all extensions off.
//!
//! They are not in this repository: pulldown-cmark's package on crates.io, which cargo has
//! fetched anyway, holds all of them as tests (`tests/suite/spec.rs`, generated out of the
//! specification's own text, which is CC BY-SA 4.0).

use std::path::PathBuf;
use std::process::Command;

use super::{Context, Settings, plain_code, render};

/// The folder of pulldown-cmark's package, wherever cargo keeps it.
fn package() -> PathBuf {
    // Of packages for other systems there may be none here.
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let metadata = cargo(&[
        "metadata",
        "--format-version=1",
        "--offline",
        "--locked",
        "--filter-platform",
        host.unwrap(),
        "--manifest-path",
        manifest,
    ]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let found = packages.find(|p| p["name"] == "pulldown-cmark").unwrap();
    let manifest = PathBuf::from(found["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().to_owned()
}

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}: {said}", args[0]);
    String::from_utf8(output.stdout).unwrap()
}

/// The examples: Markdown and the HTML that it has to become.
fn examples(tests: &str) -> Vec<(&str, &str)> {
    let literal = |text: &str, part: &str| -> (usize, usize) {
        let start = part.find(text).unwrap() + text.len();
        (start, start + part[start..].find("\"##;").unwrap())
    };
    let parts = tests.split("#[test]").skip(1);
    parts
        .map(|part| {
            let (from, to) = literal("let original = r##\"", part);
            let (html_from, html_to) = literal("let expected = r##\"", part);
            (&part[from..to], &part[html_from..html_to])
        })
        .collect()
}

/// The specification leaves it open how a quote in a text is written.
fn plain_quotes(html: &str) -> String {
    html.replace("&quot;", "\"")
}

#[test]
fn all_examples_of_the_specification_pass() {
    let tests = std::fs::read_to_string(package().join("tests/suite/spec.rs")).unwrap();
    let examples = examples(&tests);
    // As many as version 0.31.2 has.
    assert_eq!(examples.len(), 652);
    let settings: Settings = toml::from_str("flavour = 'commonmark'").unwrap();
    let context = Context {
        path: "a.md",
        settings: &settings,
        template_ids: &super::NO_IDS,
        write_code: &plain_code,
    };
    let mut failures = Vec::new();
    for (number, (markdown, expected)) in (1..).zip(&examples) {
        let html = render(markdown, &context).unwrap().html;
        if plain_quotes(&html) != plain_quotes(expected) {
            failures.push(format!(
                "{number}: {markdown:?}\n  {expected:?}\n  {html:?}"
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.len(),
        failures.join("\n")
    );
}
