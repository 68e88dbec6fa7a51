//! How strict a judgement is.

use std::fmt;
use std::str::FromStr;

/// How strict a judgement is. Each level contains the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Only what the pages about these interfaces say.
    Documented,
    /// And what MAPI's and COM's general conventions say.
    Conventional,
    /// And what a careful implementation does where nothing is said.
    Robust,
}

impl Level {
    /// Every level, the mildest first.
    pub const ALL: [Self; 3] = [Self::Documented, Self::Conventional, Self::Robust];
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Documented => "documented",
            Self::Conventional => "conventional",
            Self::Robust => "robust",
        })
    }
}

/// No level is called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no level is called {0:?}: documented, conventional or robust")]
pub struct UnknownLevel(pub String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let known = Self::ALL.into_iter().find(|level| level.to_string() == text);
        known.ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}
