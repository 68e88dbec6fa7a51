//! The shape of a rule: an *arm* that narrows what may come.
//!
//! Where no arm bears, everything may come: the documents leave it undecided. Every arm that bears at the chosen
//! level must allow what was observed, so a stricter level can only narrow, and taking an arm out can only widen.
//! The judge filters observations by the arms, the models enumerate with them, the reports print them.

use crate::era::Era;
use crate::event::{Call, Callback, SinkId, ThreadId};
use crate::level::Level;
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::requirement::RequirementId;
use crate::scope::{Scene, Scope};
use crate::state::{Owed, World};

/// How strict a judgement is, and of which era.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Demand {
    /// The level.
    pub level: Level,
    /// The era.
    pub era: Era,
}

/// A callback about to begin.
#[derive(Debug, Clone, Copy)]
pub struct Hearing<'a> {
    /// Everything remembered, the callback not yet.
    pub world: &'a World,
    /// On which thread it comes.
    pub thread: ThreadId,
    /// To which sink.
    pub sink: SinkId,
    /// What comes.
    pub callback: Callback,
}

/// What an arm looks at, and what it allows.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// How a call ends.
    Return {
        /// Whether the arm has anything to say on this call.
        bears: fn(&Moment) -> bool,
        /// Whether it allows this end.
        allows: fn(&Moment, &Outcome) -> bool,
    },
    /// A callback into a sink.
    Callback {
        /// Whether the arm has anything to say on this callback.
        bears: fn(&Hearing) -> bool,
        /// Whether it allows it.
        allows: fn(&Hearing) -> bool,
    },
    /// What is owed, once the subject has settled.
    Settled {
        /// Whether the arm has anything to say on this debt.
        bears: fn(&World, &Owed) -> bool,
        /// Whether the debt is paid.
        paid: fn(&World, &Owed) -> bool,
    },
    /// What a client must not do.
    Duty {
        /// Whether the arm has anything to say on this call.
        bears: fn(&World, &Call) -> bool,
        /// Whether the client may make it.
        allows: fn(&World, &Call, Era) -> bool,
    },
    /// What a client must have done by the end of a whole trace.
    Closing {
        /// Whether the arm has anything to say.
        bears: fn(&World) -> bool,
        /// Whether it was done.
        done: fn(&World) -> bool,
    },
}

/// One rule: a requirement, the level and era that demand it, and the check.
#[derive(Debug, Clone, Copy)]
pub struct Arm {
    /// The requirement it decides.
    pub requirement: RequirementId,
    /// The first level that demands it.
    pub level: Level,
    /// The one era that demands it, or both.
    pub era: Option<Era>,
    /// What it demands, for the report: "what was allowed".
    pub demands: &'static str,
    /// Where it is a rule on how calls end: which calls it is about.
    pub about: Scope,
    /// The check.
    pub check: Check,
}

impl Arm {
    /// Whether this demand includes the arm.
    pub fn is_demanded(&self, demand: Demand) -> bool {
        self.level <= demand.level && self.era.is_none_or(|era| era == demand.era)
    }

    /// Whether this demand includes the arm, and it has something to say on this call's end.
    pub fn bears_on(&self, moment: &Moment, demand: Demand) -> bool {
        self.is_demanded(demand)
            && self.about.has(moment.scene())
            && matches!(self.check, Check::Return { bears, .. } if bears(moment))
            && !crate::rules::leaves_undecided(moment, demand)
    }

    /// Whether it allows this end of a call, on which it has something to say.
    pub fn allows(&self, moment: &Moment, outcome: &Outcome) -> bool {
        match self.check {
            Check::Return { allows, .. } => {
                allows(moment, outcome) || crate::rules::is_not_to_judge(self.requirement, moment, outcome)
            }
            _ => true,
        }
    }

    /// The same rule, on these calls alone.
    #[must_use]
    pub const fn about(mut self, scope: Scope) -> Self {
        self.about = self.about.and(scope);
        self
    }

    /// The same rule, demanded in one era only.
    #[must_use]
    pub const fn in_era(mut self, era: Era) -> Self {
        self.era = Some(era);
        self
    }

    /// A rule on how calls end.
    pub const fn on_return(
        requirement: RequirementId,
        level: Level,
        demands: &'static str,
        bears: fn(&Moment) -> bool,
        allows: fn(&Moment, &Outcome) -> bool,
    ) -> Self {
        Self::new(requirement, level, demands, Check::Return { bears, allows })
    }

    /// A rule on callbacks.
    pub const fn on_callback(
        requirement: RequirementId,
        level: Level,
        demands: &'static str,
        bears: fn(&Hearing) -> bool,
        allows: fn(&Hearing) -> bool,
    ) -> Self {
        Self::new(requirement, level, demands, Check::Callback { bears, allows })
    }

    /// A rule on what is owed.
    pub const fn on_settled(
        requirement: RequirementId,
        level: Level,
        demands: &'static str,
        bears: fn(&World, &Owed) -> bool,
        paid: fn(&World, &Owed) -> bool,
    ) -> Self {
        Self::new(requirement, level, demands, Check::Settled { bears, paid })
    }

    /// A rule on the client.
    pub const fn on_client(
        requirement: RequirementId,
        demands: &'static str,
        bears: fn(&World, &Call) -> bool,
        allows: fn(&World, &Call, Era) -> bool,
    ) -> Self {
        Self::at_every_level(requirement, demands, Check::Duty { bears, allows })
    }

