//! Every output path belongs to one source.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::outputs::{Claim, Outputs};
use crate::error::{Error, ErrorKind};
use crate::names::SitePath;
use crate::slugs;

/// Who goes first where two claim one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Generated,
    Theme,
    Site,
}

/// File systems hold no longer names, and neither do archives.
const MAX_NAME: usize = 255;
/// Archives hold no longer paths.
const MAX_PATH: usize = 1024;

/// Gives each path to one of those who claim it. A site's own file goes before its theme's, and both go before
/// what skep makes; among equals it is an error. All paths can lie beside each other on every file system.
pub(crate) fn settle(claims: &[Claim]) -> Result<Outputs, Error> {
    let mut errors = Vec::new();
    let mut won: BTreeMap<&SitePath, &Claim> = BTreeMap::new();
    for claim in claims {
        match won.get(&claim.path) {
            Some(other) if other.rank > claim.rank => {}
            Some(other) if other.rank == claim.rank => {
                let url = claim.path.strip_suffix("index.html");
                let url = url.unwrap_or(&claim.path);
                let name = |claim: &Claim| match &claim.source {
                    Some(source) => source.to_string(),
                    None => "a page that skep makes".to_owned(),
                };
                let message = format!("this has the URL /{url}, and so has {}", name(other));
                let error = Error::new(ErrorKind::Path, message).in_file(name(claim));
                errors
                    .push(error.with_hint("rename one of them, or give it a permalink of its own"));
            }
            _ => {
                won.insert(&claim.path, claim);
            }
        }
    }
    let paths: HashSet<&str> = won.keys().map(|path| path.as_str()).collect();
    let mut folded: HashMap<String, &str> = HashMap::with_capacity(won.len());
    for (path, claim) in &won {
        let error = |message: String, hint: &str| {
            let error = Error::new(ErrorKind::Path, message).with_hint(hint);
            match &claim.source {
                Some(source) => error.in_file(&**source),
                None => error,
            }
        };
        if let Some(long) = path.split('/').find(|name| name.len() > MAX_NAME) {
            let start = slugs::cut(long, 40);
            errors.push(error(
                format!("the name {start}… in its path is longer than {MAX_NAME} bytes"),
                "file systems hold no longer names: give it a shorter file name, `slug` or `permalink`",
            ));
        } else if path.len() > MAX_PATH {
            let start = slugs::cut(path, 40);
            errors.push(error(
                format!("its path /{start}… is longer than {MAX_PATH} bytes"),
                "give it a shorter `permalink`, or put it into fewer folders",
            ));
        }
        if let Some(other) = folded.insert(path.to_lowercase(), path) {
            errors.push(error(
                format!("/{path} and /{other} differ in upper and lower case only"),
                "rename one of them: many file systems can't hold both",
            ));
        }
        for (slash, _) in path.match_indices('/') {
            let folder = &path[..slash];
            if paths.contains(folder) {
                errors.push(error(
                    format!("/{path} needs /{folder} to be a folder, but it is a file"),
                    "rename one of them, or give it a permalink of its own",
                ));
            }
        }
        if path.starts_with(".well-known/skep") {
            errors.push(error(
                format!("/{path} is reserved: hosts answer there for skep"),
                "rename it",
            ));
        }
    }
    Error::collect(errors)?;
    let won = won.into_iter();
    Ok(won
        .map(|(path, claim)| (path.clone(), claim.output.clone()))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Output;
    use super::*;

    fn settle(claims: &[(&str, Rank, &str)]) -> Result<Outputs, Error> {
        let claims: Vec<Claim> = claims
            .iter()
            .map(|(path, rank, source)| Claim {
                path: SitePath::of(path),
                rank: *rank,
                source: Some(Arc::from(*source)),
                output: Output::Sitemap,
            })
            .collect();
        super::settle(&claims)
    }

    #[test]
    fn the_site_goes_before_the_theme() {
        assert!(settle(&[("a", Rank::Theme, "t"), ("a", Rank::Site, "s")]).is_ok());
        assert!(settle(&[("a", Rank::Site, "s"), ("a", Rank::Generated, "")]).is_ok());
    }

    #[test]
    fn a_path_that_no_file_system_holds_is_told_with_its_text() {
        for path in [format!("{}/index.html", "ü".repeat(128)), "a/".repeat(600)] {
            let error = settle(&[(&path, Rank::Site, "a.md")]).unwrap_err();
            assert!(error.message.contains("longer than"), "{error}");
            assert_eq!(error.place.unwrap().file, "a.md");
        }
        assert!(settle(&[(&"x".repeat(255), Rank::Site, "a.md")]).is_ok());
    }

    #[test]
    fn what_can_not_lie_together_is_told() {
        for (claims, says) in [
            (
                [
                    ("a/index.html", Rank::Site, "a.md"),
                    ("a/index.html", Rank::Site, "b.md"),
                ],
                "the URL /a/, and so has a.md",
            ),
            (
                [
                    ("A.html", Rank::Site, "A.md"),
                    ("a.html", Rank::Site, "a.md"),
                ],
                "lower case",
            ),
            (
                [("a", Rank::Site, "a"), ("a/index.html", Rank::Site, "a.md")],
                "to be a folder",
            ),
            (
                [
                    (".well-known/skep", Rank::Site, "x"),
                    ("b", Rank::Site, "b"),
                ],
                "reserved",
            ),
        ] {
            let error = settle(&claims).unwrap_err();
            assert!(error.message.contains(says), "{error}");
            assert!(error.place.is_some());
        }
    }
}
