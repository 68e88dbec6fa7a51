//! Loading: the embedded subjects, or a shared library's exports.

use std::path::Path;

use libloading::Library;
use mapi_session_com::{Exports, FreeBuffer, Initialize, LogonEx, Uninitialize};

use super::Subject;

/// Why a subject could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The platform's loader refused the file.
    #[error("{0}")]
    NotLoaded(String),
    /// A function that every MAPI implementation exports is not there.
    #[error("it does not export {0}")]
    MissingExport(&'static str),
    /// No mutant of that name is embedded.
    #[error("no mutant is called {0}")]
    NoSuchMutant(String),
}

/// A loaded subject. Never unloaded: its threads may still run its code.
pub(crate) struct Loaded {
    /// What it exports.
    pub(crate) exports: Exports,
    /// The library, where it is one.
    pub(crate) library: Option<&'static Library>,
}

/// Loads the subject into this process.
pub(crate) fn load(subject: &Subject) -> Result<Loaded, LoadError> {
    use mapi_session_fixtures::{Choice, exports, find};
    let embedded = |choice| Loaded { exports: exports(choice), library: None };
    match subject {
        Subject::Reference => Ok(embedded(Choice::Reference)),
        Subject::Contrary => Ok(embedded(Choice::Contrary)),
        Subject::Mutant(id) => match find(id) {
            Some(mutant) => Ok(embedded(Choice::Mutant(mutant))),
            None => Err(LoadError::NoSuchMutant(id.clone())),
        },
        Subject::Library(path) => load_library(path),
    }
}

fn load_library(path: &Path) -> Result<Loaded, LoadError> {
    // A name without a folder is the loader's to find; a file in this folder is meant if it is there.
    let name = if path.components().count() == 1 && path.exists() {
        Path::new(".").join(path)
    } else {
        path.to_path_buf()
    };
    // SAFETY: loading runs the library's initialisers; that is what the user asked for, in a process of its own.
    let library = unsafe { Library::new(&name) }.map_err(|error| {
        use std::error::Error as _;
        // The loader's own words say which: the wrong bitness, another machine, a missing dependency.
        let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        LoadError::NotLoaded(said)
    })?;
    let library: &'static Library = Box::leak(Box::new(library));
    // SAFETY: each symbol is cast to the signature that MAPI documents for the function of that name.
    let exports = unsafe {
        Exports {
            initialize: required::<Initialize>(library, "MAPIInitialize")?,
            logon_ex: required::<LogonEx>(library, "MAPILogonEx")?,
            uninitialize: required::<Uninitialize>(library, "MAPIUninitialize")?,
            free_buffer: required::<FreeBuffer>(library, "MAPIFreeBuffer")?,
            allocate_buffer: optional(library, "MAPIAllocateBuffer"),
            dispatch_notifications: optional(library, "HrDispatchNotifications"),
        }
    };
    Ok(Loaded { exports, library: Some(library) })
}

/// # Safety
/// `T` is the type of the function of that name.
unsafe fn required<T: Copy>(library: &'static Library, name: &'static str) -> Result<T, LoadError> {
    // SAFETY: by the caller.
    unsafe { optional(library, name) }.ok_or(LoadError::MissingExport(name))
}

/// # Safety
/// `T` is the type of the function of that name.
unsafe fn optional<T: Copy>(library: &'static Library, name: &'static str) -> Option<T> {
    // SAFETY: by the caller.
    unsafe { library.get::<T>(name.as_bytes()) }.ok().map(|symbol| *symbol)
}
