//! The words of a recovery phrase in a text: 24 words of BIP 39 whose checksum is right, as they are on paper, in a
//! list, in a table, or in the page that was made of it.
//!
//! Other texts pass: in prose, no 24 words in a row are in the list of 2048, and of lists of such words one in 256
//! has the right checksum by chance. Phrases of 12 words, which skep does not make, have a checksum of 4 bits, which
//! is too little to tell them from a list.

use std::borrow::Cow;

use bip39::Language;
use memchr::{memchr, memchr3, memmem};
use ring::digest;

use crate::keys::phrase::WORDS;

/// The shortest text of so many words: of three letters each, with something between them.
const SHORTEST: usize = WORDS * 4 - 1;
/// In a longer run of such words any 24 may have the right checksum by chance: it is a list.
const LONGEST: usize = 512;

/// The place in `text` where a phrase begins, if there is one, and the text without its markup, of which it is the
/// place.
pub(super) fn find(text: &[u8]) -> Option<(usize, Cow<'_, [u8]>)> {
    // Images and archives hold no words, and are long.
    if memchr(0, &text[..text.len().min(1024)]).is_some() {
        return None;
    }
    let plain = without_markup(text);
    let at = find_plain(&plain)?;
    Some((at, plain))
}

/// A word of the list.
#[derive(Clone, Copy)]
struct Word {
    index: u16,
    /// The number before it.
    number: Option<u32>,
    at: usize,
}

fn find_plain(text: &[u8]) -> Option<usize> {
    let mut start = 0;
    // A word that is not in the list, looked for where the shortest phrase would end, ends all that begin before it.
    while text.len() - start >= SHORTEST {
        let probe = start + SHORTEST - 1;
        if let Some(end) = breaks_at(text, start, probe) {
            start = end;
            continue;
        }
        let (run, end) = run(text, start);
        if let Some(found) = phrase_in(&run) {
            return Some(found);
        }
        start = end;
    }
    None
}

/// The end of the word at `at`, if it is one that no phrase has.
fn breaks_at(text: &[u8], start: usize, at: usize) -> Option<usize> {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic();
    let before = text[start..at].iter().rev().take_while(|b| is_letter(b));
    let begin = at - before.count();
    let length = text[begin..].iter().take_while(|b| is_letter(b)).count();
    let word = &text[begin..begin + length];
    // Another letter of the word, an escape, or nothing at all: that takes a closer look.
    let is_whole = begin > start && text[begin - 1].is_ascii() && text[begin - 1] != b'\\';
    let is_break = is_whole && word.len() > 2 && !is_label(word) && index_of(word).is_none();
    is_break.then_some(begin + length)
}

/// The words of the list that follow one another from `start` on, and where another word ends them.
fn run(text: &[u8], start: usize) -> (Vec<Word>, usize) {
    let mut run = Vec::new();
    let mut number = None;
    let mut at = start;
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        if byte.is_ascii_digit() {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let value = std::str::from_utf8(&rest[..digits.min(4)]).ok();
            number = value.and_then(|digits| digits.parse().ok());
            at += digits;
        } else if byte == b'\\' {
            // An escape, as in JSON.
            at += 2;
        } else if byte.is_ascii_alphabetic() {
            let length = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
            let word = &rest[..length];
            match index_of(word) {
                Some(index) => run.push(Word {
                    index,
                    number: number.take(),
                    at,
                }),
                None if length <= 2 || is_label(word) => {}
                None => return (run, at + length),
            }
            at += length;
        } else if byte.is_ascii() {
            at += 1;
        } else {
            let length = char_length(byte).min(rest.len());
            let c = std::str::from_utf8(&rest[..length]).ok();
            if c.is_some_and(|c| c.chars().any(char::is_alphabetic)) {
                return (run, at + length);
            }
            at += length;
        }
    }
    (run, text.len())
}

fn char_length(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0.. => 4,
        _ => 1,
    }
}

/// What people write before each word of a list.
fn is_label(word: &[u8]) -> bool {
    const LABELS: [&[u8]; 6] = [b"word", b"wort", b"mot", b"palabra", b"parola", b"num"];
    LABELS.iter().any(|label| word.eq_ignore_ascii_case(label))
}

