//! The review: what would be published, and what stops it.

use skep_publisher::review::WarningKind;

use crate::skep::World;

#[test]
fn the_manual_and_the_help_name_all_warnings() {
    let manual = include_str!("../../example-site/_manual/publishing.md");
    let rows = manual.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let name = cells.next()?.trim().strip_suffix('`')?;
        Some((name, cells.next()?.trim() == "yes"))
    });
    let mut kinds: Vec<_> = WarningKind::ALL
        .map(|kind| (kind.name(), kind.is_blocking()))
        .into();
    // After those about files come those about versions from elsewhere.
    let first_harmless = kinds.iter().position(|(_, blocking)| !blocking);
    let forks = [("abandons", true), ("behind", true)];
    kinds.splice(first_harmless.unwrap()..first_harmless.unwrap(), forks);
    // What is about no file comes last.
    kinds.push(("clock", false));
    assert_eq!(rows.collect::<Vec<_>>(), kinds);
    let help = World::new().run("home", &["publish", "--help"]).out();
    let blocking = kinds.iter().filter(|(_, blocking)| *blocking);
    let names: Vec<_> = blocking.map(|(name, _)| *name).collect();
    // However the lines are broken.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(&names.join(", ")), "{help}");
}

#[test]
fn what_looks_like_a_secret_stops_a_publish() {
    let world = World::new();
    world.new_site("home", "site");
    world.write("site/notes.txt", "the key is\nAKIAQ3EGW5TXJ7LM2ZPB\n");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    let ended = world.fails(1, "home", &publish);
    ended.says(&[
        "notes.txt:2",
        "an AWS access key",
        "nothing was published",
        "--allow secret",
    ]);
    assert!(
        !ended.stderr.contains("AKIA"),
        "the secret itself is not shown"
    );
    world.fails(1, "home", &["log", "site"]);
    let status = world.json("home", &["status", "site"]);
    let warning = &status["warnings"][0];
    assert_eq!(
        (&warning["name"], &warning["line"]),
        (&"secret".into(), &2.into())
    );

    world
        .fails(2, "home", &[&publish[..], &["--allow", "secrets"]].concat())
        .says(&["secret, private-file"]);
    world.json("home", &[&publish[..], &["--allow", "secret"]].concat());
    // What is published already is not asked about again.
    world.write("site/about.md", "---\ntitle: About\n---\nNew.\n");
    world.json("home", &publish);
}

#[test]
fn what_the_settings_include_is_looked_at_all_the_same() {
    let world = World::new();
    world.new_site("home", "site");
    let settings = world.read("site/skep.toml");
    let settings = format!("include = [\".env\"]\n{settings}");
    world.write("site/skep.toml", settings);
    world.write("site/.env", "PASSWORD=honey\n");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world.fails(1, "home", &publish).says(&[
        ".env",
        "nothing was published",
        "--allow private-file",
    ]);
    world.fails(1, "home", &["log", "site"]);
}

#[test]
fn a_base_url_that_is_nobodys_is_said_once_and_stops_nothing() {
    let world = World::new();
    world.new_site("home", "site");
    let settings = world.read("site/skep.toml");
    let settings = format!("url = \"https://example.org\"\n{settings}");
    world.write("site/skep.toml", settings);
    let published = world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    let warnings = published["warnings"].as_array().unwrap().iter();
    let found = warnings.filter(|w| w["name"] == "base-url");
    assert_eq!(found.count(), 1, "{published}");
}

#[test]
fn a_renamed_file_is_a_move() {
    let world = World::new();
    world.new_site("home", "site");
    world.write("site/a.txt", "the same words");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    std::fs::rename(world.path("site/a.txt"), world.path("site/b.txt")).unwrap();
    let status = world.json("home", &["status", "site"]);
    assert_eq!(
        status["moves"],
        serde_json::json!([{"from": "a.txt", "to": "b.txt"}])
    );
    assert_eq!(
        (&status["added"], &status["removed"]),
        (&0.into(), &0.into())
    );
    let shown = world.run("home", &["status", "site"]).out();
    assert!(
        shown.contains("a.txt -> b.txt") && shown.contains("1 moved"),
        "{shown}"
    );
}

#[test]
fn the_changed_lines_are_shown() {
    let world = World::new();
    let address = world.new_site("home", "site");
    world.write("site/a.txt", "one\ntwo bees dance\nthree\n");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    world.write("site/a.txt", "one\ntwo bees sing\nthree\n");
    world.write("site/picture.bin", [0, 1, 2]);
    let shown = world.run("home", &["diff", "site"]).out();
    for line in [
        "-two bees dance",
        "+two bees sing",
        "picture.bin",
        "no text: none -> 3 bytes",
    ] {
        assert!(shown.contains(line), "{line:?} is not in: {shown}");
    }
    let one = world.json("home", &["diff", "site", "a.txt"]);
    assert_eq!(one["changes"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&one["changes"][0]["added"], &one["changes"][0]["removed"]),
        (&1.into(), &1.into())
    );

    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    assert!(
        world
            .run("home", &["diff", "site"])
            .out()
            .contains("Nothing has changed.")
    );
    let versions = world
        .run(
            "home",
            &["diff", &format!("{address}+1"), &format!("{address}+2")],
        )
        .out();
    assert!(versions.contains("+two bees sing"), "{versions}");
    world
        .fails(2, "home", &["diff", &format!("{address}+1")])
        .says(&["name both"]);
}

