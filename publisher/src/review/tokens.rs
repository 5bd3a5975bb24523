//! The access tokens of the common services, by the forms that their makers document.
//!
//! A token is told by its form alone, so that a form has to be one that nothing else has: better to miss a
//! token than to teach people to pass over a warning.

use data_encoding::BASE64URL_NOPAD;

/// Whether a byte can be part of a token.
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// No token is shorter.
pub(super) const SHORTEST: usize = 20;

/// What may follow a token's fixed beginning.
#[derive(Clone, Copy)]
enum Tail {
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

struct Form {
    what: &'static str,
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
const GOOGLE: Form = form("a Google API key", "AIza", Word, 35, 35);

/// Tokens that stand in their makers' documentation.
const EXAMPLES: &[&[u8]] = &[
    b"16C7e42F292c6912E7710c838347Ae178B4a",
    b"17653672481-19874698323-",
    b"MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.",
];

/// Something that was told by its form. What it is, never the thing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A secret.
    Secret(&'static str),
    /// A key that may stand in a page.
    Public(&'static str),
}

/// The token that is `run`, all of whose bytes are token bytes, and which stands between bytes that are
/// not; `before` is what stands before it.
pub(super) fn token(before: &[u8], run: &[u8]) -> Option<Token> {
    // The end of an escape, as in `\nghp_…` and `%20ghp_…`, belongs to what stands before.
    let run = match before.last() {
        Some(b'\\') => run.get(1..)?,
        Some(b'%') => run.get(2..)?,
        _ => run,
    };
    // Such a sign may also end the sentence.
    let run = run.strip_suffix(b".").unwrap_or(run);
    if run.len() < SHORTEST {
        return None;
    }
    let secret = form_of(run)
        .or_else(|| openai(run))
        .or_else(|| skep(before, run))
        .or_else(|| telegram(before, run))
        .or_else(|| discord(run))
        .or_else(|| mailchimp(run))
        .or_else(|| webhook(before, run));
    match secret {
        Some(_) if is_example(run) => None,
        Some(what) => Some(Token::Secret(what)),
        None => (GOOGLE.is(run) && !is_example(run)).then_some(Token::Public(GOOGLE.what)),
    }
}

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

fn form_of(run: &[u8]) -> Option<&'static str> {
    let beginning = [*run.first()?, *run.get(1)?];
    if !BEGINNINGS.contains(&beginning) {
        return None;
    }
    FORMS.iter().find(|form| form.is(run)).map(|form| form.what)
}

impl Form {
    fn is(&self, run: &[u8]) -> bool {
        let Some(tail) = run.strip_prefix(self.prefix.as_bytes()) else {
            return false;
        };
        (self.least..=self.most).contains(&tail.len())
            && tail.iter().all(|byte| self.tail.has(*byte))
            && self.tail.is_random(tail)
    }
}

impl Tail {
    fn has(self, byte: u8) -> bool {
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

/// All their keys have the company's name in the middle, in Base64.
fn openai(run: &[u8]) -> Option<&'static str> {
    let is = run.starts_with(b"sk-") && run.len() >= 40 && contains(run, b"T3BlbkFJ");
    is.then_some("an OpenAI key")
}

/// A site key as `skep key export` writes it.
fn skep(before: &[u8], run: &[u8]) -> Option<&'static str> {
    let is = run.len() == 64
        && before.ends_with(b"skep-secret-1:")
        && run.iter().all(|byte| Hex.has(*byte));
    is.then_some("a skep site key")
}

/// A bot's number, a colon, and 35 characters.
fn telegram(before: &[u8], run: &[u8]) -> Option<&'static str> {
    if run.len() != 35 || !run.starts_with(b"AA") || run.contains(&b'.') {
        return None;
    }
    let number = before.strip_suffix(b":")?;
    let digits = number.iter().rev().take_while(|b| b.is_ascii_digit());
    (8..=10)
        .contains(&digits.count())
        .then_some("a Telegram bot token")
}

/// Three parts, of which the first is the bot's number in Base64.
fn discord(run: &[u8]) -> Option<&'static str> {
    if !matches!(run.first(), Some(b'M' | b'N' | b'O')) {
        return None;
    }
    let mut parts = run.split(|byte| *byte == b'.');
    let (id, time, mac) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || time.len() != 6 || !(27..=40).contains(&mac.len()) {
        return None;
    }
    let number = BASE64URL_NOPAD.decode(id).ok()?;
    let is = (17..=20).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
    is.then_some("a Discord bot token")
}

/// 32 hexadecimal digits and a data centre.
fn mailchimp(run: &[u8]) -> Option<&'static str> {
    let (key, rest) = run.split_at_checked(32)?;
    let centre = rest.strip_prefix(b"-us")?;
    let is = key.iter().all(|byte| Hex.has(*byte))
        && (1..=2).contains(&centre.len())
        && centre.iter().all(u8::is_ascii_digit);
    is.then_some("a Mailchimp key")
}

