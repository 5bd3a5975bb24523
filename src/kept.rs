//! Changes files in a site's folder for somebody, and keeps a copy of what was there.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use skep_publisher::archive::{address::SiteId, path::ArchivePath};

use crate::{
    context::{Context, now},
    error::{CliError, Result},
};

/// Where the copies of one moment are: in the home, below the site's id and the time.
pub(crate) struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// For files of `site` that are changed now.
    pub(crate) fn now(ctx: &Context, site: SiteId) -> Self {
        let moment = now().strftime("%Y-%m-%d_%H-%M-%S%.3f").to_string();
        let of_site = ctx.home.root().join("kept").join(site.to_string());
        Self {
            folder: of_site.join(moment),
        }
    }

    #[cfg(test)]
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder of the copies. It is made for the first of them.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Copies the file `path` of the site's folder, which is at `file`, and says where; `None` if it is not there.
    pub(crate) fn keep(&self, file: &Path, path: &ArchivePath) -> Result<Option<PathBuf>> {
        let kept = path.under(&self.folder);
        let copied = (|| {
            match fs::symlink_metadata(file) {
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
                found => found?,
            };
            if let Some(parent) = kept.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::copy(file, &kept)?;
            File::open(&kept)?.sync_all()?;
            Ok(Some(kept))
        })();
        copied.map_err(|e: io::Error| {
            let message = format!(
                "{} was not changed: no copy of it can be kept: {e}",
                file.display()
            );
            CliError::failed("io", message)
        })
    }
}

/// Where a file of the site's folder is. Links in it lead nowhere else. Folders above it are made.
pub(crate) fn target(dir: &Path, path: &ArchivePath) -> Result<PathBuf> {
    let file = place(dir, path)?;
    let parent = file.parent().unwrap_or(&file);
    fs::create_dir_all(parent).map_err(|e| cant("write", parent, &e))?;
    Ok(file)
}

/// As [`target`], and nothing is made.
pub(crate) fn place(dir: &Path, path: &ArchivePath) -> Result<PathBuf> {
    let root = dir.canonicalize().map_err(|e| cant("write", dir, &e))?;
    let file = path.in_folder(&root);
    let parent = file.parent().unwrap_or(&root);
    // The nearest folder that is there decides where the others will be.
    let there = parent.ancestors().find_map(|dir| dir.canonicalize().ok());
    let is_link = file.symlink_metadata().is_ok_and(|meta| !meta.is_file());
    if is_link || !there.is_some_and(|there| there.starts_with(&root)) {
        let message = format!(
            "{} is no plain file of the website's folder",
            file.display()
        );
        return Err(CliError::failed("refused", message));
    }
    Ok(file)
}

/// Writes a file in one step: as `fill` says, or not at all.
pub(crate) fn write(file: &Path, fill: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let failed = |e: io::Error| cant("write", file, &e);
    let parent = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new()
        .prefix(".skep-")
        .tempfile_in(parent)
        .map_err(failed)?;
    fill(new.as_file_mut())?;
    let written = (|| {
        new.as_file().sync_all()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // A temporary file is for its owner alone; a website's files are as others are.
            let mode = fs::metadata(file).map_or(0o644, |meta| meta.permissions().mode());
            new.as_file()
                .set_permissions(fs::Permissions::from_mode(mode & 0o777))?;
        }
        new.persist(file).map_err(|e| e.error)?;
        Ok(())
    })();
    written.map_err(failed)
}

/// Removes a file, if it is there.
pub(crate) fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(cant("remove", file, &e)),
        _ => Ok(()),
    }
}

/// The error for what can't be done to a file.
pub(crate) fn cant(what: &str, file: &Path, error: &io::Error) -> CliError {
    CliError::failed("io", format!("can't {what} {}: {error}", file.display()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_place_is_a_plain_file_in_the_folder_wherever_links_lead() {
        let world = tempfile::tempdir().unwrap();
        let (site, outside) = (world.path().join("site"), world.path().join("outside"));
        fs::create_dir_all(site.join("real")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("precious"), "mine").unwrap();
        symlink(&outside, site.join("away")).unwrap();
        symlink(outside.join("precious"), site.join("file")).unwrap();
        symlink("nowhere", site.join("broken")).unwrap();
        symlink("real", site.join("inside")).unwrap();
        for (path, is_refused) in [
            ("real/a", false),
            ("new/deep/a", false),
            ("inside/a", false),
            ("away/precious", true),
            ("away/new/a", true),
            ("file", true),
            ("broken", true),
            ("real", true),
        ] {
            let path = ArchivePath::new(path).unwrap();
            for found in [place(&site, &path), target(&site, &path)] {
                assert_eq!(found.is_err(), is_refused, "{path}");
            }
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    }
}
