//! How much the templates of one output may cost.

use tera::fuel::{BYTES, DEPTH, Limits, STEPS, metered};

use crate::error::{Error, ErrorKind};

/// What the templates around one output may cost together: its body, its layouts and the components in its text.
///
/// 50 million steps are 2 to 5 seconds, and some 500 times as many as the most costly page of the manual needs. A list of
/// 10,000 posts that is gone through with ten instructions a post takes 100,000.
const LIMITS: Limits = Limits {
    steps: 50_000_000,
    bytes: 128 << 20,
};

/// Renders one output within the limits.
pub(crate) fn within<T>(render: impl FnOnce() -> T) -> T {
    metered(LIMITS, render)
}

/// The error that a message of the meter stands for, if it is one.
pub(super) fn explain(message: &str) -> Option<Error> {
    let (told, hint) = match message {
        STEPS => (
            format!(
                "this page takes more than {} million steps, and was given up here",
                LIMITS.steps / 1_000_000
            ),
            "look for a loop in a loop over all posts: a filter, or a {% set %} before the loop, \
             often does the same work once",
        ),
        BYTES => (
            format!(
                "this page makes more than {} MB of text and lists, and was given up here",
                LIMITS.bytes / 1_000_000
            ),
            "look for a text that is put into itself, a list that is made again in each turn of a loop, \
             or a layout that shows `content` twice",
        ),
        DEPTH => (
            "too much is in each other here".to_owned(),
            "look for an include, a component or a list that has itself in it",
        ),
        _ => return None,
    };
    Some(Error::new(ErrorKind::Limit, told).with_hint(hint))
}
