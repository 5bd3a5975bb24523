//! Tokens with a fixed beginning.

use super::tokens::is_token_byte;

/// What may follow a token's fixed beginning.
#[derive(Clone, Copy)]
pub(super) enum Tail {
    /// Letters and digits.
    Alnum,
    /// Small letters and digits up to `f`.
    Hex,
    /// Capital letters and digits from `2` to `7`.
    Base32,
    /// Letters.
    Letters,
    /// Letters, digits, `_` and `-`.
    Word,
    /// The same and `.`.
    Any,
}

pub(super) struct Form {
    pub(super) what: &'static str,
    prefix: &'static str,
    tail: Tail,
    least: usize,
    most: usize,
}

const fn form(
    what: &'static str,
    prefix: &'static str,
    tail: Tail,
    least: usize,
    most: usize,
) -> Form {
    Form {
        what,
        prefix,
        tail,
        least,
        most,
    }
}

const LONG: usize = 1 << 12;

use Tail::{Alnum, Any, Base32, Hex, Letters, Word};
const FORMS: &[Form] = &[
    form("an AWS access key", "AKIA", Base32, 16, 16),
    form("an AWS access key", "ASIA", Base32, 16, 16),
    form("a GitHub token", "ghp_", Alnum, 36, 255),
    form("a GitHub token", "gho_", Alnum, 36, 255),
    form("a GitHub token", "ghu_", Alnum, 36, 255),
    form("a GitHub token", "ghs_", Alnum, 36, 255),
    form("a GitHub token", "ghr_", Alnum, 36, 255),
    form("a GitHub token", "github_pat_", Word, 82, 255),
    form("a GitLab token", "glpat-", Any, 20, 400),
    form("a GitLab token", "glrt-", Any, 20, 400),
    form("a GitLab token", "gldt-", Word, 20, 64),
    form("a GitLab token", "glptt-", Hex, 40, 40),
    form("a GitLab token", "glcbt-", Word, 22, 64),
    form("a GitLab token", "glagent-", Word, 50, 64),
    form("a GitLab token", "gloas-", Word, 64, 64),
    form("a GitLab token", "glsoat-", Word, 20, 64),
    form("a Slack token", "xoxb-", Word, 20, 255),
    form("a Slack token", "xoxp-", Word, 40, 255),
    form("a Slack token", "xoxe-", Word, 40, 255),
    form("a Slack token", "xoxs-", Word, 40, 255),
    form("a Slack token", "xapp-1-", Word, 40, 255),
    form("a Stripe key", "sk_live_", Alnum, 24, 255),
    form("a Stripe key", "rk_live_", Alnum, 24, 255),
    form("a Google client secret", "GOCSPX-", Word, 28, 28),
    form("an OpenAI key", "sk-proj-", Word, 40, 255),
    form("an OpenAI key", "sk-svcacct-", Word, 40, 255),
    form("an OpenAI key", "sk-admin-", Word, 40, 255),
    form("an Anthropic key", "sk-ant-", Word, 80, 255),
    form("an OpenRouter key", "sk-or-v1-", Hex, 64, 64),
    form("a Groq key", "gsk_", Alnum, 52, 52),
    form("an xAI key", "xai-", Alnum, 80, 80),
    form("a Perplexity key", "pplx-", Alnum, 48, 48),
    form("a Replicate token", "r8_", Alnum, 37, 37),
    form("a Hugging Face token", "hf_", Letters, 34, 34),
    form("a Hugging Face token", "api_org_", Letters, 34, 34),
    form("an npm token", "npm_", Alnum, 36, 36),
    form("a PyPI token", "pypi-AgEIcHlwaS5vcmc", Word, 50, LONG),
    form(
        "a PyPI token",
        "pypi-AgENdGVzdC5weXBpLm9yZw",
        Word,
        50,
        LONG,
    ),
    form("a crates.io token", "cio", Alnum, 32, 32),
    form("a RubyGems token", "rubygems_", Hex, 48, 48),
    form("a NuGet key", "oy2", Alnum, 43, 43),
    form("a Docker Hub token", "dckr_pat_", Word, 27, 64),
    form("a SendGrid key", "SG.", Any, 66, 66),
    form("a Twilio key", "SK", Hex, 32, 32),
    form("a Mailgun key", "key-", Hex, 32, 32),
    form("a DigitalOcean token", "dop_v1_", Hex, 64, 64),
    form("a DigitalOcean token", "doo_v1_", Hex, 64, 64),
    form("a DigitalOcean token", "dor_v1_", Hex, 64, 64),
    form("a Netlify token", "nfp_", Alnum, 36, 36),
    form("a Heroku token", "HRKU-", Word, 36, 64),
    form("a Supabase token", "sbp_", Hex, 40, 40),
    form("a Shopify token", "shpat_", Hex, 32, 32),
    form("a Shopify token", "shpca_", Hex, 32, 32),
    form("a Shopify token", "shppa_", Hex, 32, 32),
    form("a Shopify token", "shpss_", Hex, 32, 32),
    form("a Square token", "sq0atp-", Word, 22, 22),
    form("a Square secret", "sq0csp-", Word, 43, 43),
    form("a Databricks token", "dapi", Hex, 32, 32),
    form("a Grafana token", "glsa_", Word, 41, 41),
    form("a Sentry token", "sntryu_", Hex, 64, 64),
    form("a Linear key", "lin_api_", Alnum, 40, 40),
    form("a Notion token", "ntn_", Alnum, 46, 46),
    form("a Postman key", "PMAK-", Word, 59, 59),
    form("a PlanetScale token", "pscale_tkn_", Any, 32, 64),
    form("a HashiCorp Vault token", "hvs.", Word, 90, 255),
    form("a Tailscale key", "tskey-", Word, 30, 128),
    form("an age secret key", "AGE-SECRET-KEY-1", Alnum, 58, 58),
];