    /// A rule on what the client leaves behind.
    pub const fn on_closing(
        requirement: RequirementId,
        demands: &'static str,
        bears: fn(&World) -> bool,
        done: fn(&World) -> bool,
    ) -> Self {
        Self::at_every_level(requirement, demands, Check::Closing { bears, done })
    }

    /// Levels are of sessions: a client is held at each of them.
    const fn at_every_level(requirement: RequirementId, demands: &'static str, check: Check) -> Self {
        Self::new(requirement, Level::Documented, demands, check)
    }

    const fn new(requirement: RequirementId, level: Level, demands: &'static str, check: Check) -> Self {
        Self { requirement, level, era: None, demands, about: Scope::ANY, check }
    }
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moot {
    /// How a call ends.
    Return,
    /// A callback.
    Callback,
    /// What is owed.
    Settled,
    /// What a client does.
    Duty,
    /// What a client leaves behind.
    Closing,
}

impl Moot {
    const COUNT: usize = 5;
}

impl Check {
    /// What it looks at.
    pub const fn moot(&self) -> Moot {
        match self {
            Self::Return { .. } => Moot::Return,
            Self::Callback { .. } => Moot::Callback,
            Self::Settled { .. } => Moot::Settled,
            Self::Duty { .. } => Moot::Duty,
            Self::Closing { .. } => Moot::Closing,
        }
    }

    /// Whether it is the client that is held, and not the session.
    pub const fn holds_the_client(&self) -> bool {
        matches!(self, Self::Duty { .. } | Self::Closing { .. })
    }
}

/// The places of the arms that one demand includes, by what they look at.
#[derive(Debug, Clone)]
struct Demanded {
    by_moot: [Vec<u16>; Moot::COUNT],
    /// For each scene of a call, by its place, those on how it ends.
    on_return: Vec<Vec<u16>>,
}

impl Demanded {
    fn by(demand: Demand, arms: &[Arm]) -> Self {
        let places = |is_it: &dyn Fn(&Arm) -> bool| {
            let demanded = arms.iter().enumerate().filter(|(_, arm)| arm.is_demanded(demand) && is_it(arm));
            demanded.map(|(i, _)| i as u16).collect()
        };
        Self {
            by_moot: std::array::from_fn(|moot| places(&|arm| arm.check.moot() as usize == moot)),
            on_return: Scene::all()
                .map(|scene| places(&|arm| arm.check.moot() == Moot::Return && arm.about.has(scene)))
                .collect(),
        }
    }
}

/// A set of rules: the documents', or those and one more, in a test.
#[derive(Debug, Clone)]
pub struct Rules {
    arms: Vec<Arm>,
    /// By level, then by era.
    by_demand: [[Demanded; Era::ALL.len()]; Level::ALL.len()],
}

impl Rules {
    /// The rules that the documents give.
    pub fn documented() -> Self {
        let chapters = crate::rules::ALL.iter();
        Self::of(chapters.flat_map(|(about, arms)| arms.iter().map(|arm| arm.about(*about))).collect())
    }

    fn of(arms: Vec<Arm>) -> Self {
        let by_demand =
            Level::ALL.map(|level| Era::ALL.map(|era| Demanded::by(Demand { level, era }, &arms)));
        Self { arms, by_demand }
    }

    /// These rules and one more.
    #[must_use]
    pub fn with(mut self, arm: Arm) -> Self {
        self.arms.push(arm);
        Self::of(self.arms)
    }

    /// These rules without the one at this place: a broken twin.
    #[must_use]
    pub fn without(mut self, index: usize) -> Self {
        self.arms.remove(index);
        Self::of(self.arms)
    }

    /// These rules without any on this requirement: a broken twin of another kind.
    #[must_use]
    pub fn without_any_on(mut self, requirement: RequirementId) -> Self {
        self.arms.retain(|arm| arm.requirement != requirement);
        Self::of(self.arms)
    }

    /// Every arm, in the order of the families.
    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }

    /// The arms that this demand includes, with their places.
    pub fn demanded(&self, demand: Demand) -> impl Iterator<Item = (usize, &Arm)> {
        self.arms.iter().enumerate().filter(move |(_, arm)| arm.is_demanded(demand))
    }

    /// Those of them that look at this.
    pub fn demanded_on(&self, demand: Demand, moot: Moot) -> impl Iterator<Item = (usize, &Arm)> {
        self.at(&self.places(demand).by_moot[moot as usize])
    }

    /// The arms that have something to say on this call's end.
    pub fn bearing<'a>(
        &'a self,
        moment: &'a Moment<'a>,
        level: Level,
    ) -> impl Iterator<Item = (usize, &'a Arm)> + 'a {
        let demand = Demand { level, era: moment.era };
        let places = &self.places(demand).on_return[moment.scene().place()];
        let decided = if crate::rules::leaves_undecided(moment, demand) { 0 } else { places.len() };
        self.at(&places[..decided])
            .filter(|(_, arm)| matches!(arm.check, Check::Return { bears, .. } if bears(moment)))
    }

    fn places(&self, demand: Demand) -> &Demanded {
        &self.by_demand[demand.level as usize][demand.era as usize]
    }

    fn at<'a>(&'a self, places: &'a [u16]) -> impl Iterator<Item = (usize, &'a Arm)> {
        places.iter().map(|place| (usize::from(*place), &self.arms[usize::from(*place)]))
    }

    /// The arms that decide this requirement.
    pub fn on(&self, requirement: RequirementId) -> impl Iterator<Item = &Arm> {
        self.arms.iter().filter(move |arm| arm.requirement == requirement)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::documented()
    }
}
