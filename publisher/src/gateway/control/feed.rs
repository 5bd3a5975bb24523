//! News: the feeds of followed sites, merged.

use std::collections::HashMap;

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use maud::{Markup, html};

use super::{
    Control,
    page::{self, Page, day_or_time, token, why},
    routes::Ask,
    row,
};
use crate::{
    archive::address::SiteId,
    error::Result,
    feeds::{self, Lead, NewsItem},
    gateway::local::Gateway,
    library::{self, LibrarySite},
    store::Relation,
    swarm::node::{blocking, now},
    words::count,
};

/// So many items are on a page.
const SHOWN: usize = 50;

/// The page of all news, or of those that were not read.
pub(super) async fn show(ask: &Ask) -> Response<Body> {
    let (gateway, control) = (ask.gateway.clone(), ask.control.clone());
    let view = View::read(ask);
    let made = blocking(move || {
        let all = feeds::news(&gateway.node.store, now())?;
        let unread = all.iter().filter(|item| !item.read).count();
        control.set_unread(unread as u64);
        body(&gateway, &control, &all, unread, view)
    });
    let body = match made.await {
        Ok(body) => body,
        Err(e) => html! { h1 { "News" } (why(&e.into())) },
    };
    let page = Page::new("News", "/feed").with_unread(&ask.control);
    page.answer(ask.gateway.port, &body)
}

/// Says of an item, or of all, that it was read, or was not.
pub(super) async fn mark(ask: &Ask) -> Response<Body> {
    let (gateway, control) = (ask.gateway.clone(), ask.control.clone());
    let site: Option<SiteId> = ask.form.get("site").parse().ok();
    let (item, read) = (
        ask.form.get("item").to_owned(),
        ask.form.get("as") != "unread",
    );
    let marked = blocking(move || {
        let store = &gateway.node.store;
        match site {
            Some(site) => feeds::mark(store, site, &item, read)?,
            None => feeds::mark_all(store)?,
        }
        count_unread(&gateway, &control, &library::list(&control.library, |_| 0)?)
    });
    let view = View::read(ask);
    match marked.await {
        Ok(()) if ask.form.has("quiet") => {
            page::respond(ask.gateway.port, StatusCode::NO_CONTENT, Body::empty())
        }
        Ok(()) => page::see(&view.url(view.page)),
        Err(e) => page::refused(
            ask.gateway.port,
            "Nothing was marked",
            &e.into(),
            &view.url(1),
        ),
    }
}

/// Counts the news that were not read, for the navigation.
pub(super) fn count_unread(
    gateway: &Gateway,
    control: &Control,
    sites: &[LibrarySite],
) -> Result<()> {
    let followed = sites
        .iter()
        .filter(|site| site.relation == Relation::Followed);
    let trees = followed.filter_map(|site| Some((site.site, site.newest.as_ref()?.tree)));
    control.set_unread(feeds::unread(&gateway.node.store, trees, now())?);
    Ok(())
}

/// Which part of the news.
#[derive(Debug, Clone, Copy)]
struct View {
    /// Counted from 1.
    page: usize,
    unread: bool,
}

impl View {
    fn read(ask: &Ask) -> Self {
        let page = ask.query.get("page").parse().unwrap_or(1);
        Self {
            page: std::cmp::Ord::max(page, 1),
            unread: ask.query.has("unread"),
        }
    }

    fn url(self, page: usize) -> String {
        self.at("/feed", page)
    }

    fn at(self, path: &str, page: usize) -> String {
        let unread = if self.unread { "&unread" } else { "" };
        match (page, self.unread) {
            (1, false) => path.to_owned(),
            _ => format!("{path}?page={page}{unread}"),
        }
    }
}

fn body(
    gateway: &Gateway,
    control: &Control,
    all: &[NewsItem],
    unread: usize,
    view: View,
) -> Result<Markup> {
    let wanted: Vec<&NewsItem> = all
        .iter()
        .filter(|item| !(view.unread && item.read))
        .collect();
    let pages = wanted.len().div_ceil(SHOWN).max(1);
    let page = view.page.min(pages);
    let shown = wanted.chunks(SHOWN).nth(page - 1).unwrap_or_default();
    let mut names = HashMap::new();
    for item in shown {
        if let std::collections::hash_map::Entry::Vacant(name) = names.entry(item.site) {
            let title = library::title(&control.library, item.site)?;
            name.insert(title.unwrap_or_else(|| row::nameless(item.site)));
        }
    }
    let other = View {
        unread: !view.unread,
        ..view
    };
    Ok(html! {
        h1 { "News" }
        @if all.is_empty() {
            p { "Nothing yet. What the sites that you follow tell in their feeds is listed here, and can be read without a network." }
            p { a href="/" { "To the library" } }
        } @else {
            div.actions {
                span.soft role="status" { (count(unread as u64, "item")) " not read" }
                a href=(other.url(1)) { @if view.unread { "Show all" } @else { "Show only those" } }
                @if unread > 0 {
                    form.inline method="post" action=(view.at("/feed/read", page)) {
                        (token(control))
                        button type="submit" { "Mark all as read" }
                    }
                }
            }
            @if shown.is_empty() { p { "All of it is read." } }
            ul.news {
                @for item in shown {
                    @let name = names.get(&item.site).map_or("", String::as_str);
                    (entry(gateway, control, item, name, &view.at("/feed/read", page)))
                }
            }
            @if pages > 1 {
                nav.pagination aria-label="News" {
                    @if page > 1 { a href=(view.url(page - 1)) { "Newer" } }
                    span.soft { "Page " (page) " of " (pages) }
                    @if page < pages { a href=(view.url(page + 1)) { "Older" } }
                }
            }
        }
    })
}

fn entry(
    gateway: &Gateway,
    control: &Control,
    item: &NewsItem,
    name: &str,
    action: &str,
) -> Markup {
    let (now, then) = match item.read {
        true => ("Mark as unread", "unread"),
        false => ("Mark as read", "read"),
    };
    html! {
        li.read[item.read] {
            h2 {
                @if !item.read { span.visually-hidden { "Not read: " } }
                @match &item.lead {
                    Lead::Inside(path) => { (row::read(gateway, item.site, path, &item.title)) }
                    Lead::Outside(url) => { a href=(url) rel="noreferrer external" { (item.title) } }
                    Lead::Nowhere => { (item.title) }
                }
            }
            p.meta {
                a href={ "/sites/" (item.site) } { (name) }
                " " span { (day_or_time(item.time)) }
                @if let Lead::Outside(url) = &item.lead { " " span { "on " (host_of(url)) } }
            }
            @if !item.summary.is_empty() && item.summary != item.title { p { (item.summary) } }
            form.mark method="post" action=(action) {
                (token(control))
                input type="hidden" name="site" value=(item.site);
                input type="hidden" name="item" value=(item.key);
                button type="submit" name="as" value=(then) { (now) span.visually-hidden { ": " (item.title) } }
            }
        }
    }
}

fn host_of(url: &str) -> &str {
    let rest = url.trim_start_matches("https://");
    rest.split(['/', '?']).next().unwrap_or(rest)
}
