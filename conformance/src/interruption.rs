//! What happens when somebody stops the run: the subject's process dies with it, and its memory is given back.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The exit code of a run that is not whole.
const NOT_WHOLE: i32 = 4;

/// A subject's process that runs now.
struct Charge {
    group: u32,
    shared: PathBuf,
}

static CHARGES: Mutex<Vec<Charge>> = Mutex::new(Vec::new());

fn charges() -> MutexGuard<'static, Vec<Charge>> {
    CHARGES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process is being started, its file first: an interruption waits until it is known what there is to kill and to remove.
pub(crate) struct Starting(MutexGuard<'static, Vec<Charge>>);

impl Starting {
    /// Before the file is made.
    pub(crate) fn now() -> Self {
        Self(charges())
    }

    /// From now on an interruption kills that process group, and removes that file, if it has its name yet.
    pub(crate) fn take_charge(mut self, group: u32, shared: PathBuf) {
        self.0.push(Charge { group, shared });
    }
}

/// That process group has been waited for.
pub(crate) fn let_go(group: u32) {
    charges().retain(|charge| charge.group != group);
}

/// Ends the run in good order on SIGINT, SIGTERM and SIGHUP (Ctrl-C on Windows): exit code 4, no partial report.
pub(crate) fn watch() -> Option<ExitCode> {
    let set = ctrlc::set_handler(|| {
        for charge in charges().iter() {
            // SAFETY: the group was made for the child, which has not been waited for: its number is still its own.
            #[cfg(unix)]
            unsafe {
                libc::kill(-charge.group.cast_signed(), libc::SIGKILL);
            }
            let _ = std::fs::remove_file(&charge.shared);
        }
        crate::cli::complain("interrupted: nothing is reported of a run that is not whole");
        std::process::exit(NOT_WHOLE);
    });
    set.is_err().then(|| {
        crate::cli::complain("interruptions cannot be watched for on this machine");
        ExitCode::from(2)
    })
}
