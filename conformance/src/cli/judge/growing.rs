//! A file that somebody is still writing.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write as _};
use std::path::Path;
use std::time::Duration;

/// How long to wait before looking again.
const AGAIN: Duration = Duration::from_millis(20);

/// The file, once there is one.
pub(super) fn when_it_is_there(path: &Path) -> Result<File> {
    let mut said = false;
    loop {
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if !said {
                    let name = crate::text::harmless(&path.display().to_string());
                    let _ = writeln!(anstream::stderr(), "waiting for {name}");
                    said = true;
                }
                std::thread::sleep(AGAIN);
            }
            other => return other,
        }
    }
}

/// Whether another process writes to the file still: a recorder keeps its file locked for as long as it lives, however
/// that ends. Asking takes no lock.
///
/// # Errors
/// If that cannot be asked here.
#[cfg(unix)]
pub(super) fn is_held(file: &File) -> Result<bool> {
    use nix::fcntl::{FcntlArg, fcntl};
    let mut lock = libc::flock {
        l_type: libc::F_RDLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
    Ok(lock.l_type != libc::F_UNLCK as libc::c_short)
}

/// Whether another process writes to the file still.
///
/// # Errors
/// Always: it cannot be asked here.
#[cfg(not(unix))]
pub(super) fn is_held(_file: &File) -> Result<bool> {
    Err(Error::new(ErrorKind::Unsupported, "whether it is still being written cannot be asked here"))
}

/// What stands in a file, and what is added to it meanwhile. It ends where nobody holds it who did, or nobody holds it
/// and there is something in it.
pub(super) struct Growing<H> {
    file: File,
    is_held: H,
    was_held: bool,
    read: u64,
}

impl<H: FnMut(&File) -> Result<bool>> Growing<H> {
    pub(super) const fn new(file: File, is_held: H) -> Self {
        Self { file, is_held, was_held: false, read: 0 }
    }
}

impl<H: FnMut(&File) -> Result<bool>> Read for Growing<H> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        loop {
            // In this order: who is gone by now has written all that it ever will.
            let is_held = (self.is_held)(&self.file)?;
            self.was_held |= is_held;
            let read = self.file.read(into)?;
            self.read += read as u64;
            if read > 0 || !is_held && (self.was_held || self.read > 0) {
                return Ok(read);
            }
            if self.file.metadata()?.len() < self.read {
                return Err(Error::other("it was begun anew meanwhile: remove the old one first"));
            }
            std::thread::sleep(AGAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// A file, and whether somebody is to hold it.
    fn growing() -> (tempfile::NamedTempFile, Arc<AtomicBool>, impl FnOnce() -> Result<String> + Send) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let held = Arc::new(AtomicBool::new(true));
        let (reader, asked) = (File::open(file.path()).expect("the file"), held.clone());
        let read = move || {
            let mut all = String::new();
            let is_held = |_: &File| Ok(asked.load(Ordering::SeqCst));
            Growing::new(reader, is_held).read_to_string(&mut all).map(|_| all)
        };
        (file, held, read)
    }

    #[test]
    fn a_file_is_read_until_nobody_holds_it() {
        let (mut writer, held, read) = growing();
        let reading = std::thread::spawn(read);
        for part in ["one ", "two ", "three"] {
            std::thread::sleep(3 * AGAIN);
            writer.write_all(part.as_bytes()).expect("room");
        }
        assert!(!reading.is_finished());
        held.store(false, Ordering::SeqCst);
        assert_eq!(reading.join().expect("no panic").expect("a readable file"), "one two three");
    }

    #[test]
    fn a_file_that_its_writer_leaves_empty_ends_too() {
        let (_writer, held, read) = growing();
        let reading = std::thread::spawn(read);
        std::thread::sleep(3 * AGAIN);
        assert!(!reading.is_finished());
        held.store(false, Ordering::SeqCst);
        assert_eq!(reading.join().expect("no panic").expect("a readable file"), "");
    }

    #[test]
    fn a_file_that_is_begun_anew_is_no_longer_the_same() {
        let (mut writer, _held, read) = growing();
        writer.write_all(b"an earlier run").expect("room");
        let reading = std::thread::spawn(read);
        std::thread::sleep(3 * AGAIN);
        writer.as_file().set_len(0).expect("a shorter file");
        assert!(reading.join().expect("no panic").is_err());
    }
}
