//! `skep fork --update`: what the other site has published since, merged into a fork.

use std::fs;

use serde_json::{Value, json};

use crate::skep::{Host, World};

/// A site with its sources on a host, and a fork of it that another person has.
struct Forked {
    world: World,
    address: String,
    host: Host,
}

impl Forked {
    fn new() -> Self {
        let world = World::new();
        let address = world.new_site("author", "site");
        let settings = world.read("site/skep.toml");
        world.write(
            "site/skep.toml",
            format!("publish_source = true\nurl = \"https://bees.example\"\n{settings}"),
        );
        world.write("site/long.md", lines(&[]));
        world.write("site/photo.png", "\u{89}PNG\0one");
        world.write("site/gone.txt", "gone");
        world.write("site/dos.txt", "a\r\nb\r\nc\r\nd");
        let host = world.host("host", &address);
        let forked = Self {
            world,
            address,
            host,
        };
        forked.publish();
        let fork = [
            "fork",
            &forked.address,
            "mine",
            "--peer",
            &forked.host.ticket,
        ];
        forked.world.json("reader", &fork);
        forked
    }

    fn publish(&self) {
        let publish = ["publish", "site", "--yes", "--peer", &self.host.ticket];
        self.world.json("author", &publish);
    }

    fn update(&self, more: &[&str]) -> Vec<String> {
        let update = ["fork", "--update", "mine", "--peer", &self.host.ticket];
        [&update[..], more]
            .concat()
            .iter()
            .map(|s| (*s).to_owned())
            .collect()
    }

    /// Runs an update that ends with `code`.
    fn updated(&self, code: i32, more: &[&str]) -> Value {
        let args = self.update(&[more, &["--json"]].concat());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ended = self.world.fails(code, "reader", &args);
        ended.result()
    }

    fn refused(&self, says: &[&str]) {
        let args = self.update(&[]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.world.fails(1, "reader", &args).says(says);
    }

    fn origin(&self) -> String {
        let settings = self.world.read("mine/skep.toml");
        let line = settings.lines().find(|line| line.starts_with("origin = "));
        line.unwrap().to_owned()
    }
}

/// A text of twenty lines, some of which are others.
fn lines(changed: &[(usize, &str)]) -> String {
    let line = |n| {
        let other = changed.iter().find(|(at, _)| *at == n);
        other.map_or(format!("line {n}"), |(_, text)| (*text).to_owned())
    };
    let lines: Vec<String> = (1..=20).map(line).collect();
    format!("---\ntitle: Long\n---\n{}\n", lines.join("\n"))
}

fn changes(updated: &Value) -> Vec<(&str, &str)> {
    let changes = updated["changes"].as_array().unwrap().iter();
    changes
        .map(|c| (c["path"].as_str().unwrap(), c["change"].as_str().unwrap()))
        .collect()
}

fn conflicts(updated: &Value) -> Vec<(&str, &str, Value, Value)> {
    let conflicts = updated["conflicts"].as_array().unwrap().iter();
    let text = |c: &'_ Value, name: &str| c[name].clone();
    conflicts
        .map(|c| {
            let path = c["path"].as_str().unwrap();
            (
                path,
                c["about"].as_str().unwrap(),
                text(c, "line"),
                text(c, "beside"),
            )
        })
        .collect()
}

#[test]
fn what_came_later_is_merged_with_what_was_changed_here() {
    let forked = Forked::new();
    let world = &forked.world;
    let before = forked.origin();
    // Theirs.
    world.write("site/long.md", lines(&[(2, "theirs")]));
    world.write("site/photo.png", "\u{89}PNG\0two");
    world.write("site/new/page.md", "---\ntitle: New\n---\nNew.\n");
    world.write("site/dos.txt", "a\r\nb\r\nc\r\nD");
    fs::remove_file(world.path("site/gone.txt")).unwrap();
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        settings.replace("bees.example", "bees.test") + "\n[feed]\nlimit = 3\n",
    );
    forked.publish();
    // Ours.
    world.write("mine/long.md", lines(&[(18, "ours")]));
    world.write("mine/dos.txt", "A\r\nb\r\nc\r\nd");
    world.write("mine/own.md", "---\ntitle: Own\n---\nOwn.\n");
    let settings = world.read("mine/skep.toml");
    world.write(
        "mine/skep.toml",
        settings.replace("title = \"site\"", "title = \"Mine\""),
    );

