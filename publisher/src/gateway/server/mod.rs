//! [`serve`]: a [`Router`] over HTTP/1, within limits for time, memory and connections.
//!
//! Anyone who can open a connection can leave it open. So a connection has a deadline for each
//! request's head, a rate below which it counts as stalled, a small buffer, and a place among a
//! bounded number of connections. When all places are taken, the connection that has been idle
//! longest loses its place to the newest one.
//!
//! | module | what it does |
//! | --- | --- |
//! | `connections` | places for connections, and which one is closed when none is left |
//! | `paced` | a connection that fails when the client stops reading |
//! | `fault` | requests that RFC 9112 forbids |
//! | `answering` | a body that marks its connection as busy until it is sent |

mod answering;
mod connections;
mod fault;
mod paced;

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Response};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use self::{
    answering::Answering,
    connections::{Connections, Place},
    paced::Paced,
};

/// How long the end waits for answers that are on their way.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long a connection may be idle, or take for the head of a request. Browsers send a head at
/// once, and open a new connection when an idle one is gone.
const HEAD: Duration = Duration::from_secs(30);
/// How long a client may take for [`paced::LEAST`] bytes of an answer. nginx waits as long.
const STALL: Duration = Duration::from_secs(60);
/// The most bytes of a head, in memory for each connection. nginx takes heads of 32 KiB.
const MAX_HEAD: usize = 32 << 10;
/// How long to wait when the system has no file descriptor left for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// The two ends of a connection. Each request has them as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
}

/// The limits of a server.
#[derive(Clone)]
struct Limits {
    connections: Arc<Connections>,
    head: Duration,
    stall: Duration,
}

/// Serves `router` until `shutdown`. All servers of this process share one number of connections.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let limits = Limits {
        connections: Connections::of_process(),
        head: HEAD,
        stall: STALL,
    };
    serve_within(limits, listener, router, shutdown).await;
}

async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let service = TowerToHyperService::new(router);
    let (ending, ends) = watch::channel(());
    // What is dropped with this future ends, so that no connection outlasts its server.
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = open.join_next() => continue,
            stream = accept(&listener) => stream,
        };
        let (Ok(client), Ok(server)) = (stream.peer_addr(), stream.local_addr()) else {
            continue;
        };
        let place = tokio::select! {
            () = &mut shutdown => break,
            place = limits.connections.admit(client.ip()) => place,
        };
        if let Some(place) = place {
            let connection = Connection {
                ends: Ends { client, server },
                place,
                limits: limits.clone(),
                ending: ends.clone(),
            };
            open.spawn(connection.serve(stream, service.clone()));
        }
    }
    drop((listener, ending));
    let all = async { while open.join_next().await.is_some() {} };
    // A client that sends half a request, or does not read, is not waited for.
    let _ = timeout(FAREWELL, all).await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // The client is gone already, or the system has no descriptor left for now.
            Err(_) => sleep(PAUSE).await,
        }
    }
}

struct Connection {
    ends: Ends,
    place: Place,
    limits: Limits,
    ending: watch::Receiver<()>,
}

impl Connection {
    async fn serve(mut self, stream: TcpStream, router: TowerToHyperService<Router>) {
        // An answer is written whole, so there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let seat = self.place.seat();
        let io = TokioIo::new(Paced::new(stream, seat.clone(), self.limits.stall));
        let ends = self.ends;
        let service = service_fn(|request| answer(&router, Answering::new(&seat), ends, request));
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(MAX_HEAD)
            .serve_connection(io, service);
        let mut serving = pin!(serving);
        tokio::select! {
            _ = serving.as_mut() => return,
            () = seat.lost() => return,
            _ = self.ending.changed() => serving.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            _ = serving => {}
            () = seat.lost() => {}
        }
    }
}

fn answer(
    router: &TowerToHyperService<Router>,
    answering: Answering,
    ends: Ends,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
    request.extensions_mut().insert(ends);
    let answer = match fault::of(&request) {
        Some(fault) => Err(fault::answer(fault)),
        None => Ok(router.call(request)),
    };
    async move {
        let response = match answer {
            Ok(answer) => answer.await?,
            Err(response) => response,
        };
        Ok(response.map(|body| answering.until_sent(body)))
    }
}

#[cfg(test)]
mod tests;
