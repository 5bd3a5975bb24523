//! A file to an archive. The file is as hostile as a peer.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead, Read, Write},
    path::Path,
};

use tempfile::NamedTempFile;

use super::{FORMAT_VERSION, MAGIC, MAX_ENTRIES};
use crate::{
    accept::{New, SITE_QUOTA, Wanted, accept, check_named, check_rival, forked, retracted},
    archive::{
        address::SiteId,
        blobs::{BlobSet, MAX_BLOB_SIZE, decode_list},
        codec::{Problem, Reader},
        entry::Entry,
        hash::ContentHash,
        head::Head,
        log::{
            History, HistoryError,
            fork::{Verdict, compare},
        },
    },
    error::{Error, Kind, Result},
    store::{Relation, Retractions, SiteState, Store, blobs::is_intact, retractions},
};

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// The site.
    pub site: SiteId,
    /// The newest version that is here now.
    pub version: u64,
    /// How many versions are new here.
    pub new: u64,
}

/// Takes in an exported archive, all of it or nothing. A site that was not known gets the relation that
/// `relation` says. `scratch` is a folder for temporary files. May block.
///
/// # Errors
///
/// [`Kind::Hostile`] if the file is cut or not what was signed, [`Kind::Older`] if what is here is
/// newer, [`Kind::Conflict`] if the two contradict each other. Nothing that is here changes then.
pub fn import(
    store: &Store,
    file: &mut dyn BufRead,
    relation: impl FnOnce(SiteId) -> Relation,
    scratch: &Path,
) -> Result<Imported> {
    let mut input = Input(file);
    if input.array::<8>()? != *MAGIC {
        return Err(refused("it does not begin as an exported archive"));
    }
    let [version] = input.array()?;
    if version != FORMAT_VERSION {
        return Err(refused(format!(
            "its format version is {version}: a newer skep may know it"
        )));
    }
    let site = SiteId(input.array()?);
    let head = input.bytes(Head::MAX_ENCODED)?;
    let head = Head::decode(site, &head).map_err(|e| refused(e.to_string()))?;
    let state = store.site(site)?;
    let theirs = read_log(&mut input, &head)?;
    let ours = match state.as_ref().filter(|state| state.head.is_some()) {
        Some(state) => store.history(state)?,
        None => History::default(),
    };
    let known = ours.tip().map_or(0, |tip| tip.length);
    let blobs = Blobs {
        store,
        site,
        state: state.as_ref(),
        scratch,
    };
    let keep = match compare(&ours, &theirs) {
        Verdict::Extends => known,
        Verdict::Explained { fork_point } => fork_point,
        Verdict::Same => {
            return Ok(Imported {
                site,
                version: head.length(),
                new: 0,
            });
        }
        Verdict::Behind => {
            return Err(Error::new(
                Kind::Older,
                format!(
                    "the file has version {}, and version {known} is here",
                    head.length()
                ),
            )
            .hint("what is here stays as it is"));
        }
        Verdict::Contradicts { fork_point } => {
            if let Some(state) = &state {
                keep_rival(&blobs, &mut input, state, &head, theirs, fork_point)?;
            }
            return Err(forked(&head, Some(fork_point)));
        }
    };
    let abandoned = theirs.abandoned().map(|a| Entry::decode(a.entry));
    let abandoned = abandoned.collect::<std::result::Result<Vec<_>, _>>();
    let abandoned = abandoned.map_err(|e| refused(e.to_string()))?;
    let mut new = New::onto(known, keep, theirs)?;
    check_named(&new.entries, Wanted::Whole)?;
    check_named(&abandoned, Wanted::Whole)?;
    store.delete_dropped()?;
    let wanted = blobs.take(&mut input, &new.entries, &abandoned)?;
    for entry in abandoned {
        if Retractions::default().is_whole(store, &entry)? {
            new.abandoned.push(entry);
        }
    }
    let relation = match state {
        Some(state) => state.relation,
        None => relation(site),
    };
    accept(store, site, relation, &head, &new, wanted)?;
    Ok(Imported {
        site,
        version: head.length(),
        new: new.entries.len() as u64,
    })
}

