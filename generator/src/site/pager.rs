//! Lists that are shown in parts.

use std::sync::Arc;

use crate::permalink;

/// How a list is divided. Its parts are numbered from 1; the first is at the URL of the page itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pager {
    pub(crate) per_page: usize,
    pub(crate) items: usize,
}

impl Pager {
    /// How many parts there are; never none.
    pub(crate) fn parts(self) -> usize {
        self.items.div_ceil(self.per_page.max(1)).max(1)
    }

    /// The range of the items of part `number`.
    pub(crate) fn range(self, number: usize) -> std::ops::Range<usize> {
        let start = (number.max(1) - 1)
            .saturating_mul(self.per_page)
            .min(self.items);
        start..start.saturating_add(self.per_page).min(self.items)
    }
}

/// The URL of part `number` of the list at `url`. `pattern` is what follows the URL, with `:num` in it.
pub(crate) fn url(url: &str, pattern: &str, number: usize) -> Arc<str> {
    if number <= 1 {
        return url.into();
    }
    let base = match url.rsplit_once('/') {
        Some((_, "")) => url.to_owned(),
        _ => match url.rsplit_once('.') {
            Some((stem, extension)) if !extension.contains('/') => format!("{stem}/"),
            _ => format!("{url}/"),
        },
    };
    let below = pattern
        .trim_start_matches('/')
        .replace(":num", &number.to_string());
    let all = format!("{base}{below}");
    permalink::url(&all.replace(':', ""), &permalink::Parts::NONE).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_ranges() {
        let pager = |items| Pager {
            per_page: 10,
            items,
        };
        assert_eq!(pager(0).parts(), 1);
        assert_eq!(pager(10).parts(), 1);
        assert_eq!(pager(11).parts(), 2);
        assert_eq!(pager(11).range(2), 10..11);
        assert_eq!(pager(11).range(9), 11..11);
    }

    #[test]
    fn urls_of_parts() {
        for (first, pattern, expected) in [
            ("/", "page/:num/", "/page/2/"),
            ("/blog/", "page/:num/", "/blog/page/2/"),
            ("/blog.html", "page/:num/", "/blog/page/2/"),
            ("/blog/", "/p:num.html", "/blog/p2.html"),
        ] {
            assert_eq!(&*url(first, pattern, 2), expected);
            assert_eq!(&*url(first, pattern, 1), first);
        }
    }
}
