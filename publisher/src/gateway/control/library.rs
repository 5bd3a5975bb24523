//! The sites of this node.

use std::collections::HashMap;

use axum::{body::Body, http::Response};
use maud::{Markup, html};

use super::{
    Control, feed, open,
    page::{Page, why},
    routes::Ask,
    row,
};
use crate::{
    archive::address::SiteId,
    error::Result,
    gateway::local::Gateway,
    keys,
    library::{
        self, LibrarySite,
        folders::{self, Folder},
    },
    store::{Relation, Traffic},
    swarm::node::blocking,
    words::bytes,
};

/// What there is on the page.
struct Shown {
    sites: Vec<LibrarySite>,
    /// The folders of websites.
    folders: HashMap<SiteId, Folder>,
    /// Sites whose key is here, and of which there is no version.
    unpublished: Vec<SiteId>,
}

/// The library page.
pub(super) async fn show(ask: &Ask) -> Response<Body> {
    let (gateway, control) = (ask.gateway.clone(), ask.control.clone());
    let done = Done::read(ask);
    let made = blocking(move || {
        let shown = gather(&gateway, &control)?;
        // What came since is counted where people look first.
        feed::count_unread(&gateway, &control, &shown.sites)?;
        Ok(page(&gateway, &control, &shown, done))
    });
    let body = match made.await {
        Ok(body) => body,
        Err(e) => html! { h1 { "Library" } (why(&e.into())) },
    };
    let page = Page::new("Library", "/").with_unread(&ask.control);
    page.answer(ask.gateway.port, &body)
}

fn gather(gateway: &Gateway, control: &Control) -> Result<Shown> {
    let node = &gateway.node;
    let sites = library::list(&control.library, |site| node.peers_now(site).len())?;
    let folders: HashMap<SiteId, Folder> = folders::list(&control.home)?.into_iter().collect();
    let mut unpublished = keys::list(&control.home)?;
    unpublished.retain(|key| sites.iter().all(|site| site.site != *key));
    // Those that one works on come first.
    unpublished.sort_by_key(|site| !folders.contains_key(site));
    Ok(Shown {
        sites,
        folders,
        unpublished,
    })
}

fn page(gateway: &Gateway, control: &Control, shown: &Shown, done: Option<Done>) -> Markup {
    let of = |relation| shown.sites.iter().filter(move |s| s.relation == relation);
    let own = of(Relation::Own).map(|site| {
        let folder = shown.folders.get(&site.site);
        row::published(gateway, control, site, folder)
    });
    let new = shown.unpublished.iter().map(|site| {
        let folder = shown.folders.get(site);
        row::unpublished(control, *site, folder)
    });
    let others = |relation| of(relation).map(|site| row::published(gateway, control, site, None));
    html! {
        h1 { "Library" }
        @if let Some(text) = done.and_then(|done| done.say(&shown.sites)) {
            p.notice role="status" { (text) }
        }
        @if shown.sites.is_empty() && shown.unpublished.is_empty() {
            p { "There is no site here yet. Make a website, or open one whose address somebody gave you." }
        }
        p.actions {
            a.button href="/new" { "New website" }
            @if !shown.sites.is_empty() { a href="#add" { "Open or follow a site" } }
        }
        (group("own", "Your websites", None, own.chain(new).collect()))
        (group("followed", "Followed", Some("Kept up to date, and served to others."), others(Relation::Followed).collect()))
        (group("pinned", "Pinned", Some("Kept for their authors, all versions, and served to others."), others(Relation::Pinned).collect()))
        (group("visited", "Visited", Some("A cache of what you have read: shared with nobody, and cleared when room is needed."), others(Relation::Visited).collect()))
        (in_all(&shown.sites))
        (open::form(control, "", "", None))
    }
}

/// What went to and fro, for all sites together.
fn in_all(sites: &[LibrarySite]) -> Markup {
    let total: Traffic = sites.iter().map(|site| site.traffic).sum();
    html! {
        @if sites.len() > 1 {
            p.meta {
                span { "All sites together" }
                span { (bytes(total.up)) " sent" }
                span { (bytes(total.down)) " received" }
                @if let Some(ratio) = total.ratio() { span { "ratio " (ratio) } }
            }
        }
    }
}

/// Sites of one kind, if there are any.
fn group(id: &str, title: &str, about: Option<&str>, rows: Vec<Markup>) -> Markup {
    html! {
        @if !rows.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (title) " " span.soft { (rows.len()) } }
                @if let Some(about) = about { p.soft { (about) } }
                ul.sites { @for row in &rows { (row) } }
            }
        }
    }
}

/// What was done just before. It is said only if it is so: anybody can make a link.
#[derive(Debug, Clone, Copy)]
enum Done {
    Followed(SiteId),
    Unfollowed(SiteId),
    Removed(SiteId, u64),
}

impl Done {
    fn read(ask: &Ask) -> Option<Self> {
        let site = |name: &str| ask.query.get(name).parse::<SiteId>().ok();
        let freed = ask.query.get("freed").parse().unwrap_or(0);
        site("followed")
            .map(Self::Followed)
            .or_else(|| site("unfollowed").map(Self::Unfollowed))
            .or_else(|| site("removed").map(|site| Self::Removed(site, freed)))
    }

    fn say(self, sites: &[LibrarySite]) -> Option<String> {
        let find = |site| sites.iter().find(|known| known.site == site);
        let is = |site, relation| find(site).filter(|known| known.relation == relation);
        Some(match self {
            Self::Followed(site) => {
                let known = is(site, Relation::Followed)?;
                let name = row::name(known, None);
                match known.newest {
                    Some(_) => format!("You follow \u{201c}{name}\u{201d}: it is kept up to date, and served to others."),
                    None => "You follow the site. No node that has it was reached so far: it comes as soon as one is met.".into(),
                }
            }
            Self::Unfollowed(site) => {
                let name = row::name(is(site, Relation::Visited)?, None);
                format!(
                    "You do not follow \u{201c}{name}\u{201d} any more, and it is served to nobody. What is here of it stays among the visited sites until room is needed."
                )
            }
            Self::Removed(site, freed) => match find(site) {
                Some(_) => return None,
                None => format!("skep://{site} is removed; {} came free.", bytes(freed)),
            },
        })
    }
}
