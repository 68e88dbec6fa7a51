//! What the runner takes for granted of the outside, one test each: how calls and arguments reach a subject, in which
//! order things are recorded that happen on several threads, how long is long enough. That records come through the
//! ring whole and in order is shown beside the ring.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use mapi_conform::Subject;
use mapi_conform::isolation::parent::{self, BatchEnd, Observed, PATIENCE, Setting, SharedSymbols, Task};
use mapi_conform::program::{Action, Awaited, Place, Program, Step};
use mapi_session_spec::alphabet;
use mapi_session_spec::event::{
    Call, Callback, Event, Interface, Method, ObjectId, ObjectMethod, RegistrationId, SessionId, SinkId,
    Target, ThreadId,
};
use mapi_session_spec::flags::{EventMask, LogoffFlags, LogonFlags};
use mapi_session_spec::hresult::HResult;
use mapi_session_spec::outcome::Out;

const SESSION: SessionId = SessionId(0);
const SINK: SinkId = SinkId(0);

fn setting(library: &str, profile: &str) -> Setting {
    Setting {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_mapi-conform"))),
        subject: Subject::Library(library.into()),
        profile: Some(profile.to_owned()),
        timeout: Some(Duration::from_secs(20)),
        settle: Duration::from_millis(200),
        patience: PATIENCE,
        linger: Duration::ZERO,
    }
}

/// Runs these calls on the session that writes down what reaches it, into the file that its profile names.
fn echoed(calls: &[Call]) -> Option<(Observed, String)> {
    let library = support::cpp_subject("echo.cpp", None)?;
    let folder = support::scratch();
    let file = folder.path().join("said");
    let setting = setting(&library, file.to_str().expect("a plain path"));
    let program = Program::of(calls.iter().copied().map(Step::call));
    let batch = parent::run(&setting, &[&program]);
    assert_eq!(batch.end, BatchEnd::Finished);
    let said = std::fs::read_to_string(&file).expect("what it wrote down");
    Some((batch.observed.into_iter().next().expect("one program"), said.replace(&path(&file), "PROFILE")))
}

fn path(file: &Path) -> String {
    file.display().to_string()
}

fn logs_on() -> [Call; 2] {
    let flags = LogonFlags::MAPI_EXTENDED;
    let profile = mapi_session_spec::event::Profile::Named;
    [Call::Initialize, Call::LogonEx { session: SESSION, profile, flags }]
}

#[test]
fn every_call_reaches_the_slot_that_a_cpp_compiler_gives_it_with_every_argument_as_wide_as_it_is_there() {
    let (object, registration) = (ObjectId(0), RegistrationId(0));
    let mut calls = logs_on().to_vec();
    for interface in
        [Interface::IUnknown, Interface::IMAPISession, Interface::IMAPIClientShutdown, Interface::Unheard]
    {
        calls.push(alphabet::query(SESSION, interface, ObjectId(9)));
    }
    calls.push(Call::AddRef { target: Target::Session(SESSION) });
    calls.push(Call::Release { target: Target::Session(SESSION) });
    for method in Method::ALL {
        let object = if method == Method::GetMsgStoresTable { ObjectId(1) } else { object };
        let flags = if method.opens_table() { 0x8000_0000 } else { 0 };
        calls.push(Call::Method { session: SESSION, method, flags, object });
    }
    for method in [ObjectMethod::GetStatus, ObjectMethod::GetRowCount] {
        calls.push(Call::OnObject { object, method });
    }
    calls.push(Call::Release { target: Target::Object(object) });
    let mask = EventMask::END_OF_SESSION;
    calls.push(Call::Advise { session: SESSION, mask, sink: SINK, registration });
    calls.push(Call::Unadvise { session: SESSION, registration });
    for (ui_param, flags, reserved, dirty) in [
        (0, LogoffFlags(0), 0, false),
        (0x0123_4567_89AB_CDEF, LogoffFlags(0xFFFF_FFFF), 0x8000_0001, false),
        // What is above a word of 32 bits does not belong to it, and does not arrive.
        (u64::MAX, LogoffFlags::MAPI_LOGOFF_SHARED, 7, true),
    ] {
        calls.push(Call::Logoff { session: SESSION, ui_param, flags, reserved, dirty });
    }
    calls.push(Call::Uninitialize);
    let Some((observed, said)) = echoed(&calls) else { return };
    insta::assert_snapshot!(said);
    // And what comes back: an HRESULT is 32 bits with a sign, a connection as wide as a pointer.
    let answers: Vec<_> = observed
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Return { outcome, .. } => Some((outcome.code(), outcome.out)),
            _ => None,
        })
        .collect();
    assert!(answers.contains(&(Some(HResult(0x8004_0102)), Out::Unchanged)), "{answers:?}");
    assert!(answers.contains(&(Some(HResult::S_OK), Out::Value(0x1234_5678_90AB_CDEF))), "{answers:?}");
}