    let files = world.files("mine");
    let planned = forked.updated(0, &["--dry-run"]);
    assert!(world.files("mine") == files, "a dry run changes nothing");
    let updated = forked.updated(0, &[]);
    assert_eq!(planned["changes"], updated["changes"]);
    assert_eq!(
        changes(&updated),
        [
            ("dos.txt", "merged"),
            ("gone.txt", "removed"),
            ("long.md", "merged"),
            ("new/page.md", "taken"),
            ("photo.png", "taken"),
            ("skep.toml", "merged"),
        ]
    );
    assert_eq!((&updated["from"], &updated["to"]), (&json!(1), &json!(2)));
    assert_eq!(
        world.read("mine/long.md"),
        lines(&[(2, "theirs"), (18, "ours")])
    );
    assert_eq!(world.read("mine/dos.txt"), "A\r\nb\r\nc\r\nD");
    assert_eq!(world.read("mine/photo.png"), "\u{89}PNG\0two");
    assert!(!world.path("mine/gone.txt").exists());
    assert!(world.path("mine/own.md").exists());
    let settings = world.read("mine/skep.toml");
    assert!(
        settings.contains("title = \"Mine\"") && settings.contains("limit = 3"),
        "{settings}"
    );
    assert!(
        !settings.contains("bees") && !settings.contains("publish_source"),
        "{settings}"
    );
    assert_ne!(forked.origin(), before);
    assert!(forked.origin().contains(&format!("{}+2~", forked.address)));
    // Everything that was overwritten is there still.
    let kept = std::path::Path::new(updated["kept"].as_str().unwrap());
    for path in ["dos.txt", "gone.txt", "long.md", "photo.png", "skep.toml"] {
        assert_eq!(fs::read(kept.join(path)).unwrap(), files[path], "{path}");
    }

    let again = forked.updated(0, &[]);
    assert_eq!(again["up_to_date"], true);
    world.json("reader", &["publish", "mine", "--yes", "--wait", "0"]);
    let log = world.json("reader", &["log", "mine"]);
    assert_eq!(
        log["versions"][0]["origin"],
        format!("{}+2", forked.address)
    );
}

#[test]
fn conflicts_are_marked_and_named_and_nothing_is_lost() {
    let forked = Forked::new();
    let world = &forked.world;
    world.write("site/long.md", lines(&[(2, "theirs")]));
    world.write("site/photo.png", "\u{89}PNG\0theirs");
    world.write("site/gone.txt", "more");
    world.write("site/Note.md", "---\ntitle: Note\n---\nTheirs.\n");
    fs::remove_file(world.path("site/dos.txt")).unwrap();
    forked.publish();
    world.write("mine/long.md", lines(&[(2, "ours")]));
    world.write("mine/photo.png", "\u{89}PNG\0ours");
    world.write("mine/dos.txt", "changed");
    world.write("mine/note.md", "---\ntitle: Note\n---\nOurs.\n");
    fs::remove_file(world.path("mine/gone.txt")).unwrap();

    let planned = forked.updated(1, &["--dry-run"]);
    let updated = forked.updated(1, &[]);
    assert_eq!(planned["conflicts"], updated["conflicts"]);
    let null = Value::Null;
    assert_eq!(
        conflicts(&updated),
        [
            ("Note.md", "name", null.clone(), json!("Note.version-2.md")),
            ("dos.txt", "removed-there", null.clone(), null.clone()),
            ("gone.txt", "removed-here", null.clone(), null.clone()),
            ("long.md", "lines", json!(5), null.clone()),
            (
                "photo.png",
                "not-text",
                null.clone(),
                json!("photo.version-2.png")
            ),
        ]
    );
    let text = world.read("mine/long.md");
    let marks = "line 1\n<<<<<<< yours\nours\n||||||| version 1\nline 2\n=======\ntheirs\n>>>>>>> version 2\nline 3\n";
    assert!(text.contains(marks), "{text}");
    assert_eq!(world.read("mine/photo.png"), "\u{89}PNG\0ours");
    assert_eq!(world.read("mine/photo.version-2.png"), "\u{89}PNG\0theirs");
    assert_eq!(world.read("mine/dos.txt"), "changed");
    assert_eq!(world.read("mine/gone.txt"), "more");
    assert!(world.read("mine/note.md").contains("Ours."));

    // The next one waits until that is decided.
    world.write("site/long.md", lines(&[(2, "theirs again"), (9, "more")]));
    forked.publish();
    forked.refused(&["long.md:5", "still open", "take the marks out"]);
    assert_eq!(world.read("mine/long.md"), text);
    world.write("mine/long.md", lines(&[(2, "theirs"), (12, "ours")]));
    let updated = forked.updated(0, &[]);
    assert_eq!(changes(&updated), [("long.md", "merged")]);
    let all = lines(&[(2, "theirs again"), (9, "more"), (12, "ours")]);
    assert_eq!(world.read("mine/long.md"), all);
}

