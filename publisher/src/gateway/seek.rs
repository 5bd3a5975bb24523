//! A site that is not here: one task asks for it, however many tabs wait, and goes on until it is here or
//! nobody waits any more.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header, request::Parts},
};
use maud::{PreEscaped, html};
use tokio::{sync::watch, time::Instant};

use super::{
    early, guard, live,
    local::{self, Gateway},
    pages,
};
use crate::{
    archive::address::SiteId,
    error::{Error, Kind, Result},
    swarm::{Ticket, fetch, find::Holders, node::blocking, page::Session},
    words::count,
};

/// How many sites are asked for at a time.
const MAX_SITES: usize = 64;
/// After how long all are asked again, the first time; each time it is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The longest time between two rounds.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long a page that was not asked for again is taken to wait.
const INTEREST: Duration = Duration::from_secs(120);
/// How soon the page is asked for again where scripts are off, in seconds.
const REFRESH: &str = "20";

/// The sites that are asked for.
#[derive(Default)]
pub(super) struct Seeking {
    sites: Mutex<HashMap<SiteId, Sought>>,
}

struct Sought {
    state: watch::Receiver<State>,
    /// When a page last asked for it.
    asked: Instant,
}

#[derive(Clone, Default)]
struct State {
    is_here: bool,
    /// How often all were asked.
    rounds: u32,
    /// What they said the last time.
    refusals: Arc<[Refusal]>,
    /// When they are asked again.
    next: Option<Instant>,
    /// A peer that gives single pages, while the whole version comes from it; or instead, if that has no room here.
    session: Option<Arc<Session>>,
    /// Why there will be no more than single pages.
    no_room: Option<Arc<Error>>,
}

/// What came of asking for a site.
enum Came {
    /// All of its newest version.
    Whole,
    /// There is no room for it here; a peer gives its pages one by one.
    Pages(Error),
}

/// Why a node did not give the site.
struct Refusal {
    node: [u8; 32],
    error: Error,
}

/// Waits until a site is here, or all that may have it were asked once: then the answer is a page that waits
/// for it. Meanwhile, the answer may come from a peer that has the site; `parts` are those of a request for the
/// newest version.
pub(super) async fn until_asked(
    gateway: &Arc<Gateway>,
    site: SiteId,
    mut parts: Option<Arc<Parts>>,
) -> Option<Response<Body>> {
    let Some(mut state) = join(gateway, site) else {
        let mut refused = pages::message(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many sites are waited for",
            "None of the nodes that are known has them. Close some of their tabs, and try again in two minutes.",
        );
        guard::keep_apart(&mut refused, None);
        return Some(refused);
    };
    let mut lacking = false;
    loop {
        let now = state.borrow_and_update().clone();
        if now.is_here {
            return None;
        }
        // Once: what that peer has not, comes with all the rest.
        if let Some(session) = &now.session
            && let Some(parts) = parts.take()
        {
            let mut state = state.clone();
            tokio::select! {
                early = early::respond(gateway, session, &parts) => {
                    match early {
                        Ok(early) => return Some(early),
                        Err(e) => lacking = e.kind == Kind::NotFound,
                    }
                }
                _ = state.wait_for(|state| state.is_here) => {}
            }
            continue;
        }
        if let Some(why) = &now.no_room {
            return Some(match lacking {
                true => too_large(why),
                false => ask_again(),
            });
        }
        if (now.rounds > 0 && now.session.is_none()) || state.changed().await.is_err() {
            return Some(waiting(site, &now));
        }
    }
}

