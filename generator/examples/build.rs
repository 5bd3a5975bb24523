//! Builds a site with the library alone: `cargo run -p skep-generator --example build -- SITE OUT`.

use std::path::PathBuf;

use skep_generator::{LoadOptions, build, load};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(site), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("say which site, and where to build it".into());
    };
    let mut options = LoadOptions::published(jiff::Timestamp::now());
    options.drafts = true;
    options.future = true;
    let report = build(&load(&site, &options)?, &out)?;
    for path in report.manifest.files.keys() {
        if std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{path}\n")).is_err() {
            break;
        }
    }
    Ok(())
}
