//! The moves open to the subject: the same arms that judge, asked which answers they allow.

use crate::event::{Call, CallId};
use crate::hresult::HResult;
use crate::moment::Moment;
use crate::outcome::{Ending, Out, Outcome};
use crate::requirement::RequirementId;
use crate::rule::{Arm, Demand, Rules};
use crate::state::World;

/// An answer that the documents allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The answer.
    pub outcome: Outcome,
    /// The requirements that had a say. None: the documents leave it undecided.
    pub decided_by: Vec<RequirementId>,
}

/// The codes that stand for all others when answers are enumerated: at least one of every class that a rule tells
/// apart.
const CODES: [HResult; 18] = [
    HResult::S_OK,
    HResult::S_FALSE,
    HResult::MAPI_W_ERRORS_RETURNED,
    HResult::MAPI_E_UNKNOWN_FLAGS,
    HResult::MAPI_E_INVALID_PARAMETER,
    HResult::MAPI_E_USER_CANCEL,
    HResult::MAPI_E_INVALID_OBJECT,
    HResult::MAPI_E_INTERFACE_NOT_SUPPORTED,
    HResult::MAPI_E_NO_SUPPORT,
    HResult::MAPI_E_CALL_FAILED,
    HResult::MAPI_E_NOT_INITIALIZED,
    HResult::MAPI_E_LOGON_FAILED,
    HResult::MAPI_E_NOT_FOUND,
    HResult::MAPI_E_BUSY,
    HResult::MAPI_E_INVALID_ENTRYID,
    HResult::MAPI_E_TIMEOUT,
    HResult::E_NOTIMPL,
    // Of a facility that is none of MAPI's.
    HResult(0x800A_0001),
];

/// What the out parameter of this call can hold after a success, and after a failure.
fn outs(call: &Call) -> (&'static [Out], &'static [Out]) {
    const CLEAN: &[Out] = &[Out::Unchanged, Out::Null, Out::Rubbish];
    const OBJECT: &[Out] = &[Out::Object, Out::Null];
    const NONE: &[Out] = &[Out::None];
    match call {
        Call::LogonEx { .. } | Call::QueryInterface { .. } => (OBJECT, CLEAN),
        Call::Method { method, .. } if method.opens() => (OBJECT, CLEAN),
        Call::Method { method: crate::event::Method::QueryIdentity, .. } => {
            (&[Out::Value(1), Out::Value(2)], CLEAN)
        }
        Call::Method { method, .. } if method.has_out() => (&[Out::Null, Out::Value(1)], CLEAN),
        Call::Advise { .. } => (&[Out::Value(1), Out::Value(2), Out::Null], CLEAN),
        Call::ReadBuffer { .. } => (&[Out::Value(1), Out::Value(0)], NONE),
        _ => (NONE, NONE),
    }
}

/// Whether the call says nothing by its value: `AddRef`, `Release`, `MAPIUninitialize`.
fn is_valueless(call: &Call) -> bool {
    matches!(
        call,
        Call::AddRef { .. }
            | Call::Release { .. }
            | Call::Uninitialize
            | Call::FreeBuffer { .. }
            | Call::ReadBuffer { .. }
    )
}

/// Every answer that can be told apart by some rule, allowed or not.
pub fn conceivable(call: &Call) -> Vec<Outcome> {
    let (good, bad) = outs(call);
    let codes: &[HResult] = if is_valueless(call) { &CODES[..1] } else { &CODES };
    let mut all = Vec::new();
    for code in codes {
        let outs = if code.succeeded() { good } else { bad };
        all.extend(outs.iter().map(|out| Outcome::returned(*code, *out)));
    }
    for ending in [Ending::Crashed(11), Ending::Hung, Ending::Exited(0), Ending::Threw] {
        all.push(Outcome { ending, out: Out::None });
    }
    all
}

/// The answers that the documents allow to the call of that number, which is under way in `world`, the usual one
/// first.
pub fn offers(rules: &Rules, demand: Demand, world: &World, id: CallId) -> Vec<Offer> {
    let Some(pending) = world.pending.iter().find(|pending| pending.id == id) else { return Vec::new() };
    let moment = Moment::new(world, pending, demand.era);
    let bearing: Vec<_> = rules.bearing(&moment, demand.level).map(|(_, arm)| arm).collect();
    let mut decided_by: Vec<RequirementId> = bearing.iter().map(|arm| arm.requirement).collect();
    decided_by.sort_unstable();
    decided_by.dedup();
    conceivable(&pending.call)
        .into_iter()
        .filter(|outcome| bearing.iter().all(|arm| arm.allows(&moment, outcome)))
        .map(|outcome| Offer { outcome, decided_by: decided_by.clone() })
        .collect()
}

