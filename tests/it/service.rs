//! `skep node install`, `status` and `remove`, with a `systemctl` that only writes down what it is told.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    process::output_of,
    skep::{Ended, World},
};

/// A user with a folder for settings, and what stands in for the system's programs.
struct User {
    world: World,
}

const UNIT: &str = "config/systemd/user/skep.service";

impl User {
    /// A user whose `systemctl` is this script; without one there is none.
    fn new(systemctl: Option<&str>) -> Self {
        let world = World::new();
        fs::create_dir_all(world.path("bin")).unwrap();
        if let Some(script) = systemctl {
            world.write("bin/systemctl", format!("#!/bin/sh\n{script}\n"));
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(world.path("bin/systemctl"), mode).unwrap();
        }
        Self { world }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.world.command("home", args);
        command
            .env("PATH", self.world.path("bin"))
            .env("HOME", self.world.path("user"))
            .env("XDG_CONFIG_HOME", self.world.path("config"))
            .env("LOG", self.world.path("log"));
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        Ended::of(output_of(&mut self.command(args), &args.join(" ")))
    }

    fn json(&self, args: &[&str]) -> Value {
        let ended = self.run(&[&["--json"], args].concat());
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.stderr);
        ended.result()
    }

    /// What `systemctl` was told since the last time.
    fn told(&self) -> Vec<String> {
        let log = self.world.path("log");
        let text = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(log);
        text.lines().map(str::to_owned).collect()
    }
}

const WRITES: &str = r#"echo "$*" >> "$LOG"; echo active"#;

#[test]
fn a_service_is_installed_once_changed_and_removed() {
    let user = User::new(Some(WRITES));
    assert_eq!(user.json(&["node", "status"])["installed"], false);
    assert_eq!(user.told(), Vec::<String>::new());
    let installed = user.json(&["node", "install"]);
    assert_eq!(
        (&installed["written"], &installed["started"]),
        (&true.into(), &true.into())
    );
    let start = |last: &str| {
        ["daemon-reload", "enable skep.service", last].map(|what| format!("--user {what}"))
    };
    assert_eq!(user.told(), start("start skep.service"));
    let unit = user.world.read(UNIT);
    let home = user.world.path("home");
    let line = format!(
        r#"ExecStart="{}" "--home" "{}" "--network" "loopback" "node""#,
        env!("CARGO_BIN_EXE_skep"),
        home.display()
    );
    assert!(unit.lines().any(|l| l == line), "{line} is not in {unit}");

    // Again changes nothing, and makes sure that it runs.
    let again = user.json(&["node", "install"]);
    assert_eq!(
        (&again["written"], &again["started"]),
        (&false.into(), &true.into())
    );
    assert_eq!(user.told(), start("start skep.service"));
    assert_eq!(user.world.read(UNIT), unit);
    // For another home it is started anew.
    let other = ["--json", "node", "install", "--home", "elsewhere"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
    let like = user.command(&[]);
    command.envs(
        like.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
        .current_dir(user.world.path(""))
        .stdin(Stdio::null());
    let ended = output_of(command.args(other), "node install");
    assert!(ended.status.success());
    assert_eq!(user.told(), start("restart skep.service"));
    let unit = user.world.read(UNIT);
    assert!(unit.contains("/elsewhere\" \"node\""), "{unit}");

    let status = user.json(&["node", "status"]);
    assert_eq!(
        (&status["installed"], &status["state"]),
        (&true.into(), &"active".into())
    );
    assert_eq!(user.told(), ["--user is-active skep.service"]);
    assert_eq!(user.json(&["node", "remove"])["removed"], true);
    assert_eq!(
        user.told(),
        ["--user disable --now skep.service", "--user daemon-reload"]
    );
    assert!(!user.world.path(UNIT).exists());
    assert_eq!(user.json(&["node", "remove"])["removed"], false);
    assert_eq!(user.told(), Vec::<String>::new());
}

#[test]
fn a_unit_of_somebody_else_stays() {
    let user = User::new(Some(WRITES));
    user.world.write(UNIT, "[Unit]\nDescription=mine\n");
    for what in ["install", "remove"] {
        let ended = user.run(&["node", what]);
        assert_eq!(ended.code, 1);
        ended.says(&["was not written by skep", "skep.service", "move it away"]);
    }
    let status = user.json(&["node", "status"]);
    assert_eq!(
        (&status["installed"], &status["foreign"]),
        (&false.into(), &true.into())
    );
    assert_eq!(user.world.read(UNIT), "[Unit]\nDescription=mine\n");
    assert_eq!(user.told(), Vec::<String>::new());
}

#[test]
fn without_systemd_it_is_said_what_to_type() {
    let user = User::new(None);
    let ended = user.run(&["node", "install"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.says(&[
        "no `systemctl` here",
        "systemctl --user daemon-reload",
        "systemctl --user enable skep.service",
        "systemctl --user start skep.service",
    ]);
    assert!(user.world.path(UNIT).exists());
    assert_eq!(user.json(&["node", "install"])["started"], false);
    assert_eq!(user.json(&["node", "status"])["state"], Value::Null);
    // As systemd would have made it; it must not lead nowhere afterwards.
    let wanted = user
        .world
        .path("config/systemd/user/default.target.wants/skep.service");
    fs::create_dir_all(wanted.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(user.world.path(UNIT), &wanted).unwrap();
    user.run(&["node", "remove"])
        .says(&["systemctl --user stop skep.service", "daemon-reload"]);
    assert!(!user.world.path(UNIT).exists());
    assert!(fs::symlink_metadata(wanted).is_err());
}

#[test]
fn a_systemd_that_refuses_is_no_success() {
    let user = User::new(Some("echo 'Failed to connect to bus' >&2; exit 1"));
    let ended = user.run(&["node", "install"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    ended.says(&[
        "`systemctl --user daemon-reload` says: Failed to connect to bus",
        "systemctl --user start skep.service",
    ]);
    // What was to be written is.
    assert!(user.world.path(UNIT).exists());
}

#[test]
fn systemd_understands_the_unit() {
    let user = User::new(None);
    user.run(&["node", "install", "-q"]);
    let mut verify = Command::new("systemd-analyze");
    verify.args(["--user", "verify"]).arg(user.world.path(UNIT));
    verify.env("XDG_RUNTIME_DIR", user.world.path(""));
    if !std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("systemd-analyze").exists())
    {
        // Where there is none, the tests of the file itself have to do.
        return;
    }
    let verified = output_of(&mut verify, "systemd-analyze");
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(!said.contains("skep.service"), "{said}");
}
