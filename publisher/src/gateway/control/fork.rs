//! A website of one's own, made of the sources of a site.

use std::path::PathBuf;

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use maud::{Markup, html};

use super::{
    new,
    page::{self, Page, token, why},
    routes::Ask,
    row,
    workshop::{Forked, NewFork, Refusal},
};
use crate::{
    archive::{
        address::{Address, SiteId},
        entry::Entry,
    },
    error::{Result, printable},
    library,
    plain::line,
    store::Store,
    swarm::node::blocking,
    words::{count, utc},
};

/// So many versions can be chosen from: the newest, as far as they have sources.
const CHOICE: u64 = 50;
/// So many files that a fork lacks are named.
const MOST: usize = 20;

/// What can be forked of a site.
struct Known {
    name: String,
    /// The versions with sources, the newest first.
    versions: Vec<Entry>,
    /// The number of the newest version, with sources or without.
    newest: u64,
    folder: PathBuf,
}

/// The page that asks; `problem` says what was wrong with what was sent.
pub(super) async fn show(ask: &Ask, site: SiteId, problem: Option<&Refusal>) -> Response<Body> {
    let known = match look(ask, site).await {
        Ok(known) => known,
        Err(e) => {
            let back = format!("/open?address={site}");
            return page::refused(ask.gateway.port, "It can't be forked", &e.into(), &back);
        }
    };
    let name = &known.name;
    let newest = known.versions.first().map(|entry| entry.number);
    let body = html! {
        h1 { "Fork " (name) }
        @if let Some(problem) = problem { (why(problem)) }
        @if newest == Some(known.newest) {
            (form(ask, site, &known))
        } @else {
            (without_sources(site, &known))
        }
    };
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Page::new("Fork a site", "/")
        .with_unread(&ask.control)
        .with_status(ask.gateway.port, status, &body)
}

async fn look(ask: &Ask, site: SiteId) -> Result<Known> {
    let (store, control) = (ask.gateway.node.store.clone(), ask.control.clone());
    blocking(move || {
        let title = library::title(&control.library, site)?;
        let (newest, versions) = with_sources(&store, site)?;
        Ok(Known {
            name: title.unwrap_or_else(|| row::nameless(site)),
            versions,
            newest,
            folder: control.workshop.websites_folder(),
        })
    })
    .await
}

/// The number of the newest version, and those of the newest that can be forked.
fn with_sources(store: &Store, site: SiteId) -> Result<(u64, Vec<Entry>)> {
    let state = store.known(site)?;
    let newest = store.entry(&state, None)?.number;
    let retractions = store.retractions(&state)?;
    let mut versions = Vec::new();
    for number in (newest.saturating_sub(CHOICE - 1).max(1)..=newest).rev() {
        let entry = store.entry(&state, Some(number))?;
        if entry.sources.is_some() && retractions.by(number).is_none() {
            versions.push(entry);
        }
    }
    Ok((newest, versions))
}

fn form(ask: &Ask, site: SiteId, known: &Known) -> Markup {
    let sent = match ask.form.get("version") {
        "" => ask.query.get("version"),
        sent => sent,
    };
    let chosen = sent.parse().unwrap_or(known.newest);
    html! {
        p { "A website of your own, made of what this one is made of: texts, templates, settings." }
        ul {
            li { "It gets an address and a key of its own, and nobody else sees it until you publish." }
            li { "It says of which version it is a fork: in its settings, and to those who read it." }
            li { "It is built once, to see that it can be. Commands that came with the site do not run." }
        }
        form.panel method="post" action=(row::action(site, "fork")) {
            (token(&ask.control))
            label for="version" { "Version" }
            select #version name="version" {
                @for entry in &known.versions {
                    option value=(entry.number) selected[entry.number == chosen] { (label(entry, known.newest)) }
                }
            }
            label for="folder" { "Folder (a new one in " code { (known.folder.display()) } ", if you leave it empty)" }
            input #folder name="folder" type="text" spellcheck="false" value=(ask.form.get("folder"));
            p.publish {
                button.primary type="submit" { "Make the fork" }
                a href={ "/sites/" (site) } { "Not now" }
            }
        }
        @if known.newest > CHOICE {
            p.soft { "Older versions, in a terminal: " code { "skep fork " (Address::of(site)) "+VERSION DIR" } }
        }
    }
}