/// Keeps a head that contradicts the log here as evidence. The author, who is to mend that, gets the other
/// log too, with its files.
fn keep_rival(
    blobs: &Blobs<'_>,
    input: &mut Input<'_>,
    state: &SiteState,
    head: &Head,
    theirs: History,
    fork_point: u64,
) -> Result<()> {
    let own = state.relation == Relation::Own;
    blobs
        .store
        .keep_rival(state, head, Some((&theirs, fork_point)), own)?;
    if own {
        let known = state.head.as_ref().map_or(0, Head::length);
        let new = New::onto(known, fork_point, theirs)?;
        check_named(&new.entries, Wanted::Whole)?;
        let wanted = blobs.take(input, &new.entries, &[])?;
        check_rival(blobs.store, state, &new, wanted)?;
    }
    Ok(())
}

/// Reads the entries, which must make the log that `head` signs, and those of the branches that it abandons.
fn read_log(input: &mut Input<'_>, head: &Head) -> Result<History> {
    let count = input.uint()?;
    if count != head.length() || count > MAX_ENTRIES {
        return Err(refused("it does not have as many entries as its head says"));
    }
    let mut history = History::default();
    let wrong = |e: HistoryError| refused(e.to_string());
    for _ in 0..count {
        history
            .push(input.bytes(Entry::MAX_ENCODED)?)
            .map_err(wrong)?;
    }
    if history.tip() != Some(head.tip()) {
        return Err(refused("its entries are not those that its head signs"));
    }
    while let Some(branch) = history.missing() {
        let entries = (branch.fork_point..branch.length).map(|_| input.bytes(Entry::MAX_ENCODED));
        history
            .supply(entries.collect::<Result<_>>()?)
            .map_err(wrong)?;
    }
    Ok(history)
}

/// Takes blobs from the file into the store.
struct Blobs<'a> {
    store: &'a Store,
    site: SiteId,
    state: Option<&'a SiteState>,
    scratch: &'a Path,
}

impl Blobs<'_> {
    /// Takes every blob that the entries name, and says whether all versions of the log are complete with them.
    fn take(
        &self,
        input: &mut Input<'_>,
        entries: &[Entry],
        abandoned: &[Entry],
    ) -> Result<Wanted> {
        let mut named = HashMap::new();
        let mut lists = HashMap::new();
        // The lists of what retractions drop are wanted, and what they name is not.
        let dropping = entries.iter().flat_map(retractions::lists);
        named.extend(dropping.map(|list| (list.hash, list.size)));
        let all = entries.iter().chain(abandoned);
        for set in all.flat_map(|entry| [&entry.adds, &entry.keeps]) {
            name(set, &mut named);
            lists.extend(set.lists.iter().map(|list| (list.hash, *list)));
        }
        let mut room = SITE_QUOTA;
        let mut seen = HashSet::new();
        while !input.is_at_end()? {
            let hash = ContentHash(input.array()?);
            let size = input.uint()?;
            if !seen.insert(hash) {
                return Err(refused(format!("blob {hash} is in it twice")));
            }
            // A blob of a version that is here already may be named by no new entry: it is passed over.
            let wanted = named.get(&hash) == Some(&size);
            room = room
                .checked_sub(size)
                .filter(|_| size <= MAX_BLOB_SIZE)
                .ok_or_else(|| refused("it is larger than a node takes"))?;
            let stored = self.store.blobs.size(hash);
            let stored = stored.map_err(|e| Error::unreadable(format!("blob {hash}"), &e))?;
            let here = || stored == Some(size) && is_intact(&*self.store.blobs, hash, size);
            if !wanted || here() {
                input.skip(size)?;
            } else {
                self.take_one(input, hash, size)?;
            }
            if let Some(list) = lists.get(&hash).filter(|_| wanted) {
                let bytes = self.store.blobs.read_at(hash, 0, size);
                let bytes =
                    bytes.map_err(|e| Error::unreadable(format!("blob list {hash}"), &e))?;
                let blobs = decode_list(list, &bytes).map_err(|e| refused(e.to_string()))?;
                named.extend(blobs.iter().map(|blob| (blob.hash, blob.size)));
            }
        }
        self.completeness(entries)
    }

    fn take_one(&self, input: &mut Input<'_>, hash: ContentHash, size: u64) -> Result<()> {
        let io = |e: io::Error| Error::io("write a blob in", self.scratch, &e);
        std::fs::create_dir_all(self.scratch).map_err(io)?;
        let mut file = NamedTempFile::new_in(self.scratch).map_err(io)?;
        let mut hasher = blake3::Hasher::new();
        input.pieces(size, |piece| {
            hasher.update(piece);
            file.write_all(piece).map_err(io)
        })?;
        if hasher.finalize() != hash.0 {
            return Err(refused(format!(
                "blob {hash} has other bytes than its hash says"
            )));
        }
        let added = self.store.blobs.add_file(file.path(), self.site.0);
        added.map_err(io).map(|_| ())
    }

    fn completeness(&self, entries: &[Entry]) -> Result<Wanted> {
        let missing = |e: Error| match e.kind {
            Kind::Damaged => refused("a list of what its author took back is missing"),
            _ => e,
        };
        let retractions = retracted::with_new(self.store, self.state, entries).map_err(missing)?;
        for (n, entry) in entries.iter().enumerate() {
            let gone = retractions.by(entry.number).is_some();
            if gone || retractions.is_whole(self.store, entry)? {
                continue;
            }
            if n + 1 == entries.len() {
                return Err(refused("blobs of its newest version are missing"));
            }
            return Ok(Wanted::Latest);
        }
        Ok(Wanted::Whole)
    }
}

