//! Whether a folder lies on a network drive. There the system tells only of changes that are made on this very machine.

use std::path::{Path, PathBuf};

/// The kinds of file systems, as Linux calls them, that others change too.
const NETWORK: [&str; 11] = [
    "9p",
    "afs",
    "ceph",
    "cifs",
    "fuse.sshfs",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
    "vboxsf",
];

/// The kind of the network drive that `folder` lies on, if it does and the system says so.
pub(super) fn network_drive(folder: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let kind = kind(&mounts, folder)?;
    NETWORK.contains(&kind).then(|| kind.to_owned())
}

/// The kind of the file system that `folder` lies on, out of a list as in `/proc/self/mounts`.
fn kind<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    let lines = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let at = PathBuf::from(unescape(words.next()?));
        folder.starts_with(&at).then_some((at, words.next()?))
    });
    // The innermost one, and of those at one place the last, which lies over the others.
    lines
        .max_by_key(|(at, _)| at.components().count())
        .map(|(_, kind)| kind)
}

/// Blanks, tabs, line breaks and backslashes in a path are written as octal numbers.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_counts() {
        let mounts = "/dev/vda / ext4 rw 0 0\n\
                      nas:/x /home/ada/My\\040blog nfs4 rw 0 0\n\
                      tmpfs /home/ada/My\\040blog/_site tmpfs rw 0 0\n\
                      a /over ext4 rw 0 0\nb /over cifs rw 0 0\n";
        for (folder, expected) in [
            ("/home/ada", "ext4"),
            ("/home/ada/My blog", "nfs4"),
            ("/home/ada/My blog/_posts", "nfs4"),
            ("/home/ada/My blogs", "ext4"),
            ("/home/ada/My blog/_site/a", "tmpfs"),
            ("/over/a", "cifs"),
        ] {
            assert_eq!(kind(mounts, Path::new(folder)), Some(expected), "{folder}");
        }
        assert_eq!(kind("", Path::new("/")), None);
        assert_eq!(kind("x", Path::new("/")), None);
    }
}
