//! The numbers that a running archive puts into its own log.

use super::class::Act;
use crate::event::{Counts, Event, EventKind, Outcome, ReasonCode};
use crate::leaf::Leaf;
use serde::Serialize;
use yingdun_model::{ActorId, InstitutionId};

const HEAD: ReasonCode = ReasonCode::new("heartbeat");
const ACCESS: ReasonCode = ReasonCode::new("heartbeat-access");
const PEERS: ReasonCode = ReasonCode::new("heartbeat-associations");
const PEOPLE: ReasonCode = ReasonCode::new("heartbeat-sign-ins");

/// How often something was done since the log was opened, as those have counted who did it; or how many leaves tell of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Permits that open content.
    pub permits: u64,
    /// Keys of studies that were unwrapped. Of leaves: none tells of it but that of the permit.
    pub unwraps: u64,
    /// Associations that were accepted.
    pub associations: u64,
    /// Peers whom the device records turned away, with a leaf.
    pub rejected: u64,
    /// Associations that ended by a release.
    pub released: u64,
    /// Associations that ended otherwise.
    pub aborted: u64,
    /// Sign-ins.
    pub sign_ins: u64,
    /// Sign-ins that were refused, with a leaf.
    pub sign_ins_refused: u64,
    /// Refusals of strangers beyond the rate of leaves: they are counted in a later leaf.
    pub suppressed: u64,
    /// Acts whose leaf may be there and which did not come to their end, or are about to. Of leaves: none.
    pub unfinished: u64,
}

impl Counted {
    /// The number of an act.
    #[must_use]
    pub const fn of(&self, act: Act) -> u64 {
        match act {
            Act::Permit => self.permits,
            Act::Association => self.associations,
            Act::Rejection => self.rejected,
            Act::Release => self.released,
            Act::Abort => self.aborted,
            Act::SignIn => self.sign_ins,
            Act::RefusedSignIn => self.sign_ins_refused,
        }
    }

    pub(super) const fn add(&mut self, act: Act) {
        let number = match act {
            Act::Permit => &mut self.permits,
            Act::Association => &mut self.associations,
            Act::Rejection => &mut self.rejected,
            Act::Release => &mut self.released,
            Act::Abort => &mut self.aborted,
            Act::SignIn => &mut self.sign_ins,
            Act::RefusedSignIn => &mut self.sign_ins_refused,
        };
        *number = number.saturating_add(1);
    }
}

/// A sign of life, with what was counted until then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// Its number since the log was opened, from 1.
    pub number: u64,
    /// How many seconds there are to the next one, at most.
    pub every_s: u64,
    /// The size of the newest signed checkpoint.
    pub checkpoint: u64,
    /// The version of the program: millions are the first number, thousands the second, ones the third.
    pub version: u64,
    /// What was counted.
    pub counted: Counted,
}

impl Heartbeat {
    /// How many leaves one has: a leaf holds four numbers.
    pub const LEAVES: usize = 4;

    /// The events of a heartbeat, to be appended together.
    #[must_use]
    pub fn events(&self, institution: &InstitutionId, actor: &ActorId) -> Vec<Event> {
        let Counted {
            permits,
            unwraps,
            associations,
            rejected,
            released,
            aborted,
            sign_ins,
            sign_ins_refused,
            suppressed,
            unfinished,
        } = self.counted;
        let head = Counts::new()
            .with("number", self.number)
            .with("every-s", self.every_s)
            .with("checkpoint", self.checkpoint)
            .with("version", self.version);
        let access =
            Counts::new().with("permits", permits).with("unwraps", unwraps).with("unfinished", unfinished);
        let peers = Counts::new()
            .with("accepted", associations)
            .with("rejected", rejected)
            .with("released", released)
            .with("aborted", aborted);
        let people = Counts::new()
            .with("accepted", sign_ins)
            .with("refused", sign_ins_refused)
            .with("suppressed", suppressed);
        [(HEAD, head), (ACCESS, access), (PEERS, peers), (PEOPLE, people)]
            .into_iter()
            .map(|(reason, counts)| Event {
                counts,
                ..Event::of_system(
                    institution.clone(),
                    actor.clone(),
                    EventKind::System,
                    Outcome::Succeeded,
                    reason,
                )
            })
            .collect()
    }
}

/// A heartbeat on its way through the reader: leaf by leaf.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    beat: Heartbeat,
    next: usize,
}

/// What a leaf is to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The first leaf of one.
    Head,
    /// A further one.
    Further,
    /// None.
    None,
}

impl Part {
    pub(super) fn of(leaf: &Leaf) -> Self {
        if leaf.kind != EventKind::System {
            return Self::None;
        }
        match leaf.reason.as_str().strip_prefix(HEAD.as_str()) {
            Some("") => Self::Head,
            Some("-access" | "-associations" | "-sign-ins") => Self::Further,
            _ => Self::None,
        }
    }
}

impl Parts {
    /// Takes the next leaf; the whole heartbeat with the last one. None where it is not the leaf that follows.
    pub(super) fn take(&mut self, leaf: &Leaf) -> Option<Option<Heartbeat>> {
        let number = |name: &str| leaf.counts.get(name);
        let counted = self.beat.counted;
        let beat = &mut self.beat;
        match (self.next, leaf.reason.as_str()) {
            (0, "heartbeat") => {
                (beat.number, beat.every_s) = (number("number")?, number("every-s")?);
                (beat.checkpoint, beat.version) = (number("checkpoint")?, number("version")?);
            }
            (1, "heartbeat-access") => {
                beat.counted = Counted {
                    permits: number("permits")?,
                    unwraps: number("unwraps")?,
                    unfinished: number("unfinished")?,
                    ..counted
                };
            }
            (2, "heartbeat-associations") => {
                beat.counted = Counted {
                    associations: number("accepted")?,
                    rejected: number("rejected")?,
                    released: number("released")?,
                    aborted: number("aborted")?,
                    ..counted
                };
            }
            (3, "heartbeat-sign-ins") => {
                beat.counted = Counted {
                    sign_ins: number("accepted")?,
                    sign_ins_refused: number("refused")?,
                    suppressed: number("suppressed")?,
                    ..counted
                };
            }
            _ => return None,
        }
        self.next += 1;
        Some((self.next == Heartbeat::LEAVES).then_some(self.beat))
    }
}
