//! What a successful `MAPILogonEx` brings: a session, and whom it shares with.

use crate::dialect::Sharing;
use crate::event::{Profile, SessionId};
use crate::flags::LogonFlags;
use crate::outcome::{Out, Outcome};
use crate::phase::Phase;
use crate::state::{Disturbance, Group, GroupId, Membership, Pending, Session, Welcome, World, put};

impl World {
    /// The shared sessions that certainly live: a certain member is certainly logged on.
    pub fn live_groups(&self) -> impl Iterator<Item = GroupId> {
        (0..self.groups.len()).map(|i| GroupId(i as u8)).filter(|group| self.members(*group).next().is_some())
    }

    /// Whether a session that may be shared, and may live, is not certain to be or to do so.
    pub fn sharing_is_uncertain(&self) -> bool {
        self.process.haunted
            || self.all_sessions().any(|(_, session)| match session.membership {
                Membership::Unknown => session.phases.iter().any(|phase| phase < Phase::LoggedOff),
                Membership::Member(..) => session.phases.len() > 1,
                Membership::Individual => false,
            })
    }

    /// Whom a session shares with that logs on now, with these arguments.
    pub fn welcome(&self, profile: Profile, flags: LogonFlags) -> Membership {
        if self.process.dialect.sharing == Sharing::NotOffered {
            return Membership::Individual;
        }
        let fresh = Membership::Member(GroupId(self.groups.len() as u8), Welcome::Created);
        let allows_others = flags.has(LogonFlags::MAPI_ALLOW_OTHERS);
        if flags.has(LogonFlags::MAPI_NEW_SESSION) {
            return if allows_others { fresh } else { Membership::Individual };
        }
        let named = profile == Profile::Named || flags.has(LogonFlags::MAPI_USE_DEFAULT);
        let mut live = self.live_groups();
        match (live.next(), live.next()) {
            _ if self.sharing_is_uncertain() => Membership::Unknown,
            (None, _) if allows_others => fresh,
            (None, _) if named => Membership::Individual,
            (Some(group), None) if !allows_others && self.process.dialect.sharing == Sharing::Offered => {
                Membership::Member(group, if named { Welcome::Named } else { Welcome::Recipe })
            }
            _ => Membership::Unknown,
        }
    }

    pub(super) fn logged_on(
        &mut self,
        pending: &Pending,
        id: SessionId,
        profile: Profile,
        flags: LogonFlags,
        outcome: Outcome,
    ) {
        if !outcome.succeeded() || !outcome.gave_object() {
            return;
        }
        if let Out::SameAs(earlier) = outcome.out
            && let Some(earlier) = self.session_mut(earlier)
        {
            earlier.aliased = true;
            earlier.membership = Membership::Unknown;
            return;
        }
        let membership = self.welcome(profile, flags);
        let mut session = Session::new(pending.thread, membership);
        session.apart = flags.has(LogonFlags::MAPI_NEW_SESSION) && self.live_groups().next().is_some();
        if let Membership::Member(group, Welcome::Created) = membership {
            for older in &mut self.groups {
                older.superseded = true;
            }
            debug_assert_eq!(usize::from(group.0), self.groups.len());
            self.groups.push(Group::default());
        }
        self.disturb_all(Disturbance::OtherLogon);
        if profile == Profile::Named || flags.has(LogonFlags::MAPI_USE_DEFAULT) {
            self.process.logon_worked.remember(flags);
        }
        put(&mut self.sessions, id.0, session);
    }
}