/// The last part of a URL at which anyone can post.
fn webhook(before: &[u8], run: &[u8]) -> Option<&'static str> {
    let url = before.strip_suffix(b"/")?;
    let url = &url[url.len().saturating_sub(64)..];
    match run.len() {
        24 if run.iter().all(u8::is_ascii_alphanumeric)
            && contains(url, b"hooks.slack.com/services/") =>
        {
            Some("a Slack webhook")
        }
        60..=80 if contains(url, b"/api/webhooks/") && contains(url, b"discord") => {
            Some("a Discord webhook")
        }
        _ => None,
    }
}

/// Whether this stands for a token in a text about tokens.
fn is_example(run: &[u8]) -> bool {
    if EXAMPLES.iter().any(|example| contains(run, example)) {
        return true;
    }
    let lower = run.to_ascii_lowercase();
    if contains(&lower, b"example") || contains(&lower, b"xxxx") {
        return true;
    }
    // The same signs again and again, or the alphabet.
    let tail = &run[run.len() - run.len().min(SHORTEST)..];
    let mut seen = tail.to_vec();
    seen.sort_unstable();
    seen.dedup();
    let steps = tail
        .windows(2)
        .filter(|two| two[1].wrapping_sub(two[0]) <= 1);
    seen.len() < 6 || steps.count() * 2 > tail.len()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(alphabet: &[u8], length: usize) -> String {
        let mut state: u32 = 7;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(alphabet[(state >> 16) as usize % alphabet.len()])
        };
        (0..length).map(|_| next()).collect()
    }

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

    #[test]
    fn forms_without_a_fixed_beginning_are_told() {
        let word = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let key = |n| random(word, n);
        for (before, run, what) in [
            (
                "bot123456789:",
                format!("AA{}", key(33)),
                "a Telegram bot token",
            ),
            (
                "Bot ",
                format!(
                    "{}.{}.{}",
                    BASE64URL_NOPAD.encode(b"298622483471925249"),
                    key(6),
                    key(27)
                ),
                "a Discord bot token",
            ),
            (
                "skep-secret-1:",
                random(b"0123456789abcdef", 64),
                "a skep site key",
            ),
            (
                "",
                format!("{}-us12", random(b"0123456789abcdef", 32)),
                "a Mailchimp key",
            ),
            (
                "",
                format!("sk-{}T3BlbkFJ{}", key(20), key(20)),
                "an OpenAI key",
            ),
            (
                "https://hooks.slack.com/services/T012AB3C4/B012AB3C4/",
                key(24),
                "a Slack webhook",
            ),
            (
                "https://discord.com/api/webhooks/1234567890123456789/",
                key(68),
                "a Discord webhook",
            ),
        ] {
            assert_eq!(
                token(before.as_bytes(), run.as_bytes()),
                Some(Token::Secret(what)),
                "{run}"
            );
        }
        let google = format!("AIza{}", key(35));
        assert_eq!(
            token(b"key=", google.as_bytes()),
            Some(Token::Public("a Google API key"))
        );
    }

    #[test]
    fn an_escape_and_a_full_stop_do_not_hide_a_token() {
        let secret = format!("ghp_{}7", random(b"abcXYZ0123456789", 35));
        for (before, run) in [
            (&b"\""[..], secret.clone()),
            (b"\\", format!("n{secret}")),
            (b"%", format!("20{secret}")),
            (b" ", format!("{secret}.")),
        ] {
            assert_eq!(
                token(before, run.as_bytes()),
                Some(Token::Secret("a GitHub token")),
                "{run}"
            );
        }
        assert_eq!(token(b"", b"%"), None);
        assert_eq!(token(b"%", b"2"), None);
    }

    #[test]
    fn examples_of_the_makers_documentation_are_no_secrets() {
        for (before, run) in [
            ("", "AKIAIOSFODNN7EXAMPLE"),
            ("", "AKIAI44QH8DHBEXAMPLE"),
            ("", "gho_16C7e42F292c6912E7710c838347Ae178B4a"),
            ("", "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy"),
            (
                "",
                "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
            ),
            ("", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1"),
            ("", "ghp_000000000000000000000000000000000000"),
            ("", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
            ("", "sk_live_1234567890123456789012345678"),
            ("", "sk-ant-api03-your-key-goes-here"),
            (
                "https://hooks.slack.com/services/T00000000/B00000000/",
                "XXXXXXXXXXXXXXXXXXXXXXXX",
            ),
        ] {
            assert_eq!(token(before.as_bytes(), run.as_bytes()), None, "{run}");
        }
    }

    #[test]
    fn ordinary_names_are_no_secrets() {
        for run in [
            "social-network-analysis-of-everything-that-is-long-enough",
            "getting-started-with-bees.html",
            "cionfiguration4of8the2archive1and0more",
            "key-value-stores-compared-in-2026-by-size",
            "npm_package_config_registry_url_of_2026",
            "MT.abcdef.abcdefghijklmnopqrstuvwxyz012",
            "SKEP_HOME_FOLDER_OF_THE_AUTHOR_1",
        ] {
            assert_eq!(token(b" ", run.as_bytes()), None, "{run}");
        }
    }
}
