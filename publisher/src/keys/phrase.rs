//! A key on paper: the 24 words of BIP 39 that stand for its 32 bytes, the last with a checksum of 8 bits.

use bip39::{Language, Mnemonic};
use ed25519_dalek::SigningKey;
use strsim::damerau_levenshtein;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result, printable};

/// So many words are a key.
pub const WORDS: usize = 24;

/// The words that stand for a key, wiped from memory when they are dropped.
pub struct Phrase(Mnemonic);

impl Phrase {
    /// The words for `key`.
    ///
    /// # Errors
    ///
    /// None for a key of 32 bytes.
    pub fn of(key: &SigningKey) -> Result<Self> {
        let words = Mnemonic::from_entropy(key.as_bytes());
        Ok(Self(
            words.map_err(|e| Error::new(Kind::Damaged, e.to_string()))?,
        ))
    }

    /// The words, in order.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.0.words()
    }
}

/// The words in what a person typed or a file holds. Case, spaces, line breaks, numbers and punctuation
/// do not matter, and a line that begins with `#` is none of it.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let parts = lines.flat_map(|line| line.split(|c: char| !c.is_alphabetic()));
    parts.filter(|word| !word.is_empty())
}

/// The key that the words in a file stand for, whatever an editor or a mail program has done to it since.
///
/// # Errors
///
/// As [`parse`].
pub fn read(file: &[u8]) -> Result<SigningKey> {
    let mut first = None;
    for text in super::text::readings(file) {
        match parse(&text) {
            Ok(key) => return Ok(key),
            Err(e) => first = first.or(Some(e)),
        }
    }
    Err(first.unwrap_or_else(|| Error::new(Kind::Usage, "this is not text")))
}

/// The key that the words in `text` stand for.
///
/// # Errors
///
/// If a word is not in the list, their number is wrong, or the checksum is.
pub fn parse(text: &str) -> Result<SigningKey> {
    let mut phrase = Zeroizing::new(String::with_capacity(text.len()));
    let mut unknown = Vec::new();
    let mut count = 0;
    for word in words(text) {
        count += 1;
        let start = phrase.len();
        phrase.push_str(word);
        phrase[start..].make_ascii_lowercase();
        if Language::English.find_word(&phrase[start..]).is_none() {
            unknown.push((count, word));
        }
        phrase.push(' ');
    }
    if !unknown.is_empty() {
        return Err(unknown_words(&unknown, count));
    }
    if count != WORDS {
        return Err(Error::new(Kind::Usage, wrong_count(count)).hint(COMPARE));
    }
    let phrase = Mnemonic::parse_in_normalized(Language::English, &phrase).map_err(|_| {
        let message = "the words do not fit together: one is wrong, or two have changed places";
        Error::new(Kind::Usage, message).hint(COMPARE)
    })?;
    let (entropy, length) = phrase.to_entropy_array();
    let entropy = Zeroizing::new(entropy);
    let secret = entropy[..length].try_into();
    let secret: Zeroizing<[u8; 32]> = secret
        .map(Zeroizing::new)
        .map_err(|_| Error::new(Kind::Usage, wrong_count(count)))?;
    Ok(SigningKey::from_bytes(&secret))
}

const COMPARE: &str = "compare each word with the paper, in the order of the numbers";

fn wrong_count(count: usize) -> String {
    format!("a recovery phrase has {WORDS} words, and here are {count}")
}

/// More words than this are another text.
const MOST_NAMED: usize = 3;

fn unknown_words(unknown: &[(usize, &str)], count: usize) -> Error {
    let mut named: Vec<String> = unknown
        .iter()
        .take(MOST_NAMED)
        .map(|&(at, word)| name(at, word))
        .collect();
    if unknown.len() > MOST_NAMED {
        named.push(format!("{} more", unknown.len() - MOST_NAMED));
    }
    let mut message = format!("not in the list of words: {}", named.join("; "));
    if count != WORDS {
        message = format!("{message}. Also, {}", wrong_count(count));
    }
    Error::new(Kind::Usage, message).hint(COMPARE)
}

fn name(at: usize, word: &str) -> String {
    let short: String = word.chars().take(20).collect();
    let near = nearest(&short.to_ascii_lowercase());
    let short = printable(&short);
    match near.is_empty() {
        true => format!("word {at}, `{short}`"),
        false => format!("word {at}, `{short}` ({}?)", near.join(", ")),
    }
}

