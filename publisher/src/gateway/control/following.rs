//! Following sites, and no longer.

use std::time::Duration;

use axum::{body::Body, http::Response};
use maud::html;

use super::{
    page::{self, Page, token},
    routes::Ask,
    row,
    workshop::Refusal,
};
use crate::{
    archive::address::SiteId,
    library::{self, notice},
    swarm::{Ticket, follow, node::blocking},
};

/// How long a page waits for a site that is to be followed. It comes all the same if that is not enough.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where a form follows a site.
pub(super) fn url(site: SiteId, ticket: &str) -> String {
    let url = row::action(site, "follow");
    match ticket {
        "" => url,
        ticket => {
            let ticket: String = form_urlencoded::byte_serialize(ticket.as_bytes()).collect();
            format!("{url}?ticket={ticket}")
        }
    }
}

/// Follows a site.
pub(super) async fn follow(ask: &Ask, site: SiteId) -> Response<Body> {
    let sent = match ask.form.get("ticket") {
        "" => ask.query.get("ticket"),
        ticket => ticket,
    };
    follow_with(ask, site, sent).await
}

/// As [`follow`], with the ticket of a node that may have it, or nothing. The first time on a machine it asks
/// first.
pub(super) async fn follow_with(ask: &Ask, site: SiteId, ticket: &str) -> Response<Body> {
    let (home, knows) = (ask.control.home.clone(), ask.form.has("knows"));
    let told = blocking(move || match knows {
        true => notice::remember(&home).map(|()| true),
        false => Ok(notice::was_told(&home)),
    });
    match told.await {
        Ok(true) => {}
        Ok(false) => return ask_first(ask, site, ticket).await,
        Err(e) => return not_followed(ask, &e.into()),
    }
    let peers = match ticket {
        "" => Vec::new(),
        ticket => match ticket.parse::<Ticket>() {
            Ok(ticket) => vec![ticket],
            Err(e) => return not_followed(ask, &e.into()),
        },
    };
    let node = ask.gateway.node.clone();
    // It goes on if the browser does not wait.
    let following = tokio::spawn(async move { follow::follow(&node, site, &peers).await });
    match tokio::time::timeout(PATIENCE, following).await {
        Ok(Ok(Err(e))) => not_followed(ask, &e.into()),
        _ => page::see(&format!("/?followed={site}")),
    }
}

/// What a person should know before the first site is followed.
async fn ask_first(ask: &Ask, site: SiteId, ticket: &str) -> Response<Body> {
    let control = ask.control.clone();
    let title = blocking(move || library::title(&control.library, site)).await;
    let name = title.ok().flatten();
    let name = name.unwrap_or_else(|| row::nameless(site));
    let body = html! {
        h1 { "Follow " (name) "?" }
        p { "It is kept up to date, and can be read without a network." }
        p { strong { (notice::FOLLOWING) } }
        p.soft { "This is asked once. You can stop following a site at any time, in the library." }
        form method="post" action=(row::action(site, "follow")) {
            (token(&ask.control))
            input type="hidden" name="ticket" value=(ticket);
            input type="hidden" name="knows" value="yes";
            p.publish {
                button.primary type="submit" { "Follow" }
                a href="/" { "Not now" }
            }
        }
    };
    Page::new("Follow a site", "/")
        .with_unread(&ask.control)
        .answer(ask.gateway.port, &body)
}

/// Stops following a site.
pub(super) async fn unfollow(ask: &Ask, site: SiteId) -> Response<Body> {
    match follow::unfollow(&ask.gateway.node, site).await {
        Ok(_) => page::see(&format!("/?unfollowed={site}")),
        Err(e) => page::refused(ask.gateway.port, "Nothing has changed", &e.into(), "/"),
    }
}

fn not_followed(ask: &Ask, refusal: &Refusal) -> Response<Body> {
    page::refused(ask.gateway.port, "The site is not followed", refusal, "/")
}
