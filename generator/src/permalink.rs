//! From the pattern of a permalink to where a page is.

use jiff::Zoned;

use crate::names::{self, SitePath, Url};
use crate::slugs;

/// The pattern of a site that sets none.
pub(crate) const DEFAULT: &str = "/:year/:month/:day/:title/";

/// What to do about a pattern that can't be used.
pub(crate) const HINT: &str = "use pretty, date, ordinal, weekdate or none, or a pattern of \
    :year :month :day :i_month :i_day :short_year :y_day :hour :minute :second \
    :short_month :long_month :week :w_year :w_day :short_day :long_day \
    :title :slug :name :path :collection :categories :slugified_categories :output_ext";

const PLACEHOLDERS: [&str; 25] = [
    "year",
    "month",
    "day",
    "i_month",
    "i_day",
    "short_year",
    "y_day",
    "hour",
    "minute",
    "second",
    "short_month",
    "long_month",
    "week",
    "w_year",
    "w_day",
    "short_day",
    "long_day",
    "title",
    "slug",
    "name",
    "path",
    "collection",
    "categories",
    "slugified_categories",
    "output_ext",
];

/// What the placeholders of a pattern stand for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) date: Option<&'a Zoned>,
    pub(crate) title: &'a str,
    /// The path of the source in its folder or collection, without its extension.
    pub(crate) path: &'a str,
    /// The name of the collection; `posts` for posts, empty for pages.
    pub(crate) collection: &'a str,
    pub(crate) categories: &'a [String],
}

impl Parts<'_> {
    /// For patterns without placeholders.
    pub(crate) const NONE: Parts<'static> = Parts {
        date: None,
        title: "",
        path: "",
        collection: "",
        categories: &[],
    };
}

/// Where a page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its URL from the root of the site.
    pub(crate) url: Url,
    /// Its file.
    pub(crate) path: SitePath,
}

impl Place {
    /// The page at the URL path `path`, which begins with a slash and has no percent escapes.
    pub(crate) fn at(path: &str) -> Self {
        let inside = path.trim_start_matches('/');
        let path = match inside.is_empty() || inside.ends_with('/') {
            true => SitePath::of(&format!("{inside}index.html")),
            false => SitePath::of(inside),
        };
        Self {
            url: Url::of_file(inside),
            path,
        }
    }
}

/// The pattern that `style` (a name or a pattern) stands for, or what is wrong with it.
pub(crate) fn pattern(style: &str) -> Result<String, String> {
    let pattern = match style {
        "pretty" => "/:categories/:year/:month/:day/:title/",
        "date" => "/:categories/:year/:month/:day/:title.html",
        "ordinal" => "/:categories/:year/:y_day/:title.html",
        "weekdate" => "/:categories/:w_year/W:week/:short_day/:title.html",
        "none" => "/:categories/:title.html",
        _ if !style.contains(['/', ':', '.']) => {
            return Err(format!("there is no permalink style '{style}'"));
        }
        _ => style,
    };
    let mut sample = String::new();
    for piece in pieces(pattern) {
        match piece {
            Piece::Text(text) => match names::decoded(text) {
                Some(text) => sample.push_str(&text),
                None => return Err(refused(style, "its percent escapes are not UTF-8")),
            },
            Piece::Placeholder(name) if PLACEHOLDERS.contains(&name) => sample.push('x'),
            Piece::Placeholder(name) => {
                return Err(format!("there is no placeholder :{name} for permalinks"));
            }
        }
    }
    for name in sample.split('/').filter(|name| is_kept(name)) {
        names::check(name).map_err(|problem| refused(style, &problem))?;
    }
    Ok(format!("/{}", pattern.trim_start_matches('/')))
}

fn refused(style: &str, problem: &str) -> String {
    format!("'{}' can't be a permalink: {problem}", style.escape_debug())
}

/// Where a valid `pattern` places what has these `parts`. The text of the pattern stays as it is
/// written, percent escapes read; the values of placeholders become parts of URLs. What has
/// neither a slash nor an extension at its end gets a slash.
pub(crate) fn place(pattern: &str, parts: &Parts<'_>) -> Place {
    let mut path = String::from("/");
    for piece in pieces(pattern) {
        match piece {
            Piece::Text(text) => path.push_str(&names::decoded(text).unwrap_or(text.into())),
            Piece::Placeholder(name) => {
                let value = value(name, parts);
                let segments: Vec<String> = value.split('/').map(url_segment).collect();
                path.push_str(&segments.join("/"));
            }
        }
    }
    let is_folder = path.ends_with('/') || !last_segment(&path).contains('.');
    let segments: Vec<&str> = path.split('/').filter(|name| is_kept(name)).collect();
    let mut path = format!("/{}", segments.join("/"));
    if is_folder && !path.ends_with('/') {
        path.push('/');
    }
    Place::at(&path)
}

/// Whether a part of a URL's path stays in it.
fn is_kept(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".."
}

/// `name` without the characters that need an escape in a URL or mean something to a shell. One
/// that has no others, such as one of emoji, keeps what a browser can show.
pub(crate) fn url_segment(name: &str) -> String {
    if let Some(symbols) = slugs::of_symbols(name) {
        return symbols;
    }
    let mut segment = String::with_capacity(name.len());
    let mut is_inside = false;
    for c in name.chars() {
        if is_inside && slugs::is_joiner(c) {
            continue;
        }
        is_inside = slugs::is_word(c, is_inside);
        if is_inside || "-_.~!$()+,;=@".contains(c) {
            segment.push(c);
        } else if !segment.ends_with('-') {
            segment.push('-');
        }
    }
    segment
}

