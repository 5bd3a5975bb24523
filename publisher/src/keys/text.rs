//! The text of a key file, also if an editor or a mail program has touched it.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::KeyText;

/// The text in `bytes`: UTF-8 or UTF-16, without a byte order mark. `None` if it is no text.
pub fn decode(bytes: &[u8]) -> Option<KeyText> {
    if let Some(utf8) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return decode(utf8);
    }
    if let Some(units) = utf16(bytes) {
        return Some(Zeroizing::new(String::from_utf16(&units).ok()?));
    }
    if bytes.contains(&0) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    Some(Zeroizing::new(text.to_owned()))
}

/// The same, or else the text in Latin-1: an old mail program makes it of hard spaces.
fn decode_any(bytes: &[u8]) -> Option<KeyText> {
    let latin = || bytes.iter().map(|&byte| char::from(byte)).collect();
    decode(bytes).or_else(|| (!bytes.contains(&0)).then(|| Zeroizing::new(latin())))
}

/// The code units of a text in UTF-16, with or without a byte order mark. Windows writes such files.
fn utf16(bytes: &[u8]) -> Option<Zeroizing<Vec<u16>>> {
    let half_is_zero = |from: usize| {
        let half = bytes.iter().skip(from).step_by(2);
        !bytes.is_empty()
            && half.clone().filter(|byte| **byte == 0).count() * 10 >= half.count() * 9
    };
    let (big, body) = match bytes {
        [0xff, 0xfe, rest @ ..] => (false, rest),
        [0xfe, 0xff, rest @ ..] => (true, rest),
        _ if half_is_zero(1) => (false, bytes),
        _ if half_is_zero(0) => (true, bytes),
        _ => return None,
    };
    let units = body.chunks_exact(2).map(|pair| match big {
        true => u16::from_be_bytes([pair[0], pair[1]]),
        false => u16::from_le_bytes([pair[0], pair[1]]),
    });
    Some(Zeroizing::new(units.collect()))
}

/// What a file with a key may say, the likeliest reading first: as it is, and as mail in quoted-printable.
pub(super) fn readings(bytes: &[u8]) -> impl Iterator<Item = KeyText> {
    let plain = decode_any(bytes);
    let as_mail = plain.as_deref().and_then(|text| printable(text.as_bytes()));
    let decoded = as_mail.and_then(|bytes| decode_any(&bytes));
    plain.into_iter().chain(decoded).map(|text| mended(&text))
}

