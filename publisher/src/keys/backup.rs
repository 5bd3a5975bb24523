//! Whether a key was backed up, remembered beside the key.

use std::{fs::File, io::Read, path::PathBuf};

use crate::{
    archive::address::SiteId,
    error::{Error, Result},
    files,
    home::Home,
};

/// The last backup of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// What was made.
    pub form: Form,
    /// When, in seconds since 1970.
    pub time: u64,
}

/// The forms that a backup can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A file that a passphrase locks.
    Sealed,
    /// Words on paper.
    Phrase,
    /// A file that anybody can read.
    Plain,
    /// The one that the key came here from.
    Imported,
}

impl Form {
    const ALL: [Self; 4] = [Self::Sealed, Self::Phrase, Self::Plain, Self::Imported];

    /// Its name in JSON output and on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Phrase => "phrase",
            Self::Plain => "plain",
            Self::Imported => "imported",
        }
    }
}

/// Remembers that the key of `site` was backed up.
///
/// # Errors
///
/// If it can't be written.
pub fn record(home: &Home, site: SiteId, backup: Backup) -> Result<()> {
    files::create_private_dir(&home.keys())?;
    let text = format!("{} {}\n", backup.form.name(), backup.time);
    files::replace_secret(&path_of(home, site), text.as_bytes())
}

/// The last backup of the key of `site`. What can't be understood counts as none: to be reminded once too
/// often does no harm.
///
/// # Errors
///
/// If it can't be read.
pub fn last(home: &Home, site: SiteId) -> Result<Option<Backup>> {
    let path = path_of(home, site);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|file| file.take(100).read_to_end(&mut bytes)) {
        Ok(_) => Ok(parse(&bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("read", &path, &e)),
    }
}

fn parse(bytes: &[u8]) -> Option<Backup> {
    let (form, time) = std::str::from_utf8(bytes).ok()?.trim().split_once(' ')?;
    Some(Backup {
        form: Form::ALL.into_iter().find(|known| known.name() == form)?,
        time: time.parse().ok()?,
    })
}

fn path_of(home: &Home, site: SiteId) -> PathBuf {
    home.keys().join(format!("{site}.backup"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    #[test]
    fn the_last_backup_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        let site = keys::create(&home).unwrap();
        assert_eq!(last(&home, site).unwrap(), None);
        for (i, form) in Form::ALL.into_iter().enumerate() {
            let backup = Backup {
                form,
                time: i as u64,
            };
            record(&home, site, backup).unwrap();
            assert_eq!(last(&home, site).unwrap(), Some(backup));
        }
        assert_eq!(keys::list(&home).unwrap(), [site], "it is no key");
    }

    #[test]
    fn what_makes_no_sense_is_no_backup() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        let site = keys::create(&home).unwrap();
        for text in [
            "",
            "phrase",
            "phrase x",
            "papyrus 3",
            "phrase -1",
            "\u{0}",
            &"9".repeat(1000),
        ] {
            std::fs::write(path_of(&home, site), text).unwrap();
            assert_eq!(last(&home, site).unwrap(), None, "{text:?}");
        }
    }
}