fn last_segment(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(colon) = rest.find(':') {
        let after = &rest[colon + 1..];
        let length = after
            .find(|c: char| !(c.is_ascii_lowercase() || c == '_'))
            .unwrap_or(after.len());
        pieces.push(Piece::Text(&rest[..colon]));
        pieces.push(Piece::Placeholder(&after[..length]));
        rest = &after[length..];
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn value(name: &str, parts: &Parts<'_>) -> String {
    let date = |format: &str| match parts.date {
        Some(date) => date.strftime(format).to_string(),
        None => String::new(),
    };
    match name {
        "year" => date("%Y"),
        "month" => date("%m"),
        "day" => date("%d"),
        "i_month" => date("%-m"),
        "i_day" => date("%-d"),
        "short_year" => date("%y"),
        "y_day" => date("%j"),
        "hour" => date("%H"),
        "minute" => date("%M"),
        "second" => date("%S"),
        "short_month" => date("%b"),
        "long_month" => date("%B"),
        "week" => date("%V"),
        "w_year" => date("%G"),
        "w_day" => date("%u"),
        "short_day" => date("%a"),
        "long_day" => date("%A"),
        "title" | "slug" | "name" => parts.title.to_owned(),
        "path" => parts.path.to_owned(),
        "collection" => parts.collection.to_owned(),
        "categories" => parts.categories.join("/"),
        "slugified_categories" => {
            let slugs = parts.categories.iter().map(|name| slugs::slug(name));
            slugs.collect::<Vec<_>>().join("/")
        }
        "output_ext" => ".html".to_owned(),
        // `pattern` let no other name pass.
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts_of(categories: &[String]) -> Parts<'_> {
        Parts {
            date: None,
            title: "a-title",
            path: "sub/a-title",
            collection: "posts",
            categories,
        }
    }

    fn post(pattern_or_style: &str, categories: &[&str]) -> String {
        let date = crate::dates::parse("2026-01-02 03:04:05", &jiff::tz::TimeZone::UTC).unwrap();
        let categories: Vec<String> = categories.iter().map(|c| (*c).to_owned()).collect();
        let parts = Parts {
            date: Some(&date),
            ..parts_of(&categories)
        };
        let place = place(&pattern(pattern_or_style).unwrap(), &parts);
        place.url.as_str().to_owned()
    }

    #[test]
    fn styles_and_patterns() {
        assert_eq!(post(DEFAULT, &[]), "/2026/01/02/a-title/");
        assert_eq!(post("pretty", &["x", "y"]), "/x/y/2026/01/02/a-title/");
        assert_eq!(post("date", &[]), "/2026/01/02/a-title.html");
        assert_eq!(post("ordinal", &[]), "/2026/002/a-title.html");
        assert_eq!(post("none", &["x"]), "/x/a-title.html");
        assert_eq!(post("weekdate", &[]), "/2026/W01/Fri/a-title.html");
        assert_eq!(post("/:collection/:path/", &[]), "/posts/sub/a-title/");
        assert_eq!(
            post("/:slugified_categories/:title", &["A b"]),
            "/a-b/a-title/"
        );
        assert_eq!(
            post("/b/:i_month-:short_year/:slug", &[]),
            "/b/1-26/a-title/"
        );
        assert_eq!(post("/b/:title:output_ext", &[]), "/b/a-title.html");
    }

    #[test]
    fn a_url_never_leaves_the_site() {
        assert_eq!(post("/../../:title/", &[]), "/a-title/");
        assert_eq!(post("/:categories/x/", &["../..", "a b"]), "/a-b/x/");
    }

    #[test]
    fn the_text_of_a_permalink_stays_literal_and_its_values_do_not() {
        assert_eq!(post("/wiki/Some Page/", &[]), "/wiki/Some%20Page/");
        assert_eq!(post("/caf%C3%A9/:title/", &[]), "/café/a-title/");
        assert_eq!(
            post("/C# & co/:categories/", &["x y"]),
            "/C%23%20&%20co/x-y/"
        );
        let place = place(&pattern("/wiki/100%25 Page").unwrap(), &parts_of(&[]));
        assert_eq!(place.path.as_str(), "wiki/100% Page/index.html");
        for style in ["/a%0Ab/", "/a%5Cb/", "/a%3Ab/", "/a./b/", "/%FF/"] {
            let error = pattern(style).unwrap_err();
            assert!(error.contains("can't be a permalink"), "{error}");
        }
    }

    #[test]
    fn segments_keep_marks_and_names_of_emoji() {
        for (name, segment) in [
            ("தமிழ்", "தமிழ்"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("my 🎉 post", "my-post"),
            ("🎉", "🎉"),
            ("🎊", "🎊"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("?", "3f"),
            ("&&", "26-26"),
        ] {
            assert_eq!(url_segment(name), segment, "{name}");
        }
    }

    #[test]
    fn unknown_names_are_told() {
        assert!(pattern("/:yaer/").unwrap_err().contains(":yaer"));
        assert!(pattern("prety").unwrap_err().contains("prety"));
    }

    #[test]
    fn output_paths() {
        assert_eq!(Place::at("/").path.as_str(), "index.html");
        assert_eq!(Place::at("/a/").path.as_str(), "a/index.html");
        assert_eq!(Place::at("/a.html").path.as_str(), "a.html");
    }
}
