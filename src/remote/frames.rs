//! The messages between a command and the node that does its work.
//!
//! A frame is its length (4 bytes, big-endian) and that many bytes. The first in each direction is the name of
//! the protocol, as text: that much stays the same in every version of skep, so that two versions can tell
//! each other what they are. All others are messages in postcard: one [`Request`], then [`ToClient`] there and
//! [`ToServer`] back.

use std::io::{self, ErrorKind, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::output::At;

/// The version of the program, and the number of this format.
pub(super) const PROTOCOL: &str = concat!("skep ", env!("CARGO_PKG_VERSION"), " 2");

/// The longest frame, in bytes.
pub(super) const MAX_FRAME: usize = 1 << 20;

/// So many bytes of output are one frame at most.
pub(super) const MAX_PIECE: usize = 256 << 10;

/// What a command is to do, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    /// The arguments, the name of the program first.
    pub(super) args: Vec<Vec<u8>>,
    /// The folder from which the client was started.
    pub(super) folder: Vec<u8>,
    /// The home, as the client names it.
    pub(super) home: Vec<u8>,
    /// Whether a person sees what it writes to stdout, and to stderr.
    pub(super) terminals: [bool; 2],
}

/// What the client has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToClient {
    /// Write text to stdout.
    Out(String),
    /// Write text to stderr.
    Err(String),
    /// Write these bytes to stdout. Answered by [`ToServer::Written`].
    Raw(Vec<u8>),
    /// Show a question and read a line. Answered by [`ToServer::Answer`].
    Ask(String),
    /// The same, and do not show what is typed.
    AskSecret(String),
    /// Run a command in a folder. Answered by [`ToServer::Executed`].
    Execute {
        /// The folder.
        dir: Vec<u8>,
        /// What the shell is to run.
        command: String,
        /// Whether what it says goes to stderr.
        is_shown: bool,
    },
    /// End with this exit code.
    End(u8),
    /// Show how far the work is; `None` when it is over.
    Progress(Option<At>),
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToServer {
    /// Whether it was written; else why not.
    Written(Result<(), String>),
    /// The line; `None` if there is nobody to ask, or why it could not be read.
    Answer(Option<Result<String, String>>),
    /// How the command has ended, or why it could not be run.
    Executed(Result<Executed, String>),
}

/// How a command of another program has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Executed {
    pub(super) success: bool,
    pub(super) code: Option<i32>,
    pub(super) words: String,
    pub(super) last: Vec<u8>,
}

/// Sends the first frame.
pub(super) fn greet(to: &mut impl Write) -> io::Result<()> {
    write_bytes(to, PROTOCOL.as_bytes())
}

/// Reads the first frame, and says whether the other end speaks the same protocol.
pub(super) fn is_greeted(from: &mut impl Read) -> io::Result<bool> {
    Ok(read_bytes(from, 256)?.as_slice() == PROTOCOL.as_bytes())
}

/// Sends a message.
pub(super) fn write(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_allocvec(message).map_err(io::Error::other)?;
    // It may be a secret.
    write_bytes(to, &Zeroizing::new(bytes))
}

/// Reads a message.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let bytes = read_bytes(from, MAX_FRAME)?;
    match postcard::take_from_bytes(&bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(invalid("that is no message")),
    }
}

fn write_bytes(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok();
    let Some(length) = length.filter(|_| bytes.len() <= MAX_FRAME) else {
        return Err(invalid("the message is too long"));
    };
    // In one piece: the other end wakes up once.
    let mut frame = Zeroizing::new(Vec::with_capacity(4 + bytes.len()));
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(bytes);
    to.write_all(&frame)
}

