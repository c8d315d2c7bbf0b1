//! Command sets: flat lists of elements of group 0000 in Implicit VR Little Endian (PS3.7 §6.3.1).

use super::{COMMAND_ELEMENTS_MAX, CommandField, ERROR_COMMENT_CHARS_MAX, Operation, Status, element};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use yingdun_dicom::Tag;
use yingdun_model::{AeTitle, Uid};

/// Command Data Set Type for "no data set" (PS3.7 §E.1).
const NO_DATA_SET: u16 = 0x0101;

/// Any other Command Data Set Type means that a data set follows.
const WITH_DATA_SET: u16 = 0x0001;

/// Priority MEDIUM (PS3.7 §9.3.1.1).
const PRIORITY_MEDIUM: u16 = 0x0000;

/// A command set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    field: CommandField,
    has_data_set: bool,
    /// Every element but group length, field and data set type, in ascending order.
    elements: Vec<(u16, Bytes)>,
}

/// How far the sub-operations of a C-GET or C-MOVE are (PS3.7 §9.1.3 and §9.1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubOperations {
    /// Not begun yet; only in responses that are not the last, and in the one to a cancel.
    pub remaining: Option<u16>,
    /// Done.
    pub completed: u16,
    /// Not done.
    pub failed: u16,
    /// Done with a warning.
    pub warning: u16,
}

/// Why bytes are not a command set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// An element reaches beyond the end.
    #[error("command element (0000,{element:04X}) needs {needed} bytes, {left} remain")]
    Truncated {
        /// The element number.
        element: u16,
        /// Bytes it needs.
        needed: usize,
        /// Bytes that remain.
        left: usize,
    },
    /// An element of another group.
    #[error("expected command elements of group 0000, got group {0:04X}")]
    Group(u16),
    /// Too many elements.
    #[error("a command set has at most {COMMAND_ELEMENTS_MAX} elements")]
    TooMany,
    /// An element that must be there is missing or has a wrong length.
    #[error("expected command element (0000,{0:04X}), found none that is legal")]
    Missing(u16),
}

impl Command {
    /// A request without a data set. Whoever needs more elements adds them; see the constructors below for the
    /// common ones.
    #[must_use]
    pub fn request(operation: Operation, message_id: u16, sop_class: &Uid) -> Self {
        let class =
            if operation.requests() { element::REQUESTED_SOP_CLASS } else { element::AFFECTED_SOP_CLASS };
        Self::new(CommandField::Request(operation), false)
            .with_uid(class, sop_class)
            .with_number(element::MESSAGE_ID, message_id)
    }

    /// C-ECHO-RQ (PS3.7 §9.3.5.1).
    #[must_use]
    pub fn echo_request(message_id: u16, sop_class: &Uid) -> Self {
        Self::request(Operation::Echo, message_id, sop_class)
    }

    /// C-STORE-RQ (PS3.7 §9.3.1.1).
    #[must_use]
    pub fn store_request(message_id: u16, sop_class: &Uid, sop_instance: &Uid) -> Self {
        Self::request(Operation::Store, message_id, sop_class)
            .with_number(element::PRIORITY, PRIORITY_MEDIUM)
            .with_uid(element::AFFECTED_SOP_INSTANCE, sop_instance)
            .with_data_set()
    }

    /// The same C-STORE-RQ as a sub-operation of a C-MOVE that this peer asked for (PS3.7 §9.3.1.1).
    #[must_use]
    pub fn on_behalf_of(self, originator: &AeTitle, message_id: u16) -> Self {
        self.with(element::MOVE_ORIGINATOR, padded(originator.as_str(), b' '))
            .with_number(element::MOVE_ORIGINATOR_MESSAGE_ID, message_id)
    }

    /// C-FIND-RQ (PS3.7 §9.3.2.1).
    #[must_use]
    pub fn find_request(message_id: u16, sop_class: &Uid) -> Self {
        Self::request(Operation::Find, message_id, sop_class)
            .with_number(element::PRIORITY, PRIORITY_MEDIUM)
            .with_data_set()
    }

    /// C-GET-RQ (PS3.7 §9.3.3.1).
    #[must_use]
    pub fn get_request(message_id: u16, sop_class: &Uid) -> Self {
        Self::request(Operation::Get, message_id, sop_class)
            .with_number(element::PRIORITY, PRIORITY_MEDIUM)
            .with_data_set()
    }

