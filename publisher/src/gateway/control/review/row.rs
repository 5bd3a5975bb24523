//! One change: its lines, its images, or the pages side by side.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    lines::lines,
    rows::{actions, counts, sizes},
    show::again,
    shown::{Shown, url},
};
use crate::{
    archive::address::SiteId,
    error::{Result, printable},
    gateway::{
        control::{
            page::{self, Page, sentence},
            routes::Ask,
            row as site_row,
            workshop::{Draft, Refusal},
        },
        site::plain,
    },
    review::{MAX_TEXT, RowKind},
    store::Store,
    swarm::node::blocking,
    words::bytes,
};

/// The page of a row, or just what it adds to the list.
pub(in crate::gateway::control) async fn row(
    ask: &Ask,
    site: SiteId,
    number: usize,
) -> Response<Body> {
    let port = ask.gateway.port;
    let is_part = ask.query.has("part");
    let made = with(ask, site, number, move |store, shown, draft| {
        body(store, site, shown, draft, number)
    });
    match made.await {
        None => again(ask, site),
        Some(Err(e)) => page::refused(port, "The change can't be shown", &e.into(), &url(site)),
        Some(Ok((_, content))) if is_part => {
            page::respond(port, StatusCode::OK, Body::from(content.0))
        }
        Some(Ok((path, content))) => {
            let content = html! {
                h1.path { (path) }
                (content)
                p { a href={ (url(site)) "#r" (number) } { "Back to all changes" } }
            };
            Page::new(&path, "/").answer(port, &content)
        }
    }
}

/// Does something with the draft that the browser shows; `None` if there is none any more, or no such row.
pub(super) async fn with<T: Send + 'static>(
    ask: &Ask,
    site: SiteId,
    number: usize,
    work: impl FnOnce(&Store, &Shown, &Draft) -> Result<T> + Send + 'static,
) -> Option<Result<T>> {
    let shown = ask.control.reviews().get(site)?;
    let store = ask.gateway.node.store.clone();
    let done = blocking(move || {
        let draft = shown.draft();
        match draft.as_ref() {
            Some(draft) if number < shown.rows.len() => work(&store, &shown, draft).map(Some),
            _ => Ok(None),
        }
    });
    done.await.transpose()
}

fn body(
    store: &Store,
    site: SiteId,
    shown: &Shown,
    draft: &Draft,
    number: usize,
) -> Result<(String, Markup)> {
    let (row, review) = (&shown.rows[number], &draft.review);
    let (part, change) = (row.part(review), row.change(review));
    let path = printable(change.path.as_str());
    let row_url = format!("{}/{number}", url(site));
    let types = [&change.old, &change.new].map(|file| file.as_ref().map(|f| f.media_type.as_str()));
    let is_image = types.iter().flatten().all(|name| is_image(name));
    let content = if row.kind == RowKind::Moved {
        let from = row.from.as_ref().map_or("", |from| from.as_str());
        html! { p { "The same file as before, under another name: it was " code { (printable(from)) } "." } }
    } else if is_image {
        let pixels = review.images(store, part, change);
        html! {
            div.sides {
                @for (n, (name, file)) in [("Before", &change.old), ("After", &change.new)].into_iter().enumerate() {
                    figure {
                        figcaption {
                            (name) ": "
                            @match file {
                                Some(file) => { @if let Some(size) = &pixels[n] { (size.width) "\u{d7}" (size.height) ", " } (bytes(file.size)) }
                                None => { "no file" }
                            }
                        }
                        @if file.is_some() {
                            img src={ (row_url) "/file?draft=" (shown.name()) @if n == 0 { "&old" } } alt={ (name) ": " (path) };
                        }
                    }
                }
            }
        }
    } else {
        let sides = review.sides(store, part, change, MAX_TEXT as u64)?;
        match sides.lines(change) {
            Some(diff) => html! {
                p.facts { (counts(Some(&diff))) " " span.size { (sizes(change)) } }
                (lines(&diff))
            },
            None => html! { p { "This is no text, or a long one: " (sizes(change)) "." } },
        }
    };
    let warnings = draft
        .warnings
        .iter()
        .filter(|warning| warning.path == change.path && warning.in_sources == row.in_sources);
    let content = html! {
        @for warning in warnings {
            p.warning { strong { (warning.kind.name()) } " " @if let Some(line) = warning.line { "line " (line) ": " } (sentence(&warning.message)) }
        }
        (content)
        (actions(row, change, &row_url, &path))
    };
    Ok((path, content))
}

