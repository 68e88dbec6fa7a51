//! Before fast shutdown, or since: the pages contradict each other across the two.

use std::fmt;
use std::str::FromStr;

/// The era of a judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Era {
    /// Before fast shutdown.
    Classic,
    /// Outlook 2007 SP2 and later.
    FastShutdown,
}

impl Era {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Classic, Self::FastShutdown];
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classic => "classic",
            Self::FastShutdown => "fast-shutdown",
        })
    }
}

/// No era is called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no era is called {0:?}: classic or fast-shutdown")]
pub struct UnknownEra(pub String);

impl FromStr for Era {
    type Err = UnknownEra;

    fn from_str(text: &str) -> Result<Self, UnknownEra> {
        Self::ALL.into_iter().find(|era| era.to_string() == text).ok_or_else(|| UnknownEra(text.to_owned()))
    }
}
