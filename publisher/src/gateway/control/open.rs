//! Addresses that are typed, or come as links of other pages. A link shows what it leads to; what is done is
//! done by a button.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use maud::{Markup, html};

use super::{
    Control, following,
    page::{self, Page, button, token, why},
    routes::Ask,
    row,
    workshop::Refusal,
};
use crate::{
    archive::address::{Address, SiteId},
    error::{Error, Kind, printable},
    gateway::hostname::{self, Target},
    library,
    store::Relation,
    swarm::{Ticket, fetch, node::blocking},
};

/// The longest address with its path that is read.
const LONGEST: usize = 8192;

/// What an address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) site: SiteId,
    version: Option<u64>,
    /// The path of a URL, which begins with a slash.
    path: String,
    /// A node that has the site.
    via: Option<String>,
}

/// The form by which a site is opened or followed; `problem` says what was wrong with what was sent.
pub(super) fn form(
    control: &Control,
    address: &str,
    ticket: &str,
    problem: Option<&Refusal>,
) -> Markup {
    html! {
        section aria-labelledby="add" {
            h2 #add { "Open or follow a site" }
            @if let Some(problem) = problem { (why(problem)) }
            form.panel method="post" action="/add" {
                (token(control))
                label for="address" { "Address: " code { "skep://\u{2026}" } ", or what your browser shows for a site" }
                input #address name="address" type="text" required spellcheck="false" autocomplete="off" autocapitalize="none" value=(address);
                details.peers open[!ticket.is_empty()] {
                    summary { "Ticket of a node that has it" }
                    label for="ticket" { "Whoever gave you the address can give you one; it is not needed for a site that is here" }
                    input #ticket name="ticket" type="text" spellcheck="false" autocomplete="off" autocapitalize="none" value=(ticket);
                }
                p.publish {
                    button.primary type="submit" name="do" value="open" { "Open" }
                    button type="submit" name="do" value="follow" { "Follow" }
                }
            }
            p data-register hidden {
                button type="button" { "Register web+skep: links with this browser" }
                " " span.soft { "Such links on web pages open here then." }
            }
        }
    }
}

/// Opens or follows what the form names.
pub(super) async fn add(ask: &Ask) -> Response<Body> {
    let (address, ticket) = (ask.form.get("address"), ask.form.get("ticket"));
    let link = match Link::read(address) {
        Ok(link) => link,
        Err(problem) => return show(ask, Some(&problem)).await,
    };
    let ticket = match ticket {
        "" => link.via.clone().unwrap_or_default(),
        ticket => ticket.to_owned(),
    };
    if ask.form.get("do") == "follow" {
        return following::follow_with(ask, link.site, &ticket).await;
    }
    if let Err(problem) = bring(ask, link.site, &ticket).await {
        return show(ask, Some(&problem)).await;
    }
    going(ask, &link)
}

/// Brings a site from the node of a ticket, if there is one.
async fn bring(ask: &Ask, site: SiteId, ticket: &str) -> Result<(), Refusal> {
    if ticket.is_empty() {
        return Ok(());
    }
    let ticket: Ticket = ticket.parse().map_err(|e: Error| Refusal::from(e))?;
    let node = &ask.gateway.node;
    match fetch::newest(node, site, &ticket, fetch::Wanted::Latest).await {
        Ok(_) => Ok(()),
        // What is here is shown, be it the newest or not.
        Err(e) if e.kind == Kind::Older => Ok(()),
        Err(e) => {
            let store = node.store.clone();
            match blocking(move || store.known(site)).await {
                Ok(_) if e.kind == Kind::Unreachable => Ok(()),
                _ => Err(e.into()),
            }
        }
    }
}

/// The page that leads to a site: a form may not lead to another origin by itself.
fn going(ask: &Ask, link: &Link) -> Response<Body> {
    let body = html! {
        h1 { "Opening the site" }
        p { (link.to_page(ask, "Go to the site", true)) " if it does not open by itself." }
    };
    Page::new("Opening the site", "/")
        .with_unread(&ask.control)
        .answer(ask.gateway.port, &body)
}

