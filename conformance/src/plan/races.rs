//! Calls on real threads that overlap: which races there are, and their rounds.
//!
//! A race is a program of which a part runs on several threads together. It is run many times, each time with other
//! pauses before its calls, so that one call meets the other at every moment of its course. Where a callback of ours
//! can hold the session in the middle of a call, that is the business of `families::overlap`: those programs need no
//! luck, and come first here as well.

use mapi_session_spec::alphabet::{self, way_named};
use mapi_session_spec::event::{
    Call, Interface, Method, ObjectId, ObjectMethod, RegistrationId, SessionId, SinkId, Target, ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags};
use mapi_session_spec::state::Session;

use super::draft::Draft;
use super::{Brief, Observing, Planned, Round, families};
use crate::program::Place;

/// The longest pause, in turns of an idle loop: longer than most calls take.
const LONGEST: u32 = 512;

/// Three members of a shared session with a sink each; a fourth has left before, so that it is known what one
/// announcement brings.
struct Members {
    leaver: SessionId,
    other: SessionId,
    third: SessionId,
    /// Unused so far, for what a race opens.
    object: ObjectId,
}

const REGISTRATION: RegistrationId = RegistrationId(60);
const SINK: SinkId = SinkId(60);

/// What each thread of a race does.
type Threads = Vec<Vec<Call>>;

