//! A publish that is killed leaves the version before, whole.

use std::time::{Duration, Instant};

use crate::skep::World;

/// How many publishes are killed at moments that nobody chose.
const KILLS: u64 = 200;

#[test]
fn kill_9_at_two_hundred_random_moments() {
    let world = World::new();
    world.new_site("author", "site");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    let begun = Instant::now();
    world.json("author", &publish);
    // Long enough that some of the killed ones have ended before.
    let mut whole = begun.elapsed() * 3 / 2;
    let (mut fewest, mut most) = (1, 1);
    let mut random = Random(1);
    for kill in 0..KILLS {
        change(&world, kill);
        let running = world.start("author", &publish);
        let moment = random.below(whole.as_micros() as u64);
        std::thread::sleep(Duration::from_micros(moment));
        running.kill();
        most += 1;
        // Most are followed by the next kill, some by a look at what is there.
        if kill % 8 != 7 {
            continue;
        }
        let log = world.json("author", &["log", "site"]);
        let versions = log["versions"].as_array().unwrap().len() as u64;
        assert!(
            (fewest..=most).contains(&versions),
            "{versions} after {kill}"
        );
        if kill % 32 == 31 {
            let verified = world.json("author", &["verify", "site"]);
            assert_eq!(verified["whole"].as_u64(), Some(versions));
        }
        let begun = Instant::now();
        let next = world.json("author", &publish);
        whole = begun.elapsed() * 3 / 2;
        let now = versions + u64::from(next["changed"] == true);
        assert_eq!(next["version"].as_u64(), Some(now));
        (fewest, most) = (now, now);
    }
    // Some were killed before there was a version, and some after it.
    assert!(
        (KILLS / 8 + 2..KILLS).contains(&fewest),
        "{fewest} versions"
    );
    let verified = world.json("author", &["verify", "site"]);
    assert_eq!(verified["whole"].as_u64(), Some(fewest));
    world.json("author", &["clone", &address(&world), "out"]);
    for (path, bytes) in world.files("site/assets") {
        assert_eq!(world.files("out/assets")[&path], bytes, "{path}");
    }
}

/// The store of a home appears under the first publish: its files and databases may be there in part.
#[test]
fn kill_9_while_a_store_is_created() {
    let world = World::new();
    world.new_site("author", "site");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    let begun = Instant::now();
    world.json("author", &publish);
    let whole = begun.elapsed();
    let mut random = Random(2);
    for _ in 0..40 {
        std::fs::remove_dir_all(world.path("author/store")).unwrap();
        for (name, _) in world.files("author/keys") {
            if name.ends_with(".signed") {
                std::fs::remove_file(world.path("author/keys").join(name)).unwrap();
            }
        }
        let running = world.start("author", &publish);
        let moment = random.below(whole.as_micros() as u64);
        std::thread::sleep(Duration::from_micros(moment));
        running.kill();
        let next = world.json("author", &publish);
        assert_eq!(next["version"].as_u64(), Some(1));
        let verified = world.json("author", &["verify", "site"]);
        assert_eq!(verified["whole"].as_u64(), Some(1));
    }
}

/// A reader keeps what came, and believes none of it before it was checked.
#[test]
fn kill_9_of_a_reader_at_forty_random_moments() {
    let world = World::new();
    let (address, host) = world.published_site();
    (0..3).for_each(|n| change(&world, n));
    let publish = ["publish", "site", "--yes", "--peer", &host.ticket];
    world.json("author", &publish);
    let args = ["clone", &address, "--peer", &host.ticket];
    let clone = |reader: &str, out: &str| {
        world.json(reader, &[&args[..], &[out]].concat());
    };
    let begun = Instant::now();
    clone("first", "whole");
    let whole = begun.elapsed();
    let mut random = Random(3);
    for kill in 0..40 {
        // Every fourth begins with nothing, the others where the last one ended.
        let reader = format!("reader-{}", kill / 4);
        let out = format!("out-{kill}");
        let running = world.start(&reader, &[&args[..], &[&out]].concat());
        let moment = random.below(whole.as_micros() as u64);
        std::thread::sleep(Duration::from_micros(moment));
        running.kill();
        if kill % 4 == 3 {
            clone(&reader, "out");
            assert_eq!(world.files("out"), world.files("whole"), "{kill}");
            std::fs::remove_dir_all(world.path("out")).unwrap();
            let verified = world.json(&reader, &["verify", &address]);
            assert_eq!(verified["versions"].as_u64(), Some(2));
        }
    }
}

