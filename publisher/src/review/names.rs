//! What a file's name says of it.

use super::WarningKind;
use crate::archive::path::ArchivePath;

/// Folders in which nothing is meant for others.
const PRIVATE_FOLDERS: &[&str] = &[
    ".git", ".hg", ".svn", ".bzr", ".jj", ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker",
];

/// Files with keys and passwords.
const PRIVATE_NAMES: &[&str] = &[
    ".env",
    ".envrc",
    ".npmrc",
    ".yarnrc",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".htpasswd",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".dockercfg",
    ".vault-token",
    ".bash_history",
    ".zsh_history",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    "id_dsa",
    "wp-config.php",
];

const PRIVATE_ENDS: &[&str] = &[
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".ppk",
    ".jks",
    ".keystore",
    ".kdbx",
    ".kdb",
    ".ovpn",
    ".mobileprovision",
    ".tfstate",
    ".agekey",
];

/// Left by editors and merge tools. They hold what was taken out of a file.
const BACKUP_ENDS: &[&str] = &[
    "~", ".swp", ".swo", ".swn", ".bak", ".old", ".orig", ".rej", ".tmp",
];

/// Left by systems. They tell names of other files.
const SYSTEM_NAMES: &[&str] = &[
    ".ds_store",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    ".directory",
];

pub(super) fn look(path: &ArchivePath) -> Option<(WarningKind, &'static str)> {
    let lower = path.as_str().to_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let mut folders = folders.split('/').chain([name]);
    if folders.any(|folder| PRIVATE_FOLDERS.contains(&folder)) {
        return Some((
            WarningKind::PrivateFile,
            "part of a folder that is kept from others",
        ));
    }
    // Before the names: a backup of a private file is private as well.
    let original = BACKUP_ENDS
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name);
    if PRIVATE_NAMES.contains(&original) || original.starts_with(".env.") {
        return Some((
            WarningKind::PrivateFile,
            "a file that often has keys or passwords",
        ));
    }
    if ends(PRIVATE_ENDS) {
        return Some((WarningKind::PrivateFile, "a file for keys"));
    }
    let locked = name.starts_with(".#") || (name.starts_with('#') && name.ends_with('#'));
    if ends(BACKUP_ENDS) || locked {
        return Some((WarningKind::Backup, "left by an editor"));
    }
    if SYSTEM_NAMES.contains(&name) || name.starts_with("._") {
        return Some((WarningKind::SystemFile, "left by the system"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_not_meant_for_others() {
        let kind = |path: &str| look(&ArchivePath::new(path).unwrap()).map(|(kind, _)| kind);
        for path in [
            ".env",
            "a/.ENV.local",
            ".env~",
            ".git/config",
            "a/.git",
            "keys/id_rsa",
            "id_rsa.bak",
            "site.key",
            "tls/privkey.pem",
            "x/.ssh/known_hosts",
            ".npmrc",
            ".netrc",
        ] {
            assert_eq!(kind(path), Some(WarningKind::PrivateFile), "{path}");
        }
        for path in [
            "post.md~",
            ".post.md.swp",
            ".#post.md",
            "#post.md#",
            "a/index.html.orig",
        ] {
            assert_eq!(kind(path), Some(WarningKind::Backup), "{path}");
        }
        for path in ["a/.DS_Store", "Thumbs.db", "._photo.jpg"] {
            assert_eq!(kind(path), Some(WarningKind::SystemFile), "{path}");
        }
        for path in [
            "index.html",
            "environment.html",
            "keyboard.html",
            ".well-known/security.txt",
            "git/index.html",
            "id_rsa.pub",
            "pem.html",
            ".nojekyll",
            ".htaccess",
        ] {
            assert_eq!(kind(path), None, "{path}");
        }
    }
}