/// The page of a link that another page or program has sent here; or the form again, with what was wrong.
pub(super) async fn show(ask: &Ask, problem: Option<&Refusal>) -> Response<Body> {
    let port = ask.gateway.port;
    let sent = match problem {
        Some(_) => ask.form.get("address"),
        None => ask.query.get("address"),
    };
    let read = match problem {
        Some(problem) => Err(problem.clone()),
        None if sent.is_empty() => Err(Refusal::new("there is no address to open")),
        None => Link::read(sent),
    };
    let link = match read {
        Ok(link) => link,
        Err(problem) => {
            let ticket = ask.form.get("ticket");
            let body = html! { h1 { "Open a site" } (form(&ask.control, &printable(sent), &printable(ticket), Some(&problem))) };
            return Page::new("Open a site", "/")
                .with_unread(&ask.control)
                .with_status(port, StatusCode::UNPROCESSABLE_ENTITY, &body);
        }
    };
    let (store, control, site) = (
        ask.gateway.node.store.clone(),
        ask.control.clone(),
        link.site,
    );
    let known = blocking(move || {
        let title = library::title(&control.library, site)?;
        Ok((store.site(site)?.map(|state| state.relation), title))
    });
    let (relation, title) = known.await.unwrap_or_default();
    let name = title.unwrap_or_else(|| "a site".into());
    let control = &ask.control;
    let is_followed = !matches!(relation, None | Some(Relation::Visited));
    let via = link.via.as_deref().unwrap_or("");
    let body = html! {
        h1 { "Open " (name) "?" }
        dl.facts {
            dt { "Address" } dd { code.address { (link.address()) } }
            dt { "On this machine" }
            dd {
                @match relation {
                    Some(relation) => { (relation.name()) }
                    None => { "not yet: it is asked for when you open it" }
                }
            }
        }
        div.actions {
            @if via.is_empty() {
                (link.to_page(ask, "Open it", false))
            } @else {
                form.inline method="post" action="/add" {
                    (token(control))
                    input type="hidden" name="address" value=(sent);
                    button type="submit" name="do" value="open" { "Open it" }
                }
            }
            @if !is_followed {
                (button(control, &following::url(link.site, via), "Follow it", None))
            }
            a href="/" { "To the library" }
        }
    };
    Page::new("Open a site", "/")
        .with_unread(&ask.control)
        .answer(port, &body)
}

/// Leads a browser that does not resolve names below `localhost` to the address of a site that is here.
pub(super) async fn elsewhere(ask: &Ask, site: SiteId) -> Response<Body> {
    let store = ask.gateway.node.store.clone();
    let found = match blocking(move || store.known(site)).await {
        Ok(_) => ask.gateway.fallback_url(site).await,
        Err(e) => Err(e),
    };
    match found {
        Ok(url) => {
            let path = ask.query.get("path");
            let path = match is_path(path) {
                true => path,
                false => "/",
            };
            page::see(&format!("{}{path}", url.trim_end_matches('/')))
        }
        Err(e) => page::refused(ask.gateway.port, "The site can't be opened", &e.into(), "/"),
    }
}

