//! Private keys and access tokens in the bytes of a file.

use memchr::memmem;

use super::tokens::{SHORTEST, Token, is_token_byte, token};

/// Calls `found` with each thing that looks like a secret and the place where it begins; ends when `found`
/// says false.
pub(super) fn find(bytes: &[u8], mut found: impl FnMut(usize, Token) -> bool) {
    for at in memmem::find_iter(bytes, b"-----BEGIN ") {
        let what = match &bytes[at..] {
            key if is_private_key(key) => "a private key",
            file if is_armored(file) => LOCKED,
            _ => continue,
        };
        if !found(at, Token::Secret(what)) {
            return;
        }
    }
    for at in memmem::find_iter(bytes, AGE_HEADER) {
        if is_age_file(&bytes[at..]) && !found(at, Token::Secret(LOCKED)) {
            return;
        }
    }
    // A run of token bytes between others can be a token if it is long enough. So look at the end of the
    // shortest run that may begin here, and back from there: in prose a space soon ends that, and all
    // before the space is done with.
    let mut start = 0;
    while let Some(least) = bytes.get(start..start + SHORTEST) {
        if let Some(gap) = least
            .iter()
            .rposition(|byte| !TOKEN_BYTES[usize::from(*byte)])
        {
            start += gap + 1;
            continue;
        }
        let rest = &bytes[start + SHORTEST..];
        let more = rest
            .iter()
            .position(|byte| !TOKEN_BYTES[usize::from(*byte)])
            .unwrap_or(rest.len());
        let end = start + SHORTEST + more;
        if let Some(token) = token(&bytes[..start], &bytes[start..end])
            && !found(start, token)
        {
            return;
        }
        start = end + 1;
    }
}

/// [`is_token_byte`] as a table.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_token_byte(byte as u8);
        byte += 1;
    }
    table
};

/// What a locked key is: whoever has it can try passphrases for ever.
const LOCKED: &str = "a file locked with age, as a backup of a key is";

/// How a file of age begins, and the same in Base64.
const AGE_HEADER: &[u8] = b"age-encryption.org/v1\n-> ";
const AGE_IN_BASE64: &[u8] = b"YWdlLWVuY3J5cHRpb24ub3JnL3Yx";

/// Whether a file of age follows the first line of its armor: a text about it shows that line alone.
fn is_armored(bytes: &[u8]) -> bool {
    let body = bytes.strip_prefix(b"-----BEGIN AGE ENCRYPTED FILE-----");
    body.is_some_and(|body| memmem::find(&body[..body.len().min(100)], AGE_IN_BASE64).is_some())
}

/// Whether a header of age is that of a file: its content follows, which is no text.
fn is_age_file(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(16 << 10)];
    let Some(mac) = memmem::find(bytes, b"\n--- ") else {
        return false;
    };
    let content = &bytes[mac + 1..];
    let end = content.iter().position(|byte| *byte == b'\n');
    let content = end.map_or(&[][..], |end| &content[end + 1..]);
    let content = &content[..content.len().min(48)];
    content.len() >= 32 && content.iter().any(|b| *b < b'\t' || *b >= 0x80)
}

