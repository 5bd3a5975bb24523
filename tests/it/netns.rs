//! Machines that are network namespaces of this one. Also used by `tests/relay`.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::process::{collect, fresh};

/// Machines; gone when this is dropped.
pub(crate) struct Machines(Vec<String>);

/// Runs `ip` with arguments that have no spaces; what it complains of, if it fails.
pub(crate) fn ip(args: &str) -> Result<(), String> {
    let mut ip = Command::new("ip");
    ip.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = ip.args(args.split(' ')).spawn();
    let child = child.map_err(|e| format!("ip: {e}"))?;
    let output = collect(child, &format!("ip {args}"));
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "ip {args}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

impl Machines {
    /// So many machines for the test `name`, which `connect` connects. `None` if this machine does not permit it,
    /// which is a failure in CI.
    pub(crate) fn set_up(
        name: &str,
        count: usize,
        connect: impl FnOnce(&[String]) -> Result<(), String>,
    ) -> Option<Self> {
        let name = |n| format!("skep-{}-{name}-{n}", std::process::id());
        let mut machines = Self(Vec::new());
        let set_up = || {
            for n in 0..count {
                ip(&format!("netns add {}", name(n)))?;
                machines.0.push(name(n));
                ip(&format!("-n {} link set lo up", name(n)))?;
            }
            connect(&machines.0)
        };
        match set_up() {
            Ok(()) => Some(machines),
            Err(why) if std::env::var_os("CI").is_some_and(|ci| ci == "true") => {
                panic!("network namespaces are needed here: {why}")
            }
            Err(why) => {
                // Past the test runner, which shows nothing of what passes.
                let told = writeln!(
                    std::io::stderr(),
                    "NOT TRIED, network namespaces are not permitted here: {why}"
                );
                told.unwrap();
                None
            }
        }
    }

    /// A command on the n-th machine.
    pub(crate) fn command(&self, n: usize, program: &str) -> Command {
        let mut command = fresh("ip");
        command.args(["netns", "exec", &self.0[n], program]);
        command
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for name in &self.0 {
            let _ = ip(&format!("netns del {name}"));
        }
    }
}
