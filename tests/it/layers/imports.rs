//! Reads which module of a folder imports which other, from the text of its files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The modules of one folder and the imports between them. Tests are left out.
pub(super) struct Room {
    pub(super) modules: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
}

/// `file`, which belongs to the module `from`, names something of the module `to`.
pub(super) struct Import {
    pub(super) file: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl Room {
    /// Reads the folder of a crate (`…/src`) or of one of its modules (`…/src/a`).
    pub(super) fn read(folder: &Path) -> Self {
        let mut files = Vec::new();
        collect(folder, "", &mut files);
        let is_root = |name: &str| matches!(name, "lib.rs" | "main.rs" | "mod.rs");
        let (heads, files): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(name, _)| is_root(name));
        let beside = folder.with_extension("rs");
        let head = match heads.first() {
            Some((_, text)) => text.clone(),
            None => std::fs::read_to_string(&beside).unwrap_or_default(),
        };
        let inside = folder.to_string_lossy().replace('\\', "/");
        let above: Vec<_> = match inside.rsplit_once("/src/") {
            Some((_, path)) => path.split('/').map(str::to_owned).collect(),
            None => Vec::new(),
        };
        Self::build(&files, &head, &above)
    }

    /// A crate of the given files; `head` is its `lib.rs`.
    pub(super) fn of(files: &[(&str, &str)], head: &str) -> Self {
        let files: Vec<_> = (files.iter())
            .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()))
            .collect();
        Self::build(&files, head, &[])
    }

    /// `above` is the path of the folder's own module from the crate's root.
    fn build(files: &[(String, String)], head: &str, above: &[String]) -> Self {
        let exported = exports(head);
        let modules: BTreeSet<_> = files
            .iter()
            .map(|(name, _)| path_of(name)[0].clone())
            .collect();
        let mut imports = Vec::new();
        for (file, text) in files {
            let path = path_of(file);
            let from = path[0].clone();
            let full: Vec<_> = above.iter().chain(&path).cloned().collect();
            let mut seen = BTreeSet::new();
            for name in names(&code(text), &full, above) {
                let to = exported.get(&name).unwrap_or(&name);
                if *to != from && modules.contains(to) && seen.insert(to.clone()) {
                    imports.push(Import {
                        file: file.clone(),
                        from: from.clone(),
                        to: to.clone(),
                    });
                }
            }
        }
        imports.sort_by(|a, b| (&a.file, &a.to).cmp(&(&b.file, &b.to)));
        Self { modules, imports }
    }
}

fn collect(folder: &Path, inside: &str, files: &mut Vec<(String, String)>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries.map(|entry| entry.expect("an entry")) {
        let name = entry.file_name().into_string().expect("a name in UTF-8");
        let path = format!("{inside}{name}");
        if entry.path().is_dir() && name != "tests" {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push((
                path,
                std::fs::read_to_string(entry.path()).expect("a file of source"),
            ));
        }
    }
}

/// The module path of a file, from its folder: `a/b.rs` and `a/b/mod.rs` are both `a`, `b`.
fn path_of(file: &str) -> Vec<String> {
    let stem = file.strip_suffix(".rs").expect("a file of source");
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    stem.split('/').map(str::to_owned).collect()
}

/// Names that a module's head exports again, with the module that each comes from.
fn exports(head: &str) -> BTreeMap<String, String> {
    let head = code(head);
    let mut exported = BTreeMap::new();
    for part in head.split("pub").skip(1) {
        let part = part.trim_start();
        let part = match part.strip_prefix('(') {
            Some(rest) => rest
                .split_once(')')
                .map_or("", |(_, rest)| rest.trim_start()),
            None => part,
        };
        let Some(tree) = part
            .strip_prefix("use ")
            .and_then(|rest| rest.split_once(';'))
        else {
            continue;
        };
        let tree = tree.0.trim_start_matches("self::");
        let Some((module, names)) = tree.split_once("::") else {
            continue;
        };
        // An empty one, beside a brace, would be what `super::*` names.
        let names = names.split(|c: char| !c.is_alphanumeric() && c != '_');
        for name in names.filter(|name| !name.is_empty()) {
            exported.insert(name.to_owned(), module.to_owned());
        }
    }
    exported
}

/// What the code names of the module `above`: the first name after each path that leads there.
fn names(code: &str, module: &[String], above: &[String]) -> Vec<String> {
    let crate_path: String = std::iter::once("crate::".to_owned())
        .chain(above.iter().map(|m| format!("{m}::")))
        .collect();
    let super_path = "super::".repeat(module.len() - above.len());
    let mut found = Vec::new();
    for prefix in [crate_path, super_path] {
        for (at, _) in code.match_indices(&prefix) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            found.extend(first_names(&code[at + prefix.len()..]));
        }
    }
    found
}

/// The first names of a path or of a tree of paths: `a::B` gives `a`, `{a::B, c}` gives `a`, `c`.
fn first_names(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    if !text.starts_with('{') {
        return vec![word(text)];
    }
    let (mut depth, mut names, mut expected) = (0, Vec::new(), true);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => expected = true,
            c if depth == 1 && expected && !c.is_whitespace() => {
                names.push(word(&text[at..]));
                expected = false;
            }
            _ => {}
        }
    }
    names
}

/// The text without comments, without what strings hold, and without its module of tests.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if let Some(inner) = rest.strip_prefix("'\"'") {
            rest = inner;
        } else if c == '"' {
            let mut end = 1;
            let bytes = rest.as_bytes();
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    code
}