/// Whether the key follows its first line: a text about keys shows that line alone.
fn is_private_key(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(1024)];
    let Some(title) = bytes.strip_prefix(b"-----BEGIN ") else {
        return false;
    };
    let Some(end) = memmem::find(title, b"-----") else {
        return false;
    };
    let (title, body) = title.split_at(end);
    if end > 40 || memmem::find(title, b"PRIVATE KEY").is_none() {
        return false;
    }
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    body.split(|byte| !base64(byte))
        .any(|line| line.len() >= 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<(usize, Token)> {
        let mut all = Vec::new();
        find(bytes, |at, token| {
            all.push((at, token));
            true
        });
        all
    }

    const GITHUB: &str = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
    const FOUND: Token = Token::Secret("a GitHub token");

    #[test]
    fn a_token_is_found_wherever_it_lies() {
        for pad in 0..100 {
            for (before, after) in [
                (" ", "\""),
                ("/", ""),
                (">", "</p>"),
                ("é", "é"),
                ("\n", "\n"),
            ] {
                let text = format!("{}{before}{GITHUB}{after}", "x".repeat(pad));
                let at = pad + before.len();
                assert_eq!(all(text.as_bytes()), [(at, FOUND)], "{text}");
            }
        }
        assert_eq!(all(GITHUB.as_bytes()), [(0, FOUND)]);
        assert_eq!(
            all(format!("x{GITHUB}").as_bytes()),
            [],
            "a part of something else"
        );
        assert_eq!(all(&GITHUB.as_bytes()[..39]), [], "cut off");
        assert_eq!(all(b""), []);
    }

    #[test]
    fn bytes_that_are_no_text_hide_nothing() {
        let mut bytes = vec![0xff; 4096];
        bytes.extend_from_slice(GITHUB.as_bytes());
        bytes.push(0);
        assert_eq!(all(&bytes), [(4096, FOUND)]);
    }

    #[test]
    fn whoever_has_enough_is_asked_no_more() {
        let text = format!("{GITHUB} {GITHUB} {GITHUB}");
        let mut count = 0;
        find(text.as_bytes(), |_, _| {
            count += 1;
            count < 2
        });
        assert_eq!(count, 2);
    }

    #[test]
    fn a_private_key_is_its_lines_and_not_its_title() {
        let line = "MHcCAQEEIIGLU1bT7xQ0gqvSx0r1yFzNn0b3pO8Wq3d2K9mJr4vZoAoGCCqGSM49";
        let key = |text: String| !all(text.as_bytes()).is_empty();
        for kind in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
            assert!(
                key(format!("x\n-----BEGIN {kind}PRIVATE KEY-----\n{line}\n")),
                "{kind}"
            );
        }
        assert!(key(format!(
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: x\n\n{line}\n"
        )));
        assert!(key(format!("\"-----BEGIN PRIVATE KEY-----\\n{line}\\n\"")));
        assert!(!key(format!("-----BEGIN PUBLIC KEY-----\n{line}\n")));
        assert!(!key(format!("-----BEGIN CERTIFICATE-----\n{line}\n")));
        assert!(!key(
            "a line like <code>-----BEGIN PRIVATE KEY-----</code> begins it".into()
        ));
    }

    #[test]
    fn a_backup_of_a_key_is_found_and_a_text_about_such_files_is_not() {
        use crate::keys::sealed::{Passphrase, seal};
        let secret = |bytes: &[u8]| {
            all(bytes)
                .iter()
                .any(|found| found.1 == Token::Secret(LOCKED))
        };
        let passphrase = Passphrase::new("correct horse battery".to_owned().into()).unwrap();
        let armored = seal(&"secret".to_owned().into(), &passphrase, 2).unwrap();
        let lines: Vec<_> = armored.lines().collect();
        let base64 = lines[1..lines.len() - 1].concat();
        let bare = data_encoding::BASE64.decode(base64.as_bytes()).unwrap();
        for file in [
            armored.clone().into_bytes(),
            armored.replace('\n', "\r\n").into_bytes(),
            lines.join("\n> ").into_bytes(),
            format!("<pre>{armored}</pre>").into_bytes(),
            bare.clone(),
            [&[0; 512][..], &bare[..]].concat(),
        ] {
            assert!(secret(&file), "{}", String::from_utf8_lossy(&file));
        }
        let header = &bare[..bare.len() - 38];
        for text in [
            "a line like -----BEGIN AGE ENCRYPTED FILE----- begins it, and base64 follows".as_bytes(),
            b"age-encryption.org/v1\n-> scrypt <salt> 18\n<body>\n--- <mac>\nThe rest is what was locked, in chunks.",
            header,
        ] {
            assert!(!secret(text), "{}", String::from_utf8_lossy(text));
        }
    }
}
