//! What search engines are told: the sitemap and robots.txt.

use std::fmt::Write;

use crate::dates;
use crate::feed::{changed, xml};
use crate::names::Url;
use crate::site::{Output, Site};

/// The sitemap: every HTML page but the one for missing paths, and those that only lead on to others.
pub(crate) fn render(site: &Site) -> String {
    let base = site.base_url().unwrap_or_default();
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for (path, output) in &*site.outputs {
        let page = match output {
            Output::Page { id, .. } => site.page(*id),
            Output::List { .. } => None,
            _ => continue,
        };
        let is_html = path.ends_with(".html") || path.ends_with(".htm");
        // A page may ask to be left out, as with Jekyll's plugin.
        let is_hidden = page.is_some_and(|page| page.table.get("sitemap") == Some(&false.into()));
        if !is_html || is_hidden || path.as_str() == "404.html" {
            continue;
        }
        let address = Url::of_page(path).absolute(base);
        let _ = write!(out, "  <url><loc>{}</loc>", xml(&address));
        if let Some(date) = page.and_then(changed) {
            let _ = write!(out, "<lastmod>{}</lastmod>", dates::rfc3339(date));
        }
        out.push_str("</url>\n");
    }
    out.push_str("</urlset>\n");
    out
}

/// Everything may be read, and there is a sitemap.
pub(crate) fn robots(site: &Site) -> String {
    let base = site.base_url().unwrap_or_default();
    format!("User-agent: *\nAllow: /\n\nSitemap: {base}/sitemap.xml\n")
}
