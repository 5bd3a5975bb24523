//! From the save of a post to its new bytes in the browser, and what that time is spent on.
//!
//! `SITE=folder cargo bench -p skep-generator --bench reload [-- N]` starts a preview of the folder, opens the page of the post in the middle
//! as a browser would, and saves that post N times (100) with another text, and then as often with another title, which changes lists and
//! everything else that names the post. It prints median, 95th percentile and maximum in milliseconds. The
//! post is as it was at the end.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use skep_generator::preview::{self, PreviewEvent, PreviewOptions, Took};
use skep_generator::{LoadOptions, load};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// From the save until the browser was told and until it had the page, and what that was spent on.
type Sample = (Duration, Duration, Took);

/// How long one reload may take.
const BOUND: Duration = Duration::from_secs(20);

fn main() -> Result<()> {
    // `cargo test --benches` runs this too, without a site.
    let Some(site) = std::env::var_os("SITE") else {
        return Ok(());
    };
    let count = std::env::args().find_map(|arg| arg.parse().ok());
    measure(Path::new(&site), count.unwrap_or(100))
}

fn measure(dir: &Path, count: usize) -> Result<()> {
    let (post, output) = post_of(dir)?;
    let path = format!("/{}", output.trim_end_matches("index.html"));
    let text = fs::read_to_string(&post)?;
    let (sender, events) = channel();
    let options = PreviewOptions {
        port: Some(0),
        ..PreviewOptions::new(jiff::Timestamp::now)
    };
    let started = Instant::now();
    let preview = preview::start(dir, options, move |event| {
        if let PreviewEvent::Changed { took, .. } = event {
            let _ = sender.send(took);
        }
    })?;
    let authority = preview
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/');
    get(authority, &path)?;
    let first = started.elapsed().as_secs_f64() * 1e3;
    say(&format!("first page after {first:.0} ms"));
    let series = |title: &dyn Fn(usize) -> String| -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        for number in 0..count {
            let mark = format!("Number {number} of the reloads.");
            let page = get(authority, &path)?;
            let mut listening = listen(authority, &path, seen(&page)?)?;
            let saved = Instant::now();
            fs::write(&post, format!("{}\n\n{mark}\n", title(number)))?;
            wait_for(&mut listening, "event: reload")?;
            let told = saved.elapsed();
            let page = get(authority, &path)?;
            let shown = saved.elapsed();
            if !page.contains(&mark) {
                return Err("the page is stale".into());
            }
            samples.push((told, shown, events.recv_timeout(BOUND)?));
        }
        Ok(samples)
    };
    let other_title = |number| text.replacen("title: ", &format!("title: {number} "), 1);
    let texts = series(&|_| text.clone());
    let titles = series(&other_title);
    fs::write(&post, &text)?;
    print_all("a text", &texts?);
    print_all("a title", &titles?);
    Ok(())
}

fn print_all(name: &str, samples: &[Sample]) {
    say(&format!("{name} is saved:"));
    print(
        "save -> the browser is told",
        samples.iter().map(|(told, ..)| *told),
    );
    print(
        "save -> new bytes",
        samples.iter().map(|(_, shown, _)| *shown),
    );
    print("  waiting", samples.iter().map(|(.., took)| took.waiting));
    print("  reading", samples.iter().map(|(.., took)| took.reading));
    print("  telling", samples.iter().map(|(.., took)| took.telling));
    let ours = samples.iter().map(|(.., took)| took.reading + took.telling);
    print("ours: reading and telling", ours);
}

/// The fingerprint that the script of `page` has.
fn seen(page: &str) -> Result<&str> {
    let seen = page.split("data-seen=\"").nth(1);
    let seen = seen.and_then(|rest| rest.split('"').next());
    seen.ok_or_else(|| "the page has no script".into())
}

/// A post in the middle of the blog in `dir`: its file and its output.
fn post_of(dir: &Path) -> Result<(PathBuf, String)> {
    let site = load(dir, &LoadOptions::published(jiff::Timestamp::now()))?;
    let posts: Vec<&str> = site
        .paths()
        .filter(|path| {
            site.source_of(path)
                .is_some_and(|source| source.starts_with("_posts/"))
        })
        .collect();
    let output = posts.get(posts.len() / 2).ok_or("the site has no posts")?;
    let source = site.source_of(output).unwrap_or_default();
    Ok((dir.join(source), (*output).to_owned()))
}

fn get(authority: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(authority)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn listen(authority: &str, path: &str, seen: &str) -> Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(BOUND))?;
    write!(
        stream,
        "GET /.skep/events?path={path}&seen={seen} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
    )?;
    let mut reader = BufReader::new(stream);
    wait_for(&mut reader, "retry:")?;
    Ok(reader)
}

fn wait_for(reader: &mut BufReader<TcpStream>, wanted: &str) -> Result<()> {
    let mut line = String::new();
    while !line.starts_with(wanted) {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err("the preview went away".into());
        }
    }
    Ok(())
}

fn print(name: &str, durations: impl Iterator<Item = Duration>) {
    let mut millis: Vec<f64> = durations
        .map(|duration| duration.as_secs_f64() * 1e3)
        .collect();
    millis.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = ((millis.len() as f64 * part) as usize).min(millis.len().saturating_sub(1));
        millis.get(index).copied().unwrap_or_default()
    };
    say(&format!(
        "{name:<30} median {:>7.2}  p95 {:>7.2}  max {:>7.2} ms",
        at(0.5),
        at(0.95),
        at(1.0)
    ));
}

fn say(line: &str) {
    // Nobody reads the figures of whoever closed the pipe.
    let _ = writeln!(io::stdout(), "{line}");
}
