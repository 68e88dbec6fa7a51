//! A file that somebody is still writing.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

/// How long to wait before looking again.
const AGAIN: Duration = Duration::from_millis(20);

/// The file, once there is one.
pub(super) fn when_it_is_there(path: &Path) -> std::io::Result<File> {
    let mut said = false;
    loop {
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if !said {
                    eprintln!("waiting for {}", crate::text::harmless(&path.display().to_string()));
                    said = true;
                }
                std::thread::sleep(AGAIN);
            }
            other => return other,
        }
    }
}

/// What stands in a file, and what is added to it meanwhile. It ends where there is something in it and nobody holds it:
/// a recorder keeps its file locked for as long as its process lives, however that ends.
pub(super) struct Growing {
    file: File,
    is_empty: bool,
}

impl Growing {
    pub(super) const fn new(file: File) -> Self {
        Self { file, is_empty: true }
    }

    fn is_held(&self) -> bool {
        match self.file.try_lock_shared() {
            Ok(()) => {
                let _ = self.file.unlock();
                false
            }
            Err(TryLockError::WouldBlock) => true,
            // Where files cannot be locked, nobody holds one.
            Err(TryLockError::Error(_)) => false,
        }
    }
}

impl Read for Growing {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            // In this order: who is gone by now has written all that it ever will.
            let is_held = self.is_held();
            let read = self.file.read(into)?;
            self.is_empty &= read == 0;
            if read > 0 || !(is_held || self.is_empty) {
                return Ok(read);
            }
            std::thread::sleep(AGAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_is_read_until_nobody_holds_it() {
        let mut writer = tempfile::NamedTempFile::new().expect("a file");
        let reader = File::open(writer.path()).expect("the file");
        writer.as_file().lock().expect("a lock");
        let reading = std::thread::spawn(move || {
            let mut all = String::new();
            Growing::new(reader).read_to_string(&mut all).map(|_| all)
        });
        for part in ["one ", "two ", "three"] {
            std::thread::sleep(3 * AGAIN);
            writer.write_all(part.as_bytes()).expect("room");
        }
        assert!(!reading.is_finished());
        drop(writer);
        assert_eq!(reading.join().expect("no panic").expect("a readable file"), "one two three");
    }
}