fn index_of(word: &[u8]) -> Option<u16> {
    // The words of the list have three to eight letters.
    let mut lower = [0; 8];
    let lower = lower.get_mut(..word.len()).filter(|word| word.len() >= 3)?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    Language::English.find_word(std::str::from_utf8(lower).ok()?)
}

/// Where a phrase begins among these words.
fn phrase_in(run: &[Word]) -> Option<usize> {
    // `word` is one of the list too: where it is before each of the others it is a label.
    let label = index_of(b"word");
    let others = run.iter().copied().filter(|word| Some(word.index) != label);
    let others: Vec<Word> = others.collect();
    let found = match run.len() - others.len() > WORDS / 3 {
        true => first_phrase(&others),
        false => None,
    };
    found.or_else(|| first_phrase(run))
}

fn first_phrase(words: &[Word]) -> Option<usize> {
    let is_list = words.len() > LONGEST;
    let mut windows = words.windows(WORDS).enumerate();
    let found = windows.find(|(n, window)| {
        let may_begin = !is_list || *n == 0 || window[0].number == Some(1);
        may_begin && is_phrase(window)
    });
    found.map(|(_, window)| window.iter().map(|word| word.at).min().unwrap_or(0))
}

/// Whether these words are a phrase, in this order or that of their numbers.
fn is_phrase(words: &[Word]) -> bool {
    let indices: Vec<u16> = words.iter().map(|word| word.index).collect();
    // In the order of the alphabet they are a part of the list itself.
    if !indices.is_sorted() && is_valid(&indices) {
        return true;
    }
    let mut numbered: Vec<(u32, u16)> = Vec::with_capacity(WORDS);
    numbered.extend(
        words
            .iter()
            .filter_map(|word| Some((word.number?, word.index))),
    );
    let is_in_order = numbered.is_sorted_by_key(|(number, _)| *number);
    numbered.sort_unstable();
    let counts = numbered.iter().map(|(number, _)| *number);
    let is_whole = counts.eq(1..=WORDS as u32);
    let by_number: Vec<u16> = numbered.iter().map(|(_, index)| *index).collect();
    is_whole && !is_in_order && !by_number.is_sorted() && is_valid(&by_number)
}

/// Whether the last 8 of the 264 bits are the checksum of the others (BIP 39).
fn is_valid(indices: &[u16]) -> bool {
    let mut bytes = [0u8; 33];
    for (n, index) in indices.iter().enumerate() {
        for bit in 0..11 {
            if index >> (10 - bit) & 1 == 1 {
                let at = n * 11 + bit;
                bytes[at / 8] |= 0x80 >> (at % 8);
            }
        }
    }
    let hash = digest::digest(&digest::SHA256, &bytes[..32]);
    hash.as_ref().first() == Some(&bytes[32])
}

/// The longest tag that is taken for one.
const TAG: usize = 2048;

