//! How many words a text has.

/// The words of `text`: what white space parts, if there is a letter or digit in it. In scripts
/// that write no spaces (Chinese, Japanese) each character counts, as word processors do.
pub(super) fn count(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut words = 0;
    // 1 once the word that is being read has been counted. Without a branch a byte, this costs a
    // fifth: no processor guesses where words end.
    let mut counted = 0;
    let mut at = 0;
    while at < bytes.len() {
        let class = CLASSES[usize::from(bytes[at])];
        if class == LONG {
            let Some(c) = text[at..].chars().next() else {
                break;
            };
            at += c.len_utf8();
            // Dashes, quotes and dots are most of what is not ASCII in many languages.
            if matches!(c, '\u{2010}'..='\u{2027}') {
                continue;
            }
            if c.is_whitespace() {
                counted = 0;
            } else if is_word_of_its_own(c) {
                words += 1;
                counted = 0;
            } else if c.is_alphanumeric() {
                words += usize::from(1 - counted);
                counted = 1;
            }
            continue;
        }
        words += usize::from(class & WORD & !counted);
        counted = (counted | class & WORD) & !(class >> 1);
        at += 1;
    }
    words
}

/// Ideographs and kana. Hangul is written with spaces.
fn is_word_of_its_own(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

const OTHER: u8 = 0;
/// A letter or digit.
const WORD: u8 = 1;
const SPACE: u8 = 2;
/// The start of a character that is not ASCII.
const LONG: u8 = 4;

static CLASSES: [u8; 256] = {
    let mut classes = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => WORD,
            b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' => SPACE,
            0x80.. => LONG,
            _ => OTHER,
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