#[test]
fn an_update_that_was_broken_off_is_done_again() {
    let forked = Forked::new();
    let world = &forked.world;
    world.write("site/long.md", lines(&[(2, "theirs"), (15, "theirs")]));
    world.write("site/photo.png", "\u{89}PNG\0theirs");
    world.write("site/dos.txt", "a\r\nb\r\nc\r\nD");
    forked.publish();
    world.write("mine/long.md", lines(&[(2, "ours")]));
    world.write("mine/photo.png", "\u{89}PNG\0ours");
    world.write("mine/dos.txt", "A\r\nb\r\nc\r\nd");
    let before = world.read("mine/skep.toml");
    let first = forked.updated(1, &[]);
    let files = world.files("mine");
    // The settings are written last: as if it had ended just before.
    world.write("mine/skep.toml", before);
    let second = forked.updated(1, &[]);
    assert_eq!(first["conflicts"], second["conflicts"]);
    assert!(world.files("mine") == files);
    forked.refused(&["long.md:5", "still open"]);
    world.write("mine/long.md", lines(&[]));
    assert_eq!(forked.updated(0, &[])["up_to_date"], true);
}

/// A file may become a folder, and a folder a file, and a name another case of itself.
#[test]
fn what_changes_its_kind_changes_it_here_too() {
    let forked = Forked::new();
    let world = &forked.world;
    world.write("site/one", "file");
    world.write("site/two/three/deep.txt", "deep");
    world.write("site/Case.txt", "case");
    forked.publish();
    forked.updated(0, &[]);
    fs::remove_file(world.path("site/one")).unwrap();
    fs::remove_dir_all(world.path("site/two")).unwrap();
    fs::rename(world.path("site/Case.txt"), world.path("site/case.txt")).unwrap();
    world.write("site/one/inside.txt", "inside");
    world.write("site/two", "file");
    forked.publish();
    forked.updated(0, &[]);
    assert_eq!(world.read("mine/one/inside.txt"), "inside");
    assert_eq!(world.read("mine/two"), "file");
    assert_eq!(world.read("mine/case.txt"), "case");
}

/// The author may write about such marks.
#[test]
fn marks_that_the_author_wrote_are_none() {
    let forked = Forked::new();
    let world = &forked.world;
    let about = "<<<<<<< yours\n||||||| version 1\n=======\n>>>>>>> version 1\n";
    world.write("site/long.md", format!("{}{about}", lines(&[])));
    forked.publish();
    forked.updated(0, &[]);
    world.write("mine/long.md", format!("{}{about}", lines(&[(3, "ours")])));
    assert_eq!(forked.updated(0, &[])["up_to_date"], true);
    world.write(
        "site/long.md",
        format!("{}{about}", lines(&[(9, "theirs")])),
    );
    forked.publish();
    forked.updated(0, &[]);
    let both = lines(&[(3, "ours"), (9, "theirs")]);
    assert_eq!(world.read("mine/long.md"), format!("{both}{about}"));
}

#[test]
fn an_update_can_be_made_while_a_node_runs() {
    let forked = Forked::new();
    let world = &forked.world;
    world.write("site/long.md", lines(&[(2, "theirs")]));
    forked.publish();
    let browse = world.start("reader", &["browse", "--port", "0"]);
    browse.event("ready");
    let updated = forked.updated(0, &[]);
    assert_eq!(changes(&updated), [("long.md", "taken")]);
    let second = [
        "fork",
        &forked.address,
        "second",
        "--peer",
        &forked.host.ticket,
    ];
    world.json("reader", &second);
    assert!(world.read("second/long.md").contains("theirs"));
    world
        .fails(2, "reader", &["fork", &forked.address, "second"])
        .says(&["second is not empty"]);
}