/// Reads a frame of at most `limit` bytes.
fn read_bytes(from: &mut impl Read, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > limit {
        return Err(invalid("the message is too long"));
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::{Phase, Unit};

    fn framed(message: &impl Serialize) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, message).unwrap();
        bytes
    }

    #[test]
    fn a_length_is_believed_only_as_far_as_the_limit() {
        for length in [MAX_FRAME as u32 + 1, u32::MAX] {
            let error = read::<ToClient>(&mut &length.to_be_bytes()[..]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
        let error = read::<ToClient>(&mut &[0, 0, 0, 9, 1][..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        let long = ToClient::Raw(vec![0; MAX_FRAME]);
        assert!(write(&mut Vec::new(), &long).is_err());
    }

    #[test]
    fn another_protocol_is_told_from_ours() {
        let mut ours = Vec::new();
        greet(&mut ours).unwrap();
        assert!(is_greeted(&mut ours.as_slice()).unwrap());
        let mut other = Vec::new();
        write_bytes(&mut other, b"skep 9.9.9 1").unwrap();
        assert!(!is_greeted(&mut other.as_slice()).unwrap());
        assert!(is_greeted(&mut &[0, 0, 255, 0][..]).is_err());
    }

    /// Reads bytes as a stream of messages; whatever is read is written as it was read.
    fn reads<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> usize {
        let mut rest = bytes;
        let mut read_so_far = 0;
        while let Ok(message) = read::<T>(&mut rest) {
            read_so_far += 1;
            let again = framed(&message);
            // The same value may be written in more than one way, of which ours is one.
            let third: T = read(&mut again.as_slice()).unwrap();
            assert_eq!(framed(&third), again);
        }
        read_so_far
    }

    proptest! {
        #[test]
        fn whatever_another_process_sends_is_a_message_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            is_framed: bool,
            at: prop::sample::Index,
            byte: u8,
        ) {
            let mut bytes = match is_framed {
                true => [&(bytes.len() as u32).to_be_bytes()[..], &bytes].concat(),
                false => bytes,
            };
            reads::<Request>(&bytes);
            reads::<ToClient>(&bytes);
            reads::<ToServer>(&bytes);
            // And what is nearly right.
            let execute = ToClient::Execute { dir: vec![1; 9], command: "make".into(), is_shown: true };
            bytes = framed(&execute);
            prop_assert_eq!(reads::<ToClient>(&bytes), 1);
            *at.get_mut(&mut bytes) = byte;
            reads::<ToClient>(&bytes);
            reads::<ToServer>(&bytes);
        }

        #[test]
        fn a_message_comes_out_as_it_went_in(
            args: Vec<Vec<u8>>,
            folder: Vec<u8>,
            terminals: [bool; 2],
            text: String,
            code: Option<i32>,
        ) {
            let request = Request { args, home: folder.clone(), folder: folder.clone(), terminals };
            prop_assert_eq!(&read::<Request>(&mut framed(&request).as_slice()).unwrap(), &request);
            let execute = ToClient::Execute { dir: folder.clone(), command: text.clone(), is_shown: terminals[0] };
            let at = At { phase: Phase::Fetch, done: 1 << 40, total: code.map(|_| 1 << 50), unit: Unit::Bytes };
            let progress = ToClient::Progress(Some(at));
            for message in [ToClient::Out(text.clone()), ToClient::Raw(folder.clone()), execute, ToClient::End(3), ToClient::Progress(None), progress] {
                prop_assert_eq!(&read::<ToClient>(&mut framed(&message).as_slice()).unwrap(), &message);
            }
            let executed = Executed { success: terminals[1], code, words: text.clone(), last: folder };
            for message in [
                ToServer::Written(Err(text.clone())),
                ToServer::Answer(Some(Ok(text.clone()))),
                ToServer::Answer(None),
                ToServer::Executed(Ok(executed)),
            ] {
                prop_assert!(read::<ToServer>(&mut framed(&message).as_slice()).unwrap() == message);
            }
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes: Vec<u8>) {
            let mut frame = Vec::new();
            write_bytes(&mut frame, &bytes).unwrap();
            let _ = read::<Request>(&mut frame.as_slice());
            let _ = read::<ToClient>(&mut frame.as_slice());
            let _ = read::<ToServer>(&mut frame.as_slice());
            let _ = read::<ToServer>(&mut bytes.as_slice());
        }
    }
}
