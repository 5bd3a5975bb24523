//! Sites that skep does not build: `skep init`, build commands and trust in them, static folders.

use std::fs;

use crate::skep::{Running, World, get};

const PUBLISH: [&str; 5] = ["publish", "blog", "--yes", "--wait", "0"];

/// A Hugo site, as far as its files tell.
fn hugo_site(world: &World) {
    world.write(
        "blog/hugo.toml",
        "title = 'Field notes'\nbaseURL = 'https://old.example/'\n",
    );
    world.write("blog/content/a.md", "# A\n");
}

/// A program that builds such a site. There is a shell on Unix only.
#[cfg(unix)]
fn site_built_by(world: &World, script: &str) -> String {
    hugo_site(world);
    world.write("blog/build.sh", script);
    let init = [
        "init",
        "blog",
        "--command",
        "sh build.sh",
        "--output",
        "public",
    ];
    let made = world.json("home", &init);
    made["address"].as_str().unwrap().to_owned()
}

#[cfg(unix)]
const BUILD: &str = "mkdir -p public/a\necho \"<h1>$(cat content/a.md)</h1>\" > public/a/index.html\n\
    cp hugo.toml skep.toml public/\necho built $SKEP_HOME | tee public/.nojekyll\n";

#[test]
fn init_writes_what_builds_the_site_and_changes_nothing_else() {
    let world = World::new();
    hugo_site(&world);
    let before = world.files("blog");
    let made = world.json("home", &["init", "blog"]);
    for (name, value) in [
        ("generator", "Hugo"),
        ("marks", "hugo.toml"),
        ("engine", "command"),
        ("command", "hugo --cleanDestinationDir"),
        ("output", "public"),
    ] {
        assert_eq!(made[name], value, "{made}");
    }
    let note = made["notes"][0].as_str().unwrap();
    assert!(note.contains("https://old.example/"), "{note}");
    let address = made["address"].as_str().unwrap();
    let mut after = world.files("blog");
    let settings = String::from_utf8(after.remove("skep.toml").unwrap()).unwrap();
    assert_eq!(after, before);
    assert_eq!(
        settings,
        format!(
            "title = \"Field notes\"\naddress = \"{address}\"\n\n[build]\nengine = \"command\"\n\
             command = \"hugo --cleanDestinationDir\"\noutput = \"public\"\n"
        )
    );
    assert_eq!(
        world.json("home", &["key", "list"])["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // A second time it says what it is already.
    world.fails(1, "home", &["init", "blog"]).says(&[
        "is a site of skep already",
        address,
        "skep status",
    ]);
    assert_eq!(world.read("blog/skep.toml"), settings);
    // What is for sites that skep builds says so, and nothing is made.
    let ended = world.fails(1, "home", &["draft", "An idea", "blog"]);
    ended.says(&["sites that skep builds", "use that program"]);
    assert_eq!(world.files("blog").len(), before.len() + 1);
}

#[test]
fn a_folder_of_another_program_is_told_of_init() {
    let world = World::new();
    world.write("jekyll/_config.yml", "title: J\n");
    hugo_site(&world);
    for (dir, name) in [
        ("jekyll", "Jekyll (_config.yml)"),
        ("blog", "Hugo (hugo.toml)"),
    ] {
        for command in ["build", "status", "publish", "serve", "diff"] {
            world
                .fails(1, "home", &[command, dir])
                .says(&[name, "skep init", dir]);
        }
    }
}

#[test]
fn what_init_can_not_know_it_is_told() {
    let world = World::new();
    world.write("blog/notes.txt", "x");
    let fails = |code, args: &[&str], says: &[&str]| {
        world
            .fails(code, "home", &[&["init", "blog"], args].concat())
            .says(says);
    };
    fails(1, &[], &["nothing in blog tells", "--static", "--command"]);
    fails(2, &["--command", "make"], &["--output"]);
    fails(2, &["--engine", "command"], &["--command"]);
    fails(2, &["--engine", "tera", "--command", "x"], &["--command"]);
    fails(2, &["--engine", "static", "--output", "x"], &["--output"]);
    fails(2, &["--static", "--output", "x"], &["--static"]);
    fails(2, &["--engine", "make"], &["tera, command, static"]);
    for output in ["../x", "/x", "."] {
        fails(1, &["--command", "make", "--output", output], &["public"]);
    }
    world
        .fails(2, "home", &["init", "nowhere"])
        .says(&["no folder nowhere", "skep new nowhere"]);
    assert_eq!(world.files("blog").len(), 1);
    assert!(!world.path("home").exists());

    // Two programs: the likelier, and the other is named.
    hugo_site(&world);
    world.write("blog/book.toml", "");
    let ended = world.run("home", &["init", "blog", "--title", "Mine"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.out().contains("Hugo (hugo.toml)"), "{}", ended.out());
    ended.says(&["It looks like mdBook too (book.toml)", "mdbook build"]);
    assert!(world.read("blog/skep.toml").contains("title = \"Mine\""));
}

#[test]
fn no_key_is_made_for_a_site_that_is_not() {
    let world = World::new();
    hugo_site(&world);
    // The home can't be made.
    world.write("home", "a file");
    world.fails(1, "home", &["init", "blog"]);
    assert!(!world.path("blog/skep.toml").exists());
    fs::remove_file(world.path("home")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", world.path("blog/skep.toml")).unwrap();
        world
            .fails(1, "home", &["init", "blog"])
            .says(&["leads nowhere"]);
        fs::remove_file(world.path("blog/skep.toml")).unwrap();
        assert!(!world.path("home").exists());
    }
    world.json("home", &["init", "blog"]);
}

#[cfg(unix)]
#[test]
fn another_program_builds_what_is_published() {
    let world = World::new();
    let address = site_built_by(&world, BUILD);
    // What was trusted by init is not asked about, and status, diff and publish see the same bytes.
    let status = world.json("home", &["status", "blog"]);
    let paths: Vec<_> = status["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, [".nojekyll", "a/index.html", "hugo.toml"]);
    assert_eq!(status["drafts_checked"], false);
    let published = world.run("home", &PUBLISH);
    assert_eq!(published.code, 0, "{}", published.stderr);
    published.says(&["Running `sh build.sh`", "built", "Left out", "skep.toml"]);
    world.json("home", &["clone", &address, "out"]);
    let mut built = world.files("blog/public");
    built.remove("skep.toml");
    assert_eq!(world.files("out"), built);
    // It is not told where the keys are.
    assert_eq!(built[".nojekyll"], b"built\n");

    world.write("blog/content/a.md", "# Changed\n");
    let diff = world.run("home", &["--quiet", "diff", "blog"]);
    assert_eq!((diff.code, diff.stderr.as_str()), (0, ""));
    let diff = world.json("home", &["diff", "blog", "a/index.html"]);
    assert_eq!(diff["changes"][0]["added"], 1);
    let second = world.json("home", &PUBLISH);
    assert_eq!(
        (&second["version"], &second["modified"]),
        (&2.into(), &1.into())
    );
    let built = world.json("home", &["build", "blog"]);
    assert_eq!(built["files"], 4);
    world
        .fails(2, "home", &["build", "blog", "--drafts"])
        .says(&["--drafts", "another program"]);

    // Without a build, what lies there is published, whatever the sources say.
    world.write("blog/content/a.md", "# Not built\n");
    world.write("blog/public/by-hand.txt", "x");
    let third = world.json("home", &[&PUBLISH[..], &["--no-build"]].concat());
    assert_eq!((&third["version"], &third["added"]), (&3.into(), &1.into()));
    let flags = ["--no-build", "--trust"];
    world
        .fails(2, "home", &[&PUBLISH[..], &flags].concat())
        .says(&["--no-build", "--trust"]);
}

#[cfg(unix)]
#[test]
fn a_command_that_came_from_elsewhere_does_not_run_until_it_is_trusted() {
    let world = World::new();
    let address = site_built_by(
        &world,
        "touch was-here\nmkdir -p public\necho x > public/x.txt\n",
    );
    // The same folder on another machine, with a key but without trust.
    world.json("home", &["key", "export", &address, "site.key", "--plain"]);
    world.json("other", &["key", "import", "site.key"]);
    for command in ["status", "diff", "build", "publish"] {
        let ended = world.fails(1, "other", &[command, "blog"]);
        ended.says(&["sh build.sh", &address, "is not trusted", "--trust"]);
        let json = world.fails(1, "other", &["--json", command, "blog"]);
        let json: serde_json::Value = json.result();
        assert_eq!(json["error"]["kind"], "untrusted");
    }
    let dry = ["publish", "blog", "--dry-run", "--yes"];
    world.fails(1, "other", &dry).says(&["is not trusted"]);
    assert!(!world.path("blog/was-here").exists());
    assert!(!world.path("blog/public").exists());
    world
        .fails(1, "other", &["status", "blog", "--no-build"])
        .says(&["there is no blog/public"]);

    // Told once, it is known from then on; a changed command, and the same in another folder, are not.
    world.json("other", &["status", "blog", "--trust"]);
    assert!(world.path("blog/was-here").exists());
    world.json("other", &["status", "blog"]);
    let settings = world.read("blog/skep.toml");
    world.write(
        "blog/skep.toml",
        settings.replace("sh build.sh", "sh build.sh --all"),
    );
    world
        .fails(1, "other", &["status", "blog"])
        .says(&["sh build.sh --all", "is not trusted"]);
    world.write("copy/skep.toml", settings);
    world
        .fails(1, "other", &["status", "copy"])
        .says(&["is not trusted"]);
    // A list that can't be read trusts nobody.
    world.write("other/trust.json", "{");
    world
        .fails(1, "other", &["status", "blog", "--trust"])
        .says(&["trust.json", "remove it"]);
}

#[cfg(unix)]
#[test]
fn a_build_that_fails_publishes_nothing() {
    let world = World::new();
    site_built_by(
        &world,
        "mkdir -p public; echo x > public/x.txt; echo no luck >&2; exit 3\n",
    );
    let publish = |says: &[&str]| {
        world.fails(1, "home", &PUBLISH).says(says);
        world.fails(1, "home", &["log", "blog"]);
    };
    publish(&["no luck", "the build failed", "3"]);
    // Whoever saw nothing of it is told the last lines.
    let quiet = world.fails(1, "home", &[&["--quiet"], &PUBLISH[..]].concat());
    quiet.says(&["| no luck"]);
    let json = world.fails(1, "home", &[&["--json"], &PUBLISH[..]].concat());
    let json: serde_json::Value = json.result();
    assert!(
        json["error"]["message"]
            .as_str()
            .unwrap()
            .contains("| no luck")
    );

    world.write("blog/build.sh", "no-such-program\n");
    publish(&["PATH"]);
    world.write("blog/build.sh", "rm -r public\n");
    publish(&["there is no blog/public", "set `output`"]);
    world.write("blog/build.sh", "mkdir public\n");
    publish(&["has no files", "set `output`"]);
    world.write("elsewhere/private.txt", "mine");
    world.write("blog/build.sh", "rmdir public; ln -s ../elsewhere public\n");
    publish(&["leads out of the site's folder"]);
    world.write("blog/build.sh", "ln -sfn . public\n");
    publish(&["leads out of the site's folder"]);
    // One that writes elsewhere is suspicious.
    world.write(
        "blog/build.sh",
        "rm public; mkdir public; echo x > public/x.txt\n",
    );
    world.json("home", &["status", "blog"]);
    world.write("blog/build.sh", "mkdir -p dist; echo y > dist/y.txt\n");
    world
        .run("home", &["status", "blog"])
        .says(&["changed nothing in public"]);
}

#[cfg(unix)]
#[test]
fn a_command_may_say_much_and_leave_something_running() {
    let world = World::new();
    site_built_by(
        &world,
        "mkdir -p public; echo x > public/x.txt; sleep 600 >&2 & echo $! > pid\n\
         yes 0123456789abcdef | head -c 3000000\n",
    );
    let mut command = crate::process::fresh(env!("CARGO_BIN_EXE_skep"));
    command
        .current_dir(world.path(""))
        .args([
            "--home",
            "home",
            "--network",
            "loopback",
            "--json",
            "--quiet",
        ])
        .args(["status", "blog"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let running = Running::spawn(command);
    // It ends though the pipe is held open.
    let result = running.line();
    let pid = world.read("blog/pid");
    crate::process::signal(pid.trim().parse().unwrap(), "-TERM");
    assert!(result.contains("x.txt"), "{result}");
}

#[test]
fn a_static_folder_is_published_as_it_is() {
    let world = World::new();
    world.write("blog/index.html", "<title>By hand</title><p>Hi");
    world.write("blog/a b/é.txt", "x");
    world.write("blog/.well-known/security.txt", "Contact: x");
    let published = world.files("blog");
    for excluded in [
        ".git/config",
        ".env",
        "node_modules/x/index.js",
        "index.html~",
        "sources/picture.psd",
    ] {
        world.write(&format!("blog/{excluded}"), "x");
    }
    let made = world.json("home", &["init", "blog"]);
    assert_eq!(
        (&made["engine"], &made["generator"]),
        (&"static".into(), &"plain HTML".into())
    );
    let settings = world.read("blog/skep.toml");
    assert!(settings.starts_with("title = \"By hand\"\n"), "{settings}");
    world.write(
        "blog/skep.toml",
        format!("exclude = [\"**/*.psd\"]\n{settings}"),
    );

    let ended = world.run("home", &["publish", "blog", "--dry-run"]);
    ended.says(&[
        "Left out",
        ".git",
        ".env",
        "node_modules",
        "index.html~",
        "skep.toml",
        "picture.psd",
    ]);
    let status = world.json("home", &["status", "blog"]);
    assert_eq!(status["added"], 3, "{status}");
    assert_eq!(status["excluded"].as_array().unwrap().len(), 6, "{status}");
    world.json("home", &PUBLISH);
    let address = made["address"].as_str().unwrap();
    world.json("home", &["clone", address, "out"]);
    assert_eq!(world.files("out"), published);
    // There is nothing that `--no-build` could leave out.
    let same = world.json("home", &["status", "blog", "--no-build"]);
    assert_eq!(same["changes"], serde_json::json!([]));
    world
        .fails(1, "home", &["build", "blog"])
        .says(&["nothing to build", "skep publish"]);
    let preview = world.start("home", &["serve", "blog", "--port", "0"]);
    let page = get(preview.event("ready")["url"].as_str().unwrap());
    assert_eq!(page.status, 200);
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(
        page.contains("By hand") && page.contains("/.skep/preview.js"),
        "{page}"
    );
    drop(preview);

    // A key that was put there is no part of a website.
    world.write("blog/my.key", "x");
    world
        .fails(1, "home", &PUBLISH)
        .says(&["my.key", "nothing was published"]);
}

#[test]
fn the_home_of_skep_is_never_published() {
    let world = World::new();
    world.write("all/index.html", "x");
    // A home that is there, in a folder that is not a site yet.
    world.json("all/home", &["key", "list"]);
    world.json("all/home", &["new", "other"]);
    world
        .fails(1, "all/home", &["init", "all", "--static"])
        .says(&["far more than a website", "a folder of its own"]);
    assert!(!world.path("all/skep.toml").exists());
    // And one that came there later.
    let made = world.json("home", &["init", "all"]);
    let address = made["address"].as_str().unwrap();
    world.json("home", &["key", "export", address, "site.key", "--plain"]);
    world.json("all/home", &["key", "import", "site.key"]);
    world
        .fails(1, "all/home", &["status", "all"])
        .says(&["must never be published", "--home"]);
}