/// `text` in compatibility form, without marks of quotation, invisible characters and odd spaces.
fn mended(text: &str) -> KeyText {
    let is_invisible = |c: &char| {
        matches!(
            c,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
    };
    let mut out = Zeroizing::new(String::with_capacity(2 * text.len() + 4));
    let ends = ['\r', '\n', '\u{85}', '\u{2028}', '\u{2029}'];
    for line in text.split(ends) {
        let line = line.trim_start_matches(|c: char| c == '>' || c.is_whitespace());
        out.extend(line.nfkc().filter(|c| !is_invisible(c)));
        out.push('\n');
    }
    out
}

/// `bytes` as quoted-printable (RFC 2045, section 6.7), if they have anything of it.
fn printable(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut found = false;
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'=' {
            out.push(*first);
            continue;
        }
        // At the end of a line it takes the line break with it.
        let blanks = after
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'));
        let blanks = blanks.count();
        if after.get(blanks) == Some(&b'\n') {
            rest = &after[blanks + 1..];
            // In a quoted mail the next line has a mark of its own.
            let marks = rest.iter().take_while(|b| matches!(b, b'>' | b' ')).count();
            rest = &rest[marks..];
            found = true;
        } else if let [high, low, after @ ..] = after
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push((high * 16 + low) as u8);
            rest = after;
            found = true;
        } else {
            out.push(b'=');
        }
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::super::{PREFIX, phrase, read, sealed, secret_hex};
    use super::*;

    /// What editors and mail programs make of a text.
    fn touched(text: &str) -> Vec<(&'static str, Vec<u8>)> {
        let le = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let lines = |of: &dyn Fn(&str) -> String| -> Vec<u8> {
            let lines: Vec<_> = text.lines().map(of).collect();
            lines.join("\n").into_bytes()
        };
        let latin: Vec<u8> = text
            .bytes()
            .flat_map(|byte| match byte {
                b' ' => vec![0xa0],
                byte => vec![byte],
            })
            .collect();
        vec![
            ("a byte order mark", format!("\u{feff}{text}").into_bytes()),
            ("CRLF", text.replace('\n', "\r\n").into_bytes()),
            ("CR", text.replace('\n', "\r").into_bytes()),
            ("blanks", lines(&|line| format!("  {line} \t"))),
            (
                "blank lines before",
                format!("\n \r\n\n{text}").into_bytes(),
            ),
            ("quoted", lines(&|line| format!("> > {line}"))),
            ("quoted tightly", lines(&|line| format!(">>{line}"))),
            (
                "a quoted BOM",
                format!("> \u{feff}{}", text.replace('\n', "\n> ")).into_bytes(),
            ),
            ("UTF-16", [vec![0xff, 0xfe], le(text)].concat()),
            (
                "UTF-16, the other way",
                [vec![0xfe, 0xff], be(text)].concat(),
            ),
            ("UTF-16 without a mark", le(text)),
            ("hard spaces", text.replace(' ', "\u{a0}").into_bytes()),
            ("hard spaces in Latin-1", latin),
            (
                "zero-width",
                lines(&|line| format!("\u{200b}{line}\u{200b}")),
            ),
            ("quoted-printable", quoted_printable(text).into_bytes()),
            (
                "quoted-printable, CRLF",
                quoted_printable(text).replace('\n', "\r\n").into_bytes(),
            ),
            (
                "mail around it",
                format!("Hello,\n\nhere it is:\n\n{text}\n-- \nSent by me\n").into_bytes(),
            ),
        ]
    }

    /// Broken after 40 columns, wherever that is.
    fn quoted_printable(text: &str) -> String {
        let mut out = String::new();
        for line in text.lines() {
            let escaped = line.replace('=', "=3D");
            let mut column = 0;
            let mut rest = &*escaped;
            while let Some(c) = rest.chars().next() {
                // An escape stays whole.
                let length = if c == '=' { 3 } else { c.len_utf8() };
                if column + length > 40 {
                    out.push_str("=\n");
                    column = 0;
                }
                out.push_str(&rest[..length]);
                column += length;
                rest = &rest[length..];
            }
            out.push('\n');
        }
        out
    }

    #[test]
    fn a_plain_key_is_read_whatever_an_editor_or_a_mail_program_did() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let text = format!(
            "# A skep site key.\n# of skep://x\n{PREFIX}{}\n",
            &*secret_hex(&key)
        );
        for (what, bytes) in touched(&text) {
            assert_eq!(read(&bytes).ok().as_ref(), Some(&key), "{what}");
        }
        let capital = text.replace(&*secret_hex(&key), &secret_hex(&key).to_uppercase());
        assert_eq!(read(capital.as_bytes()).unwrap(), key);
        let wrapped = text.replace(":0909090909", ":0909090909\n");
        assert_eq!(read(wrapped.as_bytes()).unwrap(), key);
        for short in [
            &text[..text.len() - 3],
            &text.replace("09\n", "09 1\n"),
            "\u{feff}",
            "",
        ] {
            assert!(read(short.as_bytes()).is_err(), "{short}");
        }
    }

    #[test]
    fn a_locked_key_is_read_whatever_an_editor_or_a_mail_program_did() {
        let passphrase =
            sealed::Passphrase::new(Zeroizing::new("correct horse".to_owned())).unwrap();
        for content in ["s", "se", "sec"] {
            let text = Zeroizing::new(content.to_owned());
            let sealed = sealed::seal(&text, &passphrase, 2).unwrap();
            for (what, bytes) in touched(&sealed) {
                assert!(sealed::is_sealed(&bytes), "{what}");
                let opened = sealed::open(&bytes, &passphrase);
                assert_eq!(opened.ok(), Some(text.clone()), "{what}");
            }
        }
    }

    #[test]
    fn a_phrase_is_read_whatever_an_editor_or_a_mail_program_did() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let phrase = phrase::Phrase::of(&key).unwrap();
        let words: Vec<_> = phrase.words().collect();
        let numbered =
            |word: (usize, &&str)| format!("{:>2}. {}", word.0 + 1, word.1.to_uppercase());
        let list: Vec<_> = words.iter().enumerate().map(numbered).collect();
        let in_rows: Vec<_> = words.chunks(4).map(|row| row.join(" ")).collect();
        for text in [
            words.join(" "),
            list.join("\n"),
            in_rows.join("\n"),
            words.join(", "),
        ] {
            for (what, bytes) in touched(&format!("# The words\n{text}\n")) {
                if what == "mail around it" {
                    continue;
                }
                assert_eq!(
                    phrase::read(&bytes).ok().as_ref(),
                    Some(&key),
                    "{what}: {text}"
                );
            }
        }
        // A ligature, as from a PDF.
        let ligature = words.join(" ").replace("fi", "\u{fb01}");
        assert_eq!(phrase::read(ligature.as_bytes()).unwrap(), key);
    }

    #[test]
    fn what_is_no_text_is_told() {
        assert!(decode(b"\x00\x01\x02\x03abcdefgh").is_none());
        assert_eq!(&**decode(b"").unwrap(), "");
        assert!(decode(b"caf\xe9").is_none());
        assert_eq!(&**decode_any(b"caf\xe9").unwrap(), "caf\u{e9}");
    }
}
