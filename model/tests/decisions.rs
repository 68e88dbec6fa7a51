//! What each rule decides in states that the models reach, a line each: a change to a rule shows here as a difference
//! that can be reviewed. `cargo mutants` over the rules runs this test (CONTRIBUTING.md).

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;

use mapi_session_model::{SessionModel, State, all};
use mapi_session_spec::alphabet;
use mapi_session_spec::dialect::Sharing;
use mapi_session_spec::event::{
    BufferId, Call, CallId, Callback, Interface, Method, ObjectId, ObjectMethod, Profile, RegistrationId,
    SessionId, SinkId, Target, ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags, LogonFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::moment::Moment;
use mapi_session_spec::offers;
use mapi_session_spec::outcome::{Out, Outcome};
use mapi_session_spec::rule::{Check, Demand, Hearing, Rules};
use mapi_session_spec::state::World;
use mapi_session_spec::{Era, Level};
use stateright::Model as _;

/// How many states of each model are met, breadth first, and how many of these are asked.
const MET: usize = 8_000;
const ASKED: usize = 1_200;

/// What one rule decided: on how many occasions it had something to say, how many answers it refused there, and a
/// checksum of which.
#[derive(Clone, Default)]
struct Tally {
    bears: usize,
    refuses: usize,
    which: u64,
}

impl Tally {
    fn bore(&mut self, occasion: usize) {
        self.bears += 1;
        self.note(occasion);
    }

    fn refused(&mut self, answer: usize) {
        self.refuses += 1;
        self.note(answer);
    }

    /// A hash of our own: the standard library's may change with the compiler, and what is on record may not.
    fn note(&mut self, number: usize) {
        self.which =
            (self.which ^ number as u64).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23).wrapping_add(1);
    }
}

/// States from all over the first that a breadth-first search meets.
fn sample(model: &SessionModel) -> Vec<State> {
    let mut queue: VecDeque<State> = model.init_states().into();
    let mut seen: HashSet<State> = queue.iter().cloned().collect();
    let mut met = Vec::new();
    let mut actions = Vec::new();
    while let Some(state) = queue.pop_front() {
        if met.len() == MET {
            break;
        }
        actions.clear();
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            if let Some(next) = model.next_state(&state, action)
                && seen.insert(next.clone())
            {
                queue.push_back(next);
            }
        }
        met.push(state);
    }
    let stride = (met.len() / ASKED).max(1);
    met.into_iter().step_by(stride).collect()
}

