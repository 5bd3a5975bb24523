//! What a person is told once on a machine, before the first site is followed: who follows a site serves it.

use std::path::PathBuf;

use crate::{error::Result, home::Home};

/// What there is to tell.
pub const FOLLOWING: &str = "What you follow you also serve to others, from this machine and while skep runs: \
    they see its network address and that it has the site.";

const MARKER: &str = "told-about-following";

/// Whether it was told on this machine.
pub fn was_told(home: &Home) -> bool {
    marker(home).exists()
}

/// It was told, and need not be again.
///
/// # Errors
///
/// If that can't be written.
pub fn remember(home: &Home) -> Result<()> {
    match was_told(home) {
        true => Ok(()),
        false => home.write(MARKER, b""),
    }
}

fn marker(home: &Home) -> PathBuf {
    home.root().join(MARKER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("home"));
        assert!(!was_told(&home));
        remember(&home).unwrap();
        remember(&home).unwrap();
        assert!(was_told(&home));
    }
}
