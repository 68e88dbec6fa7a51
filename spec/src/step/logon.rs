//! What a successful `MAPILogonEx` brings: a session, and whom it shares with.

use crate::dialect::Sharing;
use crate::event::{Call, Profile, SessionId, Target};
use crate::flags::LogonFlags;
use crate::outcome::{Out, Outcome};
use crate::phase::Phase;
use crate::state::{Disturbance, Group, GroupId, Groups, Membership, Pending, Session, Welcome, World, put};

impl World {
    /// The shared sessions that certainly live: a certain member is certainly logged on.
    pub fn live_groups(&self) -> impl Iterator<Item = GroupId> {
        let live = self.groups_of(Session::is_logged_on);
        self.all_groups().filter(move |group| live.has(*group))
    }

    fn all_groups(&self) -> impl Iterator<Item = GroupId> {
        (0..self.groups.len()).filter_map(|number| u8::try_from(number).ok()).map(GroupId)
    }

    /// The shared sessions of those sessions for which this holds.
    fn groups_of(&self, holds: impl Fn(&Session) -> bool) -> Groups {
        let mut groups = Groups::default();
        self.all_sessions()
            .filter(|(_, session)| holds(session))
            .filter_map(|(_, session)| session.group())
            .for_each(|group| groups.add(group));
        groups
    }

    /// It has lost its creator, or a newer one has come since: whether it can still be joined, no page says (E-10).
    pub(crate) fn is_orphaned(&self, group: GroupId) -> bool {
        self.groups.get(usize::from(group.0)).is_some_and(|group| group.creator_left || group.superseded)
    }

    /// A number for a new shared session: that of one which nobody remembers, or the next. `None` where there are more
    /// than can be told apart.
    fn unused_group(&self) -> Option<GroupId> {
        let remembered = self.groups_of(|_| true);
        let forgotten = self.all_groups().find(|group| !remembered.has(*group));
        forgotten.or_else(|| u8::try_from(self.groups.len()).ok().map(GroupId))
    }

    /// Whether a session that may be shared, and may live, is not certain to be or to do so.
    pub fn sharing_is_uncertain(&self) -> bool {
        self.process.haunted
            || self.pending.iter().any(|pending| {
                matches!(pending.call, Call::Release { target: Target::Session(id) }
                    if self.session(id).is_some_and(|session| session.references <= 1 && session.is_logged_on()))
            })
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
        let fresh = || {
            self.unused_group()
                .map_or(Membership::Unknown, |group| Membership::Member(group, Welcome::Created))
        };
        let allows_others = flags.has(LogonFlags::MAPI_ALLOW_OTHERS);
        if flags.has(LogonFlags::MAPI_NEW_SESSION) {
            return if allows_others { fresh() } else { Membership::Individual };
        }
        let named = profile == Profile::Named || flags.has(LogonFlags::MAPI_USE_DEFAULT);
        let mut live = self.live_groups();
        match (live.next(), live.next()) {
            _ if self.sharing_is_uncertain() => Membership::Unknown,
            (None, _) if allows_others => fresh(),
            (None, _) if named => Membership::Individual,
            (Some(group), None) if !allows_others && self.process.dialect.sharing == Sharing::Offered => {
                let welcome = match (named, self.is_orphaned(group)) {
                    (false, _) => Welcome::Recipe,
                    (true, false) => Welcome::Named,
                    (true, true) => Welcome::NamedLate,
                };
                Membership::Member(group, welcome)
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
            // Where the pointer was not recorded, somebody is on whom the trace does not name.
            self.process.haunted |= outcome.succeeded() && outcome.out == Out::None;
            return;
        }
        let mut id = id;
        if let Out::SameAs(earlier) = outcome.out {
            match self.session_mut(earlier) {
                // A pointer may be handed out anew once nobody holds it.
                Some(known) if known.is_released() => id = earlier,
                Some(known) => {
                    known.references = known.references.saturating_add(1);
                    known.aliased = true;
                    known.membership = Membership::Unknown;
                    return;
                }
                // That one was an alias itself: whose calls these are, nobody can tell.
                None => return,
            }
        }
        let membership = match self.welcome(profile, flags) {
            _ if pending.overlapped && !flags.has(LogonFlags::MAPI_NEW_SESSION) => Membership::Unknown,
            decided => decided,
        };
        let mut session = Session::new(pending.thread, membership);
        session.apart = flags.has(LogonFlags::MAPI_NEW_SESSION) && self.live_groups().next().is_some();
        if let Membership::Member(group, Welcome::Created) = membership {
            for older in &mut self.groups {
                older.superseded = true;
            }
            match self.groups.get_mut(usize::from(group.0)) {
                Some(forgotten) => *forgotten = Group::default(),
                None => self.groups.push(Group::default()),
            }
        }
        self.disturb_all(Disturbance::OtherLogon);
        if profile == Profile::Named || flags.has(LogonFlags::MAPI_USE_DEFAULT) {
            self.process.logon_worked.remember(flags);
        }
        self.forget_session(id);
        put(&mut self.sessions, id.0, session);
    }
}
