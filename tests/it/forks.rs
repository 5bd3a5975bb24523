//! A site that is published from two machines with one key: it is told, shown, mended, and everyone follows.

use std::fs;

use serde_json::Value;

use crate::{
    holders::second_machine,
    skep::{World, get},
};

/// A key and a site on two machines, each with a host of its own and a reader. Version 1 is common.
struct Twins {
    world: World,
    address: String,
    desk_host: crate::skep::Host,
    laptop_host: crate::skep::Host,
}

impl Twins {
    fn new() -> Self {
        let world = World::new();
        let (address, desk_host) = world.published_site();
        // It knows of no host, and so asks none.
        second_machine(&world, &address);
        let laptop_host = world.host("laptop-host", &address);
        Self {
            world,
            address,
            desk_host,
            laptop_host,
        }
    }

    fn page(&self, site: &str, name: &str, text: &str) {
        let text = format!("---\ntitle: {name}\n---\n{text}\n");
        self.world.write(&format!("{site}/{name}.md"), text);
    }

    fn publish(&self, home: &str, site: &str, peer: &str, message: &str) -> Value {
        let args = ["publish", site, "--yes", "--peer", peer, "-m", message];
        self.world.json(home, &args)
    }

    /// The desk has published version 2, the laptop versions 2 and 3.
    fn forked() -> Self {
        let twins = Self::new();
        twins.page("site", "desk", "From the desk.");
        twins.publish("author", "site", &twins.desk_host.ticket, "From the desk");
        for n in [2, 3] {
            twins.page("laptop-site", "laptop", &format!("From the laptop, {n}."));
            let peer = &twins.laptop_host.ticket;
            twins.publish("laptop", "laptop-site", peer, "From the laptop");
        }
        twins
    }
}

#[test]
fn two_machines_are_mended_by_the_next_publish() {
    let twins = Twins::forked();
    let (world, address) = (&twins.world, &twins.address);
    let (desk, laptop) = (&twins.desk_host.ticket, &twins.laptop_host.ticket);
    // A reader stays where it is. Reading fails with the reason; the log shows the fork.
    world.json("reader", &["clone", address, "one", "--peer", desk]);
    let clone = ["--json", "clone", address, "two", "--peer", laptop];
    let refused = world.fails(1, "reader", &clone);
    assert!(refused.out().contains("\"conflict\""), "{}", refused.out());
    refused.says(&["contradicts", "parts after version 1", "mends it"]);
    let log = world.json("reader", &["log", address, "--peer", laptop]);
    assert_eq!(log["versions"].as_array().unwrap().len(), 2);
    assert_eq!(log["fork"]["here"]["version"], 2);
    assert_eq!(log["fork"]["others"][0]["version"], 3);
    assert_eq!(log["fork"]["others"][0]["fork_point"], 1);
    let shown = world.run("reader", &["log", address]);
    assert_eq!(shown.code, 0);
    shown.says(&[
        "the site is forked",
        "version 3 elsewhere",
        "part after version 1",
    ]);
    world.json("other", &["clone", address, "three", "--peer", laptop]);

    // `--yes` alone drops nobody's pages.
    let publish = ["publish", "site", "--yes", "--peer", laptop];
    let newest = get(&twins.laptop_host.mirror).body;
    let refused = world.fails(1, "author", &publish);
    refused.says(&[
        "(abandons)",
        "version 2 from here",
        "From the desk",
        "--allow abandons",
    ]);
    assert_eq!(get(&twins.laptop_host.mirror).body, newest);
    let log = world.json("author", &["log", "site"]);
    assert_eq!(log["fork"]["others"][0]["version"], 3, "the evidence stays");
    let status = world.json("author", &["status", "site"]);
    assert_eq!(status["mend"]["onto"], 3);
    assert_eq!(status["mend"]["abandons"][0]["own"], true);
    let removed = status["changes"].as_array().unwrap().iter();
    let removed: Vec<_> = removed.filter(|c| c["change"] == "removed").collect();
    assert_eq!(removed[0]["path"], "laptop/index.html", "{status}");

    // Having seen it, the author takes the laptop's page over.
    fs::copy(
        world.path("laptop-site/laptop.md"),
        world.path("site/laptop.md"),
    )
    .unwrap();
    let allowed = [&publish[..], &["--allow", "abandons", "-m", "Both"]].concat();
    let mended = world.json("author", &allowed);
    assert_eq!(
        (&mended["version"], &mended["changed"]),
        (&4.into(), &true.into())
    );
    assert_eq!(mended["mend"]["abandons"][0]["version"], 2);
    assert_eq!(
        world.json("author", &["publish", "site", "--yes", "--peer", desk])["version"],
        4
    );

    // Everyone is at version 4: hosts, readers of either branch, and the laptop.
    for host in [&twins.desk_host, &twins.laptop_host] {
        assert_eq!(get(&format!("{}desk/", host.mirror)).status, 200);
        assert_eq!(get(&format!("{}laptop/", host.mirror)).status, 200);
    }
    for (n, reader) in ["reader", "other", "newcomer"].iter().enumerate() {
        let out = format!("mended-{n}");
        let cloned = world.json(reader, &["clone", address, &out, "--peer", desk]);
        assert_eq!(cloned["version"], 4);
        let log = world.json(reader, &["log", address]);
        assert_eq!(log["fork"], Value::Null);
        assert_eq!(log["abandoned"].as_array().unwrap().len(), 1);
        world.json(reader, &["verify", address]);
    }
    let again = ["publish", "laptop-site", "--yes", "--peer", laptop];
    world.fails(1, "laptop", &again).says(&[
        "version 4 was published from another machine",
        "skep status",
    ]);

    // The abandoned version is read by its hash, where it is held.
    let log = world.json("author", &["log", "site"]);
    let old = &log["abandoned"][0];
    assert_eq!(
        (&old["version"], &old["message"]),
        (&2.into(), &"From the desk".into())
    );
    let old = old["address"].as_str().unwrap();
    assert!(old.starts_with(&format!("{address}+2~")), "{old}");
    assert!(world.run("author", &["log", "site"]).out().contains(old));
    let page = world.run("reader", &["show", &format!("{old}/desk/")]);
    assert_eq!(page.code, 0, "{}", page.stderr);
    assert!(page.out().contains("From the desk."));
    world.json("author", &["clone", old, "abandoned"]);
    assert!(!world.path("abandoned/laptop").exists());
    let diff = world.json("author", &["diff", old, &format!("{address}+4")]);
    assert!(!diff["changes"].as_array().unwrap().is_empty());
    world
        .fails(
            1,
            "author",
            &["show", &format!("{address}+2~00000000/desk/")],
        )
        .says(&["no version 2 whose hash begins with 00000000"]);
}

