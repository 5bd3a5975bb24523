//! How large images are shown: their width and height, turned as their metadata says.
//!
//! Cameras store a photo as the sensor lies, and note how it was held; browsers turn it. Formats:
//! TIFF 6.0 with tag 274 of EXIF (CIPA DC-008), in JPEG's APP1 segment, in PNG's `eXIf` chunk and in
//! WebP's `EXIF` chunk. In AVIF and HEIF browsers go by the box `irot` alone, as `imagesize` does.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

use imagesize::ImageType;

use crate::sources::Content;

/// How many segments or chunks are looked at: those before the picture are few.
const MOST_PARTS: usize = 512;
/// How much of the metadata is read; the orientation is near its start. A segment of JPEG has no
/// more.
const MOST_METADATA: u64 = 64 * 1024;

/// The width and height in pixels at which `content` is shown; `None` if it is no image that is
/// known. Only its head is read.
pub(crate) fn size(content: &Content) -> Option<(u32, u32)> {
    match content {
        Content::Theme(bytes) => of_reader(Cursor::new(bytes)),
        Content::Disk { path, .. } => of_reader(BufReader::new(File::open(path).ok()?)),
    }
}

fn of_reader(mut image: impl BufRead + Seek) -> Option<(u32, u32)> {
    let size = imagesize::reader_size(&mut image).ok()?;
    let width = u32::try_from(size.width).ok()?;
    let height = u32::try_from(size.height).ok()?;
    image.seek(SeekFrom::Start(0)).ok()?;
    let mut head = [0; 12];
    image.read_exact(&mut head).ok()?;
    let orientation = match imagesize::image_type(&head) {
        Ok(ImageType::Jpeg) => jpeg(&mut image),
        Ok(ImageType::Png) => png(&mut image),
        Ok(ImageType::Webp) => webp(&mut image),
        _ => None,
    };
    match orientation {
        Some(5..=8) => Some((height, width)),
        _ => Some((width, height)),
    }
}

/// The orientation in the first APP1 segment with EXIF.
fn jpeg(image: &mut (impl Read + Seek)) -> Option<u16> {
    const STANDALONE: [u8; 9] = [0x01, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7];
    const APP1: u8 = 0xe1;
    const START_OF_SCAN: u8 = 0xda;
    const END: u8 = 0xd9;
    image.seek(SeekFrom::Start(2)).ok()?;
    for _ in 0..MOST_PARTS {
        if array(image)? != [0xff] {
            return None;
        }
        // More of the same may fill up the space before a marker.
        let mut marker = 0xff;
        for _ in 0..MOST_PARTS {
            [marker] = array(image)?;
            if marker != 0xff {
                break;
            }
        }
        if STANDALONE.contains(&marker) {
            continue;
        }
        if matches!(marker, START_OF_SCAN | END) {
            return None;
        }
        let len = u64::from(u16::from_be_bytes(array(image)?)).checked_sub(2)?;
        if marker == APP1 {
            let segment = read(image, len)?;
            if let Some(tiff) = segment.strip_prefix(b"Exif\0\0") {
                return orientation(tiff);
            }
        } else {
            skip(image, len)?;
        }
    }
    None
}

/// The orientation in the chunk `eXIf` before the picture: after it, the picture is shown already.
fn png(image: &mut (impl Read + Seek)) -> Option<u16> {
    image.seek(SeekFrom::Start(8)).ok()?;
    for _ in 0..MOST_PARTS {
        let len = u64::from(u32::from_be_bytes(array(image)?));
        let kind: [u8; 4] = array(image)?;
        match &kind {
            b"eXIf" => return orientation(&read(image, len)?),
            b"IDAT" | b"IEND" => return None,
            // The checksum follows.
            _ => skip(image, len + 4)?,
        }
    }
    None
}

/// The orientation in the chunk `EXIF`, which only the extended format has.
fn webp(image: &mut (impl Read + Seek)) -> Option<u16> {
    const HAS_EXIF: u8 = 0x08;
    image.seek(SeekFrom::Start(12)).ok()?;
    for index in 0..MOST_PARTS {
        let kind: [u8; 4] = array(image)?;
        let len = u64::from(u32::from_le_bytes(array(image)?));
        // A chunk of an odd length is padded.
        let whole = len + len % 2;
        if index == 0 {
            let flags: [u8; 1] = array(image)?;
            if &kind != b"VP8X" || flags[0] & HAS_EXIF == 0 {
                return None;
            }
            skip(image, whole.checked_sub(1)?)?;
        } else if &kind == b"EXIF" {
            let chunk = read(image, len)?;
            return orientation(chunk.strip_prefix(b"Exif\0\0").unwrap_or(&chunk));
        } else {
            skip(image, whole)?;
        }
    }
    None
}

/// The orientation, from 1 to 8, in the first directory of `tiff`.
fn orientation(tiff: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 274;
    const SHORT: u16 = 3;
    let is_little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match is_little {
            true => u16::from_le_bytes(bytes),
            false => u16::from_be_bytes(bytes),
        })
    };
    let offset: [u8; 4] = tiff.get(4..8)?.try_into().ok()?;
    let offset = match is_little {
        true => u32::from_le_bytes(offset),
        false => u32::from_be_bytes(offset),
    };
    let directory = usize::try_from(offset).ok()?;
    let entries = directory.checked_add(2)?;
    for index in 0..usize::from(u16_at(directory)?) {
        let entry = entries.checked_add(index * 12)?;
        if u16_at(entry)? == ORIENTATION {
            let is_short = u16_at(entry + 2)? == SHORT;
            return u16_at(entry + 8).filter(|value| is_short && (1..=8).contains(value));
        }
    }
    None
}

