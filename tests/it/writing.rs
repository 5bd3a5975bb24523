//! new, draft, post, build.

use crate::skep::World;

#[test]
fn a_site_from_nothing_to_files() {
    let world = World::new();
    let address = world.new_site("home", "site");
    assert!(address.starts_with("skep://") && address.len() == 7 + 56);
    assert!(
        world
            .read("site/skep.toml")
            .contains(&format!("address = \"{address}\""))
    );

    let draft = world.json("home", &["draft", "Why bees dance", "site"]);
    assert_eq!(draft["file"], "site/_drafts/why-bees-dance.md");
    let before = world.json("home", &["build", "site"]);
    world.write(
        "site/_drafts/why-bees-dance.md",
        "---\ntitle: Why bees dance\n---\n\nThey *talk*.\n",
    );

    let post = world.json("home", &["post", "site/_drafts/why-bees-dance.md"]);
    let file = post["file"].as_str().unwrap();
    assert!(
        file.ends_with("-why-bees-dance.md") && file.contains("_posts"),
        "{file}"
    );
    assert!(!world.path("site/_drafts/why-bees-dance.md").exists());

    let after = world.json("home", &["build", "site"]);
    assert!(after["files"].as_u64() > before["files"].as_u64());
    let built = world.files("site/_site");
    let page = built
        .iter()
        .find(|(path, _)| path.ends_with("why-bees-dance/index.html"));
    let html = String::from_utf8_lossy(page.unwrap().1);
    assert!(html.contains("<p>They <em>talk</em>.</p>"), "{html}");
}

#[test]
fn drafts_are_built_only_when_asked_for() {
    let world = World::new();
    world.new_site("home", "site");
    world.json("home", &["draft", "Secret plan", "site"]);
    world.json("home", &["build", "site", "-o", "out"]);
    assert!(
        !world
            .files("out")
            .keys()
            .any(|path| path.contains("secret-plan"))
    );
    world.json("home", &["build", "site", "-o", "with", "--drafts"]);
    assert!(
        world
            .files("with")
            .keys()
            .any(|path| path.contains("secret-plan"))
    );
}

#[test]
fn a_site_without_a_key_is_not_left_behind() {
    let world = World::new();
    // A home that can't be: a file is in its place.
    world.write("home", "");
    std::fs::create_dir(world.path("empty")).unwrap();
    for site in ["site", "empty"] {
        world.fails(1, "home", &["new", site]).says(&["home"]);
        assert!(!world.path(site).join("skep.toml").exists());
    }
    assert!(!world.path("site").exists());
    world.new_site("other", "site");
}

#[test]
fn nothing_is_overwritten() {
    let world = World::new();
    world.new_site("home", "site");
    let before = world.files("site");
    // As `clone` says it too: another folder has to be named.
    world.fails(2, "home", &["new", "site"]).says(&["site"]);
    assert_eq!(world.files("site"), before);
    world.json("home", &["draft", "Twice", "site"]);
    world
        .fails(1, "home", &["draft", "Twice", "site"])
        .says(&["twice.md"]);
    // A refused `new` leaves no key behind that belongs to nothing.
    let keys = world.json("home", &["key", "list"]);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
}
