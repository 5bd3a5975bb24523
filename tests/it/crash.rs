//! A publish that is killed leaves the version before, whole.

use crate::skep::World;

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

/// Bytes that do not compress, the same for the same seed (xorshift64*).
fn pseudo_random(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed + 0x9e37_79b9_7f4a_7c15;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
