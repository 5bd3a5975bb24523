//! The page of all changes. It is sent while it is made: what was sent is on the screen while the site is
//! still built, and ten thousand rows are never in memory at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use maud::{Markup, html};
use tokio::sync::mpsc;

use super::{
    rows::Rows,
    shown::{Shown, url},
    sources::ask_sources,
};
use crate::{
    archive::{
        address::{Address, SiteId},
        entry::Entry,
    },
    error::printable,
    gateway::control::{
        Control,
        page::{self, END, Page, sentence, time, token, why},
        routes::Ask,
        workshop::{Draft, Refusal},
    },
    review::{Part, Rows as Groups, Warning, WarningKind},
    store::Store,
    swarm::Ticket,
    words::{bytes, count},
};

/// So many rows are sent at a time.
const BATCH: usize = 50;
/// A browser that gets more rows than that without a pause reads them all before it shows any.
const MANY: usize = 500;
/// As long as it takes to show what is there.
const PAINTING: Duration = Duration::from_millis(150);
/// With at most so many changes all lines are on the page.
const OPEN: usize = 30;
/// So many warnings of a kind are listed.
const MAX_WARNINGS: usize = 50;

/// The page of what a publish would change.
pub(in crate::gateway::control) async fn show(ask: &Ask, site: SiteId) -> Response<Body> {
    let (pieces, receiver) = mpsc::channel::<String>(4);
    let maker = Maker {
        store: ask.gateway.node.store.clone(),
        control: ask.control.clone(),
        peers: ask.gateway.peers.clone(),
        site,
        notice: notice(ask),
        pieces,
    };
    // It ends with the browser that reads it, or with what there is to say.
    tokio::task::spawn_blocking(move || maker.make());
    let stream = n0_future::stream::unfold(receiver, |mut receiver| async {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(piece), receiver))
    });
    page::respond(ask.gateway.port, StatusCode::OK, Body::from_stream(stream))
}

/// What was done just before.
fn notice(ask: &Ask) -> Option<String> {
    let restored = ask.query.get("restored");
    (!restored.is_empty()).then(|| {
        let kept = ask.query.get("kept");
        match kept.is_empty() {
            true => format!("{restored} is as it was published."),
            false => {
                format!("{restored} is as it was published; a copy of what was there is {kept}")
            }
        }
    })
}

/// The draft that the browser shows is not the one that is here.
pub(super) fn again(ask: &Ask, site: SiteId) -> Response<Body> {
    let text = html! {
        p { "This page is older than the running skep, or another one has taken its place. Nothing was done." }
        p { a href=(url(site)) { "Look at the changes again" } }
    };
    page::message(ask.gateway.port, StatusCode::CONFLICT, "Look again", &text)
}

struct Maker {
    store: Store,
    control: Arc<Control>,
    peers: Vec<Ticket>,
    site: SiteId,
    notice: Option<String>,
    pieces: mpsc::Sender<String>,
}

/// The browser has gone away.
struct Gone;

impl Maker {
    fn make(self) {
        // Nobody is there any more who could be told.
        let _ = self.send_all();
    }

    fn send(&self, piece: String) -> Result<(), Gone> {
        self.pieces.blocking_send(piece).map_err(|_| Gone)
    }

    fn send_all(&self) -> Result<(), Gone> {
        self.send(Page::new("Review & publish", "/").start())?;
        let head = html! {
            h1 { "Review & publish" }
            @if let Some(notice) = &self.notice { p.notice role="status" { (printable(notice)) } }
            p.working { "The website is built\u{2026}" }
        };
        self.send(head.0)?;
        let drafted = self.control.workshop.draft(self.site);
        let shown = drafted.and_then(|draft| Shown::new(draft).map_err(Refusal::from));
        let shown = match shown {
            Ok(shown) => Arc::new(shown),
            Err(refusal) => {
                let text = html! {
                    (why(&refusal))
                    p { a href=(url(self.site)) { "Try again" } " \u{b7} " a href="/" { "To the library" } }
                };
                return self.send(text.0 + END);
            }
        };
        self.control.reviews().put(self.site, shown.clone());
        match shown.draft().as_ref() {
            Some(draft) => self.send(self.top(&shown, draft).0)?,
            None => return Err(Gone),
        }
        self.rows(&shown)?;
        // Without it a form is not whole: rows that were not there yet must not count as left out.
        let end = html! {
            input type="hidden" name="complete" value="1" form="publish";
            p.to-top { a href="#publish" { "Back to the message and the button" } }
        };
        self.send(end.0 + END)
    }

    fn rows(&self, shown: &Shown) -> Result<(), Gone> {
        let total = shown.rows.len();
        let mut before = None;
        let mut start = 0;
        let mut pause = total > MANY;
        while start < total {
            if start > 0 && std::mem::take(&mut pause) {
                std::thread::sleep(PAINTING);
            }
            let kind = (shown.rows[start].in_sources, shown.rows[start].kind);
            let same = |row: &super::shown::ShownRow| (row.in_sources, row.kind) == kind;
            let here = shown.rows[start..].iter().take(BATCH);
            let end = start + here.take_while(|row| same(row)).count();
            // Between two pieces somebody may publish: a slow browser must not be in the way.
            let draft = shown.draft();
            let Some(draft) = draft.as_ref() else {
                return Err(Gone);
            };
            let rows = Rows {
                store: &self.store,
                site: self.site,
                shown,
                draft,
                open: total <= OPEN,
            };
            let numbers = shown.rows.iter().filter(|row| same(row)).count();
            let piece = html! {
                @if before != Some(kind) {
                    @if kind.0 && before.is_none_or(|(in_sources, _)| !in_sources) {
                        h2 { "Sources" }
                        p.soft { "They go out with the site, as " code { "publish_source" } " in skep.toml says." }
                    }
                    h2.group.visually-hidden { (if kind.0 { "Sources: " } else { "" }) (numbers) " " (kind.1.name()) }
                }
                ul.rows.many[total > MANY] { @for number in start..end { (rows.row(number)) } }
            };
            before = Some(kind);
            self.send(piece.0)?;
            start = end;
        }
        Ok(())
    }