fn name(set: &BlobSet, named: &mut HashMap<ContentHash, u64>) {
    named.extend(set.lists.iter().map(|list| (list.hash, list.size)));
    named.extend(set.inline.iter().map(|blob| (blob.hash, blob.size)));
}

/// The file, read from front to back in bounded memory.
struct Input<'a>(&'a mut dyn BufRead);

impl Input<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).map_err(read_error)?;
        Ok(bytes)
    }

    fn uint(&mut self) -> Result<u64> {
        let mut bytes = Vec::with_capacity(10);
        loop {
            let [byte] = self.array()?;
            bytes.push(byte);
            if byte & 0x80 == 0 || bytes.len() == 10 {
                break;
            }
        }
        let mut reader = Reader::new("exported archive", &bytes);
        reader.uint().map_err(|e| refused(e.problem.to_string()))
    }

    fn bytes(&mut self, bound: usize) -> Result<Vec<u8>> {
        let length = self.uint()?;
        if length > bound as u64 {
            let problem = Problem::OverBound {
                field: "a record's length",
                value: length,
                bound: bound as u64,
            };
            return Err(refused(problem.to_string()));
        }
        let mut bytes = vec![0; length as usize];
        self.0.read_exact(&mut bytes).map_err(read_error)?;
        Ok(bytes)
    }

    fn is_at_end(&mut self) -> Result<bool> {
        Ok(self.0.fill_buf().map_err(read_error)?.is_empty())
    }

    fn skip(&mut self, count: u64) -> Result<()> {
        self.pieces(count, |_| Ok(()))
    }

    fn pieces(&mut self, count: u64, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut rest = Read::take(&mut *self.0, count);
        let mut left = count;
        let mut buffer = vec![0; 64 << 10];
        while left > 0 {
            let read = rest.read(&mut buffer).map_err(read_error)?;
            if read == 0 {
                return Err(refused("it ends too early"));
            }
            sink(&buffer[..read])?;
            left -= read as u64;
        }
        Ok(())
    }
}

fn read_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => refused("it ends too early"),
        _ => Error::io("read", Path::new("the file"), &error),
    }
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(
        Kind::Hostile,
        format!("the file is refused: {}", why.into()),
    )
    .hint("it was cut or altered; another copy, or a peer, may be whole")
}
