//! What running one program showed.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use mapi_session_spec::event::Event;
use mapi_session_spec::symbols::{Happening, Number, Symbol, Symbols};

/// The list of all that happens in the traces of a run, which whoever reads one of its processes writes into.
#[derive(Debug, Clone, Default)]
pub struct SharedSymbols(Arc<RwLock<Symbols>>);

impl SharedSymbols {
    /// The list as it is now.
    pub fn read(&self) -> RwLockReadGuard<'_, Symbols> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of what happens. `None`: there is none left.
    pub(super) fn number_of(&self, happening: Happening) -> Option<Number> {
        let known = self.read().known(&happening);
        known.or_else(|| self.0.write().unwrap_or_else(PoisonError::into_inner).number_of(happening))
    }
}

/// What running one program showed.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// What happened, in the order observed. The note of a call is the step that made it.
    pub(super) trace: Vec<Symbol>,
    /// The list that the trace is written in.
    symbols: SharedSymbols,
    /// How many calls of the program were made.
    pub calls: usize,
    /// Whether any of it may say something of the subject's dialect.
    pub speaks: bool,
    /// Whether the program ran to its end and every settling settled.
    pub whole: bool,
    /// The step at which the subject died, if it did.
    pub died_at: Option<usize>,
}

impl Observed {
    /// Nothing yet, of a trace of at most so many events, mostly.
    pub(super) fn of_events(symbols: SharedSymbols, most: usize) -> Self {
        let trace = Vec::with_capacity(most);
        Self { trace, symbols, calls: 0, speaks: false, whole: false, died_at: None }
    }

    /// What a trace shows that is not read from a process.
    #[cfg(test)]
    pub(crate) fn showing(symbols: &SharedSymbols, events: &[Event]) -> Self {
        let mut observed = Self::of_events(symbols.clone(), events.len());
        observed.trace = symbols.0.write().expect("a list").spell(events).expect("a trace");
        observed
    }

    /// What happened, in the order observed.
    pub fn events(&self) -> Vec<Event> {
        self.symbols.read().events(&self.trace)
    }

    /// The same, as the list of its run has it.
    pub fn trace(&self) -> &[Symbol] {
        &self.trace
    }

    /// The steps whose calls were made, in the order they began.
    pub fn ran(&self) -> Vec<u16> {
        let symbols = self.symbols.read();
        let is_call = |symbol: &&Symbol| matches!(symbols.happening(**symbol), Some(Happening::Call { .. }));
        self.trace.iter().filter(is_call).map(|symbol| symbol.note()).collect()
    }
}
