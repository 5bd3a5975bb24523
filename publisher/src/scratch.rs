//! [`Scratch`]: a folder for something that is not ready, which a killed process does not leave for
//! ever.
//!
//! Such a folder is beside the place that its contents get in the end, so that they are moved there
//! in one step. Who makes one takes a lock on it (`flock`), which the system releases when the
//! process ends, however it ends. Whoever makes the next one in the same place removes those that
//! nobody has a lock on. Windows has no locks on folders: there they stay.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};

use tempfile::{Builder, TempDir};

/// How many characters [`tempfile`] adds to the beginning of a name.
const RANDOM: usize = 6;
/// How often another name is tried.
const TRIES: usize = 16;

/// A folder that goes away with this value; that of a process that was killed goes when the next
/// one is made in its place.
#[derive(Debug)]
pub struct Scratch {
    dir: TempDir,
    _lock: Option<File>,
}

impl Scratch {
    /// A fresh folder in `parent` whose name begins with `prefix`, for this user alone.
    ///
    /// # Errors
    ///
    /// If it can't be made.
    pub fn new(parent: &Path, prefix: &str) -> io::Result<Self> {
        Self::make(parent, prefix, 0o700)
    }

    /// The same, as open to others as the user's umask lets it be.
    ///
    /// # Errors
    ///
    /// If it can't be made.
    pub fn open_to_others(parent: &Path, prefix: &str) -> io::Result<Self> {
        Self::make(parent, prefix, 0o777)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Lets the folder stay, under another name by now.
    pub fn keep(self) {
        let _ = self.dir.keep();
    }

    fn make(parent: &Path, prefix: &str, mode: u32) -> io::Result<Self> {
        sweep(parent, prefix);
        let mut builder = Builder::new();
        builder.prefix(prefix).rand_bytes(RANDOM);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        #[cfg(not(unix))]
        let _ = mode;
        for _ in 0..TRIES {
            let dir = builder.tempdir_in(parent)?;
            match lock(dir.path())? {
                Lock::Taken(lock) => {
                    return Ok(Self {
                        dir,
                        _lock: Some(lock),
                    });
                }
                Lock::Impossible => return Ok(Self { dir, _lock: None }),
                // Another process took it for one that was left, before it was locked.
                Lock::Lost => {}
            }
        }
        Err(io::Error::other(
            "another process removes what is made there",
        ))
    }
}

/// Removes the folders in `parent` that processes left that were killed: those of this user whose
/// name begins with `prefix`, and which nobody has a lock on. What can't be removed stays.
pub fn sweep(parent: &Path, prefix: &str) {
    let is_ours = |name: &str| {
        let random = name.strip_prefix(prefix);
        random.is_some_and(|r| r.len() == RANDOM && r.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_ours)
            && is_own(&entry.path(), parent)
            && let Ok(Lock::Taken(_lock)) = lock(&entry.path())
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

enum Lock {
    Taken(File),
    /// Another process has it, or the folder is gone.
    Lost,
    /// There are no locks on folders here.
    Impossible,
}

#[cfg(unix)]
fn lock(dir: &Path) -> io::Result<Lock> {
    use std::os::unix::fs::MetadataExt;

    let is_gone = |e: &io::Error| e.kind() == io::ErrorKind::NotFound;
    let file = match File::open(dir) {
        Err(e) if is_gone(&e) => return Ok(Lock::Lost),
        file => file?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Lock::Lost),
        Err(TryLockError::Error(_)) => return Ok(Lock::Impossible),
    }
    // The one that has the name now, and no link.
    let locked = file.metadata()?;
    match fs::symlink_metadata(dir) {
        Ok(named) if (named.dev(), named.ino()) == (locked.dev(), locked.ino()) => {
            Ok(Lock::Taken(file))
        }
        Err(e) if !is_gone(&e) => Err(e),
        _ => Ok(Lock::Lost),
    }
}

#[cfg(not(unix))]
fn lock(_dir: &Path) -> io::Result<Lock> {
    Ok(Lock::Impossible)
}

/// Whether `dir` is a folder of the user who runs this. `parent` may be everybody's.
#[cfg(unix)]
fn is_own(dir: &Path, parent: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let owner = |meta: fs::Metadata| meta.is_dir().then_some(meta.uid());
    let Some(owner) = fs::symlink_metadata(dir).ok().and_then(owner) else {
        return false;
    };
    // A file of our own says who we are.
    tempfile::tempfile_in(parent)
        .and_then(|file| file.metadata())
        .is_ok_and(|ours| ours.uid() == owner)
}

#[cfg(not(unix))]
fn is_own(_dir: &Path, _parent: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const PREFIX: &str = ".skep-test-";

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_in_use_stays() {
        let world = tempfile::tempdir().unwrap();
        let living = Scratch::new(world.path(), PREFIX).unwrap();
        fs::write(living.path().join("a"), "a").unwrap();
        let left = world.path().join(".skep-test-Ab3dE6");
        fs::create_dir_all(left.join("deep")).unwrap();
        let next = Scratch::new(world.path(), PREFIX).unwrap();
        assert!(!left.exists());
        assert_eq!(names(world.path()).len(), 2);
        assert!(living.path().join("a").exists());
        drop((living, next));
        assert!(names(world.path()).is_empty());
    }

    #[test]
    fn nothing_goes_that_is_not_such_a_folder() {
        let world = tempfile::tempdir().unwrap();
        let precious = world.path().join("precious");
        fs::create_dir(&precious).unwrap();
        fs::write(precious.join("mine"), "mine").unwrap();
        symlink(&precious, world.path().join(".skep-test-aaaaaa")).unwrap();
        fs::write(world.path().join(".skep-test-bbbbbb"), "a file").unwrap();
        for name in [
            ".skep-test-",
            ".skep-test-ccccccc",
            ".skep-test-ccc.cc",
            ".skep-tes-cccccc",
        ] {
            fs::create_dir(world.path().join(name)).unwrap();
        }
        let before = names(world.path());
        sweep(world.path(), PREFIX);
        assert_eq!(names(world.path()), before);
        assert!(precious.join("mine").exists());
    }

    #[test]
    fn what_was_kept_is_nobodys_rubbish() {
        let world = tempfile::tempdir().unwrap();
        let scratch = Scratch::open_to_others(world.path(), PREFIX).unwrap();
        let kept = world.path().join("kept");
        fs::rename(scratch.path(), &kept).unwrap();
        scratch.keep();
        sweep(world.path(), PREFIX);
        assert!(kept.is_dir());
    }
}
