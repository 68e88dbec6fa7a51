//! One session pointer: its phase, its references, whom it shares with, what last disturbed it.

use crate::event::{Method, ThreadId};
use crate::phase::{Phase, Phases};
use crate::state::GroupId;

/// How a session came into the shared session it is a member of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Welcome {
    /// Its logon established the shared session.
    Created,
    /// It joined without naming a profile (SHARED-016).
    Recipe,
    /// It named a profile without `MAPI_NEW_SESSION`, and so joined (SHARED-014).
    Named,
    /// The same, when the shared session had lost its creator, or a newer one had come and gone: by the pages alone it may
    /// have come to stand alone (SHARED-017, E-10).
    NamedLate,
}

/// Whom a session shares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Membership {
    /// With nobody.
    Individual,
    /// With the members of this shared session.
    Member(GroupId, Welcome),
    /// The documents do not decide (E-10, A-06), or the subject's dialect is not known.
    Unknown,
}

impl Membership {
    /// Whether the two certainly do not share a session.
    pub fn is_apart_from(self, other: Self) -> bool {
        match (self, other) {
            (Self::Individual, _) | (_, Self::Individual) => true,
            (Self::Member(a, _), Self::Member(b, _)) => a != b,
            _ => false,
        }
    }
}

/// What last happened that must leave a working session, or an object of it, as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Disturbance {
    /// A reference from `QueryInterface` was given back.
    GaveBackQueried,
    /// A reference from `AddRef` was given back.
    GaveBackAdded,
    /// A Logoff of this session was refused for its arguments.
    RefusedLogoff,
    /// A Logoff of this session was cancelled by the person.
    CancelledLogoff,
    /// A member of the same shared session logged off with `MAPI_LOGOFF_SHARED`.
    MemberLogoffShared,
    /// Another session ended, otherwise.
    OtherEnded,
    /// `MAPIUninitialize`, not to zero.
    Uninitialised,
    /// Another client logged on.
    OtherLogon,
    /// `AdminServices` handed out an administrator.
    Administered,
    /// `QueryFastShutdown` was called.
    QueriedFastShutdown,
    /// Another object from the same method was released.
    SiblingReleased,
}

impl Disturbance {
    /// The one to remember of two: the later, but a mere logon of another's never covers something graver, nothing covers a
    /// word that some documents let end this one, and that the pointer by which it was asked is given back never covers the
    /// question.
    pub(crate) fn over(self, earlier: Option<Self>) -> Self {
        match (self, earlier) {
            (Self::OtherLogon, Some(graver)) => graver,
            (_, Some(Self::MemberLogoffShared)) => Self::MemberLogoffShared,
            (Self::GaveBackQueried, Some(Self::QueriedFastShutdown)) => Self::QueriedFastShutdown,
            _ => self,
        }
    }
}

/// A session pointer that a logon handed out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Session {
    /// The phases it may be in.
    pub phases: Phases,
    /// The thread of its logon.
    pub born_on: ThreadId,
    /// References the client holds: the logon's, and those from `AddRef` and `QueryInterface`.
    pub references: u8,
    /// How many of them came from `QueryInterface`.
    pub queried: u8,
    /// How many of them came from `AddRef`.
    pub added: u8,
    /// Whom it shares with.
    pub membership: Membership,
    /// It logged on with `MAPI_NEW_SESSION` while a shared session lived.
    pub apart: bool,
    /// The methods that have succeeded on it, a bit each.
    pub worked: u32,
    /// Of these, the ones that have not been asked since it was disturbed: they must work as before, once.
    pub must_work: u32,
    /// Of these, the ones that have not been asked since a member's Logoff with `MAPI_LOGOFF_SHARED`, whatever happened after
    /// that.
    pub not_asked_since_told: u32,
    /// The methods that were answered while other calls were under way: before these or after them, nobody knows.
    pub amid: u32,
    /// What last disturbed it.
    pub disturbed: Option<Disturbance>,
    /// Another member has logged off with `MAPI_LOGOFF_SHARED` since it logged on, whatever has disturbed it after that.
    pub told: bool,
    /// Its last call but `GetLastError` answered `MAPI_E_EXTENDED_ERROR` (ERR-009).
    pub promises_error: bool,
    /// The identity it answered with, hashed.
    pub identity: Option<u64>,
    /// It went away by its final Release, without a Logoff.
    pub never_logged_off: bool,
    /// It has ended, and the subject has settled since: whatever its end brings to others has come.
    pub wound_up: bool,
    /// A sink was still registered on it when it logged off.
    pub left_registered: bool,
    /// It ended together with another that owed the same listener a word: whose words came, nobody can tell, and some may
    /// be on their way for ever.
    pub words_unclear: bool,
    /// Another Logoff of it was called while one was under way.
    pub ended_twice_over: bool,
    /// A Logoff of it failed, not for its arguments and not by a person, when another member had logged off with
    /// `MAPI_LOGOFF_SHARED` or was just doing it: as where that has ended it too.
    pub failed_since_told: bool,
    /// A later logon was handed this very pointer: whose calls these are, nobody can tell any more.
    pub aliased: bool,
}

/// References of an unknown number.
const ANY: u8 = u8::MAX;

