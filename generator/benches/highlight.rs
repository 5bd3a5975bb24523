//! What highlighting costs: `cargo bench -p skep-generator --bench highlight`.
//!
//! A table with a row a language, in microseconds of wall time on one thread: the first block of a
//! fresh highlighter; then, as medians, one block after another in one language; one language after
//! another, as in posts; and the same from the cache. With `-- --html FILE` it writes all samples as a page to look at.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use skep_generator::code::{Highlighter, write_block};

/// So many times each sample is highlighted; the median counts.
const ROUNDS: usize = 200;

fn main() {
    let samples = samples();
    let mut args = std::env::args().skip(1);
    if args.any(|arg| arg == "--html") {
        let file = args.next().unwrap_or_else(|| "highlight.html".to_owned());
        std::fs::write(&file, page(&samples)).unwrap_or_else(|error| panic!("{file}: {error}"));
        return;
    }
    let first: Vec<Duration> = samples
        .iter()
        .map(|(language, code)| time(&Highlighter::default(), language, code))
        .collect();

    // A number behind it makes each block a new one for the cache, and little else.
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("highlight-cache");
    // What an earlier run has left would make this one faster.
    let _ = std::fs::remove_file(&file);
    let highlighter = Highlighter::open(Some(&file));
    let mut steady: Vec<Vec<Duration>> = vec![Vec::new(); samples.len()];
    let mut hits = steady.clone();
    for round in 0..ROUNDS {
        for (at, (language, code)) in samples.iter().enumerate() {
            let fresh = format!("{code}\n{round}");
            steady[at].push(time(&highlighter, language, &fresh));
            hits[at].push(time(&highlighter, language, &fresh));
        }
    }
    let mut alone: Vec<Vec<Duration>> = vec![Vec::new(); samples.len()];
    for (at, (language, code)) in samples.iter().enumerate() {
        for round in 0..ROUNDS {
            alone[at].push(time(&highlighter, language, &format!("{code}\n{round}.")));
        }
    }
    print_table(&samples, &first, [&alone, &steady, &hits]);
    print_file(&highlighter, &file, 2 * ROUNDS * samples.len());
}

fn time(highlighter: &Highlighter, language: &str, code: &str) -> Duration {
    let mut out = String::with_capacity(code.len() * 4);
    let start = Instant::now();
    let note = write_block(&mut out, language, code, highlighter);
    let taken = start.elapsed();
    assert_eq!(note, None, "{language}");
    taken
}

#[allow(clippy::print_stdout)]
fn print_table(samples: &[(String, String)], first: &[Duration], times: [&[Vec<Duration>]; 3]) {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let median = |times: &Vec<Duration>| {
        let mut sorted = times.clone();
        sorted.sort_unstable();
        micros(sorted[sorted.len() / 2])
    };
    println!(
        "{:<12} {:>6} {:>9} {:>9} {:>9} {:>9}",
        "language", "bytes", "first us", "alone us", "mixed us", "cached us"
    );
    let mut sums = [0.0; 5];
    for (at, (language, code)) in samples.iter().enumerate() {
        let [alone, mixed, cached] = times.map(|times| median(&times[at]));
        let row = [code.len() as f64, micros(first[at]), alone, mixed, cached];
        print_row(language, row);
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value / samples.len() as f64;
        }
    }
    print_row("mean", sums);
}

#[allow(clippy::print_stdout)]
fn print_row(name: &str, row: [f64; 5]) {
    let [bytes, first, alone, mixed, cached] = row;
    println!("{name:<12} {bytes:>6.0} {first:>9.0} {alone:>9.1} {mixed:>9.1} {cached:>9.1}");
}

/// What the cache of so many blocks takes on the disk, and how long it is saved and opened.
#[allow(clippy::print_stdout)]
fn print_file(highlighter: &Highlighter, file: &Path, blocks: usize) {
    let start = Instant::now();
    highlighter.save().unwrap_or_else(|error| panic!("{error}"));
    let saved = start.elapsed();
    let start = Instant::now();
    let _opened = Highlighter::open(Some(file));
    let opened = start.elapsed();
    let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    println!(
        "{blocks} blocks are {bytes} bytes on the disk, saved in {:.1} ms and opened in {:.1} ms",
        saved.as_secs_f64() * 1e3,
        opened.as_secs_f64() * 1e3
    );
}

/// Each language with its sample, in the order of their names.
fn samples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/samples");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut samples: Vec<(String, String)> = entries
        .filter_map(Result::ok)
        .map(|entry| {
            let path = entry.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let code =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            (name.into_owned(), code)
        })
        .collect();
    samples.sort();
    samples
}

fn page(samples: &[(String, String)]) -> String {
    let theme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../themes/default/assets");
    let mut page = String::from("<!doctype html><meta charset=\"utf-8\"><title>Samples</title>\n");
    for style in ["style.css", "highlight.css"] {
        let css = std::fs::read_to_string(theme.join(style)).unwrap_or_default();
        let _ = writeln!(page, "<style>{css}</style>");
    }
    let highlighter = Highlighter::default();
    page.push_str("<main class=\"prose\">\n");
    for (at, (language, code)) in samples.iter().enumerate() {
        let look = if at % 4 == 0 {
            ",linenos,hl_lines=2-3"
        } else {
            ""
        };
        let info = format!("{language}{look},title={language}");
        write_block(&mut page, &info, code, &highlighter);
    }
    page.push_str("</main>\n");
    page
}
