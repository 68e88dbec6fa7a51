//! MAPI's general conventions on failures, for a session that is logged on.

use crate::calls::CallKind::{self, Advise, Unadvise};
use crate::event::Method;
use crate::hresult::{Facility, HResult};
use crate::level::Level::Conventional;
use crate::moment::Moment;
use crate::requirement::Family;
use crate::rule::Arm;
use crate::scope::Met::Alive;
use crate::scope::Scope;

/// A table method with a flag bit that its page does not know.
fn unknown_flag(m: &Moment) -> bool {
    m.method().is_some_and(Method::opens_table) && m.method_flags() & !0x8000_0000 != 0
}

/// A method that is not `QueryInterface`.
const INTERFACE_METHOD: Scope = Scope::of(&[CallKind::Method, Advise, Unadvise]).that_met(&[Alive]);
const TABLE_METHOD: Scope = Scope::of(&[CallKind::Method]).that_met(&[Alive]);
/// Whichever side of its session's end the call came on.
const HAS_OUT: Scope = Scope::of(&[CallKind::Method, Advise]);

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Err.id(3),
        Conventional,
        "a failure of FACILITY_NULL, FACILITY_RPC, FACILITY_ITF or FACILITY_WIN32",
        |_| true,
        |_, o| {
            o.code().is_none_or(|code| {
                code.succeeded()
                    || matches!(
                        code.facility(),
                        Facility::NULL | Facility::RPC | Facility::ITF | Facility::WIN32
                    )
            })
        },
    )
    .about(INTERFACE_METHOD),
    Arm::on_return(
        Family::Err.id(4),
        Conventional,
        "one of MAPI's codes for what is not supported, not E_NOTIMPL",
        |_| true,
        |_, o| !o.is(HResult::E_NOTIMPL),
    )
    .about(INTERFACE_METHOD),
    Arm::on_return(
        Family::Err.id(6),
        Conventional,
        "a success, or MAPI_E_UNKNOWN_FLAGS or MAPI_E_INVALID_PARAMETER",
        unknown_flag,
        |_, o| {
            o.code().is_none_or(|code| {
                code.succeeded()
                    || code.is_refusal_of_arguments()
                    || code.is_want_of_resources()
                    || code == HResult::MAPI_E_NO_SUPPORT
            })
        },
    )
    .about(TABLE_METHOD),
    Arm::on_return(
        Family::Err.id(10),
        Conventional,
        "a failure leaves the out parameter NULL or as it was",
        |_| true,
        |_, o| !o.failed() || o.out_is_clean(),
    )
    .about(HAS_OUT),
];