/// Which files are shown as images here. Whatever they are, they come with no rights.
fn is_image(media_type: &str) -> bool {
    media_type.starts_with("image/")
}

/// An image that is compared may have as many bytes.
const MAX_IMAGE: u64 = 32 << 20;

/// One side of an image.
pub(in crate::gateway::control) async fn file(
    ask: &Ask,
    site: SiteId,
    number: usize,
) -> Response<Body> {
    let is_old = ask.query.has("old");
    let read = with(ask, site, number, move |store, shown, draft| {
        let (row, review) = (&shown.rows[number], &draft.review);
        let change = row.change(review);
        let side = if is_old { &change.old } else { &change.new };
        let Some(file) = side
            .as_ref()
            .filter(|file| is_image(file.media_type.as_str()))
        else {
            return Ok(None);
        };
        let sides = review.sides(store, row.part(review), change, MAX_IMAGE)?;
        let bytes = if is_old { sides.old } else { sides.new };
        Ok(bytes.map(|bytes| (bytes, file.media_type.as_str().to_owned())))
    });
    let Some(Ok(Some((bytes, media_type)))) = read.await else {
        return plain(StatusCode::NOT_FOUND, "there is no such image");
    };
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::try_from(media_type) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "private, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // An SVG that is opened by itself is a document, and could run scripts.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What of a path needs no encoding in a URL.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A page before and after, as readers see it.
pub(in crate::gateway::control) async fn pages(
    ask: &Ask,
    site: SiteId,
    number: usize,
) -> Response<Body> {
    let port = ask.gateway.port;
    let found = with(ask, site, number, move |_, shown, draft| {
        let change = shown.rows[number].change(&draft.review);
        let path = change.path.as_str();
        let path = path.strip_suffix("index.html").unwrap_or(path).to_owned();
        Ok((path, change.old.is_some(), change.new.is_some()))
    });
    let (path, was, is) = match found.await {
        None => return again(ask, site),
        Some(Err(e)) => {
            return page::refused(port, "The page can't be shown", &e.into(), &url(site));
        }
        Some(Ok(found)) => found,
    };
    let workshop = ask.control.workshop.clone();
    let preview = blocking(move || Ok(workshop.start_preview(site))).await;
    let encoded = utf8_percent_encode(&path, PATH).to_string();
    let before = format!("{}{encoded}", ask.gateway.url_of(site));
    let alone = site_row::read(&ask.gateway, site, &format!("/{encoded}"), ALONE);
    let after = match preview {
        Ok(Ok(preview)) => {
            let url = format!("{}/{encoded}", preview.trim_end_matches('/'));
            let alone = html! { a href=(url) { (ALONE) } };
            Ok((url, alone))
        }
        Ok(Err(refusal)) => Err(refusal),
        Err(e) => Err(e.into()),
    };
    let shown_path = format!("/{}", printable(&path));
    let content = html! {
        h1.path { (shown_path) }
        div.sides.wide {
            (frame("Before", was.then_some(Ok((before, alone)))))
            (frame("After", is.then_some(after)))
        }
        p { a href={ (url(site)) "#r" (number) } { "Back to all changes" } }
    };
    Page::new(&shown_path, "/").answer(port, &content)
}

const ALONE: &str = "open it alone";

/// The URL of a page and the link that opens it in a tab, why there is none, or that there is no page.
type Framed = Option<std::result::Result<(String, Markup), Refusal>>;

/// A page in a frame. Sites and previews let the control pages alone frame them, and learn by the
/// `Referer` that these ask.
fn frame(name: &str, url: Framed) -> Markup {
    html! {
        figure {
            @match url {
                None => { figcaption { (name) } p.soft { "There is no such page." } }
                Some(Err(refusal)) => { figcaption { (name) } (page::why(&refusal)) }
                Some(Ok((url, alone))) => {
                    figcaption { (name) ": " (alone) }
                    iframe src=(url) title=(name) sandbox="allow-scripts allow-same-origin" referrerpolicy="origin" {}
                }
            }
        }
    }
}
