//! Putting a file back to what was published, after a question.

use axum::{body::Body, http::Response};
use maud::html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{row::with, show::again, shown::url};
use crate::{
    archive::address::SiteId,
    error::printable,
    gateway::control::{
        page::{self, Page, token},
        routes::Ask,
    },
    review::RowKind,
};

/// Asks whether a file is to be put back.
pub(in crate::gateway::control) async fn ask_restore(
    ask: &Ask,
    site: SiteId,
    number: usize,
) -> Response<Body> {
    let port = ask.gateway.port;
    let found = with(ask, site, number, move |_, shown, draft| {
        let row = &shown.rows[number];
        let path = printable(row.change(&draft.review).path.as_str());
        Ok((path, row.kind, shown.name()))
    });
    let (path, kind, draft) = match found.await {
        None => return again(ask, site),
        Some(Err(e)) => {
            return page::refused(port, "That can't be reverted", &e.into(), &url(site));
        }
        Some(Ok(found)) => found,
    };
    let what = match kind {
        RowKind::New => "It is new: to revert it is to take its file out of the website's folder.",
        RowKind::Removed => {
            "It is gone: to revert that is to bring its file back into the website's folder."
        }
        RowKind::Changed => {
            "The file that it comes from becomes what it was in the newest version."
        }
        RowKind::Moved => "Its file gets back the name that it had in the newest version.",
    };
    let content = html! {
        h1 { "Revert " span.path { (path) } "?" }
        p { (what) " A copy of what is there now is kept." }
        form method="post" action={ (url(site)) "/" (number) "/restore" } {
            (token(&ask.control))
            input type="hidden" name="draft" value=(draft);
            p.publish {
                button.primary type="submit" { "Revert it" }
                a href={ (url(site)) "#r" (number) } { "Leave it as it is" }
            }
        }
    };
    Page::new("Revert", "/").answer(port, &content)
}

/// Puts the file back.
pub(in crate::gateway::control) async fn restore(
    ask: &Ask,
    site: SiteId,
    number: usize,
) -> Response<Body> {
    let (workshop, sent) = (
        ask.control.workshop.clone(),
        ask.form.get("draft").to_owned(),
    );
    let done = with(ask, site, number, move |_, shown, draft| {
        if shown.name() != sent {
            return Ok(None);
        }
        let row = &shown.rows[number];
        Ok(Some(workshop.restore(draft, row.place(&draft.review))))
    });
    match done.await {
        None | Some(Ok(None)) => again(ask, site),
        Some(Err(e)) => page::refused(
            ask.gateway.port,
            "Nothing was reverted",
            &e.into(),
            &url(site),
        ),
        Some(Ok(Some(Err(refusal)))) => page::refused(
            ask.gateway.port,
            "Nothing was reverted",
            &refusal,
            &url(site),
        ),
        Some(Ok(Some(Ok(restored)))) => {
            let encode = |text: String| utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
            let file = encode(restored.file.display().to_string());
            let kept = restored.kept.map(|kept| encode(kept.display().to_string()));
            let kept = kept.unwrap_or_default();
            page::see(&format!("{}?restored={file}&kept={kept}", url(site)))
        }
    }
}
