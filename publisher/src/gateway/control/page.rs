//! What all pages have in common: head, navigation, security headers, and how things are said.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Control, assets, workshop::Refusal};
use crate::words::utc;

/// A page.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// Which part of the navigation it belongs to: the path of its link.
    pub(super) section: &'a str,
    /// Seconds until the page is fetched again where there is no script.
    pub(super) refresh: Option<u32>,
    /// How many news were not read, when they were last counted.
    pub(super) unread: u64,
}

/// What the navigation has.
const SECTIONS: [(&str, &str); 3] = [("/", "Library"), ("/feed", "News"), ("/new", "New website")];

impl<'a> Page<'a> {
    pub(super) fn new(title: &'a str, section: &'a str) -> Self {
        Self {
            title,
            section,
            refresh: None,
            unread: 0,
        }
    }

    /// The page with the number of unread news in its navigation.
    pub(super) fn with_unread(self, control: &Control) -> Self {
        Self {
            unread: control.unread(),
            ..self
        }
    }

    /// The whole page as an answer.
    pub(super) fn answer(&self, port: u16, body: &Markup) -> Response<Body> {
        self.with_status(port, StatusCode::OK, body)
    }

    pub(super) fn with_status(
        &self,
        port: u16,
        status: StatusCode,
        body: &Markup,
    ) -> Response<Body> {
        let html = self.start() + &body.0 + END;
        respond(port, status, Body::from(html))
    }

    /// What stands before the body.
    pub(super) fn start(&self) -> String {
        let head = html! {
            (DOCTYPE)
            (PreEscaped("<html lang=\"en\">"))
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (self.title) " · skep" }
                link rel="stylesheet" href=(assets::url("style.css"));
                link rel="icon" href=(assets::url("icon.svg")) type="image/svg+xml";
                script src=(assets::url("control.js")) defer {}
                @if let Some(seconds) = self.refresh {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
            }
            (PreEscaped("<body>"))
            a.skip-link href="#main" { "Skip to the content" }
            header.site-header {
                p.site-title { a href="/" { "skep" } }
                nav.site-nav aria-label="Pages" {
                    ul {
                        @for (path, name) in SECTIONS {
                            li {
                                a href=(path) aria-current=[(path == self.section).then_some("page")] {
                                    (name)
                                    @if *path == *"/feed" && self.unread > 0 {
                                        " " span.unread { (self.unread) span.visually-hidden { " not read" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            (PreEscaped("<main id=\"main\" tabindex=\"-1\">"))
        };
        head.0
    }
}

/// What stands behind the body.
pub(super) const END: &str = "</main></body></html>\n";

/// An HTML answer with the headers of a control page.
pub(super) fn respond(port: u16, status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // With `no-referrer` browsers send the forms of these pages with `Origin: null`.
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Sites are shown in frames of the review, which have no rights here.
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         connect-src 'self' http://probe.localhost:{port}; form-action 'self'; \
         frame-src http://*.localhost:{port} http://127.0.0.1:*; frame-ancestors 'none'; base-uri 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Sends the browser to a page of this origin, which it gets with `GET`.
pub(super) fn see(path: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    if let Ok(path) = HeaderValue::try_from(path) {
        headers.insert(header::LOCATION, path);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page that says one thing, with a way on.
pub(super) fn message(port: u16, status: StatusCode, title: &str, text: &Markup) -> Response<Body> {
    let body = html! { h1 { (title) } (text) };
    Page::new(title, "").with_status(port, status, &body)
}

/// Something was not done.
pub(super) fn refused(port: u16, title: &str, refusal: &Refusal, back: &str) -> Response<Body> {
    let text = html! {
        (why(refusal))
        p { a href=(back) { "Back" } }
    };
    message(port, StatusCode::UNPROCESSABLE_ENTITY, title, &text)
}

/// Why something was not done.
pub(super) fn why(refusal: &Refusal) -> Markup {
    html! {
        div.problem role="alert" {
            @if refusal.message.contains('\n') {
                pre { (refusal.message) }
            } @else {
                p { (sentence(&refusal.message)) }
            }
            @if let Some(hint) = &refusal.hint {
                p.hint { (sentence(hint)) }
            }
        }
    }
}

/// A message as errors have it, as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let end = if message.ends_with(['?', '!']) {
        ""
    } else {
        "."
    };
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}{end}", first.unwrap_or_default(), chars.as_str())
}

/// A form of one button.
pub(super) fn button(control: &Control, action: &str, label: &str, about: Option<&str>) -> Markup {
    html! {
        form.inline method="post" action=(action) {
            (token(control))
            button type="submit" { (label) @if let Some(about) = about { span.visually-hidden { " " (about) } } }
        }
    }
}

/// What every form has to send along.
pub(super) fn token(control: &Control) -> Markup {
    html! { input type="hidden" name="token" value=(control.access.form_token()); }
}

/// A moment in seconds since 1970 of which the time of day may not be known: then it is midnight, UTC.
pub(super) fn day_or_time(seconds: u64) -> Markup {
    if !seconds.is_multiple_of(24 * 60 * 60) {
        return time(seconds);
    }
    let day = utc(seconds);
    let day = day.split(' ').next().unwrap_or_default();
    html! { time datetime=(day) { (day) } }
}

/// A moment in seconds since 1970. The script says it in the reader's own time zone.
pub(super) fn time(seconds: u64) -> Markup {
    let utc = utc(seconds);
    let machine = utc.trim_end_matches(" UTC").replacen(' ', "T", 1) + "Z";
    html! { time datetime=(machine) { (utc) } }
}
