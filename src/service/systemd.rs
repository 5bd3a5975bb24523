//! The unit for systemd's manager of a user's services.

use super::{MARK, Start, Written};
use crate::error::Result;

/// The name of the unit.
pub(super) const NAME: &str = "skep.service";

/// What asks for the state of the unit.
pub(super) const STATE: &str = "systemctl --user is-active skep.service";

/// What makes it run now, and at each login.
pub(super) fn starting(written: Written) -> Vec<String> {
    let start = match written {
        Written::Changed => "restart",
        Written::New | Written::Same => "start",
    };
    ["daemon-reload", "enable skep.service"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("{start} skep.service")])
        .map(|what| format!("systemctl --user {what}"))
        .collect()
}

/// What ends it before its file goes, and makes systemd forget it after.
pub(super) fn ending() -> [&'static str; 2] {
    [
        "systemctl --user disable --now skep.service",
        "systemctl --user daemon-reload",
    ]
}

/// What ends it when its file is gone already.
pub(super) const STOP: &str = "systemctl --user stop skep.service";

/// The link in the folder of the unit that starts it at each login.
pub(super) const WANTED: &str = "default.target.wants/skep.service";

/// The unit that runs `skep node`.
///
/// Of the hardening it has what a user's manager can do without a namespace of its own, and what does not break
/// programs that build websites: those run in the node too when a page is published from the browser.
pub(super) fn unit(start: &Start<'_>) -> Result<String> {
    let args = start.args()?;
    let program = quote(args[0]);
    // Variables are put in for arguments, and not for the program.
    let args = args[1..].iter().map(|arg| quote(arg).replace('$', "$$"));
    let command = args.fold(program, |line, arg| line + " " + &arg);
    Ok(format!(
        "# {MARK}, which writes it again; `skep node remove` deletes it.
# For changes of your own: systemctl --user edit {NAME}
[Unit]
Description=skep: keeps websites up to date and serves them to others

[Service]
Type=exec
ExecStart={command}
Restart=on-failure
RestartSec=10
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=default.target
"
    ))
}

/// One word of a command line: between quotes, and without specifiers.
fn quote(arg: &str) -> String {
    let mut quoted = String::from('"');
    for c in arg.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '%' => quoted.push_str("%%"),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_unit_starts_this_program_with_its_home_and_network() {
        let unit = unit(&Start {
            program: Path::new("/opt/a b/100%/$x/skep"),
            home: Path::new("/home/ann \"the\\bee\" $HOME %h"),
            network: Some("loopback"),
        })
        .unwrap();
        assert!(unit.starts_with("# Written by `skep node install`"));
        let command = r#"ExecStart="/opt/a b/100%%/$x/skep" "--home" "/home/ann \"the\\bee\" $$HOME %%h" "--network" "loopback" "node""#;
        for line in [
            command,
            "Restart=on-failure",
            "NoNewPrivileges=yes",
            "WantedBy=default.target",
        ] {
            assert!(unit.lines().any(|l| l == line), "{line:?} is not in {unit}");
        }
    }

    #[test]
    fn only_a_changed_unit_is_started_anew() {
        let last = |written| starting(written).pop().unwrap();
        assert_eq!(last(Written::New), "systemctl --user start skep.service");
        assert_eq!(last(Written::Same), "systemctl --user start skep.service");
        assert_eq!(
            last(Written::Changed),
            "systemctl --user restart skep.service"
        );
    }
}
