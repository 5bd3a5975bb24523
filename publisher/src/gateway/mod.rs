//! Reading archives with an ordinary browser.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`local`] | the gateway of one machine: an origin for each site |
//! | [`control`] | library, review, publish: pages with an origin of their own |
//! | [`mirror`] | one site, for everyone, as a host serves it |
//! | `reading` | a request to a site's origin |
//! | `site` | a request's answer from a version of a site |
//! | `version`, `opened` | a version of a site: which file a URL means; those that are open |
//! | `kept` | the front page of a gateway without control pages |
//! | `bar` | what an old version says of itself |
//! | `live` | open tabs learn of a newer version |
//! | `seek` | a site that is not here is asked for, and waited for |
//! | `early` | its pages meanwhile, as soon as their own bytes are there |
//! | `ranges` | conditional and partial requests |
//! | [`hostname`] | what the `Host` header asks for |
//! | `guard` | what keeps sites apart: who may ask, and what an answer forbids |
//! | `loopback` | origins for browsers that do not resolve names below `localhost` |
//! | `server` | HTTP within limits for time, memory and connections: all of the above are served by it |
//! | `pages` | the gateway's own pages |

mod bar;
pub mod control;
mod early;
mod guard;
pub mod hostname;
mod kept;
mod live;
pub mod local;
mod loopback;
pub mod mirror;
mod opened;
mod pages;
mod ranges;
mod reading;
mod seek;
mod server;
mod site;
mod version;

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::error::{Error, Kind, Result};

/// Opens a port on loopback. `port` 0 is any free one.
///
/// # Errors
///
/// [`Kind::Usage`] if the port is taken.
pub async fn listen(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    TcpListener::bind(address).await.map_err(|e| {
        let error = Error::new(Kind::Usage, format!("can't listen on {address}: {e}"));
        match e.kind() {
            std::io::ErrorKind::AddrInUse => {
                error.hint("another program uses that port; is another `skep` running?")
            }
            _ => error,
        }
    })
}

/// The port that a listener has.
///
/// # Errors
///
/// If the system does not say.
pub fn port_of(listener: &TcpListener) -> Result<u16> {
    let address = listener.local_addr();
    let address =
        address.map_err(|e| Error::new(Kind::Io, format!("a port has no number: {e}")))?;
    Ok(address.port())
}