/// What no model reaches: members that named a profile, and leave; a pointer handed out twice.
fn in_no_model() -> Vec<World> {
    let mut worlds = Vec::new();
    for (leaver, first) in [(SessionId(0), "sharing"), (SessionId(1), "sharing"), (SessionId(0), "apart")] {
        for twice in [false, true] {
            let mut world = World::default();
            world.process.dialect.sharing = Sharing::Offered;
            let mut make = |world: &mut World, call: Call, out: Out| {
                world.call(CallId(1), ThreadId(0), call);
                world.finish(CallId(1), Outcome::returned(HResult::S_OK, out));
                worlds.push(world.clone());
            };
            make(&mut world, Call::Initialize, Out::None);
            for (number, way) in [first, "by-name"].into_iter().enumerate() {
                let (session, way) = (SessionId(number as u16), alphabet::way_named(way));
                make(
                    &mut world,
                    Call::LogonEx { session, profile: way.profile, flags: way.flags },
                    if twice && number == 1 { Out::SameAs(SessionId(0)) } else { Out::Object },
                );
                let (sink, registration) = (SinkId(number as u16), RegistrationId(number as u16));
                let mask = EventMask::END_OF_SESSION;
                make(
                    &mut world,
                    Call::Advise { session, mask, sink, registration },
                    Out::Value(number as u64 + 1),
                );
                world.call_back(CallId(2), ThreadId(0), sink, Callback::AddRef);
                world.finish_callback(CallId(2));
            }
            let listener = SinkId(1 - leaver.0);
            for events in [EventMask::fnevObjectModified, EventMask::fnevExtended] {
                let mut refused = world.clone();
                refused.call(CallId(1), ThreadId(0), alphabet::logoff_with(leaver, LogoffFlags(0x5)));
                refused.call_back(CallId(2), ThreadId(0), listener, Callback::OnNotify { events });
                refused.finish_callback(CallId(2));
                worlds.push(refused.clone());
                refused.finish(CallId(1), Outcome::returned(HResult::MAPI_E_UNKNOWN_FLAGS, Out::None));
                worlds.push(refused);
            }
            let mut world = world.clone();
            let flagged = alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED);
            world.call(CallId(1), ThreadId(0), flagged);
            world.finish(CallId(1), Outcome::OK);
            worlds.push(world.clone());
            let told = Callback::OnNotify { events: EventMask::fnevExtended };
            world.call_back(CallId(2), ThreadId(0), listener, told);
            worlds.push(world.clone());
            world.finish_callback(CallId(2));
            world.settle();
            worlds.push(world);
        }
    }
    // What a model forgets of a session that has ended.
    let mut world = World::default();
    let (session, object, way) = (SessionId(0), ObjectId(0), alphabet::way_named("by-name"));
    let shutdown = alphabet::query(session, Interface::IMAPIClientShutdown, object);
    for (call, out) in [
        (Call::Initialize, Out::None),
        (Call::LogonEx { session, profile: way.profile, flags: way.flags }, Out::Object),
        (Call::AddRef { target: Target::Session(session) }, Out::None),
        (shutdown, Out::Object),
        (Call::Release { target: Target::Object(object) }, Out::None),
        (alphabet::plain_logoff(session), Out::None),
        (Call::Release { target: Target::Session(session) }, Out::None),
    ] {
        world.call(CallId(1), ThreadId(0), call);
        world.finish(CallId(1), Outcome::returned(HResult::S_OK, out));
        worlds.push(world.clone());
    }
    worlds.extend(told_through_two_registrations());
    worlds.extend(told_of_two_on_two_threads());
    worlds.extend(asked_for_fast_shutdown_before());
    worlds.extend(let_go_while_a_reference_comes());
    worlds.extend(held_in_other_ways());
    worlds
}

/// A session held by its `IMAPIClientShutdown` alone, and what becomes of it; and a table of which a reference, of either
/// kind, was given back.
fn held_in_other_ways() -> Vec<World> {
    let (session, shutdown, table) = (SessionId(0), ObjectId(0), ObjectId(1));
    let way = alphabet::way_named("apart");
    let after = |calls: &[(Call, Out)]| {
        let mut world = World::default();
        let begin = [
            (Call::Initialize, Out::None),
            (Call::LogonEx { session, profile: way.profile, flags: way.flags }, Out::Object),
            (alphabet::query(session, Interface::IMAPIClientShutdown, shutdown), Out::Object),
            (Call::Method { session, method: Method::GetStatusTable, flags: 0, object: table }, Out::Object),
            (Call::OnObject { object: table, method: ObjectMethod::GetStatus }, Out::None),
        ];
        for (call, out) in begin.iter().chain(calls) {
            world.call(CallId(1), ThreadId(0), *call);
            world.finish(CallId(1), Outcome::returned(HResult::S_OK, *out));
        }
        world
    };
    let release = |target| (Call::Release { target }, Out::None);
    let [of_session, of_shutdown, of_table] =
        [Target::Session(session), Target::Object(shutdown), Target::Object(table)].map(release);
    let queried = |object| (alphabet::query_object(object, Interface::IUnknown, ObjectId(2)), Out::Object);
    let added = (Call::AddRef { target: Target::Object(table) }, Out::None);
    let logoff = (alphabet::plain_logoff(session), Out::None);
    [
        &[of_session][..],
        &[of_session, of_shutdown],
        &[of_session, (Call::Uninitialize, Out::None)],
        &[logoff, of_session],
        &[queried(shutdown), of_session],
        &[queried(table), of_table],
        &[queried(table), added, of_table],
        &[added, of_table],
    ]
    .map(after)
    .to_vec()
}