fn label(entry: &Entry, newest: u64) -> String {
    let is_newest = match entry.number == newest {
        true => ", the newest",
        false => "",
    };
    let day = utc(entry.time);
    let day = day.split(' ').next().unwrap_or_default();
    let said = match line(&entry.message, 60) {
        said if said.is_empty() => said,
        said => format!(": {said}"),
    };
    format!("{}{is_newest} ({day}){said}", entry.number)
}

/// Why a site can't be forked, and what there is instead.
fn without_sources(site: SiteId, known: &Known) -> Markup {
    let address = Address::of(site);
    html! {
        p { "Its author publishes the finished pages of version " (known.newest) " alone, and not what they are made of. So it can't be forked." }
        dl.commands {
            dt { "Its pages, as files" }
            dd { code { "skep clone " (address) " DIR" } }
            @if let Some(older) = known.versions.first() {
                dt { "Version " (older.number) " was published with its sources" }
                dd { code { "skep fork " (address) "+" (older.number) " DIR" } }
            }
        }
        p { a href={ "/sites/" (site) } { "Back" } }
    }
}

/// Makes the fork, and starts its preview.
pub(super) async fn make(ask: &Ask, site: SiteId) -> Response<Body> {
    let Ok(version) = ask.form.get("version").parse() else {
        let refusal = Refusal::new("it was not said of which version");
        return show(ask, site, Some(&refusal)).await;
    };
    // What is said of a version that is not here is better said before anything is made.
    if let Err(e) = ask.gateway.bring(site, version).await {
        return show(ask, site, Some(&e.into())).await;
    }
    let control = ask.control.clone();
    let folder = PathBuf::from(ask.form.get("folder"));
    let made = blocking(move || {
        let wanted = NewFork {
            site,
            version,
            title: library::title(&control.library, site)?.unwrap_or_default(),
            folder,
        };
        let workshop = &control.workshop;
        let made = workshop.fork(&wanted);
        Ok(made.map(|fork| {
            let preview = workshop.start_preview(fork.site);
            (fork, preview)
        }))
    });
    match made.await.map_err(Refusal::from) {
        Ok(Ok((fork, preview))) => {
            let title = match line(&fork.title, 200) {
                title if title.is_empty() => row::nameless(fork.site),
                title => title,
            };
            let more = about(site, version, &fork);
            new::ready(ask, &title, fork.site, preview, &more)
        }
        Ok(Err(refusal)) | Err(refusal) => show(ask, site, Some(&refusal)).await,
    }
}

/// What there is to know of a fork that was just made.
fn about(site: SiteId, version: u64, fork: &Forked) -> Markup {
    html! {
        dl.facts {
            dt { "Folder" } dd.path { (fork.folder.display()) }
            dt { "Forked from" } dd { a href={ "/sites/" (site) } { "version " (version) " of " code { (Address::of(site)) } } }
        }
        p { "Its title and its texts are the other's until you change them in that folder." }
        @if let Some(url) = &fork.url {
            p.note { "Left out of skep.toml: url = \"" (printable(url)) "\", where the other one is on the web." }
        }
        @if let Some(command) = &fork.command {
            p.warning { "Its skep.toml says that this command builds it: " code { (printable(command)) } ". It has not run. Look first at what it does; " code { "skep build" } " in the folder asks you before it runs it." }
        }
        @if !fork.missing.is_empty() {
            section aria-labelledby="missing" {
                h2 #missing { (count(fork.missing.len() as u64, "file")) " of the other site can't be made of what its author published" }
                ul {
                    @for path in fork.missing.iter().take(MOST) { li.path { (printable(path)) } }
                    @if fork.missing.len() > MOST { li { "and " (fork.missing.len() - MOST) " more" } }
                }
            }
        }
    }
}
