//! What is odd about a site, but keeps nothing from being built.

use serde_json::Value;
use skep_generator::{LeftOut, Site, Why};
use skep_publisher::error::printable;

use crate::{
    context::Context,
    error::{CliError, Result},
    output::{Output, count},
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

/// So many pages that are left out are named.
const MOST_NAMED: usize = 3;

/// Says in a line which pages are left out, until when, and what lets them in. `has_flags`: the command has flags for
/// that.
pub(crate) fn tell_left_out(out: &Output, left_out: &[LeftOut], has_flags: bool) {
    if let Some(line) = left_out_line(left_out, has_flags) {
        out.note(line);
    }
}

fn left_out_line(left_out: &[LeftOut], has_flags: bool) -> Option<String> {
    let named = left_out.iter().take(MOST_NAMED).map(|one| {
        let why = match &one.why {
            Why::Draft => "a draft".to_owned(),
            Why::Unpublished => "published: false".to_owned(),
            Why::Future(date) => format!("until {}", date.strftime("%Y-%m-%d %H:%M")),
            _ => "left out".to_owned(),
        };
        format!("{} ({why})", printable(&one.path))
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() {
        return None;
    }
    let more = match left_out.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let has = |is: fn(&Why) -> bool| left_out.iter().any(|one| is(&one.why));
    let flags = [
        (has(|why| matches!(why, Why::Future(_))), "--future"),
        (has(|why| matches!(why, Why::Unpublished)), "--unpublished"),
        (has(|why| matches!(why, Why::Draft)), "--drafts"),
    ];
    let flags: Vec<&str> = flags
        .iter()
        .filter(|(has, _)| *has)
        .map(|(_, flag)| *flag)
        .collect();
    let flags = match has_flags {
        true => format!("; include them with {}", flags.join(" ")),
        false => String::new(),
    };
    Some(format!("Left out: {}{more}{flags}.", named.join(", ")))
}

/// The notes of `site` for programs.
pub(crate) fn json(site: &Site) -> Value {
    site.notes().iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(path: &str, why: Why) -> LeftOut {
        LeftOut {
            path: path.to_owned(),
            why,
        }
    }

    #[test]
    fn what_is_left_out_is_one_line_however_much_it_is() {
        assert_eq!(left_out_line(&[], true), None);
        let mut all = vec![
            left("a.md", Why::Unpublished),
            left("_drafts/b.md", Why::Draft),
        ];
        assert_eq!(
            left_out_line(&all, true).unwrap(),
            "Left out: a.md (published: false), _drafts/b.md (a draft); \
             include them with --unpublished --drafts."
        );
        all.extend((0..7).map(|number| left(&format!("{number}.md"), Why::Draft)));
        let line = left_out_line(&all, false).unwrap();
        assert!(line.ends_with("0.md (a draft) and 6 more."), "{line}");
    }
}
