//! Work that must not hang or end this process, in a child: this program again, with limits.
//!
//! The sources of others are programs of strangers, and a stylesheet can overflow the stack of its compiler. The child
//! limits itself before it reads anything (memory, time on the processor, files), gets its work on stdin and answers on
//! stdout. The parent waits until a deadline and kills it then. A child whose parent is gone ends too.

mod rehearsal;
mod style;

use std::{
    ffi::OsStr,
    fmt,
    io::{self, Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

pub(crate) use rehearsal::{Rehearsal, rehearse};
pub(crate) use style::compiler;

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    /// Renders all of a site, and writes nothing.
    Rehearse,
    /// Compiles one stylesheet.
    Style,
}

/// What a child may take.
struct Limits {
    time: Duration,
    memory: u64,
}

/// Why a child did not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ended {
    Time,
    Memory,
    Stack,
    Other(String),
}

/// What precedes the task among the arguments. It is for this program alone, and in no help text.
const MARK: &str = "--confined";
/// The most that a child may answer. A stylesheet of this size is none that a browser could show.
const MAX_ANSWER: u64 = 64 << 20;
/// What is read of a child's stderr, to find out why it ended.
const MAX_SAID: u64 = 64 << 10;
/// How long a child that has answered may take to end.
const FAREWELL: Duration = Duration::from_secs(2);
/// How many files a child may have open.
const FILES: u64 = 256;

impl Task {
    const ALL: [Self; 2] = [Self::Rehearse, Self::Style];

    fn name(self) -> &'static str {
        match self {
            Self::Rehearse => "rehearse",
            Self::Style => "style",
        }
    }

    fn limits(self) -> Limits {
        match self {
            // Ten thousand posts take 5 s and 400 MB in a release build.
            Self::Rehearse => Limits {
                time: Duration::from_secs(60),
                memory: 2 << 30,
            },
            // The largest frameworks take less than a second and 100 MB.
            Self::Style => Limits {
                time: Duration::from_secs(10),
                memory: 512 << 20,
            },
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => f.write_str("it takes too long"),
            Self::Memory => f.write_str("it takes too much memory"),
            Self::Stack => f.write_str("something in it calls itself without end"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// The work of a child, if this process is one.
pub(crate) fn asked() -> Option<impl FnOnce() -> ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != OsStr::new(MARK) {
        return None;
    }
    let name = args.next().unwrap_or_default();
    let task = Task::ALL.into_iter().find(|task| name == task.name());
    Some(move || match task.map(work) {
        Some(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Does the work of a child.
fn work(task: Task) -> io::Result<()> {
    confine(&task.limits())?;
    let mut stdin = io::stdin().lock();
    let mut length = [0; 8];
    stdin.read_exact(&mut length)?;
    let mut input = Vec::new();
    let length = u64::from_le_bytes(length);
    stdin.by_ref().take(length).read_to_end(&mut input)?;
    drop(stdin);
    thread::Builder::new().spawn(|| {
        // Nothing more comes: the read ends when the parent does.
        let _ = io::stdin().lock().read(&mut [0]);
        std::process::abort();
    })?;
    let answer = match task {
        Task::Rehearse => rehearsal::work(&input),
        Task::Style => skep_generator::compile_style(&input),
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(&answer)?;
    stdout.flush()
}

/// Limits what this process may take, as far as the system can.
fn confine(limits: &Limits) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rlimit::Resource;
        let seconds = limits.time.as_secs();
        for (resource, most) in [
            (Resource::CORE, 0),
            // What is written goes through pipes.
            (Resource::FSIZE, 0),
            (Resource::NOFILE, FILES),
            // All threads together.
            (Resource::CPU, seconds.saturating_mul(4)),
            (Resource::DATA, limits.memory),
            // Stacks and what the allocator reserves for threads count here, though hardly any of it is used.
            (Resource::AS, limits.memory.saturating_mul(8)),
        ] {
            let (_, hard) = match resource.get() {
                Ok(now) => now,
                // A system that does not know it.
                Err(_) => continue,
            };
            let most = most.min(hard);
            // Some systems have a limit and refuse to set it; time and size of the answer are limited in any case.
            let _ = resource.set(most, most);
        }
    }
    #[cfg(not(unix))]
    let _ = limits;
    Ok(())
}

/// Has a child do `task` with `input`, and returns its answer.
fn run(task: Task, input: Vec<u8>) -> Result<Vec<u8>, Ended> {
    let io = |e: io::Error| Ended::Other(format!("can't start a process for it: {e}"));
    let deadline = Instant::now() + task.limits().time;
    let mut child = Command::new(program().map_err(io)?)
        .args([MARK, task.name()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(io)?;
    let ends = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = ends else {
        return Err(Ended::Other("it has no pipes".to_owned()));
    };
    let (sender, answers) = mpsc::channel();
    let read = thread::Builder::new().spawn(move || {
        let _ = sender.send(read(stdout, MAX_ANSWER));
    });
    let said = thread::Builder::new().spawn(move || read_all(stderr));
    // It stays open until the child has ended: when it closes, the child ends.
    let wrote = thread::Builder::new().spawn(move || {
        let length = (input.len() as u64).to_le_bytes();
        let _ = stdin
            .write_all(&length)
            .and_then(|()| stdin.write_all(&input));
        stdin
    });
    let answer = match (&read, &wrote) {
        (Ok(_), Ok(_)) => answers.recv_timeout(deadline.saturating_duration_since(Instant::now())),
        _ => Err(RecvTimeoutError::Disconnected),
    };
    let status = match answer {
        Ok(_) => wait(&mut child, deadline.max(Instant::now() + FAREWELL)),
        Err(_) => None,
    };
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let said = said
        .ok()
        .and_then(|said| said.join().ok())
        .unwrap_or_default();
    match (answer, status) {
        (Ok(Ok(answer)), Some(status)) if status.success() => Ok(answer),
        (Ok(Err(_)), _) => Err(Ended::Memory),
        (_, None) => Err(Ended::Time),
        (_, Some(status)) => Err(why(status, &said)),
    }
}

/// Waits until the child has ended; `None` if it has not at `deadline`.
fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
            _ => return None,
        }
    }
}

/// This program, also if its file was replaced meanwhile.
fn program() -> io::Result<PathBuf> {
    let own = PathBuf::from("/proc/self/exe");
    match cfg!(target_os = "linux") && own.exists() {
        true => Ok(own),
        false => std::env::current_exe(),
    }
}

/// All that comes from a child; an error if that is more than `most`.
fn read(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

/// The start of what a child says; the rest is thrown away, so that the child does not wait for a reader.
fn read_all(mut from: impl Read) -> String {
    let mut said = Vec::new();
    let _ = from.by_ref().take(MAX_SAID).read_to_end(&mut said);
    let _ = io::copy(&mut from, &mut io::sink());
    String::from_utf8_lossy(&said).into_owned()
}

/// Why a child ended that has said this on stderr.
fn why(status: ExitStatus, said: &str) -> Ended {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    // The numbers are the same on all Unix systems: SIGABRT, SIGKILL, SIGSEGV, SIGXCPU.
    match signal {
        Some(24) => Ended::Time,
        _ if said.contains("overflowed its stack") => Ended::Stack,
        _ if said.contains("memory allocation") || said.contains("out of memory") => Ended::Memory,
        Some(11) => Ended::Stack,
        // Not killed by this process: a system without memory does that.
        Some(9) => Ended::Memory,
        _ => Ended::Other(format!("it ended with {status}")),
    }
}
