//! Making a website, and its preview.

use std::path::PathBuf;

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use maud::{Markup, html};

use super::{
    page::{self, Page, token, why},
    routes::Ask,
    workshop::{NewWebsite, Refusal},
};
use crate::{
    archive::address::{Address, SiteId},
    library::folders,
    swarm::node::blocking,
};

/// The form for a new website; `problem` says what was wrong with what was sent.
pub(super) async fn show(ask: &Ask, problem: Option<&Refusal>) -> Response<Body> {
    let workshop = ask.control.workshop.clone();
    let known = blocking(move || Ok((workshop.themes(), workshop.websites_folder()))).await;
    let (themes, folder) = known.unwrap_or_default();
    let sent = &ask.form;
    let chosen = match sent.get("theme") {
        "" => "default",
        theme => theme,
    };
    let body = html! {
        h1 { "New website" }
        p { "It gets an address and a key of its own, works offline, and nobody else sees it until you publish." }
        @if let Some(problem) = problem { (why(problem)) }
        form.panel method="post" action="/new" {
            (token(&ask.control))
            label for="title" { "Title" }
            input #title name="title" type="text" required maxlength="200" value=(sent.get("title")) autofocus;
            fieldset.themes {
                legend { "How it looks" }
                @for theme in &themes {
                    label { input type="radio" name="theme" value=(theme.name) checked[theme.name == chosen]; " " strong { (theme.name) } " " span.soft { (theme.description) } }
                }
            }
            label for="folder" { "Folder (a new one in " code { (folder.display()) } ", if you leave it empty)" }
            input #folder name="folder" type="text" spellcheck="false" value=(sent.get("folder"));
            p.publish { button.primary type="submit" { "Make it" } }
        }
    };
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Page::new("New website", "/new")
        .with_unread(&ask.control)
        .with_status(ask.gateway.port, status, &body)
}

/// Makes a website, and starts its preview.
pub(super) async fn create(ask: &Ask) -> Response<Body> {
    let (title, theme) = (ask.form.get("title"), ask.form.get("theme"));
    if title.is_empty() || title.chars().any(char::is_control) {
        return show(ask, Some(&Refusal::new("a website needs a title"))).await;
    }
    let folder = ask.form.get("folder");
    let wanted = NewWebsite {
        title: title.to_owned(),
        theme: theme.to_owned(),
        folder: match folder {
            "" => PathBuf::new(),
            folder => PathBuf::from(folder),
        },
    };
    let (control, workshop) = (ask.control.clone(), ask.control.workshop.clone());
    let made = blocking(move || {
        let site = match workshop.create(&wanted) {
            Ok(site) => site,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let folder = folders::of(&control.home, site)?;
        Ok(Ok((site, folder, workshop.start_preview(site))))
    });
    match made.await.map_err(Refusal::from) {
        Ok(Ok((site, folder, preview))) => {
            let folder = html! {
                @if let Some(folder) = &folder {
                    dl.facts { dt { "Folder" } dd.path { (folder.dir.display()) } }
                }
            };
            ready(ask, title, site, preview, &folder)
        }
        Ok(Err(refusal)) | Err(refusal) => show(ask, Some(&refusal)).await,
    }
}

/// What is to be done with a website that was just made; `more` is what else there is to say of it.
pub(super) fn ready(
    ask: &Ask,
    title: &str,
    site: SiteId,
    preview: Result<String, Refusal>,
    more: &Markup,
) -> Response<Body> {
    let body = html! {
        h1 { (title) " is a website now" }
        @match &preview {
            Ok(url) => {
                p { "Its preview runs: " a href=(url) data-open { (url) } ". Write in its folder; the page follows what you save." }
            }
            Err(refusal) => { p { "Its preview did not start." } (why(refusal)) }
        }
        dl.facts { dt { "Address" } dd { code.address { (Address::of(site)) } } }
        (more)
        p { a href={ "/sites/" (site) "/review" } { "Review & publish" } " \u{b7} " a href="/" { "To the library" } }
    };
    Page::new(title, "/new")
        .with_unread(&ask.control)
        .answer(ask.gateway.port, &body)
}

/// Leads to the preview that runs.
pub(super) async fn to_preview(ask: &Ask, site: SiteId) -> Option<Response<Body>> {
    let workshop = ask.control.workshop.clone();
    let url = blocking(move || Ok(workshop.preview(site))).await;
    Some(page::see(&url.ok()??))
}

/// Starts or stops a preview.
pub(super) async fn preview(ask: &Ask, site: SiteId) -> Response<Body> {
    let back = match ask.query.has("site") {
        true => format!("/sites/{site}"),
        false => "/".to_owned(),
    };
    let (workshop, stop) = (ask.control.workshop.clone(), ask.query.has("stop"));
    let done = blocking(move || match stop {
        true => {
            workshop.stop_preview(site);
            Ok(Ok(()))
        }
        false => Ok(workshop.start_preview(site).map(drop)),
    });
    match done.await.map_err(Refusal::from) {
        Ok(Ok(())) => page::see(&back),
        Ok(Err(refusal)) | Err(refusal) => page::refused(
            ask.gateway.port,
            "The preview did not start",
            &refusal,
            &back,
        ),
    }
}
