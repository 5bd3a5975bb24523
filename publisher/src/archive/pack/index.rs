//! The index of a pack: which object lies where.

use super::{FRAME_TARGET, HEADER_LEN, MAX_COMPRESSED, MAX_FRAME, MAX_OBJECT};
use crate::archive::codec::{DecodeError, Problem, Reader, put_uint};

/// The index of a pack, in the order of the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// The frames.
    pub frames: Vec<Frame>,
}

/// One zstd frame of a pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Its length in the pack, in bytes.
    pub compressed: u64,
    /// What lies in it.
    pub objects: Vec<Object>,
}

/// A file or a tree node in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Which of the two, and so which hash it is.
    pub kind: ObjectKind,
    /// Its hash.
    pub hash: [u8; 32],
    /// Its length, uncompressed, in bytes.
    pub size: u64,
    /// How many bytes of the frame, from its start, decompress to everything up to the object's end.
    pub prefix: u64,
}

/// What an object in a pack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A tree node, named by its [`NodeHash`](crate::archive::hash::NodeHash).
    Node,
    /// A file, named by its [`ContentHash`](crate::archive::hash::ContentHash).
    File,
}

/// Where an object lies in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Where its frame begins in the pack.
    pub frame_start: u64,
    /// The length of its frame in the pack.
    pub frame_len: u64,
    /// The length of its frame, uncompressed.
    pub frame_raw: u64,
    /// How much of the frame has to be read for it, from its start.
    pub prefix: u64,
    /// Where it begins in the uncompressed frame.
    pub offset: u64,
    /// Its length.
    pub size: u64,
}

const INDEX: &str = "pack index";
/// The most frames of a pack.
const MAX_FRAMES: usize = 1 << 20;
/// The most objects of a frame. Only empty files would make more.
const MAX_OBJECTS: usize = FRAME_TARGET;

impl Frame {
    /// Its length, uncompressed.
    pub fn raw(&self) -> u64 {
        self.objects.iter().map(|object| object.size).sum()
    }
}

impl Index {
    /// Where the first frame begins in a pack.
    pub const FRAMES: u64 = HEADER_LEN;

    /// Every object with its place.
    pub fn places(&self) -> impl Iterator<Item = (&Object, Place)> {
        let mut start = Self::FRAMES;
        self.frames.iter().flat_map(move |frame| {
            let frame_start = start;
            start += frame.compressed;
            let frame_raw = frame.raw();
            let mut offset = 0;
            frame.objects.iter().map(move |object| {
                let place = Place {
                    frame_start,
                    frame_len: frame.compressed,
                    frame_raw,
                    prefix: object.prefix,
                    offset,
                    size: object.size,
                };
                offset += object.size;
                (object, place)
            })
        })
    }

    /// The index's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_uint(&mut out, self.frames.len() as u64);
        for frame in &self.frames {
            put_uint(&mut out, frame.compressed);
            put_uint(&mut out, frame.objects.len() as u64);
            let mut before = 0;
            for object in &frame.objects {
                out.push(match object.kind {
                    ObjectKind::Node => 1,
                    ObjectKind::File => 2,
                });
                out.extend_from_slice(&object.hash);
                put_uint(&mut out, object.size);
                put_uint(&mut out, object.prefix - before);
                before = object.prefix;
            }
        }
        out
    }

    /// Reads the index of a pack whose frames have `frames_len` bytes together.
    ///
    /// # Errors
    ///
    /// If the bytes are not an index, or one that does not fit to the frames.
    pub fn decode(bytes: &[u8], frames_len: u64) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(INDEX, bytes);
        let count = reader.count("frames", MAX_FRAMES, 2)?;
        let frames = (0..count)
            .map(|_| read_frame(&mut reader, frames_len))
            .collect::<Result<Vec<_>, _>>()?;
        let total = frames
            .iter()
            .try_fold(0u64, |sum, frame| sum.checked_add(frame.compressed));
        reader.ensure(
            total == Some(frames_len),
            "its frames are not as long as the pack's",
        )?;
        reader.finish()?;
        Ok(Self { frames })
    }
}

fn read_frame(reader: &mut Reader<'_>, frames_len: u64) -> Result<Frame, DecodeError> {
    let compressed = reader.uint_at_most("frame length", frames_len.min(MAX_COMPRESSED))?;
    let count = reader.count("objects", MAX_OBJECTS, 35)?;
    let mut objects = Vec::with_capacity(count);
    let mut prefix = 0u64;
    let mut raw = 0u64;
    for _ in 0..count {
        let kind = match reader.byte()? {
            1 => ObjectKind::Node,
            2 => ObjectKind::File,
            _ => return Err(reader.error(Problem::Invalid("unknown kind of object"))),
        };
        let hash = reader.array()?;
        let size = reader.uint_at_most("object size", MAX_OBJECT as u64)?;
        prefix += reader.uint_at_most("object's bytes in its frame", compressed - prefix)?;
        raw += size;
        objects.push(Object {
            kind,
            hash,
            size,
            prefix,
        });
    }
    reader.ensure(compressed > 0 && count > 0, "a frame is empty")?;
    reader.ensure(raw <= MAX_FRAME as u64, "a frame is too long")?;
    Ok(Frame {
        compressed,
        objects,
    })
}
