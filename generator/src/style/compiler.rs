//! [`StyleCompiler`]: who compiles stylesheets, and what was compiled before.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Texts, evaluate};

/// Compiles stylesheets: in this process and without limits, or by a function that does it where it can be stopped. It
/// keeps what it compiled last, so that only a changed stylesheet is compiled. Clones share that.
#[derive(Clone, Default)]
pub struct StyleCompiler(Arc<Inner>);

#[derive(Default)]
struct Inner {
    elsewhere: Option<Box<Elsewhere>>,
    known: Mutex<HashMap<[u8; 32], Outcome>>,
}

/// Answers what [`compile_style`] does.
type Elsewhere = dyn Fn(&[u8]) -> Result<Vec<u8>, Stopped> + Send + Sync;

/// So many stylesheets are kept.
const MOST_KNOWN: usize = 64;

/// Why a stylesheet was not compiled to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// It takes longer than this.
    Time(Duration),
    /// It takes more memory than so many bytes.
    Memory(u64),
    /// Something in it calls itself too often.
    Stack,
    /// It could not be compiled there, for this reason.
    Other(String),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(most) => write!(
                f,
                "this stylesheet takes more than {} seconds, and was given up",
                most.as_secs()
            ),
            Self::Memory(most) => write!(
                f,
                "this stylesheet takes more than {} MB of memory, and was given up",
                most / 1_000_000
            ),
            Self::Stack => f.write_str("something in this stylesheet calls itself without end"),
            Self::Other(why) => write!(f, "this stylesheet could not be compiled: {why}"),
        }
    }
}

/// What became of a stylesheet.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Css(String),
    Failed(Failure),
    Stopped(Stopped),
}

/// What is wrong in a stylesheet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) message: String,
    /// The source, and the line and column in it, from 1.
    pub(super) place: Option<(String, usize, usize)>,
}

#[derive(Serialize, Deserialize)]
struct Job {
    source: String,
    texts: Vec<(String, String)>,
}

impl StyleCompiler {
    /// One that has `elsewhere` answer what [`compile_style`] answers, in another process for instance.
    pub fn elsewhere(
        elsewhere: impl Fn(&[u8]) -> Result<Vec<u8>, Stopped> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            elsewhere: Some(Box::new(elsewhere)),
            known: Mutex::default(),
        }))
    }

    /// Compiles the stylesheet `source` of `texts`.
    pub(super) fn compile(&self, texts: &Texts, source: &str) -> Outcome {
        let key = key(texts, source);
        let known = || self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = known().get(&key) {
            return outcome.clone();
        }
        let outcome = match &self.0.elsewhere {
            None => of(evaluate(texts, source)),
            Some(elsewhere) => ask(elsewhere, texts, source),
        };
        // What went wrong elsewhere may go well the next time.
        if !matches!(outcome, Outcome::Stopped(Stopped::Other(_))) {
            let mut known = known();
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            known.insert(key, outcome.clone());
        }
        outcome
    }
}

impl fmt::Debug for StyleCompiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_elsewhere = self.0.elsewhere.is_some();
        write!(f, "StyleCompiler(elsewhere: {is_elsewhere})")
    }
}

/// Compiles the stylesheet that a [`StyleCompiler`] asks for, in this process and without limits. The answer is for it.
pub fn compile_style(job: &[u8]) -> Vec<u8> {
    let answer = match serde_json::from_slice::<Job>(job) {
        Ok(Job { source, texts }) => {
            let texts = texts
                .into_iter()
                .map(|(path, text)| (path.into(), text.into()));
            evaluate(&texts.collect(), &source)
        }
        Err(error) => Err(Failure {
            message: format!("this is no stylesheet: {error}"),
            place: None,
        }),
    };
    serde_json::to_vec(&answer).unwrap_or_default()
}

fn ask(elsewhere: &Elsewhere, texts: &Texts, source: &str) -> Outcome {
    let job = Job {
        source: source.to_owned(),
        texts: texts
            .iter()
            .map(|(path, text)| (path.to_string(), text.to_string()))
            .collect(),
    };
    let answer = serde_json::to_vec(&job)
        .map_err(|e| Stopped::Other(e.to_string()))
        .and_then(|job| elsewhere(&job))
        .and_then(|answer| {
            let answer = serde_json::from_slice::<Result<String, Failure>>(&answer);
            answer.map_err(|e| Stopped::Other(format!("the answer can't be read: {e}")))
        });
    match answer {
        Ok(answer) => of(answer),
        Err(stopped) => Outcome::Stopped(stopped),
    }
}

fn of(result: Result<String, Failure>) -> Outcome {
    match result {
        Ok(css) => Outcome::Css(css),
        Err(failure) => Outcome::Failed(failure),
    }
}

fn key(texts: &Texts, source: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in std::iter::once(source).chain(texts.iter().flat_map(|(a, b)| [&**a, &**b])) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn texts(css: &str) -> Texts {
        [("a.scss".into(), css.into())].into_iter().collect()
    }

    #[test]
    fn what_is_compiled_elsewhere_is_the_same_and_is_asked_for_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let compiler = StyleCompiler::elsewhere(move |job| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(compile_style(job))
        });
        for css in ["a { b { c: d } }", "a { b: $x }"] {
            for _ in 0..2 {
                let here = StyleCompiler::default().compile(&texts(css), "a.scss");
                let there = compiler.compile(&texts(css), "a.scss");
                assert_eq!(format!("{here:?}"), format!("{there:?}"));
            }
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn what_was_given_up_is_not_tried_again_but_what_broke_is() {
        for (stopped, tries) in [(Stopped::Stack, 1), (Stopped::Other("x".to_owned()), 2)] {
            let asked = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&asked);
            let compiler = StyleCompiler::elsewhere(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
                Err(stopped.clone())
            });
            for _ in 0..2 {
                compiler.compile(&texts("a { b: c }"), "a.scss");
            }
            assert_eq!(asked.load(Ordering::SeqCst), tries);
        }
    }
}
