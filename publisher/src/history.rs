//! What a key has signed, remembered beside the key. A store that was lost, or that is on another machine,
//! must not make the key sign a second history unasked: readers of one of the two would have to wait until
//! that is mended.

use std::{fs, io::Write, path::PathBuf};

use tempfile::NamedTempFile;

use crate::{
    archive::address::SiteId,
    error::{Error, Result},
    files,
    home::Home,
};

/// Stands for a length that is not known: the key came from another machine.
const UNKNOWN: &str = "unknown";

/// Remembers that the key of `site` has signed a log of that length.
///
/// # Errors
///
/// If it can't be written.
pub fn remember(home: &Home, site: SiteId, length: u64) -> Result<()> {
    write(home, site, &length.to_string())
}

/// Remembers that the key of `site` may have signed anything elsewhere.
pub(crate) fn remember_unknown(home: &Home, site: SiteId) -> Result<()> {
    files::create_private_dir(&home.keys())?;
    write(home, site, UNKNOWN)
}

/// What the key of `site` has signed, or may have, that a store whose log has `have` versions lacks: a
/// sentence without a full stop.
///
/// # Errors
///
/// If what the key has signed can't be read.
pub fn unseen(home: &Home, site: SiteId, have: u64) -> Result<Option<String>> {
    let path = path_of(home, site);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("read", &path, &e)),
    };
    Ok(match text.trim().parse::<u64>() {
        Ok(signed) if have >= signed => None,
        Ok(signed) => Some(format!(
            "the key of this site has signed version {signed}, and the newest here is {have}"
        )),
        Err(_) if have > 0 => None,
        Err(_) => Some(
            "the key of this site came from another machine, and none of its versions are here"
                .into(),
        ),
    })
}

fn write(home: &Home, site: SiteId, text: &str) -> Result<()> {
    let path = path_of(home, site);
    let result = (|| {
        let mut file = NamedTempFile::new_in(home.keys())?;
        writeln!(file, "{text}")?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|e| e.error)?;
        files::sync_dir(&home.keys())
    })();
    result.map_err(|e| Error::io("write", &path, &e))
}

fn path_of(home: &Home, site: SiteId) -> PathBuf {
    home.keys().join(format!("{site}.signed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    #[test]
    fn a_key_signs_one_history() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        let site = keys::create(&home).unwrap();
        let unseen = |have| unseen(&home, site, have).unwrap();
        assert_eq!(unseen(0), None);
        remember(&home, site, 3).unwrap();
        assert_eq!((unseen(3), unseen(4)), (None, None));
        assert!(unseen(2).unwrap().contains("signed version 3"));
    }

    #[test]
    fn an_imported_key_needs_its_history() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (
            Home::new(dir.path().join("a")),
            Home::new(dir.path().join("b")),
        );
        let site = keys::create(&old).unwrap();
        keys::import(&new, &keys::export(&old, site).unwrap()).unwrap();
        assert!(unseen(&new, site, 0).unwrap().is_some());
        assert_eq!(unseen(&new, site, 1).unwrap(), None);
        // To import it where it was made changes nothing.
        keys::import(&old, &keys::export(&old, site).unwrap()).unwrap();
        assert_eq!(unseen(&old, site, 0).unwrap(), None);
    }
}
