//! `MAPIInitialize` and `MAPIUninitialize`.

use crate::event::Call;
use crate::hresult::HResult;
use crate::level::Level::Documented;
use crate::requirement::Family;
use crate::rule::Arm;

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Init.id(2),
        Documented,
        "MAPI_E_NOT_INITIALIZED",
        |m| {
            matches!(m.call(), Call::LogonEx { .. })
                && m.world.process.initialised == 0
                && !m.pending.overlapped
        },
        |_, o| o.is(HResult::MAPI_E_NOT_INITIALIZED),
    ),
    Arm::on_return(
        Family::Init.id(6),
        Documented,
        "S_OK: MAPI was not initialised in this process before",
        |m| matches!(m.call(), Call::Initialize) && m.world.process.fresh && !m.pending.overlapped,
        |_, o| o.is(HResult::S_OK),
    ),
    Arm::on_return(
        Family::Init.id(6),
        Documented,
        "S_OK or S_FALSE",
        |m| matches!(m.call(), Call::Initialize) && (!m.world.process.fresh || m.pending.overlapped),
        |_, o| o.is(HResult::S_OK) || o.is(HResult::S_FALSE),
    ),
    Arm::on_return(
        Family::Init.id(3),
        Documented,
        "the call returns",
        |m| matches!(m.call(), Call::Uninitialize) && m.world.process.initialised > 0,
        |_, o| o.came_back(),
    ),
];
