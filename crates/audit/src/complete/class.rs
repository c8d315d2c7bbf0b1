//! Which leaves belong to which act.

use crate::event::{EventKind, Outcome};
use crate::leaf::Leaf;
use serde::Serialize;

/// What the leaf of an accepted association says of the way in which the device proved itself.
const ACCEPTED: [&str; 2] = ["device-certificate", "device-plain"];

/// What the leaf of an association says that ended by a release.
pub const RELEASED: &str = "association-released";

/// What the leaf of an association says that ended otherwise.
pub const ABORTED: &str = "association-aborted";

/// Something that is done, counted where it is done, and written down with one leaf each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// A permit that opens content was made.
    Permit,
    /// An association was accepted.
    Association,
    /// A peer was turned away by the device records.
    Rejection,
    /// An association ended by a release.
    Release,
    /// An association ended otherwise.
    Abort,
    /// Somebody signed in.
    SignIn,
    /// A sign-in was refused.
    RefusedSignIn,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Permit,
        Self::Association,
        Self::Rejection,
        Self::Release,
        Self::Abort,
        Self::SignIn,
        Self::RefusedSignIn,
    ];

    /// The act of which a leaf tells, if it tells of one.
    #[must_use]
    pub fn of(leaf: &Leaf) -> Option<Self> {
        // Who acts without a session has no purpose yet.
        let stranger = leaf.purpose.is_none();
        let reason = leaf.reason.as_str();
        match (leaf.kind, leaf.outcome) {
            (EventKind::Access, Outcome::Permitted) => Some(Self::Permit),
            (EventKind::Association, Outcome::Permitted) if ACCEPTED.contains(&reason) => {
                Some(Self::Association)
            }
            (EventKind::Association, Outcome::Refused) if stranger => Some(Self::Rejection),
            (EventKind::Association, _) if reason == RELEASED => Some(Self::Release),
            (EventKind::Association, _) if reason == ABORTED => Some(Self::Abort),
            (EventKind::Authentication, Outcome::Permitted) if stranger => Some(Self::SignIn),
            (EventKind::Authentication, Outcome::Refused) if stranger => Some(Self::RefusedSignIn),
            _ => None,
        }
    }

    /// Whether the leaf is durable before the act: then no act is without its leaf at any moment.
    #[must_use]
    pub const fn has_leaf_first(self) -> bool {
        !matches!(self, Self::Release | Self::Abort)
    }
}
