//! What a rule sees when a call ends: the state just before, and the call's own history.

use crate::calls::CallKind;
use crate::era::Era;
use crate::event::{Call, Method, Target};
use crate::flags::{LogoffFlags, LogonFlags};
use crate::phase::{Phases, Standing};
use crate::scope::Scene;
use crate::state::{Disturbance, Membership, Object, ObjectKind, Pending, Session, World};

/// A call about to end. What most rules ask of it is looked up once.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Everything remembered, the call itself still under way.
    pub world: &'a World,
    /// The call.
    pub pending: &'a Pending,
    /// The era of the judgement.
    pub era: Era,
    session: Option<&'a Session>,
    object: Option<&'a Object>,
    standing: Option<Standing>,
    disturbed: Option<Disturbance>,
    first_logoff: bool,
    scene: Scene,
}

impl<'a> Moment<'a> {
    /// The moment at which this call of the world's ends.
    pub fn new(world: &'a World, pending: &'a Pending, era: Era) -> Self {
        let session = pending.call.session().and_then(|id| world.session(id));
        let object = pending.call.object().and_then(|id| world.object(id));
        // The session has two owners by one pointer: what either of them does to the other, no rule can tell.
        let aliased =
            world.session_of(&pending.call).and_then(|id| world.session(id)).is_some_and(|s| s.aliased);
        let standing = if aliased { None } else { pending.saw.map(Phases::standing) };
        let first_logoff = !aliased && is_first_logoff(world, pending);
        let disturbed = match object {
            Some(object) => object.disturbed,
            None => session.and_then(|session| match pending.call {
                Call::Method { method, .. } => session.disturbed_since(method),
                _ => session.disturbed,
            }),
        };
        let beside = pending.overlapped || pending.nested || !world.running.is_empty();
        let scene = Scene {
            kind: CallKind::of(&pending.call),
            met: standing.into(),
            stirred: disturbed.is_some() || beside,
        };
        Self { world, pending, era, session, object, standing, disturbed, first_logoff, scene }
    }

    /// The kind of the call, what it met, and whether anything was out of the way.
    pub fn scene(&self) -> Scene {
        self.scene
    }

