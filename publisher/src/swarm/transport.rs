//! How much a connection may hold in memory. QUIC keeps what was received and not read, and what was sent and
//! not confirmed, so a stranger who calls decides about both unless there are bounds.

use iroh::endpoint::{ConnectOptions, QuicTransportConfig, VarInt};

/// For connections that others open: they send requests, and a version that is pushed at most.
///
/// A request is a frame of at most [`MAX_FRAME`](super::wire::MAX_FRAME) bytes, so that what is received and
/// not yet read can be little. What is sent and not confirmed is what one slow reader costs, and all that is
/// under way to a fast one: 270 Mbit/s at 30 ms.
pub(super) fn accepting() -> QuicTransportConfig {
    QuicTransportConfig::builder()
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        // Neither protocol has any.
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(256 << 10))
        .receive_window(VarInt::from_u32(1 << 20))
        .send_window(1 << 20)
        .build()
}

/// How many streams a stranger may have open at a time. A blob that is sent costs some 100 KB beside what is
/// under way. Our own protocol allows more, as each link of a site is one.
const STREAMS: u32 = 16;

/// For connections that this node opens: it asked for what it receives.
pub(super) fn calling() -> ConnectOptions {
    let config = QuicTransportConfig::builder()
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .receive_window(VarInt::from_u32(16 << 20))
        .build();
    ConnectOptions::new().with_transport_config(config)
}
