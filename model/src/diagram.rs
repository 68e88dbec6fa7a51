//! A path as a sequence diagram: each client on a line of its own, the MAPI subsystem on the right.

use std::fmt::Write as _;

use mapi_session_spec::event::{Call, CallId, SessionId, SinkId};
use mapi_session_spec::state::World;

use crate::action::Action;
use crate::machine::State;

const WIDTH: usize = 780;
const MARGIN: usize = 90;
const HEAD: usize = 64;
const STEP: usize = 38;

/// One step: what was done, the state before it, and the state after it, if the path goes on.
pub(crate) type Step = (State, Option<Action>);

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Which client's line a session belongs to, and where that line is.
struct Lanes {
    clients: usize,
}

impl Lanes {
    fn x(&self, lane: usize) -> usize {
        MARGIN + lane * (WIDTH - 2 * MARGIN) / self.clients.max(1)
    }

    fn client(&self, session: Option<SessionId>) -> usize {
        self.x(session.map_or(0, |id| usize::from(id.0)).min(self.clients - 1))
    }

    fn mapi(&self) -> usize {
        self.x(self.clients)
    }
}

fn listener(world: &World, sink: SinkId) -> Option<SessionId> {
    world.all_registrations().find(|(_, registration)| registration.sink == sink).map(|(_, r)| r.session)
}

/// The session that a step of the client's is about.
fn about(world: &World, action: &Action) -> Option<SessionId> {
    match action {
        Action::Call(_, Call::LogonEx { session, .. }) => Some(*session),
        Action::Call(_, call) => world.session_of(call),
        Action::Return(id, _) => {
            let pending = world.pending.iter().find(|pending| pending.id == *id)?;
            about(world, &Action::Call(pending.thread, pending.call))
        }
        Action::Callback(_, sink, _) => listener(world, *sink),
        Action::CallbackReturn(id) => {
            let running = world.running.iter().find(|running| running.id == *id)?;
            listener(world, running.sink)
        }
        Action::Settle => None,
    }
}

/// The path, drawn.
pub(crate) fn sequence_diagram(path: &[Step]) -> String {
    let held =
        |state: &State| state.world.all_sessions().filter(|(_, s)| s.references > 0).map(|(id, _)| id).max();
    let met = path.iter().filter_map(|(state, _)| held(state).map(|id| usize::from(id.0) + 1));
    let wanted = path.iter().filter_map(|(_, action)| match action {
        Some(Action::Call(_, Call::LogonEx { session, .. })) => Some(usize::from(session.0) + 1),
        _ => None,
    });
    let sessions = met.chain(wanted).max().unwrap_or(1).max(1);
    let lanes = Lanes { clients: sessions };
    let actions: Vec<(&World, Action)> =
        path.iter().filter_map(|(state, action)| action.map(|action| (&state.world, action))).collect();
    let height = HEAD + STEP * actions.len() + 40;
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' \
         font-family='sans-serif' font-size='13' fill='#111'>\
         <defs><marker id='arrow' markerWidth='10' markerHeight='8' refX='9' refY='4' orient='auto'>\
         <path d='M0,0 L10,4 L0,8 z'/></marker></defs>\
         <rect width='{WIDTH}' height='{height}' rx='8' fill='#fdfdf8'/>"
    );
    for lane in 0..=sessions {
        let x = lanes.x(lane);
        let name = if lane == sessions { "MAPI".to_owned() } else { format!("client of s{}", lane + 1) };
        let _ = write!(
            svg,
            "<text x='{x}' y='30' text-anchor='middle' font-weight='bold'>{name}</text>\
             <line x1='{x}' y1='42' x2='{x}' y2='{}' stroke='#bbb'/>",
            height - 16
        );
    }
    for (number, (world, action)) in actions.iter().enumerate() {
        let y = HEAD + STEP * (number + 1) - 12;
        draw(&mut svg, &lanes, world, action, number + 1, y);
    }
    svg.push_str("</svg>");
    svg
}

/// What the call returns is nobody's business.
fn says_nothing(world: &World, id: CallId) -> bool {
    let pending = world.pending.iter().find(|pending| pending.id == id);
    pending.is_some_and(|p| matches!(p.call, Call::AddRef { .. } | Call::Release { .. } | Call::Uninitialize))
}

fn draw(svg: &mut String, lanes: &Lanes, world: &World, action: &Action, number: usize, y: usize) {
    let (client, mapi) = (lanes.client(about(world, action)), lanes.mapi());
    let (from, to) = match action {
        Action::Call(..) | Action::CallbackReturn(_) => (client, mapi),
        Action::Return(..) | Action::Callback(..) => (mapi, client),
        Action::Settle => (lanes.x(0), mapi),
    };
    let dashed = match action {
        Action::Call(..) | Action::Callback(..) => "",
        Action::Return(..) | Action::CallbackReturn(_) => " stroke-dasharray='6 4'",
        Action::Settle => " stroke-dasharray='2 5'",
    };
    let head = if *action == Action::Settle { "" } else { " marker-end='url(#arrow)'" };
    let colour =
        if matches!(action, Action::Callback(..) | Action::CallbackReturn(_)) { "#a33b00" } else { "#111" };
    let label = match action {
        Action::Return(id, _) if says_nothing(world, *id) => "returns".to_owned(),
        _ => escaped(format!("{action:?}").trim_start_matches(['→', '←', ' '])),
    };
    let middle = usize::midpoint(from, to);
    let _ = write!(
        svg,
        "<text x='14' y='{y}' fill='#888'>{number}</text>\
         <text x='{middle}' y='{}' text-anchor='middle' fill='{colour}' stroke='#fdfdf8' stroke-width='4' \
         paint-order='stroke'>{label}</text>\
         <line x1='{from}' y1='{y}' x2='{to}' y2='{y}' stroke='{colour}'{dashed}{head}/>",
        y - 6
    );
}
