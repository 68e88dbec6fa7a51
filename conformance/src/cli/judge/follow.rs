//! `judge --follow`: what a recording shows is said while it is still being written.
//!
//! Which dialect the subject has, and who was there before, only the whole recording says: until then nothing that rests
//! on it is demanded. What is said here stands; the report at the end may say more.

use std::collections::HashSet;
use std::io::{BufReader, Read, Write as _};
use std::path::Path;

use mapi_session_spec::dialect::Dialect;
use mapi_session_spec::rule::Rules;
use mapi_session_spec::state::Before;

use super::judges::{Judges, Told};
use super::recording::{broken, start};
use super::report::headline;
use crate::cli::DemandArgs;
use crate::failure::Failure;
use crate::trace::Events;

/// Judges a recording as it grows, and tells each deviation from a rule once, on standard error.
pub(super) fn follow(
    path: &Path,
    growing: &mut dyn Read,
    rules: &Rules,
    demand: &DemandArgs,
    wanted: &dyn Fn(&Told) -> bool,
) -> Result<(), Failure> {
    let unreadable = |error| broken(path, error);
    let name = crate::text::harmless(&path.display().to_string());
    let mut events = Events::new(BufReader::new(growing), true).map_err(unreadable)?;
    let header = events.header.clone();
    let mut judges = Judges::new(rules, demand.demand(header.era), !header.planned);
    let mut before = Before::default();
    let mut said = HashSet::new();
    while let Some(event) = events.next() {
        let (event, line) = event.map_err(unreadable)?;
        while judges.count() < events.process.map_or(1, |process| process + 1) {
            // Other processes may come.
            judges.add(start(&header, Dialect::default(), true, &before));
        }
        judges.note_gaps(events.gaps);
        if header.attached
            && let Some(session) = before.observe(&event)
        {
            judges.worlds().for_each(|world| world.attach([session]));
        }
        let (told, _) = judges.observe(&event, events.process, line, false)?;
        for told in told.iter().filter(|told| wanted(told)) {
            if said.insert(told.deviation.arm) {
                let (head, blame) = (headline(&name, told), told.deviation.blame);
                let _ = writeln!(anstream::stderr(), "{head}: the {blame}: {}", told.observed);
            }
        }
    }
    Ok(())
}
