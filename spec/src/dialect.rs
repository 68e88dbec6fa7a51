//! Choices that the documents leave to the implementation: declared, or inferred from what was observed.

use crate::event::{Call, Callback, Event, Profile};
use crate::flags::{LogoffFlags, LogonFlags};
use crate::state::{Membership, Welcome, World};
use crate::symbols::Happening;

/// Whether a subject shares sessions between clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Sharing {
    /// Not known yet: nothing that rests on it is demanded.
    #[default]
    Unknown,
    /// A client was seen to join, or to be told.
    Offered,
    /// A logon that should have joined was seen to be refused for want of support, or to stand alone.
    NotOffered,
}

/// What a subject was seen to offer. Rules that rest on something not offered are not exercised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dialect {
    /// Shared sessions.
    pub sharing: Sharing,
}

/// What traces show of a subject's choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Evidence {
    /// A logon that can only join succeeded while somebody shared.
    joined: bool,
    /// It was refused while somebody shared.
    refused: bool,
    /// It succeeded while nobody did: then joining proves nothing.
    alone: bool,
    /// Somebody who may share heard of another's Logoff with `MAPI_LOGOFF_SHARED`.
    told: bool,
}

/// What the subject was seen to offer, over all its traces.
pub fn infer<T: AsRef<[Event]>>(traces: impl IntoIterator<Item = T>) -> Dialect {
    let mut inference = Inference::default();
    for trace in traces {
        inference.learn(trace.as_ref());
        if inference.is_certain() {
            break;
        }
    }
    inference.dialect()
}

/// What the subject is seen to offer, an event at a time.
#[derive(Debug, Clone, Default)]
pub struct Inference {
    world: World,
    seen: Evidence,
}

impl Inference {
    /// One more trace, as it is known by now.
    pub fn learn(&mut self, trace: &[Event]) {
        self.begin();
        for event in trace {
            self.observe(event);
        }
    }

    /// Whether nothing that comes can say otherwise: somebody was told.
    pub const fn is_certain(&self) -> bool {
        self.seen.told
    }

    /// Another trace begins.
    pub fn begin(&mut self) {
        self.world = World::default();
    }

    /// What was seen so far.
    pub fn dialect(&self) -> Dialect {
        let sharing = match self.seen {
            Evidence { told: true, .. } | Evidence { joined: true, alone: false, .. } => Sharing::Offered,
            Evidence { joined: true, alone: true, .. } | Evidence { joined: false, refused: true, .. } => {
                Sharing::NotOffered
            }
            _ => Sharing::Unknown,
        };
        Dialect { sharing }
    }

    /// One more event of the trace.
    pub fn observe(&mut self, event: &Event) {
        let (world, seen) = (&mut self.world, &mut self.seen);
        match *event {
            Event::Return { id, outcome } => {
                let call = world.pending.iter().find(|pending| pending.id == id).map(|pending| pending.call);
                if let Some(Call::LogonEx { profile: Profile::Null, flags, .. }) = call
                    && flags.0 & OWN == 0
                    && world.process.initialised > 0
                {
                    match (somebody_shares(world), outcome.succeeded()) {
                        (true, true) => seen.joined = true,
                        (true, false) => seen.refused = true,
                        (false, true) => seen.alone |= world.groups.is_empty(),
                        (false, false) => {}
                    }
                }
            }
            Event::Callback { sink, callback, .. } => {
                if matches!(callback, Callback::OnNotify { .. }) {
                    let mut heard = world.registrations.iter().flatten().filter(|r| r.sink == sink);
                    seen.told |= heard.any(|r| {
                        world.session(r.session).is_some_and(|s| s.membership != Membership::Individual)
                            && world.pending.iter().any(|pending| leaves(&pending.call, r.session))
                    });
                }
            }
            _ => {}
        }
        world.observe(event);
    }
}

/// Whether what the subject offers may be learnt from this: a logon that can only join, or a word. A trace in which nothing of
/// that happens need not be shown to [`Inference::learn`].
#[inline]
pub const fn says_something(happening: &Happening) -> bool {
    match happening {
        Happening::Call { call: Call::LogonEx { profile: Profile::Null, flags, .. }, .. } => {
            flags.0 & OWN == 0
        }
        Happening::Callback { callback: Callback::OnNotify { .. }, .. } => true,
        _ => false,
    }
}

/// The flags that give a logon a session of its own.
const OWN: u32 = LogonFlags::MAPI_USE_DEFAULT.0
    | LogonFlags::MAPI_NEW_SESSION.0
    | LogonFlags::MAPI_ALLOW_OTHERS.0
    | LogonFlags::MAPI_LOGON_UI.0;

fn somebody_shares(world: &World) -> bool {
    world.all_sessions().any(|(_, session)| {
        session.is_logged_on() && matches!(session.membership, Membership::Member(_, Welcome::Created))
    })
}

fn leaves(call: &Call, listener: crate::event::SessionId) -> bool {
    matches!(call, Call::Logoff { session, flags, .. }
        if *session != listener && flags.has(LogoffFlags::MAPI_LOGOFF_SHARED))
}