/// `text` with a space in the place of each tag and character reference, also of those in a feed or in JSON. Line
/// breaks stay.
fn without_markup(text: &[u8]) -> Cow<'_, [u8]> {
    let is_escaped = memmem::find(text, b"\\u003c").is_some();
    if memchr(b'<', text).is_none() && memchr(b'&', text).is_none() && !is_escaped {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr3(b'<', b'&', b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let length = markup(rest);
        match length {
            0 => {
                out.push(rest[0]);
                rest = &rest[1..];
            }
            _ => {
                out.push(b' ');
                out.extend(rest[..length].iter().filter(|byte| **byte == b'\n'));
                rest = &rest[length..];
            }
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// How long the tag or reference is with which a text begins; 0 if there is none.
fn markup(text: &[u8]) -> usize {
    for (open, close) in [
        (&b"<"[..], &b">"[..]),
        (b"&lt;", b"&gt;"),
        (b"\\u003c", b"\\u003e"),
    ] {
        let Some(inner) = text.strip_prefix(open) else {
            continue;
        };
        let is_tag = inner
            .first()
            .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!'));
        let end = memmem::find(&inner[..inner.len().min(TAG)], close);
        return match (is_tag, end) {
            (true, Some(end)) => open.len() + end + close.len(),
            _ if open.len() > 1 => open.len(),
            _ => 0,
        };
    }
    if text.first() != Some(&b'&') {
        return 0;
    }
    let end = memchr(b';', &text[..text.len().min(12)]);
    end.map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use bip39::Mnemonic;

    use super::*;

    fn words(seed: u8) -> Vec<&'static str> {
        let entropy: Vec<u8> = (0..32u8)
            .map(|n| seed.wrapping_mul(7).wrapping_add(n.wrapping_mul(37)))
            .collect();
        Mnemonic::from_entropy(&entropy).unwrap().words().collect()
    }

    fn is_found(text: &str) -> bool {
        find(text.as_bytes()).is_some()
    }

    #[test]
    fn a_phrase_is_found_in_every_form_that_people_write_it_in() {
        for seed in 0..40 {
            let words = words(seed);
            let each = |form: &dyn Fn(usize, &str) -> String| {
                let each = words.iter().enumerate();
                each.map(|(n, word)| form(n + 1, word)).collect::<String>()
            };
            // Numbered down the columns, read along the rows.
            let columns: String = (0..12)
                .map(|row| {
                    let (one, two) = (row + 1, row + 13);
                    format!("| {one} | {} | {two} | {} |\n", words[row], words[row + 12])
                })
                .collect();
            for text in [
                words.join(" "),
                words.join(", "),
                words.join("\n"),
                words.join("\r\n"),
                words.join(" ").to_uppercase(),
                words.join("\\n"),
                format!("{words:?}"),
                each(&|n, word| format!("{n}. {word}\n")),
                each(&|n, word| format!("{n:>4} {word:<10}")),
                each(&|n, word| format!("{n}) {word}; ")),
                each(&|n, word| format!("{n}{word}\n")),
                each(&|_, word| format!("- **{word}**\n")),
                each(&|n, word| format!("Word {n}: {word}\n")),
                each(&|n, word| format!("Wort {n} = `{word}`\n")),
                each(&|n, word| format!("| {n} | {word} |\n")),
                each(&|_, word| format!("<li>{word}</li>\n")),
                each(&|n, word| format!("<tr><td class=\"number\">{n}</td><td>{word}</td></tr>")),
                each(&|_, word| format!("&lt;li&gt;{word}&lt;/li&gt;")),
                each(&|_, word| format!("\\u003cli\\u003e{word}\\u003c/li\\u003e")),
                each(&|_, word| format!("{word}&nbsp;")),
                each(&|_, word| format!("{word}\u{a0}– ")),
                columns,
            ] {
                assert!(is_found(&text), "{text}");
                let among = format!(
                    "Write these down, and keep them where nobody looks:\n\n{text}\n\nThe rest of a page follows, \
                     with enough of prose in it for a probe or two to land on something else."
                );
                assert!(is_found(&among), "{among}");
                let begin = find(among.as_bytes()).unwrap();
                let lines = begin.1[..begin.0]
                    .iter()
                    .filter(|byte| **byte == b'\n')
                    .count();
                assert_eq!(lines, 2, "{among}");
            }
        }
    }

    #[test]
    fn other_words_are_no_phrase() {
        let list = Language::English.word_list();
        let mut wrong = words(1);
        wrong.swap(3, 4);
        for text in [
            list.join("\n"),
            list.join(" "),
            list[..100].join(", "),
            wrong.join(" "),
            words(1)[..23].join(" "),
            format!("{} bicycles {}", words(1)[..12].join(" "), words(1)[12..].join(" ")),
            format!("{} пчела {}", words(1)[..12].join(" "), words(1)[12..].join(" ")),
            "You will find that this is the only thing that can still happen when all other work is done. "
                .repeat(100),
            "a ".repeat(1000),
            "<".repeat(1000),
            "& &lt; &amp".repeat(50),
        ] {
            assert!(!is_found(&text), "{text}");
        }
    }

    #[test]
    fn any_bytes_are_looked_through() {
        let mut bytes = Vec::new();
        for n in 0..5000u32 {
            bytes.push((n.wrapping_mul(2_654_435_761) >> 13) as u8);
            find(&bytes[bytes.len().saturating_sub(300)..]);
        }
    }
}
