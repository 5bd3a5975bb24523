//! The front page of a gateway without control pages, as a host has it: the sites that it keeps.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, Response, StatusCode, request::Parts},
};
use maud::html;

use super::{guard, local::Gateway, pages, site::plain};
use crate::{
    archive::address::Address,
    error::Result,
    store::{Relation, Store},
    swarm::node::blocking,
};

/// Answers a request to the gateway's own name.
pub(super) async fn answer(gateway: &Arc<Gateway>, parts: Parts) -> Response<Body> {
    if guard::is_from_elsewhere(&parts.headers, None) {
        return plain(
            StatusCode::FORBIDDEN,
            "a page of another origin may link here, and nothing more",
        );
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
    }
    if parts.uri.path() != "/" {
        return plain(StatusCode::NOT_FOUND, "there is no such page");
    }
    let store = gateway.node.store.clone();
    match blocking(move || pinned(&store)).await {
        Ok(sites) => page(gateway, &sites),
        Err(e) => pages::message(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The store can't be read",
            &e.message,
        ),
    }
}

/// The sites that are kept for their authors. What else was read here is nobody's business.
fn pinned(store: &Store) -> Result<Vec<Address>> {
    let sites = store.sites()?.into_iter();
    let pinned = sites.filter(|state| state.relation == Relation::Pinned);
    Ok(pinned.map(|state| Address::of(state.site)).collect())
}

fn page(gateway: &Gateway, sites: &[Address]) -> Response<Body> {
    let body = html! {
        p { "This gateway is for reading. `skep browse` and `skep serve` have pages for more than that." }
        @if sites.is_empty() {
            p { "No site is kept here." }
        } @else {
            ul {
                @for address in sites {
                    li { a href=(gateway.url_of(address.site)) { (address) } }
                }
            }
        }
    };
    pages::page(
        StatusCode::OK,
        "Sites that this host keeps",
        &body.into_string(),
    )
}
