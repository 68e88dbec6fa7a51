//! What a Logoff may answer, and a call after it, at each level and in each era: asked of the rules themselves.

use std::fmt::Write as _;

use crate::alphabet;
use crate::era::Era;
use crate::event::{Call, CallId, Method, ObjectId, ObjectMethod, SessionId, Target, ThreadId};
use crate::flags::LogoffFlags;
use crate::level::Level;
use crate::offers::{Offer, offers};
use crate::outcome::{Ending, Out, Outcome};
use crate::phase::{Phase, Phases};
use crate::rule::{Demand, Rules};
use crate::state::{Group, GroupId, Membership, Object, ObjectKind, Session, Welcome, World, put};

const S: SessionId = SessionId(0);
const T: ObjectId = ObjectId(0);
const ID: CallId = CallId(1);

fn world(phase: Phase, shared: bool) -> World {
    let mut world = World::default();
    world.process.initialised = 1;
    world.process.dialect.sharing = crate::dialect::Sharing::Offered;
    let membership =
        if shared { Membership::Member(GroupId(0), Welcome::Created) } else { Membership::Individual };
    if shared {
        world.groups.push(Group::default());
    }
    let mut session = Session::new(ThreadId(0), membership);
    session.phases = Phases::only(phase);
    put(&mut world.sessions, S.0, session);
    let mut table = Object::new(S, ObjectKind::Opened(Method::GetStatusTable));
    table.remember(ObjectMethod::GetStatus);
    put(&mut world.objects, T.0, table);
    world
}

/// What is on offer, in a few words.
fn words(offers: &[Offer]) -> String {
    let (mut codes, mut failures, mut endings, mut clean) = (Vec::new(), 0, Vec::new(), true);
    let mut seen_failures = std::collections::BTreeSet::new();
    for offer in offers {
        let Outcome { ending, out } = offer.outcome;
        match ending {
            Ending::Returned(code) if code.succeeded() => {
                if !codes.contains(&code.to_string()) {
                    codes.push(code.to_string());
                }
            }
            Ending::Returned(code) => {
                if seen_failures.insert(code.to_string()) {
                    failures += 1;
                }
                clean &= out != Out::Rubbish;
            }
            Ending::Crashed(_) => endings.push("crash"),
            Ending::Hung => endings.push("hang"),
            Ending::Exited(_) | Ending::Threw => {}
        }
    }
    let mut parts = codes;
    match failures {
        0 => {}
        n if n > 6 => parts.push("any failure".into()),
        _ => parts.extend(seen_failures),
    }
    if failures > 0 && clean {
        let has_out = offers.iter().any(|offer| matches!(offer.outcome.out, Out::Null | Out::Unchanged));
        if has_out {
            parts.push("(out clean)".into());
        }
    }
    parts.extend(endings.into_iter().map(|ending| format!("*{ending}*")));
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

fn row(text: &mut String, name: &str, world: &World, call: Call, era: Era) {
    let mut decided = Vec::new();
    let _ = write!(text, "| {name} |");
    for level in Level::ALL {
        let mut world = world.clone();
        world.call(ID, ThreadId(0), call);
        let offers = offers(&Rules::documented(), Demand { level, era }, &world, ID);
        decided = offers.first().map(|offer| offer.decided_by.clone()).unwrap_or_default();
        let answers = words(&offers);
        let valueless = matches!(call, Call::AddRef { .. } | Call::Release { .. });
        let _ = write!(text, " {} |", if valueless { answers.replace("S_OK", "*returns*") } else { answers });
    }
    let ids: Vec<String> = decided.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, " {} |", if ids.is_empty() { "undecided".into() } else { ids.join(" ") });
}

/// The outcome tables, as Markdown. What is in italics kills the process or the caller's patience, and no document
/// forbids it there.
pub fn tables() -> String {
    let mut text = String::from(LEGEND);
    let head = "| call | documented | conventional | robust | decided by |\n|---|---|---|---|---|\n";
    for era in Era::ALL {
        for shared in [false, true] {
            let kind = if shared { "a member of a shared session" } else { "an individual session" };
            let _ =
                writeln!(text, "## Logoff of {kind}, LoggedOn, era {era}\n\n{head}", head = head.trim_end());
            let on = world(Phase::LoggedOn, shared);
            for call in alphabet::logoffs(S) {
                let Call::Logoff { ui_param, flags, reserved, dirty, .. } = call else { continue };
                let dirty = if dirty { ", dirty registers" } else { "" };
                let name = format!("Logoff(0x{ui_param:X}, {}, 0x{reserved:X}{dirty})", flags_in_cell(flags));
                row(&mut text, &name, &on, call, era);
            }
            text.push('\n');
        }
    }
    let era = Era::FastShutdown;
    let _ = writeln!(text, "## After Logoff has returned S_OK\n\n{}", head.trim_end());
    let off = world(Phase::LoggedOff, false);
    for method in Method::ALL {
        let call = Call::Method { session: S, method, flags: 0, object: ObjectId(1) };
        row(&mut text, &method.name(), &off, call, era);
    }
    row(&mut text, "Logoff, again", &off, alphabet::plain_logoff(S), era);
    row(&mut text, "Release", &off, Call::Release { target: Target::Session(S) }, era);
    row(&mut text, "AddRef", &off, Call::AddRef { target: Target::Session(S) }, era);
    let call = Call::OnObject { object: T, method: ObjectMethod::GetStatus };
    row(&mut text, "GetStatus of a table left open that had answered", &off, call, era);
    text.push('\n');
    text.push_str(&super::eras::eras());
    text
}

const LEGEND: &str = "\
A cell lists every answer that a level accepts. Each level contains the one before: what `documented` demands, \
`conventional` and `robust` demand too. Era `classic` is before the fast shutdown, era `fast-shutdown` since Outlook \
2007 SP2. *hang* and *crash* are no answers: where they stand, no document at that level says that the call must come \
back, or lays the blame on the session if it does not (LOGOFF-016 lets Logoff wait without a bound; after Logoff the \
caller is to blame for any call but Release, DEAD-001). *returns* stands for a value that is never judged (UNK-009). \
The tables hold the session only: what a client must not do is in the requirements, such as SHARED-006.

The *end-of-session bits* of a mask are fnevCriticalError and fnevExtended, together. A registration with fewer may \
hear, and need not (A-03, A-04).

";

fn flags_in_cell(flags: LogoffFlags) -> String {
    flags.to_string().replace('|', " + ")
}
