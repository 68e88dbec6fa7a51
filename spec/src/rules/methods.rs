//! The other methods of a session that is logged on: what the lifecycle needs of them.

use crate::calls::CallKind;
use crate::event::Method;
use crate::hresult::HResult;
use crate::level::Level::Documented;
use crate::moment::Moment;
use crate::outcome::Out;
use crate::requirement::Family;
use crate::rule::Arm;
use crate::scope::Scope;
use crate::state::Disturbance;

fn undocumented_slot(m: &Moment) -> bool {
    matches!(m.method(), Some(Method::MessageOptions | Method::QueryDefaultMessageOpt))
}

/// Something happened since this very question was answered; what may follow is said in `survival`.
fn spoken_for(m: &Moment) -> bool {
    m.worked_before() && !matches!(m.disturbed(), None | Some(Disturbance::OtherLogon))
}

const METHOD: Scope = Scope::of(&[CallKind::Method]);

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Sess.id(1),
        Documented,
        "the method in this slot returns",
        |m| !m.pending.overlapped && !m.pending.nested && !undocumented_slot(m) && !spoken_for(m),
        |_, o| o.came_back(),
    ),
    Arm::on_return(
        Family::Sess.id(1),
        Documented,
        "S_OK comes with an object",
        |m| m.method().is_some_and(Method::opens),
        |_, o| !o.is(HResult::S_OK) || o.may_have_given_object(),
    )
    .about(METHOD),
    Arm::on_return(
        Family::Err.id(1),
        Documented,
        "a warning is a success: the object is there",
        |m| m.method().is_some_and(Method::opens),
        |_, o| !o.succeeded() || o.is(HResult::S_OK) || o.may_have_given_object(),
    )
    .about(METHOD),
    Arm::on_return(
        Family::Sess.id(2),
        Documented,
        "slots 13 and 14 can be called; what they answer is open",
        undocumented_slot,
        |_, o| o.came_back(),
    )
    .about(METHOD),
    Arm::on_return(
        Family::Err.id(9),
        Documented,
        "S_OK and an error structure: MAPI_E_EXTENDED_ERROR promised one",
        |m| m.method() == Some(Method::GetLastError) && m.session().is_some_and(|s| s.promises_error),
        |_, o| o.is(HResult::S_OK) && !matches!(o.out, Out::Null | Out::Unchanged | Out::Rubbish),
    )
    .about(METHOD),
    Arm::on_return(
        Family::Shared.id(3),
        Documented,
        "the identity that another member of the shared session was given",
        |m| m.method() == Some(Method::QueryIdentity) && others_identity(m).is_some(),
        |m, o| !o.is(HResult::S_OK) || o.out.value().is_none() || o.out.value() == others_identity(m),
    )
    .about(METHOD),
];

fn others_identity(m: &Moment) -> Option<u64> {
    let own = m.session()?;
    let group = own.group()?;
    let others = m.world.all_sessions().filter(|(_, other)| !std::ptr::eq(*other, own));
    others.filter(|(_, other)| other.is_member_of(group)).find_map(|(_, other)| other.identity)
}