    /// The nodes that are told of a version unless the author says otherwise: those that were named to the
    /// gateway, and those that have kept the site before.
    fn peers(&self) -> Vec<String> {
        // Without them the author names some again.
        let known = self.store.peers(self.site).unwrap_or_default();
        let known = known.iter().filter(|peer| peer.named);
        let mut tickets: Vec<Ticket> = known.filter_map(|peer| peer.ticket.parse().ok()).collect();
        for ticket in &self.peers {
            tickets.retain(|other| other.node() != ticket.node());
            tickets.push(ticket.clone());
        }
        tickets.iter().map(ToString::to_string).collect()
    }

    /// What stands above the rows: counts, warnings, the message and the button.
    fn top(&self, shown: &Shown, draft: &Draft) -> Markup {
        let review = &draft.review;
        let base = review.base.as_ref();
        let version = base.map_or(1, |entry| entry.number + 1);
        let is_unchanged = shown.rows.is_empty() && review.mend.is_none();
        let peers = self.peers();
        html! {
            p.about { strong { (draft.title) } " " code.address { (Address::of(self.site)) } }
            p.summary {
                @match base {
                    None => { "Nothing of this site was published so far. " }
                    Some(entry) => { "Compared with version " (entry.number) ", of " (time(entry.time)) ". " }
                }
                (summary(&review.output, "The site then has"))
                @if !review.sources.changes.is_empty() {
                    " Sources: " (summary(&review.sources, "They are then"))
                }
            }
            @for note in &draft.notes { p.note { (note) } }
            @if draft.ask_sources { (ask_sources(&self.control, self.site)) }
            @if let Some(mend) = &review.mend {
                p.warning { "This site was published from another machine too. The new version follows on the "
                    @if mend.is_onto_own() { "history of this machine" } @else { "other machine's history" }
                    " and abandons the other one." }
            }
            form #publish.panel method="post" action={ "/sites/" (self.site) "/publish" } {
                (token(&self.control))
                input type="hidden" name="draft" value=(shown.name());
                (warnings(draft))
                @if is_unchanged {
                    p { "Nothing has changed since." }
                } @else {
                    label for="message" { "What changed, in words (may stay empty)" }
                    textarea #message name="message" rows="2" maxlength=(Entry::MAX_MESSAGE) { (self.control.unsent(self.site)) }
                }
                details.peers open[!peers.is_empty()] {
                    summary { "Hand it to hosts and friends" }
                    label for="peers" { "Their tickets, one a line (" code { "skep host" } " prints one)" }
                    textarea #peers name="peers" rows="2" spellcheck="false" { (peers.join("\n")) }
                }
                p.publish {
                    button.primary type="submit" {
                        @if is_unchanged { "Announce version " (version.saturating_sub(1)) " again" }
                        @else { "Publish version " (version) }
                    }
                    span.soft { "What is published can't be called back: whoever has it may keep it." }
                }
            }
            @if !shown.rows.is_empty() {
                div.tools data-tools hidden {
                    label for="filter" { "Show paths with" } " "
                    input #filter type="search" autocomplete="off" spellcheck="false";
                    button type="button" data-all { "Choose all" }
                    button type="button" data-none { "Choose none" }
                    span data-chosen role="status" {}
                    span.soft { kbd { "j" } " " kbd { "k" } " move, " kbd { "x" } " chooses, " kbd { "o" } " opens" }
                }
            }
        }
    }
}

fn summary(part: &Part, then: &str) -> Markup {
    let groups = Groups::of(part);
    html! {
        strong { (count(groups.count() as u64, "change")) }
        @if groups.count() > 0 { ": " (groups.summary()) }
        ". " (then) " " (count(part.count(), "file")) " (" (bytes(part.bytes())) ")."
    }
}

/// The warnings by their kind. What stops a publish can be allowed, kind by kind.
fn warnings(draft: &Draft) -> Markup {
    let mut kinds: BTreeMap<WarningKind, Vec<&Warning>> = BTreeMap::new();
    for warning in &draft.warnings {
        kinds.entry(warning.kind).or_default().push(warning);
    }
    html! {
        @for concern in &draft.concerns {
            fieldset.warning {
                legend { (concern.name) }
                p { (sentence(&concern.message)) " " (sentence(&concern.hint)) }
                (allow(concern.name))
            }
        }
        @for (kind, found) in kinds {
            fieldset.warning.blocking[kind.is_blocking()] {
                legend { (kind.name()) }
                ul {
                    @for warning in found.iter().take(MAX_WARNINGS) {
                        li {
                            @if warning.in_sources { "sources: " }
                            code { (printable(warning.path.as_str())) @if let Some(line) = warning.line { ":" (line) } }
                            ": " (sentence(&warning.message))
                        }
                    }
                }
                @if found.len() > MAX_WARNINGS { p { "And " (found.len() - MAX_WARNINGS) " more." } }
                @if kind.is_blocking() { (allow(kind.name())) }
            }
        }
    }
}

fn allow(name: &str) -> Markup {
    html! {
        label.allow { input type="checkbox" name="allow" value=(name); " Publish all the same" span.visually-hidden { ": " (name) } }
    }
}
