//! What a rule on returning is about, before it looks at anything else: the kinds of call, what the call met, and
//! whether anything was out of the way. A call is put to the rules whose scope has its scene, and to no others.

use crate::calls::{CallKind, Calls};
use crate::phase::Standing;

/// What a call found where it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Met {
    /// A session that worked throughout.
    Alive,
    /// A session that had ended before.
    Dead,
    /// A session of which it may have been either: it ended meanwhile, or nobody knows whether it had.
    Either,
    /// No session, or one with two owners by one pointer, of which no rule can tell.
    Nothing,
}

impl Met {
    const COUNT: usize = Self::Nothing as usize + 1;
}

impl From<Option<Standing>> for Met {
    fn from(standing: Option<Standing>) -> Self {
        match standing {
            Some(Standing::Alive) => Self::Alive,
            Some(Standing::Dead) => Self::Dead,
            Some(Standing::Either) => Self::Either,
            None => Self::Nothing,
        }
    }
}

/// The scene of a call that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scene {
    /// The kind of the call.
    pub kind: CallKind,
    /// What it met.
    pub met: Met,
    /// Something has disturbed what it was made on, another call or a callback was under way beside it, or it was made
    /// from inside one.
    pub stirred: bool,
}

impl Scene {
    /// Its place among all that there are.
    pub(crate) const fn place(self) -> usize {
        (self.kind as usize * Met::COUNT + self.met as usize) * 2 + self.stirred as usize
    }

    /// Every scene, each at its place.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let mets = [Met::Alive, Met::Dead, Met::Either, Met::Nothing];
        CallKind::ALL.into_iter().flat_map(move |kind| {
            let of_it = mets.into_iter();
            of_it.flat_map(move |met| [false, true].map(|stirred| Self { kind, met, stirred }))
        })
    }
}

/// A set of scenes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope {
    calls: Calls,
    /// A bit for each of what a call may meet.
    met: u8,
    only_stirred: bool,
}

impl Scope {
    /// All of them.
    pub const ANY: Self = Self { calls: Calls::ANY, met: u8::MAX, only_stirred: false };

    /// Calls of these kinds, whatever they met.
    pub const fn of(kinds: &[CallKind]) -> Self {
        Self { calls: Calls::these(kinds), ..Self::ANY }
    }

    /// Those of them that met one of these.
    #[must_use]
    pub const fn that_met(self, these: &[Met]) -> Self {
        let (mut met, mut i) = (0, 0);
        while i < these.len() {
            met |= 1 << these[i] as u8;
            i += 1;
        }
        Self { met: self.met & met, ..self }
    }

    /// Those of them where something was out of the way: see [`Scene::stirred`].
    #[must_use]
    pub const fn stirred(mut self) -> Self {
        self.only_stirred = true;
        self
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls.and(other.calls),
            met: self.met & other.met,
            only_stirred: self.only_stirred || other.only_stirred,
        }
    }

    /// Whether this scene is in it.
    pub const fn has(self, scene: Scene) -> bool {
        self.calls.have(scene.kind)
            && self.met & (1 << scene.met as u8) != 0
            && (scene.stirred || !self.only_stirred)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_has_a_place_of_its_own() {
        assert_eq!(
            Scene::all().map(Scene::place).collect::<Vec<_>>(),
            (0..CallKind::ALL.len() * Met::COUNT * 2).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_scope_narrowed_twice_has_what_both_have() {
        let first = Scope::of(&[CallKind::Logoff, CallKind::Advise]).that_met(&[Met::Alive, Met::Dead]);
        let second =
            Scope::of(&[CallKind::Advise, CallKind::Method]).that_met(&[Met::Dead, Met::Either]).stirred();
        for scene in Scene::all() {
            assert_eq!(first.and(second).has(scene), first.has(scene) && second.has(scene), "{scene:?}");
        }
        assert_eq!(Scene::all().filter(|scene| first.and(second).has(*scene)).count(), 1);
    }
}