    /// C-MOVE-RQ (PS3.7 §9.3.4.1).
    #[must_use]
    pub fn move_request(message_id: u16, sop_class: &Uid, destination: &AeTitle) -> Self {
        Self::request(Operation::Move, message_id, sop_class)
            .with_number(element::PRIORITY, PRIORITY_MEDIUM)
            .with(element::MOVE_DESTINATION, padded(destination.as_str(), b' '))
            .with_data_set()
    }

    /// C-CANCEL-RQ of the operation with this message ID (PS3.7 §9.3.2.3).
    #[must_use]
    pub fn cancel_request(message_id: u16) -> Self {
        Self::new(CommandField::Cancel, false).with_number(element::MESSAGE_ID_RESPONDED_TO, message_id)
    }

    /// The response to this request: same class and instance, its message ID, the status, and for failures a
    /// comment, cut to what VR LO allows.
    #[must_use]
    pub fn response(&self, status: Status, comment: Option<&str>) -> Self {
        let mut response = Self::new(self.field.response(), false)
            .with_number(element::MESSAGE_ID_RESPONDED_TO, self.message_id().unwrap_or(0))
            .with_number(element::STATUS, status.0);
        // What a request asks of, its response was about (PS3.7 §10.1.2 and following).
        for (asked, answered) in [
            (element::AFFECTED_SOP_CLASS, element::AFFECTED_SOP_CLASS),
            (element::REQUESTED_SOP_CLASS, element::AFFECTED_SOP_CLASS),
            (element::AFFECTED_SOP_INSTANCE, element::AFFECTED_SOP_INSTANCE),
            (element::REQUESTED_SOP_INSTANCE, element::AFFECTED_SOP_INSTANCE),
        ] {
            if let Some(uid) = self.uid(asked) {
                response = response.with_uid(answered, &uid);
            }
        }
        for copied in [element::EVENT_TYPE_ID, element::ACTION_TYPE_ID] {
            if let Some(number) = self.number(copied) {
                response = response.with_number(copied, number);
            }
        }
        match comment {
            Some(comment) => response.with(element::ERROR_COMMENT, padded(&long_string(comment), b' ')),
            None => response,
        }
    }

    /// The same with a data set behind it.
    #[must_use]
    pub const fn with_data_set(mut self) -> Self {
        self.has_data_set = true;
        self
    }

    /// The same with a UID element; of two with one number the last counts.
    #[must_use]
    pub fn with_uid(self, number: u16, uid: &Uid) -> Self {
        self.with(number, padded(uid.as_str(), 0))
    }

    /// The same with an element of VR US; of two with one number the last counts.
    #[must_use]
    pub fn with_number(self, number: u16, value: u16) -> Self {
        self.with(number, le(value))
    }

    /// The same with a list of attributes (VR AT); of two with one number the last counts.
    #[must_use]
    pub fn with_tags(self, number: u16, tags: &[Tag]) -> Self {
        let bytes =
            tags.iter().flat_map(|tag| [tag.group().to_le_bytes(), tag.element().to_le_bytes()].concat());
        self.with(number, bytes.collect())
    }

    /// The same with the counts of sub-operations.
    #[must_use]
    pub fn with_sub_operations(self, counts: SubOperations) -> Self {
        let counted = [
            (element::REMAINING, counts.remaining),
            (element::COMPLETED, Some(counts.completed)),
            (element::FAILED, Some(counts.failed)),
            (element::WARNING, Some(counts.warning)),
        ];
        counted
            .into_iter()
            .filter_map(|(number, count)| count.map(|count| (number, count)))
            .fold(self, |command, (number, count)| command.with_number(number, count))
    }

