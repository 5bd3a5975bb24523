//! What is odd about a site, but keeps nothing from being built.

use serde_json::Value;
use skep_generator::Site;

use crate::{
    context::Context,
    error::{CliError, Result},
    output::count,
};

/// So many notes are told; a site with a bad habit has thousands.
const MOST: usize = 20;

/// Tells the notes of `site`. With `strict` they are a failure.
pub(crate) fn tell(ctx: &Context, site: &Site, strict: bool) -> Result<()> {
    let notes = site.notes();
    for note in notes.iter().take(MOST) {
        ctx.out.warn(note.to_string());
    }
    if notes.len() > MOST {
        let more = count((notes.len() - MOST) as u64, "warning");
        ctx.out.warn(format!("and {more} more"));
    }
    if strict && !notes.is_empty() {
        let found = count(notes.len() as u64, "warning");
        let message = format!("{found}, and `--strict` lets none pass");
        return Err(CliError::failed("strict", message)
            .hint("mend what the warnings say; nothing was written"));
    }
    Ok(())
}

/// The notes of `site` for programs.
pub(crate) fn json(site: &Site) -> Value {
    site.notes().iter().map(ToString::to_string).collect()
}
