//! How far a publish is: a page that follows it, by a script or by being fetched again.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use maud::{Markup, html};

use super::{
    publish::{End, Publishing, State},
    shown::url,
};
use crate::{
    archive::address::{Address, SiteId},
    gateway::{
        control::{
            page::{self, Page, sentence, why},
            routes::Ask,
        },
        local::Gateway,
    },
};

/// A browser waits as long for news before it asks again.
const PATIENCE: Duration = Duration::from_secs(20);

/// The page of a publish, or what is new in it.
pub(in crate::gateway::control) async fn progress(ask: &Ask, name: &str) -> Option<Response<Body>> {
    let id = u64::from_str_radix(name, 16).ok()?;
    let publishing = ask.control.publishes().get(id)?;
    let port = ask.gateway.port;
    if let Ok(seen) = ask.query.get("seen").parse::<usize>() {
        let mut changed = publishing.watch();
        // That nothing is new is an answer too.
        let _ = tokio::time::timeout(PATIENCE, changed.wait_for(|count| *count != seen)).await;
        let news = content(&ask.gateway, &publishing);
        return Some(page::respond(port, StatusCode::OK, Body::from(news.0)));
    }
    let content = html! {
        h1 { "Publishing" }
        div #progress aria-live="polite" data-progress={ "/publishing/" (name) } { (content(&ask.gateway, &publishing)) }
    };
    let page = Page {
        refresh: publishing.state().end.is_none().then_some(1),
        ..Page::new("Publishing", "/")
    };
    Some(page.answer(port, &content))
}

fn content(gateway: &Gateway, publishing: &Publishing) -> Markup {
    // The count first: what comes in between is then told twice, and not never.
    let count = *publishing.watch().borrow();
    let state = publishing.state();
    let over = state.end.is_some();
    html! {
        div data-seen=(count) data-over[over] {
            ol.steps {
                li { "built and reviewed" }
                @for step in &state.steps { li.failed[step.failed] { (step.text) } }
                @if !over { li.working { "\u{2026}" } }
            }
            (end(gateway, publishing, &state))
        }
    }
}

/// The address of a site, with the ticket of this node: all that somebody needs to read it.
fn link(gateway: &Gateway, site: SiteId) -> Address {
    Address {
        via: gateway.node.ticket().map(ToString::to_string),
        ..Address::of(site)
    }
}

fn end(gateway: &Gateway, publishing: &Publishing, state: &State) -> Markup {
    let site = publishing.site;
    html! {
        @match &state.end {
            None => {}
            Some(End::Refused(refusal)) => {
                h2 { "Nothing was published" }
                (why(refusal))
                p { a href=(url(site)) { "Look at the changes again" } ". The message is still there." }
            }
            Some(End::Signed { version, holders }) => {
                h2 { "Version " (version) " is published" }
                p {
                    @match holders.as_slice() {
                        [] => { "Only this machine holds it so far. Keep skep running, and whoever has the address and your ticket can read it; or hand it to a host." }
                        names => {
                            "Kept, besides this machine, by "
                            @for (at, name) in names.iter().enumerate() {
                                @if at > 0 { ", " }
                                "the node " code { (name) }
                            }
                            ". It stays readable while this machine sleeps."
                        }
                    }
                }
                h3 { "The link to give to others" }
                @let link = link(gateway, site).to_string();
                p.copy {
                    code.address { (link) }
                    " " button type="button" data-copy=(link) hidden { "Copy" span.visually-hidden { " the link" } }
                }
                p { a href=(gateway.url_of(site)) { "Read it" } " \u{b7} " a href="/" { "To the library" } }
                @if state.steps.iter().any(|step| step.failed) {
                    p { (sentence("not every node could be told: publish again, and they are told again")) }
                }
            }
        }
    }
}
