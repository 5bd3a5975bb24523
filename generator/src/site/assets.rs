//! What the names of files say about their contents.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{Output, Outputs, SiteFile};
use crate::error::Error;
use crate::style::{self, StyleCompiler};

/// The files that are copied or compiled, by their source.
pub(crate) type Files = HashMap<Arc<str>, SiteFile>;

/// The stylesheets in Sass.
#[derive(Debug, Default)]
pub(crate) struct Styles {
    pub(crate) texts: style::Texts,
    pub(crate) compiler: StyleCompiler,
}

/// The files of a site with their fingerprints. Each is read when it is asked for, and once.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    outputs: Arc<Outputs>,
    files: Arc<Files>,
    styles: Arc<Styles>,
    /// Whether there are fingerprints at all.
    is_on: bool,
    known: Mutex<HashMap<String, Fingerprint>>,
}

type Fingerprint = Arc<OnceLock<Result<String, Error>>>;

/// How much of the hash stands in a URL: 40 bits tell the versions of a file apart, and a URL stays short.
const HEX_DIGITS: usize = 10;

impl Assets {
    pub(crate) fn new(
        outputs: Arc<Outputs>,
        files: Arc<Files>,
        styles: Arc<Styles>,
        is_on: bool,
    ) -> Self {
        Self {
            outputs,
            files,
            styles,
            is_on,
            known: Mutex::default(),
        }
    }

    /// The output paths of all files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> + Clone {
        let files = self
            .outputs
            .iter()
            .filter(|(_, output)| matches!(output, Output::File(_) | Output::Style(_)));
        files.map(|(path, _)| &**path)
    }

    /// Whether there is something at the output `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.outputs.contains_key(path)
    }

    /// The fingerprint of the file at the output `path`; `None` if there is no such file. What skep writes itself has no
    /// fingerprint: to know it would be to fill in a page while another is filled in.
    pub(crate) fn fingerprint(&self, path: &str) -> Option<Result<Option<String>, Error>> {
        let output = self.outputs.get(path)?;
        if !self.is_on || !matches!(output, Output::File(_) | Output::Style(_)) {
            return Some(Ok(None));
        }
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            match known.get(path) {
                Some(cell) => Arc::clone(cell),
                None => Arc::clone(known.entry(path.to_owned()).or_default()),
            }
        };
        let hash = cell.get_or_init(|| {
            let bytes = match output {
                Output::File(source) => match self.files.get(source) {
                    Some(file) => file.source.read()?,
                    None => Vec::new(),
                },
                Output::Style(source) => {
                    style::compile(&self.files, &self.styles, source)?.into_bytes()
                }
                _ => Vec::new(),
            };
            let hex = blake3::hash(&bytes).to_hex();
            Ok(hex.as_str()[..HEX_DIGITS].to_owned())
        });
        Some(hash.clone().map(Some))
    }
}
