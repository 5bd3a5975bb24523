//! [`Making`]: a site folder that appears when it is whole, or not at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use skep_publisher::{
    checkout::check_target,
    scratch::{Scratch, sweep},
};

use crate::error::{CliError, Result};

/// A site that is being made for a folder that is absent or empty.
pub(crate) struct Making {
    /// The folder that the site gets.
    dir: PathBuf,
    scratch: Scratch,
}

impl Making {
    /// Begins a site for `dir`, in a folder beside it, or in it if it is there, whose name begins
    /// with `prefix`. What a killed command left of that name goes.
    pub(crate) fn begin(dir: &Path, prefix: &str) -> Result<Self> {
        let io = |at: &Path, e: io::Error| {
            let message = format!("can't make a folder in {}: {e}", at.display());
            CliError::failed("io", message)
        };
        let absolute = std::path::absolute(dir).map_err(|e| io(dir, e))?;
        let at = match absolute.is_dir() {
            true => &*absolute,
            false => absolute.parent().unwrap_or(&absolute),
        };
        sweep(at, prefix);
        check_target(dir)?;
        fs::create_dir_all(at).map_err(|e| io(at, e))?;
        let scratch = Scratch::new(at, prefix).map_err(|e| io(at, e))?;
        Ok(Self {
            dir: absolute,
            scratch,
        })
    }

    /// Where the site is made.
    pub(crate) fn site(&self) -> PathBuf {
        self.scratch.path().join("site")
    }

    /// Moves the site to its folder.
    pub(crate) fn place(self) -> Result<()> {
        place(&self.site(), &self.dir)
    }
}

/// Moves the site that was made to `dir`, which is absent or empty but for the folder in which it was made.
fn place(made: &Path, dir: &Path) -> Result<()> {
    let failed = |e: io::Error| {
        CliError::failed(
            "io",
            format!("can't put the site in {}: {e}", dir.display()),
        )
    };
    if !dir.exists() {
        return fs::rename(made, dir).map_err(failed);
    }
    // It may be the working folder of a shell, which can't be replaced.
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    let result = (|| {
        for entry in fs::read_dir(made)? {
            let entry = entry?;
            let to = dir.join(entry.file_name());
            fs::rename(entry.path(), &to)?;
            moved.push((to, entry.path()));
        }
        Ok(())
    })();
    result.map_err(|e| {
        for (to, from) in moved {
            // Back to where it goes away by itself.
            let _ = fs::rename(to, from);
        }
        failed(e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_command_left_is_in_nobodys_way() {
        let world = tempfile::tempdir().unwrap();
        let (absent, empty) = (world.path().join("absent"), world.path().join("empty"));
        fs::create_dir_all(empty.join(".skep-new-aB3dE6/site")).unwrap();
        fs::create_dir_all(world.path().join(".skep-new-aB3dE7/site")).unwrap();
        for dir in [&absent, &empty] {
            let making = Making::begin(dir, ".skep-new-").unwrap();
            fs::create_dir(making.site()).unwrap();
            fs::write(making.site().join("skep.toml"), "").unwrap();
            making.place().unwrap();
            assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
        }
        assert_eq!(fs::read_dir(world.path()).unwrap().count(), 2);
        assert!(
            Making::begin(&empty, ".skep-new-").is_err(),
            "it is not empty"
        );
    }
}
