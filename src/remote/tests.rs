//! A node and a command, each at its end of a pair of sockets.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use clap::Parser;
use skep_publisher::home::Home;
use zeroize::Zeroizing;

use super::{
    Asked, client,
    frames::{self, MAX_FRAME, MAX_PIECE, Request, ToClient, ToServer},
    place::Socket,
    server::{MOST, converse, serve},
};
use crate::{
    cli::Cli,
    error::Exit,
    output::{At, Output, Phase, Stream, Unit, Voice},
    shell::Ended,
};

/// A terminal at which somebody sits who answers everything, and whose stdout is full after some bytes.
#[derive(Default)]
struct Person {
    seen: Arc<Mutex<Vec<String>>>,
    room: usize,
}

impl Person {
    fn sees(&self, what: String) {
        self.seen.lock().unwrap().push(what);
    }
}

impl Voice for Person {
    fn text(&self, stream: Stream, text: &str) -> io::Result<()> {
        self.sees(format!("{stream:?} {text}"));
        Ok(())
    }

    fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        self.sees(format!("{} bytes", bytes.len()));
        match bytes.len() <= self.room {
            true => Ok(()),
            false => Err(io::Error::other("no room")),
        }
    }

    fn is_terminal(&self, stream: Stream) -> bool {
        stream == Stream::Err
    }

    fn ask(&self, question: &str) -> Option<String> {
        (question != "silence?").then(|| format!("to {question}"))
    }

    fn ask_secret(&self, prompt: &str) -> Option<io::Result<Zeroizing<String>>> {
        Some(match prompt {
            "broken" => Err(io::Error::other("no keys")),
            _ => Ok(Zeroizing::new("hunter2".to_owned())),
        })
    }

    fn execute(&self, dir: &Path, command: &str, is_shown: bool) -> io::Result<Ended> {
        match command {
            "missing" => Err(io::Error::other("no such program")),
            _ => Ok(Ended {
                success: false,
                code: None,
                words: format!("{command} in {} {is_shown}", dir.display()),
                last: b"last".to_vec(),
            }),
        }
    }

    fn progress(&self, at: Option<&At>) {
        self.sees(at.map_or("nothing".to_owned(), At::words));
    }
}

const FAR: At = At {
    phase: Phase::Fetch,
    done: 12_000_000,
    total: Some(48_000_000),
    unit: Unit::Bytes,
};

fn request() -> Request {
    Request {
        args: vec![b"skep".to_vec(), b"status".to_vec(), vec![0xff]],
        folder: b"/folder".to_vec(),
        home: b"/home".to_vec(),
        terminals: [false, true],
    }
}

/// A node that does `run` for whoever is at the other end.
fn node(run: impl Fn(Asked) -> Exit + Send + 'static) -> (UnixStream, JoinHandle<io::Result<()>>) {
    let (here, there) = UnixStream::pair().unwrap();
    // Whatever is waited for here comes; if it does not, that is an error and not silence.
    here.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let node = thread::spawn(move || {
        let end = there.try_clone()?;
        let done = converse(there, &run);
        end.shutdown(std::net::Shutdown::Both)?;
        done
    });
    (here, node)
}

/// The same, with a command that has said what it wants.
fn asked(run: impl Fn(Asked) -> Exit + Send + 'static) -> (UnixStream, JoinHandle<io::Result<()>>) {
    let (mut stream, node) = node(run);
    frames::greet(&mut stream).unwrap();
    assert!(frames::is_greeted(&mut stream).unwrap());
    frames::write(&mut stream, &request()).unwrap();
    (stream, node)
}

/// What `run` sees of a person who has asked for it, and what that person sees.
fn with_person(
    run: impl Fn(Asked) -> Exit + Send + 'static,
    room: usize,
) -> (io::Result<Exit>, Vec<String>) {
    let (mut stream, node) = asked(run);
    let person = Person {
        room,
        ..Person::default()
    };
    let seen = person.seen.clone();
    let global = Cli::try_parse_from(["skep", "status"]).unwrap().global;
    let exit = client::serve(&mut stream, &Output::to(&global, Arc::new(person)));
    node.join().unwrap().unwrap();
    let seen = seen.lock().unwrap().clone();
    (exit, seen)
}

#[test]
fn everything_that_a_voice_does_reaches_the_person() {
    let (sender, saw) = mpsc::channel();
    let long = "é".repeat(MAX_PIECE);
    let length = long.len();
    let run = move |asked: Asked| {
        let voice = asked.voice;
        voice.text(Stream::Out, "one\n").unwrap();
        voice.text(Stream::Err, "two\n").unwrap();
        voice.text(Stream::Out, &long).unwrap();
        voice.raw(&vec![7; MAX_PIECE + 1]).unwrap();
        voice.progress(Some(&FAR));
        voice.progress(None);
        let ended = |command| {
            let ended = voice.execute(Path::new("/site"), command, true);
            ended
                .map(|ended| format!("{ended:?}"))
                .map_err(|e| e.to_string())
        };
        let secret = |prompt| {
            let secret = voice.ask_secret(prompt).unwrap();
            secret
                .map(|secret| secret.to_string())
                .map_err(|e| e.to_string())
        };
        let said = vec![
            format!("{:?} {:?} {:?}", asked.args, asked.folder, asked.home),
            format!(
                "{:?}",
                [Stream::Out, Stream::Err].map(|s| voice.is_terminal(s))
            ),
            format!("{:?} {:?}", voice.ask("why?"), voice.ask("silence?")),
            format!("{:?} {:?}", secret("word"), secret("broken")),
            format!("{:?} {:?}", ended("make"), ended("missing")),
        ];
        sender.send(said).unwrap();
        Exit::Unconfirmed
    };
    let (exit, seen) = with_person(run, MAX_PIECE);
    assert_eq!(exit.unwrap(), Exit::Unconfirmed);
    assert_eq!(
        saw.recv().unwrap(),
        [
            r#"["skep", "status", "\xFF"] "/folder" "/home""#,
            "[false, true]",
            r#"Some("to why?") None"#,
            r#"Ok("hunter2") Err("no keys")"#,
            r#"Ok("Ended { success: false, code: None, words: \"make in /site true\", last: [108, 97, 115, 116] }") Err("no such program")"#,
        ]
    );
    assert_eq!(seen[..2], ["Out one\n", "Err two\n"]);
    let pieces: Vec<&String> = seen[2..].iter().filter(|s| s.starts_with("Out ")).collect();
    assert!(pieces.len() > 1);
    let whole: usize = pieces.iter().map(|piece| piece.len() - "Out ".len()).sum();
    assert_eq!(whole, length);
    let last = ["262144 bytes", "1 bytes", "fetching 12 of 48 MB", "nothing"];
    assert_eq!(seen[seen.len() - 4..], last);
}

