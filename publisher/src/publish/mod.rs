//! Publishing: a review becomes a signed version, all or nothing.
//!
//! The order is what makes it safe: blobs are stored and synced, then one transaction of the records
//! brings entry, objects and head. A crash before that transaction leaves the old version, and blobs
//! that the next publish finds again.

mod blob_sets;
mod content;
mod living;
mod retract;

pub use retract::{Deletion, Elsewhere, Gone, Retraction, retract, retraction};

use std::{cmp::Reverse, collections::BTreeMap, path::Path};

use ed25519_dalek::SigningKey;

use crate::{
    archive::{
        address::SiteId,
        blobs::BlobRef,
        entry::{Entry, EntryKind},
        hash::ContentHash,
        head::Head,
        log::Peaks,
        signpost::Signpost,
    },
    error::{Error, Kind, Result},
    progress::{Phase, Unit},
    review::{Mend, Review},
    store::{Relation, SiteState, Store, records::Commit},
};

/// What the author says of a version.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What changed, in words.
    pub message: String,
    /// Now, in seconds since 1970. A version is never dated before the one on which it follows: if the clock was set
    /// back, it has the date of that one.
    pub time: u64,
    /// The moment that the build took for the present, in seconds since 1970.
    pub as_of: u64,
    /// The site and version that this site was forked from.
    pub origin: Option<(SiteId, u64)>,
}

/// How a publish ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The newest version has just these files already.
    Unchanged(Head),
    /// There is a new version.
    Published(Box<Published>),
}

/// A new version.
#[derive(Debug, Clone)]
pub struct Published {
    /// The signed head.
    pub head: Head,
    /// The version's entry.
    pub entry: Entry,
    /// How many bytes the version adds to the archive: those of blobs that no version had before.
    pub added: u64,
}

/// How far a publish is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The new bytes are in the store, but not yet durable.
    Stored,
    /// They are durable.
    Synced,
    /// The head is signed and durable: the version is published.
    Signed,
}

/// Makes a version of a review. `scratch` is a folder for temporary files.
///
/// # Errors
///
/// If a file changed since the review or another version came, the message is too long, the key is
/// another site's, or the store can't be written; the newest version is then the one that it was.
pub fn publish(
    store: &Store,
    key: &SigningKey,
    review: &Review,
    statement: &Statement,
    scratch: &Path,
    mut progress: impl FnMut(Step),
) -> Result<Outcome> {
    if key.verifying_key().to_bytes() != review.site.0 {
        return Err(Error::new(
            Kind::NoKey,
            format!("this is not the key of skep://{}", review.site),
        ));
    }
    let previous = review.base.as_ref();
    let (tree, sources) = review.roots()?;
    if let (Some(previous), Some(state), None) = (previous, &review.state, &review.mend)
        && (previous.tree, previous.sources) == (tree, sources)
        && let Some(head) = &state.head
    {
        return Ok(Outcome::Unchanged(head.clone()));
    }
    store.delete_dropped()?;
    let before: BTreeMap<ContentHash, BlobRef> = match previous {
        Some(entry) => needs(store, entry)?,
        None => BTreeMap::new(),
    };
    let stored = content::store(store, review, &before, scratch)?;
    let sets = blob_sets::plan(store, review.site, previous, &before, &stored.live)?;
    let here = match &review.state {
        Some(state) => store.log_peaks(state)?,
        None => Peaks::default(),
    };
    let (before, mut keep) = (here.length(), here.length());
    let mut peaks = here;
    if let Some(mend) = &review.mend {
        (peaks, keep) = (mend.onto().peaks(), mend.keep);
    }
    let entry = Entry {
        kind: EntryKind::Publish,
        number: peaks.length() + 1,
        time: previous.map_or(statement.time, |before| before.time.max(statement.time)),
        as_of: statement.as_of,
        tree,
        sources,
        files: review.output.count(),
        bytes: review.output.bytes(),
        message: statement.message.trim().to_owned(),
        adds: sets.adds,
        keeps: sets.keeps,
        drops: sets.drops,
        origin: statement.origin,
        abandoned: review.mend.as_ref().map_or(Vec::new(), Mend::branches),
    };
    let encoded = entry.encode().map_err(|e| {
        Error::new(
            Kind::Unpublishable,
            format!("this version can't be recorded: {e}"),
        )
        .hint(format!(
            "a message has at most {} bytes and no control characters",
            Entry::MAX_MESSAGE
        ))
    })?;
    progress(Step::Stored);
    let syncing = store.begin(review.site, Phase::Sync, None, Unit::Bytes);
    store
        .blobs
        .sync()
        .map_err(|e| Error::io("make durable", Path::new("the store's blobs"), &e))?;
    drop(syncing);
    progress(Step::Synced);
    peaks.append(&encoded);
    let Some(root) = peaks.root() else {
        return Err(Error::damaged("the log is empty after an entry was added"));
    };
    let history = review.mend.as_ref().map(|mend| mend.with(encoded.clone()));
    let history = history.transpose()?;
    let mut entries = match &review.mend {
        Some(mend) => mend
            .onto()
            .entries_from(keep + 1)
            .map(<[u8]>::to_vec)
            .collect(),
        None => Vec::new(),
    };
    entries.push(encoded);
    let (retractions, drops) = match (&review.mend, &review.state) {
        (Some(mend), Some(state)) => mend.retracted(store, state, &entry)?,
        _ => (Vec::new(), Vec::new()),
    };
    let head = Head::sign(key, peaks.length(), root);
    let signpost = match &review.state {
        Some(state) => signpost(store, state, key, &head)?,
        None => Signpost::sign(key, &head, &store.node.into_iter().collect::<Vec<_>>()),
    };
    store.records.commit(&Commit {
        site: review.site,
        relation: Relation::Own,
        entries: &entries,
        head: &head,
        peaks: &peaks,
        packs: &stored.packs,
        retractions: &retractions,
        drops: &drops,
        uses: Some(&stored.counted),
        before,
        keep,
        history: history.as_ref(),
        signpost: signpost.as_ref(),
    })?;
    progress(Step::Signed);
    // What can't be deleted now is when the next comes, or the store is opened.
    let _ = store.delete_dropped();
    Ok(Outcome::Published(Box::new(Published {
        head,
        entry,
        added: stored.added,
    })))
}

/// What the DHT is to say of a new head: that this node has it, and that those may have it soon who kept earlier
/// versions.
fn signpost(
    store: &Store,
    state: &SiteState,
    key: &SigningKey,
    head: &Head,
) -> Result<Option<Signpost>> {
    let mut kept = store.receipts(state)?;
    kept.sort_by_key(|receipt| Reverse((receipt.length, receipt.time)));
    let kept = kept.iter().map(|receipt| receipt.node);
    let holders: Vec<_> = store.node.into_iter().chain(kept).collect();
    Ok(Signpost::sign(key, head, &holders))
}

/// Every blob that a version needs.
pub(crate) fn needs(store: &Store, entry: &Entry) -> Result<BTreeMap<ContentHash, BlobRef>> {
    let mut needs = BTreeMap::new();
    for set in [&entry.adds, &entry.keeps] {
        needs.extend(
            store
                .blobs_of(set)?
                .into_iter()
                .map(|blob| (blob.hash, blob)),
        );
    }
    Ok(needs)
}
