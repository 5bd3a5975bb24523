//! key new, list, export, import.

use crate::skep::World;

const WORDS: &str = "correct horse battery";

impl World {
    /// A file with the passphrase.
    fn passphrase(&self) -> &'static str {
        self.write("passphrase", format!("{WORDS}\n"));
        "passphrase"
    }

    /// Exports the key of `site` behind the passphrase.
    fn export_sealed(&self, home: &str, site: &str, file: &str) {
        let passphrase = self.passphrase();
        let args = ["key", "export", site, file, "--passphrase-file", passphrase];
        self.json(home, &args);
    }
}

/// Publishes a change of the site from the machine `new`, which has its key and nothing else.
fn publish_from_new_machine(world: &World, ticket: &str) {
    // Without the history there would be a second one.
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world
        .fails(1, "new", &publish)
        .says(&["came from another machine", "--peer TICKET"]);
    // The new machine takes the history from the host, and goes on from there.
    let publish = ["publish", "site", "--yes", "--peer", ticket];
    world
        .fails(1, "new", &publish)
        .says(&["version 1 was published from another machine"]);
    let about = "---\ntitle: About\n---\nFrom the new machine.\n";
    world.write("site/about.md", about);
    let second = world.json("new", &publish);
    assert_eq!(second["version"], 2);
    world.json("new", &["verify", "site"]);
}

#[test]
fn a_site_moves_to_another_machine_in_a_locked_file() {
    let world = World::new();
    let (address, host) = world.published_site();
    world.export_sealed("author", "site", "site.key.age");
    assert!(!world.read("site.key.age").contains("skep-secret"));
    let key = world.json("author", &["key", "list"])["keys"][0].clone();
    assert_eq!(key, address.as_str());

    let import = ["key", "import", "site.key.age", "--passphrase-file"];
    let import = [&import[..], &["passphrase"]].concat();
    let imported = world.json("new", &import);
    assert_eq!(imported["address"], address.as_str());
    assert_eq!(imported["new"], true);
    assert_eq!(world.json("new", &import)["new"], false);
    publish_from_new_machine(&world, &host.ticket);
}

#[test]
fn a_site_moves_to_another_machine_on_paper() {
    let world = World::new();
    let (address, host) = world.published_site();
    let paper = world.run("author", &["key", "export", "site", "--phrase"]);
    assert!(paper.out().contains(&address));
    paper.says(&["can publish as you"]);
    let words = world.json("author", &["key", "export", "site", "--phrase"]);
    let words: Vec<_> = words["words"].as_array().unwrap().iter().collect();
    assert_eq!(words.len(), 24);
    for (i, word) in words.iter().enumerate() {
        let numbered = format!("{} {}", i + 1, word.as_str().unwrap());
        assert!(paper.out().contains(&numbered), "{numbered}");
    }

    // What was printed, as it stands.
    let imported = world.run_with("new", &["key", "import", "--phrase"], &paper.stdout);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(imported.out().contains(&address));
    assert!(imported.out().contains("address on your paper"));
    publish_from_new_machine(&world, &host.ticket);
}

#[test]
fn a_plain_key_needs_its_flag() {
    let world = World::new();
    let address = world.new_site("home", "site");
    world.json("home", &["key", "export", "site", "site.key", "--plain"]);
    assert!(world.read("site.key").contains(&address));
    let shown = world.run("home", &["key", "export", "site", "--plain"]);
    assert_eq!(shown.out(), world.read("site.key"));
    let json = world.json("home", &["key", "export", "site", "--plain"]);
    assert_eq!(json["key"], world.read("site.key").as_str());
    let imported = world.run_with("new", &["key", "import", "-"], &shown.stdout);
    assert!(imported.out().contains(&address), "{}", imported.stderr);
    assert_eq!(
        world.json("new", &["key", "list"])["keys"][0],
        address.as_str()
    );
}

#[test]
fn an_export_overwrites_nothing_and_is_for_its_owner() {
    let world = World::new();
    world.new_site("home", "site");
    world.export_sealed("home", "site", "sealed");
    world.json("home", &["key", "export", "site", "phrase", "--phrase"]);
    world.json("home", &["key", "export", "site", "plain", "--plain"]);
    for (file, how) in [
        ("sealed", "--json"),
        ("phrase", "--phrase"),
        ("plain", "--plain"),
    ] {
        let before = world.read(file);
        world
            .fails(2, "home", &["key", "export", "site", file, how])
            .says(&["exists already"]);
        assert_eq!(world.read(file), before);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(world.path(file)).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{file}");
        }
    }
}

#[test]
fn a_key_is_never_exported_into_a_site() {
    let world = World::new();
    world.new_site("home", "site");
    for file in ["site/site.key", "site/_posts/../site.key", "site/_posts/k"] {
        for how in ["--phrase", "--plain", "--passphrase-file=passphrase"] {
            world
                .fails(1, "home", &["key", "export", "site", file, how])
                .says(&["would lie in the site", "../my-site.key.age"]);
        }
    }
    assert!(!world.path("site/site.key").exists());
    assert!(!world.path("site/_posts/k").exists());
}

