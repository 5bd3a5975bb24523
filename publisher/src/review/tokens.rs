//! The access tokens of the common services, by the forms that their makers document.
//!
//! A token is told by its form alone, so that a form has to be one that nothing else has: better to miss a
//! token than to teach people to pass over a warning.

use data_encoding::BASE64URL_NOPAD;

use super::forms::{GOOGLE, Tail::Hex, form_of};

/// Whether a byte can be part of a token.
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// No token is shorter.
pub(super) const SHORTEST: usize = 20;

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
    use crate::review::forms::random;

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
