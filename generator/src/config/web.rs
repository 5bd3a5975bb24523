//! What the site tells gateways and hosts: `[web]`.

use serde::Deserialize;
use toml::Spanned;

use super::Wrong;
use crate::error::Error;
use crate::names::nfc;

/// The longest policy that gateways and hosts read, in bytes.
const MAX_CSP: usize = 2048;

/// What the site tells gateways and hosts, in the file `skep.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Web {
    /// The path of the page that stands for all paths that are not there, such as `app/index.html`.
    pub fallback: Option<String>,
    /// A content security policy.
    pub csp: Option<String>,
}

/// The same as written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    fallback: Option<Spanned<String>>,
    csp: Option<Spanned<String>>,
}

/// Checks what is written.
pub(super) fn read(written: Written, wrong: &Wrong<'_>) -> Result<Web, Error> {
    if let Some(path) = &written.fallback {
        let text = path.get_ref().trim_start_matches('/');
        let is_file = !text.is_empty() && !text.ends_with('/') && !text.contains("//");
        if !is_file {
            let message = format!("'{}' is not the path of a page", path.get_ref());
            return Err(wrong(path.span(), message)
                .with_hint("write the file that it becomes, such as \"app/index.html\""));
        }
    }
    if let Some(csp) = &written.csp {
        let text = csp.get_ref().trim();
        if let Some(stranger) = text.chars().find(|c| !(' '..='~').contains(c)) {
            let message = format!("a policy can't have the character {stranger:?}");
            return Err(wrong(csp.span(), message)
                .with_hint("it becomes a header: write it on one line, in plain ASCII"));
        }
        if text.is_empty() || text.len() > MAX_CSP {
            let message = format!("a policy has from 1 to {MAX_CSP} characters");
            return Err(wrong(csp.span(), message).with_hint("take the line out for none"));
        }
    }
    let fallback = written.fallback.map(Spanned::into_inner);
    Ok(Web {
        fallback: fallback.map(|path| nfc(path.trim_start_matches('/')).into_owned()),
        csp: written.csp.map(|csp| csp.get_ref().trim().to_owned()),
    })
}