/// Who trusts a command has seen what it does with the files that are here.
#[test]
fn what_came_from_elsewhere_is_not_run_by_a_command_that_was_trusted_before() {
    let forked = Forked::new();
    let world = &forked.world;
    let settings = world.read("mine/skep.toml");
    let build =
        "[build]\nengine = 'command'\ncommand = 'mkdir -p out; cp *.txt out'\noutput = 'out'\n";
    world.write("mine/skep.toml", format!("{settings}\n{build}"));
    let publish = ["publish", "mine", "--yes", "--wait", "0"];
    world.fails(1, "reader", &publish).says(&["not trusted"]);
    world.json("reader", &[&publish[..], &["--trust"]].concat());
    forked.updated(0, &[]);
    world.json("reader", &publish);
    world.write("site/new.txt", "theirs");
    forked.publish();
    forked.updated(0, &["--dry-run"]);
    world.json("reader", &publish);
    forked.updated(0, &[]);
    world.fails(1, "reader", &publish).says(&["not trusted"]);
}

#[test]
fn what_can_not_be_merged_is_said() {
    let forked = Forked::new();
    let world = &forked.world;
    world.new_site("reader", "other");
    world
        .fails(1, "reader", &["fork", "--update", "other"])
        .says(&["is no fork", "skep fork ADDRESS DIR"]);
    world.fails(2, "reader", &["fork", "--update", "mine", "there"]);
    world.fails(2, "reader", &["fork", "--dry-run", "mine", "there"]);
    world.fails(2, "reader", &["fork", &forked.address]);
    world
        .fails(2, "reader", &["fork", "--update", &forked.address])
        .says(&["name its folder"]);

    // Without the version that it is a fork of.
    world.write("site/big.bin", vec![7; 600 << 10]);
    forked.publish();
    let updated = forked.updated(0, &[]);
    assert_eq!(changes(&updated), [("big.bin", "taken")]);
    world.write("site/big.bin", vec![8; 600 << 10]);
    forked.publish();
    world.json(
        "reader",
        &["log", &forked.address, "--peer", &forked.host.ticket],
    );
    world.write("mine/big.bin", "mine");
    let settings = world.read("mine/skep.toml");
    let retract = [
        "retract",
        "2",
        "site",
        "--yes",
        "--peer",
        &forked.host.ticket,
    ];
    world.json("author", &retract);
    forked.refused(&["was retracted", "skep fork"]);
    assert_eq!(world.read("mine/skep.toml"), settings);

    // Settings that are left with a conflict can't be read by anything else.
    let open = "<<<<<<< yours\na = 1\n||||||| version 1\n=======\na = 2\n>>>>>>> version 2\n";
    world.write("mine/skep.toml", format!("{settings}{open}"));
    forked.refused(&["skep.toml:", "still open"]);
}

#[test]
fn without_sources_there_is_nothing_to_take_over() {
    let forked = Forked::new();
    let world = &forked.world;
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        settings.replace("publish_source = true", ""),
    );
    forked.publish();
    let files = world.files("mine");
    forked.refused(&["version 2", "without its sources"]);
    assert!(world.files("mine") == files);
}

#[cfg(unix)]
#[test]
fn an_update_writes_nothing_through_links() {
    let forked = Forked::new();
    let world = &forked.world;
    world.write("site/notes/a.md", "---\ntitle: A\n---\nA.\n");
    world.write("site/photo.png", "\u{89}PNG\0theirs");
    forked.publish();
    fs::create_dir(world.path("elsewhere")).unwrap();
    world.write("elsewhere/photo.png", "mine");
    std::os::unix::fs::symlink(world.path("elsewhere"), world.path("mine/notes")).unwrap();
    fs::remove_file(world.path("mine/photo.png")).unwrap();
    let photo = world.path("elsewhere/photo.png");
    std::os::unix::fs::symlink(photo, world.path("mine/photo.png")).unwrap();
    let updated = forked.updated(1, &[]);
    assert_eq!(
        conflicts(&updated),
        [
            (
                "notes/a.md",
                "name",
                Value::Null,
                json!("notes.version-2/a.md")
            ),
            (
                "photo.png",
                "not-text",
                Value::Null,
                json!("photo.version-2.png")
            ),
        ]
    );
    assert_eq!(world.files("elsewhere").len(), 1);
    assert_eq!(world.read("elsewhere/photo.png"), "mine");
}
