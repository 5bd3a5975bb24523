//! [`check_tree`]: what a tree has to pass, looked at only where it differs from one that has passed.

use crate::{
    archive::{
        hash::NodeHash,
        path::{ArchivePath, Names},
        tree::{self, Change, File},
    },
    error::{Error, Kind, Result},
    store::{Reader, Store},
};

/// A tree that was checked. The sums are wide enough for any sizes, and for what is taken away.
pub(super) struct Checked {
    pub(super) tree: NodeHash,
    pub(super) files: i128,
    pub(super) bytes: i128,
}

/// Checks that the files of a tree are `present`, that no two of its names are one on some disk, that none is
/// reserved, and that it has the shape that its files make. Of the tree `old`, which was checked before, only what is
/// different is read, unless its names were forgotten.
pub(super) fn check_tree(
    store: &Store,
    reader: &Reader,
    old: Option<Checked>,
    new: NodeHash,
    present: &impl Fn(&[&File]) -> Result<()>,
) -> Result<Checked> {
    let Some(old) = old else {
        return check_whole(store, reader, new, present);
    };
    if old.tree == new {
        return Ok(old);
    }
    if let Some(mut names) = store.names.take(old.tree) {
        let changes = reader.diff_and_shape(old.tree, new)?;
        if names.apply(&changes) {
            let checked = check_changes(old, new, &changes, present)?;
            store.names.put(new, names);
            return Ok(checked);
        }
    }
    // Two names may be one, and this says which; or it is not known.
    check_whole(store, reader, new, present)
}

fn check_changes(
    old: Checked,
    new: NodeHash,
    changes: &[Change],
    present: &impl Fn(&[&File]) -> Result<()>,
) -> Result<Checked> {
    let mut checked = Checked { tree: new, ..old };
    for change in changes {
        if let Some(file) = &change.old {
            checked.files -= 1;
            checked.bytes -= i128::from(file.size);
        }
        if let Some(file) = &change.new {
            checked.files += 1;
            checked.bytes += i128::from(file.size);
            not_reserved(&change.path)?;
        }
    }
    let came: Vec<_> = changes.iter().filter_map(|c| c.new.as_ref()).collect();
    present(&came)?;
    Ok(checked)
}

fn check_whole(
    store: &Store,
    reader: &Reader,
    root: NodeHash,
    present: &impl Fn(&[&File]) -> Result<()>,
) -> Result<Checked> {
    let (mut files, mut bytes) = (0, 0i128);
    let mut names = store.names.none();
    let mut is_free = true;
    let mut all = Vec::new();
    reader.walk(root, |path, file| {
        files += 1;
        bytes += i128::from(file.size);
        is_free = is_free && names.add(path);
        not_reserved(path)?;
        all.push((path.clone(), file.clone()));
        Ok(())
    })?;
    if !is_free {
        let mut exact = Names::default();
        if let Some((path, _)) = all.iter().find(|(path, _)| !exact.add(path)) {
            return Err(hostile(format!(
                "the site has two files that are one on some disks, by case or as file and folder: {path}"
            )));
        }
    }
    present(&all.iter().map(|(_, file)| file).collect::<Vec<_>>())?;
    // Else equal files would have two roots, and a tree could be any number of nodes.
    if tree::build(all).root != root {
        return Err(hostile(
            "a tree has another shape than its files make".into(),
        ));
    }
    if is_free {
        store.names.put(root, names);
    }
    Ok(Checked {
        tree: root,
        files,
        bytes,
    })
}

/// A mirror answers for these paths itself.
fn not_reserved(path: &ArchivePath) -> Result<()> {
    match path.is_reserved() {
        false => Ok(()),
        true => Err(hostile(format!(
            "the site has a file at {path}, which is reserved"
        ))),
    }
}

fn hostile(message: String) -> Error {
    Error::new(Kind::Hostile, message)
}
