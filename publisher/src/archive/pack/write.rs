//! Writing a pack, front to back, in bounded memory.

use std::io::{self, Write};

use zstd::stream::write::Encoder;

use super::{
    ENCRYPTION_NONE, END_MAGIC, FORMAT_VERSION, FRAME_TARGET, MAGIC, MAX_OBJECT,
    index::{Frame, Index, Object, ObjectKind},
};
use crate::archive::hash::{ContentHash, NodeHash};

/// Writes a pack to `out`. Objects should come in the order in which they will be read together.
pub struct PackWriter<W> {
    out: W,
    index: Index,
    open: Option<OpenFrame>,
    policy: Policy,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The pack's length, in bytes.
    pub size: u64,
    /// Its index.
    pub index: Index,
}

/// A frame that is not full yet. Its bytes stay in memory: they are few.
struct OpenFrame {
    kind: ObjectKind,
    encoder: Encoder<'static, Vec<u8>>,
    frame: Frame,
    raw: usize,
}

/// How objects are compressed. It is the writer's alone: a reader takes any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// zstd's level.
    pub level: i32,
    /// A frame ends with the object by which it reaches this many bytes, uncompressed; at most
    /// [`FRAME_TARGET`].
    pub frame: usize,
}

impl Policy {
    /// What is published with: chosen by `cargo bench --bench packs`, see `benches/README.md`.
    pub const PUBLISH: Self = Self {
        level: 3,
        frame: FRAME_TARGET,
    };
}

impl<W: Write> PackWriter<W> {
    /// Begins a pack.
    ///
    /// # Errors
    ///
    /// If `out` can't be written to.
    pub fn new(out: W) -> io::Result<Self> {
        Self::with(out, Policy::PUBLISH)
    }

    /// Begins a pack that is compressed in another way.
    ///
    /// # Errors
    ///
    /// If `out` can't be written to.
    pub fn with(mut out: W, policy: Policy) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&[FORMAT_VERSION, ENCRYPTION_NONE, 0, 0, 0, 0, 0, 0])?;
        Ok(Self {
            out,
            index: Index::default(),
            open: None,
            policy,
        })
    }

    /// Adds a tree node.
    ///
    /// # Errors
    ///
    /// If `out` can't be written to.
    pub fn add_node(&mut self, hash: NodeHash, bytes: &[u8]) -> io::Result<()> {
        self.add(ObjectKind::Node, hash.0, bytes)
    }

    /// Adds a file of at most [`MAX_OBJECT`] bytes.
    ///
    /// # Errors
    ///
    /// If `out` can't be written to.
    pub fn add_file(&mut self, hash: ContentHash, bytes: &[u8]) -> io::Result<()> {
        self.add(ObjectKind::File, hash.0, bytes)
    }

    /// Ends the pack.
    ///
    /// # Errors
    ///
    /// If `out` can't be written to.
    pub fn finish(mut self) -> io::Result<Written> {
        self.end_frame()?;
        let index = self.index.encode();
        self.out.write_all(&index)?;
        let length = u32::try_from(index.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(END_MAGIC)?;
        self.out.flush()?;
        let frames: u64 = self.index.frames.iter().map(|f| f.compressed).sum();
        Ok(Written {
            size: super::HEADER_LEN + frames + index.len() as u64 + super::FOOTER_LEN,
            index: self.index,
        })
    }

    fn add(&mut self, kind: ObjectKind, hash: [u8; 32], bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > MAX_OBJECT {
            return Err(io::Error::other("too long for a pack"));
        }
        // Nodes and files are read at different times.
        if self.open.as_ref().is_some_and(|open| open.kind != kind) {
            self.end_frame()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(OpenFrame::new(kind, self.policy)?),
        };
        open.add(hash, bytes)?;
        if open.raw >= self.policy.frame.min(FRAME_TARGET) {
            self.end_frame()?;
        }
        Ok(())
    }

    fn end_frame(&mut self) -> io::Result<()> {
        if let Some(open) = self.open.take() {
            let bytes = open.encoder.finish()?;
            self.out.write_all(&bytes)?;
            let mut frame = open.frame;
            frame.compressed = bytes.len() as u64;
            self.index.frames.push(frame);
        }
        Ok(())
    }
}

impl OpenFrame {
    fn new(kind: ObjectKind, policy: Policy) -> io::Result<Self> {
        let mut encoder = Encoder::new(Vec::with_capacity(policy.frame / 2), policy.level)?;
        encoder.window_log(super::WINDOW_LOG)?;
        Ok(Self {
            kind,
            encoder,
            frame: Frame::default(),
            raw: 0,
        })
    }

    fn add(&mut self, hash: [u8; 32], bytes: &[u8]) -> io::Result<()> {
        self.encoder.write_all(bytes)?;
        self.encoder.flush()?;
        self.raw += bytes.len();
        self.frame.objects.push(Object {
            kind: self.kind,
            hash,
            size: bytes.len() as u64,
            prefix: self.encoder.get_ref().len() as u64,
        });
        Ok(())
    }
}
