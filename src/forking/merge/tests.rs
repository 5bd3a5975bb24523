use std::cell::RefCell;

use proptest::prelude::*;
use skep_publisher::archive::path::Names;

use super::*;

type Files = BTreeMap<String, Vec<u8>>;

const LABELS: Labels = Labels { base: 1, theirs: 2 };

fn path(text: &str) -> ArchivePath {
    ArchivePath::new(text).unwrap()
}

fn files<const N: usize>(files: [(&str, &str); N]) -> Files {
    let files = files.into_iter();
    files.map(|(p, text)| (p.to_owned(), text.into())).collect()
}

fn tree(files: &Files) -> Tree {
    let files = files.iter();
    files
        .map(|(p, bytes)| (path(p), ContentHash::of(bytes)))
        .collect()
}

fn planned(base: &Files, ours: &Files, theirs: &Files) -> Plan {
    let folder = tree(ours)
        .into_iter()
        .map(|(p, hash)| (p, Some(hash)))
        .collect();
    let read = |side, p: &ArchivePath| {
        let files = match side {
            Side::Base => base,
            Side::Ours => ours,
            Side::Theirs => theirs,
        };
        Ok(Some(files[p.as_str()].clone()))
    };
    plan(&tree(base), &folder, &tree(theirs), LABELS, read).unwrap()
}

/// The files that the plan makes of ours.
fn merged(base: &Files, ours: &Files, theirs: &Files) -> (Files, Vec<Conflict>) {
    let plan = planned(base, ours, theirs);
    let mut result = ours.clone();
    for (p, change) in plan.changes {
        match change {
            Change::Remove => drop(result.remove(p.as_str())),
            Change::Theirs(from) => {
                drop(result.insert(p.as_str().into(), theirs[from.as_str()].clone()))
            }
            Change::Text(text) => drop(result.insert(p.as_str().into(), text.into_bytes())),
        }
    }
    (result, plan.conflicts)
}

fn conflict(at: &str, about: About, beside: Option<&str>) -> Conflict {
    let (path, beside) = (path(at), beside.map(path));
    Conflict {
        path,
        about,
        beside,
    }
}

#[test]
fn what_one_side_changed_is_taken_over() {
    let base = files([
        ("same", "1"),
        ("gone", "1"),
        ("ours", "1"),
        ("theirs", "1"),
        ("both", "1"),
    ]);
    let ours = files([
        ("same", "1"),
        ("gone", "1"),
        ("ours", "2"),
        ("theirs", "1"),
        ("both", "3"),
        ("mine", "1"),
    ]);
    let theirs = files([
        ("same", "1"),
        ("ours", "1"),
        ("theirs", "2"),
        ("both", "3"),
        ("new", "1"),
    ]);
    let (result, conflicts) = merged(&base, &ours, &theirs);
    assert_eq!(conflicts, []);
    let all = [
        ("same", "1"),
        ("ours", "2"),
        ("theirs", "2"),
        ("both", "3"),
        ("mine", "1"),
        ("new", "1"),
    ];
    assert_eq!(result, files(all));
}

#[test]
fn what_was_changed_is_never_removed() {
    let base = files([("a", "1"), ("b", "1")]);
    let (result, conflicts) = merged(&base, &files([("a", "2")]), &files([("b", "2")]));
    assert_eq!(result, files([("a", "2"), ("b", "2")]));
    let said = [
        conflict("a", About::RemovedThere, None),
        conflict("b", About::RemovedHere, None),
    ];
    assert_eq!(conflicts, said);
}

#[test]
fn what_can_not_be_merged_lies_beside() {
    let base = files([("photo.png", "\0base")]);
    let ours = files([("photo.png", "\0ours")]);
    let theirs = files([("photo.png", "\0theirs"), ("text.md", "x")]);
    let (result, conflicts) = merged(&base, &ours, &theirs);
    let all = [
        ("photo.png", "\0ours"),
        ("photo.version-2.png", "\0theirs"),
        ("text.md", "x"),
    ];
    assert_eq!(result, files(all));
    let said = conflict("photo.png", About::NotText, Some("photo.version-2.png"));
    assert_eq!(conflicts, [said]);
    // Again, after it was broken off.
    let (again, said) = merged(&base, &result, &theirs);
    assert_eq!((again, said), (result, conflicts));
}

#[test]
fn names_that_are_taken_are_not_taken_away() {
    let ours = files([("About.md", "1"), ("a", "1"), ("b/c", "1")]);
    let theirs = files([("about.md", "2"), ("a/d", "2"), ("b", "2")]);
    let (result, conflicts) = merged(&files([]), &ours, &theirs);
    let mut all = ours.clone();
    all.extend(files([
        ("a.version-2/d", "2"),
        ("about.version-2.md", "2"),
        ("b.version-2", "2"),
    ]));
    assert_eq!(result, all);
    let said = [
        conflict("a/d", About::Name, Some("a.version-2/d")),
        conflict("about.md", About::Name, Some("about.version-2.md")),
        conflict("b", About::Name, Some("b.version-2")),
    ];
    assert_eq!(conflicts, said);
}