impl Link {
    /// Reads an address, a `web+skep:` link, or what the address bar shows for a site here.
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(Refusal::new("the address is too long"));
        }
        match text.strip_prefix("http://") {
            Some(rest) => Self::of_url(rest),
            None => Self::of_address(text),
        }
    }

    fn of_address(text: &str) -> Result<Self, Refusal> {
        // The path of a page ends in a slash, as it does in a browser; that of an archive never does.
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let bare = place.trim_end_matches('/');
        let address = match query {
            "" => bare.parse::<Address>(),
            query => format!("{bare}?{query}").parse(),
        };
        let address = address.map_err(|e| Refusal {
            message: format!("this is not an address: {e}"),
            hint: Some("copy it whole: `skep://` and 56 letters and digits".into()),
        })?;
        let path = Address {
            version: None,
            leaf: None,
            via: None,
            ..address.clone()
        };
        let path = path.to_string();
        let path = path.trim_start_matches("skep://").split_once('/');
        let path = path.map_or("/".into(), |(_, path)| match place.ends_with('/') {
            true => format!("/{path}/"),
            false => format!("/{path}"),
        });
        Ok(Self {
            site: address.site,
            version: address.version,
            path,
            via: address.via,
        })
    }

    fn of_url(rest: &str) -> Result<Self, Refusal> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let path = path.split(['?', '#']).next().unwrap_or("");
        let port = host
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        match port.and_then(|port| hostname::target(host, port)) {
            Some(Target::Site(site, version)) => Ok(Self {
                site,
                version,
                path: match is_path(path) {
                    true => path.to_owned(),
                    false => "/".to_owned(),
                },
                via: None,
            }),
            _ => Err(Refusal {
                message: "this is not the URL of a site that is read with skep".into(),
                hint: Some("such a URL begins with `http://`, the site's 56 letters and digits, and `.localhost`".into()),
            }),
        }
    }

    fn address(&self) -> String {
        let mut address = Address::of(self.site);
        address.version = self.version;
        match self.path.as_str() {
            "/" => address.to_string(),
            path => format!("{address}{path}"),
        }
    }

    /// A link to the page; with `now`, the script goes there at once.
    fn to_page(&self, ask: &Ask, text: &str, now: bool) -> Markup {
        let of_version = self
            .version
            .and_then(|version| ask.gateway.url_of_version(self.site, version).ok());
        // Only the newest version has an address of its own.
        let fallback = of_version
            .is_none()
            .then(|| row::fallback(self.site, &self.path));
        let url = of_version.unwrap_or_else(|| ask.gateway.url_of(self.site));
        html! {
            a href={ (url.trim_end_matches('/')) (self.path) } data-fallback=[fallback] data-go[now] { (text) }
        }
    }
}

/// Whether a text is the path of a URL, which can't be taken for anything else.
pub(super) fn is_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    text.starts_with('/') && !text.starts_with("//") && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_names_a_site_is_understood() {
        let site = SiteId([7; 32]);
        let id = site.to_string();
        for (text, version, path, via) in [
            (id.clone(), None, "/", None),
            (format!(" skep://{id}/ "), None, "/", None),
            (format!("web+skep://{id}/a%20b/"), None, "/a%20b/", None),
            (format!("web+skep:{id}+3/x.html"), Some(3), "/x.html", None),
            (format!("skep://{id}?via=abc"), None, "/", Some("abc")),
            (format!("http://{id}.localhost:7537"), None, "/", None),
            (
                format!("http://{id}.localhost:7537/p/?q#f"),
                None,
                "/p/",
                None,
            ),
            (format!("http://{id}.localhost:1//evil/"), None, "/", None),
            (
                format!("http://v2-{id}.localhost:7537/p"),
                Some(2),
                "/p",
                None,
            ),
        ] {
            let link = Link::read(&text).unwrap_or_else(|e| panic!("{text}: {}", e.message));
            let via = via.map(str::to_owned);
            let wanted = Link {
                site,
                version,
                path: path.into(),
                via,
            };
            assert_eq!(link, wanted, "{text}");
        }
    }

    #[test]
    fn what_names_no_site_is_refused() {
        let id = SiteId([7; 32]).to_string();
        for text in [
            String::new(),
            "skep://".into(),
            "javascript:alert(1)".into(),
            format!("https://{id}.example/"),
            format!("http://{id}.example:7537/"),
            "http://localhost:7537/".into(),
            format!("http://{id}.localhost/"),
            format!("skep://{id}/../x"),
            format!("skep://{id}/{}", "x".repeat(LONGEST)),
        ] {
            assert!(Link::read(&text).is_err(), "{text}");
        }
    }
}