#[test]
fn what_happens_on_another_thread_is_recorded_where_it_happened() {
    let registration = RegistrationId(0);
    let mask = EventMask::END_OF_SESSION;
    let mut calls = logs_on().to_vec();
    calls.push(Call::Advise { session: SESSION, mask, sink: SINK, registration });
    calls.push(alphabet::plain_logoff(SESSION));
    let method = Method::QueryIdentity;
    calls.push(Call::Method { session: SESSION, method, flags: 0, object: ObjectId(0) });
    calls.push(Call::Uninitialize);
    let Some((observed, _)) = echoed(&calls) else { return };
    let shape: Vec<String> = observed
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Call { call: Call::Logoff { .. }, .. } => Some("Logoff".to_owned()),
            Event::Call { call: Call::Method { method, .. }, .. } => Some(method.name()),
            Event::Call { call: Call::Uninitialize, .. } => Some("MAPIUninitialize".to_owned()),
            Event::Return { .. } => Some("returns".to_owned()),
            Event::Callback { callback: Callback::OnNotify { .. }, thread, .. } => {
                Some(if *thread == ThreadId(0) { "told by the caller" } else { "told" }.to_owned())
            }
            Event::CallbackReturn { .. } => Some("heard".to_owned()),
            _ => None,
        })
        .collect();
    let shape = shape.join(" ");
    // One word inside Logoff, and one inside the next call, on a thread that waits for neither.
    assert!(
        shape
            .ends_with("Logoff told heard returns QueryIdentity told heard returns MAPIUninitialize returns"),
        "{shape}"
    );
}

/// One member leaves with `MAPI_LOGOFF_SHARED`, and it is waited for what the other hears.
fn of_an_announcement() -> Program {
    let (leaver, listener, registration) = (SESSION, SessionId(1), RegistrationId(0));
    let logon = |session, name| {
        let way = alphabet::way_named(name);
        Step::call(Call::LogonEx { session, profile: way.profile, flags: way.flags })
    };
    let mut awaited = Awaited::default();
    awaited.word(SINK, leaver);
    let mask = EventMask::END_OF_SESSION;
    let release = |session| Step::call(Call::Release { target: Target::Session(session) });
    let steps = [
        Step::call(Call::Initialize),
        logon(leaver, "sharing"),
        logon(listener, "joining"),
        Step::call(Call::Advise { session: listener, mask, sink: SINK, registration }),
        Step::call(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED)),
        Step { action: Action::Settle(awaited), ..Step::call(Call::Uninitialize) },
        Step::call(Call::Unadvise { session: listener, registration }),
        Step::call(alphabet::plain_logoff(listener)),
        release(leaver),
        release(listener),
        Step::call(Call::Uninitialize),
    ];
    Program::of(steps)
}

/// How often each program is run whose subject is late: a busy machine may keep a thread from running for longer than is
/// waited; not half of the time.
const TIMES: usize = 40;

/// In how many of the runs so many of such callbacks came before it settled.
fn runs_with(
    library: &str,
    program: &Program,
    number: usize,
    such: impl Fn(SinkId, Callback) -> bool,
) -> usize {
    let batch = parent::run(&setting(library, "profile"), &[program; TIMES]);
    assert_eq!(batch.end, BatchEnd::Finished);
    let before_it_settled = |observed: &Observed| {
        let events = observed.events();
        let before = events.iter().take_while(|event| !matches!(event, Event::Settled { .. }));
        before
            .filter(|event| matches!(event, Event::Callback { sink, callback, .. } if such(*sink, *callback)))
            .count()
    };
    batch.observed.iter().filter(|observed| before_it_settled(observed) == number).count()
}

