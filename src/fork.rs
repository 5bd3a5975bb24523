//! A site that was published from two machines: what a publish would do about it, for people and programs.

use serde_json::{Value, json};
use skep_publisher::{
    archive::{
        address::{Address, LeafPrefix, SiteId},
        entry::Entry,
        hash::LogHash,
        tree::Change,
    },
    error::printable,
    gateway::control::workshop,
    review::{Abandons, Review},
    store::Store,
};

use crate::{
    commands::retract::names,
    context::{rfc3339, utc},
    error::{CliError, Result},
    output::{Output, RED, YELLOW},
};

/// The names that `--allow` takes besides those of warnings about files.
pub(crate) const NAMES: [&str; 2] = [ABANDONS, BEHIND];

const ABANDONS: &str = "abandons";
const BEHIND: &str = "behind";

/// What stops a publish because of versions from another machine.
pub(crate) struct Fork {
    concerns: Vec<Concern>,
    mend: Value,
}

struct Concern {
    name: &'static str,
    /// A sentence without a full stop.
    message: String,
    hint: String,
    /// The pages that it is about.
    lost: Vec<Change>,
}

impl Fork {
    /// What to say of `review`; `behind` says which versions are known not to be here.
    pub(crate) fn of(review: &Review, behind: Option<String>) -> Self {
        let abandons = review.mend.iter().flat_map(|mend| &mend.abandons);
        let abandons = abandons.map(|abandons| abandoned(review.site, abandons));
        let mut concerns: Vec<Concern> = abandons.collect();
        concerns.extend(behind.map(missing));
        concerns.extend(review.unseen.iter().map(|rival| {
            missing(format!(
                "version {} from another machine contradicts what is here, and its files are not here",
                rival.head.length()
            ))
        }));
        let mend = review.mend.as_ref().map(|mend| {
            json!({
                "onto": review.base.as_ref().map(|entry| entry.number),
                "onto_own": mend.is_onto_own(),
                "abandons": mend.abandons.iter().map(|a| to_json(review.site, a)).collect::<Vec<_>>(),
            })
        });
        Self {
            concerns,
            mend: mend.into(),
        }
    }

    /// What stops a publish, as pages show it.
    pub(crate) fn concerns(&self) -> Vec<workshop::Concern> {
        let concerns = self.concerns.iter();
        concerns
            .map(|concern| workshop::Concern {
                name: concern.name,
                message: concern.message.clone(),
                hint: concern.hint_on_page(),
            })
            .collect()
    }

    /// Says it to people.
    pub(crate) fn show(&self, out: &Output) {
        for concern in &self.concerns {
            out.warn(format!("{} ({})", concern.message, concern.name));
            for change in &concern.lost {
                let path = printable(change.path.as_str());
                out.note(match (&change.old, &change.new) {
                    (_, None) => format!("  {RED}lost     {RED:#} {path}"),
                    (None, _) => format!("  {YELLOW}back     {YELLOW:#} {path}"),
                    _ => format!("  {YELLOW}changed  {YELLOW:#} {path}"),
                });
            }
        }
    }

    /// Adds it to a review for programs.
    pub(crate) fn add_to(&self, shown: &mut Value) {
        shown["mend"] = self.mend.clone();
        if let Some(warnings) = shown["warnings"].as_array_mut() {
            warnings.extend(self.concerns.iter().map(|concern| {
                json!({
                    "name": concern.name,
                    "blocking": true,
                    "path": null,
                    "in_sources": false,
                    "line": null,
                    "message": concern.message,
                })
            }));
        }
    }

    /// Fails if there is something that was not allowed by name.
    pub(crate) fn check(&self, allow: &[String]) -> Result<()> {
        let blocking = |concern: &&Concern| !allow.iter().any(|name| name == concern.name);
        let Some(first) = self.concerns.iter().find(blocking) else {
            return Ok(());
        };
        let message = format!("nothing was published: {}", first.message);
        Err(CliError::failed("blocked", message).hint(first.hint.clone()))
    }
}

