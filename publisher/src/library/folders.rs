//! Where one's own websites lie. It is remembered whenever a command works on one, without the store: a new
//! website has none.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result, printable},
    home::Home,
};

/// The folder of a website.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where it was when a command last worked on it.
    pub dir: PathBuf,
    /// Its title then.
    pub title: String,
}

/// Remembers where a website lies; of several folders of one site the last.
///
/// # Errors
///
/// If that can't be written, or the folder's name is no text.
pub fn remember(home: &Home, site: SiteId, folder: &Folder) -> Result<()> {
    if of(home, site)?.as_ref() == Some(folder) {
        return Ok(());
    }
    let Some(dir) = folder.dir.to_str().filter(|dir| !dir.contains('\n')) else {
        let message = format!("{} is no text", printable(&folder.dir.to_string_lossy()));
        return Err(Error::new(Kind::Usage, message)
            .hint("give the folder a name that can be written down"));
    };
    let title = printable(&folder.title);
    home.write_in(
        FOLDERS,
        &site.to_string(),
        format!("{dir}\n{title}\n").as_bytes(),
    )
}

/// Where a website lies; `None` if nobody knows.
///
/// # Errors
///
/// If what is remembered can't be read.
pub fn of(home: &Home, site: SiteId) -> Result<Option<Folder>> {
    let path = home.root().join(FOLDERS).join(site.to_string());
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("read", &path, &e)),
    };
    let mut lines = text.lines();
    let dir = lines.next().map(Path::new).filter(|dir| dir.is_absolute());
    // What is damaged is as good as forgotten: the next command on the folder writes it anew.
    Ok(dir.map(|dir| Folder {
        dir: dir.to_owned(),
        title: lines.next().unwrap_or("").to_owned(),
    }))
}

/// All websites whose folders are known, in no order.
///
/// # Errors
///
/// If they can't be read.
pub fn list(home: &Home) -> Result<Vec<(SiteId, Folder)>> {
    let path = home.root().join(FOLDERS);
    let names = match fs::read_dir(&path) {
        Ok(names) => names,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("read", &path, &e)),
    };
    let mut all = Vec::new();
    for name in names {
        let name = name.map_err(|e| Error::io("read", &path, &e))?.file_name();
        let site = name.to_str().and_then(|name| name.parse::<SiteId>().ok());
        if let Some(site) = site
            && let Some(folder) = of(home, site)?
        {
            all.push((site, folder));
        }
    }
    Ok(all)
}

/// Forgets where a website lies.
///
/// # Errors
///
/// If that can't be written.
pub fn forget(home: &Home, site: SiteId) -> Result<()> {
    let path = home.root().join(FOLDERS).join(site.to_string());
    match fs::remove_file(&path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io("remove", &path, &e)),
        _ => Ok(()),
    }
}

const FOLDERS: &str = "folders";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_folder_of_a_site_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("home"));
        let (one, two) = (SiteId([1; 32]), SiteId([2; 32]));
        assert_eq!(of(&home, one).unwrap(), None);
        assert_eq!(list(&home).unwrap(), []);
        let folder = |name: &str, title: &str| Folder {
            dir: dir.path().join(name),
            title: title.into(),
        };
        remember(&home, one, &folder("a", "A\nB")).unwrap();
        remember(&home, one, &folder("b", "B")).unwrap();
        remember(&home, two, &folder("c", "")).unwrap();
        assert_eq!(of(&home, one).unwrap(), Some(folder("b", "B")));
        assert_eq!(list(&home).unwrap().len(), 2);
        forget(&home, one).unwrap();
        forget(&home, one).unwrap();
        assert_eq!(list(&home).unwrap(), [(two, folder("c", ""))]);
    }

    #[test]
    fn what_is_damaged_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path());
        let site = SiteId([1; 32]);
        for text in ["", "\n", "not/absolute\nT\n"] {
            home.write_in(FOLDERS, &site.to_string(), text.as_bytes())
                .unwrap();
            assert_eq!(of(&home, site).unwrap(), None, "{text:?}");
        }
    }
}
