//! Whether the sources are published too: asked once for each site.

use axum::{body::Body, http::Response};
use maud::{Markup, html};

use super::{show::again, shown::url};
use crate::{
    archive::address::SiteId,
    gateway::control::{
        Control,
        page::{self, token},
        routes::Ask,
        workshop::Refusal,
    },
    swarm::node::blocking,
};

/// The question.
pub(super) fn ask_sources(control: &Control, site: SiteId) -> Markup {
    html! {
        form.panel method="post" action={ "/sites/" (site) "/sources" } {
            (token(control))
            p { "Publish the sources as well (texts, templates, settings; no drafts), so that others can build on them? "
                span.soft { "You can change it in skep.toml whenever you like; until you say, they stay here." } }
            p.actions {
                button type="submit" name="publish" value="yes" { "Publish the sources too" }
                button type="submit" name="publish" value="no" { "Keep them here" }
            }
        }
    }
}

/// Writes down whether the sources are published, and shows what that changes.
pub(in crate::gateway::control) async fn sources(ask: &Ask, site: SiteId) -> Response<Body> {
    let publish = match ask.form.get("publish") {
        "yes" => true,
        "no" => false,
        _ => return again(ask, site),
    };
    let workshop = ask.control.workshop.clone();
    let chosen = blocking(move || Ok(workshop.choose_sources(site, publish))).await;
    match chosen.map_err(Refusal::from) {
        Ok(Ok(())) => page::see(&url(site)),
        Ok(Err(refusal)) | Err(refusal) => page::refused(
            ask.gateway.port,
            "That could not be written down",
            &refusal,
            &url(site),
        ),
    }
}