/// An update of a fork that is broken off is done again, with the same result and nothing lost.
#[test]
fn kill_9_of_an_update_at_twenty_random_moments() {
    let world = World::new();
    let address = world.new_site("home", "site");
    let settings = world.read("site/skep.toml");
    world.write(
        "site/skep.toml",
        format!("publish_source = true\n{settings}"),
    );
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    let text = |first: &str, last: &str| format!("{first}\n2\n3\n4\n{last}\n");
    let write = |dir: &str, n: u64, text: &str| world.write(&format!("{dir}/{n}.txt"), text);
    (0..60).for_each(|n| write("site", n, &text("1", "5")));
    world.write("site/photo.png", "\0");
    world.json("home", &publish);
    for fork in ["mine", "whole"] {
        world.json("home", &["fork", &address, fork]);
    }
    (0..60).for_each(|n| write("site", n, &text("theirs", "5")));
    world.write("site/photo.png", "\0theirs");
    world.json("home", &publish);
    for fork in ["mine", "whole"] {
        (0..30).for_each(|n| write(fork, n, &text("1", "ours")));
        (30..35).for_each(|n| write(fork, n, &text("ours", "5")));
        world.write(&format!("{fork}/photo.png"), "\0ours");
    }
    let before = world.files("mine");
    let update = |fork: &str| {
        let ended = world.fails(1, "home", &["fork", "--update", fork, "--json"]);
        serde_json::from_slice::<serde_json::Value>(&ended.stdout).unwrap()
    };
    let begun = Instant::now();
    let conflicts = update("whole")["conflicts"].clone();
    let whole = begun.elapsed();
    assert_eq!(conflicts.as_array().unwrap().len(), 6);
    let mut random = Random(5);
    for _ in 0..20 {
        let running = world.start("home", &["fork", "--update", "mine"]);
        let moment = random.below(whole.as_micros() as u64);
        std::thread::sleep(Duration::from_micros(moment));
        running.kill();
        if world.read("mine/skep.toml").into_bytes() != before["skep.toml"] {
            break;
        }
        // Nothing of the writer's is gone: it is in the text, or in a copy.
        let copies: Vec<Vec<u8>> = world.files("home/kept").into_values().collect();
        for (path, bytes) in &before {
            let now = world.files("mine").remove(path);
            assert!(
                now.as_ref() == Some(bytes) || copies.contains(bytes),
                "{path}"
            );
        }
    }
    if world.read("mine/skep.toml").into_bytes() == before["skep.toml"] {
        assert_eq!(update("mine")["conflicts"], conflicts);
    }
    // What the killed ones were just writing lies about under names that nobody reads.
    let files = |fork: &str| {
        let mut files = world.files(fork);
        files.retain(|path, _| !path.starts_with(".skep-") && path != "skep.toml");
        files
    };
    assert_eq!(files("mine"), files("whole"));
    world
        .fails(1, "home", &["fork", "--update", "mine"])
        .says(&["still open"]);
}

/// A page, a large file, or enough large files for a list of them.
fn change(world: &World, n: u64) {
    match n % 3 {
        0 => world.write("site/about.md", format!("---\ntitle: About\n---\n{n}.\n")),
        1 => world.write("site/assets/large.bin", pseudo_random(n, 1 << 20)),
        _ => (0..12).for_each(|k| {
            let bytes = pseudo_random(n * 100 + k, 33 << 10);
            world.write(&format!("site/assets/{k}.png"), bytes);
        }),
    }
}

fn address(world: &World) -> String {
    let log = world.json("author", &["log", "site"]);
    log["address"].as_str().unwrap().to_owned()
}

