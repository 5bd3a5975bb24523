//! Every output path belongs to one source.

use std::collections::BTreeMap;

use super::Output;
use crate::error::{Error, ErrorKind};

/// Who goes first where two claim one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Generated,
    Theme,
    Site,
}

/// The claims to output paths.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    claims: BTreeMap<String, Claim>,
    errors: Vec<Error>,
}

#[derive(Debug)]
struct Claim {
    rank: Rank,
    source: String,
    output: Output,
}

impl Claims {
    /// Claims `path` for `source`. A site's own file goes before its theme's, and both go before
    /// what skep makes; among equals it is an error.
    pub(crate) fn add(&mut self, path: String, rank: Rank, source: Option<&str>, output: Output) {
        let source = source.unwrap_or_default().to_owned();
        match self.claims.get(&path) {
            Some(other) if other.rank > rank => return,
            Some(other) if other.rank == rank => {
                let url = path.strip_suffix("index.html").unwrap_or(&path);
                self.errors.push(
                    Error::new(
                        ErrorKind::Path,
                        format!("this has the URL /{url}, and so has {}", other.source),
                    )
                    .in_file(source)
                    .with_hint("rename one of them, or give it a permalink of its own"),
                );
                return;
            }
            _ => {}
        }
        let claim = Claim {
            rank,
            source,
            output,
        };
        self.claims.insert(path, claim);
    }

    /// Checks that all paths can lie beside each other on every file system.
    pub(crate) fn settle(mut self) -> Result<BTreeMap<String, Output>, Error> {
        let mut folded: BTreeMap<String, &str> = BTreeMap::new();
        for (path, claim) in &self.claims {
            let error = |message: String, hint: &str| {
                let error = Error::new(ErrorKind::Path, message).with_hint(hint);
                if claim.source.is_empty() {
                    error
                } else {
                    error.in_file(&claim.source)
                }
            };
            if let Some(other) = folded.insert(path.to_lowercase(), path) {
                self.errors.push(error(
                    format!("/{path} and /{other} differ in upper and lower case only"),
                    "rename one of them: many file systems can't hold both",
                ));
            }
            for (slash, _) in path.match_indices('/') {
                let folder = &path[..slash];
                if self.claims.contains_key(folder) {
                    self.errors.push(error(
                        format!("/{path} needs /{folder} to be a folder, but it is a file"),
                        "rename one of them, or give it a permalink of its own",
                    ));
                }
            }
            if path.starts_with(".well-known/skep") {
                self.errors.push(error(
                    format!("/{path} is reserved: hosts answer there for skep"),
                    "rename it",
                ));
            }
        }
        Error::collect(self.errors)?;
        let settled = self.claims.into_iter();
        Ok(settled.map(|(path, claim)| (path, claim.output)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(claims: &[(&str, Rank, &str)]) -> Result<BTreeMap<String, Output>, Error> {
        let mut all = Claims::default();
        for (path, rank, source) in claims {
            all.add((*path).to_owned(), *rank, Some(source), Output::Feed);
        }
        all.settle()
    }

    #[test]
    fn the_site_goes_before_the_theme() {
        assert!(settle(&[("a", Rank::Theme, "t"), ("a", Rank::Site, "s")]).is_ok());
        assert!(settle(&[("a", Rank::Site, "s"), ("a", Rank::Generated, "")]).is_ok());
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
