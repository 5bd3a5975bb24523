//! Pages that lead from an old URL to a new one.

use crate::html::escape;
use crate::links;
use crate::names::Html;
use crate::site::Site;
use crate::site::page::Page;

/// The page at the output `path` that leads on to `page`. It works on any server and without JavaScript.
pub(crate) fn page(site: &Site, page: &Page, path: &str) -> String {
    let url = links::relative_to(path, &page.url);
    let title = escape(page.title.as_deref().unwrap_or("This page has moved"));
    let lang = escape(&site.config.lang);
    let canonical = match site.base_url() {
        Some(base) => {
            let absolute = Html::of(&page.url.absolute(base));
            format!("<link rel=\"canonical\" href=\"{absolute}\">\n")
        }
        None => String::new(),
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"robots\" content=\"noindex\">\n{canonical}\
         <meta http-equiv=\"refresh\" content=\"0; url={url}\">\n<title>{title}</title>\n</head>\n\
         <body>\n<p><a href=\"{url}\">{title}</a></p>\n</body>\n</html>\n"
    )
}
