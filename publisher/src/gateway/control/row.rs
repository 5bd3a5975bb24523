//! A site in the library.

use maud::{Markup, html};

use super::{
    Control,
    page::{button, time},
};
use crate::{
    archive::address::{Address, SiteId},
    gateway::local::Gateway,
    library::{LibrarySite, folders::Folder},
    store::Relation,
    words::{bytes, count},
};

/// A site of which something is known.
pub(super) fn published(
    gateway: &Gateway,
    control: &Control,
    site: &LibrarySite,
    folder: Option<&Folder>,
) -> Markup {
    let (id, name) = (site.site, name(site, folder));
    html! {
        li.site id=(id) {
            h3 {
                @match site.newest {
                    Some(_) => { (read(gateway, id, "/", &name)) }
                    None => { (name) }
                }
            }
            @if let Some(newest) = &site.newest {
                p.meta {
                    span { (relation(site)) }
                    span { "version " (newest.version) }
                    span { (time(newest.time)) }
                    span { (count(newest.files, "file")) ", " (bytes(newest.bytes)) }
                }
            } @else {
                p.meta {
                    span { (relation(site)) }
                    span { "Nothing of it is here yet: it comes as soon as a node is met that has it." }
                }
            }
            p.meta {
                span { (now_connected(site.peers_now)) }
                @if let Some(newest) = &site.newest {
                    span { (holders(site.holders.len(), newest.version)) }
                }
            }
            (address(id))
            @if site.conflicts > 0 { (conflict(site)) }
            div.actions {
                a href={ "/sites/" (id) } { "Details & history" span.visually-hidden { " of " (name) } }
                (actions(control, site, &name, ""))
            }
        }
    }
}

/// A site of one's own of which there is no version here.
pub(super) fn unpublished(control: &Control, site: SiteId, folder: Option<&Folder>) -> Markup {
    let name = of_folder(folder).unwrap_or_else(|| nameless(site));
    html! {
        li.site id=(site) {
            h3 { (name) }
            p.meta {
                span { "own" }
                span { "no version is here" }
                @if let Some(folder) = folder { span.path { (folder.dir.display()) } }
            }
            (address(site))
            @if folder.is_some() {
                div.actions { (own(control, site, &name, "")) }
            } @else {
                p.soft { "Its key is here. Where its folder is nobody has said: run " code { "skep status" } " once in it." }
            }
        }
    }
}

/// Why a site is known, and whether its sharing was stopped.
pub(super) fn relation(site: &LibrarySite) -> Markup {
    html! {
        (site.relation.name())
        @if site.paused { ", " span.flag { "not shared for now" } }
    }
}

/// What a site is called.
pub(super) fn name(site: &LibrarySite, folder: Option<&Folder>) -> String {
    let own = site.title.clone().or_else(|| of_folder(folder));
    own.unwrap_or_else(|| nameless(site.site))
}

fn of_folder(folder: Option<&Folder>) -> Option<String> {
    let title = folder.map(|folder| folder.title.clone());
    title.filter(|title| !title.is_empty())
}

/// The name of a site that has said none.
pub(super) fn nameless(site: SiteId) -> String {
    format!("{}\u{2026}", &site.to_string()[..12])
}

/// A link to a page of a site's newest version, `path` being that of a URL. The script gives it another
/// origin if the browser does not resolve names below `localhost`.
pub(super) fn read(gateway: &Gateway, site: SiteId, path: &str, text: &str) -> Markup {
    let url = gateway.url_of(site);
    html! {
        a href={ (url.trim_end_matches('/')) (path) } data-fallback=(fallback(site, path)) { (text) }
    }
}

/// Where the script sends a browser that does not resolve names below `localhost`.
pub(super) fn fallback(site: SiteId, path: &str) -> String {
    let path: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    format!("/sites/{site}/read?path={path}")
}

/// An address, which can be copied.
pub(super) fn address(site: SiteId) -> Markup {
    let address = Address::of(site).to_string();
    html! {
        p.copy {
            code.address { (address) }
            " " button type="button" data-copy=(address) hidden { "Copy" span.visually-hidden { " the address" } }
        }
    }
}

pub(super) fn now_connected(peers: usize) -> String {
    match peers {
        0 => "no peer now".into(),
        _ => format!("{} now", count(peers as u64, "peer")),
    }
}

pub(super) fn holders(nodes: usize, version: u64) -> String {
    match nodes {
        0 => format!("no other node has said that it holds version {version}"),
        1 => format!("1 node says it holds version {version}"),
        _ => format!("{nodes} nodes say they hold version {version}"),
    }
}

pub(super) fn conflict(site: &LibrarySite) -> Markup {
    html! {
        p.warning {
            "Its key has signed versions elsewhere that contradict these"
            @if site.conflicts > 1 { ", in " (site.conflicts) " other histories" } ". "
            code { "skep log " (Address::of(site.site)) } " shows them"
            @if site.relation == Relation::Own { "; your next publish mends it." } @else { "; its author's next publish mends it." }
        }
    }
}

/// What can be done with a site; `back` is the query that leads back to the page on which it is offered.
pub(super) fn actions(control: &Control, site: &LibrarySite, name: &str, back: &str) -> Markup {
    let id = site.site;
    html! {
        @match site.relation {
            Relation::Own => { (own(control, id, name, back)) }
            Relation::Followed => { (button(control, &action(id, "unfollow"), "Unfollow", Some(name))) }
            Relation::Visited => { (button(control, &action(id, "follow"), "Follow", Some(name))) }
            Relation::Pinned => {}
        }
        a href=(action(id, "remove")) { "Remove" span.visually-hidden { " " (name) } "\u{2026}" }
    }
}

/// What an author does with a site of their own.
pub(super) fn own(control: &Control, site: SiteId, name: &str, back: &str) -> Markup {
    let preview = control.workshop.preview(site);
    let toggle = action(site, "preview");
    html! {
        a href=(action(site, "review")) { "Review & publish" span.visually-hidden { " " (name) } }
        @match preview {
            Some(url) => {
                a href=(url) { "Open the preview" span.visually-hidden { " of " (name) } }
                (button(control, &format!("{toggle}?stop{back}"), "Stop the preview", Some(&format!("of {name}"))))
            }
            None => { (button(control, &format!("{toggle}?{back}"), "Start the preview", Some(&format!("of {name}")))) }
        }
    }
}

/// The path of what can be done with a site.
pub(super) fn action(site: SiteId, what: &str) -> String {
    format!("/sites/{site}/{what}")
}
