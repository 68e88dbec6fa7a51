//! The whole idea on one screen: four phases, two flags. The full relation is checked to refine this.
//!
//! ```text
//!   MAPILogonEx ──▶ LoggedOn ──Logoff──▶ LoggingOff ──S_OK──▶ LoggedOff ──last Release──▶ Released
//!                      ▲  │                  │                                              ▲
//!                      └──│── refused, or cancelled                                         │
//!                         └────────────── last Release, without a Logoff ──────────────────┘
//! ```
//!
//! `MAPI_LOGOFF_UI` allows a dialog, and a person may cancel: back to `LoggedOn`. `MAPI_LOGOFF_SHARED` tells the
//! other members of a shared session; it ends none of them.

use crate::phase::Phase;

/// What moves a session from one phase to another, seen from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Move {
    /// Logoff is entered.
    Enter,
    /// Logoff returns with success.
    Leave,
    /// Logoff returns with a failure: refused for its arguments, or cancelled by a person.
    Refuse,
    /// The client gives back its last reference.
    LastRelease,
}

/// Every move there is. Anything else that a client does leaves the phase as it is.
pub const MOVES: &[(Phase, Move, Phase)] = &[
    (Phase::LoggedOn, Move::Enter, Phase::LoggingOff),
    (Phase::LoggingOff, Move::Leave, Phase::LoggedOff),
    (Phase::LoggingOff, Move::Refuse, Phase::LoggedOn),
    (Phase::LoggedOff, Move::LastRelease, Phase::Released),
    (Phase::LoggedOn, Move::LastRelease, Phase::Released),
];

/// Where this move leads, if it is one.
pub fn next(phase: Phase, step: Move) -> Option<Phase> {
    MOVES.iter().find(|(from, by, _)| *from == phase && *by == step).map(|(_, _, to)| *to)
}

/// Whether a session can pass from one phase to the other in one observed event.
pub fn allows(from: Phase, to: Phase) -> bool {
    from == to || MOVES.iter().any(|(a, _, b)| *a == from && *b == to)
}

/// The diagram, as Mermaid reads it.
pub fn mermaid() -> String {
    use std::fmt::Write as _;
    let mut text = String::from("stateDiagram-v2\n    [*] --> LoggedOn: MAPILogonEx\n");
    for (from, by, to) in MOVES {
        let label = match by {
            Move::Enter => "Logoff is entered",
            Move::Leave => "Logoff returns S_OK",
            Move::Refuse => "Logoff refused, or cancelled",
            Move::LastRelease => "last Release",
        };
        let _ = writeln!(text, "    {from} --> {to}: {label}");
    }
    text.push_str("    Released --> [*]\n");
    text
}
