//! Names as parts of URLs.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// How many bytes a slug has at most. File systems and archives allow 255 bytes a name, and the
/// name of a file may add a number and an extension.
pub(crate) const MAX_LEN: usize = 200;

/// `name` as a part of a URL: its letters, digits and marks in lower case, in any script, with
/// hyphens for what is between. Never empty, never longer than 200 bytes, and different
/// for C, C++ and C#.
///
/// As in Jekyll, letters stay as they are: a word in Latin letters is a poor name for one in
/// Tamil, and two words of Chinese may have the same.
#[must_use]
pub fn slug(name: &str) -> String {
    let name: String = name.nfc().collect();
    let mut slug = words(&name.replace('+', "plus").replace('#', "sharp"));
    if slug.is_empty() {
        slug = symbols(&name);
    }
    short(slug)
}

/// The letters, digits and marks of `name`, with hyphens for what is between them.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len());
    let mut has_gap = false;
    let mut is_inside = false;
    for c in name.chars() {
        if is_inside && is_joiner(c) {
            continue;
        }
        is_inside = is_word(c, is_inside);
        if !is_inside {
            has_gap = true;
            continue;
        }
        if std::mem::take(&mut has_gap) && !words.is_empty() {
            words.push('-');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// What stands for a name without letters and digits: its symbols, such as emoji, or the codes of
/// its characters where a URL can't carry these.
fn symbols(name: &str) -> String {
    if has_symbols(name) {
        return name.chars().filter(|c| is_symbol(*c)).collect();
    }
    let codes: Vec<String> = name
        .chars()
        .map(|c| format!("{:x}", u32::from(c)))
        .collect();
    if codes.is_empty() {
        return "untitled".to_owned();
    }
    codes.join("-")
}

/// Whether `name` has letters, digits or symbols, such as emoji.
pub(crate) fn says_something(name: &str) -> bool {
    name.contains(char::is_alphanumeric) || has_symbols(name)
}

fn has_symbols(name: &str) -> bool {
    let mut chars = name.chars();
    chars.any(|c| is_symbol(c) && !is_combining_mark(c) && !is_joiner(c))
}

/// What goes into a URL for `part`, the name of a file, if that has no character that a URL shows
/// as it is, such as one of emoji only. `None` if it has one.
pub(crate) fn of_symbols(part: &str) -> Option<String> {
    let is_shown = |c: char| c.is_alphanumeric() || "-_.~!$()+,;=@".contains(c);
    (!part.is_empty() && !part.contains(is_shown)).then(|| short(symbols(part)))
}

/// Whether `c` is part of a word. A mark is, if it goes on with one: the vowels of Tamil, Thai and
/// Hindi are marks, and so is the accent of a letter that has no form in one piece.
pub(crate) fn is_word(c: char, is_inside: bool) -> bool {
    c.is_alphanumeric() || (is_inside && is_combining_mark(c))
}

/// The characters that say whether the letters around them join. They part no word, and GitHub
/// leaves them out of its ids.
pub(crate) fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether `c` says something though it is no letter: an emoji, with what goes along with it. The
/// punctuation of any script and invisible characters do not.
fn is_symbol(c: char) -> bool {
    let is_joining = is_joiner(c) || is_combining_mark(c) || matches!(c, '\u{e0020}'..='\u{e007f}');
    let is_punctuation = matches!(c, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{206f}'
        | '\u{3000}'..='\u{303f}' | '\u{fe10}'..='\u{fe6f}' | '\u{feff}'
        | '\u{ff00}'..='\u{ff0f}' | '\u{fff0}'..='\u{ffff}');
    is_joining || !(c.is_ascii() || c.is_whitespace() || c.is_control() || is_punctuation)
}

/// `slug`, cut where it is too long for the name of a file. A cut slug ends in a hash of the whole,
/// so that two long names stay apart.
fn short(slug: String) -> String {
    if slug.len() <= MAX_LEN {
        return slug;
    }
    let hash = blake3::hash(slug.as_bytes()).to_hex();
    let end = ["-", &hash[..12]].concat();
    let kept = cut(&slug, MAX_LEN - end.len()).trim_end_matches('-');
    format!("{kept}{end}")
}

/// The start of `text` in at most `max` bytes; no letter is parted from its marks.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = text.floor_char_boundary(max);
    let goes_on = |c: char| is_combining_mark(c) || is_joiner(c);
    while end > 0 && text[end..].starts_with(goes_on) {
        end = text.floor_char_boundary(end - 1);
    }
    &text[..end]
}

/// `name` as it is shown: normalised, without white space around it, and with single spaces in it.
pub(crate) fn tidy(name: &str) -> String {
    let name: String = name.nfc().collect();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What tells the term `name` from others: all that was written, but for case.
pub(crate) fn identity(name: &str) -> String {
    tidy(name).chars().flat_map(folded).nfc().collect()
}

/// `c` without case. Upper case first: so `ß` and `SS`, or the two forms of a small sigma, are one.
fn folded(c: char) -> Vec<char> {
    match c {
        // Unicode folds the dotless i to nothing else.
        'ı' => vec![c],
        c => c.to_uppercase().flat_map(char::to_lowercase).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_never_empty_and_tell_names_apart() {
        assert_eq!(slug("Hello, World!"), "hello-world");
        assert_eq!(slug("C"), "c");
        assert_eq!(slug("C++"), "cplusplus");
        assert_eq!(slug("C#"), "csharp");
        assert_eq!(slug("!?"), "21-3f");
        assert_eq!(slug(""), "untitled");
    }

    #[test]
    fn slugs_keep_the_letters_and_marks_of_every_script() {
        for (name, expected) in [
            ("pâté", "pâté"),
            ("pa\u{302}te\u{301}", "pâté"),
            ("தமிழ்", "தமிழ்"),
            ("ภาษาไทย ก็", "ภาษาไทย-ก็"),
            ("हिन्दी में", "हिन्दी-में"),
            ("北京", "北京"),
            ("мир", "мир"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("x\u{332} y", "x\u{332}-y"),
            ("❤\u{fe0f} love", "love"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_of_emoji_keeps_them() {
        assert_eq!(slug("🎉"), "🎉");
        assert_eq!(slug("❤\u{fe0f}"), "❤\u{fe0f}");
        assert_eq!(slug("👩\u{200d}🚀 !"), "👩\u{200d}🚀");
        assert_eq!(slug("🎉 Party"), "party");
        assert_eq!(slug("\u{301}"), "301");
        assert_eq!(slug("…"), "2026");
        assert!(says_something("🎉") && says_something("x") && !says_something("—…\u{301}"));
    }

    #[test]
    fn a_long_name_is_cut_and_stays_its_own() {
        for letter in ["x", "ü", "தி", "🎉"] {
            let (a, b) = (letter.repeat(300), letter.repeat(301));
            let (a, b) = (slug(&a), slug(&b));
            assert!(a.len() <= MAX_LEN && b.len() <= MAX_LEN);
            assert_ne!(a, b);
        }
        assert_eq!(cut("கி", 3), "");
    }

    #[test]
    fn the_identity_of_a_term_is_what_was_written_but_for_case() {
        for (a, b) in [
            ("Rust", "RUST"),
            ("pâté", "PA\u{302}TE\u{301}"),
            (" a \u{a0} b\n", "A b"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδοσ"),
        ] {
            assert_eq!(identity(a), identity(b), "{a}");
        }
        for (a, b) in [
            ("pâté", "pâte"),
            ("año", "ano"),
            ("北京", "背景"),
            ("мир", "mir"),
            ("C", "C++"),
            ("rock-n-roll", "rock n roll"),
            ("ısı", "isi"),
        ] {
            assert_ne!(identity(a), identity(b), "{a}");
        }
    }
}
