use std::io;

use proptest::prelude::*;

use super::*;
use crate::archive::hash::{ContentHash, NodeHash};

struct Bytes(Vec<u8>);

impl ReadAt for Bytes {
    fn read_at(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let start = (offset as usize).min(self.0.len());
        let end = (start + length as usize).min(self.0.len());
        Ok(self.0[start..end].to_vec())
    }
}

fn pack(nodes: &[Vec<u8>], files: &[Vec<u8>]) -> (Bytes, Written) {
    let mut out = Vec::new();
    let mut writer = PackWriter::new(&mut out).unwrap();
    for node in nodes {
        writer.add_node(NodeHash::of(node), node).unwrap();
    }
    for file in files {
        writer.add_file(ContentHash::of(file), file).unwrap();
    }
    let written = writer.finish().unwrap();
    (Bytes(out), written)
}

fn decompress(frame: &[u8], raw: u64) -> Result<Vec<u8>, PackError> {
    Decompressor::new().unwrap().front(frame, raw)
}

fn object(pack: &Bytes, place: &Place, by_prefix: bool) -> Vec<u8> {
    let (length, raw) = if by_prefix {
        (place.prefix, place.offset + place.size)
    } else {
        (place.frame_len, place.frame_raw)
    };
    let frame = pack.read_at(place.frame_start, length).unwrap();
    let raw = decompress(&frame, raw).unwrap();
    raw[place.offset as usize..][..place.size as usize].to_vec()
}

fn contents() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let short = prop::collection::vec(any::<u8>(), 0..200);
    let long = (any::<u8>(), 0..90_000usize).prop_map(|(b, n)| vec![b; n]);
    prop::collection::vec(prop_oneof![short, long], 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_object_comes_back_by_its_frame_and_by_a_prefix(nodes in contents(), files in contents()) {
        let (pack, written) = pack(&nodes, &files);
        prop_assert_eq!(written.size, pack.0.len() as u64);
        let index = read_index(&pack, written.size).unwrap();
        prop_assert_eq!(&index, &written.index);
        let expected: Vec<_> = nodes.iter().chain(&files).collect();
        let places: Vec<_> = index.places().collect();
        prop_assert_eq!(places.len(), expected.len());
        for ((_, place), content) in places.iter().zip(expected) {
            prop_assert_eq!(&object(&pack, place, false), content);
            prop_assert_eq!(&object(&pack, place, true), content);
        }
    }

    #[test]
    fn no_flipped_bit_makes_a_reader_panic(flip in 0..4096usize) {
        let (mut pack, written) = pack(&[vec![1; 300]], &[vec![2; 300], vec![3; 5]]);
        let at = flip % (pack.0.len() * 8);
        pack.0[at / 8] ^= 1 << (at % 8);
        if let Ok(index) = read_index(&pack, written.size) {
            for (_, place) in index.places() {
                let frame = pack.read_at(place.frame_start, place.frame_len).unwrap();
                let _ = decompress(&frame, place.frame_raw);
            }
        }
    }
}

#[test]
fn a_bomb_is_not_inflated() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(WINDOW_LOG).unwrap();
    io::Write::write_all(&mut encoder, &vec![0u8; 64 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 10_000);
    // Only what the index claims is ever taken, and a claim is bounded.
    assert_eq!(decompress(&bomb, 1000).unwrap().len(), 1000);
    assert!(decompress(&bomb, MAX_FRAME as u64 + 1).is_err());
}

#[test]
fn a_frame_that_wants_a_larger_window_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(WINDOW_LOG + 3).unwrap();
    io::Write::write_all(&mut encoder, &[1; 1000]).unwrap();
    let frame = encoder.finish().unwrap();
    assert!(matches!(decompress(&frame, 1000), Err(PackError::Frame)));
}

#[test]
fn a_frame_that_is_shorter_than_claimed_is_refused() {
    let frame = zstd::encode_all(&b"short"[..], 3).unwrap();
    assert!(matches!(decompress(&frame, 6), Err(PackError::Frame)));
}

#[test]
fn a_cut_pack_is_refused() {
    let (pack, written) = pack(&[], &[vec![7; 1000]]);
    for end in 0..pack.0.len() {
        assert!(read_index(&Bytes(pack.0[..end].to_vec()), end as u64).is_err());
    }
    assert!(read_index(&pack, written.size).is_ok());
}

#[test]
fn what_compresses_worst_makes_no_frame_that_is_too_long() {
    // Not one byte less for any of it: a block for each, with three bytes that say so.
    let bytes: Vec<Vec<u8>> = (0..FRAME_TARGET - 1).map(|n| vec![n as u8]).collect();
    let mut noise = vec![0; MAX_OBJECT];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    let files: Vec<_> = bytes.into_iter().chain([noise]).collect();
    let (pack, written) = pack(&[], &files);
    let [frame] = &written.index.frames[..] else {
        panic!("they are one frame");
    };
    assert!(frame.compressed > MAX_FRAME as u64 && frame.compressed <= MAX_COMPRESSED);
    assert_eq!(read_index(&pack, written.size).unwrap(), written.index);
}
