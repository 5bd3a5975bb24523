//! From the pattern of a permalink to the URL of a page, and from there to its output path.

use jiff::Zoned;

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
    for piece in pieces(pattern) {
        if let Piece::Placeholder(name) = piece
            && !PLACEHOLDERS.contains(&name)
        {
            return Err(format!("there is no placeholder :{name} for permalinks"));
        }
    }
    Ok(format!("/{}", pattern.trim_start_matches('/')))
}

/// The URL that a valid `pattern` gives for `parts`. It starts with a slash; what has neither
/// a slash nor an extension at its end gets a slash.
pub(crate) fn url(pattern: &str, parts: &Parts<'_>) -> String {
    let mut url = String::from("/");
    for piece in pieces(pattern) {
        match piece {
            Piece::Text(text) => url.push_str(text),
            Piece::Placeholder(name) => url.push_str(&value(name, parts)),
        }
    }
    let directory = url.ends_with('/') || !last_segment(&url).contains('.');
    let segments: Vec<String> = url
        .split('/')
        .filter(|segment| !segment.is_empty() && *segment != "." && *segment != "..")
        .map(url_segment)
        .collect();
    let mut url = format!("/{}", segments.join("/"));
    if directory && !url.ends_with('/') {
        url.push('/');
    }
    url
}

/// The output path of the page at `url`, which starts with a slash.
pub(crate) fn output_path(url: &str) -> String {
    let path = url.trim_start_matches('/');
    if path.is_empty() || path.ends_with('/') {
        format!("{path}index.html")
    } else {
        path.to_owned()
    }
}

/// `name` without the characters that need an escape in a URL or mean something to a shell.
pub(crate) fn url_segment(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_alphanumeric() || "-_.~!$()+,;=@".contains(c) {
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

    fn post(pattern_or_style: &str, categories: &[&str]) -> String {
        let date = crate::dates::parse("2026-01-02 03:04:05", &jiff::tz::TimeZone::UTC).unwrap();
        let categories: Vec<String> = categories.iter().map(|c| (*c).to_owned()).collect();
        let parts = Parts {
            date: Some(&date),
            title: "a-title",
            path: "sub/a-title",
            collection: "posts",
            categories: &categories,
        };
        url(&pattern(pattern_or_style).unwrap(), &parts)
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
    fn unknown_names_are_told() {
        assert!(pattern("/:yaer/").unwrap_err().contains(":yaer"));
        assert!(pattern("prety").unwrap_err().contains("prety"));
    }

    #[test]
    fn output_paths() {
        assert_eq!(output_path("/"), "index.html");
        assert_eq!(output_path("/a/"), "a/index.html");
        assert_eq!(output_path("/a.html"), "a.html");
    }
}
