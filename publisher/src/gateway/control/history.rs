//! The versions of a site, the newest first, some at a time.

use maud::{Markup, html};

use super::page::time;
use crate::{
    archive::{
        address::{Address, LeafPrefix, SiteId},
        entry::{Entry, EntryKind},
    },
    error::{Result, printable},
    gateway::local::Gateway,
    store::{OtherVersion, Retractions, SiteState, Store},
    words::{bytes, count},
};

/// So many versions are on a page.
const SHOWN: u64 = 25;

/// The versions of a site before `before`; without it the newest, and what is not in its log.
pub(super) fn of(gateway: &Gateway, state: &SiteState, before: Option<u64>) -> Result<Markup> {
    let store = &gateway.node.store;
    let newest = state.head.as_ref().map_or(0, |head| head.length());
    let last = before.map_or(newest, |before| before.saturating_sub(1).min(newest));
    let first = last.saturating_sub(SHOWN - 1).max(1);
    let retractions = store.retractions(state)?;
    let mut rows = Vec::new();
    for version in (first..=last).rev() {
        let entry = store.entry(state, Some(version))?;
        let smaller = size_before(store, state, version)?;
        rows.push(row(gateway, state.site, &entry, smaller, &retractions));
    }
    let abandoned = match before {
        None => store.abandoned(state)?,
        Some(_) => Vec::new(),
    };
    let page = |before: u64| format!("/sites/{}?before={before}#history", state.site);
    Ok(html! {
        section aria-labelledby="history" {
            h2 #history { "History" " " span.soft { (count(newest, "version")) } }
            ul.versions { @for row in &rows { (row) } }
            @if first > 1 || last < newest {
                nav.pagination aria-label="Versions" {
                    @if last < newest { a href=(page(last.saturating_add(SHOWN + 1))) { "Newer" } }
                    @if first > 1 { a href=(page(first)) { "Older" } }
                }
            }
            @if !abandoned.is_empty() {
                h3 { "Abandoned" }
                p.soft { "Versions that were published from another machine, and of which a later one took the place. Where they are held they can be read by their addresses." }
                ul.versions { @for other in abandoned.iter().rev() { (abandoned_row(state.site, other)) } }
            }
        }
    })
}

fn size_before(store: &Store, state: &SiteState, version: u64) -> Result<Option<u64>> {
    match version {
        1 => Ok(None),
        _ => Ok(Some(store.entry(state, Some(version - 1))?.bytes)),
    }
}

fn row(
    gateway: &Gateway,
    site: SiteId,
    entry: &Entry,
    before: Option<u64>,
    retractions: &Retractions,
) -> Markup {
    let retracted_by = retractions.by(entry.number);
    let url = gateway.url_of_version(site, entry.number).ok();
    let url = url.filter(|_| retracted_by.is_none());
    let name = format!("Version {}", entry.number);
    html! {
        li {
            h3 {
                @match url { Some(url) => { a href=(url) { (name) } } None => { (name) } }
            }
            (about(entry, before))
            @if let Some(by) = retracted_by {
                p.note { "Its author took it back in version " (by) ": its files are not here any more." }
            }
            @if let EntryKind::Retract(versions) = &entry.kind {
                p.note {
                    "Takes back "
                    @for (n, version) in versions.iter().enumerate() { @if n > 0 { ", " } "version " (version) }
                    "."
                }
            }
            @if !entry.abandoned.is_empty() {
                p.note { "Takes the place of versions that were published from another machine." }
            }
        }
    }
}

fn abandoned_row(site: SiteId, other: &OtherVersion) -> Markup {
    let mut address = Address::of(site);
    address.version = Some(other.entry.number);
    address.leaf = Some(LeafPrefix::of(other.leaf));
    html! {
        li {
            h3 { "Version " (other.entry.number) ", abandoned" }
            (about(&other.entry, None))
            p { code.address { (address) } }
        }
    }
}

/// A message on its lines, without what would turn around what stands beside it.
fn said(message: &str) -> String {
    let lines: Vec<String> = message.lines().map(printable).collect();
    lines.join("\n")
}

fn about(entry: &Entry, before: Option<u64>) -> Markup {
    html! {
        p.meta {
            span { (time(entry.time)) }
            span { (count(entry.files, "file")) ", " (bytes(entry.bytes)) }
            @if let Some(before) = before {
                @if entry.bytes > before { span.plus { "+" (bytes(entry.bytes - before)) } }
                @if entry.bytes < before { span.minus { "\u{2212}" (bytes(before - entry.bytes)) } }
            }
            @if entry.sources.is_some() { span { "with sources" } }
        }
        @if !entry.message.is_empty() { p.said { (said(&entry.message)) } }
    }
}