/// A client that holds nothing any more of a session while a reference to it, or to another, may just be coming; and one
/// that keeps a session which has logged off beyond the last `MAPIUninitialize`.
fn let_go_while_a_reference_comes() -> Vec<World> {
    let mut world = World::default();
    let make = |world: &mut World, call: Call, out: Out| {
        world.call(CallId(1), ThreadId(0), call);
        world.finish(CallId(1), Outcome::returned(HResult::S_OK, out));
    };
    make(&mut world, Call::Initialize, Out::None);
    let (session, other, way) = (SessionId(0), SessionId(1), alphabet::way_named("apart"));
    for session in [session, other] {
        make(&mut world, Call::LogonEx { session, profile: way.profile, flags: way.flags }, Out::Object);
    }
    let mut kept = world.clone();
    make(&mut kept, alphabet::plain_logoff(session), Out::None);
    make(&mut kept, Call::Uninitialize, Out::None);
    let mut worlds = vec![kept];
    make(&mut world, Call::Release { target: Target::Session(session) }, Out::None);
    for of in [session, other] {
        let query = alphabet::query(of, Interface::IMAPISession, ObjectId(0));
        for coming in [Call::AddRef { target: Target::Session(of) }, query] {
            let mut world = world.clone();
            world.call(CallId(2), ThreadId(1), coming);
            worlds.push(world);
        }
    }
    worlds
}

/// A member with two registrations is told by two Logoffs that overlap, once an earlier one has shown what one brings:
/// once each, and once too often.
fn told_through_two_registrations() -> Vec<World> {
    let mut world = World::default();
    world.process.dialect.sharing = Sharing::Offered;
    let make = |world: &mut World, call: Call, out: Out| {
        world.call(CallId(1), ThreadId(0), call);
        world.finish(CallId(1), Outcome::returned(HResult::S_OK, out));
    };
    make(&mut world, Call::Initialize, Out::None);
    for (number, way) in (0..).zip(["sharing", "joining", "joining"]) {
        let way = alphabet::way_named(way);
        let logon = Call::LogonEx { session: SessionId(number), profile: way.profile, flags: way.flags };
        make(&mut world, logon, Out::Object);
    }
    let (leaver, listener, earlier) = (SessionId(0), SessionId(1), SessionId(2));
    let tell = |world: &mut World, sink: u16| {
        let told = Callback::OnNotify { events: EventMask::END_OF_SESSION };
        world.call_back(CallId(9), ThreadId(0), SinkId(sink), told);
        world.finish_callback(CallId(9));
    };
    for number in 0..2 {
        let (sink, registration) = (SinkId(number), RegistrationId(number));
        let mask = EventMask::END_OF_SESSION;
        let advise = Call::Advise { session: listener, mask, sink, registration };
        make(&mut world, advise, Out::Value(u64::from(number) + 1));
        world.call_back(CallId(9), ThreadId(0), sink, Callback::AddRef);
        world.finish_callback(CallId(9));
    }
    world.call(CallId(1), ThreadId(0), alphabet::logoff_with(earlier, LogoffFlags::MAPI_LOGOFF_SHARED));
    tell(&mut world, 0);
    tell(&mut world, 1);
    world.finish(CallId(1), Outcome::OK);
    world.settle();
    let flagged = alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED);
    world.call(CallId(1), ThreadId(0), flagged);
    world.call(CallId(2), ThreadId(1), flagged);
    let mut worlds = Vec::new();
    for sink in [0, 1, 1] {
        tell(&mut world, sink);
        worlds.push(world.clone());
    }
    worlds
}

/// A member is to be told of two Logoffs, one of them on another thread than it registered on, and has heard of neither.
fn told_of_two_on_two_threads() -> Vec<World> {
    let mut world = World::default();
    world.process.dialect.sharing = Sharing::Offered;
    let mut make = |thread: u8, call: Call, out: Out| {
        world.call(CallId(1), ThreadId(thread), call);
        world.finish(CallId(1), Outcome::returned(HResult::S_OK, out));
        world.clone()
    };
    make(0, Call::Initialize, Out::None);
    for (number, way) in (0..).zip(["sharing", "joining", "joining"]) {
        let way = alphabet::way_named(way);
        let logon = Call::LogonEx { session: SessionId(number), profile: way.profile, flags: way.flags };
        make(0, logon, Out::Object);
    }
    let (session, sink, registration) = (SessionId(0), SinkId(0), RegistrationId(0));
    let mask = EventMask::END_OF_SESSION;
    make(0, Call::Advise { session, mask, sink, registration }, Out::Value(1));
    [(1, SessionId(1)), (0, SessionId(2))]
        .map(|(thread, leaver)| {
            make(thread, alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED), Out::None)
        })
        .to_vec()
}

