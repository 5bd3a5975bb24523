//! Signing what was shown, and telling other nodes.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{body::Body, http::Response};
use tokio::{sync::watch, task::JoinSet};

use super::{
    show::again,
    shown::{Shown, url},
};
use crate::{
    archive::{address::SiteId, entry::Entry, head::Head, path::ArchivePath},
    error::{Error, Kind},
    gateway::control::{
        Control, page,
        routes::Ask,
        workshop::{Draft, Refusal, Wanted},
    },
    review::Review,
    swarm::{Node, Ticket, announce::announce, node::blocking},
    words::bytes,
};

/// A publish that goes on, or is over.
pub(in crate::gateway::control) struct Publishing {
    pub(super) site: SiteId,
    state: Mutex<State>,
    changed: watch::Sender<usize>,
}

/// How far it is.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) steps: Vec<Step>,
    pub(super) end: Option<End>,
}

/// What has happened.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) text: String,
    /// Whether it is something that did not work.
    pub(super) failed: bool,
}

/// How a publish ended.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// The version is signed, and these nodes, by the beginning of their name, have said that they keep it.
    Signed { version: u64, holders: Vec<String> },
    /// Nothing was published.
    Refused(Refusal),
}

/// How long a node may take to fetch a version.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(60);
/// More peers than that are a mistake.
const MAX_PEERS: usize = 64;

/// Starts a publish of what the browser shows.
pub(in crate::gateway::control) async fn publish(ask: &Ask, site: SiteId) -> Response<Body> {
    let Some(shown) = ask.control.reviews().get(site) else {
        return again(ask, site);
    };
    if ask.form.get("draft") != shown.name() {
        return again(ask, site);
    }
    let message = ask.form.get("message").replace("\r\n", "\n");
    ask.control.keep_unsent(site, message.clone());
    let (wanted, peers) = match wanted(ask, &shown, message).and_then(|w| Ok((w, peers(ask)?))) {
        Ok(wanted) => wanted,
        Err(refusal) => {
            return page::refused(
                ask.gateway.port,
                "Nothing was published",
                &refusal,
                &url(site),
            );
        }
    };
    let Some(draft) = shown.take() else {
        return again(ask, site);
    };
    // Its place is now taken by what is published.
    ask.control.reviews().take(site);
    let publishing = Arc::new(Publishing {
        site,
        state: Mutex::default(),
        changed: watch::Sender::new(0),
    });
    ask.control.publishes().put(shown.id, publishing.clone());
    let (control, node) = (ask.control.clone(), ask.gateway.node.clone());
    tokio::spawn(async move { run(&control, &node, &publishing, draft, wanted, peers).await });
    page::see(&format!("/publishing/{}", shown.name()))
}

/// What the form asks for.
fn wanted(ask: &Ask, shown: &Shown, message: String) -> Result<Wanted, Refusal> {
    if !ask.form.has("complete") {
        return Err(Refusal::new(
            "the page was not loaded to its end, so that rows would be missing",
        ));
    }
    if message.len() > Entry::MAX_MESSAGE || message.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Refusal::new(format!(
            "a message has at most {} bytes and no control characters",
            Entry::MAX_MESSAGE
        )));
    }
    let chosen: HashSet<usize> = ask.form.all("r").filter_map(|n| n.parse().ok()).collect();
    let draft = shown.draft();
    let only = draft
        .as_ref()
        .map(|draft| only(shown, &draft.review, &chosen));
    Ok(Wanted {
        message,
        only: only.transpose()?.flatten(),
        allow: ask.form.all("allow").map(str::to_owned).collect(),
    })
}

