//! Lists that are shown in parts.

use crate::names::Url;
use crate::permalink::{self, Place};

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

/// Where part `number` of the list at `url` is. `pattern` is what follows the URL, with `:num` in
/// it.
pub(crate) fn place(url: &Url, pattern: &str, number: usize) -> Place {
    let path = format!("/{}", url.name().unwrap_or_default());
    if number <= 1 {
        return Place::at(&path);
    }
    let base = match path.rsplit_once('/') {
        Some((_, "")) => path,
        _ => match path.rsplit_once('.') {
            Some((stem, extension)) if !extension.contains('/') => format!("{stem}/"),
            _ => format!("{path}/"),
        },
    };
    let below = pattern
        .trim_start_matches('/')
        .replace(":num", &number.to_string());
    let below = permalink::place(&below.replace(':', ""), &permalink::Parts::NONE);
    let below = below.url.name().unwrap_or_default().into_owned();
    Place::at(&format!("{base}{below}"))
}

/// The URL of part `number` of the list at `url`.
pub(crate) fn url(url: &Url, pattern: &str, number: usize) -> Url {
    match number {
        0 | 1 => url.clone(),
        _ => place(url, pattern, number).url,
    }
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
            ("/My%20%23blog/", "page/:num/", "/My%20%23blog/page/2/"),
        ] {
            let first = Url::written(first);
            assert_eq!(url(&first, pattern, 2), Url::written(expected));
            assert_eq!(url(&first, pattern, 1), first);
        }
    }
}
