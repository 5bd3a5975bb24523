//! What `skep fork` and `skep export` do, done on the page of a site.

use std::fs;

use crate::{
    forking::{nothing_was_made, stranger},
    publishing_page::Page,
    skep::{Running, World},
};

/// The pages of a node that runs, and what its forms have to send along.
fn browse(world: &World, home: &str) -> (Running, Page, String) {
    let browse = world.start(home, &["browse", "--port", "0"]);
    let ready = browse.event("ready");
    let page = Page::behind(ready["library"].as_str().unwrap());
    let form = page.html("/new");
    let token = form.split("name=\"token\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap().to_owned();
    (browse, page, token)
}

/// Asks for a fork of version 1 in the folder `mine`, and returns the status and the page.
fn fork(world: &World, (page, token): (&Page, &str), address: &str) -> (u16, String) {
    let id = address.strip_prefix("skep://").unwrap();
    let folder = world.path("mine");
    let body = format!("token={token}&version=1&folder={}", folder.display());
    let answer = page.post(&format!("/sites/{id}/fork"), &body);
    (answer.status, String::from_utf8(answer.body).unwrap())
}

#[test]
fn sources_that_do_not_build_or_hold_a_repository_make_no_fork() {
    let world = World::new();
    let layout = [("a.md", "---\nlayout: gone\n---\n{{ nothing }}\n")];
    let hook = [(".git/config", "[core]\nfsmonitor = touch ran\n")];
    let broken = stranger(&world, "theme = 'none'\n", &layout);
    let obeyed = stranger(&world, "title = 'x'\n", &hook);
    let (_browse, page, token) = browse(&world, "stranger");
    for (address, why) in [(broken, "could not be built"), (obeyed, ".git/config")] {
        let (status, form) = fork(&world, (&page, &token), &address);
        assert_eq!(status, 422);
        assert!(form.contains(why), "{why}: {form}");
        let typed = format!("value=\"{}\"", world.path("mine").display());
        assert!(form.contains(&typed), "{form}");
    }
    nothing_was_made(&world, "stranger");
}

#[test]
fn a_command_that_builds_the_fork_does_not_run() {
    let world = World::new();
    let settings =
        "[build]\nengine = 'command'\ncommand = 'touch ran; mkdir public'\noutput = 'public'\n";
    let address = stranger(&world, settings, &[("a.txt", "a")]);
    let (_browse, page, token) = browse(&world, "stranger");
    let (status, made) = fork(&world, (&page, &token), &address);
    assert_eq!(status, 200, "{made}");
    for text in ["is a website now", "touch ran; mkdir public", "has not run"] {
        assert!(made.contains(text), "{text}: {made}");
    }
    // Nor does the review of it, which asks for a person's yes.
    let (before, _) = made.split_once("/review\"").unwrap();
    let (_, link) = before.rsplit_once('"').unwrap();
    assert!(!address.ends_with(link.rsplit('/').next().unwrap()));
    let review = page.html(&format!("{link}/review"));
    assert!(review.contains("not trusted"), "{review}");
    assert_eq!(
        world.files("mine").into_keys().collect::<Vec<_>>(),
        [".gitignore", "a.txt", "skep.toml"]
    );
}

#[test]
fn what_the_page_saves_is_what_an_import_takes() {
    let world = World::new();
    let address = world.new_site("author", "site");
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    world.json("author", &publish);
    world.write("site/note.md", "---\ntitle: Note\n---\nLater.\n");
    world.json("author", &publish);
    let (browse, page, _) = browse(&world, "author");
    let id = address.strip_prefix("skep://").unwrap();
    let saved = page.get(&format!("/sites/{id}/export"));
    assert_eq!(
        saved.header("content-disposition").split(';').next(),
        Some("attachment")
    );
    fs::write(world.path("saved.skep"), &saved.body).unwrap();
    world.json("author", &["export", &address, "typed.skep"]);
    assert!(fs::read(world.path("typed.skep")).unwrap() == saved.body);
    browse.interrupt();

    world.json("reader", &["import", "saved.skep"]);
    let log = world.json("reader", &["log", &address]);
    assert_eq!(log["versions"].as_array().unwrap().len(), 2);
    let note = world.run("reader", &["show", &format!("{address}/note/")]);
    assert!(note.out().contains("Later."), "{}", note.out());
}