    /// The call.
    pub fn call(&self) -> &'a Call {
        &self.pending.call
    }

    /// The session it was made on, if it was made on one.
    pub fn session(&self) -> Option<&'a Session> {
        self.session
    }

    /// The object it was made on, if it was made on one.
    pub fn object(&self) -> Option<&'a Object> {
        self.object
    }

    /// What the call may have met: its session, or its object's session, working or ended.
    pub fn standing(&self) -> Option<Standing> {
        self.standing
    }

    /// Another member of the call's session has logged off with `MAPI_LOGOFF_SHARED`, the session had not ended before, and
    /// nothing shows that it has lived since.
    pub fn was_told(&self) -> bool {
        !self.dead() && self.own_session().is_some_and(Session::may_have_ended_when_told)
    }

    /// A Logoff of it has failed after that, or while that was under way, as where it has ended the session too.
    pub fn failed_since_told(&self) -> bool {
        self.own_session().is_some_and(|own| own.failed_since_told)
    }

    /// The session that the call is made on, or whose object it is made on.
    fn own_session(&self) -> Option<&'a Session> {
        self.world.session_of(self.call()).and_then(|id| self.world.session(id))
    }

    /// The session worked throughout the call.
    pub fn alive(&self) -> bool {
        self.standing() == Some(Standing::Alive)
    }

    /// The session had ended before the call, which a Logoff that returned had ended.
    pub fn dead(&self) -> bool {
        self.standing() == Some(Standing::Dead)
    }

    /// The call overlapped the end of its session.
    pub fn either(&self) -> bool {
        self.standing() == Some(Standing::Either)
    }

    /// A Logoff whose entry found the session certainly logged on, and no other Logoff of it under way.
    pub fn first_logoff(&self) -> bool {
        self.first_logoff
    }

    /// A first Logoff with arguments that the page allows: nothing but `S_OK` or a cancelled dialog may come.
    pub fn legal_logoff(&self) -> bool {
        self.first_logoff() && !crate::step::is_badly_argued(self.call())
    }

    /// A Logoff with a flag of these.
    pub fn logoff_flag(&self, flag: LogoffFlags) -> bool {
        matches!(self.call(), Call::Logoff { flags, .. } if flags.has(flag))
    }

    /// The call may be waiting for a person.
    pub fn may_wait_for_a_person(&self) -> bool {
        let shows = LogonFlags::MAPI_LOGON_UI.0 | LogonFlags::MAPI_PASSWORD_UI.0;
        self.logoff_flag(LogoffFlags::MAPI_LOGOFF_UI)
            || matches!(self.call(), Call::LogonEx { flags, .. } if flags.0 & shows != 0)
    }

    /// An `OnNotify` that runs on another thread may be waiting for this very call: it is not itself in a call that has
    /// not returned.
    pub fn may_be_waited_for_by_a_sink(&self) -> bool {
        let calls = |thread| self.world.pending.iter().any(|p| p.nested && p.thread == thread);
        let mut hearing = self.world.running.iter().filter(|r| r.notify && r.thread != self.pending.thread);
        hearing.any(|running| !calls(running.thread))
    }

    /// The method that is called, if it is one of those without a rule on the session's life.
    pub fn method(&self) -> Option<Method> {
        match self.call() {
            Call::Method { method, .. } => Some(*method),
            _ => None,
        }
    }

    /// The flags of such a method.
    pub fn method_flags(&self) -> u32 {
        match self.call() {
            Call::Method { flags, .. } => *flags,
            _ => 0,
        }
    }

    /// What last disturbed the session or the object that the call is made on.
    pub fn disturbed(&self) -> Option<Disturbance> {
        self.disturbed
    }

    /// The very same question was answered with success before, on the same pointer, and nothing since may have
    /// changed the answer. Asked of a session: before it was disturbed, and not since.
    pub fn worked_before(&self) -> bool {
        match self.call() {
            Call::Method { method, flags: 0, .. } => self.session().is_some_and(|s| s.must_work(*method)),
            Call::OnObject { method, .. } => self.object().is_some_and(|o| o.has_worked(*method)),
            _ => false,
        }
    }

    /// A question to a table about its state, which that has answered before.
    pub fn asks_a_table_that_worked(&self) -> bool {
        self.worked_before()
            && self.object().is_some_and(Object::is_table)
            && matches!(self.call(), Call::OnObject { method, .. } if method.carries_state())
    }

    /// A Logoff of the session that the call is made on, or whose object it is made on, has returned before.
    pub fn after_a_logoff(&self) -> bool {
        self.dead() && self.own_session().is_some_and(|own| !own.never_logged_off)
    }

    /// The session is certainly not shared.
    pub fn unshared(&self) -> bool {
        self.session().is_some_and(|session| session.membership == Membership::Individual)
    }

    /// The call is `Release` on a session, and gives back the last reference.
    pub fn gives_back_the_last(&self) -> bool {
        matches!(self.call(), Call::Release { target: Target::Session(_) })
            && self.session().is_some_and(|session| session.references == 1)
    }

    /// The object that the call is made on is the session's `IMAPIClientShutdown`.
    pub fn on_client_shutdown(&self) -> bool {
        self.object().is_some_and(|object| object.kind == ObjectKind::ClientShutdown)
    }
}

fn is_first_logoff(world: &World, pending: &Pending) -> bool {
    use crate::phase::Phase::{Committed, LoggedOff, LoggingOff, Released};
    let Call::Logoff { session: own, .. } = pending.call else { return false };
    let another = |other: &Pending| {
        other.id != pending.id && matches!(other.call, Call::Logoff { session, .. } if session == own)
    };
    !world.pending.iter().any(another)
        && pending.saw.is_some_and(|saw| {
            saw.may_be(LoggingOff) && saw.may_be(Committed) && !saw.may_be(LoggedOff) && !saw.may_be(Released)
        })
}
