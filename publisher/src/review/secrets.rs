//! Private keys and access tokens in text, by the forms that their makers document.

/// Something that looks like a secret. What it is, never the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret {
    /// What it looks like.
    pub(super) what: &'static str,
}

/// A token: a fixed beginning, and then at least so many characters of its alphabet.
struct Token {
    what: &'static str,
    prefix: &'static str,
    least: usize,
}

const TOKENS: &[Token] = &[
    token("an AWS access key", "AKIA", 16),
    token("an AWS access key", "ASIA", 16),
    token("a GitHub token", "ghp_", 36),
    token("a GitHub token", "gho_", 36),
    token("a GitHub token", "ghs_", 36),
    token("a GitHub token", "ghu_", 36),
    token("a GitHub token", "github_pat_", 22),
    token("a GitLab token", "glpat-", 20),
    token("a Slack token", "xoxb-", 20),
    token("a Slack token", "xoxp-", 20),
    token("a Slack token", "xoxa-", 20),
    token("a Stripe key", "sk_live_", 16),
    token("a Stripe key", "rk_live_", 16),
    token("a Google API key", "AIza", 35),
    token("an Anthropic key", "sk-ant-", 24),
    token("an OpenAI key", "sk-proj-", 24),
    token("an npm token", "npm_", 36),
    token("a PyPI token", "pypi-AgEI", 40),
    token("a crates.io token", "cio", 32),
    token("a SendGrid key", "SG.", 40),
    token("an age secret key", "AGE-SECRET-KEY-1", 50),
    token("a skep site key", "skep-secret-1:", 64),
];

const fn token(what: &'static str, prefix: &'static str, least: usize) -> Token {
    Token {
        what,
        prefix,
        least,
    }
}

/// The first secret in a line.
pub(super) fn find(line: &str) -> Option<Secret> {
    if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") {
        return Some(Secret {
            what: "a private key",
        });
    }
    let found = TOKENS.iter().find(|token| token.is_in(line));
    found.map(|token| Secret { what: token.what })
}

impl Token {
    fn is_in(&self, line: &str) -> bool {
        line.match_indices(self.prefix).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let tail = &line[at + self.prefix.len()..];
            let length = tail.chars().take_while(|c| is_token_char(*c)).count();
            length >= self.least && !before.is_some_and(is_token_char)
        })
    }
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen_in_the_middle_of_markup() {
        let a40 = "a1B2c3D4e5".repeat(4);
        for (line, what) in [
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
                "a private key",
            ),
            (
                "<p>AKIAIOSFODNN7EXAMPLE</p>".to_owned(),
                "an AWS access key",
            ),
            (format!("token = \"ghp_{a40}\""), "a GitHub token"),
            (
                format!("skep-secret-1:{}", "0f".repeat(32)),
                "a skep site key",
            ),
        ] {
            assert_eq!(find(&line), Some(Secret { what }), "{line}");
        }
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for line in [
            "-----BEGIN PUBLIC KEY-----",
            "the prefix ghp_ marks a token",
            "class=\"npm_package\"",
            "social-network-analysis-of-everything-that-is-long-enough",
            "MAKIAIOSFODNN7EXAMPLES",
            "cio",
        ] {
            assert_eq!(find(line), None, "{line}");
        }
    }
}