/// A browser's key for Google's services: made to stand in pages, but often good for more than that.
pub(super) const GOOGLE: Form = form("a Google API key", "AIza", Word, 35, 35);

/// How the forms begin: most runs begin otherwise, and that is soon seen.
const BEGINNINGS: [[u8; 2]; FORMS.len()] = {
    let mut beginnings = [[0; 2]; FORMS.len()];
    let mut n = 0;
    while n < FORMS.len() {
        let prefix = FORMS[n].prefix.as_bytes();
        beginnings[n] = [prefix[0], prefix[1]];
        n += 1;
    }
    beginnings
};

/// What `run` is by its beginning and what follows.
pub(super) fn form_of(run: &[u8]) -> Option<&'static str> {
    let beginning = [*run.first()?, *run.get(1)?];
    if !BEGINNINGS.contains(&beginning) {
        return None;
    }
    FORMS.iter().find(|form| form.is(run)).map(|form| form.what)
}

impl Form {
    /// Whether `run` has this form.
    pub(super) fn is(&self, run: &[u8]) -> bool {
        let Some(tail) = run.strip_prefix(self.prefix.as_bytes()) else {
            return false;
        };
        (self.least..=self.most).contains(&tail.len())
            && tail.iter().all(|byte| self.tail.has(*byte))
            && self.tail.is_random(tail)
    }
}

impl Tail {
    /// Whether the byte is one of these.
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Alnum => byte.is_ascii_alphanumeric(),
            Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Base32 => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            Letters => byte.is_ascii_alphabetic(),
            Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Any => is_token_byte(byte),
        }
    }

    /// Whether these bytes may be drawn from that alphabet. Words that stand there for a token have no
    /// digits.
    fn is_random(self, tail: &[u8]) -> bool {
        match self {
            Base32 | Letters => true,
            Alnum | Hex | Word | Any => tail.iter().any(u8::is_ascii_digit),
        }
    }
}

/// Characters that look random, always the same.
#[cfg(test)]
pub(super) fn random(alphabet: &[u8], length: usize) -> String {
    let mut state: u32 = 7;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(alphabet[(state >> 16) as usize % alphabet.len()])
    };
    (0..length).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::tokens::{SHORTEST, Token, token};

    fn tail(form: &Form, length: usize) -> String {
        let alphabet: Vec<u8> = (0..=127).filter(|byte| form.tail.has(*byte)).collect();
        // A digit wherever there are any, and no full stop at the end.
        let last = if form.tail.has(b'7') { "7" } else { "Z" };
        random(&alphabet, length - 1) + last
    }

    #[test]
    fn every_form_is_told_at_its_shortest_and_longest_and_not_beyond() {
        for form in FORMS {
            let told = |length| {
                let run = format!("{}{}", form.prefix, tail(form, length));
                token(b"key=", run.as_bytes())
            };
            let secret = Some(Token::Secret(form.what));
            assert_eq!(told(form.least), secret, "{}", form.prefix);
            assert_eq!(told(form.most), secret, "{}", form.prefix);
            assert_eq!(told(form.least - 1), None, "{}", form.prefix);
            assert_eq!(told(form.most + 1), None, "{}", form.prefix);
            assert!(form.prefix.len() + form.least >= SHORTEST);
        }
    }
}
