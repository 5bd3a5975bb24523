//! [`Paced`]: a connection that fails when the client stops reading.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::connections::Seat;

/// So many bytes have to go out within the time for a stall: a film that is paused sends none.
pub(super) const LEAST: usize = 4096;

/// A connection whose writes fail when the client takes less than [`LEAST`] bytes in `stall`.
pub(super) struct Paced<T> {
    io: T,
    seat: Arc<Seat>,
    stall: Duration,
    /// Since a write had to wait: until when it may wait, and how many bytes went out since.
    waiting: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<T> Paced<T> {
    pub(super) fn new(io: T, seat: Arc<Seat>, stall: Duration) -> Self {
        Self {
            io,
            seat,
            stall,
            waiting: None,
        }
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                self.seat.touch();
                let since = self.waiting.as_mut().map(|(_, since)| {
                    *since += bytes;
                    *since
                });
                if since.is_some_and(|since| since >= LEAST) {
                    self.waiting = None;
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                let end = Instant::now() + self.stall;
                let waiting = self
                    .waiting
                    .get_or_insert_with(|| (Box::pin(sleep_until(end)), 0));
                match waiting.0.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const STALL: Duration = Duration::from_secs(60);

    fn paced<T>(io: T) -> Paced<T> {
        let seat = Arc::new(Seat::new(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        Paced::new(io, seat, STALL)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_not_waited_for() {
        let (server, _client) = duplex(64);
        let begun = Instant::now();
        let error = paced(server).write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < STALL * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_a_byte_now_and_then_is_not_waited_for() {
        let (server, mut client) = duplex(64);
        let reading = async {
            // Once a second, as long as there is anything.
            while client.read_u8().await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let mut server = paced(server);
        let written = tokio::select! {
            written = server.write_all(&[0; 10 * LEAST]) => written,
            () = reading => panic!("the server has ended"),
        };
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_gets_everything() {
        let (server, mut client) = duplex(64);
        let reading = async {
            let mut bytes = [0; 2 * LEAST];
            for _ in 0..10 {
                client.read_exact(&mut bytes).await.unwrap();
                tokio::time::sleep(STALL / 2).await;
            }
        };
        let mut server = paced(server);
        let (written, ()) = tokio::join!(server.write_all(&[0; 20 * LEAST]), reading);
        written.unwrap();
    }
}