/// The words that a slip of a letter or two may have turned into `word`, the likeliest first.
fn nearest(word: &str) -> Vec<&'static str> {
    const MOST: usize = 3;
    const FARTHEST: usize = 2;
    let distance = |known: &str| match word.len() >= 3 && known.starts_with(word) {
        true => 0,
        false => damerau_levenshtein(word, known),
    };
    let list = Language::English.word_list().iter();
    let mut near: Vec<_> = list.map(|known| (distance(known), *known)).collect();
    near.retain(|(distance, _)| *distance <= FARTHEST);
    near.sort_by_key(|(distance, known)| (*distance, known.chars().next() != word.chars().next()));
    // One letter wrong is likelier than two, so that two are not worth naming beside it.
    let closest = near.first().map_or(0, |(distance, _)| *distance);
    near.retain(|(distance, _)| *distance == closest);
    near.into_iter()
        .take(MOST)
        .map(|(_, known)| known)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phrase(seed: [u8; 32]) -> Vec<&'static str> {
        Phrase::of(&SigningKey::from_bytes(&seed))
            .unwrap()
            .words()
            .collect()
    }

    #[test]
    fn the_words_are_those_of_bip_39() {
        // From the test vectors of BIP 39.
        let mut zero = vec!["abandon"; 23];
        zero.push("art");
        assert_eq!(phrase([0; 32]), zero);
        let mut ones = vec!["zoo"; 23];
        ones.push("vote");
        assert_eq!(phrase([0xff; 32]), ones);
    }

    #[test]
    fn how_it_is_written_does_not_matter() {
        let words = phrase([7; 32]);
        let key = SigningKey::from_bytes(&[7; 32]);
        let numbered: Vec<_> = words
            .iter()
            .enumerate()
            .map(|(i, w)| format!("{}. {w}", i + 1))
            .collect();
        for text in [
            words.join(" "),
            words.join("\r\n"),
            words.join(", ").to_uppercase(),
            numbered.join("\t"),
            format!("# of skep://abc\n\n  {}\n# the end", numbered.join("\n")),
            numbered.join("").replace(". ", ":"),
        ] {
            assert_eq!(parse(&text).unwrap(), key, "{text}");
        }
    }

    #[test]
    fn a_wrong_word_is_named_with_its_place_and_its_neighbours() {
        let mut words = vec!["abandon"; 23];
        words.push("art");
        let error = |words: &[&str]| parse(&words.join(" ")).unwrap_err();
        words[2] = "abandom";
        let slip = error(&words);
        assert_eq!(
            slip.message,
            "not in the list of words: word 3, `abandom` (abandon?)"
        );
        words[2] = "aban";
        assert!(error(&words).message.contains("(abandon?)"));
        words[2] = "hosre";
        assert!(error(&words).message.contains("(horse?)"));
        words[2] = "xyzzyx";
        assert!(error(&words).message.ends_with("word 3, `xyzzyx`"));
        words[2] = "Bär\u{301}\u{1b}[2J";
        assert!(!error(&words).message.contains('\u{1b}'));
        words.truncate(20);
        words[2] = "abandom";
        assert!(error(&words).message.contains("24 words, and here are 20"));
        let prose = parse(&"lorem ipsum dolor sit amet consetetur ".repeat(400)).unwrap_err();
        assert!(prose.message.len() < 300, "{prose}");
    }

    #[test]
    fn wrong_numbers_and_orders_of_words_are_noticed() {
        let words = phrase([7; 32]);
        for count in [0, 12, 23] {
            let error = parse(&words[..count].join(" ")).unwrap_err();
            assert!(
                error.message.contains(&format!("here are {count}")),
                "{error}"
            );
        }
        let mut turned = words.clone();
        turned.swap(0, 1);
        let error = parse(&turned.join(" ")).unwrap_err();
        assert!(error.message.contains("changed places"), "{error}");
    }

    proptest! {
        #[test]
        fn every_key_comes_back(seed: [u8; 32]) {
            let key = SigningKey::from_bytes(&seed);
            prop_assert_eq!(parse(&phrase(seed).join(" ")).unwrap(), key);
        }

        #[test]
        fn any_text_is_refused_without_harm(text in ".{0,200}") {
            prop_assert!(parse(&text).is_err());
        }
    }
}