#[test]
fn what_can_not_be_written_is_told_to_the_command() {
    let run = |asked: Asked| {
        let error = asked.voice.raw(b"12345").unwrap_err();
        assert_eq!(error.to_string(), "no room");
        Exit::Failed
    };
    assert_eq!(with_person(run, 4).0.unwrap(), Exit::Failed);
}

/// The answer to a question, and whether whoever was asked is gone.
type Heard = (Option<String>, bool);

/// A command that asks a question, and what it hears.
fn asks() -> (impl Fn(Asked) -> Exit + Send + 'static, Receiver<Heard>) {
    let (sender, heard) = mpsc::channel();
    let run = move |mut asked: Asked| {
        let answer = asked.voice.ask("why?");
        let gone = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(asked.gone.wait_for(|gone| *gone))
            .is_ok();
        sender.send((answer, gone)).unwrap();
        Exit::Done
    };
    (run, heard)
}

#[test]
fn a_person_who_leaves_answers_nothing() {
    let (run, heard) = asks();
    let (mut stream, node) = asked(run);
    let question: ToClient = frames::read(&mut stream).unwrap();
    assert_eq!(question, ToClient::Ask("why?".into()));
    drop(stream);
    assert_eq!(heard.recv().unwrap(), (None, true));
    let _ = node.join().unwrap();
}

#[test]
fn what_is_no_answer_is_none() {
    // Bytes, a length that nobody has, and more answers than there are questions.
    let mut flood = Vec::new();
    for _ in 0..1000 {
        frames::write(&mut flood, &ToServer::Answer(Some(Ok("yes".into())))).unwrap();
    }
    let endless = u32::MAX.to_be_bytes();
    let wild: [&[u8]; 3] = [&[0, 0, 0, 2, 99, 99], &endless, &flood];
    for (n, bytes) in wild.iter().enumerate() {
        let (run, heard) = asks();
        let (mut stream, node) = asked(run);
        let _: ToClient = frames::read(&mut stream).unwrap();
        // It may hang up before all of it is written.
        let _ = stream.write_all(bytes);
        let (answer, gone) = heard.recv().unwrap();
        assert!(gone, "{n}");
        assert!(answer.is_none() || n == 2, "{n}: {answer:?}");
        let _ = node.join().unwrap();
    }
}

#[test]
fn who_does_not_greet_gets_nothing_done() {
    let mut greeted = Vec::new();
    frames::greet(&mut greeted).unwrap();
    let mut other = 12_u32.to_be_bytes().to_vec();
    other.extend(b"skep 9.9.9 1");
    let too_long = (MAX_FRAME as u32 + 1).to_be_bytes();
    for bytes in [
        other,
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 4],
        [&greeted[..], &too_long].concat(),
        [&greeted[..], &[0, 0, 0, 3, 9, 9, 9]].concat(),
        greeted[..3].to_vec(),
    ] {
        let (mut stream, node) = node(|_| panic!("nobody has asked for it"));
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        // It has said what it is, and no more.
        assert_eq!(answer, greeted);
        let _ = node.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_commands_are_done_at_once_and_no_more() {
    let world = tempfile::tempdir().unwrap();
    let home = Home::new(world.path());
    let serving = serve(Socket::open(&home).unwrap(), |_| Exit::Done).unwrap();
    let connect = || {
        let stream = UnixStream::connect(super::path(home.root())).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    };
    // They are let in, and say nothing.
    let mut let_in: Vec<UnixStream> = (0..MOST).map(|_| connect()).collect();
    for stream in &mut let_in {
        assert!(frames::is_greeted(stream).unwrap());
    }
    let mut waiting = connect();
    waiting.set_nonblocking(true).unwrap();
    let error = waiting.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    waiting.set_nonblocking(false).unwrap();
    drop(let_in.pop());
    assert!(frames::is_greeted(&mut waiting).unwrap());
    // The end leaves nobody waiting.
    serving.end().await;
    for mut stream in let_in {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    assert!(!super::path(home.root()).exists());
}

#[test]
fn a_node_that_ends_early_is_an_error() {
    let (here, mut there) = UnixStream::pair().unwrap();
    let mut said = Vec::new();
    frames::write(&mut said, &ToClient::Out("half".into())).unwrap();
    there.write_all(&said[..said.len() - 1]).unwrap();
    drop(there);
    let global = Cli::try_parse_from(["skep", "status"]).unwrap().global;
    let mut here = here;
    let ended = client::serve(&mut here, &Output::to(&global, Arc::new(Person::default())));
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}
