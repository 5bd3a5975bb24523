//! [`Form`]: what a form has sent.

use std::time::Duration;

use axum::body::Body;
use n0_future::StreamExt;
use tokio::time::timeout;

/// The fields of a form, in order.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

/// The longest body that is read: the numbers of all rows of the largest review, and a message.
const MAX_BODY: usize = 8 << 20;

/// How long a form may take to come. The browser is on this machine, and has all of it.
const PATIENCE: Duration = Duration::from_secs(30);

impl Form {
    /// Reads a body; `None` if it is too long, breaks off, or takes longer than [`PATIENCE`].
    pub(super) async fn read(body: Body) -> Option<Self> {
        timeout(PATIENCE, Self::read_all(body)).await.ok()?
    }

    async fn read_all(body: Body) -> Option<Self> {
        let mut chunks = body.into_data_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.ok()?;
            if bytes.len() + chunk.len() > MAX_BODY {
                return None;
            }
            bytes.extend_from_slice(&chunk);
        }
        Some(Self::parse(&bytes))
    }

    /// The fields of a body or a query.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first value of a field, without spaces around it; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        let first = self.0.iter().find(|(n, _)| n == name);
        first.map_or("", |(_, value)| value.trim())
    }

    /// All values of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.0.iter().filter(move |(n, _)| n == name);
        fields.map(|(_, value)| value.as_str())
    }

    /// Whether there is such a field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn fields_are_read_as_browsers_send_them() {
        let form = Form::read(Body::from("r=1&m=a+%C3%A9%0D%0Ab&r=2&x="))
            .await
            .unwrap();
        assert_eq!(form.get("m"), "a \u{e9}\r\nb");
        assert_eq!(form.all("r").collect::<Vec<_>>(), ["1", "2"]);
        assert!(form.has("x") && !form.has("y"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let silent = n0_future::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        assert!(Form::read(Body::from_stream(silent)).await.is_none());
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_not_read() {
        assert!(Form::read(Body::from(vec![b'a'; MAX_BODY])).await.is_some());
        assert!(
            Form::read(Body::from(vec![b'a'; MAX_BODY + 1]))
                .await
                .is_none()
        );
    }
}