/// Waits until a site is here, or a peer gives its pages while the rest comes from it.
///
/// # Errors
///
/// What was said by the last of those that may have it, when all were asked once.
pub(super) async fn until_shown(gateway: &Arc<Gateway>, site: SiteId) -> Result<()> {
    let Some(mut state) = join(gateway, site) else {
        return Err(local::nobody(&gateway.node, site));
    };
    let shown = |state: &State| state.is_here || state.session.is_some() || state.rounds > 0;
    // If nobody asks any more, nobody has it.
    let now = match state.wait_for(shown).await {
        Ok(now) => now.clone(),
        Err(_) => return Err(local::nobody(&gateway.node, site)),
    };
    if now.is_here || now.session.is_some() {
        return Ok(());
    }
    let mut errors = now.refusals.iter().map(|refusal| &refusal.error);
    // That two histories are about must be said, whatever else went wrong.
    let told = errors.clone().find(|error| error.kind == Kind::Conflict);
    match told.or_else(|| errors.next_back()) {
        Some(error) => Err(Error {
            kind: error.kind,
            message: error.message.clone(),
            hint: error.hint.clone(),
        }),
        None => Err(local::nobody(&gateway.node, site)),
    }
}

/// What the task that asks for a site has found out; there is one from then on, unless there are too many.
fn join(gateway: &Arc<Gateway>, site: SiteId) -> Option<watch::Receiver<State>> {
    let mut sites = gateway.seeking.lock();
    let asked = Instant::now();
    if let Some(sought) = sites.get_mut(&site)
        && sought.state.has_changed().is_ok()
    {
        sought.asked = asked;
        return Some(sought.state.clone());
    }
    sites.retain(|_, sought| sought.state.has_changed().is_ok());
    if sites.len() >= MAX_SITES {
        return None;
    }
    let (sender, state) = watch::channel(State::default());
    let sought = Sought {
        state: state.clone(),
        asked,
    };
    sites.insert(site, sought);
    let closing = gateway.live.closing();
    tokio::spawn(run(Arc::downgrade(gateway), site, sender, closing));
    Some(state)
}

