//! Status codes (PS3.7 annex C, PS3.4 table B.2-1).

use std::fmt;

/// A status as it stands in (0000,0900).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u16);

impl Status {
    /// Done; for C-STORE: durable.
    pub const SUCCESS: Self = Self(0x0000);
    /// An attribute has no value where one is due (PS3.7 §C.5).
    pub const MISSING_ATTRIBUTE_VALUE: Self = Self(0x0121);
    /// An attribute is missing (PS3.7 §C.5).
    pub const MISSING_ATTRIBUTE: Self = Self(0x0120);
    /// An attribute has a value that it cannot have (PS3.7 §C.5).
    pub const INVALID_ATTRIBUTE_VALUE: Self = Self(0x0106);
    /// Done, without what cannot be changed (PS3.7 §C.4.2): a warning.
    pub const ATTRIBUTE_LIST_ERROR: Self = Self(0x0107);
    /// Something unforeseen on this side (PS3.7 §C.5.17).
    pub const PROCESSING_FAILURE: Self = Self(0x0110);
    /// The SOP instance is there already (PS3.7 §C.5).
    pub const DUPLICATE_SOP_INSTANCE: Self = Self(0x0111);
    /// There is no such SOP instance (PS3.7 §C.5).
    pub const NO_SUCH_SOP_INSTANCE: Self = Self(0x0112);
    /// There is no such event type (PS3.7 §C.5).
    pub const NO_SUCH_EVENT_TYPE: Self = Self(0x0113);
    /// What an action is asked with has a value that it cannot have (PS3.7 §C.5).
    pub const INVALID_ARGUMENT: Self = Self(0x0115);
    /// The SOP instance UID is not a UID (PS3.7 §C.5.12).
    pub const INVALID_SOP_INSTANCE: Self = Self(0x0117);
    /// There is no such SOP class (PS3.7 §C.5).
    pub const NO_SUCH_SOP_CLASS: Self = Self(0x0118);
    /// The SOP class is not supported (PS3.7 §C.5.21).
    pub const SOP_CLASS_NOT_SUPPORTED: Self = Self(0x0122);
    /// There is no such action (PS3.7 §C.5).
    pub const NO_SUCH_ACTION: Self = Self(0x0123);
    /// Not authorised (PS3.7 §C.5.10).
    pub const NOT_AUTHORISED: Self = Self(0x0124);
    /// The operation is not known here (PS3.7 §C.5.25).
    pub const UNRECOGNISED_OPERATION: Self = Self(0x0211);
    /// Resources are limited (PS3.7 §C.5).
    pub const RESOURCE_LIMITATION: Self = Self(0x0213);
    /// Out of resources: the sender may try again later (PS3.4 tables B.2-1 and C.4-1).
    pub const OUT_OF_RESOURCES: Self = Self(0xA700);
    /// Out of resources: the matches cannot be counted (PS3.4 tables C.4-2 and C.4-3).
    pub const UNABLE_TO_COUNT: Self = Self(0xA701);
    /// Out of resources: sub-operations cannot be performed (PS3.4 tables C.4-2 and C.4-3).
    pub const UNABLE_TO_SEND: Self = Self(0xA702);
    /// The destination of a C-MOVE is not known (PS3.4 table C.4-2).
    pub const MOVE_DESTINATION_UNKNOWN: Self = Self(0xA801);
    /// The data set does not match the SOP class (PS3.4 tables B.2-1 and C.4-1 to C.4-3).
    pub const DATA_SET_MISMATCH: Self = Self(0xA900);
    /// Done; some sub-operations failed or warned (PS3.4 tables C.4-2 and C.4-3).
    pub const SOME_FAILED: Self = Self(0xB000);
    /// The data set cannot be understood, the request cannot be processed (PS3.4 tables B.2-1 and C.4-1 to C.4-3).
    pub const CANNOT_UNDERSTAND: Self = Self(0xC000);
    /// The data set is longer than this archive takes; of the range "cannot understand".
    pub const TOO_LARGE: Self = Self(0xC001);
    /// Done, without attributes that the SOP instance does not have (PS3.7 §C.4, PS3.4 table CC.2.7-1): a warning.
    pub const ATTRIBUTES_NOT_SUPPORTED: Self = Self(0x0001);
    /// The workitem was created with modifications (PS3.4 table CC.2.5-2): a warning.
    pub const CREATED_MODIFIED: Self = Self(0xB300);
    /// The workitem is CANCELED already (PS3.4 table CC.2.1-2): a warning.
    pub const ALREADY_CANCELED: Self = Self(0xB304);
    /// The workitem is COMPLETED already (PS3.4 table CC.2.1-2): a warning.
    pub const ALREADY_COMPLETED: Self = Self(0xB306);
    /// The workitem has ended and is no longer updated (PS3.4 tables CC.2.1-2 and CC.2.6-1).
    pub const WORKITEM_ENDED: Self = Self(0xC300);
    /// The Transaction UID is missing or not the one of the claim (PS3.4 tables CC.2.1-2 and CC.2.6-1).
    pub const TRANSACTION_WRONG: Self = Self(0xC301);
    /// The workitem is IN PROGRESS already (PS3.4 table CC.2.1-2).
    pub const IN_PROGRESS_ALREADY: Self = Self(0xC302);
    /// A workitem becomes SCHEDULED by its creation only (PS3.4 table CC.2.1-2).
    pub const SCHEDULED_BY_CREATION: Self = Self(0xC303);
    /// The workitem has not what the final state needs (PS3.4 table CC.2.1-2).
    pub const NOT_FINAL: Self = Self(0xC304);
    /// There is no such workitem (PS3.4 §CC.2).
    pub const NO_SUCH_WORKITEM: Self = Self(0xC307);
    /// A workitem is SCHEDULED when it is created (PS3.4 table CC.2.5-2).
    pub const NOT_SCHEDULED: Self = Self(0xC309);
    /// The workitem is not IN PROGRESS yet (PS3.4 tables CC.2.1-2 and CC.2.6-1).
    pub const NOT_IN_PROGRESS: Self = Self(0xC310);
    /// What is asked to be cancelled is COMPLETED (PS3.4 table CC.2.2-2).
    pub const COMPLETED_ALREADY: Self = Self(0xC311);
    /// Whoever performs the workitem cannot be reached (PS3.4 table CC.2.2-2).
    pub const NO_PERFORMER: Self = Self(0xC312);
    /// There are no event reports (PS3.4 table CC.2.3-2).
    pub const NO_EVENT_REPORTS: Self = Self(0xC315);
    /// Ended by a cancel (PS3.4 tables C.4-1 to C.4-3).
    pub const CANCELLED: Self = Self(0xFE00);
    /// A match, or progress; more follows (PS3.4 tables C.4-1 to C.4-3).
    pub const PENDING: Self = Self(0xFF00);
    /// A match, found without regard to optional keys that are not supported; more follows (PS3.4 table C.4-1).
    pub const PENDING_KEYS_IGNORED: Self = Self(0xFF01);

