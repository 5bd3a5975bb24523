//! Which feeds a site has: `[feed]`.

use serde::Deserialize;

/// The feeds of a site.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feeds {
    /// The formats in which each feed is written. None: no feeds.
    pub formats: Vec<Format>,
    /// How many entries a feed has at most.
    pub limit: usize,
    /// Whether an entry has the whole text, or only its excerpt.
    pub full: bool,
    /// Whether each tag and category has a feed as well.
    pub terms: bool,
}

/// The format of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Atom 1.0 (RFC 4287).
    Atom,
    /// RSS 2.0.
    Rss,
    /// JSON Feed 1.1.
    Json,
}

impl Format {
    /// The name of a feed's file.
    pub fn file(self) -> &'static str {
        match self {
            Self::Atom => "feed.xml",
            Self::Rss => "rss.xml",
            Self::Json => "feed.json",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml",
            Self::Rss => "application/rss+xml",
            Self::Json => "application/feed+json",
        }
    }
}

impl Default for Feeds {
    fn default() -> Self {
        Self {
            formats: vec![Format::Atom],
            limit: 20,
            full: true,
            terms: false,
        }
    }
}
