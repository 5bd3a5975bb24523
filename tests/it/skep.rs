//! The built binary, with a folder of its own for a test.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::process::{END, collect, fresh, output_of, signal, wait_with_timeout};

/// Nothing that a test waits for takes longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A temporary folder in which `skep` runs.
pub(crate) struct World {
    dir: tempfile::TempDir,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Every file below a folder.
    pub(crate) fn files(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect_files(&self.path(name), "", &mut files);
        files
    }

    pub(crate) fn command(&self, home: &str, args: &[&str]) -> Command {
        let mut command = fresh(env!("CARGO_BIN_EXE_skep"));
        command
            .current_dir(self.dir.path())
            .args(["--home", home, "--network", "loopback"])
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, for people.
    pub(crate) fn run(&self, home: &str, args: &[&str]) -> Ended {
        let what = format!("skep {}", args.join(" "));
        Ended::of(output_of(&mut self.command(home, args), &what))
    }

    /// Runs a command to its end with `input` on stdin.
    pub(crate) fn run_with(&self, home: &str, args: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(home, args);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        process.stdin.take().unwrap().write_all(input).unwrap();
        Ended::of(collect(process, &format!("skep {}", args.join(" "))))
    }

    /// Runs a command with `--json`; it must succeed.
    pub(crate) fn json(&self, home: &str, args: &[&str]) -> Value {
        let ended = self.run(home, &[&["--json"], args].concat());
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.stderr);
        ended.result()
    }

    /// Runs a command that must fail with `code`.
    pub(crate) fn fails(&self, code: i32, home: &str, args: &[&str]) -> Ended {
        let ended = self.run(home, args);
        assert_eq!(
            ended.code,
            code,
            "{args:?}: {}{}",
            ended.out(),
            ended.stderr
        );
        ended
    }

    /// Starts a command that goes on running, with `--json`.
    pub(crate) fn start(&self, home: &str, args: &[&str]) -> Running {
        let mut command = self.command(home, &[&["--json"], args].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::spawn(command)
    }

    /// A new site with its address.
    pub(crate) fn new_site(&self, home: &str, site: &str) -> String {
        let new = self.json(home, &["new", site]);
        new["address"].as_str().unwrap().to_owned()
    }

    /// A site that `author` has published to a running host, with its address.
    pub(crate) fn published_site(&self) -> (String, Host) {
        let address = self.new_site("author", "site");
        let host = self.host("host", &address);
        let publish = ["publish", "site", "--yes", "--peer", &host.ticket];
        self.json("author", &publish);
        (address, host)
    }

    /// A host that pins `address`.
    pub(crate) fn host(&self, home: &str, address: &str) -> Host {
        let running = self.start(
            home,
            &[
                "host",
                "--pin",
                address,
                "--port",
                "0",
                "--gateway-port",
                "0",
            ],
        );
        let ready = running.event("ready");
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Host {
            ticket: text("ticket"),
            mirror: text("mirror"),
            gateway: text("gateway"),
            running,
        }
    }
}

/// A running host.
pub(crate) struct Host {
    pub(crate) ticket: String,
    pub(crate) mirror: String,
    pub(crate) gateway: String,
    pub(crate) running: Running,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The one object of JSON on stdout, beside those that tell of progress.
    pub(crate) fn result(&self) -> Value {
        let out = self.out();
        let values = out.lines().map(|line| {
            serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {out}"))
        });
        let mut results = values.filter(|value| value["event"] != "progress");
        let result = results.next();
        let result = result.unwrap_or_else(|| panic!("no result: {out}{}", self.stderr));
        assert!(results.next().is_none(), "more than one result: {out}");
        result
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Fails unless the error says all of `parts`.
    pub(crate) fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "{part:?} is not in: {}",
                self.stderr
            );
        }
    }
}

/// A process that goes on running; killed when it is dropped.
pub(crate) struct Running {
    process: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

impl Running {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let lines = read_lines(process.stdout.take().unwrap());
        let errors = read_lines(process.stderr.take().unwrap());
        Self {
            process,
            lines,
            errors,
        }
    }

    /// Waits for the JSON line with that event.
    pub(crate) fn event(&self, name: &str) -> Value {
        self.event_where(name, |_| true)
    }

    /// Waits for the JSON line with that event for which `is_it` holds.
    pub(crate) fn event_where(&self, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let what = format!("the event {name:?}");
        let find = |line: String| {
            let value: Value = serde_json::from_str(&line).unwrap();
            (value["event"] == name && is_it(&value)).then_some(value)
        };
        self.next_of(&self.lines, &what, find)
    }

