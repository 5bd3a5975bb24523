//! How many words a text has.

/// The words of `text`: what white space parts, if there is a letter or digit in it. In scripts
/// that write no spaces (Chinese, Japanese) each character counts, as word processors do.
pub(super) fn count(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut words = 0;
    let mut counted = false;
    for (at, byte) in bytes.iter().enumerate() {
        match CLASSES[usize::from(*byte)] {
            Class::Other => {}
            Class::Space => counted = false,
            Class::Word => {
                words += usize::from(!counted);
                counted = true;
            }
            Class::Long => return words + count_chars(&text[at..], counted),
        }
    }
    words
}

fn count_chars(text: &str, mut counted: bool) -> usize {
    let mut words = 0;
    for c in text.chars() {
        if c.is_whitespace() {
            counted = false;
        } else if is_word_of_its_own(c) {
            words += 1;
            counted = false;
        } else if !counted && c.is_alphanumeric() {
            words += 1;
            counted = true;
        }
    }
    words
}

/// Ideographs and kana. Hangul is written with spaces.
fn is_word_of_its_own(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[derive(Clone, Copy)]
enum Class {
    Other,
    Space,
    Word,
    /// The start of a character that is not ASCII.
    Long,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Class::Word,
            b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' => Class::Space,
            0x80.. => Class::Long,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_what_has_a_letter_or_digit() {
        for (text, words) in [
            ("", 0),
            ("One two, -- *3*.", 3),
            ("— „Größe“ ist\u{a0}da\u{3000}!", 3),
            ("日本語 and カナ", 6),
            ("한국어 문장", 2),
        ] {
            assert_eq!(count(text), words, "{text}");
        }
    }

    proptest! {
        #[test]
        fn counts_as_the_plain_definition_does(text in "[ -~\\sé—ß]*") {
            let plain = text
                .split_whitespace()
                .filter(|word| word.contains(char::is_alphanumeric))
                .count();
            prop_assert_eq!(count(&text), plain);
        }
    }
}
