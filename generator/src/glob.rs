//! Globs over paths: `*` and `?` stay within a folder, `**` does not. How Unicode composes
//! letters makes no difference.

use crate::names::nfc;

/// Whether one of `patterns` matches `path`, whose parts are separated by slashes, or a folder that it lies in.
pub fn any(patterns: &[String], path: &str) -> bool {
    let path = &*nfc(path);
    prefixes(path).any(|prefix| {
        patterns
            .iter()
            .any(|pattern| matches(clean(&nfc(pattern)), prefix))
    })
}

/// Whether one of `patterns` matches `path` itself.
pub(crate) fn names(patterns: &[String], path: &str) -> bool {
    let path = &*nfc(path);
    let mut patterns = patterns.iter();
    patterns.any(|pattern| matches(clean(&nfc(pattern)), path))
}

/// The folders above `path`, the outermost first, and `path`.
pub(crate) fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let folders = path.match_indices('/').map(|(slash, _)| &path[..slash]);
    folders.chain([path])
}

/// Whether one of `patterns` can match a path below the folder `path`.
pub(crate) fn may_match_below(patterns: &[String], path: &str) -> bool {
    patterns.iter().any(|pattern| {
        let pattern = &*nfc(pattern);
        let pattern = clean(pattern);
        // `**` crosses folders: whatever follows it can be anywhere below.
        let known = pattern.find("**").map_or(pattern, |at| &pattern[..at]);
        let mut folders = known.match_indices('/').map(|(at, _)| &known[..at]);
        if known.len() < pattern.len() {
            let fixed = known.trim_end_matches('/');
            return fixed.is_empty()
                || format!("{path}/").starts_with(&format!("{fixed}/"))
                || folders.any(|folder| matches(folder, path));
        }
        folders.any(|folder| matches(folder, path))
    })
}

fn clean(pattern: &str) -> &str {
    pattern
        .trim_start_matches("./")
        .trim_start_matches('/')
        .trim_end_matches('/')
}

fn matches(pattern: &str, path: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return path.is_empty();
    };
    let after = &pattern[first.len_utf8()..];
    match first {
        '*' => {
            if let Some(after) = after.strip_prefix("*/") {
                return matches(after, path)
                    || path
                        .match_indices('/')
                        .any(|(at, _)| matches(after, &path[at + 1..]));
            }
            let crosses = after.starts_with('*');
            let after = after.trim_start_matches('*');
            let ends = path.char_indices().map(|(at, c)| (at, Some(c)));
            for (at, c) in ends.chain(std::iter::once((path.len(), None))) {
                if matches(after, &path[at..]) {
                    return true;
                }
                if c == Some('/') && !crosses {
                    return false;
                }
            }
            false
        }
        '?' => path
            .chars()
            .next()
            .is_some_and(|c| c != '/' && matches(after, &path[c.len_utf8()..])),
        _ => path
            .strip_prefix(first)
            .is_some_and(|path| matches(after, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, path, expected) in [
            ("notes", "notes", true),
            ("notes/", "notes/a/b.md", true),
            ("notes", "notes.md", false),
            ("*.psd", "a.psd", true),
            ("*.psd", "x/a.psd", false),
            ("**/*.psd", "x/y/a.psd", true),
            ("**/*.psd", "a.psd", true),
            ("x/**", "x/y/z", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("/top.txt", "top.txt", true),
            ("e\u{301}*.md", "\u{e9}t\u{e9}.md", true),
            ("\u{e9}", "e\u{301}/x.md", true),
        ] {
            assert_eq!(
                any(&[pattern.to_owned()], path),
                expected,
                "{pattern} {path}"
            );
        }
    }
}