#[test]
fn kill_9_at_each_step_of_a_publish() {
    let world = World::new();
    world.new_site("author", "site");
    world.json("author", &["publish", "site", "--yes", "--wait", "0"]);
    let mut published = 1;
    for (n, step) in ["built", "stored", "synced", "signed"]
        .into_iter()
        .enumerate()
    {
        // Large enough that there is something to do after each step.
        let text = format!(
            "---\ntitle: {step}\n---\n{}",
            format!("{step} words. ").repeat(100_000)
        );
        world.write("site/about.md", &text);
        world.write(
            &format!("site/assets/{n}.bin"),
            pseudo_random(n as u64, 2 << 20),
        );
        let running = world.start(
            "author",
            &["publish", "site", "--yes", "--wait", "0", "--verbose"],
        );
        running.error_line(step);
        running.kill();

        let log = world.json("author", &["log", "site"]);
        let versions = log["versions"].as_array().unwrap().len();
        assert!(
            versions == published || versions == published + 1,
            "{versions} versions after {published}, killed at {step:?}"
        );
        if step == "signed" {
            assert_eq!(versions, published + 1, "a signed version stays");
        }
        let verified = world.json("author", &["verify", "site"]);
        assert_eq!(verified["whole"].as_u64(), Some(versions as u64));
        // The next one carries on.
        let next = world.json("author", &["publish", "site", "--yes", "--wait", "0"]);
        published = versions + usize::from(next["changed"] == true);
        assert_eq!(next["version"].as_u64(), Some(published as u64));
        let verified = world.json("author", &["verify", "site"]);
        assert_eq!(verified["whole"].as_u64(), Some(published as u64));
    }
}

#[test]
fn a_host_that_is_killed_goes_on_where_it_was() {
    let world = World::new();
    let (address, host) = world.published_site();
    host.running.kill();
    let host = world.host("host", &address);
    world.write("site/about.md", "---\ntitle: About\n---\nNew.\n");
    let second = world.json(
        "author",
        &["publish", "site", "--yes", "--peer", &host.ticket],
    );
    assert_eq!(second["holders"].as_array().unwrap().len(), 1);
}

/// xorshift64*: the same for the same seed, which is not 0.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Bytes that do not compress.
fn pseudo_random(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed + 0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(random.next().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// What a reader had when it was killed does not come again, but for what it had not written down: the store of blobs
/// notes within a second which blobs it has begun with.
#[test]
#[cfg(target_os = "linux")]
fn kill_9_of_a_reader_loses_no_more_than_the_last_second() {
    use std::os::unix::fs::MetadataExt;

    const BYTES: u64 = 64 << 20;
    let world = World::new();
    let address = world.new_site("author", "site");
    let host = world.host("host", &address);
    world.write("site/assets/film.bin", pseudo_random(77, BYTES as usize));
    let publish = ["publish", "site", "--yes", "--peer", &host.ticket];
    world.json("author", &publish);
    let follow = ["follow", &address, "--peer", &host.ticket];
    let reader = world.start("reader", &follow);
    // Pieces come in any order, so that the length of the file says nothing.
    let here = || -> u64 {
        let files = std::fs::read_dir(world.path("reader/store/blobs/data"));
        let files = files.into_iter().flatten().flatten();
        files
            .filter_map(|file| file.metadata().ok())
            .map(|data| data.blocks() * 512)
            .sum()
    };
    let begun = Instant::now();
    while here() < BYTES / 4 {
        assert!(begun.elapsed() < crate::skep::LIMIT, "nothing comes");
        std::thread::yield_now();
    }
    let signal = |name: &str| crate::process::signal(host.running.id(), name);
    signal("-STOP");
    std::thread::sleep(Duration::from_secs(1));
    let had = here();
    reader.kill();
    signal("-CONT");
    assert!(had < BYTES, "it was too quick to be killed");
    let again = world.json("reader", &follow);
    let received = again["received"].as_u64().unwrap();
    assert_eq!(again["version"], 1);
    // QUIC and the hashes on the way to each piece are some 5 %.
    let missing = BYTES - had;
    assert!(
        received < missing + missing / 10 + (2 << 20),
        "{received} for {missing}"
    );
    world.json("reader", &["verify", &address]);
}