    /// Decodes a command set.
    ///
    /// # Errors
    /// [`CommandError`] names the element.
    pub fn decode(mut bytes: Bytes) -> Result<Self, CommandError> {
        let mut elements = Vec::new();
        let mut last_element = 0;
        while !bytes.is_empty() {
            let left = bytes.len();
            if left < 8 {
                return Err(CommandError::Truncated { element: last_element, needed: 8, left });
            }
            let group = bytes.get_u16_le();
            let element = bytes.get_u16_le();
            let needed = usize::try_from(bytes.get_u32_le()).unwrap_or(usize::MAX);
            let left = bytes.len();
            if group != 0 {
                return Err(CommandError::Group(group));
            }
            if needed > left {
                return Err(CommandError::Truncated { element, needed, left });
            }
            if elements.len() == COMMAND_ELEMENTS_MAX {
                return Err(CommandError::TooMany);
            }
            // Values are a few bytes: copied, so that they do not keep a whole receive buffer alive.
            elements.push((element, Bytes::copy_from_slice(&bytes.split_to(needed))));
            last_element = element;
        }
        let field =
            number(&elements, element::COMMAND_FIELD).ok_or(CommandError::Missing(element::COMMAND_FIELD))?;
        let data_set_type =
            number(&elements, element::DATA_SET_TYPE).ok_or(CommandError::Missing(element::DATA_SET_TYPE))?;
        elements.retain(|(number, _)| {
            !matches!(*number, element::GROUP_LENGTH | element::COMMAND_FIELD | element::DATA_SET_TYPE)
        });
        elements.sort_by_key(|(number, _)| *number);
        Ok(Self {
            field: CommandField::from_number(field),
            has_data_set: data_set_type != NO_DATA_SET,
            elements,
        })
    }

    /// Encodes the command set, group length first, elements ascending.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let data_set_type = if self.has_data_set { WITH_DATA_SET } else { NO_DATA_SET };
        let mut all = self.elements.clone();
        all.push((element::COMMAND_FIELD, le(self.field.number())));
        all.push((element::DATA_SET_TYPE, le(data_set_type)));
        all.sort_by_key(|(number, _)| *number);
        let length: usize = all.iter().map(|(_, value)| 8 + value.len()).sum();
        let mut out = BytesMut::with_capacity(12 + length);
        put_element(&mut out, element::GROUP_LENGTH, &length_le(length));
        for (number, value) in &all {
            put_element(&mut out, *number, value);
        }
        out.freeze()
    }

    /// What the command set is.
    #[must_use]
    pub const fn field(&self) -> CommandField {
        self.field
    }

    /// A data set follows.
    #[must_use]
    pub const fn has_data_set(&self) -> bool {
        self.has_data_set
    }

    /// (0000,0110), of a request.
    #[must_use]
    pub fn message_id(&self) -> Option<u16> {
        number(&self.elements, element::MESSAGE_ID)
    }

    /// (0000,0120), of a response.
    #[must_use]
    pub fn message_id_responded_to(&self) -> Option<u16> {
        number(&self.elements, element::MESSAGE_ID_RESPONDED_TO)
    }

    /// (0000,0900), of a response.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        number(&self.elements, element::STATUS).map(Status)
    }

    /// (0000,0902), of a response: its printable ASCII characters.
    #[must_use]
    pub fn error_comment(&self) -> Option<String> {
        let value = value(&self.elements, element::ERROR_COMMENT)?;
        let text: String =
            value.iter().filter(|b| (0x20..0x7f).contains(*b)).map(|&b| char::from(b)).collect();
        Some(text.trim_end().to_owned())
    }

    /// A UID element, if it is there and legal.
    #[must_use]
    pub fn uid(&self, number: u16) -> Option<Uid> {
        Uid::new(std::str::from_utf8(value(&self.elements, number)?).ok()?).ok()
    }

    /// Whether an element is there and has a value, legal or not.
    #[must_use]
    pub fn has_value(&self, number: u16) -> bool {
        value(&self.elements, number).is_some_and(|value| !value.is_empty())
    }

    /// A list of attributes (VR AT): none where it is missing, and what is too short for one is left out.
    #[must_use]
    pub fn tags(&self, number: u16) -> Vec<Tag> {
        let words = value(&self.elements, number).map(|value| value.chunks_exact(4)).into_iter().flatten();
        let tags = words.filter_map(|bytes| match *bytes {
            [a, b, c, d] => Some(Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))),
            _ => None,
        });
        tags.collect()
    }

    /// An element of VR US, if it is there and legal.
    #[must_use]
    pub fn number(&self, wanted: u16) -> Option<u16> {
        number(&self.elements, wanted)
    }

    /// An element of VR AE, if it is there and legal.
    #[must_use]
    pub fn ae_title(&self, wanted: u16) -> Option<AeTitle> {
        AeTitle::new(std::str::from_utf8(value(&self.elements, wanted)?).ok()?).ok()
    }

    /// The counts of sub-operations of a response; those that are missing are zero.
    #[must_use]
    pub fn sub_operations(&self) -> SubOperations {
        let count = |wanted| self.number(wanted).unwrap_or(0);
        SubOperations {
            remaining: self.number(element::REMAINING),
            completed: count(element::COMPLETED),
            failed: count(element::FAILED),
            warning: count(element::WARNING),
        }
    }

    const fn new(field: CommandField, has_data_set: bool) -> Self {
        Self { field, has_data_set, elements: Vec::new() }
    }

    fn with(mut self, number: u16, value: Bytes) -> Self {
        self.elements.retain(|(earlier, _)| *earlier != number);
        self.elements.push((number, value));
        self.elements.sort_by_key(|(number, _)| *number);
        self
    }
}

