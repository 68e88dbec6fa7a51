//! Threads.

use super::{Family, Observable, Requirement, Source, Strength};
use crate::level::Level;
use crate::party::Party;

/// The rows, ascending.
pub const ROWS: &[Requirement] = &[
    Requirement {
        id: Family::Thread.id(1),
        name: "any-thread",
        binds: &[Party::Session],
        strength: Strength::Must,
        level: Level::Documented,
        era: None,
        in_scope: true,
        sources: &[Source { document: "threading-in-mapi.md", section: "Threading in MAPI" }],
        text: "No thread owns a session: each may call it whenever it likes, and may log it off without \
               having made it.",
        observable: Observable::Boundary,
        since: 1,
        revision: 1,
        implies: &[Family::Logoff.id(5)],
    },
    Requirement {
        id: Family::Thread.id(2),
        name: "thread-safe-objects",
        binds: &[Party::Session, Party::Client],
        strength: Strength::Must,
        level: Level::Documented,
        era: None,
        in_scope: false,
        sources: &[Source { document: "using-thread-safe-objects.md", section: "Using Thread-Safe Objects" }],
        text: "A client may take the objects that it uses directly to be safe on any thread. Form objects \
               and a transport's status object are not.",
        observable: Observable::Boundary,
        since: 1,
        revision: 1,
        implies: &[],
    },
    Requirement {
        id: Family::Thread.id(3),
        name: "sinks-are-the-clients",
        binds: &[Party::Client],
        strength: Strength::Must,
        level: Level::Documented,
        era: None,
        in_scope: false,
        sources: &[Source {
            document: "implementing-thread-safe-objects.md",
            section: "Implementing Thread-Safe Objects",
        }],
        text: "Whether a client's sinks are safe on any thread is the client's affair.",
        observable: Observable::ClientTrace(
            "binds the client; outside the rows that drive the state machine",
        ),
        since: 1,
        revision: 1,
        implies: &[],
    },
    Requirement {
        id: Family::Thread.id(4),
        name: "thread-awareness-optional",
        binds: &[Party::Session],
        strength: Strength::May,
        level: Level::Documented,
        era: None,
        in_scope: false,
        sources: &[Source {
            document: "implementing-thread-safe-objects.md",
            section: "Implementing Thread-Safe Objects",
        }],
        text: "No object needs to keep a context for each thread.",
        observable: Observable::Boundary,
        since: 1,
        revision: 1,
        implies: &[],
    },
    Requirement {
        id: Family::Thread.id(5),
        name: "notified-on-any-thread",
        binds: &[Party::Session],
        strength: Strength::May,
        level: Level::Documented,
        era: None,
        in_scope: true,
        sources: &[
            Source { document: "imapisession-advise.md", section: "Notes to callers" },
            Source {
                document: "ensuring-a-thread-safe-notification.md",
                section: "Ensuring a Thread-Safe Notification",
            },
        ],
        text: "No thread is set for OnNotify, and no moment, unless HrThisThreadAdviseSink tied the sink to \
               one.",
        observable: Observable::Boundary,
        since: 1,
        revision: 1,
        implies: &[],
    },
    Requirement {
        id: Family::Thread.id(6),
        name: "wrapped-sink-thread",
        binds: &[Party::Session],
        strength: Strength::Must,
        level: Level::Documented,
        era: None,
        in_scope: false,
        sources: &[Source { document: "hrthisthreadadvisesink.md", section: "Remarks" }],
        text: "A sink tied to a thread is called only while that thread is inside MAPI or handles its \
               messages.",
        observable: Observable::Boundary,
        since: 1,
        revision: 1,
        implies: &[],
    },
    Requirement {
        id: Family::Thread.id(7),
        name: "notification-window-thread",
        binds: &[Party::Client],
        strength: Strength::Must,
        level: Level::Documented,
        era: None,
        in_scope: false,
        sources: &[Source { document: "initializing-mapi.md", section: "Initializing MAPI" }],
        text: "The thread with the notification window ends after all others of the client, and is never \
               blocked while a session is on.",
        observable: Observable::ClientTrace(
            "binds the client; outside the rows that drive the state machine",
        ),
        since: 1,
        revision: 1,
        implies: &[],
    },
    Requirement {
        id: Family::Thread.id(8),
        name: "overlapping-calls-survive",
        binds: &[Party::Session],
        strength: Strength::Undocumented,
        level: Level::Conventional,
        era: None,
        in_scope: true,
        sources: &[
            Source { document: "edge cases of the survey behind this project", section: "E-09, E-11, E-12" },
            Source { document: "threading-in-mapi.md", section: "Threading in MAPI" },
        ],
        text: "Calls that overlap a Logoff, on another thread or from inside a callback, are answered as \
               before it or as after it; none crashes or hangs, and Logoffs that overlap do their work once.",
        observable: Observable::Boundary,
        since: 1,
        revision: 1,
        implies: &[],
    },
];