#[test]
fn a_passphrase_is_something_and_is_never_guessed() {
    let world = World::new();
    world.new_site("home", "site");
    let export = |file, passphrase| {
        let args = [
            "key",
            "export",
            "site",
            file,
            "--passphrase-file",
            passphrase,
        ];
        world.run("home", &args)
    };
    // Nobody is there to type one.
    world
        .fails(2, "home", &["key", "export", "site", "k"])
        .says(&["no terminal", "--passphrase-file"]);
    for (name, content) in [
        ("empty", "\nsecond\n"),
        ("blank", "  \n"),
        ("binary", "\u{ff}"),
    ] {
        let bytes: Vec<u8> = content.chars().map(|c| c as u8).collect();
        world.write(name, bytes);
        assert_eq!(export("k", name).code, 2, "{name}");
    }
    world.write("long", "x".repeat(5000));
    export("k", "long").says(&["at most 1024 bytes"]);
    assert_eq!(export("k", "none").code, 1);
    assert!(!world.path("k").exists());
    let status = world.json("home", &["status", "site"]);
    assert_eq!(status["backed_up"], false, "none of these was a backup");

    world.write("short", "hunter2\r\n");
    let warned = export("k", "short");
    assert_eq!(warned.code, 0);
    warned.says(&["warning", "fewer than 12 characters"]);
    world.write("short", "hunter2");
    let import = ["key", "import", "k", "--passphrase-file", "short"];
    world.json("new", &import);
}

#[test]
fn a_wrong_passphrase_a_damaged_file_and_wrong_words_change_nothing() {
    let world = World::new();
    world.new_site("home", "site");
    world.export_sealed("home", "site", "k.age");
    world.write("wrong", "incorrect horse battery\n");
    let import = |file| ["key", "import", file, "--passphrase-file", "passphrase"];
    let wrong = ["key", "import", "k.age", "--passphrase-file", "wrong"];
    world
        .fails(1, "new", &wrong)
        .says(&["this passphrase does not open"]);
    let error = world.run("new", &[&["--json"], &wrong[..]].concat());
    assert!(error.out().contains("wrong-passphrase"), "{}", error.out());
    let sealed = world.read("k.age");
    world.write("cut.age", &sealed[..sealed.len() - 60]);
    world.fails(1, "new", &import("cut.age")).says(&["damaged"]);
    world
        .fails(2, "new", &["key", "import", "k.age"])
        .says(&["no terminal", "--passphrase-file"]);
    world
        .fails(2, "new", &["key", "import", "-", "--passphrase-file", "-"])
        .says(&["can't both be on stdin"]);

    let words = format!("{}art", "abandon ".repeat(23));
    let phrase = |text: &str| {
        let ended = world.run_with("new", &["key", "import", "--phrase"], text.as_bytes());
        assert_eq!(ended.code, 2, "{text}: {}", ended.out());
        ended
    };
    phrase(&words.replacen("abandon", "abandom", 1)).says(&["word 1, `abandom` (abandon?)"]);
    phrase(&words.replacen("abandon", "ability", 1)).says(&["do not fit together"]);
    phrase(&words.replacen("abandon ", "", 1)).says(&["24 words, and here are 23"]);
    phrase("").says(&["here are 0"]);

    world.write("no.key", "hello\n");
    world
        .fails(2, "new", &import("no.key"))
        .says(&["not a skep key", "--phrase"]);
    world.write("no.key", vec![b'a'; 100_000]);
    world
        .fails(2, "new", &import("no.key"))
        .says(&["not a skep key", "too long"]);
    world
        .fails(1, "new", &import("none.key"))
        .says(&["none.key"]);
    assert_eq!(
        world.json("new", &["key", "list"])["keys"],
        serde_json::json!([])
    );
    assert!(!world.path("new/keys").exists());
}

#[test]
fn a_key_without_a_backup_is_spoken_of_until_it_has_one() {
    let world = World::new();
    let new = world.run("home", &["new", "site"]);
    let command = "skep key export site site.key.age";
    assert!(new.out().contains(command), "{}", new.out());
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world
        .run("home", &["status", "site"])
        .says(&["no backup yet", command]);
    world
        .run("home", &publish)
        .says(&["no backup yet", command]);
    let list = world.json("home", &["key", "list"]);
    let address = list["keys"][0].as_str().unwrap();
    assert!(list["backups"][address].is_null());

    world.export_sealed("home", "site", "site.key.age");
    for args in [&["status", "site"][..], &publish] {
        let stderr = world.run("home", args).stderr;
        assert!(!stderr.contains("backup"), "{stderr}");
    }
    assert_eq!(world.json("home", &["status", "site"])["backed_up"], true);
    let list = world.json("home", &["key", "list"]);
    assert_eq!(list["backups"][address]["form"], "sealed");

    // Where the key is not, there is nothing to back up; where it came from is a backup.
    world
        .run("new", &["status", "site"])
        .says(&["not here", "skep key import"]);
    let import = [
        "key",
        "import",
        "site.key.age",
        "--passphrase-file",
        "passphrase",
    ];
    world.json("new", &import);
    assert_eq!(world.json("new", &["status", "site"])["backed_up"], true);
}

