//! Media types by extension. The publisher records the same ones: a test of the program compares the two.

/// What the registry says otherwise than the table of `mime_guess`.
const OVERRIDES: [(&str, &str); 4] = [
    // RFC 9239: one type for scripts of all kinds.
    ("js", "text/javascript"),
    ("mjs", "text/javascript"),
    ("cjs", "text/javascript"),
    // ECMA-426: a source map is JSON.
    ("map", "application/json"),
];

/// The media type of the file at `path`, without parameters.
pub fn media_type(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
        _ => String::new(),
    };
    let own = OVERRIDES.iter().find(|(known, _)| *known == extension);
    own.map_or_else(
        || {
            mime_guess::from_ext(&extension)
                .first_raw()
                .unwrap_or("application/octet-stream")
        },
        |(_, media_type)| media_type,
    )
}

/// The media type of the file at `path` as a header: text is UTF-8.
pub(crate) fn of(path: &str) -> String {
    let media_type = media_type(path);
    match media_type.starts_with("text/") {
        true => format!("{media_type}; charset=utf-8"),
        false => media_type.to_owned(),
    }
}

/// Whether a file of this media type is a page that the preview's script goes into.
pub(crate) fn is_page(media_type: &str) -> bool {
    media_type.starts_with("text/html")
}
