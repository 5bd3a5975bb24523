//! All that is here of a site, as one file that the browser saves.

use std::io::{self, Write};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, header},
};
use tokio::sync::mpsc;

use super::{page, routes::Ask};
use crate::{archive::address::SiteId, error::Error, library, portable, swarm::node::blocking};

/// So many bytes are sent at a time.
const PIECE: usize = 256 << 10;
/// The longest name of a file, in characters.
const LONGEST: usize = 60;

/// The file, made while it is sent. Where it can't be made, a page says why.
pub(super) async fn file(ask: &Ask, site: SiteId) -> Response<Body> {
    let control = ask.control.clone();
    let title = blocking(move || library::title(&control.library, site)).await;
    let name = name(title.ok().flatten().as_deref(), site);
    let (sender, mut pieces) = mpsc::channel(2);
    let store = ask.gateway.node.store.clone();
    // It ends with the browser that reads it, or with the site.
    tokio::task::spawn_blocking(move || {
        let mut out = Pieces {
            sender,
            piece: Vec::new(),
        };
        let state = store.known(site);
        if let Err(e) = state.and_then(|state| portable::export(&store, &state, &mut out)) {
            // Nobody is there any more who could be told.
            let _ = out.sender.blocking_send(Err(e));
        }
    });
    let first = match pieces.recv().await {
        Some(Ok(first)) => first,
        Some(Err(e)) => return not_made(ask, site, e),
        None => return not_made(ask, site, Error::damaged("the export broke off")),
    };
    let stream =
        n0_future::stream::unfold((Some(Ok(first)), pieces), |(first, mut pieces)| async {
            let piece = match first {
                Some(first) => first,
                None => pieces.recv().await?,
            };
            // What has begun ends before its end, which the browser sees.
            Some((piece.map_err(io::Error::other), (None, pieces)))
        });
    answer(&name, Body::from_stream(stream))
}

fn not_made(ask: &Ask, site: SiteId, error: Error) -> Response<Body> {
    let back = format!("/sites/{site}");
    page::refused(
        ask.gateway.port,
        "Nothing was exported",
        &error.into(),
        &back,
    )
}

fn answer(name: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let apart = HeaderValue::from_static("same-origin");
    headers.insert("cross-origin-resource-policy", apart);
    let encoded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let saved = format!("attachment; filename*=UTF-8''{encoded}");
    if let Ok(saved) = HeaderValue::try_from(saved) {
        headers.insert(header::CONTENT_DISPOSITION, saved);
    }
    response
}

/// The name of the file: letters and digits of the title, which is a stranger's, with `-` between them.
fn name(title: Option<&str>, site: SiteId) -> String {
    let title = title.unwrap_or_default().to_lowercase();
    let words = title.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").chars().take(LONGEST).collect();
    match name.trim_end_matches('-') {
        "" => format!("{}.skep", &site.to_string()[..12]),
        name => format!("{name}.skep"),
    }
}

/// Sends what is written in pieces, and waits until the browser has taken them.
struct Pieces {
    sender: mpsc::Sender<Result<Bytes, Error>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        let sent = self.sender.blocking_send(Ok(piece));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_the_file_and_nothing_else() {
        let site = SiteId([7; 32]);
        let nameless = format!("{}.skep", &site.to_string()[..12]);
        for (title, file) in [
            ("Bees & Friends", "bees-friends.skep"),
            ("../../etc/passwd", "etc-passwd.skep"),
            ("a\"; filename=\"x.exe\r\nX: y", "a-filename-x-exe-x-y.skep"),
            ("\u{202e}gnp.Caf\u{e9}", "gnp-caf\u{e9}.skep"),
            ("\u{8702}\u{871c}", "\u{8702}\u{871c}.skep"),
            ("\u{1f41d}\u{1f41d}", &nameless),
        ] {
            assert_eq!(name(Some(title), site), file, "{title:?}");
        }
        assert_eq!(name(None, site), nameless);
        assert_eq!(
            name(Some(&"a ".repeat(99)), site).len(),
            LONGEST - 1 + ".skep".len()
        );
    }
}