/// Its name, and what each thread does.
type Race = (&'static str, fn(&Members) -> Threads);

const RACES: &[Race] = &[
    ("logoff, logoff", |m| vec![vec![told(m.leaver)], vec![told(m.leaver)]]),
    ("logoff, logoff without the flag", |m| vec![vec![told(m.leaver)], vec![plain(m.leaver)]]),
    ("logoff, logoff of another member", |m| vec![vec![told(m.leaver)], vec![told(m.other)]]),
    ("logoff of every member", |m| vec![vec![told(m.leaver)], vec![told(m.other)], vec![told(m.third)]]),
    ("logoff, GetStatusTable", |m| {
        let opened = vec![table(m.leaver, m.object), status(m.object)];
        vec![vec![told(m.leaver)], opened]
    }),
    ("logoff, GetStatusTable twice", |m| {
        let next = ObjectId(m.object.0 + 1);
        vec![vec![plain(m.leaver)], vec![table(m.leaver, m.object)], vec![table(m.leaver, next)]]
    }),
    ("logoff, Advise", |m| {
        let mask = EventMask::END_OF_SESSION;
        let advise = Call::Advise { session: m.leaver, mask, sink: SINK, registration: REGISTRATION };
        vec![vec![told(m.leaver)], vec![advise]]
    }),
    ("logoff, Unadvise of one who is told", |m| {
        let unadvise = Call::Unadvise { session: m.other, registration: RegistrationId(1) };
        vec![vec![told(m.leaver)], vec![unadvise]]
    }),
    ("logoff, Unadvise", |m| {
        vec![
            vec![told(m.leaver)],
            vec![Call::Unadvise { session: m.leaver, registration: RegistrationId(0) }],
        ]
    }),
    ("logoff, references counted", |m| vec![vec![told(m.leaver)], counted(m.leaver, 2)]),
    ("logoff, QueryInterface", |m| {
        let (session, object) = (m.leaver, m.object);
        let query = alphabet::query(session, Interface::IMAPISession, object);
        vec![vec![told(m.leaver)], vec![query, Call::Release { target: Target::Session(session) }]]
    }),
    ("logoff, QueryIdentity of another member", |m| {
        vec![vec![told(m.leaver)], vec![identity(m.other), identity(m.third)]]
    }),
    ("logoff, logon that joins", |m| {
        let way = way_named("joining");
        let session = SessionId(m.third.0 + 2);
        vec![vec![told(m.leaver)], vec![Call::LogonEx { session, profile: way.profile, flags: way.flags }]]
    }),
    ("references counted on two threads", |m| vec![counted(m.leaver, 4), counted(m.leaver, 4)]),
    ("Advise, Advise", |m| {
        let mask = EventMask::END_OF_SESSION;
        let advise = |n| Call::Advise {
            session: m.leaver,
            mask,
            sink: SinkId(SINK.0 + n),
            registration: RegistrationId(REGISTRATION.0 + n),
        };
        vec![vec![advise(0)], vec![advise(1)]]
    }),
    ("logon, logon", |m| {
        let way = way_named("joining");
        let logon = |n| Call::LogonEx {
            session: SessionId(m.third.0 + 2 + n),
            profile: way.profile,
            flags: way.flags,
        };
        vec![(0..3).map(logon).collect(), (3..6).map(logon).collect()]
    }),
];

fn told(session: SessionId) -> Call {
    alphabet::logoff_with(session, LogoffFlags::MAPI_LOGOFF_SHARED)
}

fn plain(session: SessionId) -> Call {
    alphabet::plain_logoff(session)
}

fn table(session: SessionId, object: ObjectId) -> Call {
    Call::Method { session, method: Method::GetStatusTable, flags: 0, object }
}

fn status(object: ObjectId) -> Call {
    Call::OnObject { object, method: ObjectMethod::GetStatus }
}

fn identity(session: SessionId) -> Call {
    Call::Method { session, method: Method::QueryIdentity, flags: 0, object: ObjectId(0) }
}

/// A reference taken and given back, so many times.
fn counted(session: SessionId, times: usize) -> Vec<Call> {
    let target = Target::Session(session);
    [Call::AddRef { target }, Call::Release { target }].repeat(times)
}

/// Every race, round after round.
pub(super) fn all(brief: Brief) -> Vec<Planned> {
    let seed = &Draft::new(brief, Observing::Least);
    let mut held = Vec::new();
    families::held(seed, &mut held);
    let races: Vec<(&str, Planned)> =
        RACES.iter().map(|(name, race)| (*name, planned(seed, *race))).collect();
    let mut random = fastrand::Rng::with_seed(brief.repeats.seed);
    let rounds = (0..brief.repeats.rounds).flat_map(|number| races.iter().map(move |race| (number, race)));
    held.into_iter()
        .chain(rounds.map(|(number, (race, planned))| {
            let mut planned = planned.clone();
            planned.race = Some(Round { race, number });
            draw_pauses(&mut planned, &mut random);
            planned
        }))
        .collect()
}

/// Pauses of every length are as likely as those of twice the length; half of the rounds have none.
pub(crate) fn draw_pauses(planned: &mut Planned, random: &mut fastrand::Rng) {
    let at_once = random.bool();
    for step in &mut planned.program.steps {
        if step.place.is_racing() {
            let most = 1 << random.u32(0..=LONGEST.ilog2());
            let drawn = if at_once { 0 } else { random.u16(0..most) };
            step.change(|step| {
                if let Place::Racing { pause, .. } = &mut step.place {
                    *pause = drawn;
                }
            });
        }
    }
}

fn planned(seed: &Draft, race: fn(&Members) -> Threads) -> Planned {
    let mut draft = seed.initialised(1);
    let leaver = draft.log_on(way_named("sharing"));
    let [other, third, earlier] = ["joining"; 3].map(|way| draft.log_on(way_named(way)));
    for session in [leaver, other, third] {
        draft.advise(session, EventMask::END_OF_SESSION);
    }
    draft.call(told(earlier));
    draft.settle();
    draft.call(Call::Release { target: Target::Session(earlier) });
    for session in [leaver, other, third] {
        draft.call(identity(session));
    }
    let object = draft.object();
    let threads = race(&Members { leaver, other, third, object });
    let newcomers: Vec<SessionId> = (threads.iter().flatten())
        .filter_map(|call| match call {
            Call::LogonEx { session, .. } => Some(*session),
            _ => None,
        })
        .collect();
    let threads: Vec<(ThreadId, Vec<Call>)> = (0..).map(ThreadId).zip(threads).collect();
    draft.race(&threads);
    // Whoever came together is told like the others.
    if !newcomers.is_empty() && draft.world.session(leaver).is_some_and(Session::is_logged_on) {
        for newcomer in newcomers {
            draft.advise(newcomer, EventMask::END_OF_SESSION);
        }
        draft.call(told(leaver));
        draft.settle();
    }
    // What was opened while its session logged off is dead once that has returned: asked twice, for the first answer
    // shows that it works.
    if threads
        .iter()
        .flat_map(|(_, calls)| calls)
        .any(|call| matches!(call, Call::Method { method, .. } if method.opens()))
    {
        for object in [object, ObjectId(object.0 + 1)] {
            draft.ask_what_came_of_it(status(object));
            draft.ask_what_came_of_it(status(object));
        }
    }
    draft.end()
}
