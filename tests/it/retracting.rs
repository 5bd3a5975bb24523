//! retract, and what a retracted version says from then on.

use crate::skep::{World, http};

/// A site of three versions, of which the second has a page and a picture that should not be there.
fn site(world: &World) -> String {
    let address = world.new_site("author", "site");
    world.json("author", &["publish", "site", "--yes"]);
    world.write("site/secret.html", "<p>the word is heliotrope</p>");
    world.write("site/about-us.html", "<p>this one stays</p>");
    let noise: Vec<u8> = (0..60_000u32)
        .map(|n| (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    world.write("site/secret.png", noise);
    world.json("author", &["publish", "site", "--yes", "-m", "Oops"]);
    for name in ["secret.html", "secret.png"] {
        std::fs::remove_file(world.path("site").join(name)).unwrap();
    }
    world.json("author", &["publish", "site", "--yes"]);
    address
}

/// Whether some file below `folder` has the bytes of the picture.
fn has_picture(world: &World, folder: &str, picture: &[u8]) -> bool {
    let marker = &picture[..256];
    let has = |bytes: &Vec<u8>| bytes.windows(marker.len()).any(|part| part == marker);
    world.files(folder).values().any(has)
}

#[test]
fn a_retracted_version_is_gone_from_author_and_host_and_the_rest_stays() {
    let world = World::new();
    let address = site(&world);
    let picture = world.run("author", &["show", &format!("{address}+2/secret.png")]);
    let picture = picture.stdout;
    let host = world.host("host", &address);
    let told = ["publish", "site", "--yes", "--peer", &host.ticket];
    assert_eq!(world.json("author", &told)["holders"][0]["mode"], "whole");
    for store in ["author/store", "host/store"] {
        assert!(has_picture(&world, store, &picture));
    }

    let seen = world.run("author", &["retract", "2", "site", "--dry-run"]);
    for part in ["secret.html", "secret.png (60 kB)", "can't be undone"] {
        assert!(seen.out().contains(part), "{}", seen.out());
    }
    let plan = world.json("author", &["retract", "2", "site", "--dry-run"]);
    assert_eq!(plan["gone"].as_array().unwrap().len(), 2);
    // Nobody was there to say yes.
    let asked = world.fails(2, "author", &["retract", "2", "site"]);
    asked.says(&["--dry-run", "--yes"]);
    assert!(has_picture(&world, "author/store", &picture));

    let retract = ["retract", "2", "site", "--yes", "--peer", &host.ticket];
    let done = world.json("author", &retract);
    assert_eq!(
        (&done["version"], &done["retracts"]),
        (&4.into(), &serde_json::json!([2]))
    );
    assert_eq!(done["holders"][0]["mode"], "whole");
    for store in ["author/store", "host/store"] {
        assert!(!has_picture(&world, store, &picture), "{store}");
    }

    let log = world.json("author", &["log", "site"]);
    let versions = log["versions"].as_array().unwrap();
    assert_eq!(versions[0]["retracts"], serde_json::json!([2]));
    assert_eq!(versions[2]["retracted_by"], 4);
    assert_eq!(versions[2]["message"], "Oops");
    assert!(versions[1]["retracted_by"].is_null());
    let log = world.run("author", &["log", "site"]).out();
    assert!(log.contains("retracts version 2"), "{log}");
    assert!(log.contains("retracted in version 4"), "{log}");

    let (second, first) = (format!("{address}+2"), format!("{address}+1"));
    for refused in [
        vec!["show".into(), format!("{second}/secret.html")],
        vec!["show".into(), format!("{second}/about-us.html")],
        vec!["clone".into(), second.clone(), "second".into()],
        vec!["diff".into(), first.clone(), second.clone()],
        vec!["revert".into(), "2".into(), "site".into(), "--yes".into()],
        vec!["retract".into(), "2".into(), "site".into(), "--yes".into()],
    ] {
        let args: Vec<&str> = refused.iter().map(String::as_str).collect();
        let ended = world.fails(1, "author", &args);
        ended.says(&["version 2 was retracted by its author, in version 4"]);
        let ended = world.run("author", &[&["--json"], &args[..]].concat());
        let error: serde_json::Value = ended.result();
        assert_eq!(error["error"]["kind"], "retracted");
    }
    assert!(!world.path("second").exists());
    let gateway = host.gateway.trim_end_matches('/');
    let id = address.strip_prefix("skep://").unwrap();
    let port = gateway.rsplit(':').next().unwrap();
    let old = format!("v2-{id}.localhost:{port}");
    let answer = http("GET", &format!("{gateway}/secret.html"), Some(&old));
    assert_eq!(answer.status, 410);
    let page = String::from_utf8(answer.body).unwrap();
    for way_on in ["took this version back", "The newest version"] {
        assert!(page.contains(way_on), "{way_on}: {page}");
    }

    // What others need of what was dropped is where they find it.
    let shown = world.run("author", &["show", &format!("{address}+3/about-us.html")]);
    assert_eq!(shown.stdout, b"<p>this one stays</p>");
    let verified = world.json("author", &["verify", "site"]);
    assert_eq!(
        (&verified["whole"], &verified["retracted"]),
        (&3.into(), &1.into())
    );
    world.write("site/later.html", "later");
    assert_eq!(world.json("author", &told)["version"], 5);

    // From the host alone, by one who never saw the second version.
    let out = ["clone", &address, "out", "--peer", &host.ticket];
    assert_eq!(world.json("reader", &out)["version"], 5);
    // An older version comes from the host that gave the newest.
    let third = format!("{address}+3");
    let diff = ["diff", &first, &third];
    let diff = world.json("reader", &diff);
    assert_eq!(diff["changes"][0]["path"], "about-us.html");
    world.json("reader", &["clone", &third, "third"]);
    assert!(world.files("third").contains_key("about-us.html"));
    let gone = [
        "show",
        &format!("{second}/secret.html"),
        "--peer",
        &host.ticket,
    ];
    world.fails(1, "reader", &gone).says(&["was retracted"]);
    world.json("author", &["export", "site", "site.skep"]);
    assert_eq!(world.json("other", &["import", "site.skep"])["new"], 5);
    assert_eq!(world.json("other", &["verify", &address])["whole"], 4);
}

#[test]
fn what_can_not_be_retracted_is_said() {
    let world = World::new();
    let address = site(&world);
    let retract = |code, which: &[&str], says: &str| {
        let args = [&["retract"], which, &["--yes"]].concat();
        world.fails(code, "author", &args).says(&[says]);
    };
    retract(1, &["3", "site"], "is the newest");
    retract(1, &["0", "site"], "no version 0");
    retract(1, &["2", "4", "site"], "no version 4");
    retract(2, &["site"], "which version");
    retract(2, &["2", "x", "site"], "not the number of a version");
    retract(2, &["-1", "site"], "unexpected argument");
    let many: Vec<String> = (1..=65).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["site"]).collect();
    retract(1, &many, "names 1 to 64 versions");
    // Someone without the key.
    world.fails(1, "other", &["retract", "2", "site", "--yes"]);
    assert_eq!(world.json("author", &["verify", &address])["whole"], 3);
}

#[test]
fn a_part_of_a_site_is_not_taken_for_the_whole() {
    let world = World::new();
    let address = site(&world);
    let second = format!("{address}+2");
    let page = format!("{second}/about-us.html");
    for (args, says) in [
        (vec!["log", &second], "part of a site"),
        (vec!["verify", &page], "part of a site"),
        (vec!["export", &second, "x.skep"], "part of a site"),
        (vec!["clone", &page, "x"], "skep show"),
        (vec!["diff", &page, &second], "--only"),
    ] {
        world.fails(2, "author", &args).says(&[says]);
    }
    let shown = world.json("author", &["show", &page]);
    assert_eq!(shown["text"], "<p>this one stays</p>");
    assert_eq!(
        (&shown["version"], &shown["path"]),
        (&2.into(), &"about-us.html".into())
    );
    let picture = world.json("author", &["show", &format!("{second}/secret.png")]);
    assert_eq!(picture["bytes"], 60_000);
    assert_eq!(picture["base64"].as_str().unwrap().len(), 80_000);
    assert!(picture["text"].is_null());
}