const fn is_word(_: SinkId, callback: Callback) -> bool {
    matches!(callback, Callback::OnNotify { .. })
}

#[test]
fn an_announcement_is_heard_out_whose_second_word_comes_a_moment_after_the_first() {
    let Some(library) = support::cpp_subject("careful_session.cpp", Some("PREFACE_MS=1")) else { return };
    let heard = runs_with(&library, &of_an_announcement(), 2, is_word);
    assert!(heard > TIMES / 2, "{heard}");
}

/// The same, where one more sink listens.
fn of_an_announcement_to_two(mask: EventMask, then: impl Fn(&mut Program)) -> Program {
    let mut program = of_an_announcement();
    let (session, registration) = (SessionId(1), RegistrationId(1));
    let advised =
        program.steps.iter().position(|step| matches!(step.action, Action::Call(Call::Advise { .. })));
    let after = advised.expect("one listens") + 1;
    let advise = Call::Advise { session, mask, sink: SinkId(1), registration };
    program.steps.insert(after, Step::call(advise).into());
    then(&mut program);
    program
}

#[test]
fn a_listener_that_need_not_be_told_and_is_told_a_moment_after_the_others_is_listened_to() {
    let Some(library) = support::cpp_subject("careful_session.cpp", Some("APART_MS=2")) else { return };
    let program = of_an_announcement_to_two(EventMask::fnevCriticalError, |program| {
        for step in &mut program.steps {
            step.change(|step| {
                if let Action::Settle(awaited) = &mut step.action {
                    awaited.may_hear(SinkId(1), SESSION);
                }
            });
        }
    });
    let heard = runs_with(&library, &program, 2, is_word);
    assert!(heard > TIMES / 2, "{heard}");
}

#[test]
fn a_sink_that_is_given_back_while_another_hears_is_waited_for() {
    let Some(library) = support::cpp_subject("careful_session.cpp", Some("APART_MS=2")) else { return };
    let program = of_an_announcement_to_two(EventMask::END_OF_SESSION, |program| {
        let unadvise = Call::Unadvise { session: SessionId(1), registration: RegistrationId(1) };
        program.steps.push(Step { place: Place::Inside(SINK), ..Step::call(unadvise) }.into());
    });
    let is_release = |sink, callback| sink == SinkId(1) && callback == Callback::Release;
    let given_back = runs_with(&library, &program, 1, is_release);
    assert!(given_back > TIMES / 2, "{given_back}");
}

#[test]
fn a_subject_that_mostly_waits_is_stopped_early_where_it_may_be_and_one_that_works_is_not() {
    const TIMES: usize = 600;
    let Some(careful) = support::cpp_subject("careful_session.cpp", None) else { return };
    let late = support::cpp_subject("careful_session.cpp", Some("LATE_MS=5")).expect("it was there before");
    let program = of_an_announcement();
    let run = |library: &str, may_stop| {
        let setting = setting(library, "profile");
        let symbols = SharedSymbols::default();
        let programs = [&program; TIMES];
        let task = Task { programs: &programs, races: false, may_stop, symbols: &symbols };
        let batch = parent::run_and_meanwhile(&setting, task, &mut |_, _| {});
        (batch.end, batch.observed.len())
    };
    assert_eq!(run(&late, true), (BatchEnd::Waited, 256), "it would wait for 1.7 s more");
    assert_eq!(run(&late, false), (BatchEnd::Finished, TIMES));
    assert_eq!(run(&careful, true), (BatchEnd::Finished, TIMES));
}

#[test]
fn a_call_that_is_slower_than_the_limit_once_is_slow_and_no_hang() {
    let Some(library) = support::cpp_subject("careful_session.cpp", Some("SLOW_ONCE_MS=600")) else { return };
    let ran = support::conform(&["check", "--library", &library, "--timeout", "200ms", "--level", "robust"]);
    assert_ne!(ran.code, Some(1), "{}", ran.stdout);
}