    /// Success or a warning: the object is stored (PS3.4 §B.2.3, warnings are B000H to BFFFH).
    #[must_use]
    pub const fn is_stored(self) -> bool {
        self.0 == 0 || self.is_warning()
    }

    /// Done with a warning (PS3.7 §C.4).
    #[must_use]
    pub const fn is_warning(self) -> bool {
        self.0 >> 12 == 0xB || matches!(self.0, 0x0001 | 0x0107 | 0x0116)
    }

    /// More responses to the same request follow.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::PENDING | Self::PENDING_KEYS_IGNORED)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0 {
            0x0000 => "success",
            0x0106 => "invalid attribute value",
            0x0107 => "attribute list error",
            0x0110 => "processing failure",
            0x0111 => "duplicate SOP instance",
            0x0112 => "no such SOP instance",
            0x0113 => "no such event type",
            0x0115 => "invalid argument value",
            0x0117 => "invalid SOP instance UID",
            0x0118 => "no such SOP class",
            0x0120 => "missing attribute",
            0x0121 => "missing attribute value",
            0x0122 => "SOP class not supported",
            0x0123 => "no such action",
            0x0124 => "not authorised",
            0x0211 => "unrecognised operation",
            0x0213 => "resource limitation",
            0xA701 => "out of resources: matches cannot be counted",
            0xA702 => "out of resources: sub-operations cannot be performed",
            0xA801 => "move destination unknown",
            0xA700..=0xA7FF => "out of resources",
            0xA900..=0xA9FF => "data set does not match the SOP class",
            0x0001 => "attributes not supported",
            0xB000..=0xBFFF => "done with a warning",
            0xC300..=0xC315 => "refused by the state of the workitem",
            0xC000..=0xCFFF => "cannot understand the data set",
            0xFE00 => "cancelled",
            0xFF00 | 0xFF01 => "pending",
            _ => "failure",
        };
        write!(f, "{words} ({:04X}H)", self.0)
    }
}
