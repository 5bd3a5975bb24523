//! Which page a URL is.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, Response, StatusCode, header, request::Parts},
};
use maud::html;

use super::{
    Control,
    access::{Refused, check_origin},
    assets, export, feed, following, fork,
    form::Form,
    library,
    neighbour::{self, Stranger},
    new, open, page, remove, review, site,
};
use crate::{archive::address::SiteId, gateway::local::Gateway};

/// What a page is made from.
pub(super) struct Ask {
    pub(super) gateway: Arc<Gateway>,
    pub(super) control: Arc<Control>,
    /// What stands behind the `?`.
    pub(super) query: Form,
    /// What a form has sent; nothing for a `GET`.
    pub(super) form: Form,
}

/// Answers a request to the control pages' own origin.
pub(in crate::gateway) async fn answer(
    gateway: Arc<Gateway>,
    control: Arc<Control>,
    request: Request,
) -> Response<Body> {
    let port = gateway.port;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if let Some(response) = path.strip_prefix("/-/").and_then(assets::get) {
        return response;
    }
    let query = Form::parse(parts.uri.query().unwrap_or("").as_bytes());
    let is_post = parts.method == Method::POST;
    if !is_post && let Some(moved) = to_localhost(&parts, port) {
        return moved;
    }
    if let Err(stranger) = neighbour::check(&parts.extensions).await {
        return another_user(port, stranger);
    }
    if path == "/enter" {
        return match is_post {
            true => stranger(port),
            false => enter(&control, port, &parts, &query),
        };
    }
    if control.access.check_cookie(&parts.headers, port).is_err() {
        return stranger(port);
    }
    let mut form = Form::default();
    if is_post {
        if check_origin(&parts.headers, port) == Err(Refused::Foreign) {
            return foreign(port);
        }
        match Form::read(body).await {
            Some(read) => form = read,
            None => return bad(port, "what the form has sent is too long, or broke off"),
        }
        if !control.access.is_form_token(form.get("token")) {
            return foreign(port);
        }
    } else if !matches!(parts.method, Method::GET | Method::HEAD) {
        return bad(port, "only GET and POST");
    }
    let ask = Ask {
        gateway,
        control,
        query,
        form,
    };
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let found = match (is_post, segments.as_slice()) {
        (false, [""]) => Some(library::show(&ask).await),
        (false, ["new"]) => Some(new::show(&ask, None).await),
        (true, ["new"]) => Some(new::create(&ask).await),
        (true, ["add"]) => Some(open::add(&ask).await),
        (false, ["feed"]) => Some(feed::show(&ask).await),
        (true, ["feed", "read"]) => Some(feed::mark(&ask).await),
        (false, ["open"]) => Some(open::show(&ask, None).await),
        (_, ["sites", id, rest @ ..]) => match id.parse::<SiteId>() {
            Ok(site) => of_site(&ask, site, is_post, rest).await,
            Err(_) => None,
        },
        (false, ["publishing", job]) => review::progress(&ask, job).await,
        _ => None,
    };
    found.unwrap_or_else(|| {
        let text = html! { p { "There is nothing at " code { (path) } "." } };
        page::message(port, StatusCode::NOT_FOUND, "There is no such page", &text)
    })
}

async fn of_site(ask: &Ask, site: SiteId, is_post: bool, rest: &[&str]) -> Option<Response<Body>> {
    let row = |text: &str| text.parse::<usize>().ok();
    Some(match (is_post, rest) {
        (false, []) => site::show(ask, site).await,
        (true, ["sharing"]) => site::sharing(ask, site).await,
        (false, ["preview"]) => new::to_preview(ask, site).await?,
        (true, ["preview"]) => new::preview(ask, site).await,
        (false, ["read"]) => open::elsewhere(ask, site).await,
        (true, ["follow"]) => following::follow(ask, site).await,
        (true, ["unfollow"]) => following::unfollow(ask, site).await,
        (false, ["fork"]) => fork::show(ask, site, None).await,
        (true, ["fork"]) => fork::make(ask, site).await,
        (false, ["export"]) => export::file(ask, site).await,
        (false, ["remove"]) => remove::ask_first(ask, site).await,
        (true, ["remove"]) => remove::remove(ask, site).await,
        (false, ["review"]) => review::show(ask, site).await,
        (false, ["review", number]) => review::row(ask, site, row(number)?).await,
        (false, ["review", number, "pages"]) => review::pages(ask, site, row(number)?).await,
        (false, ["review", number, "file"]) => review::file(ask, site, row(number)?).await,
        (false, ["review", number, "restore"]) => {
            review::ask_restore(ask, site, row(number)?).await
        }
        (true, ["review", number, "restore"]) => review::restore(ask, site, row(number)?).await,
        (true, ["sources"]) => review::sources(ask, site).await,
        (true, ["publish"]) => review::publish(ask, site).await,
        _ => return None,
    })
}

/// The pages have one origin, whatever else leads to this port.
fn to_localhost(parts: &Parts, port: u16) -> Option<Response<Body>> {
    let host = parts.headers.get(header::HOST)?.to_str().ok()?;
    if host.eq_ignore_ascii_case(&format!("localhost:{port}")) {
        return None;
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    Some(page::see(&format!("http://localhost:{port}{path}")))
}

/// Lets a browser in that has a link which skep has made, and uses that link up.
fn enter(control: &Control, port: u16, parts: &Parts, query: &Form) -> Response<Body> {
    let access = &control.access;
    // A program that only looks where a link leads does not use it up.
    let is_let_in = parts.method == Method::GET && access.take_code(query.get("code"));
    if !is_let_in && access.check_cookie(&parts.headers, port).is_err() {
        return stranger(port);
    }
    let to = query.get("to");
    let mut response = page::see(match open::is_path(to) {
        true => to,
        false => "/",
    });
    if is_let_in && let Ok(cookie) = HeaderValue::try_from(access.cookie(port)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn stranger(port: u16) -> Response<Body> {
    let text = html! {
        p { "These pages can publish in your name, so they open only for a browser that skep has sent here." }
        p { "Open the link that " code { "skep serve" } " or " code { "skep browse" } " prints in its terminal. This browser is remembered then." }
        p { "Each link lets one browser in, once. " code { "skep browse" } " prints a new one." }
    };
    page::message(port, StatusCode::UNAUTHORIZED, "Open this from skep", &text)
}

fn another_user(port: u16, who: Stranger) -> Response<Body> {
    let (title, why) = match who {
        Stranger::OtherUser => (
            "This is another user's",
            "this browser was started by another user of this machine.",
        ),
        Stranger::Unknown => (
            "Not without a user",
            "the system does not say which user of this machine has started this browser.",
        ),
    };
    let text = html! {
        p { "These pages can publish in the name of whoever runs skep, and " (why) }
    };
    page::message(port, StatusCode::FORBIDDEN, title, &text)
}

fn foreign(port: u16) -> Response<Body> {
    let text = html! {
        p { "This was not sent by a page of skep, or by one that is older than the running skep. Nothing was done." }
        p { a href="/" { "To the library" } }
    };
    page::message(port, StatusCode::FORBIDDEN, "Nothing was done", &text)
}

fn bad(port: u16, why: &str) -> Response<Body> {
    let text = html! { p { (page::sentence(why)) " Nothing was done." } };
    page::message(port, StatusCode::BAD_REQUEST, "Nothing was done", &text)
}