#[test]
fn a_diff_has_a_sum_and_shows_a_move_as_a_move() {
    let world = World::new();
    let address = world.new_site("home", "site");
    world.write("site/a.txt", "one\ntwo\n");
    world.write("site/old.txt", "the same words\n");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    world.write("site/a.txt", "one\nzwei\ndrei\n");
    std::fs::rename(world.path("site/old.txt"), world.path("site/new.txt")).unwrap();
    let shown = world.run("home", &["diff", "site"]).out();
    assert!(shown.contains("old.txt -> new.txt (moved)"), "{shown}");
    assert!(!shown.contains("the same words"), "{shown}");
    let sum = "2 files changed, 2 insertions(+), 1 deletion(-)";
    assert!(shown.contains(sum), "{shown}");

    let stat = world.run("home", &["diff", "site", "--stat"]).out();
    let lines: Vec<_> = stat.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "a.txt              | 3 ++-",
            "old.txt -> new.txt | moved",
            sum
        ]
    );

    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    let (one, two) = (format!("{address}+1"), format!("{address}+2"));
    let json = world.json("home", &["diff", &one, &two, "--only", "*.txt"]);
    assert_eq!((&json["added"], &json["removed"]), (&2.into(), &1.into()));
    assert_eq!(json["changes"][1]["from"], "old.txt");
}

#[test]
fn images_are_compared_by_their_size() {
    let png = |width: u8| {
        let head: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
        [
            head,
            &[0, 0, 0, width, 0, 0, 0, 2, 8, 2, 0, 0, 0],
            &vec![0; width.into()],
        ]
        .concat()
    };
    let world = World::new();
    world.new_site("home", "site");
    world.write("site/bee.png", png(3));
    world.write("site/bad.png", "no image");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    world.write("site/bee.png", png(200));
    world.write("site/bad.png", "still none");
    let status = world.json("home", &["status", "site"]);
    let of = |path| {
        status["changes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["path"] == path)
    };
    let bee = of("bee.png").unwrap();
    assert_eq!(
        (&bee["old_pixels"], &bee["pixels"]),
        (&serde_json::json!([3, 2]), &serde_json::json!([200, 2]))
    );
    assert!(of("bad.png").unwrap().get("pixels").is_none());
    let shown = world.run("home", &["status", "site"]).out();
    assert!(
        shown.contains("bee.png (3x2 -> 200x2, 32 bytes -> 229 bytes)"),
        "{shown}"
    );
    let shown = world.run("home", &["diff", "site", "bee.png"]).out();
    assert!(
        shown.contains("no text: 3x2, 32 bytes -> 200x2, 229 bytes"),
        "{shown}"
    );
}

#[test]
fn slips_are_said_and_do_not_stop_a_publish() {
    let world = World::new();
    world.new_site("home", "site");
    world.write("site/gone.md", "---\ntitle: Gone\n---\n");
    world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    std::fs::remove_file(world.path("site/gone.md")).unwrap();
    world.write(
        "site/link.md",
        "---\ntitle: Link\n---\n[x](http://localhost:4000/about/)\n",
    );
    let published = world.json("home", &["publish", "site", "--yes", "--wait", "0"]);
    let warnings = published["warnings"].as_array().unwrap().iter();
    let found: Vec<_> = warnings
        .map(|w| (w["name"].as_str().unwrap(), w["path"].as_str().unwrap()))
        .collect();
    assert!(
        found.contains(&("no-redirect", "gone/index.html")),
        "{found:?}"
    );
    assert!(
        found.contains(&("localhost", "link/index.html")),
        "{found:?}"
    );
}

#[test]
fn an_old_version_comes_back_as_a_new_one() {
    let world = World::new();
    let address = world.new_site("home", "site");
    // Large enough to be a blob of its own, which the second version drops.
    world.write("site/large.txt", "first ".repeat(200_000));
    let host = world.host("host", &address);
    let peer = ["--yes", "--peer", host.ticket.as_str()];
    world.json("home", &[&["publish", "site"][..], &peer].concat());
    world.json("home", &["clone", &address, "one"]);
    std::fs::remove_file(world.path("site/large.txt")).unwrap();
    world.write("site/about.md", "---\ntitle: About\n---\nSecond.\n");
    world.json("home", &[&["publish", "site"][..], &peer].concat());

    let back = world.json("home", &[&["revert", "1", "site"][..], &peer].concat());
    assert_eq!(
        (&back["version"], &back["changed"]),
        (&3.into(), &true.into())
    );
    assert!(back["added_bytes"].as_u64() < Some(1_000), "{back}");
    world.json(
        "reader",
        &["clone", &address, "three", "--peer", &host.ticket],
    );
    assert_eq!(world.files("three"), world.files("one"));
    let log = world.json("home", &["log", "site"]);
    assert_eq!(log["versions"][0]["message"], "Back to version 1");
    world.json("home", &["verify", "site"]);
    world
        .fails(1, "home", &["revert", "9", "site", "--yes"])
        .says(&["no version 9"]);
}
