//! Two machines that can't reach each other, and a relay with a DNS server that both can reach: the real program
//! reads a site over it. `SKEP` is the program.

#![cfg(target_os = "linux")]

#[path = "../../it/netns.rs"]
mod netns;
#[path = "../../it/process.rs"]
mod process;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use iroh::EndpointAddr;
use iroh_tickets::endpoint::EndpointTicket;
use netns::{Machines, ip};
use process::{output_of, wait_with_timeout};
use serde_json::Value;

/// Nothing that is awaited of a program takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// Where the relay is.
const RELAY: &str = "10.78.0.1";

/// A program that writes lines of JSON; killed when it is dropped.
struct Running {
    process: Child,
    lines: Receiver<String>,
}

impl Running {
    fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { process, lines }
    }

    /// The next line with that event.
    fn event(&mut self, name: &str) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|e| panic!("no event {name:?}: {e}"));
            let value: Value = serde_json::from_str(&line).unwrap();
            if value["event"] == name {
                return value;
            }
        }
    }

    fn ask(&mut self, question: &str, event: &str) -> Value {
        let mut stdin = self.process.stdin.as_ref().unwrap();
        writeln!(stdin, "{question}").unwrap();
        self.event(event)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        wait_with_timeout(&mut self.process, "the end after SIGKILL");
    }
}

/// The machine of the relay, and on each side of it one more.
fn machines() -> Option<Machines> {
    Machines::set_up("relay", 3, |names| {
        let relay = &names[0];
        ip(&format!("-n {relay} addr add {RELAY}/32 dev lo"))?;
        for (n, machine) in names.iter().enumerate().skip(1) {
            ip(&format!(
                "-n {relay} link add side{n} type veth peer name eth0 netns {machine}"
            ))?;
            ip(&format!("-n {relay} addr add 10.78.{n}.254/24 dev side{n}"))?;
            ip(&format!("-n {relay} link set side{n} up"))?;
            ip(&format!("-n {machine} addr add 10.78.{n}.1/24 dev eth0"))?;
            ip(&format!("-n {machine} link set eth0 up"))?;
            ip(&format!("-n {machine} route add default via 10.78.{n}.254"))?;
            // Nothing goes from one side to the other, whatever else this machine forwards.
            ip(&format!(
                "-n {relay} rule add blackhole iif side{n} pref {n}"
            ))?;
        }
        Ok(())
    })
}

/// `skep` on a machine whose DNS server is the relay's.
fn skep(machines: &Machines, n: usize, dir: &Path, args: &[&str]) -> Command {
    let program = std::env::var("SKEP").expect("SKEP is the program that is tried");
    fs::write(dir.join("resolv.conf"), format!("nameserver {RELAY}\n")).unwrap();
    let mut command = machines.command(n, "sh");
    // The machine has mounts of its own.
    command
        .args([
            "-c",
            "mount --bind resolv.conf /etc/resolv.conf && exec \"$0\" --json \"$@\"",
        ])
        .arg(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null());
    command
}

/// Runs `skep` to its end: its exit code, what it answered, and what went wrong.
fn run(machines: &Machines, n: usize, dir: &Path, args: &[&str]) -> (i32, Value, String) {
    let output = output_of(&mut skep(machines, n, dir, args), &args.join(" "));
    // The lines before tell of progress.
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    let answer = serde_json::from_str(last).unwrap_or_default();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), answer, wrong)
}

fn done(machines: &Machines, n: usize, dir: &Path, args: &[&str]) -> Value {
    let (code, answer, wrong) = run(machines, n, dir, args);
    assert_eq!(code, 0, "{args:?}: {wrong}");
    answer
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn a_site_is_read_over_a_relay_of_ones_own_by_who_can_not_reach_its_node() {
    let Some(machines) = machines() else {
        return;
    };
    let world = tempfile::tempdir().unwrap();
    let dir = world.path();
    let mut command = machines.command(0, env!("CARGO_BIN_EXE_skep-relay-tests"));
    command.arg(RELAY);
    let mut relay = Running::spawn(command);
    let services = relay.event("ready");
    let [url, pkarr, domain] = ["relay", "pkarr", "domain"].map(|name| text(&services[name]));
    let config = format!("[network]\nrelay = '{url}'\npkarr = '{pkarr}'\ndomain = '{domain}'\n");
    for home in ["author", "reader", "stranger"] {
        fs::create_dir(dir.join(home)).unwrap();
        fs::write(dir.join(home).join("config.toml"), &config).unwrap();
    }

    let author = ["--home", "author", "--network", "public"];
    let new = done(&machines, 1, dir, &["--home", "author", "new", "site"]);
    let address = text(&new["address"]);
    // It can't be packed, so that it must all go over the relay.
    let image = dir.join("site/noise.bin");
    fs::write(image, noise(500_000)).unwrap();
    let mut node = Running::spawn(skep(&machines, 1, dir, &[&author[..], &["node"]].concat()));
    let ready = node.event("ready");
    let ticket = text(&ready["ticket"]);
    let publish = ["publish", "site", "--yes", "--wait", "0"];
    done(&machines, 1, dir, &[&author[..], &publish].concat());

    // There is no other way: without the relay the same node is out of reach.
    let direct = [
        "--home",
        "other",
        "--network",
        "lan",
        "clone",
        address,
        "none",
        "--peer",
        ticket,
    ];
    let (code, _, wrong) = run(&machines, 2, dir, &direct);
    assert_eq!(code, 1, "{wrong}");
    assert!(wrong.contains("can't reach the node"), "{wrong}");
    let before = relay.ask("relayed", "relayed")["bytes"].as_u64().unwrap();

    let reader = ["--home", "reader", "--network", "public"];
    let clone = ["clone", address, "copy", "--peer", ticket];
    let cloned = done(&machines, 2, dir, &[&reader[..], &clone].concat());
    assert_eq!(cloned["version"], 1);
    let sent = fs::read(dir.join("site/noise.bin")).unwrap();
    assert_eq!(fs::read(dir.join("copy/noise.bin")).unwrap(), sent);
    let after = relay.ask("relayed", "relayed")["bytes"].as_u64().unwrap();
    assert!(after > before + 500_000, "{before} and {after} bytes");

    // Who knows no more of the node than its key asks the DNS server which relay it uses.
    let known: EndpointTicket = ticket.parse().unwrap();
    let id = EndpointAddr::from(known).id;
    relay.ask(&format!("wait {id}"), "published");
    let bare = EndpointTicket::new(EndpointAddr::new(id)).to_string();
    let stranger = ["--home", "stranger", "--network", "public"];
    let clone = ["clone", address, "second", "--peer", &bare];
    let cloned = done(&machines, 2, dir, &[&stranger[..], &clone].concat());
    assert_eq!(cloned["version"], 1);
    assert_eq!(fs::read(dir.join("second/noise.bin")).unwrap(), sent);
}

/// Bytes that no one can compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}
