//! What the bar at the foot of a previewed page shows.

use serde_json::{Value, json};

use super::PreviewOptions;
use super::state::{Current, State, View};
use crate::engine::Engine;
use crate::site::{Shown, Site};

/// What the bar shows on the page at the decoded URL path `path`, for the script.
pub(super) fn json(current: &Current, options: &PreviewOptions, path: &str) -> String {
    let site = current.site.as_deref();
    let shown = site.and_then(|site| page_at(site, path));
    let mut bar = json!({
        "state": shown.map_or_else(|| made(site), state),
        "drafts": site.map_or(0, |site| site.drafts),
        "polls": current.polls,
        "rebuilt": site.map(|site| site.options.as_of.as_millisecond()),
        "took": current.took.as_secs_f64() * 1e3,
    });
    if let Some(shown) = shown.filter(|shown| shown.future) {
        let due = shown.page.date.as_ref();
        bar["due"] = due.map(|due| due.timestamp().as_millisecond()).into();
    }
    if let Some(url) = options.review_url.as_deref().filter(|url| is_web(url)) {
        bar["review"] = Value::from(url);
        bar["changes"] = current.changes.into();
    }
    bar.to_string()
}

/// How a page without a source is published. A file that skep did not build is published as it is.
fn made(site: Option<&Site>) -> &'static str {
    match site.map(|site| &site.config().engine) {
        Some(Engine::Command { .. } | Engine::Static) => "published",
        _ => "made",
    }
}

/// How the page stands to being published.
fn state(shown: &Shown) -> &'static str {
    match &shown.page {
        page if page.draft => "draft",
        page if !page.published => "unpublished",
        _ if shown.future => "future",
        _ => "published",
    }
}

fn page_at<'a>(site: &'a Site, path: &str) -> Option<&'a Shown> {
    match State::view(site, path) {
        View::Found(output) => site.page_at(&output),
        View::Redirect | View::Missing => None,
    }
}

/// Whether a link to `url` leads to a page, and runs nothing.
fn is_web(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}
