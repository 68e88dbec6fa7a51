//! Calls from inside `OnNotify`, and beside it.

use mapi_session_spec::alphabet::{self, way_named};
use mapi_session_spec::event::{Call, Interface, Method, ObjectId, ObjectMethod, RegistrationId, Target};
use mapi_session_spec::flags::LogoffFlags;

use super::BOTH;
use crate::plan::{Draft, Planned};
use crate::program::Place;

/// Calls from inside `OnNotify`, and beside it.
pub(super) fn callbacks(seed: &Draft, all: &mut Vec<Planned>) {
    for listener_way in ["joining", "by-name"] {
        for (inside, about_leaver) in [(true, false), (true, true), (false, false), (false, true)] {
            let mut base = seed.initialised(1);
            let leaver = base.log_on(way_named("sharing"));
            let listener = base.log_on(way_named(listener_way));
            let sink = base.advise(listener, BOTH);
            base.observe();
            let place = if inside { Place::Inside(sink) } else { Place::Beside(sink) };
            let on = if about_leaver { leaver } else { listener };
            let object = ObjectId(90);
            let mut scripts: Vec<Vec<Call>> = vec![
                vec![Call::Method { session: on, method: Method::GetStatusTable, flags: 0, object }],
                vec![Call::Method { session: on, method: Method::QueryIdentity, flags: 0, object }],
                vec![
                    Call::AddRef { target: Target::Session(on) },
                    Call::Release { target: Target::Session(on) },
                ],
                vec![alphabet::query(on, Interface::Unheard, object)],
            ];
            // In the smallest suite the one below, with something open, stands for this.
            if !seed.is_least() {
                scripts.push(vec![alphabet::plain_logoff(on)]);
            }
            if !about_leaver {
                let lets_go = Call::Release { target: Target::Session(on) };
                scripts.extend([vec![alphabet::plain_logoff(on), lets_go], vec![lets_go]]);
                scripts
                    .push(vec![Call::Unadvise { session: listener, registration: RegistrationId(sink.0) }]);
            }
            if about_leaver {
                // What is opened while its session logs off is dead once that has returned.
                let state = Call::OnObject { object, method: ObjectMethod::GetStatus };
                let mut draft = base.clone();
                draft.at_notification(
                    place,
                    Call::Method { session: on, method: Method::GetStatusTable, flags: 0, object },
                );
                draft.at_notification(place, state);
                let flagged = alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED);
                all.push(draft.edge_then(flagged, |draft| draft.ask_what_came_of_it(state)));
            }
            for script in scripts {
                let mut draft = base.clone();
                for call in &script {
                    draft.at_notification(place, *call);
                }
                all.push(draft.edge(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED)));
            }
            // A Logoff from there, while something is open: that is asked whatever the plan takes the call to have done.
            let mut draft = base.clone();
            let object = draft.open(on, Method::GetStatusTable);
            let state = Call::OnObject { object, method: ObjectMethod::GetStatus };
            draft.call(state);
            draft.at_notification(place, alphabet::plain_logoff(on));
            let flagged = alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED);
            all.push(draft.edge_then(flagged, |draft| draft.ask_what_came_of_it(state)));
        }
    }
}

/// A member logs off when it is told, while another is on: before that hears, or after it.
pub(super) fn a_member_leaves_when_told(seed: &Draft, all: &mut Vec<Planned>) {
    for first in 0..2 {
        for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
            let mut draft = seed.initialised(1);
            let leaver = draft.log_on(way_named("sharing"));
            let others = ["joining", "by-name"].map(|way| draft.log_on(way_named(way)));
            let told = others[first];
            draft.open(told, Method::GetStatusTable);
            let sinks = others.map(|session| draft.advise(session, BOTH));
            draft.observe();
            draft.at_notification(Place::Inside(sinks[first]), alphabet::logoff_with(told, flags));
            all.push(draft.edge(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED)));
        }
    }
}

/// A registration is given back while another hears of a Logoff, of the same session or of another's: its sink, once given
/// back, hears of nothing.
pub(super) fn given_back_while_another_hears(seed: &Draft, all: &mut Vec<Planned>) {
    for of_one_session in [false, true] {
        for (hears, given_back) in [(0, 1), (1, 0)] {
            for place in [Place::Inside, Place::Beside] {
                let mut draft = seed.initialised(1);
                let leaver = draft.log_on(way_named("sharing"));
                let others = ["joining", "by-name"].map(|way| draft.log_on(way_named(way)));
                let registered = if of_one_session { [others[0]; 2] } else { others };
                let sinks = registered.map(|session| draft.advise(session, BOTH));
                draft.observe();
                let registration = RegistrationId(sinks[given_back].0);
                let gives_back = Call::Unadvise { session: registered[given_back], registration };
                draft.at_notification(place(sinks[hears]), gives_back);
                all.push(draft.edge(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED)));
            }
        }
    }
}

