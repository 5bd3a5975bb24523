//! Reading a pack: its index from its end, then single frames.

use std::io;

use thiserror::Error;
use zstd::stream::raw::{DParameter, InBuffer, Operation, OutBuffer};

use super::{
    ENCRYPTION_NONE, END_MAGIC, FOOTER_LEN, FORMAT_VERSION, HEADER_LEN, Index, MAGIC, MAX_FRAME,
    MAX_INDEX, WINDOW_LOG,
};
use crate::archive::codec::{DecodeError, Problem};

/// Bytes that can be read from anywhere in them: a blob.
pub trait ReadAt {
    /// The `length` bytes from `offset` on; fewer only if the blob ends there.
    fn read_at(&self, offset: u64, length: u64) -> io::Result<Vec<u8>>;
}

/// Why a pack can't be read.
#[derive(Debug, Error)]
pub enum PackError {
    /// Its bytes can't be had.
    #[error("the pack can't be read: {0}")]
    Io(#[from] io::Error),
    /// It is not a pack.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A frame does not decompress to what the index says.
    #[error("a frame of the pack is damaged")]
    Frame,
}

const PACK: &str = "pack";

/// Reads the index of a pack of `size` bytes.
///
/// # Errors
///
/// If the blob can't be read or is not a pack.
pub fn read_index(pack: &impl ReadAt, size: u64) -> Result<Index, PackError> {
    let invalid = |why| PackError::Decode(DecodeError::invalid(PACK, why));
    if size < HEADER_LEN + FOOTER_LEN {
        return Err(invalid("it is too short"));
    }
    let header = read_exact(pack, 0, HEADER_LEN)?;
    if header[..8] != MAGIC[..] {
        return Err(invalid("it does not begin as one"));
    }
    if header[8] != FORMAT_VERSION {
        return Err(PackError::Decode(DecodeError {
            what: PACK,
            problem: Problem::UnknownVersion(header[8]),
        }));
    }
    if header[9] != ENCRYPTION_NONE {
        return Err(invalid(
            "it is encrypted in a way that this skep does not know",
        ));
    }
    if header[10..] != [0; 6] {
        return Err(invalid("its reserved bytes are set"));
    }
    let footer = read_exact(pack, size - FOOTER_LEN, FOOTER_LEN)?;
    let (length, magic) = footer.split_at(4);
    if magic != END_MAGIC {
        return Err(invalid("it does not end as one"));
    }
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let room = size - HEADER_LEN - FOOTER_LEN;
    if length > room.min(MAX_INDEX) {
        return Err(invalid("its index is too long"));
    }
    let index = read_exact(pack, size - FOOTER_LEN - length, length)?;
    Ok(Index::decode(&index, room - length)?)
}

/// Decompresses frames, one after the other: what it takes to do so is made once.
pub struct Decompressor(zstd::stream::raw::Decoder<'static>);

impl Decompressor {
    /// A decompressor.
    ///
    /// # Errors
    ///
    /// If there is not enough memory.
    pub fn new() -> io::Result<Self> {
        let mut decoder = zstd::stream::raw::Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self(decoder))
    }

    /// Decompresses a whole frame: exactly one, and nothing after it.
    ///
    /// # Errors
    ///
    /// As [`front`](Self::front); and if `frame` is not exactly one zstd frame.
    pub fn whole(&mut self, frame: &[u8], raw: u64) -> Result<Vec<u8>, PackError> {
        match zstd::zstd_safe::find_frame_compressed_size(frame) {
            Ok(length) if length == frame.len() => self.front(frame, raw),
            _ => Err(PackError::Frame),
        }
    }

    /// Decompresses a frame, or the front of one, to exactly `raw` bytes.
    ///
    /// # Errors
    ///
    /// If it does not decompress to as many. No more than `raw` bytes are ever allocated, and no more than
    /// [`MAX_FRAME`].
    pub fn front(&mut self, frame: &[u8], raw: u64) -> Result<Vec<u8>, PackError> {
        if raw > MAX_FRAME as u64 {
            return Err(PackError::Frame);
        }
        self.0.reinit()?;
        let mut bytes = vec![0; raw as usize];
        let mut from = InBuffer::around(frame);
        let mut to = OutBuffer::around(&mut bytes[..]);
        // A prefix of a frame has no end: it stops at the bytes that are wanted, and does not ask for more.
        while to.pos() < raw as usize {
            let before = (from.pos(), to.pos());
            let left = self.0.run(&mut from, &mut to);
            let left = left.map_err(|_| PackError::Frame)?;
            let is_over = left == 0 || (from.pos(), to.pos()) == before;
            if is_over && to.pos() < raw as usize {
                return Err(PackError::Frame);
            }
        }
        Ok(bytes)
    }
}

fn read_exact(pack: &impl ReadAt, offset: u64, length: u64) -> Result<Vec<u8>, PackError> {
    let bytes = pack.read_at(offset, length)?;
    if bytes.len() as u64 != length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(bytes)
}
