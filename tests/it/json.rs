//! `--json`: what every command writes is what the manual's page says. A debug build checks each line that it writes
//! against the table of which the page is made, so that here each event has only to come up.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::skep::{Ended, World};

/// The objects that a command writes.
fn lines(ended: &Ended) -> Vec<Value> {
    let out = ended.out();
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The names of the events on the manual's page.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../example-site/_manual/json.md");
    let headings = page.lines().filter_map(|line| line.strip_prefix("### `"));
    headings
        .map(|name| name.trim_end_matches('`').to_owned())
        .collect()
}

#[test]
fn each_documented_event_is_written_and_says_the_version_of_the_schema() {
    let world = World::new();
    let mut seen = BTreeSet::new();
    let mut run = |home: &str, code: i32, args: &[&str]| -> Value {
        let ended = world.run(home, &[&["--json"], args].concat());
        assert_eq!(
            ended.code,
            code,
            "{args:?}: {}{}",
            ended.out(),
            ended.stderr
        );
        let lines = lines(&ended);
        assert!(lines.iter().all(|line| line["schema"] == 1), "{lines:?}");
        seen.extend(
            lines
                .iter()
                .map(|line| line["event"].as_str().unwrap().to_owned()),
        );
        lines.into_iter().last().unwrap()
    };
    let new = run("home", 0, &["new", "site"]);
    let address = new["address"].as_str().unwrap();
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    run("home", 0, &["draft", "A day", "site"]);
    let draft = std::fs::read_dir(world.path("site/_drafts")).unwrap();
    let draft = draft
        .map(|file| file.unwrap().path())
        .find(|file| file.ends_with("a-day.md"));
    run("home", 0, &["post", draft.unwrap().to_str().unwrap()]);
    run("home", 0, &["build", "site"]);
    run("home", 0, &["status", "site"]);
    run("home", 0, &["publish", "site", "--dry-run"]);
    run("home", 0, &publish);
    world.write("site/about.md", "---\ntitle: About\n---\nNew words.\n");
    run("home", 0, &["diff", "site"]);
    run("home", 0, &publish);
    run("home", 0, &["revert", "1", "site", "--yes", "--wait", "0"]);
    run("home", 0, &["retract", "2", "site", "--dry-run"]);
    run("home", 0, &["retract", "2", "site", "--yes", "--wait", "0"]);
    run("home", 0, &["log", "site"]);
    run("home", 0, &["show", &format!("{address}/index.html")]);
    run("home", 0, &["verify", "site"]);
    run("home", 0, &["export", "site", "site.skep"]);
    run("other", 0, &["import", "site.skep"]);
    run("other", 0, &["clone", address, "copy"]);
    run("other", 0, &["follow", address]);
    run("other", 0, &["peers"]);
    run("other", 0, &["unfollow", address]);
    run("home", 0, &["key", "list"]);
    run("home", 0, &["key", "export", "site", "site.key", "--plain"]);
    let key = run("home", 0, &["key", "export", "site", "--plain"]);
    assert!(key["key"].is_string() && key["form"] == "plain");
    run("other", 0, &["key", "import", "site.key"]);
    run("home", 0, &["key", "new", "site", "--yes"]);
    world.write("plain/index.html", "<p>Hi");
    run("home", 0, &["init", "plain"]);
    run("home", 1, &["verify", "plain"]);
    run("home", 0, &["node", "status"]);
    // Where others try them: `fork` and its update, `progress`, the service, and what comes while a node runs.
    for elsewhere in [
        "fork",
        "fork_update",
        "progress",
        "ready",
        "version",
        "refused",
        "elsewhere",
        "forked",
        "kept",
        "limits",
        "bad_config",
        "changed",
        "failed",
        "mended",
        "polling",
        "node",
        "node_install",
        "node_remove",
    ] {
        assert!(
            seen.insert(elsewhere.to_owned()),
            "{elsewhere} is seen here"
        );
    }
    assert_eq!(seen, documented());
}

#[test]
fn arguments_that_make_no_sense_are_one_error_for_programs_too() {
    let world = World::new();
    world.new_site("home", "site");
    for args in [
        &["--json", "publsh"][..],
        &["publish", "--wait", "x", "--json"],
        &["status", "--json", "--quiet", "--verbose"],
        &["--json", "publish", "--dry-run", "--wait", "1"],
        &["--json", "key", "export", "site", "--phrase", "--plain"],
        &["--json", "show"],
        &["--json"],
        // These are seen later.
        &["--json", "publish", "site", "--yes", "--wait", "1"],
        &["--json", "clone", "skep://abc", "copy"],
    ] {
        let ended = world.run("home", args);
        assert_eq!(ended.code, 2, "{args:?}: {}", ended.stderr);
        let lines = lines(&ended);
        assert_eq!(lines.len(), 1, "{args:?}");
        let error = &lines[0]["error"];
        assert_eq!(
            (&lines[0]["event"], &error["kind"]),
            (&"error".into(), &"usage".into())
        );
        let message = error["message"].as_str().unwrap();
        assert!(
            !message.is_empty() && !message.starts_with("error"),
            "{message}"
        );
        assert_eq!(ended.stderr.matches("error").count(), 1, "{}", ended.stderr);
    }
    // Without `--json`, and after `--`, nothing is on stdout.
    for args in [&["publsh"][..], &["show", "--", "a", "--json"]] {
        let ended = world.fails(2, "home", args);
        assert_eq!(ended.out(), "");
    }
    let help = world.run("home", &["--json", "publish", "--help"]);
    assert_eq!(help.code, 0);
    assert!(help.out().contains("Examples:"));
}

#[test]
fn an_error_in_a_file_says_its_place_to_programs() {
    let world = World::new();
    world.new_site("home", "site");
    world.write("site/about.md", "---\ntitle: About\ndate: yesterday\n---\n");
    let ended = world.fails(1, "home", &["--json", "build", "site"]);
    let error = &ended.result()["error"];
    assert_eq!(error["place"]["path"], "about.md", "{error}");
    assert_eq!(error["place"]["line"], 3, "{error}");
}
