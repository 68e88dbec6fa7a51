//! `replay`: run one trace again.

use std::path::PathBuf;

use clap::Args;
use mapi_session_spec::event::{CallId, Callback, Event, SinkId, ThreadId};
use mapi_session_spec::requirement::RequirementId;
use mapi_session_spec::rule::Rules;

use super::check::ChildArgs;
use super::output::ReportArgs;
use super::{DemandArgs, SubjectArgs};
use crate::failure::Failure;
use crate::plan::Planned;
use crate::program::{Action, Awaited, Place, Program, Step};
use crate::report::json::Context;
use crate::run::{Request, run};

/// Run one trace again, and judge what comes this time.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The trace, as `check --traces DIR` wrote it.
    #[arg(value_name = "TRACE.jsonl")]
    trace: PathBuf,
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    child: ChildArgs,
    #[command(flatten)]
    demand: DemandArgs,
    #[command(flatten)]
    reports: ReportArgs,
}

/// The calls of a trace, where and in the order they were made. One beside a callback that never came back, while the
/// callback had not ended either, is one that the callback waited for.
fn program_of(events: &[Event]) -> Program {
    let hung: Vec<CallId> = events
        .iter()
        .filter_map(|event| match event {
            Event::Return { id, outcome } if outcome.hung() => Some(*id),
            _ => None,
        })
        .collect();
    let came_back: Vec<CallId> = events
        .iter()
        .filter_map(|event| match event {
            Event::CallbackReturn { id } => Some(*id),
            _ => None,
        })
        .collect();
    let mut steps: Vec<Step> = Vec::new();
    let mut inside: Vec<(CallId, SinkId, ThreadId)> = Vec::new();
    let mut releasing: Vec<(CallId, SinkId, ThreadId)> = Vec::new();
    for event in events {
        match *event {
            Event::Call { id, thread, call } => {
                let from_a_release = releasing.last().filter(|(.., on)| *on == thread);
                let place = match inside.last() {
                    _ if let Some((_, sink, _)) = from_a_release => Place::Releasing(*sink),
                    Some((_, sink, on)) if *on == thread => Place::Inside(*sink),
                    Some((callback, sink, _)) if hung.contains(&id) && !came_back.contains(callback) => {
                        Place::WaitedFor(*sink)
                    }
                    Some((_, sink, _)) if thread == ThreadId(1) => Place::Beside(*sink),
                    _ => Place::Thread(ThreadId(thread.0.min(1))),
                };
                steps.push(Step { action: Action::Call(call), place, after: None });
            }
            Event::Callback { id, thread, sink, callback: Callback::OnNotify { .. } } => {
                inside.push((id, sink, thread));
            }
            Event::Callback { id, thread, sink, callback: Callback::Release } => {
                releasing.push((id, sink, thread));
            }
            Event::CallbackReturn { id } => {
                inside.retain(|(open, ..)| *open != id);
                releasing.retain(|(open, ..)| *open != id);
            }
            Event::Settled { .. } => steps.push(Step {
                action: Action::Settle(Awaited::default()),
                place: Place::Thread(ThreadId(0)),
                after: None,
            }),
            _ => {}
        }
    }
    Program::of(steps)
}

impl Replay {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let trace = super::judge::read(&self.trace, false)?;
        let subject = self.subject.subject()?;
        let demand = self.demand.demand(trace.header.era);
        self.reports.check()?;
        let rules = Rules::documented();
        let program = program_of(&trace.events);
        if program.calls() == 0 {
            return Err(Failure::NothingSelected("the trace makes no call".into()));
        }
        let planned =
            [Planned { program, aims: Vec::new(), alone: false, leaves_a_ghost: false, race: None }];
        let setting = self.child.setting(subject.clone(), self.subject.profile.clone())?;
        let everything = |_: RequirementId| true;
        let request = Request {
            setting: &setting,
            rules: &rules,
            demand,
            planned: &planned,
            seed: 0,
            selected: &everything,
        };
        let findings = run(&request, &mut |_, _| {}).map_err(Failure::NotTested)?;
        let context = Context {
            version: env!("CARGO_PKG_VERSION"),
            subject,
            sha256: None,
            suites: vec!["replay".into()],
            seed: 0,
            plan: String::new(),
            profile: self.subject.profile.clone(),
            started: super::check::timestamp(std::time::SystemTime::now()),
            duration: 0.0,
            traces: self.reports.traces.clone(),
        };
        self.reports.write(&findings, &context)?;
        Ok(match (findings.deviations.is_empty(), findings.is_complete()) {
            (false, _) => 1,
            (true, true) => 0,
            (true, false) => 4,
        })
    }
}