async fn run(
    gateway: Weak<Gateway>,
    site: SiteId,
    state: watch::Sender<State>,
    mut closing: watch::Receiver<bool>,
) {
    let seeking = async {
        let mut news = gateway.upgrade()?.node.news();
        let mut wait = FIRST_WAIT;
        loop {
            let mut no_room = None;
            let refusals = match ask(&*gateway.upgrade()?, site, &state).await {
                Ok(Came::Pages(why)) => {
                    no_room = Some(Arc::new(why));
                    // Room may be made meanwhile.
                    wait = LONGEST_WAIT;
                    Vec::new()
                }
                Ok(Came::Whole) => {
                    gateway.upgrade()?.seeking.lock().remove(&site);
                    state.send_modify(|state| {
                        state.is_here = true;
                        state.session = None;
                    });
                    return None;
                }
                Err(refusals) => refusals,
            };
            state.send_modify(|state| {
                state.rounds += 1;
                state.no_room = no_room;
                state.refusals = refusals.into();
                state.next = Some(Instant::now() + wait);
            });
            // It may come by itself, if it is followed, or somebody announces it.
            let _ = tokio::time::timeout(wait, live::of_site(&mut news, site)).await;
            if !gateway.upgrade()?.is_sought(site) {
                return None;
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    };
    tokio::select! {
        None::<()> = seeking => {}
        _ = closing.wait_for(|closing| *closing) => {}
    }
}

impl Seeking {
    fn lock(&self) -> MutexGuard<'_, HashMap<SiteId, Sought>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gateway {
    /// Whether a page waits for a site. If not, it is not among those that are sought any more.
    fn is_sought(&self, site: SiteId) -> bool {
        let mut sites = self.seeking.lock();
        let is_recent = |sought: &Sought| sought.asked.elapsed() < INTEREST;
        let is_sought = self.live.is_awaited(site) || sites.get(&site).is_some_and(is_recent);
        if !is_sought {
            sites.remove(&site);
        }
        is_sought
    }
}

/// Asks one after the other of those that may have a site, unless it is here.
async fn ask(
    gateway: &Gateway,
    site: SiteId,
    state: &watch::Sender<State>,
) -> Result<Came, Vec<Refusal>> {
    let store = gateway.node.store.clone();
    if blocking(move || store.known(site)).await.is_ok() {
        return Ok(Came::Whole);
    }
    let mut refusals = Vec::new();
    let known = gateway.who_may_have(site).await;
    let mut holders = Holders::new(&gateway.node, site, known);
    while let Some(ticket) = holders.next().await {
        let fetched = {
            let pages = async {
                // Without them, the whole is waited for.
                if let Ok(session) = early::open(gateway, site, &ticket).await {
                    state.send_modify(|state| state.session = Some(session));
                }
                std::future::pending::<Infallible>().await
            };
            tokio::select! {
                fetched = fetch::newest(&gateway.node, site, &ticket, fetch::Wanted::Latest) => fetched,
                never = pages => match never {},
            }
        };
        let error = match fetched {
            Ok(_) => return Ok(Came::Whole),
            Err(error) => error,
        };
        if error.kind == Kind::DiskFull && pages_of(gateway, site, &ticket, state).await {
            return Ok(Came::Pages(error));
        }
        state.send_if_modified(|state| state.session.take().is_some());
        refusals.push(Refusal {
            node: ticket.node(),
            error,
        });
    }
    Err(refusals)
}

/// Whether a peer gives the pages of a site: of the version that it has now. Whom it gave others before may be another,
/// or gone.
async fn pages_of(
    gateway: &Gateway,
    site: SiteId,
    peer: &Ticket,
    state: &watch::Sender<State>,
) -> bool {
    let Ok(session) = early::open(gateway, site, peer).await else {
        return false;
    };
    state.send_modify(|state| state.session = Some(session));
    true
}

/// The page for what is not sent page by page, of a site that has no room here.
fn too_large(why: &Error) -> Response<Body> {
    let body = html! {
        p { "All of this site has no room here, so that its pages are read one by one, and only those that are short." }
        p { (why.message) }
        @if let Some(hint) = &why.hint {
            p { (hint) }
        }
    };
    let mut response = pages::page(
        StatusCode::INSUFFICIENT_STORAGE,
        "This file is too long to be read by itself",
        &body.into_string(),
    );
    guard::keep_apart(&mut response, None);
    response
}

/// The page for what can't be read right now, of a site that has no room here: whom its pages came from has another
/// version, or is gone. All are asked again within a minute.
fn ask_again() -> Response<Body> {
    let mut response = pages::message(
        StatusCode::SERVICE_UNAVAILABLE,
        "This page can't be read right now",
        "All of its site has no room here, so that its pages are read one by one, and whoever has them has a newer version, or can't be reached. This page asks again.",
    );
    let refresh = HeaderValue::from_static(REFRESH);
    response.headers_mut().insert(header::REFRESH, refresh);
    guard::keep_apart(&mut response, None);
    response
}

/// The page that says whom it waits for, and turns into the site's.
fn waiting(site: SiteId, state: &State) -> Response<Body> {
    let next = state.next.map_or(0, |next| {
        next.saturating_duration_since(Instant::now()).as_secs() + 1
    });
    let name = |node: &[u8; 32]| data_encoding::HEXLOWER.encode(&node[..5]);
    let body = html! {
        p { "skep://" (site) " is not on this machine yet." }
        @if state.refusals.is_empty() {
            p {
                "No node that may have it is known. Whoever gave you the address can give you a ticket of one: "
                code { "skep browse skep://" (site) " --peer TICKET" }
            }
        } @else {
            p { "Asked " (times(state.rounds)) ":" }
            ul {
                @for refusal in state.refusals.iter() {
                    li { "the node " code { (name(&refusal.node)) } p { (refusal.error.message) } }
                }
            }
        }
        p {
            @if !state.refusals.is_empty() {
                @match state.refusals.len() {
                    1 => "It is",
                    _ => "They are",
                }
                " asked again within " (count(next, "second")) ", and this page is loaded anew then. "
            }
            "It turns into the site as soon as that is here."
        }
        (PreEscaped(live::element(0)))
    };
    let mut response = pages::page(
        StatusCode::GATEWAY_TIMEOUT,
        "Nobody who has this site could be reached",
        &body.into_string(),
    );
    // A moment after they were asked, so that the page never tells of a time that is over.
    let refresh = HeaderValue::from(next + 1);
    response.headers_mut().insert(header::REFRESH, refresh);
    guard::keep_apart(&mut response, None);
    response
}

fn times(rounds: u32) -> String {
    match rounds {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{rounds} times"),
    }
}
