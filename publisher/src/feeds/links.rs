//! Where an item of a feed leads: into the site whose feed it is, or away from it.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::archive::{
    address::{Address, SiteId},
    path::ArchivePath,
};

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lead {
    /// To a page of the site: a path as a URL has it, which begins with a slash.
    Inside(String),
    /// To somewhere on the web: an `https` URL.
    Outside(String),
    /// Nowhere that can be shown.
    Nowhere,
}

/// Where `link` leads that stands in a feed of `site`, the feed being at `feed` and that of the page `home`.
/// `has` says whether the site has a file.
///
/// A site's feed mostly has links to where it is on the web. Those whose path the site has are taken for
/// links into it: that is where it can be read without a network.
pub(super) fn lead(
    site: SiteId,
    feed: &str,
    home: Option<&str>,
    link: &str,
    has: impl Fn(&ArchivePath) -> bool,
) -> Lead {
    let link = link.trim();
    let link = link.split('#').next().unwrap_or("");
    if let Some(rest) = link
        .strip_prefix("skep://")
        .or_else(|| link.strip_prefix("web+skep://"))
    {
        let (id, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_ours = id.parse::<Address>().is_ok_and(|to| to.site == site);
        return match is_ours {
            true => inside(path, &has).unwrap_or(Lead::Nowhere),
            false => Lead::Nowhere,
        };
    }
    let Some((scheme, rest)) = link.split_once("://") else {
        return match is_relative(link) {
            true => inside(&relative(feed, link), &has).unwrap_or(Lead::Nowhere),
            false => Lead::Nowhere,
        };
    };
    let outside = match scheme {
        "https" if is_url(rest) => Lead::Outside(link.to_owned()),
        "http" | "https" => Lead::Nowhere,
        _ => return Lead::Nowhere,
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    // The site may be a folder of the web site that its home names.
    let home = home.and_then(|home| home.split_once("://"));
    let below = match home {
        Some((_, home)) => match home.split_once('/').unwrap_or((home, "")) {
            (home_host, folder) if home_host == host => {
                let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
                path.strip_prefix(folder)
            }
            _ => None,
        },
        None => None,
    };
    let below = below.map(|path| path.trim_start_matches('/'));
    below.and_then(|path| inside(path, &has)).unwrap_or(outside)
}

/// A page of the site, if it has one at that path of a URL.
fn inside(path: &str, has: impl Fn(&ArchivePath) -> bool) -> Option<Lead> {
    let bare = path.split('?').next().unwrap_or("").trim_start_matches('/');
    let decoded = percent_decode_str(bare).decode_utf8().ok()?;
    let decoded = decoded.trim_end_matches('/');
    let index = match decoded {
        "" => "index.html".to_owned(),
        path => format!("{path}/index.html"),
    };
    // As the gateway reads a URL.
    let page = format!("{decoded}.html");
    let candidates = [(decoded.to_owned(), ""), (index, "/"), (page, "")];
    candidates.into_iter().find_map(|(file, slash)| {
        let file = ArchivePath::composed(&file).ok().filter(&has)?;
        // Written anew, so that it is what was looked for and nothing else.
        let mut address = Address::of(SiteId([0; 32]));
        address.path = Some(file);
        let text = address.to_string();
        let path = text.trim_start_matches("skep://").split_once('/')?.1;
        let path = match slash {
            "" => path,
            _ => path.trim_end_matches("index.html"),
        };
        Some(Lead::Inside(format!("/{path}")))
    })
}

/// Whether a link without `://` is a path, and no scheme such as `javascript:`.
fn is_relative(link: &str) -> bool {
    let first = link.split(['/', '?']).next().unwrap_or("");
    !link.is_empty() && !first.contains(':') && !link.starts_with("//") && !link.contains('\\')
}

/// A path from the root, of a link that stands in the file `feed`.
fn relative(feed: &str, link: &str) -> String {
    if let Some(rooted) = link.strip_prefix('/') {
        return rooted.to_owned();
    }
    let mut parts: Vec<&str> = feed.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether what stands behind `https://` can be shown as a link.
fn is_url(rest: &str) -> bool {
    let host = rest.split(['/', '?']).next().unwrap_or("");
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    !host.is_empty() && !host.contains('@') && rest.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_into_the_site_where_it_has_the_page() {
        let site = SiteId([7; 32]);
        let files = [
            "index.html",
            "posts/one/index.html",
            "a b.html",
            "blog/x.html",
        ];
        let has = |path: &ArchivePath| files.contains(&path.as_str());
        let inside = |path: &str| Lead::Inside(path.to_owned());
        let outside = |url: &str| Lead::Outside(url.to_owned());
        let home = Some("https://a.example/");
        for (home, link, wanted) in [
            (
                home,
                "https://a.example/posts/one/".to_owned(),
                inside("/posts/one/"),
            ),
            (
                home,
                "https://a.example/posts/one?x=1#y".into(),
                inside("/posts/one/"),
            ),
            (home, "http://a.example/".into(), inside("/")),
            (
                home,
                "https://a.example/gone/".into(),
                outside("https://a.example/gone/"),
            ),
            (
                home,
                "https://b.example/posts/one/".into(),
                outside("https://b.example/posts/one/"),
            ),
            (home, "http://b.example/".into(), Lead::Nowhere),
            (
                None,
                "https://b.example/posts/one/".into(),
                outside("https://b.example/posts/one/"),
            ),
            (
                Some("https://a.example/~me/"),
                "https://a.example/~me/posts/one/".into(),
                inside("/posts/one/"),
            ),
            (
                home,
                format!("skep://{site}/a%20b.html"),
                inside("/a%20b.html"),
            ),
            (
                home,
                format!("skep://{site}+3/posts/one/"),
                inside("/posts/one/"),
            ),
            (home, format!("skep://{}/x", SiteId([8; 32])), Lead::Nowhere),
            (home, "x.html".into(), inside("/blog/x.html")),
            (home, "../posts/one/".into(), inside("/posts/one/")),
            (home, "../../../posts/one/".into(), inside("/posts/one/")),
            (home, "/posts/one/".into(), inside("/posts/one/")),
            (home, "javascript:alert(1)".into(), Lead::Nowhere),
            (
                home,
                "javascript://a.example/%0aalert(1)".into(),
                Lead::Nowhere,
            ),
            (home, "data:text/html,x".into(), Lead::Nowhere),
            (home, "//b.example/posts/one/".into(), Lead::Nowhere),
            (home, "https://user@b.example/".into(), Lead::Nowhere),
            (home, "https://b.example/\" onclick=x".into(), Lead::Nowhere),
            (
                home,
                "https://a.example/%2e%2e/%2e%2e/etc".into(),
                outside("https://a.example/%2e%2e/%2e%2e/etc"),
            ),
            (home, String::new(), Lead::Nowhere),
        ] {
            assert_eq!(
                lead(site, "blog/feed.xml", home, &link, has),
                wanted,
                "{link}"
            );
        }
    }
}
