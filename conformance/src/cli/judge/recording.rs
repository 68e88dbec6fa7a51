//! A trace file that is judged: read twice, or as it grows.

use std::fs::File;
use std::io::{BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use mapi_session_spec::dialect::{Dialect, Inference};
use mapi_session_spec::state::{Before, World};

use super::growing::{Growing, is_held, when_it_is_there};
use crate::failure::Failure;
use crate::trace::{Events, Header, ReadError};

pub(super) fn cannot_open(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Input {
        path: path.to_path_buf(),
        why: error.to_string(),
        mend: "name a file of JSON Lines, as `check --traces DIR` writes them".into(),
    }
}

pub(super) fn broken(path: &Path, error: ReadError) -> Failure {
    Failure::Trace { path: path.to_path_buf(), error }
}

/// A trace file that is read twice: once for what it says of its subject, once to judge it.
pub(super) struct Recording {
    pub(super) path: PathBuf,
    /// What can be read only once, kept.
    kept: Option<tempfile::NamedTempFile>,
    allow_truncated: bool,
}

impl Recording {
    pub(super) fn new(path: &Path, allow_truncated: bool) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| cannot_open(path, &error);
        let is_a_file = std::fs::metadata(path).map_err(unreadable)?.is_file();
        let kept = if is_a_file {
            None
        } else {
            let mut kept = tempfile::NamedTempFile::new().map_err(unreadable)?;
            std::io::copy(&mut File::open(path).map_err(unreadable)?, &mut kept).map_err(unreadable)?;
            Some(kept)
        };
        Ok(Self { path: path.to_path_buf(), kept, allow_truncated })
    }

    /// A recording that somebody may still be writing, or will begin to write. `look` reads it as it grows; then it
    /// is there to be read like any other.
    pub(super) fn followed(
        path: &Path,
        look: impl FnOnce(&mut dyn Read) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| cannot_open(path, &error);
        let file = when_it_is_there(path).map_err(unreadable)?;
        let is_a_file = file.metadata().map_err(unreadable)?.is_file();
        let kept = if is_a_file {
            look(&mut Growing::new(file, is_held))?;
            None
        } else {
            let kept = tempfile::NamedTempFile::new().map_err(unreadable)?;
            let mut both = Tee { from: file, to: kept.reopen().map_err(unreadable)? };
            look(&mut both)?;
            std::io::copy(&mut both, &mut std::io::sink()).map_err(unreadable)?;
            Some(kept)
        };
        // However the program ended: its last line may be cut.
        Ok(Self { path: path.to_path_buf(), kept, allow_truncated: true })
    }

    pub(super) fn events(&self) -> Result<Events<BufReader<File>>, Failure> {
        let path = self.kept.as_ref().map_or(self.path.as_path(), |kept| kept.path());
        let file = File::open(path).map_err(|error| cannot_open(&self.path, &error))?;
        let events = Events::new(BufReader::with_capacity(1 << 16, file), self.allow_truncated);
        events.map_err(|error| broken(&self.path, error))
    }

    /// The state in which each process of the recording starts: what its whole course says of the subject.
    pub(super) fn starts(&self) -> Result<Vec<World>, Failure> {
        let mut inferences = vec![Inference::default()];
        let mut before = Before::default();
        let mut events = self.events()?;
        while let Some(event) = events.next() {
            let (event, _) = event.map_err(|error| broken(&self.path, error))?;
            let met = events.process.map_or(0, |process| process + 1);
            inferences.resize_with(inferences.len().max(met), Inference::default);
            match events.process {
                Some(process) => inferences[process].observe(&event),
                None => inferences.iter_mut().for_each(|inference| inference.observe(&event)),
            }
            before.observe(&event);
        }
        let several = inferences.len() > 1;
        let world = |inference: &Inference| start(&events.header, inference.dialect(), several, &before);
        Ok(inferences.iter().map(world).collect())
    }
}

/// The state in which a process of a recording starts, one of several or the only one.
pub(super) fn start(header: &Header, dialect: Dialect, several: bool, before: &Before) -> World {
    let mut world = World::default();
    world.process.dialect = dialect;
    world.process.fresh = !header.attached;
    // Whether a shared session is seen in another process too, no document says.
    world.process.haunted = several;
    if header.attached {
        // What came before is unknown, not absent.
        world.attach(before.sessions());
    }
    world
}

/// Keeps what is read.
struct Tee {
    from: File,
    to: File,
}

impl Read for Tee {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(into)?;
        self.to.write_all(&into[..read])?;
        Ok(read)
    }
}