impl Session {
    /// A session as a logon hands it out.
    pub fn new(born_on: ThreadId, membership: Membership) -> Self {
        Self {
            phases: Phases::only(Phase::LoggedOn),
            born_on,
            references: 1,
            queried: 0,
            added: 0,
            membership,
            apart: false,
            worked: 0,
            must_work: 0,
            not_asked_since_told: 0,
            amid: 0,
            disturbed: None,
            told: false,
            promises_error: false,
            identity: None,
            never_logged_off: false,
            wound_up: false,
            left_registered: false,
            words_unclear: false,
            ended_twice_over: false,
            failed_since_told: false,
            aliased: false,
        }
    }

    /// A session that was there before the recording began.
    pub(crate) fn met_in_the_middle() -> Self {
        let phases = Phases::only(Phase::LoggedOn).or(Phases::only(Phase::LoggedOff));
        Self { phases, references: ANY, ..Self::new(ThreadId(0), Membership::Unknown) }
    }

    /// It logged off with a sink registered, and the subject has settled since.
    pub(crate) const fn has_long_left(&self) -> bool {
        self.wound_up && self.left_registered
    }

    /// It may have been logged off before the recording began, and has just done what only a living session does.
    pub(crate) fn note_that_it_lives(&mut self) {
        if self.references == ANY
            && self.phases.may_be(Phase::LoggedOn)
            && !self.phases.may_be(Phase::LoggingOff)
        {
            self.phases = Phases::only(Phase::LoggedOn);
        }
    }

    /// A reference less, or one of an unknown number. Whether it may have been the last.
    pub(crate) fn give_back_one_of_any(&mut self) -> bool {
        if self.references == ANY {
            self.phases = self.phases.or(Phases::only(Phase::Released));
        }
        self.references == ANY
    }

    /// That others came or went matters only to what must work as before.
    pub(crate) fn forget_who_else_came_and_went(&mut self) {
        if matches!(self.disturbed, Some(Disturbance::OtherEnded | Disturbance::OtherLogon)) {
            self.disturbed = None;
        }
    }

    /// Certainly logged on, no Logoff under way.
    pub fn is_logged_on(&self) -> bool {
        self.phases.is(Phase::LoggedOn)
    }

    /// Certainly logged off.
    pub fn is_logged_off(&self) -> bool {
        self.phases.is(Phase::LoggedOff)
    }

    /// Certainly logged off, and perhaps let go of after that.
    pub fn has_logged_off(&self) -> bool {
        self.is_logged_off() || (self.is_released() && !self.never_logged_off)
    }

    /// The client holds no reference any more.
    pub fn is_released(&self) -> bool {
        self.phases.is(Phase::Released)
    }

    /// Certainly a member of that shared session.
    pub fn is_member_of(&self, group: GroupId) -> bool {
        matches!(self.membership, Membership::Member(own, _) if own == group)
    }

    /// The shared session it is certainly a member of.
    pub fn group(&self) -> Option<GroupId> {
        match self.membership {
            Membership::Member(group, _) => Some(group),
            _ => None,
        }
    }

    /// Whether this method had succeeded on it before it was disturbed, and was not asked since.
    pub fn must_work(&self, method: Method) -> bool {
        self.must_work & (1 << method as u32) != 0
    }

    /// Something may be happening that must leave it as it was.
    pub(crate) fn alert(&mut self, by: Disturbance) {
        let answers_for_itself = !matches!(by, Disturbance::OtherEnded | Disturbance::OtherLogon);
        let earlier = self.disturbed.filter(|earlier| {
            // What was not asked since is remembered, a method at a time.
            !(answers_for_itself && *earlier == Disturbance::MemberLogoffShared)
        });
        self.disturbed = Some(by.over(earlier));
        self.told |= by == Disturbance::MemberLogoffShared;
    }

    /// What last happened that must not change how this method answers.
    pub(crate) fn disturbed_since(&self, method: Method) -> Option<Disturbance> {
        if self.not_asked_since_told & (1 << method as u32) != 0 {
            return Some(Disturbance::MemberLogoffShared);
        }
        self.disturbed
    }

    /// It has happened.
    pub(crate) fn disturb(&mut self, by: Disturbance) {
        self.alert(by);
        self.must_work |= self.worked & !self.amid;
        if by == Disturbance::MemberLogoffShared {
            self.not_asked_since_told |= self.worked & !self.amid;
        }
    }

    /// It was told of a member's Logoff with `MAPI_LOGOFF_SHARED`, and nothing shows that it has lived since: that has disturbed
    /// it last, or no method has succeeded after it but `GetLastError`, which may after a Logoff too (E-03).
    pub(crate) fn may_have_ended_when_told(&self) -> bool {
        let says_nothing = self.not_asked_since_told | self.amid | 1 << Method::GetLastError as u32;
        let has_worked_since = self.worked & !says_nothing != 0;
        self.disturbed == Some(Disturbance::MemberLogoffShared) || (self.told && !has_worked_since)
    }

    /// Remembers that this method has succeeded.
    pub(crate) fn remember(&mut self, method: Method, amid_others: bool) {
        self.amid |= u32::from(amid_others) << method as u32;
        self.worked |= 1 << method as u32;
        self.has_answered(method);
    }

    /// Remembers that this method has failed since.
    pub(crate) fn forget(&mut self, method: Method) {
        self.worked &= !(1 << method as u32);
        self.has_answered(method);
    }

    fn has_answered(&mut self, method: Method) {
        self.must_work &= !(1 << method as u32);
        self.not_asked_since_told &= !(1 << method as u32);
    }
}
