//! What a key has signed, remembered beside the key. A store that was lost, or that is on another machine,
//! must not make the key sign a second history: readers would refuse one of the two.

use std::{fs, io::Write, path::PathBuf};

use tempfile::NamedTempFile;

use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
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

/// Fails unless a store whose log of `site` has `have` versions knows all that the key has signed.
///
/// # Errors
///
/// [`Kind::Older`] if there are, or may be, versions that are not here.
pub fn check(home: &Home, site: SiteId, have: u64) -> Result<()> {
    let path = path_of(home, site);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("read", &path, &e)),
    };
    let message = match text.trim().parse::<u64>() {
        Ok(signed) if have >= signed => return Ok(()),
        Ok(signed) => format!(
            "the key of this site has signed version {signed}, and the newest here is {have}"
        ),
        Err(_) if have > 0 => return Ok(()),
        Err(_) => {
            "the key of this site came from another machine, and none of its versions are here"
                .into()
        }
    };
    Err(Error::new(Kind::Older, message).hint(
        "bring them first, from a node with `--peer TICKET` or with `skep import FILE`: else there would be two histories, of which readers refuse one",
    ))
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
        check(&home, site, 0).unwrap();
        remember(&home, site, 3).unwrap();
        check(&home, site, 3).unwrap();
        check(&home, site, 4).unwrap();
        assert_eq!(check(&home, site, 2).unwrap_err().kind, Kind::Older);
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
        assert_eq!(check(&new, site, 0).unwrap_err().kind, Kind::Older);
        check(&new, site, 1).unwrap();
        // To import it where it was made changes nothing.
        keys::import(&old, &keys::export(&old, site).unwrap()).unwrap();
        check(&old, site, 0).unwrap();
    }
}
