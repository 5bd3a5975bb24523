//! Checks that imports run one way: `layers.toml` has the order of each room's modules.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use imports::Room;

/// One section of `layers.toml`: a folder of modules whose imports may only point upwards.
struct Section {
    folder: String,
    /// From the ground up: a module imports only what comes before it.
    order: Vec<String>,
    /// Files that still import against the order, as `file -> module`. The list may only shrink.
    violations: BTreeSet<String>,
}

#[test]
fn imports_follow_the_order_of_layers_toml() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut faults = Vec::new();
    for section in sections(root) {
        let room = Room::read(&root.join(&section.folder));
        faults.extend(check(&section, &room));
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn an_import_against_the_order_is_found_however_it_is_written() {
    let room = Room::of(
        &[
            ("ground.rs", "fn f() { crate::top::go() }"),
            ("middle/mod.rs", "use crate::{ground::A, top::{self, B}};"),
            (
                "middle/inner.rs",
                "use super::super::top; // crate::nothing",
            ),
            (
                "top.rs",
                "pub use crate::Shown; const S: &str = \"crate::nothing\";",
            ),
        ],
        "mod ground; mod middle; mod top; pub use ground::{A, Shown};",
    );
    let section = Section {
        folder: "src".into(),
        order: ["ground", "middle", "top"].map(String::from).into(),
        violations: BTreeSet::from(["ground.rs -> middle".to_owned()]),
    };
    assert_eq!(
        check(&section, &room),
        [
            "src/ground.rs imports `top` against the order of layers.toml",
            "src/middle/inner.rs imports `top` against the order of layers.toml",
            "src/middle/mod.rs imports `top` against the order of layers.toml",
            "layers.toml lists `ground.rs -> middle` in src, which is mended: remove the line",
        ]
    );
}

/// What is wrong with a room: imports against its order, modules without a place, stale lines.
fn check(section: &Section, room: &Room) -> Vec<String> {
    let folder = &section.folder;
    let place: BTreeMap<&str, usize> = (section.order.iter().map(String::as_str))
        .zip(0..)
        .collect();
    let mut faults = Vec::new();
    for module in &room.modules {
        if !place.contains_key(module.as_str()) {
            faults.push(format!("{folder}: `{module}` has no place in layers.toml"));
        }
    }
    for module in place
        .keys()
        .filter(|module| !room.modules.contains(**module))
    {
        faults.push(format!("layers.toml: `{module}` is no module of {folder}"));
    }
    let mut found = BTreeSet::new();
    for import in &room.imports {
        let (from, to) = (
            place.get(import.from.as_str()),
            place.get(import.to.as_str()),
        );
        if let (Some(from), Some(to)) = (from, to)
            && to > from
        {
            found.insert(format!("{} -> {}", import.file, import.to));
        }
    }
    for new in found.difference(&section.violations) {
        let (file, module) = new.split_once(" -> ").expect("made above");
        faults.push(format!(
            "{folder}/{file} imports `{module}` against the order of layers.toml"
        ));
    }
    for gone in section.violations.difference(&found) {
        faults.push(format!(
            "layers.toml lists `{gone}` in {folder}, which is mended: remove the line"
        ));
    }
    faults
}

/// The sections of `layers.toml`. Panics where it is not as its head says.
fn sections(root: &Path) -> Vec<Section> {
    let text = std::fs::read_to_string(root.join("layers.toml")).expect("layers.toml");
    let table: toml::Table = text.parse().expect("layers.toml is TOML");
    let list = |section: &toml::Value, key: &str| -> Vec<String> {
        let values = section.get(key).and_then(toml::Value::as_array);
        let values = values.into_iter().flatten();
        values
            .map(|value| value.as_str().expect("a text").to_owned())
            .collect()
    };
    (table.iter())
        .map(|(folder, section)| Section {
            folder: folder.clone(),
            order: list(section, "order"),
            violations: list(section, "violations").into_iter().collect(),
        })
        .collect()
}