/// Fails unless all that the key has signed is one history, and here: for what can't mend a fork.
pub(crate) fn check_none(store: &Store, site: SiteId, behind: Option<String>) -> Result<()> {
    if let Some(behind) = behind {
        let missing = missing(behind);
        return Err(CliError::failed("older", missing.message).hint(missing.hint));
    }
    let rivals = match store.site(site)? {
        Some(state) => store.rivals(&state)?,
        None => Vec::new(),
    };
    match rivals.first() {
        None => Ok(()),
        Some(rival) => Err(CliError::failed(
            "conflict",
            format!(
                "the site was published from another machine too: version {} there contradicts what is here",
                rival.head.length()
            ),
        )
        .hint("`skep publish` shows that, and mends it; do this again afterwards")),
    }
}

fn abandoned(site: SiteId, abandons: &Abandons) -> Concern {
    let entry = &abandons.entry;
    let said = match entry.message.lines().next() {
        Some(line) => format!(", \"{}\"", printable(line)),
        None => String::new(),
    };
    let whose = match abandons.own {
        true => "from here",
        false => "from another machine",
    };
    let since = match abandons.fork_point {
        0 => "with its whole history".to_owned(),
        version => format!("with all that came after version {version} there"),
    };
    let undone = match &abandons.retracts[..] {
        [] => String::new(),
        versions => format!(
            "; its retraction of {} is undone, and has to be made again",
            names(versions)
        ),
    };
    let lost = match abandons.lost.len() {
        0 => "nothing that it changed is lost".to_owned(),
        1 => "one of its changes is not in what would be published".to_owned(),
        n => format!("{n} of its changes are not in what would be published"),
    };
    Concern {
        name: ABANDONS,
        message: format!(
            "version {} {whose} ({}{said}) would be abandoned, {since}: {lost}{undone}",
            entry.number,
            utc(entry.time)
        ),
        hint: format!(
            "take over from it what you want to keep (`skep clone {} DIR` has its pages), then publish with `--allow abandons`",
            exact(site, entry, abandons.leaf)
        ),
        lost: abandons.lost.clone(),
    }
}

fn missing(message: String) -> Concern {
    Concern {
        name: BEHIND,
        message,
        hint: "bring them first, from a node with `--peer TICKET` or with `skep import FILE`; if they are gone for good, publish with `--allow behind`: readers who have seen them wait until a later publish has met them".into(),
        lost: Vec::new(),
    }
}

impl Concern {
    /// What to do about it, for somebody at a page who can tick a box and types no `--allow`.
    fn hint_on_page(&self) -> String {
        match self.name {
            ABANDONS => "take over from it what you want to keep, then publish all the same",
            _ => "wait until a node that has them is met; if they are gone for good, publish all the same: readers who have seen them wait until a later publish has met them",
        }
        .to_owned()
    }
}

/// The address of a version by its number and log hash.
pub(crate) fn exact(site: SiteId, entry: &Entry, leaf: LogHash) -> Address {
    Address {
        version: Some(entry.number),
        leaf: Some(LeafPrefix::of(leaf)),
        ..Address::of(site)
    }
}

fn to_json(site: SiteId, abandons: &Abandons) -> Value {
    let lost = abandons.lost.iter().map(|change| {
        let kind = match (&change.old, &change.new) {
            (_, None) => "lost",
            (None, _) => "back",
            _ => "changed",
        };
        json!({"path": change.path.as_str(), "change": kind})
    });
    json!({
        "version": abandons.entry.number,
        "time": rfc3339(abandons.entry.time),
        "message": abandons.entry.message,
        "address": exact(site, &abandons.entry, abandons.leaf).to_string(),
        "fork_point": abandons.fork_point,
        "own": abandons.own,
        "retracts": abandons.retracts,
        "lost": lost.collect::<Vec<_>>(),
    })
}
