//! iroh-blobs' protocol, with and without a limit: to ask for each 16 KiB costs a twentieth of the time of all, so
//! that it is not done where there is none.

use iroh::{
    endpoint::Connection,
    protocol::{AcceptError, ProtocolHandler},
};
use iroh_blobs::{BlobsProtocol, provider::events::EventSender};

use super::Flow;
use crate::swarm::{blobs::IrohBlobs, doors::BUSY};

/// Blobs for others, as fast as the limit of the moment lets them go.
#[derive(Debug)]
pub(in crate::swarm) struct Uploads {
    free: BlobsProtocol,
    bounded: BlobsProtocol,
    limit: Flow,
}

impl Uploads {
    /// `guard` makes what is asked before each answer; it is given the limit where that has to be asked too.
    pub(in crate::swarm) fn new(
        blobs: &IrohBlobs,
        limit: &Flow,
        guard: impl Fn(Option<Flow>) -> EventSender,
    ) -> Self {
        let protocol = |limit| BlobsProtocol::new(&blobs.fs, Some(guard(limit)));
        Self {
            free: protocol(None),
            bounded: protocol(Some(limit.clone())),
            limit: limit.clone(),
        }
    }
}

impl ProtocolHandler for Uploads {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        if self.limit.is_bounded() {
            return self.bounded.accept(connection).await;
        }
        tokio::select! {
            done = self.free.accept(connection.clone()) => done,
            // Whoever comes again goes on where it was, with the limit.
            () = self.limit.bounded() => {
                connection.close(BUSY, b"a limit");
                Ok(())
            }
        }
    }

    async fn shutdown(&self) {
        // They have one store.
        self.free.shutdown().await;
    }
}
