//! Where a build writes before anything of the old output changes: a disk that is full leaves it whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::Planned;
use super::write;
use crate::error::Error;

/// A folder inside the output. It goes with this value.
#[derive(Debug)]
pub(super) struct Scratch {
    out: PathBuf,
    dir: PathBuf,
    /// Whether the output has no files yet. Then what is written lies in the scratch folder as it will in the output,
    /// and whole folders are moved at the end.
    fresh: bool,
}

/// Two builds in one process must not write to one folder.
static NEXT: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    /// Makes the folder in the output `out`, which need not exist yet.
    pub(super) fn make(out: &Path, fresh: bool) -> Result<Self, Error> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let dir = out.join(format!("{}{process}-{number}", write::TEMPORARY));
        fs::create_dir_all(&dir).map_err(|error| {
            Error::io(format_args!("make the folder {}", out.display()), &error)
        })?;
        Ok(Self {
            out: out.to_owned(),
            dir,
            fresh,
        })
    }

    /// Writes what is to lie at `path`.
    pub(super) fn write(&self, index: usize, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.create(index, path, |file| io::Write::write_all(file, bytes))
    }

    /// Copies the bytes of `from`, which is to lie at `path`, but not its permissions, which are no part of a site.
    pub(super) fn copy(&self, index: usize, path: &str, from: &Path) -> Result<(), Error> {
        self.create(index, path, |file| {
            io::copy(&mut File::open(from)?, file).map(drop)
        })
    }

    fn create(
        &self,
        index: usize,
        path: &str,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), Error> {
        let to = self.place(index, path);
        let created = match File::create(&to) {
            // Most folders are there already by the time that their second file comes.
            Err(error) if error.kind() == io::ErrorKind::NotFound => to
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| File::create(&to)),
            result => result,
        };
        created
            .and_then(|mut file| fill(&mut file))
            .map_err(|error| {
                Error::io(
                    format_args!("write {}", self.out.join(path).display()),
                    &error,
                )
            })
    }

    fn place(&self, index: usize, path: &str) -> PathBuf {
        match self.fresh {
            true => self.dir.join(path),
            false => self.dir.join(index.to_string()),
        }
    }

    /// Moves everything that changed to its place.
    pub(super) fn move_in(&self, planned: &[Planned<'_>]) -> Result<(), Error> {
        if !self.fresh {
            return write::changed(&self.out, planned, |plan| self.place(plan.index, plan.path));
        }
        let failed =
            |error: &io::Error| Error::io(format_args!("write {}", self.out.display()), error);
        for entry in fs::read_dir(&self.dir).map_err(|error| failed(&error))? {
            let entry = entry.map_err(|error| failed(&error))?;
            let to = self.out.join(entry.file_name());
            // An empty folder may lie there.
            let _ = remove_empty(&to);
            fs::rename(entry.path(), to).map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}

/// Removes `dir` and the folders in it, if there is nothing else in them.
fn remove_empty(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        remove_empty(&entry?.path())?;
    }
    fs::remove_dir(dir)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
        // An output that did not come to be leaves nothing behind, if it was made for this build.
        let _ = fs::remove_dir(&self.out);
    }
}
