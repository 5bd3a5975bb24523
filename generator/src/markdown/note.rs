//! What there is to say about a place in a text.

/// Something that is wrong in a text, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// Where, in bytes from the start of the text.
    pub(crate) offset: usize,
    /// What, as one sentence without a full stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Note {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
