//! DIMSE messages: command sets and their statuses (PS3.7 §6.3, §9.3 and annexes C and E).
//!
//! A message is a command set, and for some commands a data set, both cut into fragments. Command sets are a
//! handful of short elements, always in Implicit VR Little Endian, so they have a small codec of their own.
//! Data sets are not looked at here: they pass through in fragments as they came.

mod command;
mod field;
mod read;
mod status;

pub use command::{Command, CommandError, SubOperations};
pub use field::{CommandField, Operation, element};
pub use read::{MessageError, read_command, read_data};
pub use status::Status;

/// Longest command set that is read, in bytes. A C-STORE request is about 300 bytes; the longest texts a
/// command may carry (lists of UIDs and tags) stay far below this.
pub const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// Most elements in a command set; the standard defines 35.
pub const COMMAND_ELEMENTS_MAX: usize = 64;

/// Longest error comment in characters (VR LO).
pub const ERROR_COMMENT_CHARS_MAX: usize = 64;
