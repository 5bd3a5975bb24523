//! Facts about images.

use super::{Part, Review};
use crate::{
    archive::tree::{Change, File},
    snapshot::Source,
    store::{Reader, Store},
};

/// How large an image is, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSize {
    /// How wide.
    pub width: u32,
    /// How high.
    pub height: u32,
}

/// So many of an image's first bytes say its size, however long its metadata are; in most the first few do.
const HEADS: [u64; 2] = [4 << 10, 256 << 10];

/// The size of a stored image. `None` also if it can't be read: these are facts beside the matter.
pub fn stored_image(reader: &Reader, file: &File) -> Option<ImageSize> {
    probe(file, |length| reader.range(file, 0, length).ok())
}

impl Review {
    /// The sizes of the image at a changed path of a part of this review, before and after.
    pub fn images(&self, store: &Store, part: &Part, change: &Change) -> [Option<ImageSize>; 2] {
        let stored = |file: &File| {
            let state = self.state.as_ref()?;
            stored_image(&Reader::new(store, state), file)
        };
        let new = change
            .new
            .as_ref()
            .and_then(|new| match part.file(&change.path)?.source {
                Source::Store => stored(new),
                Source::Disk(_) => probe(new, |length| part.head(change, length).ok()?),
            });
        [change.old.as_ref().and_then(stored), new]
    }
}

fn probe(file: &File, read: impl Fn(u64) -> Option<Vec<u8>>) -> Option<ImageSize> {
    let media_type = file.media_type.as_str();
    if !media_type.starts_with("image/") || media_type == "image/svg+xml" {
        return None;
    }
    HEADS.iter().find_map(|length| image_size(&read(*length)?))
}

/// The size of the image that begins with these bytes; `None` if this is none, or none of a kind that
/// browsers show.
pub fn image_size(head: &[u8]) -> Option<ImageSize> {
    let size = imagesize::blob_size(head).ok()?;
    Some(ImageSize {
        width: u32::try_from(size.width).ok()?,
        height: u32::try_from(size.height).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use proptest::prelude::*;

    use super::*;

    /// The smallest images of each kind that programs write: 3 pixels wide, 2 high, without pixels.
    fn images() -> Vec<Vec<u8>> {
        let png = [
            &b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..],
            &[0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0],
        ];
        let jpeg = [
            &b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"[..],
            b"\xff\xc0\0\x11\x08\0\x02\0\x03\x03\x01\x11\0\x02\x11\x01\x03\x11\x01",
        ];
        let webp = [
            &b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0"[..],
            &[2, 0, 0, 1, 0, 0],
        ];
        vec![
            png.concat(),
            jpeg.concat(),
            b"GIF89a\x03\0\x02\0\0\0\0".to_vec(),
            webp.concat(),
            BASE64
                .decode(b"AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAAA8bWV0YQAAAAAAAAAwaXBycAAAAChpcGNvAAAAFGlzcGUAAAAAAAAAAwAAAAIAAAAMcGl4aQAAAAA=")
                .unwrap(),
        ]
    }

    #[test]
    fn images_of_the_web_say_their_size() {
        let size = Some(ImageSize {
            width: 3,
            height: 2,
        });
        for image in images() {
            assert_eq!(image_size(&image), size, "{}", image.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_image_has_no_size() {
        assert_eq!(image_size(b""), None);
        assert_eq!(image_size(b"<!doctype html><title>T</title>"), None);
        for image in images() {
            assert_eq!(image_size(&image[..9]), None);
        }
    }

    proptest! {
        #[test]
        fn damaged_images_are_no_error(
            kind in 0usize..5,
            at in any::<proptest::sample::Index>(),
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            cut in any::<proptest::sample::Index>(),
        ) {
            let mut image = images().swap_remove(kind);
            let at = at.index(image.len());
            image.splice(at..(at + bytes.len()).min(image.len()), bytes);
            image_size(&image[..cut.index(image.len() + 1)]);
        }
    }
}
