//! A walk over what the specification offers: the traces of a subject that keeps every rule.

use mapi_session_spec::alphabet::{self, Bounds, WAYS};
use mapi_session_spec::dialect::Sharing;
use mapi_session_spec::event::{Call, CallId, Event, ObjectId, SessionId, ThreadId};
use mapi_session_spec::offers::offers;
use mapi_session_spec::rule::{Demand, Rules};
use mapi_session_spec::state::World;

/// A world in which sharing is offered and nothing has happened.
pub fn nothing_yet() -> World {
    let mut world = World::default();
    world.process.dialect.sharing = Sharing::Offered;
    world.process.fresh = true;
    world
}

/// Every call that a client could make next.
pub fn calls(world: &World) -> Vec<Call> {
    let mut calls = vec![Call::Initialize];
    if world.process.initialised > 1 {
        calls.push(Call::Uninitialize);
    }
    let next = SessionId(world.sessions.len() as u16);
    if next.0 < 3 {
        calls.extend(WAYS.iter().map(|way| Call::LogonEx {
            session: next,
            profile: way.profile,
            flags: way.flags,
        }));
    }
    let bounds = Bounds { references: 3, objects: 4, registrations: 2 };
    let object = ObjectId(world.objects.len() as u16);
    for (session, known) in world.all_sessions().filter(|(_, known)| known.references > 0) {
        calls.extend(alphabet::client_calls(world, session, bounds));
        if object.0 < 4 && known.is_logged_on() {
            calls.extend(alphabet::methods(session, object));
            calls.extend(alphabet::queries(session, object));
        }
    }
    calls
}

/// Walks: each choice picks a call and one of the answers on offer. Ends early where the subject may die.
pub fn walk(rules: &Rules, demand: Demand, choices: &[(u16, u16)]) -> (World, Vec<Event>) {
    let mut world = nothing_yet();
    let mut events = Vec::new();
    for (number, (which, how)) in choices.iter().enumerate() {
        let calls = calls(&world);
        let call = calls[usize::from(*which) % calls.len()];
        let (id, thread) = (CallId(number as u32 + 1), ThreadId(0));
        world.call(id, thread, call);
        let offered = offers(rules, demand, &world, id);
        let returned: Vec<_> = offered.iter().filter(|offer| offer.outcome.came_back()).collect();
        if returned.is_empty() {
            break;
        }
        let outcome = returned[usize::from(*how) % returned.len()].outcome;
        world.finish(id, outcome);
        events.push(Event::Call { id, thread, call });
        events.push(Event::Return { id, outcome });
    }
    (world, events)
}
