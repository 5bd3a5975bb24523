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
//! | `bar` | what an old version says of itself |
//! | `live` | open tabs learn of a newer version |
//! | `seek` | a site that is not here is asked for, and waited for |
//! | `early` | its pages meanwhile, as soon as their own bytes are there |
//! | `ranges` | conditional and partial requests |
//! | `hostname` | what the `Host` header asks for |
//! | `guard` | what keeps sites apart: who may ask, and what an answer forbids |
//! | `loopback` | origins for browsers that do not resolve names below `localhost` |
//! | `pages` | the gateway's own pages |

mod bar;
pub mod control;
mod early;
mod guard;
mod hostname;
mod live;
pub mod local;
mod loopback;
pub mod mirror;
mod opened;
mod pages;
mod ranges;
mod reading;
mod seek;
mod site;
mod version;

use std::{net::SocketAddr, time::Duration};

use axum::{Router, serve::ListenerExt};
use tokio::{net::TcpListener, sync::oneshot};

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

/// How long the end waits for answers that are on their way.
const FAREWELL: Duration = Duration::from_secs(3);

async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    // What was written is sent at once: an answer is written whole.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let (ending, is_ending) = oneshot::channel();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        shutdown.await;
        let _ = ending.send(());
    });
    let farewell = async {
        match is_ending.await {
            Ok(()) => tokio::time::sleep(FAREWELL).await,
            // Then it is the server that ends.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        served = serving => {
            served.map_err(|e| Error::new(Kind::Io, format!("the web server stopped: {e}")))
        }
        // Whoever says half of something, or does not listen, is not waited for.
        () = farewell => Ok(()),
    }
}
