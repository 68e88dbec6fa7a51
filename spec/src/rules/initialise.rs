//! `MAPIInitialize` and `MAPIUninitialize`.

use crate::calls::CallKind::{Initialize, LogonEx, Uninitialize};
use crate::hresult::HResult;
use crate::level::Level::Documented;
use crate::requirement::Family;
use crate::rule::Arm;
use crate::scope::Scope;

pub(super) const ARMS: &[Arm] = &[
    Arm::on_return(
        Family::Init.id(2),
        Documented,
        "MAPI_E_NOT_INITIALIZED",
        |m| m.world.process.initialised == 0 && !m.pending.overlapped,
        |_, o| o.is(HResult::MAPI_E_NOT_INITIALIZED),
    )
    .about(Scope::of(&[LogonEx])),
    Arm::on_return(
        Family::Init.id(6),
        Documented,
        "S_OK: MAPI was not initialised in this process before",
        |m| m.world.process.fresh && !m.pending.overlapped,
        |_, o| o.is(HResult::S_OK),
    )
    .about(Scope::of(&[Initialize])),
    Arm::on_return(
        Family::Init.id(6),
        Documented,
        "S_OK or S_FALSE",
        |m| !m.world.process.fresh || m.pending.overlapped,
        |_, o| o.is(HResult::S_OK) || o.is(HResult::S_FALSE),
    )
    .about(Scope::of(&[Initialize])),
    Arm::on_return(
        Family::Init.id(3),
        Documented,
        "the call returns",
        |m| m.world.process.initialised > 0,
        |_, o| o.came_back(),
    )
    .about(Scope::of(&[Uninitialize])),
];
