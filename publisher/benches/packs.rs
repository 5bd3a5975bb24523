//! Which compression level and which frame size: bytes of a whole site against bytes of one page.
//!
//! `cargo bench -p skep-publisher --bench packs [-- DIR]` prints a table; DIR is any built site, else made-up
//! pages have to do.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use skep_publisher::archive::{
    hash::ContentHash,
    pack::{PackWriter, Policy, Written},
};

/// How often each is timed; the fastest counts.
const RUNS: usize = 3;
/// Files that are longer are blobs of their own.
const LONGEST: u64 = 512 << 10;

fn main() -> io::Result<()> {
    let dir = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let files = match dir {
        Some(dir) => files_in(Path::new(&dir))?,
        None => (0..2_000).map(page).collect(),
    };
    let raw: usize = files.iter().map(Vec::len).sum();
    let mut out = String::new();
    out += &format!("{} files, {:.1} MB\n", files.len(), raw as f64 / 1e6);
    out += "level  frame    pack / site  CPU ms/MB  one page alone  with its frame\n";
    for level in [1, 3, 6, 12] {
        for frame in [16 << 10, 64 << 10, 128 << 10] {
            let (time, written) = measure(&files, Policy { level, frame })?;
            let places = || written.index.places().map(|(_, place)| place);
            let count = files.len() as u64;
            out += &format!(
                "{level:>5}  {:>3} KiB  {:>11.3}  {:>9.1}  {:>11} B  {:>12} B\n",
                frame >> 10,
                written.size as f64 / raw as f64,
                time.as_secs_f64() * 1e3 / (raw as f64 / 1e6),
                places().map(|p| p.prefix).sum::<u64>() / count,
                places().map(|p| p.frame_len).sum::<u64>() / count,
            );
        }
    }
    io::Write::write_all(&mut io::stdout(), out.as_bytes())
}

fn measure(files: &[Vec<u8>], policy: Policy) -> io::Result<(Duration, Written)> {
    let mut best: Option<(Duration, Written)> = None;
    for _ in 0..RUNS {
        let start = Instant::now();
        let mut pack = PackWriter::with(io::sink(), policy)?;
        for file in files {
            pack.add_file(ContentHash([0; 32]), file)?;
        }
        let done = (start.elapsed(), pack.finish()?);
        if best.as_ref().is_none_or(|(time, _)| done.0 < *time) {
            best = Some(done);
        }
    }
    best.ok_or_else(|| io::Error::other("no run"))
}

/// The text files of a folder, in the order of their paths.
fn files_in(dir: &Path) -> io::Result<Vec<Vec<u8>>> {
    let (mut paths, mut folders) = (Vec::<PathBuf>::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match entry.file_type()? {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => paths.push(entry.path()),
                _ => {}
            }
        }
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if fs::metadata(&path)?.len() <= LONGEST {
            let bytes = fs::read(&path)?;
            if std::str::from_utf8(&bytes).is_ok() {
                files.push(bytes);
            }
        }
    }
    Ok(files)
}

/// A page with the frame that all share and words by Zipf's law, the same on every machine.
fn page(number: u64) -> Vec<u8> {
    let mut state = number + 0x9e37_79b9_7f4a_7c15;
    let mut next = move || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    };
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Page {number}</title>\n\
         <link rel=\"stylesheet\" href=\"../../assets/style.css\">\n</head>\n<body>\n\
         <nav><a href=\"../../index.html\">Home</a> <a href=\"../../tags/index.html\">Tags</a></nav>\n<main>\n"
    );
    let length = 3_000 + next() % 9_000;
    while text.len() < length as usize {
        text.push_str("<p>");
        for _ in 0..40 + next() % 80 {
            // The k-th word with a chance of about 1/k.
            let uniform = (next() % 1_000_000) as f64 / 1e6;
            let rank = (12_000f64.powf(uniform)) as u64;
            text.push_str(&word(rank));
            text.push(' ');
        }
        text.push_str("</p>\n");
    }
    text.push_str("</main>\n<footer>Published with skep.</footer>\n</body>\n</html>\n");
    text.into_bytes()
}

fn word(rank: u64) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "con", "de", "er", "fi", "ga", "in", "la", "mo", "ni", "or", "pe", "re", "st", "ti",
        "ur",
    ];
    let mut mixed = rank.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    let mut word = String::new();
    for _ in 0..=(rank.ilog2() / 4) {
        word.push_str(SYLLABLES[(mixed % 16) as usize]);
        mixed /= 16;
    }
    word
}
