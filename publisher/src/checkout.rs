//! Writing the files of a version into a folder.

mod filling;

use std::{
    collections::HashSet,
    fs::{self, File as FsFile},
    io::Write,
    path::Path,
};

pub use filling::{Filling, Part};

use crate::{
    archive::{
        hash::NodeHash,
        path::{ArchivePath, Names},
        tree::{self, File, NodeSource, TreeError},
    },
    error::{Error, Kind, Result},
    foreign::{Obeyed, Screen},
    parallel,
    progress::{Phase, Tally, Unit},
    scratch::Scratch,
    store::Reader,
};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedOut {
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// Fails if `dir` is neither absent nor an empty folder, as [`checkout`] would.
///
/// # Errors
///
/// [`Kind::Usage`] in that case.
pub fn check_target(dir: &Path) -> Result<()> {
    let taken = |what: &str| {
        Err(Error::new(Kind::Usage, format!("{} {what}", dir.display()))
            .hint("name a folder that does not exist yet"))
    };
    match fs::symlink_metadata(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("look at", dir, &e)),
        Ok(meta) if !meta.is_dir() => taken("exists and is not a folder"),
        Ok(_) => match fs::read_dir(dir).map(|mut entries| entries.next().is_some()) {
            Ok(false) => Ok(()),
            Ok(true) => taken("is not empty"),
            Err(e) => Err(Error::io("read", dir, &e)),
        },
    }
}

/// Writes the files of the tree `root` to `dir`, which must be absent or empty. Each file is verified;
/// the folder appears when it is complete, or not at all.
///
/// # Errors
///
/// If the version is not here or is damaged, or the folder can't be written.
pub fn checkout(reader: &Reader, root: NodeHash, dir: &Path) -> Result<CheckedOut> {
    check_target(dir)?;
    let files = files(reader, root)?;
    // A fresh folder of our own: no link that lies in it can lead out of it.
    let partial = partial_folder(parent_of(dir)?)?;
    make_folders(partial.path(), &files)?;
    complete(reader, &files, &files, partial, dir)
}

/// The folder in which `dir` lies; it is made if it is not there.
fn parent_of(dir: &Path) -> Result<&Path> {
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(|e| Error::io("create the folder", parent, &e))?;
    Ok(parent)
}

/// Writes those of `files` that are `left`, and gives the folder its name.
fn complete(
    reader: &Reader,
    files: &[(ArchivePath, File)],
    left: &[(ArchivePath, File)],
    partial: Scratch,
    dir: &Path,
) -> Result<CheckedOut> {
    let bytes = left.iter().map(|(_, file)| file.size).sum();
    let tally = reader.begin(Phase::Write, Some(bytes), Unit::Bytes);
    let parts: Vec<_> = left.chunks(PART).collect();
    parallel::each(
        parts.len(),
        || reader.again(),
        |reader, n| write(reader, parts[n], partial.path(), &tally),
    )?;
    fs::rename(partial.path(), dir).map_err(|e| Error::io("create", dir, &e))?;
    // It has another name now, and stays.
    partial.keep();
    Ok(CheckedOut {
        files: files.len() as u64,
        bytes: files.iter().map(|(_, file)| file.size).sum(),
    })
}

/// How the names of folders begin that are being filled.
const PREFIX: &str = ".skep-clone-";

/// How many files are written one after the other: some of one folder, which lie in a few frames.
const PART: usize = 64;

/// The files of a tree, if they may be written to a folder.
fn files<S: NodeSource>(source: &S, root: NodeHash) -> Result<Vec<(ArchivePath, File)>>
where
    Error: From<TreeError<S::Error>>,
{
    let mut names = Names::default();
    let mut screen = Screen::of_site();
    let mut files = Vec::new();
    tree::walk(source, root, &mut |path, file| {
        screen.add(path).map_err(refused)?;
        if !names.add(path) {
            return Err(Error::new(
                Kind::Hostile,
                format!(
                    "the site has two files that are one on some disks, by case or as file and folder: {path}"
                ),
            ));
        }
        files.push((path.clone(), file.clone()));
        Ok(())
    })?;
    Ok(files)
}

/// The error for files that a program here would obey.
fn refused(obeyed: Obeyed) -> Error {
    Error::new(Kind::Hostile, format!("nothing was written: {obeyed}"))
        .hint("a stranger wrote this site; its pages can be read in a browser all the same")
}

fn make_folders(root: &Path, files: &[(ArchivePath, File)]) -> Result<()> {
    let mut made = HashSet::new();
    for (path, _) in files {
        if let Some((folder, _)) = path.as_str().rsplit_once('/')
            && made.insert(folder)
            && let Some(folder) = path.under(root).parent()
        {
            fs::create_dir_all(folder).map_err(|e| Error::io("create the folder", folder, &e))?;
        }
    }
    Ok(())
}

fn write(reader: &Reader, files: &[(ArchivePath, File)], root: &Path, tally: &Tally) -> Result<()> {
    let places = reader.locate_files(files.iter().map(|(_, file)| file))?;
    for ((path, file), place) in files.iter().zip(places) {
        let target = path.under(root);
        let io = |e: std::io::Error| Error::io("write", &target, &e);
        // What comes from a pack comes in one piece, and the rest in large ones.
        let mut out = FsFile::create_new(&target).map_err(io)?;
        reader.read_from(file, place, |piece| {
            tally.add(piece.len() as u64);
            out.write_all(piece).map_err(io)
        })?;
    }
    Ok(())
}

/// A fresh folder beside the one that is wanted. A clone is an ordinary folder, as open as the
/// user's umask lets it be.
fn partial_folder(parent: &Path) -> Result<Scratch> {
    let folder = Scratch::open_to_others(parent, PREFIX);
    folder.map_err(|e| Error::io("create a folder in", parent, &e))
}
