//! What a file's name says of it.

use super::WarningKind;
use crate::{
    archive::{address::SiteId, path::ArchivePath},
    foreign,
};

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
    "control-token",
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
    ".key.age",
    ".redb",
];

/// What skep keeps of a site beside its key.
const SKEP_ENDS: &[&str] = &[".signed", ".backup"];

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
    let of_skep = SKEP_ENDS.iter().find_map(|end| original.strip_suffix(end));
    let is_store = folders_end_with(&lower, "blobs/blobs.db");
    if is_store || of_skep.is_some_and(|site| site.parse::<SiteId>().is_ok()) {
        return Some((WarningKind::PrivateFile, "a file of skep's own home"));
    }
    if ends(PRIVATE_ENDS) || PRIVATE_ENDS.iter().any(|end| original.ends_with(end)) {
        return Some((WarningKind::PrivateFile, "a file for keys"));
    }
    let locked = name.starts_with(".#") || (name.starts_with('#') && name.ends_with('#'));
    if ends(BACKUP_ENDS) || locked {
        return Some((WarningKind::Backup, "left by an editor"));
    }
    if SYSTEM_NAMES.contains(&name) || name.starts_with("._") {
        return Some((WarningKind::SystemFile, "left by the system"));
    }
    if foreign::is_refused_elsewhere(path) {
        return Some((
            WarningKind::PrivateFile,
            "kept out of other people's folders, as programs run what such files say: nobody could clone the site",
        ));
    }
    None
}

/// Whether a path is `end`, or ends with it in a folder.
fn folders_end_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
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
            "my-site.key.age",
            "my-site.key.age.bak",
            "home/store/records.redb",
            "home/store/blobs/blobs.db",
            "site.key~",
            &format!("home/keys/{}.signed", SiteId([7; 32])),
            ".vscode/tasks.json",
            "a/.github/workflows/ci.yml",
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
            "village.age.html",
            "blobs.db",
            "letter.signed",
            ".nojekyll",
            ".htaccess",
        ] {
            assert_eq!(kind(path), None, "{path}");
        }
    }
}
