//! One trace, judged in both eras: what the pages contradict each other about.

use std::fmt::Write as _;

use crate::alphabet::{logoff_with, way_named};
use crate::dialect::Sharing;
use crate::era::Era;
use crate::event::{
    Call, CallId, Callback, Event, Method, ObjectId, RegistrationId, SessionId, SinkId, ThreadId,
};
use crate::flags::{EventMask, LogoffFlags};
use crate::hresult::HResult;
use crate::judge::Judge;
use crate::level::Level;
use crate::outcome::{Out, Outcome};
use crate::rule::{Demand, Rules};
use crate::state::World;

/// What the member that was told finds afterwards.
#[derive(Clone, Copy)]
enum Finds {
    /// Its session works as before.
    Working,
    /// Its session has ended.
    Ended,
}

/// A recording in the making.
#[derive(Default)]
struct Recording {
    events: Vec<Event>,
    calls: u32,
}

impl Recording {
    fn call(&mut self, call: Call, outcome: Outcome, inside: &[(SinkId, Callback)]) {
        self.calls += 1;
        let (id, thread) = (CallId(self.calls), ThreadId(0));
        self.events.push(Event::Call { id, thread, call });
        for (sink, callback) in inside {
            self.calls += 1;
            let id = CallId(self.calls);
            self.events.push(Event::Callback { id, thread, sink: *sink, callback: *callback });
            self.events.push(Event::CallbackReturn { id });
        }
        self.events.push(Event::Return { id, outcome });
    }
}

/// Two members of a shared session: the first leaves with `MAPI_LOGOFF_SHARED`, the second hears, and asks.
fn trace(finds: Finds) -> Vec<Event> {
    let ok = |out| Outcome::returned(HResult::S_OK, out);
    let (leaver, member, sink) = (SessionId(0), SessionId(1), SinkId(0));
    let question =
        Call::Method { session: member, method: Method::GetStatusTable, flags: 0, object: ObjectId(0) };
    let mut recording = Recording::default();
    recording.call(Call::Initialize, ok(Out::None), &[]);
    for (session, way) in [(leaver, "sharing"), (member, "joining")] {
        let way = way_named(way);
        recording.call(
            Call::LogonEx { session, profile: way.profile, flags: way.flags },
            ok(Out::Object),
            &[],
        );
    }
    recording.call(question, ok(Out::Object), &[]);
    let mask = EventMask::END_OF_SESSION;
    let advise = Call::Advise { session: member, mask, sink, registration: RegistrationId(0) };
    recording.call(advise, ok(Out::Value(1)), &[(sink, Callback::AddRef)]);
    let told = Callback::OnNotify { events: EventMask::fnevCriticalError };
    recording.call(logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED), ok(Out::None), &[(sink, told)]);
    recording.events.push(Event::Settled { milliseconds: 200 });
    let answer = match finds {
        Finds::Working => ok(Out::Object),
        Finds::Ended => Outcome::returned(HResult::MAPI_E_INVALID_OBJECT, Out::Unchanged),
    };
    recording.call(question, answer, &[]);
    recording.events
}

fn verdict(finds: Finds, demand: Demand) -> String {
    let rules = Rules::documented();
    let mut world = World::default();
    world.process.dialect.sharing = Sharing::Offered;
    let mut judge = Judge::new(&rules, demand, world, true);
    for event in trace(finds) {
        judge.observe(&event);
    }
    let mut broken: Vec<String> = judge
        .verdict()
        .deviations
        .iter()
        .map(|d| format!("the {} breaks {}", d.blame, d.requirement))
        .collect();
    broken.sort();
    broken.dedup();
    if broken.is_empty() { "nobody".into() } else { broken.join(", ") }
}

/// The table, as Markdown.
pub(super) fn eras() -> String {
    let mut text = String::from(
        "## One trace, two eras\n\n\
         Two clients share a session, and the second is registered to hear of its end. The first calls \
         Logoff(0x0, MAPI_LOGOFF_SHARED, 0x0); the second hears, and asks for the status table as it did before. \
         Who breaks what?\n\n\
         | the second finds its session | era | documented | conventional | robust |\n|---|---|---|---|---|\n",
    );
    for (finds, name) in [(Finds::Working, "working"), (Finds::Ended, "ended")] {
        for era in Era::ALL {
            let _ = write!(text, "| {name} | {era} |");
            for level in Level::ALL {
                let _ = write!(text, " {} |", verdict(finds, Demand { level, era }));
            }
            text.push('\n');
        }
    }
    text.push_str(
        "\nSince the fast shutdown a client must not pass the flag (SHARED-006), which frees the session from nothing; \
         and one page lets the flag begin the end of every client, so that by the pages alone nothing is certain of a \
         session that was told (SHARED-007).\n",
    );
    text
}
