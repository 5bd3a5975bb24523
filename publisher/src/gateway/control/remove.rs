//! Removing a site: what that frees is said first.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use maud::html;

use super::{
    page::{self, Page, token},
    routes::Ask,
    row,
};
use crate::{
    archive::address::{Address, SiteId},
    error::{Error, Kind},
    library,
    store::{OwnSites, Relation},
    swarm::{follow, node::blocking},
    words::{bytes, count},
};

/// The page that asks.
pub(super) async fn ask_first(ask: &Ask, site: SiteId) -> Response<Body> {
    let (store, control) = (ask.gateway.node.store.clone(), ask.control.clone());
    let looked = blocking(move || {
        let removal = store.removal(site)?;
        let relation = store.site(site)?.map(|state| state.relation);
        Ok((removal, relation, library::title(&control.library, site)?))
    });
    let (removal, relation, title) = match looked.await {
        Ok(looked) => looked,
        Err(e) => return not_removed(ask, e),
    };
    let is_own = relation == Some(Relation::Own);
    let name = title.unwrap_or_else(|| row::nameless(site));
    let body = html! {
        h1 { "Remove " (name) "?" }
        dl.facts {
            dt { "Address" } dd { code.address { (Address::of(site)) } }
            dt { "What goes" } dd { "all that is here of " (count(removal.versions, "version")) }
            dt { "What comes free" } dd { (bytes(removal.frees)) }
            @if removal.shared > 0 {
                dt { "What stays" } dd { (bytes(removal.shared)) ", which other sites here have too" }
            }
        }
        @if is_own {
            p.warning {
                "This is a site of your own, and what is here may be its only copy. "
                a href=(row::action(site, "export")) { "Save all of it in a file" } " first. "
                "The folder with its sources stays, and so does its key."
            }
        } @else {
            p { "It can be fetched again as long as somebody has it, but nothing older than what was here." }
        }
        form method="post" action=(row::action(site, "remove")) {
            (token(&ask.control))
            input type="hidden" name="freed" value=(removal.frees);
            @if is_own {
                p { label { input type="checkbox" name="own" value="yes" required; " I mean my own site, with all its versions" } }
            }
            p.publish {
                button.primary type="submit" { "Remove it" }
                a href="/" { "Keep it" }
            }
        }
    };
    Page::new("Remove a site", "/")
        .with_unread(&ask.control)
        .answer(ask.gateway.port, &body)
}

/// Removes it.
pub(super) async fn remove(ask: &Ask, site: SiteId) -> Response<Body> {
    let own = match ask.form.get("own") {
        "yes" => OwnSites::Remove,
        _ => OwnSites::Keep,
    };
    let freed: u64 = ask.form.get("freed").parse().unwrap_or(0);
    match follow::remove(&ask.gateway.node, site, own).await {
        Ok(()) => page::see(&format!("/?removed={site}&freed={freed}")),
        Err(e) => not_removed(ask, e),
    }
}

fn not_removed(ask: &Ask, error: Error) -> Response<Body> {
    let status = match error.kind {
        Kind::NotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let text = html! {
        (page::why(&error.into()))
        p { a href="/" { "To the library" } }
    };
    page::message(ask.gateway.port, status, "Nothing was removed", &text)
}