/// Calls from inside the last Release of a sink, whose registration ends with its session or before it.
pub(super) fn calls_from_a_last_release(seed: &Draft, all: &mut Vec<Planned>) {
    for about_another in [false, true] {
        let mut base = seed.initialised(1);
        let leaver = base.log_on(way_named("sharing"));
        let member = base.log_on(way_named("joining"));
        base.open(leaver, Method::GetStatusTable);
        let sink = base.advise(leaver, BOTH);
        base.observe();
        let on = if about_another { member } else { leaver };
        let object = ObjectId(90);
        for call in [
            Call::Method { session: on, method: Method::QueryIdentity, flags: 0, object },
            alphabet::plain_logoff(on),
        ] {
            let mut draft = base.clone();
            draft.at_notification(Place::Releasing(sink), call);
            for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
                all.push(draft.clone().edge(alphabet::logoff_with(leaver, flags)));
            }
            let registration = RegistrationId(sink.0);
            all.push(draft.edge(Call::Unadvise { session: leaver, registration }));
        }
        // What is opened there is dead, or lives on, with its session.
        let state = Call::OnObject { object, method: ObjectMethod::GetStatus };
        let mut draft = base.clone();
        let opens = Call::Method { session: on, method: Method::GetStatusTable, flags: 0, object };
        for call in [opens, state] {
            draft.at_notification(Place::Releasing(sink), call);
        }
        for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
            let edge = alphabet::logoff_with(leaver, flags);
            all.push(draft.clone().edge_then(edge, |draft| draft.ask_what_came_of_it(state)));
        }
    }
}

/// Calls on another thread, for which `OnNotify` waits: those of which a rule says that they end.
pub(super) fn callbacks_that_wait(seed: &Draft, all: &mut Vec<Planned>) {
    for about in ["leaver", "listener", "joining", "apart"] {
        let mut base = seed.initialised(1);
        let leaver = base.log_on(way_named("sharing"));
        let listener = base.log_on(way_named("joining"));
        let on = match about {
            "leaver" => leaver,
            "listener" => listener,
            bystander => base.log_on(way_named(bystander)),
        };
        let sink = base.advise(listener, BOTH);
        base.observe();
        let object = ObjectId(90);
        let logoff = alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED);
        for script in [
            vec![Call::Method { session: on, method: Method::QueryIdentity, flags: 0, object }],
            vec![
                Call::Method { session: on, method: Method::GetStatusTable, flags: 0, object },
                Call::OnObject { object, method: ObjectMethod::GetStatus },
            ],
            vec![alphabet::query(on, Interface::Unheard, object)],
            vec![alphabet::plain_logoff(on)],
        ] {
            if !base.may_not_wait_for(sink, logoff, script[0]) {
                continue;
            }
            let mut draft = base.clone();
            for call in script {
                draft.at_notification(Place::WaitedFor(sink), call);
            }
            all.push(draft.edge(logoff));
        }
    }
}

/// Two Logoffs of one session that overlap, once another member's has shown what one announcement brings.
pub(super) fn logoffs_that_overlap(seed: &Draft, all: &mut Vec<Planned>) {
    for inside in [true, false] {
        for flags in [LogoffFlags(0), LogoffFlags::MAPI_LOGOFF_SHARED] {
            let mut draft = seed.initialised(1);
            let leaver = draft.log_on(way_named("sharing"));
            let listener = draft.log_on(way_named("joining"));
            let earlier = draft.log_on(way_named("joining"));
            draft.advise(leaver, BOTH);
            draft.observe();
            draft.call(alphabet::logoff_with(earlier, LogoffFlags::MAPI_LOGOFF_SHARED));
            draft.settle();
            let sink = draft.advise(listener, BOTH);
            let place = if inside { Place::Inside(sink) } else { Place::Beside(sink) };
            draft.at_notification(place, alphabet::logoff_with(leaver, flags));
            all.push(draft.edge(alphabet::logoff_with(leaver, LogoffFlags::MAPI_LOGOFF_SHARED)));
        }
    }
}

#[cfg(test)]
mod tests {
    use mapi_session_spec::rule::{Demand, Rules};
    use mapi_session_spec::{Era, Level};

    use mapi_session_spec::event::SinkId;

    use super::*;
    use crate::plan::{Brief, Observing, Repeats};
    use crate::program::Action;

    #[test]
    fn the_others_are_listened_to_about_a_member_that_logs_off_when_it_is_told() {
        let demand = Demand { level: Level::Conventional, era: Era::FastShutdown };
        let rules = Rules::documented();
        let brief = Brief { rules: &rules, demand, ui: true, repeats: Repeats::default() };
        let mut planned = Vec::new();
        a_member_leaves_when_told(&Draft::new(brief, Observing::Everything), &mut planned);
        let mut tells = 0;
        for Planned { program, .. } in &planned {
            let told = program.steps.iter().find_map(|step| match (step.place, step.action) {
                (Place::Inside(sink), Action::Call(Call::Logoff { session, flags, .. })) => {
                    Some((sink, session, flags))
                }
                _ => None,
            });
            let (hears, leaver, flags) = told.expect("a member that leaves");
            let awaited = program.steps.iter().find_map(|step| match step.action {
                Action::Settle(awaited) => Some(awaited),
                Action::Call(_) => None,
            });
            let awaited = awaited.expect("a settling");
            let of = |sink| awaited.leavers(sink).any(|session| session == leaver);
            let others = (0..2).map(SinkId).filter(|sink| *sink != hears);
            let must_tell = flags == LogoffFlags::MAPI_LOGOFF_SHARED;
            tells += usize::from(must_tell);
            assert!(!of(hears) && others.clone().all(|sink| of(sink) == must_tell), "{flags:?}");
        }
        assert_eq!(tells, 2);
    }
}
