//! Where the socket is, and who may be at its other end.
//!
//! It lies in the home itself, so that whoever sees the home sees it, and two homes never share one. The name
//! of a socket has room for some hundred bytes only, however deep the home is: then it is bound and reached
//! through a link with a short name, in a private temporary folder that is gone a moment later.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use skep_publisher::{home::Home, scratch::Scratch};

/// The socket of a node, open for those who come. Its file goes with it.
pub(crate) struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Which file it is: another process may have put its own there.
    identity: (u64, u64),
}

const NAME: &str = "socket";
/// The longest name of a socket on Linux has 107 bytes, on macOS 103.
const LONGEST: usize = 100;

/// Where the socket of the home at `root` is.
pub(crate) fn path(root: &Path) -> PathBuf {
    root.join(NAME)
}

impl Socket {
    /// Opens the socket of a home whose store this process owns, in place of what a killed process left.
    pub(crate) fn open(home: &Home) -> io::Result<Self> {
        // Nobody else can reach it before it has its mode: the folder is for the user alone. And it appears
        // under its name when it listens.
        let private = Scratch::new(home.root(), ".socket-")?;
        let new = private.path().join(NAME);
        let listener = in_short(private.path(), |dir| UnixListener::bind(dir.join(NAME)))?;
        fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        let path = path(home.root());
        fs::rename(&new, &path)?;
        let identity = identity(&path)?;
        Ok(Self {
            listener,
            path,
            identity,
        })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // One that stays is removed by whoever gets the store next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the socket that a killed process left: to be called by whoever owns the store.
pub(crate) fn remove_stale(home: &Home) {
    let path = path(home.root());
    if fs::symlink_metadata(&path).is_ok_and(|meta| meta.file_type().is_socket()) {
        // If it stays, nobody answers at it.
        let _ = fs::remove_file(path);
    }
}

/// A connection to whoever listens at the socket of a home, if somebody does.
pub(super) fn connect(home: &Home) -> Option<UnixStream> {
    fs::symlink_metadata(path(home.root())).ok()?;
    in_short(home.root(), |dir| UnixStream::connect(dir.join(NAME))).ok()
}

/// Whether the process at the other end is one of the same user.
pub(super) fn is_own(stream: &tokio::net::UnixStream) -> io::Result<bool> {
    let (this, _) = tokio::net::UnixStream::pair()?;
    Ok(stream.peer_cred()?.uid() == this.peer_cred()?.uid())
}

/// Runs `work` with a name of the folder `dir` that is short enough for a socket in it.
fn in_short<T>(dir: &Path, work: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if dir.join(NAME).as_os_str().as_bytes().len() <= LONGEST {
        return work(dir);
    }
    let private = tempfile::Builder::new().prefix("skep-").tempdir()?;
    let link = private.path().join("h");
    symlink(dir, &link)?;
    work(&link)
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let meta = fs::symlink_metadata(path)?;
    Ok((meta.dev(), meta.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_there(home: &Home) -> bool {
        fs::symlink_metadata(path(home.root())).is_ok()
    }

    #[test]
    fn a_socket_is_for_its_user_alone_and_goes_with_its_owner() {
        let world = tempfile::tempdir().unwrap();
        let home = Home::new(world.path());
        assert!(connect(&home).is_none());
        let socket = Socket::open(&home).unwrap();
        let meta = fs::symlink_metadata(path(home.root())).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        assert!(connect(&home).is_some());
        drop(socket);
        assert!(!is_there(&home));
        assert_eq!(fs::read_dir(world.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_replaced_or_removed() {
        let world = tempfile::tempdir().unwrap();
        let home = Home::new(world.path());
        drop(UnixListener::bind(path(home.root())).unwrap());
        // It was killed before the socket had its name, too.
        fs::create_dir(world.path().join(".socket-aB3dE6")).unwrap();
        assert!(is_there(&home) && connect(&home).is_none());
        let first = Socket::open(&home).unwrap();
        let second = Socket::open(&home).unwrap();
        assert_eq!(fs::read_dir(world.path()).unwrap().count(), 1);
        // It takes nothing away from the one that has come after it.
        drop(first);
        assert!(connect(&home).is_some());
        drop(second);
        drop(UnixListener::bind(path(home.root())).unwrap());
        remove_stale(&home);
        assert!(!is_there(&home));
        // What is no socket is not ours.
        fs::write(path(home.root()), "text").unwrap();
        remove_stale(&home);
        assert!(is_there(&home));
    }

    #[test]
    fn a_home_may_be_deep() {
        let world = tempfile::tempdir().unwrap();
        let deep = world.path().join("d".repeat(100)).join("e".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        let home = Home::new(&deep);
        let socket = Socket::open(&home).unwrap();
        assert!(connect(&home).is_some());
        drop(socket);
        assert!(!is_there(&home));
    }
}