#[test]
fn a_file_becomes_a_folder_and_a_name_another_case_where_nobody_is_in_the_way() {
    let base = files([("a", "1"), ("About.md", "1")]);
    let theirs = files([("a/b", "1"), ("about.md", "1")]);
    let (result, conflicts) = merged(&base, &base, &theirs);
    assert_eq!((result, conflicts), (theirs, Vec::new()));
}

#[test]
fn what_is_no_plain_file_stays() {
    let (base, theirs) = (
        files([("link", "1"), ("gone", "1")]),
        files([("link", "2")]),
    );
    let folder = ["link", "gone"].map(|name| (path(name), None)).into();
    let read = |side, _: &ArchivePath| {
        assert_ne!(side, Side::Ours);
        Ok(Some(b"1".to_vec()))
    };
    let plan = plan(&tree(&base), &folder, &tree(&theirs), LABELS, read).unwrap();
    let said = [
        conflict("gone", About::RemovedThere, None),
        conflict("link", About::NotText, Some("link.version-2")),
    ];
    assert_eq!(plan.conflicts, said);
    assert_eq!(
        plan.changes.into_keys().collect::<Vec<_>>(),
        [path("link.version-2")]
    );
}

#[test]
fn only_what_both_changed_is_read() {
    let base = files([("a", "1"), ("b", "1"), ("c", "1")]);
    let ours = files([("a", "2"), ("b", "1"), ("c", "2")]);
    let theirs = files([("a", "1"), ("b", "2"), ("c", "3")]);
    let seen = RefCell::new(BTreeSet::new());
    let folder = tree(&ours)
        .into_iter()
        .map(|(p, hash)| (p, Some(hash)))
        .collect();
    let read = |_, p: &ArchivePath| {
        seen.borrow_mut().insert(p.as_str().to_owned());
        Ok(None)
    };
    plan(&tree(&base), &folder, &tree(&theirs), LABELS, read).unwrap();
    assert_eq!(seen.into_inner(), BTreeSet::from(["c".to_owned()]));
}

/// Files of a site: few names, some of which get in each other's way, and few contents.
fn any_files() -> impl Strategy<Value = Files> {
    let name = prop_oneof![
        Just("a"),
        Just("A"),
        Just("a/b"),
        Just("a/B.md"),
        Just("c.md"),
        Just("C.md"),
        Just("d/e"),
        Just("d"),
        Just("c.version-2.md"),
    ];
    let content = prop_oneof![
        Just("1\n2\n3\n"),
        Just("x\n2\n3\n"),
        Just("1\n2\ny"),
        Just("\0"),
        Just("\0\0")
    ];
    proptest::collection::vec((name, content), 0..7).prop_map(|all| {
        let mut names = Names::default();
        let mut files = Files::new();
        for (name, content) in all {
            if files.contains_key(name) || names.add(&path(name)) {
                files.insert(name.to_owned(), content.into());
            }
        }
        files
    })
}

proptest! {
    #[test]
    fn who_changes_nothing_gets_what_the_other_did((b, x) in (any_files(), any_files())) {
        for (ours, theirs) in [(&x, &b), (&b, &x), (&x, &x)] {
            let (result, conflicts) = merged(&b, ours, theirs);
            prop_assert_eq!(conflicts, []);
            prop_assert_eq!(&result, &x);
        }
    }

    #[test]
    fn without_conflicts_the_sides_may_change_places((b, o, t) in (any_files(), any_files(), any_files())) {
        let (one, said) = merged(&b, &o, &t);
        let (other, answer) = merged(&b, &t, &o);
        if said.is_empty() && answer.is_empty() {
            prop_assert_eq!(one, other);
        }
    }

    #[test]
    fn no_file_is_lost_and_no_name_is_in_the_way((b, o, t) in (any_files(), any_files(), any_files())) {
        let (result, conflicts) = merged(&b, &o, &t);
        let mut names = Names::default();
        for name in result.keys() {
            prop_assert!(names.add(&path(name)), "{} in {:?}", name, result.keys());
        }
        let said = |name: &str| conflicts.iter().any(|c| c.path.as_str() == name);
        for (name, bytes) in &o {
            // What the writer changed stays, or is part of a text that both made.
            let is_own = b.get(name) != Some(bytes);
            prop_assert!(!is_own || result.contains_key(name), "{}", name);
            if is_own && b.get(name) == t.get(name) {
                prop_assert_eq!(&result[name], bytes);
            }
        }
        for (name, bytes) in &t {
            if b.get(name) != Some(bytes) {
                let there = result.get(name) == Some(bytes) || said(name) || o.contains_key(name);
                prop_assert!(there, "{}", name);
            }
        }
        for conflict in &conflicts {
            if let Some(beside) = &conflict.beside {
                prop_assert_eq!(&result[beside.as_str()], &t[conflict.path.as_str()]);
            }
        }
    }

    #[test]
    fn a_clean_merge_that_is_repeated_changes_nothing((b, o, t) in (any_files(), any_files(), any_files())) {
        let (once, conflicts) = merged(&b, &o, &t);
        if conflicts.is_empty() {
            prop_assert_eq!(merged(&b, &once, &t), (once, Vec::new()));
        }
    }
}