#[test]
fn the_review_says_what_the_other_machine_had() {
    let twins = Twins::new();
    let world = &twins.world;
    twins.page("laptop-site", "laptop", "From the laptop.");
    twins.publish(
        "laptop",
        "laptop-site",
        &twins.laptop_host.ticket,
        "One page",
    );
    for n in [2, 3] {
        twins.page("site", "desk", &format!("From the desk, {n}."));
        twins.publish("author", "site", &twins.desk_host.ticket, "From the desk");
    }
    // Nothing has changed here since version 3: the mend is made all the same.
    let laptop = &twins.laptop_host.ticket;
    let publish = ["publish", "site", "--yes", "--peer", laptop];
    world.fails(1, "author", &publish).says(&[
        "version 2 from another machine",
        "\"One page\"",
        "lost",
        "laptop/index.html",
    ]);
    world
        .fails(1, "author", &["publish", "site", "--dry-run"])
        .says(&["--allow abandons"]);
    let dry = world.json("author", &["status", "site"]);
    let warning = dry["warnings"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&warning["name"], &warning["blocking"]),
        (&"abandons".into(), &true.into())
    );
    assert_eq!(
        dry["mend"]["abandons"][0]["lost"][0]["path"],
        "laptop/index.html"
    );
    // Its page can be read before that is decided.
    let other = dry["mend"]["abandons"][0]["address"].as_str().unwrap();
    let page = world.run("author", &["show", &format!("{other}/laptop/")]);
    assert_eq!(page.code, 0, "{}", page.stderr);
    assert!(page.out().contains("From the laptop."));
    // Also when going back to an old version.
    let revert = ["revert", "1", "site", "--yes", "--peer", laptop];
    world
        .fails(1, "author", &revert)
        .says(&["--allow abandons"]);
    let mended = world.json("author", &[&revert[..], &["--allow", "abandons"]].concat());
    assert_eq!(mended["version"], 4);
    assert_eq!(
        get(&format!("{}laptop/", twins.laptop_host.mirror)).status,
        404
    );
    let log = world.json("laptop", &["log", &twins.address, "--peer", laptop]);
    assert_eq!(log["versions"].as_array().unwrap().len(), 4);
    assert_eq!(log["abandoned"][0]["message"], "One page");
    // Where it was held it is read; who never had it has its entry alone.
    let page = format!(
        "{}/laptop/",
        log["abandoned"][0]["address"].as_str().unwrap()
    );
    assert_eq!(world.run("laptop", &["show", &page]).code, 0);
    let clone = ["clone", &twins.address, "out", "--peer", laptop];
    assert_eq!(
        world.json("author", &publish[..5])["version"],
        5,
        "the sources are as they were"
    );
    world.json("newcomer", &clone);
    let refused = world.fails(1, "newcomer", &["show", &page]);
    refused.says(&["not on this machine"]);
}

#[test]
fn what_is_known_to_be_missing_stops_a_publish_until_it_is_allowed() {
    let world = World::new();
    world.new_site("home", "site");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world.json("home", &publish);
    world.json("home", &["export", "site", "backup.skep"]);
    fs::remove_dir_all(world.path("home/store")).unwrap();
    let refused = world.fails(1, "home", &publish);
    refused.says(&["has signed version 1", "skep import FILE", "--allow behind"]);
    world.write("site/about.md", "---\ntitle: About\n---\nAnother one.\n");
    let signed = world.json("home", &[&publish[..], &["--allow", "behind"]].concat());
    assert_eq!(signed["version"], 1);
    // The backup is the evidence of the fork, and brings the files for its mend.
    world
        .fails(1, "home", &["import", "backup.skep"])
        .says(&["contradicts", "from the first version on"]);
    let mended = world.json("home", &[&publish[..], &["--allow", "abandons"]].concat());
    assert_eq!(mended["version"], 2);
    assert_eq!(world.json("home", &["verify", "site"])["versions"], 2);
}