/// The paths of the chosen rows, unless all are; a moved file has two.
fn only(
    shown: &Shown,
    review: &Review,
    chosen: &HashSet<usize>,
) -> Result<Option<Vec<ArchivePath>>, Refusal> {
    let rows = shown.rows.iter().enumerate();
    let output = rows.filter(|(_, row)| !row.in_sources);
    let (taken, left): (Vec<_>, Vec<_>) = output.partition(|(n, _)| chosen.contains(n));
    if left.is_empty() {
        return Ok(None);
    }
    if taken.is_empty() {
        return Err(Refusal::new("no change is chosen"));
    }
    let paths = taken.into_iter().flat_map(|(_, row)| {
        let path = row.change(review).path.clone();
        [Some(path), row.from.clone()]
    });
    Ok(Some(paths.flatten().collect()))
}

/// The nodes to tell; of one node the last ticket counts.
fn peers(ask: &Ask) -> Result<Vec<Ticket>, Refusal> {
    let mut tickets: Vec<Ticket> = Vec::new();
    for text in ask.form.get("peers").split_whitespace() {
        let ticket: Ticket = text.parse()?;
        tickets.retain(|other| other.node() != ticket.node());
        tickets.push(ticket);
    }
    match tickets.len() > MAX_PEERS {
        true => Err(Refusal::new(format!(
            "at most {MAX_PEERS} nodes are told at once"
        ))),
        false => Ok(tickets),
    }
}

async fn run(
    control: &Arc<Control>,
    node: &Arc<Node>,
    publishing: &Arc<Publishing>,
    draft: Draft,
    wanted: Wanted,
    peers: Vec<Ticket>,
) {
    let (workshop, says) = (control.workshop.clone(), publishing.clone());
    let signed = blocking(move || {
        Ok(workshop.sign(draft, &wanted, &|step| says.say(step.to_owned(), false)))
    });
    let head = match signed.await {
        Ok(Ok(head)) => head,
        Ok(Err(refusal)) => return publishing.end(End::Refused(refusal)),
        Err(e) => return publishing.end(End::Refused(e.into())),
    };
    control.keep_unsent(publishing.site, String::new());
    let holders = tell(node, publishing, &head, peers).await;
    publishing.end(End::Signed {
        version: head.length(),
        holders,
    });
}

/// Tells all peers at once, and returns those that have confirmed. What fails here does not undo the version.
async fn tell(
    node: &Arc<Node>,
    publishing: &Publishing,
    head: &Head,
    peers: Vec<Ticket>,
) -> Vec<String> {
    if let Err(e) = node.share(head.site(), 1).await {
        publishing.say(e.to_string(), true);
        return Vec::new();
    }
    // From now on there is something to be had here.
    if let Err(e) = node.online().await {
        publishing.say(e.to_string(), true);
        return Vec::new();
    }
    if peers.is_empty() {
        return Vec::new();
    }
    let mut tasks = JoinSet::new();
    for peer in peers {
        let (node, head) = (node.clone(), head.clone());
        tasks.spawn(async move { announce(&node, &head, &peer, CONFIRM_TIMEOUT).await });
    }
    publishing.say("the nodes that you named are told".to_owned(), false);
    let mut holders = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let done =
            done.unwrap_or_else(|e| Err(Error::new(Kind::Io, format!("a task broke off: {e}"))));
        match done {
            Ok(announced) => {
                let name: String = announced.receipt.node[..5]
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                let received = bytes(announced.received);
                publishing.say(
                    format!("held by the node {name} (received {received})"),
                    false,
                );
                holders.push(name);
            }
            Err(e) => {
                let hint = e
                    .hint
                    .as_ref()
                    .map_or(String::new(), |hint| format!("; {hint}"));
                publishing.say(format!("{e}{hint}"), true);
            }
        }
    }
    holders
}

impl Publishing {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it is.
    pub(super) fn state(&self) -> State {
        self.lock().clone()
    }

    /// Tells when something happens.
    pub(super) fn watch(&self) -> watch::Receiver<usize> {
        self.changed.subscribe()
    }

    fn say(&self, text: String, failed: bool) {
        self.lock().steps.push(Step { text, failed });
        self.changed.send_modify(|count| *count += 1);
    }

    fn end(&self, end: End) {
        self.lock().end = Some(end);
        self.changed.send_modify(|count| *count += 1);
    }
}
