//! Where the time of a build goes: the stages that the library shows from outside, one after the other.
//!
//! `SITE=folder cargo bench -p skep-generator --bench whole [-- render build again]` prints a line a stage: `load`, and those
//! that are named, else all. Run it under `perf record` to see what is in them. The output goes to a new folder beside
//! the site, and stays there: what is deleted slows down what is created next (see `benches/build.py`).

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use skep_generator::{LoadOptions, build, load, render};

const STAGES: [&str; 4] = ["load", "render", "build", "again"];

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --benches` runs this too, without a site.
    let Some(site) = std::env::var_os("SITE") else {
        return Ok(());
    };
    let named: Vec<String> = std::env::args()
        .filter(|arg| STAGES.contains(&arg.as_str()))
        .collect();
    measure(Path::new(&site), |stage| {
        named.is_empty() || named.iter().any(|name| name == stage)
    })
}

fn measure(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), Box<dyn Error>> {
    let beside = dir.parent().unwrap_or(dir);
    let out = tempfile::Builder::new()
        .prefix("whole-")
        .tempdir_in(beside)?;
    let to = out.keep().join("site");
    let mut last = Instant::now();
    let mut stage = |name: &str| {
        let millis = last.elapsed().as_secs_f64() * 1e3;
        // Nobody reads the figures of whoever closed the pipe.
        let _ = writeln!(io::stdout(), "{name:<32} {millis:>9.1} ms");
        last = Instant::now();
    };
    let site = load(dir, &LoadOptions::published(jiff::Timestamp::now()))?;
    stage("load");
    if wanted("render") {
        let mut bytes = 0;
        for path in site.paths() {
            bytes += render(&site, path)?.len();
        }
        stage(&format!(
            "render, one thread ({:.1} MB)",
            bytes as f64 / 1e6
        ));
    }
    if wanted("build") {
        build(&site, &to)?;
        stage("build: render and write");
    }
    if wanted("again") {
        build(&site, &to)?;
        stage("again: render and compare");
    }
    Ok(())
}