fn array<const N: usize>(image: &mut impl Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    image.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// The next `len` bytes, or their start where they are many.
fn read(image: &mut impl Read, len: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    image
        .take(len.min(MOST_METADATA))
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

fn skip(image: &mut impl Seek, len: u64) -> Option<()> {
    image.seek_relative(i64::try_from(len).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tiff(orientation: u16, is_little: bool) -> Vec<u8> {
        let short = |n: u16| match is_little {
            true => n.to_le_bytes(),
            false => n.to_be_bytes(),
        };
        let mut tiff = match is_little {
            true => b"II*\0\x08\0\0\0".to_vec(),
            false => b"MM\0*\0\0\0\x08".to_vec(),
        };
        // Two entries: another tag, then the orientation.
        for part in [2, 271, 2, 0, 0, 0, 0, 274, 3] {
            tiff.extend(short(part));
        }
        tiff.extend(match is_little {
            true => [1, 0, 0, 0],
            false => [0, 0, 0, 1],
        });
        for part in [orientation, 0, 0, 0] {
            tiff.extend(short(part));
        }
        tiff
    }

    /// 400 wide and 200 high.
    fn jpeg_with(exif: &[u8]) -> Vec<u8> {
        let mut jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
        let mut app1 = b"Exif\0\0".to_vec();
        app1.extend(exif);
        jpeg.extend(b"\xff\xe1");
        jpeg.extend(u16::try_from(app1.len() + 2).unwrap().to_be_bytes());
        jpeg.extend(app1);
        jpeg.extend(b"\xff\xc0\0\x0b\x08\0\xc8\x01\x90\x01\x01\x11\0\xff\xda\0\x02\xff\xd9");
        jpeg
    }

    fn png_with(exif: &[u8]) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        let ihdr = b"\0\0\x01\x90\0\0\0\xc8\x08\x02\0\0\0";
        for (kind, data) in [(b"IHDR", &ihdr[..]), (b"eXIf", exif), (b"IDAT", b"")] {
            png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            png.extend(kind);
            png.extend(data);
            png.extend([0; 4]);
        }
        png
    }

    fn webp_with(exif: &[u8]) -> Vec<u8> {
        let mut webp = b"RIFF\0\0\0\0WEBP".to_vec();
        let head = b"\x08\0\0\0\x8f\x01\0\xc7\0\0";
        for (kind, data) in [(b"VP8X", &head[..]), (b"VP8 ", b"odd"), (b"EXIF", exif)] {
            webp.extend(kind);
            webp.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
            webp.extend(data);
            webp.resize(webp.len() + data.len() % 2, 0);
        }
        webp
    }

    fn avif_with(rotation: Option<u8>) -> Vec<u8> {
        let boxed = |kind: &[u8; 4], data: &[u8]| {
            let mut whole = u32::try_from(data.len() + 8)
                .unwrap()
                .to_be_bytes()
                .to_vec();
            whole.extend(kind);
            whole.extend(data);
            whole
        };
        let mut properties = boxed(b"ispe", b"\0\0\0\0\0\0\x01\x90\0\0\0\xc8");
        if let Some(rotation) = rotation {
            properties.extend(boxed(b"irot", &[rotation]));
        }
        let iprp = boxed(b"iprp", &boxed(b"ipco", &properties));
        let mut meta = vec![0; 4];
        meta.extend(boxed(b"hdlr", &[0; 24]));
        meta.extend(iprp);
        let mut avif = boxed(b"ftyp", b"avif\0\0\0\0avifmif1");
        avif.extend(boxed(b"meta", &meta));
        avif.extend(boxed(b"mdat", &[0; 16]));
        avif
    }

    fn size_of(bytes: &[u8]) -> Option<(u32, u32)> {
        of_reader(Cursor::new(bytes))
    }

    #[test]
    fn images_are_as_large_as_browsers_show_them() {
        for orientation in 0..=9 {
            let expected = match orientation {
                5..=8 => Some((200, 400)),
                _ => Some((400, 200)),
            };
            for is_little in [true, false] {
                let tiff = tiff(orientation, is_little);
                assert_eq!(size_of(&jpeg_with(&tiff)), expected, "JPEG {orientation}");
                assert_eq!(size_of(&png_with(&tiff)), expected, "PNG {orientation}");
                assert_eq!(size_of(&webp_with(&tiff)), expected, "WebP {orientation}");
                let mut named = b"Exif\0\0".to_vec();
                named.extend(tiff);
                assert_eq!(size_of(&webp_with(&named)), expected, "WebP {orientation}");
            }
        }
        for (rotation, expected) in [
            (None, (400, 200)),
            (Some(0), (400, 200)),
            (Some(1), (200, 400)),
            (Some(2), (400, 200)),
            (Some(3), (200, 400)),
        ] {
            assert_eq!(
                size_of(&avif_with(rotation)),
                Some(expected),
                "{rotation:?}"
            );
        }
    }

    #[test]
    fn cut_metadata_leaves_the_size_as_it_is() {
        let tiff = tiff(6, true);
        for len in 0..tiff.len() - 8 {
            for image in [jpeg_with(&tiff[..len]), png_with(&tiff[..len])] {
                assert_eq!(size_of(&image), Some((400, 200)), "{len}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            kind in 0..4_usize,
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..12),
            len: proptest::sample::Index,
        ) {
            let tiff = tiff(6, false);
            let mut image = match kind {
                0 => jpeg_with(&tiff),
                1 => png_with(&tiff),
                2 => webp_with(&tiff),
                _ => avif_with(Some(1)),
            };
            for (at, byte) in changes {
                let at = at.index(image.len());
                image[at] = byte;
            }
            image.truncate(len.index(image.len() + 1));
            let _ = size_of(&image);
        }
    }
}
