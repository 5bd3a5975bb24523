//! In which order pages are listed.

use std::cmp::Ordering;

use jiff::Zoned;

use super::page::Page;
use crate::config::{Collection, SortBy};

/// Newest first. Posts of one moment are in the reverse order of their names, as in Jekyll. A draft without a date comes
/// before all that is dated the present day: whoever writes it looks for it at the top.
pub(super) fn posts(a: &Page, b: &Page) -> Ordering {
    let date = |page: &Page| {
        let date = page.date.as_ref()?;
        match page.is_of_today {
            true => Some((date.end_of_day().ok()?.timestamp(), true)),
            false => Some((date.timestamp(), false)),
        }
    };
    date(b).cmp(&date(a)).then_with(|| b.source.cmp(&a.source))
}

/// As the settings of the collection say.
pub(super) fn documents(collection: &Collection, a: &Page, b: &Page) -> Ordering {
    let by_path = || a.source.cmp(&b.source);
    let order = match collection.sort_by {
        SortBy::Path => by_path(),
        SortBy::Date => {
            let date = |page: &Page| page.date.as_ref().map(Zoned::timestamp);
            date(a).cmp(&date(b)).then_with(by_path)
        }
        SortBy::Title => {
            let title = |page: &Page| page.title.as_deref().unwrap_or_default().to_lowercase();
            title(a).cmp(&title(b)).then_with(by_path)
        }
        SortBy::Weight => {
            let weight = |page: &Page| page.weight.unwrap_or(f64::INFINITY);
            weight(a).total_cmp(&weight(b)).then_with(by_path)
        }
    };
    if collection.reverse {
        order.reverse()
    } else {
        order
    }
}