#[test]
fn a_site_gets_a_key_only_when_it_is_told_to() {
    let world = World::new();
    world.write("site/skep.toml", "# mine\ntitle = \"Bees\"\n");
    world.write("site/index.md", "---\ntitle: Bees\n---\nHum.\n");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world
        .fails(1, "home", &publish)
        .says(&["no `address`", "skep key new"]);
    let new = world.run("home", &["key", "new", "site"]);
    assert_eq!(new.code, 0, "{}", new.stderr);
    assert!(new.out().contains("skep key export site site.key.age"));
    assert!(
        world
            .read("site/skep.toml")
            .starts_with("# mine\ntitle = \"Bees\"\naddress = \"skep://")
    );
    assert_eq!(world.json("home", &publish)["version"], 1);

    // On another machine the key is missing: none is made, and the address stays.
    let toml = world.read("site/skep.toml");
    let lost = world.fails(1, "other", &publish);
    lost.says(&["no key for skep://", "skep key import", "skep key new"]);
    world.fails(2, "other", &["key", "new", "site"]).says(&[
        "not here",
        "readers of the old one",
        "--yes",
    ]);
    assert_eq!(world.read("site/skep.toml"), toml);
    assert!(!world.path("other/keys").exists());
    let new = world.json("other", &["key", "new", "site", "--yes"]);
    assert!(toml.contains(new["replaced"].as_str().unwrap()));
    assert!(!toml.contains(new["address"].as_str().unwrap()));
    assert_eq!(world.json("other", &publish)["version"], 1);

    // The first machine still has its key, and is not the site's any more.
    world
        .fails(1, "home", &publish)
        .says(&["no key for skep://"]);
    assert_eq!(
        world.json("home", &["key", "list"])["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    world
        .fails(1, "home", &["key", "new", "nowhere"])
        .says(&["no folder nowhere"]);
}

#[test]
fn a_key_file_and_its_passphrase_are_read_as_an_editor_left_them() {
    let world = World::new();
    let address = world.new_site("home", "site");
    // PowerShell writes UTF-16, an editor a mark and a blank.
    world.write("passphrase", "correct horse battery\n");
    let utf16 = "\u{feff}correct horse battery\r\n".encode_utf16();
    world.write(
        "utf16",
        utf16.flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
    );
    world.write("marked", "\u{feff}correct horse battery \r\n");
    let export = [
        "key",
        "export",
        "site",
        "k.age",
        "--passphrase-file",
        "passphrase",
    ];
    world.json("home", &export);
    world.write(
        "k2.age",
        format!("\u{feff}\r\n{}", world.read("k.age").replace('\n', "\r\n")),
    );
    for (n, passphrase) in ["utf16", "marked", "passphrase"].iter().enumerate() {
        let import = ["key", "import", "k2.age", "--passphrase-file", passphrase];
        let imported = world.json(&format!("other-{n}"), &import);
        assert_eq!(imported["address"], address.as_str(), "{passphrase}");
    }
}

#[test]
fn a_backup_of_a_key_stops_a_publish_under_any_name() {
    let world = World::new();
    world.new_site("home", "site");
    world.write("passphrase", "correct horse battery\n");
    let export = [
        "key",
        "export",
        "site",
        "k.age",
        "--passphrase-file",
        "passphrase",
    ];
    world.json("home", &export);
    let words = world
        .run("home", &["key", "export", "site", "--phrase"])
        .out();
    let list = words.lines().filter(|line| !line.starts_with('#'));
    let list: Vec<_> = list.flat_map(str::split_whitespace).collect();
    let list: String = list
        .chunks(2)
        .map(|pair| format!("{}. {}\n", pair[0], pair[1]))
        .collect();
    for (name, content) in [
        ("site/notes.txt", world.read("k.age")),
        ("site/notes.txt", words.clone()),
        (
            "site/notes.md",
            format!("---\ntitle: Notes\n---\nMy words:\n\n{list}"),
        ),
    ] {
        world.write(name, content);
        let publish = ["publish", "site", "--yes", "--wait", "0"];
        world
            .fails(1, "home", &publish)
            .says(&["(secret)", "nothing was published", "notes"]);
        std::fs::remove_file(world.path(name)).unwrap();
    }
}
