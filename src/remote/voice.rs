//! The voice of a command that is done here for another process.

use std::{
    io::{self, ErrorKind},
    os::unix::{ffi::OsStrExt, net::UnixStream},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError, mpsc::Receiver},
};

use zeroize::Zeroizing;

use super::frames::{self, MAX_PIECE, ToClient, ToServer};
use crate::{
    output::{At, Stream, Voice},
    shell::Ended,
};

/// The other process: it writes, asks, and runs what it is told to.
pub(super) struct Remote {
    /// Where messages go.
    stream: Mutex<UnixStream>,
    /// What comes back. Closed when the other process is gone.
    answers: Mutex<Receiver<ToServer>>,
    /// Whether a person sees its stdout, and its stderr.
    terminals: [bool; 2],
}

impl Remote {
    pub(super) fn new(
        stream: UnixStream,
        answers: Receiver<ToServer>,
        terminals: [bool; 2],
    ) -> Self {
        Self {
            stream: Mutex::new(stream),
            answers: Mutex::new(answers),
            terminals,
        }
    }

    /// Sends the last message: how the command has ended.
    pub(super) fn end(&self, code: u8) {
        // It may be gone.
        let _ = self.send(&ToClient::End(code));
    }

    fn send(&self, message: &ToClient) -> io::Result<()> {
        frames::write(&mut *lock(&self.stream), message)
    }

    /// Sends a message and waits for what comes of it; an error if the other process is gone.
    fn exchange(&self, message: &ToClient) -> io::Result<ToServer> {
        // One question at a time: answers have no number.
        let answers = lock(&self.answers);
        self.send(message)?;
        answers.recv().map_err(|_| gone())
    }
}

impl Voice for Remote {
    fn text(&self, stream: Stream, text: &str) -> io::Result<()> {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_PIECE));
            self.send(&match stream {
                Stream::Out => ToClient::Out(piece.to_owned()),
                Stream::Err => ToClient::Err(piece.to_owned()),
            })?;
            rest = after;
        }
        Ok(())
    }

    fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(MAX_PIECE) {
            match self.exchange(&ToClient::Raw(piece.to_owned()))? {
                ToServer::Written(written) => written.map_err(io::Error::other)?,
                _ => return Err(wrong()),
            }
        }
        Ok(())
    }

    fn is_terminal(&self, stream: Stream) -> bool {
        match stream {
            Stream::Out => self.terminals[0],
            Stream::Err => self.terminals[1],
        }
    }

    fn ask(&self, question: &str) -> Option<String> {
        match self.exchange(&ToClient::Ask(question.to_owned())).ok()? {
            ToServer::Answer(answer) => answer?.ok(),
            _ => None,
        }
    }

    fn ask_secret(&self, prompt: &str) -> Option<io::Result<Zeroizing<String>>> {
        match self
            .exchange(&ToClient::AskSecret(prompt.to_owned()))
            .ok()?
        {
            ToServer::Answer(answer) => Some(answer?.map(Zeroizing::new).map_err(io::Error::other)),
            _ => None,
        }
    }

    fn execute(&self, dir: &Path, command: &str, is_shown: bool) -> io::Result<Ended> {
        let message = ToClient::Execute {
            dir: dir.as_os_str().as_bytes().to_owned(),
            command: command.to_owned(),
            is_shown,
        };
        match self.exchange(&message)? {
            ToServer::Executed(Ok(ended)) => Ok(Ended {
                success: ended.success,
                code: ended.code,
                words: ended.words,
                last: ended.last,
            }),
            ToServer::Executed(Err(why)) => Err(io::Error::other(why)),
            _ => Err(wrong()),
        }
    }

    fn progress(&self, at: Option<&At>) {
        // If it is gone, the command ends anyway.
        let _ = self.send(&ToClient::Progress(at.copied()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gone() -> io::Error {
    io::Error::new(
        ErrorKind::BrokenPipe,
        "the command that has asked for it is gone",
    )
}

fn wrong() -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        "the command that has asked for it answered something else",
    )
}
