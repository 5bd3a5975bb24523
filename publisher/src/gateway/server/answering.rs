//! [`Answering`]: a request that is being answered, until all of the answer is sent.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};
use http_body::{Frame, SizeHint};

use super::connections::Seat;

/// Marks a connection as busy until this is dropped, however the answer ends.
pub(super) struct Answering(Arc<Seat>);

struct Sending {
    body: Body,
    _answering: Answering,
}

impl Answering {
    pub(super) fn new(seat: &Arc<Seat>) -> Self {
        seat.begin();
        Self(seat.clone())
    }

    /// The same body, with which this ends.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(Sending {
            body,
            _answering: self,
        })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