/// What this call's success usually looks like, and its failure.
fn typical(call: &Call, world: &World) -> Vec<Outcome> {
    let (good, _) = outs(call);
    let refusal = match call {
        Call::QueryInterface { .. } => HResult::MAPI_E_INTERFACE_NOT_SUPPORTED,
        Call::LogonEx { .. } => HResult::MAPI_E_LOGON_FAILED,
        Call::Method { .. } | Call::OnObject { .. } | Call::Advise { .. } | Call::Unadvise { .. } => {
            HResult::MAPI_E_INVALID_OBJECT
        }
        _ => HResult::MAPI_E_INVALID_PARAMETER,
    };
    if is_valueless(call) {
        return vec![Outcome::returned(HResult::S_OK, good[0])];
    }
    let clean = if good == [Out::None] { Out::None } else { Out::Unchanged };
    let out = match call {
        Call::Advise { .. } => Out::Value(unused_connection(world)),
        _ => good[0],
    };
    let mut all = vec![
        Outcome::returned(HResult::S_OK, out),
        Outcome::returned(refusal, clean),
        Outcome::returned(HResult::MAPI_E_USER_CANCEL, clean),
        Outcome::returned(HResult::MAPI_E_NOT_INITIALIZED, clean),
    ];
    if good.len() > 1 && good[0] == Out::Null {
        // An answer that says nothing, and one that says something.
        all.push(Outcome::returned(HResult::S_OK, good[1]));
    }
    all
}

/// The smallest connection number that no live registration has.
fn unused_connection(world: &World) -> u64 {
    let used = |number| world.registrations.iter().flatten().any(|r| r.active && r.connection == number);
    let most = world.registrations.len() as u64 + 1;
    (1..=most).find(|number| !used(*number)).unwrap_or(most)
}

/// The answer that a plan counts on: the success, if it is allowed, or else the usual failure. The call is under
/// way in `world`. `None` where the rules forbid all of these.
pub fn usual(rules: &Rules, demand: Demand, world: &World, id: CallId) -> Option<Outcome> {
    allowed_of_typical(rules, demand, world, id).first().copied()
}

/// Whether both a success and a failure are open to the call of that number: a plan must go on from either.
pub fn may_go_either_way(
    rules: &Rules,
    demand: Demand,
    world: &World,
    id: CallId,
) -> Option<(Outcome, Outcome)> {
    let open = allowed_of_typical(rules, demand, world, id);
    let success = open.iter().find(|outcome| outcome.succeeded())?;
    let failure = open.iter().find(|outcome| !outcome.succeeded())?;
    Some((*success, *failure))
}

fn allowed_of_typical(rules: &Rules, demand: Demand, world: &World, id: CallId) -> Vec<Outcome> {
    let Some(pending) = world.pending.iter().find(|pending| pending.id == id) else { return Vec::new() };
    let moment = Moment::new(world, pending, demand.era);
    let mut open = typical(&pending.call, world);
    for (_, arm) in rules.bearing(&moment, demand.level) {
        open.retain(|outcome| arm.allows(&moment, outcome));
    }
    open
}

/// Whether the documents allow this answer to the call of that number, which is under way in `world`.
pub fn is_allowed(rules: &Rules, demand: Demand, world: &World, id: CallId, outcome: Outcome) -> bool {
    let Some(pending) = world.pending.iter().find(|pending| pending.id == id) else { return false };
    let moment = Moment::new(world, pending, demand.era);
    rules.bearing(&moment, demand.level).all(|(_, arm)| arm.allows(&moment, &outcome))
}

/// The typical answers that the documents allow to the call under way: enough to reach every state, a success, a
/// refusal, a cancelled dialog.
pub fn answers(rules: &Rules, demand: Demand, world: &World, id: CallId) -> Vec<Outcome> {
    allowed_of_typical(rules, demand, world, id)
}

/// The conceivable answers to the call under way that `allowed_by` lets through and a rule of `against` on this
/// requirement does not. Empty if the one set of rules keeps what the other demands.
pub fn breaches(
    allowed_by: &Rules,
    against: &Rules,
    demand: Demand,
    world: &World,
    id: CallId,
    requirement: RequirementId,
) -> Vec<Outcome> {
    let Some(pending) = world.pending.iter().find(|pending| pending.id == id) else { return Vec::new() };
    let moment = Moment::new(world, pending, demand.era);
    let demanding: Vec<&Arm> = against.on(requirement).filter(|arm| arm.bears_on(&moment, demand)).collect();
    if demanding.is_empty() {
        return Vec::new();
    }
    let mut broken = conceivable(&pending.call);
    broken.retain(|outcome| !demanding.iter().all(|arm| arm.allows(&moment, outcome)));
    if !broken.is_empty() {
        let bearing: Vec<_> = allowed_by.bearing(&moment, demand.level).collect();
        broken.retain(|outcome| bearing.iter().all(|(_, arm)| arm.allows(&moment, outcome)));
    }
    broken
}
