//! `judge --follow`: what a recording shows is said while it is still being written.
//!
//! Which dialect the subject has, and who was there before, only the whole recording says: until then nothing that rests
//! on it is demanded. What is said here stands; the report at the end may say more.

use std::collections::HashSet;
use std::io::{BufReader, Read, Write as _};
use std::path::Path;

use mapi_session_spec::requirement;
use mapi_session_spec::rule::Rules;
use mapi_session_spec::state::{Before, World};

use super::judges::{Judges, Told};
use super::recording::broken;
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
            let mut start = World::default();
            start.process.fresh = !header.attached;
            // Others may come, and what they share with these, no document says.
            start.process.haunted = true;
            if header.attached {
                start.attach(before.sessions());
            }
            judges.add(start);
        }
        judges.note_gaps(events.gaps);
        if header.attached
            && let Some(session) = before.new_in(&event)
        {
            judges.worlds().for_each(|world| world.attach([session]));
        }
        let (told, _) = judges.observe(&event, events.process, line, false)?;
        for told in told.iter().filter(|told| wanted(told)) {
            if said.insert(told.deviation.arm) {
                let id = told.deviation.requirement;
                let title = requirement::find(id).map_or("", |known| known.name);
                let blame = told.deviation.blame;
                let what = format!("{name}:{line}: deviation[{id}]: {title}: the {blame}: {}", told.observed);
                let _ = writeln!(anstream::stderr(), "{what}");
            }
        }
    }
    Ok(())
}
