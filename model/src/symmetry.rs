//! Clients that do the same are interchangeable: states that differ only in who is who count once.
//!
//! Who joined a shared session, and who stands outside, have no names that any rule asks for. Each has the session, the
//! sink and the registration of its own number, and all three change places together. stateright knows a symmetry in
//! its depth-first search alone; the search here is our own.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use mapi_session_spec::event::{Call, RegistrationId, SessionId, SinkId, Target};
use mapi_session_spec::state::{Owed, OwedKind};

use crate::cast::Company;
use crate::machine::State;

/// Every way to exchange the clients of a company that do the same: for each number, its new one.
pub(crate) fn exchanges(company: Company) -> Vec<Vec<u16>> {
    let all = company.members + company.outside;
    // Whoever made the shared session is one of a kind.
    let mut exchanges = vec![vec![0]];
    for class in [1..company.members, company.members..all] {
        let orders = orders(&class.collect::<Vec<u16>>());
        exchanges = exchanges
            .iter()
            .flat_map(|before| orders.iter().map(|order| [&before[..], &order[..]].concat()))
            .collect();
    }
    exchanges
}

fn orders(of: &[u16]) -> Vec<Vec<u16>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, first) in of.iter().enumerate() {
        let rest = [&of[..place], &of[place + 1..]].concat();
        all.extend(orders(&rest).into_iter().map(|order| [&[*first], &order[..]].concat()));
    }
    all
}

/// The one that stands for all states that differ by an exchange alone: that with the least hash.
pub(crate) fn representative(state: &State, exchanges: &[Vec<u16>]) -> State {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let all = exchanges.iter().map(|exchange| exchanged(state, exchange));
    all.min_by_key(|state| hasher.hash_one(state)).unwrap_or_else(|| state.clone())
}

/// The same state with every client under its new number.
fn exchanged(state: &State, exchange: &[u16]) -> State {
    let new = |number: u16| exchange.get(usize::from(number)).copied().unwrap_or(number);
    let mut next = state.clone();
    let (from, world) = (&state.world, &mut next.world);
    move_slots(&from.sessions, &mut world.sessions, new);
    move_slots(&from.sinks, &mut world.sinks, new);
    move_slots(&from.registrations, &mut world.registrations, new);
    for (slot, registration) in world.registrations.iter_mut().enumerate() {
        let Some(registration) = registration else { continue };
        registration.session.0 = new(registration.session.0);
        registration.sink.0 = new(registration.sink.0);
        // Numbers are compared with those of the same client alone: any other will do.
        registration.connection = if registration.connection == 0 { 0 } else { slot as u64 + 1 };
    }
    for object in world.objects.iter_mut().flatten() {
        object.session.0 = new(object.session.0);
    }
    for pending in &mut world.pending {
        pending.call = call(pending.call, new);
    }
    for running in &mut world.running {
        running.sink.0 = new(running.sink.0);
    }
    for owed in &mut world.owed {
        owed.kind = debt(owed, new);
    }
    // In which order debts came to be is nobody's question.
    world.owed.sort_unstable();
    next.heard = (0..16).filter(|sink| state.has_heard(SinkId(*sink))).map(|sink| 1 << new(sink)).sum();
    next
}

fn move_slots<T: Clone>(from: &[T], to: &mut [T], new: impl Fn(u16) -> u16) {
    for (old, value) in from.iter().enumerate() {
        to[usize::from(new(old as u16))].clone_from(value);
    }
}

fn call(call: Call, new: impl Fn(u16) -> u16) -> Call {
    let own = |id: SessionId| SessionId(new(id.0));
    let held = |target| match target {
        Target::Session(id) => Target::Session(own(id)),
        Target::Object(id) => Target::Object(id),
    };
    match call {
        Call::LogonEx { session, profile, flags } => Call::LogonEx { session: own(session), profile, flags },
        Call::QueryInterface { target, interface, object } => {
            Call::QueryInterface { target: held(target), interface, object }
        }
        Call::AddRef { target } => Call::AddRef { target: held(target) },
        Call::Release { target } => Call::Release { target: held(target) },
        Call::Method { session, method, flags, object } => {
            Call::Method { session: own(session), method, flags, object }
        }
        Call::Advise { session, mask, sink, registration } => Call::Advise {
            session: own(session),
            mask,
            sink: SinkId(new(sink.0)),
            registration: RegistrationId(new(registration.0)),
        },
        Call::Unadvise { session, registration } => {
            Call::Unadvise { session: own(session), registration: RegistrationId(new(registration.0)) }
        }
        Call::Logoff { session, ui_param, flags, reserved, dirty } => {
            Call::Logoff { session: own(session), ui_param, flags, reserved, dirty }
        }
        Call::Initialize
        | Call::Uninitialize
        | Call::AllocateBuffer { .. }
        | Call::ReadBuffer { .. }
        | Call::FreeBuffer { .. }
        | Call::OnObject { .. } => call,
    }
}

fn debt(owed: &Owed, new: impl Fn(u16) -> u16) -> OwedKind {
    let own = |id: SessionId| SessionId(new(id.0));
    match owed.kind {
        OwedKind::Told { listener, leaver, on, advised_on, heard, times, registrations } => OwedKind::Told {
            listener: own(listener),
            leaver: own(leaver),
            on,
            advised_on,
            heard,
            times,
            registrations,
        },
        OwedKind::Hushed { listener, caller, why, heard } => {
            OwedKind::Hushed { listener: own(listener), caller: own(caller), why, heard }
        }
        OwedKind::Untold { listener, heard } => OwedKind::Untold { listener: own(listener), heard },
        OwedKind::Unadvised { registration, sink } => OwedKind::Unadvised {
            registration: RegistrationId(new(registration.0)),
            sink: SinkId(new(sink.0)),
        },
        OwedKind::Abandoned { session, sink } => {
            OwedKind::Abandoned { session: own(session), sink: SinkId(new(sink.0)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_exchanges_as_orders_of_those_who_do_the_same() {
        let count = |members, outside| exchanges(Company { members, outside }).len();
        assert_eq!((count(2, 1), count(3, 1), count(4, 0), count(3, 2)), (1, 2, 6, 4));
        assert!(exchanges(Company { members: 4, outside: 2 }).iter().all(|exchange| exchange[0] == 0));
    }
}
