//! Pages that lead from an old URL to a new one.

use crate::html::escape;
use crate::site::Site;
use crate::site::page::Page;

/// A page that leads on to `page`. It works on any server and without JavaScript.
pub(crate) fn page(site: &Site, page: &Page) -> String {
    let url = escape(&page.url);
    let title = escape(page.title.as_deref().unwrap_or("This page has moved"));
    let lang = escape(&site.config.lang);
    let canonical = match site.base_url() {
        Some(base) => format!("<link rel=\"canonical\" href=\"{}{url}\">\n", escape(base)),
        None => String::new(),
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"robots\" content=\"noindex\">\n{canonical}\
         <meta http-equiv=\"refresh\" content=\"0; url={url}\">\n<title>{title}</title>\n</head>\n\
         <body>\n<p><a href=\"{url}\">{title}</a></p>\n</body>\n</html>\n"
    )
}