// === helpers ===

fn value(elements: &[(u16, Bytes)], wanted: u16) -> Option<&Bytes> {
    elements.iter().find(|(number, _)| *number == wanted).map(|(_, value)| value)
}

fn number(elements: &[(u16, Bytes)], wanted: u16) -> Option<u16> {
    let bytes = <[u8; 2]>::try_from(value(elements, wanted)?.as_ref()).ok()?;
    Some(u16::from_le_bytes(bytes))
}

fn put_element(out: &mut BytesMut, number: u16, value: &[u8]) {
    out.put_u16_le(0);
    out.put_u16_le(number);
    out.put_slice(&length_le(value.len()));
    out.put_slice(value);
}

fn le(number: u16) -> Bytes {
    Bytes::copy_from_slice(&number.to_le_bytes())
}

/// A length field. Commands are built here from UIDs and short texts, so the length always fits.
fn length_le(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// A text made even with one padding byte.
fn padded(text: &str, padding: u8) -> Bytes {
    let mut bytes = text.as_bytes().to_vec();
    if bytes.len() % 2 == 1 {
        bytes.push(padding);
    }
    bytes.into()
}

/// What of a text may stand in an element of VR LO in the default character set.
fn long_string(text: &str) -> String {
    text.chars()
        .filter(|c| (' '..='~').contains(c) && *c != '\\')
        .take(ERROR_COMMENT_CHARS_MAX)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    #[test]
    fn a_store_request_comes_back_as_it_was() {
        let command = Command::store_request(7, &uid("1.2.840.10008.5.1.4.1.1.2"), &uid("1.2.3"));
        let bytes = command.encode();
        // (0000,0000) UL 4 bytes: the length of what follows.
        let length = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
        assert_eq!(length, bytes.len() - 12);
        assert_eq!(Command::decode(bytes).unwrap(), command);
        assert!(command.has_data_set());
    }

    #[test]
    fn a_response_names_the_request_and_has_no_data_set() {
        let request = Command::store_request(9, &uid("1.2"), &uid("1.2.3"));
        let response = Command::decode(request.response(Status(0xA700), Some("full")).encode()).unwrap();
        assert_eq!(response.field(), CommandField::Response(Operation::Store));
        assert_eq!(response.message_id_responded_to(), Some(9));
        assert_eq!(response.status(), Some(Status(0xA700)));
        assert_eq!(response.error_comment().as_deref(), Some("full"));
        assert_eq!(response.uid(element::AFFECTED_SOP_INSTANCE), Some(uid("1.2.3")));
        assert!(!response.has_data_set());
    }

    #[test]
    fn the_response_to_an_unknown_request_keeps_its_number() {
        let request = Command::request(Operation::Other(0x0160), 3, &uid("1.2"));
        assert_eq!(request.response(Status::UNRECOGNISED_OPERATION, None).field().number(), 0x8160);
    }

    #[test]
    fn what_was_requested_was_affected() {
        let request = Command::request(Operation::Action, 3, &uid("1.2.840.10008.1.20.1"))
            .with_uid(element::REQUESTED_SOP_INSTANCE, &uid("1.2.840.10008.1.20.1.1"))
            .with_number(element::ACTION_TYPE_ID, 1)
            .with_data_set();
        assert_eq!(request.uid(element::AFFECTED_SOP_CLASS), None);
        let response = Command::decode(request.response(Status::SUCCESS, None).encode()).unwrap();
        assert_eq!(response.uid(element::AFFECTED_SOP_CLASS), Some(uid("1.2.840.10008.1.20.1")));
        assert_eq!(response.uid(element::AFFECTED_SOP_INSTANCE), Some(uid("1.2.840.10008.1.20.1.1")));
        assert_eq!(response.number(element::ACTION_TYPE_ID), Some(1));
        assert_eq!(response.uid(element::REQUESTED_SOP_CLASS), None);
    }

    #[test]
    fn a_move_names_its_destination_and_its_sub_operations_name_the_move() {
        let title = AeTitle::new("WS 1").unwrap();
        let request = Command::move_request(5, &uid("1.2.840.10008.5.1.4.1.2.2.2"), &title);
        let request = Command::decode(request.encode()).unwrap();
        assert_eq!(request.ae_title(element::MOVE_DESTINATION), Some(title.clone()));
        let store = Command::store_request(1, &uid("1.2"), &uid("1.2.3")).on_behalf_of(&title, 5);
        let store = Command::decode(store.encode()).unwrap();
        assert_eq!(store.ae_title(element::MOVE_ORIGINATOR), Some(title));
        assert_eq!(store.number(element::MOVE_ORIGINATOR_MESSAGE_ID), Some(5));
    }

    #[test]
    fn a_last_response_says_nothing_of_what_remains() {
        let request = Command::get_request(5, &uid("1.2.840.10008.5.1.4.1.2.2.3"));
        for remaining in [Some(3), None] {
            let counts = SubOperations { remaining, completed: 2, failed: 1, warning: 0 };
            let response = request.response(Status::PENDING, None).with_sub_operations(counts);
            assert_eq!(Command::decode(response.encode()).unwrap().sub_operations(), counts);
        }
    }

    #[test]
    fn a_list_of_attributes_reads_back_and_what_is_cut_is_left_out() {
        let tags = [Tag(0x0010, 0x0010), Tag(0x0040, 0x0252)];
        let request = Command::request(Operation::GetAttributes, 1, &uid("1.2"))
            .with_tags(element::ATTRIBUTE_IDENTIFIER_LIST, &tags);
        assert_eq!(request.tags(element::ATTRIBUTE_IDENTIFIER_LIST), tags);
        assert!(request.has_value(element::ATTRIBUTE_IDENTIFIER_LIST));
        assert!(!request.has_value(element::AFFECTED_SOP_INSTANCE));
        let cut =
            request.with(element::ATTRIBUTE_IDENTIFIER_LIST, Bytes::from_static(&[0x10, 0, 0x10, 0, 9]));
        assert_eq!(cut.tags(element::ATTRIBUTE_IDENTIFIER_LIST), tags[..1]);
    }

    #[test]
    fn a_cancel_names_what_it_cancels() {
        let cancel = Command::decode(Command::cancel_request(9).encode()).unwrap();
        assert_eq!(cancel.field(), CommandField::Cancel);
        assert_eq!((cancel.message_id_responded_to(), cancel.message_id()), (Some(9), None));
    }

    #[test]
    fn comments_are_cut_to_what_the_element_allows() {
        let request = Command::echo_request(1, &uid("1.2"));
        let response =
            request.response(Status::PROCESSING_FAILURE, Some(&format!("影像\\a\n{}", "x".repeat(99))));
        let comment = response.error_comment().unwrap();
        assert_eq!(comment.len(), ERROR_COMMENT_CHARS_MAX);
        assert!(comment.starts_with("ax"));
    }

    #[test]
    fn a_command_cut_anywhere_is_an_error() {
        let whole = Command::store_request(7, &uid("1.2.840.10008.5.1.4.1.1.2"), &uid("1.2.3")).encode();
        for end in 0..whole.len() {
            if let Ok(command) = Command::decode(whole.slice(..end)) {
                // Cut between two elements: what is left is a command set without its last elements.
                assert_eq!(command.uid(element::AFFECTED_SOP_INSTANCE), None, "cut at {end}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            if let Ok(command) = Command::decode(Bytes::from(bytes)) {
                prop_assert_eq!(Command::decode(command.encode()).unwrap(), command);
            }
        }
    }
}
