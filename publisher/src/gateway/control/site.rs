//! One site, with all that there is to know of it.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use maud::{Markup, html};

use super::{
    Control, history,
    page::{self, Page, button, time, why},
    routes::Ask,
    row,
    workshop::Refusal,
};
use crate::{
    archive::{
        address::{Address, SiteId},
        entry::Entry,
    },
    error::Result,
    gateway::local::Gateway,
    keys,
    library::{
        self, LibrarySite,
        folders::{self, Folder},
    },
    store::Relation,
    swarm::{follow, node::blocking},
    words::{bytes, count},
};

/// Leads back to the page of the site.
const BACK: &str = "&site";

/// The page of a site.
pub(super) async fn show(ask: &Ask, site: SiteId) -> Response<Body> {
    let port = ask.gateway.port;
    let (gateway, control) = (ask.gateway.clone(), ask.control.clone());
    let before = ask.query.get("before").parse().ok();
    let made = blocking(move || {
        let folder = folders::of(&control.home, site)?;
        let peers = gateway.node.peers_now(site).len();
        if let Some(known) = library::one(&control.library, site, peers)? {
            let name = row::name(&known, folder.as_ref());
            let body = of_known(&gateway, &control, &known, folder.as_ref(), before)?;
            return Ok(Some((name, body)));
        }
        if !keys::list(&control.home)?.contains(&site) {
            return Ok(None);
        }
        let row = row::unpublished(&control, site, folder.as_ref());
        let body = html! { h1 { "A website of yours" } ul.sites { (row) } };
        Ok(Some(("A website of yours".to_owned(), body)))
    });
    match made.await {
        Ok(Some((name, body))) => Page::new(&name, "/")
            .with_unread(&ask.control)
            .answer(port, &body),
        Ok(None) => {
            let text = html! {
                p { "Nothing of " code.address { (Address::of(site)) } " is here." }
                p { a href={ "/open?address=" (site) } { "Open it" } " \u{b7} " a href="/" { "To the library" } }
            };
            page::message(port, StatusCode::NOT_FOUND, "This site is not here", &text)
        }
        Err(e) => {
            let text = html! { (why(&Refusal::from(e))) };
            page::message(
                port,
                StatusCode::INTERNAL_SERVER_ERROR,
                "The store can't be read",
                &text,
            )
        }
    }
}

/// Stops the sharing of a site, or starts it again.
pub(super) async fn sharing(ask: &Ask, site: SiteId) -> Response<Body> {
    let back = format!("/sites/{site}");
    match follow::pause(&ask.gateway.node, site, ask.query.has("stop")).await {
        Ok(()) => page::see(&back),
        Err(e) => page::refused(ask.gateway.port, "Nothing has changed", &e.into(), &back),
    }
}

fn of_known(
    gateway: &Gateway,
    control: &Control,
    site: &LibrarySite,
    folder: Option<&Folder>,
    before: Option<u64>,
) -> Result<Markup> {
    let store = &gateway.node.store;
    let state = store.site(site.site)?;
    let state = state.filter(|state| state.head.is_some());
    let newest = match &state {
        Some(state) => Some(store.entry(state, None)?),
        None => None,
    };
    let versions = match &state {
        Some(state) => Some(history::of(gateway, state, before)?),
        None => None,
    };
    let name = row::name(site, folder);
    let id = site.site;
    Ok(html! {
        h1 { (name) }
        (row::address(id))
        @if site.conflicts > 0 { (row::conflict(site)) }
        div.actions {
            @if newest.is_some() { (row::read(gateway, id, "/", "Read it")) }
            @if newest.is_some() {
                a href=(row::action(id, "fork")) { "Fork it\u{2026}" }
                a href=(row::action(id, "export")) { "Save it in a file" }
            }
            (row::actions(control, site, &name, BACK))
        }
        (facts(site, folder, newest.as_ref()))
        (shared(control, site))
        @if let Some(versions) = &versions { (versions) } @else {
            p { "Nothing of it is here yet: it comes as soon as a node is met that has it." }
        }
        @if let Some(newest) = &newest { (commands(id, newest)) }
    })
}

fn facts(site: &LibrarySite, folder: Option<&Folder>, newest: Option<&Entry>) -> Markup {
    html! {
        dl.facts.grid {
            div { dt { "Relation" } dd { (row::relation(site)) } }
            @if let Some(newest) = newest {
                div { dt { "Version" } dd { (newest.number) ", " (time(newest.time)) } }
                div { dt { "Size" } dd { (count(newest.files, "file")) ", " (bytes(newest.bytes)) } }
            }
            div { dt { "On this disk" } dd { (bytes(site.bytes_here)) } }
            div { dt { "Connected" } dd { (row::now_connected(site.peers_now)) } }
            @if let Some(newest) = newest {
                div { dt { "Held elsewhere" } dd { (row::holders(site.holders.len(), newest.number)) } }
            }
            div { dt { "Sent" } dd { (bytes(site.traffic.up)) } }
            div { dt { "Received" } dd { (bytes(site.traffic.down)) } }
            @if let Some(ratio) = site.traffic.ratio() { div { dt { "Ratio" } dd { (ratio) } } }
            @if let Some(visit) = site.last_visit { div { dt { "Last read" } dd { (time(visit)) } } }
            @if let Some((origin, version)) = newest.and_then(|entry| entry.origin) {
                div.wide {
                    dt { "Forked from" }
                    dd { a href={ "/open?address=" (origin) "%2B" (version) } { "version " (version) " of " code { (Address::of(origin)) } } }
                }
            }
            @if let Some(folder) = folder { div.wide { dt { "Folder" } dd.path { (folder.dir.display()) } } }
        }
    }
}

/// Whether others get it from here, and the switch for that.
fn shared(control: &Control, site: &LibrarySite) -> Markup {
    let action = row::action(site.site, "sharing");
    html! {
        @if site.relation.is_shared() {
            section aria-labelledby="sharing" {
                h2 #sharing { "Sharing" }
                @if site.paused {
                    p {
                        "Nobody gets the site from this machine for now. "
                        @match site.relation {
                            Relation::Own => { "What you publish stays here: no host is told of it." }
                            _ => { "It is kept up to date all the same." }
                        }
                    }
                    (button(control, &action, "Share it again", None))
                } @else {
                    p { "Others get the site from this machine while skep runs. If you stop that, it stays stopped until you start it again." }
                    (button(control, &format!("{action}?stop"), "Stop sharing it", None))
                }
            }
        }
    }
}

/// What the terminal can do with it.
fn commands(site: SiteId, newest: &Entry) -> Markup {
    let address = Address::of(site);
    html! {
        section aria-labelledby="terminal" {
            h2 #terminal { "In a terminal" }
            dl.commands {
                dt { "A copy of its files" }
                dd { code { "skep clone " (address) " DIR" } }
                dt { "A site of your own, made of its sources" }
                @match newest.sources {
                    Some(_) => { dd { code { "skep fork " (address) " DIR" } } }
                    None => { dd.soft { "Its author does not publish the sources, so it can't be forked." } }
                }
                dt { "All of it in one file" }
                dd { code { "skep export " (address) " FILE" } }
            }
        }
    }
}
