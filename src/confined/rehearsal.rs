//! A rehearsal: a site that a stranger wrote is rendered once in a child, to see that it can be. Nothing is written.

use std::{collections::BTreeSet, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use skep_generator::{LoadOptions, load};

use super::{Ended, Task, compiler, run};
use crate::{
    context::now,
    error::{CliError, Result},
};

/// What is rehearsed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Rehearsal<'a> {
    /// The site's folder.
    pub(crate) dir: &'a Path,
    /// The moment for which the paths are asked, in seconds since 1970.
    pub(crate) then: Option<i64>,
    /// Where the site is at that moment.
    pub(crate) url: Option<&'a str>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Rehearsed {
    /// How many files the site has now.
    pub(crate) files: usize,
    /// The paths that it has at the moment that was asked for.
    pub(crate) paths: BTreeSet<String>,
}

/// An error on its way from the child.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    kind: String,
    message: String,
    hint: Option<String>,
}

/// Rehearses a site in a child.
pub(crate) fn rehearse(rehearsal: &Rehearsal<'_>) -> Result<Rehearsed> {
    let other =
        |why: String| CliError::failed("limit", format!("its sources can't be tried: {why}"));
    let job = serde_json::to_vec(rehearsal).map_err(|e| other(e.to_string()))?;
    let limits = Task::Rehearse.limits();
    let answer = run(Task::Rehearse, job).map_err(|ended| {
        let most = match &ended {
            Ended::Time => format!("; it was stopped after {} seconds", limits.time.as_secs()),
            Ended::Memory => format!("; it may take {} MB", limits.memory / 1_000_000),
            Ended::Stack | Ended::Other(_) => String::new(),
        };
        let message = format!("building it does not come to an end: {ended}{most}");
        CliError::failed("limit", message)
            .hint("a template, a stylesheet or a text in it may be made for that: fork nothing of whom you do not trust")
    })?;
    let answer: Result<Rehearsed, Told> =
        serde_json::from_slice(&answer).map_err(|e| other(e.to_string()))?;
    answer.map_err(|told| CliError {
        hint: told.hint,
        ..CliError::failed(&told.kind, told.message)
    })
}

/// The answer of the child.
pub(super) fn work(job: &[u8]) -> Vec<u8> {
    let done = serde_json::from_slice::<Rehearsal<'_>>(job)
        .map_err(|e| CliError::failed("io", e.to_string()))
        .and_then(|rehearsal| carry_out(&rehearsal));
    let answer = done.map_err(|error| Told {
        kind: error.kind,
        message: error.message,
        hint: error.hint,
    });
    serde_json::to_vec(&answer).unwrap_or_default()
}

fn carry_out(rehearsal: &Rehearsal<'_>) -> Result<Rehearsed> {
    let options = |as_of| LoadOptions {
        styles: compiler(),
        ..LoadOptions::published(as_of)
    };
    let files = skep_generator::rehearse(&load(rehearsal.dir, &options(now()))?)?;
    let then = rehearsal
        .then
        .and_then(|second| Timestamp::from_second(second).ok());
    let then = LoadOptions {
        base_url: rehearsal.url.map(str::to_owned),
        ..options(then.unwrap_or_else(now))
    };
    let then = load(rehearsal.dir, &then)?;
    Ok(Rehearsed {
        files,
        paths: then.paths().map(str::to_owned).collect(),
    })
}
