//! Previews a site with the library alone, drafts too: `cargo run -p skep-generator --example preview -- SITE [PORT]`.
//! It ends with its standard input.

use std::io::{Read, Write};
use std::path::PathBuf;

use skep_generator::preview::{self, PreviewOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let site = PathBuf::from(arguments.next().ok_or("say which site")?);
    let options = PreviewOptions {
        port: arguments.next().map(|port| port.parse()).transpose()?,
        drafts: true,
        future: true,
        review_url: std::env::var("REVIEW").ok(),
        ..PreviewOptions::new(jiff::Timestamp::now)
    };
    let mut out = std::io::stdout();
    let preview = preview::start(&site, options, |event| {
        // Nobody may be reading.
        let _ = writeln!(std::io::stdout(), "{event:?}");
    })?;
    writeln!(out, "{}", preview.url)?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    preview.stop();
    Ok(())
}