/// `QueryFastShutdown` was answered, and something has happened since that must not change the answer.
fn asked_for_fast_shutdown_before() -> Vec<World> {
    let mut world = World::default();
    let (session, object, way) = (SessionId(0), ObjectId(0), alphabet::way_named("apart"));
    for (call, out) in [
        (Call::Initialize, Out::None),
        (Call::LogonEx { session, profile: way.profile, flags: way.flags }, Out::Object),
        (alphabet::query(session, Interface::IMAPIClientShutdown, object), Out::Object),
        (Call::OnObject { object, method: ObjectMethod::QueryFastShutdown }, Out::None),
        (Call::LogonEx { session: SessionId(1), profile: way.profile, flags: way.flags }, Out::Object),
    ] {
        world.call(CallId(1), ThreadId(0), call);
        world.finish(CallId(1), Outcome::returned(HResult::S_OK, out));
    }
    vec![world]
}

/// Every call that can be made in this state, wise or not.
fn calls(world: &World) -> Vec<Call> {
    let object = ObjectId(world.objects.len() as u16);
    let next = world.registrations.len() as u16;
    let buffer = BufferId(0);
    let mut all = vec![
        Call::Initialize,
        Call::Uninitialize,
        Call::AllocateBuffer { buffer },
        Call::ReadBuffer { buffer },
        Call::FreeBuffer { buffer },
    ];
    let new = SessionId(world.sessions.len() as u16);
    all.extend(alphabet::WAYS.iter().map(|way| Call::LogonEx {
        session: new,
        profile: way.profile,
        flags: way.flags,
    }));
    // No way of the alphabet: without a profile each of these flags says by itself that nobody is to be joined.
    let alone = [LogonFlags::MAPI_NEW_SESSION, LogonFlags::MAPI_ALLOW_OTHERS, LogonFlags::MAPI_LOGON_UI];
    all.extend(alone.map(|flags| Call::LogonEx { session: new, profile: Profile::Null, flags }));
    for (session, _) in world.all_sessions() {
        all.extend(alphabet::logoffs(session));
        all.push(Call::Logoff { session, ui_param: 1, flags: LogoffFlags(2), reserved: 0, dirty: true });
        all.extend(alphabet::queries(session, object));
        all.extend(alphabet::methods(session, object));
        all.extend(alphabet::advises(session, SinkId(next), RegistrationId(next)));
        let target = Target::Session(session);
        all.extend([Call::AddRef { target }, Call::Release { target }]);
        all.extend(
            world.all_registrations().map(|(registration, _)| Call::Unadvise { session, registration }),
        );
    }
    for (object, _) in world.all_objects() {
        all.extend(alphabet::questions_to(world, object));
        let new = ObjectId(world.objects.len() as u16);
        all.extend(Interface::ALL.map(|interface| alphabet::query_object(object, interface, new)));
        let target = Target::Object(object);
        all.extend([Call::AddRef { target }, Call::Release { target }]);
    }
    all
}

fn ask_of_returns(rules: &Rules, tallies: &mut [Tally], world: &World, id: CallId, occasion: &mut usize) {
    let Some(pending) = world.pending.iter().find(|pending| pending.id == id) else { return };
    let mut answers = offers::conceivable(&pending.call);
    if matches!(pending.call, Call::LogonEx { .. }) {
        answers.push(Outcome::returned(HResult::S_OK, Out::SameAs(SessionId(0))));
        answers.push(Outcome::returned(HResult::MAPI_E_SESSION_LIMIT, Out::Null));
    }
    for era in [Era::Classic, Era::FastShutdown] {
        let moment = Moment::new(world, pending, era);
        *occasion += 1;
        for (arm, tally) in rules.arms().iter().zip(&mut *tallies) {
            let Check::Return { bears, .. } = arm.check else { continue };
            let judged =
                Level::ALL.into_iter().filter(|level| arm.bears_on(&moment, Demand { level: *level, era }));
            if !arm.about.has(moment.scene()) || !bears(&moment) {
                continue;
            }
            tally.bore(*occasion * 4 + judged.count());
            for (number, _) in answers.iter().enumerate().filter(|(_, answer)| !arm.allows(&moment, answer)) {
                tally.refused(number);
            }
        }
    }
}

