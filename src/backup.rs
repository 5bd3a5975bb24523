//! What is said against losing a key, until it was backed up.

use std::path::Path;

use skep_publisher::{
    archive::address::SiteId,
    error::{self, Kind},
    keys::{
        self,
        backup::{self, Backup},
    },
};

use crate::context::Context;

/// Says where a new key is, and what to do now.
pub(crate) fn advise(ctx: &Context, dir: &Path) {
    ctx.out
        .field("key", format!("in {}", ctx.home.keys().display()));
    ctx.out.field(
        "back up",
        format!(
            "{}   now: nobody can give you that key again",
            command(ctx, dir)
        ),
    );
}

/// Whether the key is here, and has a backup.
pub(crate) fn is_made(ctx: &Context, site: SiteId) -> bool {
    matches!(last(ctx, site), Ok(Some(_)))
}

/// Reminds of a key that has no backup, or that is not here.
pub(crate) fn remind(ctx: &Context, site: SiteId, dir: &Path) {
    match last(ctx, site) {
        Ok(Some(_)) => {}
        Ok(None) => ctx.out.note(format!(
            "This site's key has no backup yet: `{}`. If it is lost, nobody can publish here again.",
            command(ctx, dir)
        )),
        Err(e) if e.kind == Kind::NoKey => ctx.out.note(
            "The key of this address is not here: `skep key import` brings it, `skep key new` gives the site a new one.",
        ),
        Err(e) => ctx.out.warn(e.to_string()),
    }
}

fn last(ctx: &Context, site: SiteId) -> error::Result<Option<Backup>> {
    keys::load(&ctx.home, site)?;
    backup::last(&ctx.home, site)
}

/// The command that backs up the key of the site in `dir`, to a file beside that folder.
fn command(ctx: &Context, dir: &Path) -> String {
    let opened = ctx.path(dir);
    command_for(dir, &std::path::absolute(&opened).unwrap_or(opened))
}

fn command_for(dir: &Path, absolute: &Path) -> String {
    let name = absolute.file_name().map(|name| name.to_string_lossy());
    let name = format!("{}.key.age", name.as_deref().unwrap_or("site"));
    let file = match (dir.file_name(), dir == Path::new(".")) {
        (Some(_), _) => dir.with_file_name(name),
        (None, true) => Path::new("..").join(name),
        (None, false) => dir.join("..").join(name),
    };
    format!("skep key export {} {}", quoted(dir), quoted(&file))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:\\".contains(c);
    match !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_copied() {
        let here = std::env::current_dir().unwrap();
        let name = here.file_name().unwrap().to_str().unwrap();
        for (dir, said) in [
            (
                "my-site",
                "skep key export my-site my-site.key.age".to_owned(),
            ),
            ("a/b/", "skep key export a/b/ a/b.key.age".to_owned()),
            (".", format!("skep key export . ../{name}.key.age")),
            (
                "It's",
                r"skep key export 'It'\''s' 'It'\''s.key.age'".to_owned(),
            ),
            (
                "/srv/my site",
                "skep key export '/srv/my site' '/srv/my site.key.age'".to_owned(),
            ),
        ] {
            let dir = Path::new(dir);
            assert_eq!(command_for(dir, &std::path::absolute(dir).unwrap()), said);
        }
    }
}