    /// The first of what comes of which `find` makes something. Fails if that takes longer than [`LIMIT`].
    fn next_of<T>(
        &self,
        lines: &Receiver<String>,
        what: &str,
        find: impl Fn(String) -> Option<T>,
    ) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = lines.recv_timeout(left).unwrap_or_else(|e| {
                panic!("{what} has not come ({e}); it said: {}", self.stderr())
            });
            if let Some(found) = find(line) {
                return found;
            }
        }
    }

    /// Waits for the next line on stdout.
    #[cfg(unix)]
    pub(crate) fn line(&self) -> String {
        self.next_of(&self.lines, "a line", Some)
    }

    /// Waits for a line on stdout for which `is_it` holds.
    #[cfg(target_os = "linux")]
    pub(crate) fn line_where(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        self.next_of(&self.lines, what, |line| is_it(&line).then_some(line))
    }

    /// Waits for a line on stderr that contains `text`.
    pub(crate) fn error_line(&self, text: &str) {
        let what = format!("a line on stderr with {text:?}");
        let find = |line: String| line.contains(text).then_some(());
        self.next_of(&self.errors, &what, find);
    }

    fn stderr(&self) -> String {
        self.errors.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// Waits until it ends, and returns the most memory that it had, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(mut self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id());
        let (mut peak, end) = (0, Instant::now() + END);
        while self.process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it has not ended: {}", self.stderr());
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            // It never falls; a process that is ending says nothing of it any more.
            let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
            peak = kib.map_or(peak, |kib: u64| kib << 10);
        }
        assert!(self.wait("its end").success(), "{}", self.stderr());
        peak
    }

    /// Writes to its stdin, which must be a pipe.
    #[cfg(target_os = "linux")]
    pub(crate) fn type_in(&mut self, bytes: &[u8]) {
        let stdin = self.process.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
    }

    /// Waits until it ends, and returns its exit code.
    #[cfg(unix)]
    pub(crate) fn end(mut self) -> i32 {
        self.wait("its end").code().unwrap_or(-1)
    }

    fn wait(&mut self, what: &str) -> ExitStatus {
        wait_with_timeout(&mut self.process, what)
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as Ctrl-C does, and waits until it has ended.
    pub(crate) fn interrupt(mut self) {
        signal(self.process.id(), "-INT");
        self.wait("the end after SIGINT");
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.wait("the end after SIGKILL");
    }

    /// Ends it as a service manager does, and returns its exit code.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> i32 {
        signal(self.process.id(), "-TERM");
        self.wait("the end after SIGTERM").code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        // Nothing survives that, and a test that fails must not fail twice.
        let _ = self.process.wait();
    }
}

fn read_lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut line, mut before) = (Vec::new(), 0);
        for byte in BufReader::new(stream).bytes().map_while(Result::ok) {
            match byte {
                // A terminal ends a line with both, and begins it anew with the one alone.
                b'\n' if before == b'\r' => {}
                b'\n' | b'\r' => {
                    let whole = String::from_utf8_lossy(&line).into_owned();
                    if sender.send(whole).is_err() {
                        return;
                    }
                    line.clear();
                }
                _ => line.push(byte),
            }
            before = byte;
        }
        if !line.is_empty() {
            let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
    receiver
}

fn collect_files(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect_files(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

/// What a web server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// What the head says of `name`, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> &str {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        found
            .next()
            .unwrap_or_else(|| panic!("no {name}: {}", self.head))
            .1
    }
}

/// Sends a request as it stands to the server of `url`, for the host `host` if one is given.
pub(crate) fn http(method: &str, url: &str, host: Option<&str>) -> Answer {
    let fields: Vec<_> = host.map(|host| ("Host", host)).into_iter().collect();
    http_with(method, url, &fields)
}

/// Sends a request with those fields in its head.
pub(crate) fn http_with(method: &str, url: &str, fields: &[(&str, &str)]) -> Answer {
    http_body(method, url, fields, "")
}

/// Sends a request with those fields in its head, and a body.
pub(crate) fn http_body(method: &str, url: &str, fields: &[(&str, &str)], body: &str) -> Answer {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let port = authority.rsplit_once(':').unwrap().1;
    let to = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    let mut stream = TcpStream::connect_timeout(&to, LIMIT).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut request = format!("{method} /{path} HTTP/1.1\r\nConnection: close\r\n");
    if fields.iter().all(|(name, _)| *name != "Host") {
        request += &format!("Host: {authority}\r\n");
    }
    for (name, value) in fields {
        request += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        request += &format!("Content-Length: {}\r\n", body.len());
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    // Who refuses it may not read it to its end.
    let _ = stream.write_all(body.as_bytes());
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response);
    if response.is_empty() {
        read.unwrap();
    }
    let end = response.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&response[..end]).into_owned();
    let body = response[end + 4..].to_vec();
    let body = match head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        true => unchunk(&body),
        false => body,
    };
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head,
        body,
    }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let end = body.windows(2).position(|w| w == b"\r\n").unwrap();
        let size = std::str::from_utf8(&body[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
}

pub(crate) fn get(url: &str) -> Answer {
    http("GET", url, None)
}
