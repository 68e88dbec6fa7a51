//! The catalogue: what the documents demand, a row a rule, restated in our own words.
//!
//! In scope are the survey's 91 rows that drive the state machine of a session's end, and three made from
//! edge cases that the documents settle between the lines: LOGOFF-025, LOGOFF-026 and LOGOFF-027. The other
//! rows of these families are listed, and accuse no session; how they could be observed is the survey's word.

mod dead;
mod end;
mod err;
mod init;
mod logoff;
mod logon;
mod notify;
mod sess;
mod shared;
mod thread;
mod unk;

use std::fmt;
use std::str::FromStr;

use crate::era::Era;
use crate::level::Level;
use crate::party::Party;

/// A family of requirements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// `IMAPISession::Logoff`: the call itself.
    Logoff,
    /// After Logoff.
    Dead,
    /// `IUnknown`.
    Unk,
    /// The client's order of steps.
    End,
    /// `MAPILogonEx`.
    Logon,
    /// `MAPIInitialize` and `MAPIUninitialize`.
    Init,
    /// Other methods of `IMAPISession`.
    Sess,
    /// Notifications.
    Notify,
    /// Shared sessions.
    Shared,
    /// General conventions on results.
    Err,
    /// Threads.
    Thread,
}

impl Family {
    /// Every family, in the order of the catalogue.
    pub const ALL: [Self; 11] = [
        Self::Logoff,
        Self::Dead,
        Self::Unk,
        Self::End,
        Self::Logon,
        Self::Init,
        Self::Sess,
        Self::Notify,
        Self::Shared,
        Self::Err,
        Self::Thread,
    ];

    /// The requirement of that number.
    pub const fn id(self, number: u16) -> RequirementId {
        RequirementId { family: self, number }
    }

    const fn rows(self) -> &'static [Requirement] {
        match self {
            Self::Logoff => logoff::ROWS,
            Self::Dead => dead::ROWS,
            Self::Unk => unk::ROWS,
            Self::End => end::ROWS,
            Self::Logon => logon::ROWS,
            Self::Init => init::ROWS,
            Self::Sess => sess::ROWS,
            Self::Notify => notify::ROWS,
            Self::Shared => shared::ROWS,
            Self::Err => err::ROWS,
            Self::Thread => thread::ROWS,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Logoff => "LOGOFF",
            Self::Dead => "DEAD",
            Self::Unk => "UNK",
            Self::End => "END",
            Self::Logon => "LOGON",
            Self::Init => "INIT",
            Self::Sess => "SESS",
            Self::Notify => "NOTIFY",
            Self::Shared => "SHARED",
            Self::Err => "ERR",
            Self::Thread => "THREAD",
        })
    }
}

/// The name of a requirement for ever: `LOGOFF-003`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequirementId {
    /// The family.
    pub family: Family,
    /// The number in the family, from 1.
    pub number: u16,
}

impl fmt::Display for RequirementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:03}", self.family, self.number)
    }
}

/// This is no requirement's ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no requirement's ID: a family and three digits, such as LOGOFF-003")]
pub struct NotAnId(pub String);

impl FromStr for RequirementId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId(text.to_owned());
        let (family, number) = text.rsplit_once('-').ok_or_else(wrong)?;
        let family = Family::ALL.into_iter().find(|known| known.to_string().eq_ignore_ascii_case(family));
        let digits = number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
        match (family, digits.then(|| number.parse().ok()).flatten()) {
            (Some(family), Some(number)) => Ok(family.id(number)),
            _ => Err(wrong()),
        }
    }
}

/// How strongly the documents put it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strength {
    /// The page demands it.
    Must,
    /// The page advises it.
    Should,
    /// The page permits it.
    May,
    /// No page of the method says it; a general convention does.
    Convention,
    /// No page says it.
    Undocumented,
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
            Self::Convention => "convention",
            Self::Undocumented => "undocumented",
        })
    }
}

/// How it can be seen whether it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Observable {
    /// At the boundary between client and session.
    Boundary,
    /// Only with a person, for this reason.
    NeedsUser(&'static str),
    /// Only with a provider of the tester's own, for this reason.
    NeedsProvider(&'static str),
    /// Only in the trace of a client, for this reason.
    ClientTrace(&'static str),
    /// Not at all, for this reason.
    NotObservable(&'static str),
}

impl Observable {
    /// Why it is not seen at the boundary, where it is not.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Boundary => None,
            Self::NeedsUser(why)
            | Self::NeedsProvider(why)
            | Self::ClientTrace(why)
            | Self::NotObservable(why) => Some(why),
        }
    }
}

impl fmt::Display for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boundary => "boundary",
            Self::NeedsUser(_) => "needs-user",
            Self::NeedsProvider(_) => "needs-provider",
            Self::ClientTrace(_) => "client-trace",
            Self::NotObservable(_) => "not-observable",
        })
    }
}

