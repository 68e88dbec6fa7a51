//! Whether processes that run abreast keep each other out: a profile may be one process's at a time.

use std::collections::BTreeMap;

use mapi_session_spec::event::{Call, Event, Profile};
use mapi_session_spec::flags::LogonFlags;
use mapi_session_spec::hresult::HResult;

use crate::isolation::parent::Observed;

/// What logons of one kind came to.
#[derive(Debug, Clone, Copy, Default)]
struct CameTo {
    success: bool,
    failure: bool,
}

/// Whether a logon failed abreast that had always worked while its process was the only one.
pub(super) fn keep_each_other_out<'a>(
    alone: impl IntoIterator<Item = &'a Observed>,
    abreast: impl IntoIterator<Item = &'a Observed>,
) -> bool {
    let alone = logons(alone);
    let always_worked = |logon| alone.get(logon).is_some_and(|came_to| came_to.success && !came_to.failure);
    logons(abreast).iter().any(|(logon, came_to)| came_to.failure && always_worked(logon))
}

/// What the logons came to, by their arguments. Those that come before `MAPIInitialize` say nothing.
fn logons<'a>(of: impl IntoIterator<Item = &'a Observed>) -> BTreeMap<(Profile, LogonFlags), CameTo> {
    let mut all: BTreeMap<(Profile, LogonFlags), CameTo> = BTreeMap::new();
    for observed in of {
        let mut open = Vec::new();
        for event in observed.events() {
            match event {
                Event::Call { id, call: Call::LogonEx { profile, flags, .. }, .. } => {
                    open.push((id, (profile, flags)));
                }
                Event::Return { id, outcome } => {
                    let Some(place) = open.iter().position(|(logon, _)| *logon == id) else { continue };
                    let came_to = all.entry(open.swap_remove(place).1).or_default();
                    came_to.success |= outcome.succeeded();
                    came_to.failure |= outcome.failed() && !outcome.is(HResult::MAPI_E_NOT_INITIALIZED);
                }
                _ => {}
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::event::{CallId, SessionId, ThreadId};
    use mapi_session_spec::outcome::{Out, Outcome};

    use super::*;
    use crate::isolation::parent::SharedSymbols;

    fn logon(flags: LogonFlags, code: HResult) -> Observed {
        let id = CallId(1);
        let call = Call::LogonEx { session: SessionId(0), profile: Profile::Named, flags };
        let outcome = Outcome::returned(code, Out::Null);
        let events = vec![Event::Call { id, thread: ThreadId(0), call }, Event::Return { id, outcome }];
        Observed::showing(&SharedSymbols::default(), &events)
    }

    #[test]
    fn only_a_logon_that_always_worked_alone_and_failed_abreast_tells_of_processes_that_keep_each_other_out()
    {
        let (plain, other) = (LogonFlags::MAPI_EXTENDED, LogonFlags::MAPI_NEW_SESSION);
        let (works, fails) = (logon(plain, HResult::S_OK), logon(plain, HResult::MAPI_E_LOGON_FAILED));
        let too_early = logon(plain, HResult::MAPI_E_NOT_INITIALIZED);
        assert!(keep_each_other_out([&works, &too_early], [&works, &fails]));
        assert!(!keep_each_other_out([&works], [&works, &too_early]));
        assert!(!keep_each_other_out([&works, &fails], [&fails]));
        assert!(!keep_each_other_out([&logon(other, HResult::S_OK)], [&fails]));
    }
}
