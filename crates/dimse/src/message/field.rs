//! What a command set is, and the numbers of its elements (PS3.7 annex E).

/// Element numbers of group 0000 (PS3.7 §E.1).
pub mod element {
    /// Command Group Length.
    pub const GROUP_LENGTH: u16 = 0x0000;
    /// Affected SOP Class UID.
    pub const AFFECTED_SOP_CLASS: u16 = 0x0002;
    /// Requested SOP Class UID.
    pub const REQUESTED_SOP_CLASS: u16 = 0x0003;
    /// Command Field.
    pub const COMMAND_FIELD: u16 = 0x0100;
    /// Message ID.
    pub const MESSAGE_ID: u16 = 0x0110;
    /// Message ID Being Responded To.
    pub const MESSAGE_ID_RESPONDED_TO: u16 = 0x0120;
    /// Move Destination.
    pub const MOVE_DESTINATION: u16 = 0x0600;
    /// Priority.
    pub const PRIORITY: u16 = 0x0700;
    /// Command Data Set Type.
    pub const DATA_SET_TYPE: u16 = 0x0800;
    /// Status.
    pub const STATUS: u16 = 0x0900;
    /// Offending Element.
    pub const OFFENDING_ELEMENT: u16 = 0x0901;
    /// Error Comment.
    pub const ERROR_COMMENT: u16 = 0x0902;
    /// Error ID.
    pub const ERROR_ID: u16 = 0x0903;
    /// Affected SOP Instance UID.
    pub const AFFECTED_SOP_INSTANCE: u16 = 0x1000;
    /// Requested SOP Instance UID.
    pub const REQUESTED_SOP_INSTANCE: u16 = 0x1001;
    /// Event Type ID.
    pub const EVENT_TYPE_ID: u16 = 0x1002;
    /// Attribute Identifier List.
    pub const ATTRIBUTE_IDENTIFIER_LIST: u16 = 0x1005;
    /// Action Type ID.
    pub const ACTION_TYPE_ID: u16 = 0x1008;
    /// Number of Remaining Sub-operations.
    pub const REMAINING: u16 = 0x1020;
    /// Number of Completed Sub-operations.
    pub const COMPLETED: u16 = 0x1021;
    /// Number of Failed Sub-operations.
    pub const FAILED: u16 = 0x1022;
    /// Number of Warning Sub-operations.
    pub const WARNING: u16 = 0x1023;
    /// Move Originator Application Entity Title.
    pub const MOVE_ORIGINATOR: u16 = 0x1030;
    /// Move Originator Message ID.
    pub const MOVE_ORIGINATOR_MESSAGE_ID: u16 = 0x1031;
}

/// The bit that makes a command field a response.
const RESPONSE_BIT: u16 = 0x8000;

/// The command field of a C-CANCEL request, which has no response.
const CANCEL: u16 = 0x0FFF;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// C-STORE.
    Store,
    /// C-GET.
    Get,
    /// C-FIND.
    Find,
    /// C-MOVE.
    Move,
    /// C-ECHO.
    Echo,
    /// N-EVENT-REPORT.
    EventReport,
    /// N-GET.
    GetAttributes,
    /// N-SET.
    SetAttributes,
    /// N-ACTION.
    Action,
    /// N-CREATE.
    Create,
    /// N-DELETE.
    Delete,
    /// What the standard does not define.
    Other(u16),
}

/// What a command set is (PS3.7 §E.1, Command Field).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandField {
    /// A request.
    Request(Operation),
    /// A response.
    Response(Operation),
    /// C-CANCEL, which is a request without a response.
    Cancel,
}

impl Operation {
    const fn from_number(number: u16) -> Self {
        match number {
            0x0001 => Self::Store,
            0x0010 => Self::Get,
            0x0020 => Self::Find,
            0x0021 => Self::Move,
            0x0030 => Self::Echo,
            0x0100 => Self::EventReport,
            0x0110 => Self::GetAttributes,
            0x0120 => Self::SetAttributes,
            0x0130 => Self::Action,
            0x0140 => Self::Create,
            0x0150 => Self::Delete,
            other => Self::Other(other),
        }
    }

    const fn number(self) -> u16 {
        match self {
            Self::Store => 0x0001,
            Self::Get => 0x0010,
            Self::Find => 0x0020,
            Self::Move => 0x0021,
            Self::Echo => 0x0030,
            Self::EventReport => 0x0100,
            Self::GetAttributes => 0x0110,
            Self::SetAttributes => 0x0120,
            Self::Action => 0x0130,
            Self::Create => 0x0140,
            Self::Delete => 0x0150,
            Self::Other(number) => number,
        }
    }

    /// Whether its request names a requested, not an affected, SOP class and instance (PS3.7 §10.3).
    pub(super) const fn requests(self) -> bool {
        matches!(self, Self::GetAttributes | Self::SetAttributes | Self::Action | Self::Delete)
    }
}

impl CommandField {
    pub(super) const fn from_number(number: u16) -> Self {
        match number {
            CANCEL => Self::Cancel,
            request if request & RESPONSE_BIT == 0 => Self::Request(Operation::from_number(request)),
            response => Self::Response(Operation::from_number(response & !RESPONSE_BIT)),
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Request(operation) => operation.number(),
            Self::Response(operation) => operation.number() | RESPONSE_BIT,
            Self::Cancel => CANCEL,
        }
    }

    /// The field of the response.
    pub(super) const fn response(self) -> Self {
        match self {
            Self::Request(operation) | Self::Response(operation) => Self::Response(operation),
            Self::Cancel => Self::Cancel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_back_as_itself() {
        for number in 0..=u16::MAX {
            assert_eq!(CommandField::from_number(number).number(), number);
        }
    }

    #[test]
    fn the_operations_of_the_standard_have_their_names() {
        for number in [0x0001, 0x0010, 0x0020, 0x0021, 0x0030, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150]
        {
            assert!(!matches!(Operation::from_number(number), Operation::Other(_)), "{number:04X}");
        }
    }
}