/// Where a document says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The page, or the name of the document.
    pub document: &'static str,
    /// The section of it.
    pub section: &'static str,
}

/// One rule of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// Its name for ever.
    pub id: RequirementId,
    /// Its name for people, in kebab case.
    pub name: &'static str,
    /// Whom it binds.
    pub binds: &'static [Party],
    /// How strongly the documents put it.
    pub strength: Strength,
    /// The first level that demands it.
    pub level: Level,
    /// The one era it belongs to, or both.
    pub era: Option<Era>,
    /// Whether it drives the state machine.
    pub in_scope: bool,
    /// Where the documents say it.
    pub sources: &'static [Source],
    /// What it says, in our own words.
    pub text: &'static str,
    /// How it can be seen whether it is kept.
    pub observable: Observable,
    /// The version of the catalogue it came with.
    pub since: u16,
    /// The version of the catalogue that last changed it.
    pub revision: u16,
    /// The requirements whose breach is a mere consequence of this one's.
    pub implies: &'static [RequirementId],
}

/// Every requirement, ascending.
pub fn catalogue() -> impl Iterator<Item = &'static Requirement> {
    Family::ALL.into_iter().flat_map(Family::rows)
}

/// The requirement of that name.
pub fn find(id: RequirementId) -> Option<&'static Requirement> {
    id.family.rows().iter().find(|row| row.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_ascend_and_each_is_found_by_itself() {
        let ids: Vec<_> = catalogue().map(|row| row.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        for row in catalogue() {
            assert_eq!(find(row.id), Some(row), "{}", row.id);
        }
    }

    #[test]
    fn names_are_in_kebab_case_and_unique_in_the_whole_catalogue() {
        let mut names = HashSet::new();
        for row in catalogue() {
            let word = |word: &str| {
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            };
            assert!(row.name.split('-').all(word), "{} is called {:?}", row.id, row.name);
            assert!(names.insert(row.name), "{:?} twice, the second time for {}", row.name, row.id);
        }
    }

    #[test]
    fn ninety_one_rows_and_four_of_our_own_are_in_scope_and_twenty_cannot_be_seen() {
        let scope: Vec<_> = catalogue().filter(|row| row.in_scope).collect();
        assert_eq!(scope.len(), 95);
        let unseen = scope.iter().filter(|row| row.observable != Observable::Boundary).count();
        assert_eq!(unseen, 19, "UNK-014 is the twentieth of the survey, and judged here");
    }

    #[test]
    fn what_implies_another_exists_and_never_implies_itself() {
        for row in catalogue() {
            let mut seen = HashSet::new();
            let mut next: Vec<_> = row.implies.to_vec();
            while let Some(id) = next.pop() {
                assert_ne!(id, row.id, "{} implies itself", row.id);
                let implied =
                    find(id).unwrap_or_else(|| panic!("{} implies {id}, which is not there", row.id));
                if seen.insert(id) {
                    next.extend(implied.implies);
                }
            }
        }
    }

    #[test]
    fn every_row_has_a_text_of_our_own_and_a_source_and_binds_someone() {
        for row in catalogue() {
            let id = row.id;
            assert!(row.text.len() > 10 && row.text.ends_with('.'), "{id}");
            assert!(!row.text.contains(['\u{201c}', '\u{201d}']), "{id} quotes");
            assert!(!row.sources.is_empty() && !row.binds.is_empty(), "{id}");
            assert!(row.sources.iter().all(|s| !s.document.is_empty() && !s.section.is_empty()), "{id}");
            assert!(row.observable.reason().is_none_or(|why| !why.is_empty()), "{id}");
        }
    }

    #[test]
    fn what_binds_the_client_alone_is_demanded_from_the_mildest_level_on() {
        for row in catalogue().filter(|row| row.binds == [Party::Client]) {
            assert_eq!(row.level, Level::Documented, "{}", row.id);
        }
    }

    #[test]
    fn an_id_reads_back_as_itself() {
        for row in catalogue() {
            assert_eq!(row.id.to_string().parse(), Ok(row.id));
        }
        for wrong in ["", "LOGOFF", "LOGOFF-3", "LOGOFF-0003", "LOGOFF-+03", "PROV-001"] {
            assert_eq!(wrong.parse::<RequirementId>(), Err(NotAnId(wrong.to_owned())));
        }
    }
}