fn ask_of_callbacks(rules: &Rules, tallies: &mut [Tally], world: &World, occasion: &mut usize) {
    let told = |events| Callback::OnNotify { events };
    let kinds = [
        Callback::AddRef,
        Callback::Release,
        Callback::QueryInterface,
        told(EventMask::fnevCriticalError),
        told(EventMask::END_OF_SESSION),
        told(EventMask::fnevObjectModified.with(EventMask::fnevExtended)),
    ];
    for sink in (0..world.sinks.len()).map(|number| SinkId(number as u16)) {
        for callback in kinds {
            for thread in [ThreadId(0), ThreadId(2)] {
                let hearing = Hearing { world, thread, sink, callback };
                *occasion += 1;
                for (arm, tally) in rules.arms().iter().zip(&mut *tallies) {
                    if let Check::Callback { bears, allows } = arm.check
                        && bears(&hearing)
                    {
                        tally.bore(*occasion);
                        if !allows(&hearing) {
                            tally.refused(0);
                        }
                    }
                }
            }
        }
    }
}

fn ask_of_debts(rules: &Rules, tallies: &mut [Tally], world: &World, occasion: &mut usize) {
    for owed in &world.owed {
        *occasion += 1;
        for (arm, tally) in rules.arms().iter().zip(&mut *tallies) {
            if let Check::Settled { bears, paid } = arm.check
                && bears(world, owed)
            {
                tally.bore(*occasion);
                if !paid(world, owed) {
                    tally.refused(0);
                }
            }
        }
    }
}

fn ask_of_clients(rules: &Rules, tallies: &mut [Tally], world: &World, call: &Call, occasion: &mut usize) {
    *occasion += 1;
    for (arm, tally) in rules.arms().iter().zip(&mut *tallies) {
        if let Check::Closing { bears, done } = arm.check
            && bears(world)
        {
            tally.bore(*occasion);
            if !done(world) {
                tally.refused(0);
            }
        }
        let Check::Duty { bears, allows } = arm.check else { continue };
        if bears(world, call) {
            tally.bore(*occasion);
            for (number, era) in [Era::Classic, Era::FastShutdown].into_iter().enumerate() {
                if !allows(world, call, era) {
                    tally.refused(number);
                }
            }
        }
    }
}

#[test]
fn what_each_rule_decides_in_the_models_is_on_record() {
    let rules = Rules::documented();
    let mut tallies = vec![Tally::default(); rules.arms().len()];
    let mut occasion = 0;
    for model in all(Demand { level: Level::Conventional, era: Era::FastShutdown }) {
        let met = sample(&model).into_iter().map(|state| state.world);
        for (number, mut world) in met.chain(in_no_model()).enumerate() {
            // One state in four is of a subject whose sharing is not known, one of one that offers none.
            world.process.dialect.sharing =
                [Sharing::Offered, Sharing::Offered, Sharing::Unknown, Sharing::NotOffered][number % 4];
            ask_of_callbacks(&rules, &mut tallies, &world, &mut occasion);
            ask_of_debts(&rules, &mut tallies, &world, &mut occasion);
            for id in world.pending.iter().map(|pending| pending.id) {
                ask_of_returns(&rules, &mut tallies, &world, id, &mut occasion);
            }
            for call in calls(&world) {
                ask_of_clients(&rules, &mut tallies, &world, &call, &mut occasion);
                let mut begun = world.clone();
                begun.call(CallId(300), ThreadId(u8::from(number % 5 == 0)), call);
                ask_of_returns(&rules, &mut tallies, &begun, CallId(300), &mut occasion);
                if matches!(call, Call::Logoff { .. }) {
                    begun.finish(CallId(300), Outcome::returned(HResult::MAPI_E_UNKNOWN_FLAGS, Out::None));
                    ask_of_debts(&rules, &mut tallies, &begun, &mut occasion);
                }
            }
        }
    }
    let mut text = String::new();
    for (arm, tally) in rules.arms().iter().zip(&tallies) {
        let which = tally.which >> 32;
        let _ = writeln!(
            text,
            "{:<11} {:<12} bears {:>7}, refuses {:>8}, {which:08x}: {}",
            arm.requirement.to_string(),
            arm.level.to_string(),
            tally.bears,
            tally.refuses,
            arm.demands
        );
    }
    insta::assert_snapshot!(text);
}
