//! MAPI's general conventions on failures, for a session that is logged on.

use crate::event::{Call, Method};
use crate::hresult::{Facility, HResult};
use crate::level::Level::Conventional;
use crate::moment::Moment;
use crate::requirement::Family;
use crate::rule::Arm;

/// A method that is not `QueryInterface`.
fn interface_method(m: &Moment) -> bool {
    m.alive() && matches!(m.call(), Call::Method { .. } | Call::Advise { .. } | Call::Unadvise { .. })
}

/// A table method with a flag bit that its page does not know.
fn unknown_flag(m: &Moment) -> bool {
    m.alive() && m.method().is_some_and(Method::opens_table) && m.method_flags() & !0x8000_0000 != 0
}

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Err.id(3),
        Conventional,
        "a failure of FACILITY_NULL, FACILITY_RPC, FACILITY_ITF or FACILITY_WIN32",
        interface_method,
        |_, o| {
            o.code().is_none_or(|code| {
                code.succeeded()
                    || matches!(
                        code.facility(),
                        Facility::NULL | Facility::RPC | Facility::ITF | Facility::WIN32
                    )
            })
        },
    ),
    Arm::on_return(
        Family::Err.id(4),
        Conventional,
        "one of MAPI's codes for what is not supported, not E_NOTIMPL",
        interface_method,
        |_, o| !o.is(HResult::E_NOTIMPL),
    ),
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
    ),
    Arm::on_return(
        Family::Err.id(10),
        Conventional,
        "a failure leaves the out parameter NULL or as it was",
        // Whichever side of its session's end the call came on.
        |m| (m.alive() || m.either()) && matches!(m.call(), Call::Method { .. } | Call::Advise { .. }),
        |_, o| !o.failed() || o.out_is_clean(),
    ),
];
