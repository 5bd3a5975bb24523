//! Opening a redb database, and what its errors say. Only what is proven to be damaged is called so: who reads
//! that throws the data away.

use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use redb::{Database, Error as DbError};

use crate::{
    error::{Error, Kind, Result},
    files,
};

/// How long a database that another process has open is waited for. That process owns the store no more: the
/// system is about to close its files.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(10);

/// Opens the database at `path`; creates it if there is none.
pub(crate) fn open(path: &Path) -> Result<Database> {
    files::ensure_database(path).map_err(|e| explain("open", path, e))?;
    patiently(|| Database::create(path).map_err(|e| explain("open", path, e)))
}

/// Calls `open` until it says something else than that another process has it open.
pub(crate) fn patiently<T>(mut open: impl FnMut() -> Result<T>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        match open() {
            Err(e) if e.kind == Kind::Locked && Instant::now() < end => thread::sleep(PAUSE),
            done => return done,
        }
    }
}

/// Why `what`, a verb, could not be done with the database at `path`.
pub(crate) fn explain(what: &str, path: &Path, error: impl Into<DbError>) -> Error {
    let cant =
        |kind, why: String| Error::new(kind, format!("can't {what} {}: {why}", path.display()));
    let damaged = |why: String| Error::damaged(format!("{}: {why}", path.display()));
    match error.into() {
        DbError::Io(e)
            if matches!(
                e.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            damaged(e.to_string())
        }
        DbError::Io(e) => Error::io(what, path, &e),
        DbError::Backend(e) => cant(Kind::Io, e.to_string()),
        DbError::Unsupported => cant(Kind::Io, "this file system can't lock files".into())
            .hint("put skep's home on another disk with `--home DIR`"),
        DbError::DatabaseAlreadyOpen | DbError::LockProtocolMismatch => {
            cant(Kind::Locked, "another process has it open".into())
                .hint("wait until that one has ended, and try again; nothing is damaged")
        }
        DbError::PreviousIo => cant(Kind::Io, "the disk failed or was full before".into())
            .hint("nothing was lost; stop this program, look at the disk, and start it again"),
        DbError::DatabaseClosed => cant(Kind::Io, "this program is about to end".into()),
        DbError::LockPoisoned(_) | DbError::TransactionPoisoned => {
            cant(Kind::Io, "a change to it broke off".into())
                .hint("start this program again; what was recorded before is whole")
        }
        DbError::UpgradeRequired(_)
        | DbError::TableTypeMismatch { .. }
        | DbError::TypeDefinitionChanged { .. }
        | DbError::TableIsMultimap(_)
        | DbError::TableIsNotMultimap(_) => other_version(what, path),
        DbError::Corrupted(why) if why.starts_with(NEWER_FORMAT) => other_version(what, path),
        DbError::Corrupted(why) => damaged(why),
        other => cant(Kind::Io, other.to_string()),
    }
}

/// How redb begins to say that it does not know the format of a file.
const NEWER_FORMAT: &str = "Expected file format version";

fn other_version(what: &str, path: &Path) -> Error {
    let message = format!(
        "can't {what} {}: it has a format that this version of skep does not know",
        path.display()
    );
    Error::new(Kind::OtherVersion, message)
        .hint("use the version of skep that wrote it, or a newer one; nothing is damaged")
}

#[cfg(test)]
mod tests {
    use std::{fs, io::ErrorKind};

    use redb::{DatabaseError, TableDefinition};

    use super::*;

    fn kind(error: impl Into<DbError>) -> (Kind, String) {
        let error = explain("open", Path::new("records.redb"), error);
        (error.kind, error.message)
    }

    #[test]
    fn only_proven_corruption_is_called_damage() {
        let io = |kind: ErrorKind| DbError::Io(kind.into());
        let code = |code| DbError::Io(io::Error::from_raw_os_error(code));
        for (error, expected, words) in [
            (
                io(ErrorKind::PermissionDenied),
                Kind::Io,
                "permission denied",
            ),
            (io(ErrorKind::ReadOnlyFilesystem), Kind::Io, "read-only"),
            (
                io(ErrorKind::StorageFull),
                Kind::DiskFull,
                "no storage space",
            ),
            (code(TOO_MANY), Kind::Io, "Too many open files"),
            (DbError::PreviousIo, Kind::Io, "was full"),
            (
                DbError::DatabaseAlreadyOpen,
                Kind::Locked,
                "another process",
            ),
            (
                DbError::LockProtocolMismatch,
                Kind::Locked,
                "another process",
            ),
            (DbError::DatabaseClosed, Kind::Io, "about to end"),
            (DbError::TransactionPoisoned, Kind::Io, "broke off"),
            (DbError::UpgradeRequired(2), Kind::OtherVersion, "format"),
            (
                DbError::Corrupted("Expected file format version <= 3, found 4".into()),
                Kind::OtherVersion,
                "does not know",
            ),
            (DbError::Corrupted("a page".into()), Kind::Damaged, "a page"),
            (io(ErrorKind::InvalidData), Kind::Damaged, "invalid data"),
            (io(ErrorKind::UnexpectedEof), Kind::Damaged, "end of file"),
        ] {
            let (kind, message) = kind(error);
            assert_eq!(kind, expected, "{message}");
            assert!(message.contains(words), "{message}");
            assert_eq!(
                message.contains("damaged"),
                expected == Kind::Damaged,
                "{message}"
            );
        }
    }

    const TOO_MANY: i32 = if cfg!(windows) { 4 } else { 24 };

    #[test]
    fn a_database_that_is_still_being_closed_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records.redb");
        let first = open(&path).unwrap();
        let already = Database::create(&path);
        assert!(matches!(already, Err(DatabaseError::DatabaseAlreadyOpen)));
        let mut first = Some(first);
        let mut tries = 0;
        let second = patiently(|| {
            tries += 1;
            if tries == 3 {
                drop(first.take());
            }
            Database::create(&path).map_err(|e| explain("open", &path, e))
        });
        assert!(second.is_ok(), "{second:?}");
        assert_eq!(tries, 3);
    }

    #[test]
    fn a_file_that_is_no_database_or_has_other_tables_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("records.redb");
        fs::write(&path, [7; 5000]).unwrap();
        assert_eq!(open(&path).unwrap_err().kind, Kind::Damaged);
        fs::remove_file(&path).unwrap();
        let db = open(&path).unwrap();
        let txn = db.begin_write().unwrap();
        let table: TableDefinition<u32, u32> = TableDefinition::new("sites");
        drop(txn.open_table(table).unwrap());
        txn.commit().unwrap();
        drop(db);
        let opened = crate::store::records::Records::open(&path, None);
        let error = opened.err().unwrap();
        assert_eq!(error.kind, Kind::OtherVersion, "{error}");
    }
}
