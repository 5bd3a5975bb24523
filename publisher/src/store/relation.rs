//! [`Relation`]: why a node knows a site.

use crate::error::{Error, Result};

/// Why a node knows a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Its key is, or was, on this machine.
    Own,
    /// A host keeps it for its author.
    Pinned,
    /// A reader keeps it up to date, and shares it with others.
    Followed,
    /// It was read; it is not shared with others, and may go when room is needed.
    Visited,
}

impl Relation {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Pinned => "pinned",
            Self::Followed => "followed",
            Self::Visited => "visited",
        }
    }

    /// Whether others may have the site from this node.
    pub fn is_shared(self) -> bool {
        !matches!(self, Self::Visited)
    }

    /// The closer the relation, the lower.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Own => 0,
            Self::Pinned => 1,
            Self::Followed => 2,
            Self::Visited => 3,
        }
    }

    /// The relation that was stored as `code`.
    pub(super) fn from_code(code: u8) -> Result<Self> {
        match code {
            0 => Ok(Self::Own),
            1 => Ok(Self::Pinned),
            2 => Ok(Self::Followed),
            3 => Ok(Self::Visited),
            _ => Err(Error::damaged("a site has an unknown relation")),
        }
    }
}
