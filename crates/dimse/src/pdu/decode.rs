//! From bytes to a [`Pdu`]. The caller has the whole body; lengths inside it are checked, never trusted.

use super::cursor::{Cursor, uid};
use super::{
    Abort, AbortSource, AeField, AnsweredContext, AssociateAc, AssociateRj, AssociateRq,
    CommonExtendedNegotiation, ContextOutcome, ExtendedNegotiation, OperationsWindow,
    PRESENTATION_CONTEXTS_MAX, Pdu, PduError, PduKind, Pdv, ProposedContext, RELATED_CLASSES_MAX,
    RejectReason, RoleSelection, TRANSFER_SYNTAXES_MAX, USER_ITEMS_MAX, UserIdentity, UserIdentityKind,
    UserInformation,
};
use bytes::Bytes;
use yingdun_model::{Secret, Uid};

const ITEM_APPLICATION_CONTEXT: u8 = 0x10;
const ITEM_PROPOSED_CONTEXT: u8 = 0x20;
const ITEM_ANSWERED_CONTEXT: u8 = 0x21;
const ITEM_ABSTRACT_SYNTAX: u8 = 0x30;
const ITEM_TRANSFER_SYNTAX: u8 = 0x40;
const ITEM_USER_INFORMATION: u8 = 0x50;

/// Longest implementation version name in characters (PS3.7 §D.3.3.2.3).
const IMPLEMENTATION_VERSION_CHARS_MAX: usize = 16;

/// Decodes the body of one unit, i.e. the bytes after its six-byte header.
///
/// # Errors
/// [`PduError`] names the field and what is wrong with it.
pub fn decode(kind: PduKind, body: Bytes) -> Result<Pdu, PduError> {
    let mut body = Cursor::new(body);
    match kind {
        PduKind::AssociateRq => Ok(Pdu::AssociateRq(associate_rq(body)?)),
        PduKind::AssociateAc => Ok(Pdu::AssociateAc(associate_ac(body)?)),
        PduKind::AssociateRj => {
            body.u8("A-ASSOCIATE-RJ")?;
            let transient = match body.u8("A-ASSOCIATE-RJ result")? {
                1 => false,
                2 => true,
                other => {
                    return Err(PduError::Illegal { what: "A-ASSOCIATE-RJ result", value: other.into() });
                }
            };
            let reason = RejectReason::from_bytes(
                body.u8("A-ASSOCIATE-RJ source")?,
                body.u8("A-ASSOCIATE-RJ reason")?,
            );
            body.end("A-ASSOCIATE-RJ")?;
            Ok(Pdu::AssociateRj(AssociateRj { transient, reason }))
        }
        PduKind::Data => Ok(Pdu::Data(data(body)?)),
        PduKind::ReleaseRq => {
            body.u32("A-RELEASE-RQ")?;
            body.end("A-RELEASE-RQ")?;
            Ok(Pdu::ReleaseRq)
        }
        PduKind::ReleaseRp => {
            body.u32("A-RELEASE-RP")?;
            body.end("A-RELEASE-RP")?;
            Ok(Pdu::ReleaseRp)
        }
        PduKind::Abort => {
            body.u16("A-ABORT")?;
            let source = AbortSource::from_bytes(body.u8("A-ABORT source")?, body.u8("A-ABORT reason")?);
            body.end("A-ABORT")?;
            Ok(Pdu::Abort(Abort { source }))
        }
    }
}

/// Presentation data values: as many as fit (PS3.8 §9.3.5).
fn data(mut body: Cursor) -> Result<Vec<Pdv>, PduError> {
    let mut values = Vec::new();
    while !body.is_empty() {
        // The length counts the context identifier and the control header, so it is at least 2.
        let claimed = body.u32("PDV length")?;
        let len = usize::try_from(claimed)
            .ok()
            .and_then(|len| len.checked_sub(2))
            .ok_or(PduError::Illegal { what: "PDV length", value: claimed.into() })?;
        let context_id = body.u8("PDV context")?;
        let control = body.u8("PDV control header")?;
        let data = body.take(len, "PDV")?;
        // Bits 2 to 7 are reserved and not tested (PS3.8 annex E.2).
        values.push(Pdv { context_id, is_command: control & 1 != 0, is_last: control & 2 != 0, data });
    }
    if values.is_empty() { Err(PduError::Missing("a PDV in P-DATA-TF")) } else { Ok(values) }
}

fn associate_rq(mut body: Cursor) -> Result<AssociateRq, PduError> {
    let (protocol_version, called, calling) = associate_head(&mut body)?;
    let mut common = CommonItems::default();
    let mut contexts = Vec::new();
    while !body.is_empty() {
        let (kind, item) = body.item("A-ASSOCIATE-RQ item")?;
        if kind == ITEM_PROPOSED_CONTEXT {
            bounded(&contexts, PRESENTATION_CONTEXTS_MAX, "presentation contexts")?;
            contexts.push(proposed_context(item)?);
        } else {
            common.read(kind, item)?;
        }
    }
    let (application_context, user) = common.complete()?;
    Ok(AssociateRq { protocol_version, called, calling, application_context, contexts, user })
}

fn associate_ac(mut body: Cursor) -> Result<AssociateAc, PduError> {
    let (protocol_version, called, calling) = associate_head(&mut body)?;
    let mut common = CommonItems::default();
    let mut contexts = Vec::new();
    while !body.is_empty() {
        let (kind, item) = body.item("A-ASSOCIATE-AC item")?;
        if kind == ITEM_ANSWERED_CONTEXT {
            bounded(&contexts, PRESENTATION_CONTEXTS_MAX, "presentation contexts")?;
            contexts.push(answered_context(item)?);
        } else {
            common.read(kind, item)?;
        }
    }
    let (application_context, user) = common.complete()?;
    Ok(AssociateAc { protocol_version, called, calling, application_context, contexts, user })
}

/// The fixed fields in front of the items of A-ASSOCIATE-RQ and -AC.
fn associate_head(body: &mut Cursor) -> Result<(u16, AeField, AeField), PduError> {
    let protocol_version = body.u16("protocol version")?;
    body.u16("reserved field")?;
    let called = AeField(body.array("called AE title")?);
    let calling = AeField(body.array("calling AE title")?);
    body.take(32, "reserved field")?;
    Ok((protocol_version, called, calling))
}

/// Items that both A-ASSOCIATE units have.
#[derive(Default)]
struct CommonItems {
    application_context: Option<Option<Uid>>,
    user: Option<UserInformation>,
}

impl CommonItems {
    /// Items of unknown type are ignored (PS3.8 §9.3.1).
    fn read(&mut self, kind: u8, item: Cursor) -> Result<(), PduError> {
        match kind {
            ITEM_APPLICATION_CONTEXT => {
                once(&mut self.application_context, uid(&item.remainder()), "the application context item")
            }
            ITEM_USER_INFORMATION => {
                once(&mut self.user, user_information(item)?, "the user information item")
            }
            _ => Ok(()),
        }
    }

    fn complete(self) -> Result<(Option<Uid>, UserInformation), PduError> {
        let application_context =
            self.application_context.ok_or(PduError::Missing("an application context item"))?;
        let user = self.user.ok_or(PduError::Missing("a user information item"))?;
        Ok((application_context, user))
    }
}

fn proposed_context(mut item: Cursor) -> Result<ProposedContext, PduError> {
    let id = context_id(&mut item)?;
    item.take(3, "reserved field")?;
    let mut abstract_syntax = None;
    let mut transfer_syntaxes = Vec::new();
    while !item.is_empty() {
        let (kind, sub) = item.item("presentation context sub-item")?;
        match kind {
            ITEM_ABSTRACT_SYNTAX => {
                once(&mut abstract_syntax, uid(&sub.remainder()), "the abstract syntax")?;
            }
            ITEM_TRANSFER_SYNTAX => {
                bounded(&transfer_syntaxes, TRANSFER_SYNTAXES_MAX, "transfer syntaxes")?;
                transfer_syntaxes.extend(uid(&sub.remainder()));
            }
            _ => {}
        }
    }
    Ok(ProposedContext { id, abstract_syntax: abstract_syntax.flatten(), transfer_syntaxes })
}

fn answered_context(mut item: Cursor) -> Result<AnsweredContext, PduError> {
    let id = context_id(&mut item)?;
    item.u8("reserved field")?;
    let result = item.u8("presentation context result")?;
    let outcome = ContextOutcome::from_byte(result)
        .ok_or(PduError::Illegal { what: "presentation context result", value: result.into() })?;
    item.u8("reserved field")?;
    let mut transfer_syntax = None;
    while !item.is_empty() {
        let (kind, sub) = item.item("presentation context sub-item")?;
        if kind == ITEM_TRANSFER_SYNTAX {
            once(&mut transfer_syntax, uid(&sub.remainder()), "the transfer syntax")?;
        }
    }
    Ok(AnsweredContext { id, outcome, transfer_syntax: transfer_syntax.flatten() })
}

fn context_id(item: &mut Cursor) -> Result<u8, PduError> {
    let id = item.u8("presentation context identifier")?;
    if id % 2 == 1 {
        Ok(id)
    } else {
        Err(PduError::Illegal { what: "presentation context identifier", value: id.into() })
    }
}

fn user_information(mut item: Cursor) -> Result<UserInformation, PduError> {
    let mut user = UserInformation::default();
    let mut count = 0_usize;
    while !item.is_empty() {
        count += 1;
        if count > USER_ITEMS_MAX {
            return Err(PduError::TooMany { what: "user information sub-items", max: USER_ITEMS_MAX });
        }
        let (kind, mut sub) = item.item("user information sub-item")?;
        match kind {
            0x51 => {
                let length = sub.u32("maximum length")?;
                sub.end("maximum length")?;
                once(&mut user.max_length, length, "the maximum length")?;
            }
            0x52 => {
                let class = sub.uid("implementation class UID")?;
                once(&mut user.implementation_class, class, "the implementation class UID")?;
            }
            0x53 => {
                let window = OperationsWindow {
                    invoked: sub.u16("operations window")?,
                    performed: sub.u16("operations window")?,
                };
                sub.end("operations window")?;
                once(&mut user.operations_window, window, "the operations window")?;
            }
            0x54 => user.roles.push(role_selection(sub)?),
            0x55 => {
                let name = version_name(&sub.remainder());
                once(&mut user.implementation_version, name, "the implementation version name")?;
            }
            0x56 => user.extended.push(extended(sub)?),
            0x57 => user.common_extended.push(common_extended(sub)?),
            0x58 => once(&mut user.identity, identity(sub)?, "the user identity")?,
            0x59 => {
                let response = sub.counted("user identity response")?;
                sub.end("user identity response")?;
                once(&mut user.identity_response, response, "the user identity response")?;
            }
            _ => {}
        }
    }
    Ok(user)
}

fn role_selection(mut item: Cursor) -> Result<RoleSelection, PduError> {
    let sop_class = counted_uid(&mut item, "role selection SOP class")?;
    let scu = flag(item.u8("SCU role")?, "SCU role")?;
    let scp = flag(item.u8("SCP role")?, "SCP role")?;
    item.end("role selection")?;
    Ok(RoleSelection { sop_class, scu, scp })
}

fn extended(mut item: Cursor) -> Result<ExtendedNegotiation, PduError> {
    let sop_class = counted_uid(&mut item, "extended negotiation SOP class")?;
    Ok(ExtendedNegotiation { sop_class, application_information: item.remainder() })
}

fn common_extended(mut item: Cursor) -> Result<CommonExtendedNegotiation, PduError> {
    let sop_class = counted_uid(&mut item, "common extended negotiation SOP class")?;
    let service_class = counted_uid(&mut item, "common extended negotiation service class")?;
    let mut related = Cursor::new(item.counted("related general SOP classes")?);
    let mut related_general_classes = Vec::new();
    while !related.is_empty() {
        bounded(&related_general_classes, RELATED_CLASSES_MAX, "related general SOP classes")?;
        related_general_classes.push(counted_uid(&mut related, "related general SOP class")?);
    }
    // Bytes that follow are reserved for later versions of the item and not tested (PS3.7 table D.3-12).
    Ok(CommonExtendedNegotiation { sop_class, service_class, related_general_classes })
}

fn identity(mut item: Cursor) -> Result<UserIdentity, PduError> {
    let kind = item.u8("user identity type")?;
    let kind = UserIdentityKind::from_byte(kind)
        .ok_or(PduError::Illegal { what: "user identity type", value: kind.into() })?;
    let positive_response_requested = flag(item.u8("positive response flag")?, "positive response flag")?;
    let primary = Secret::new(item.counted("user identity")?.to_vec());
    let secondary = Secret::new(item.counted("user passcode")?.to_vec());
    item.end("user identity")?;
    Ok(UserIdentity { kind, positive_response_requested, primary, secondary })
}

// === helpers ===

fn once<T>(slot: &mut Option<T>, value: T, what: &'static str) -> Result<(), PduError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(PduError::Repeated(what)),
    }
}

fn bounded<T>(list: &[T], max: usize, what: &'static str) -> Result<(), PduError> {
    if list.len() < max { Ok(()) } else { Err(PduError::TooMany { what, max }) }
}

fn counted_uid(item: &mut Cursor, what: &'static str) -> Result<Uid, PduError> {
    Cursor::new(item.counted(what)?).uid(what)
}

fn flag(byte: u8, what: &'static str) -> Result<bool, PduError> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(PduError::Illegal { what, value: other.into() }),
    }
}

/// The printable part of an implementation version name: it is only ever shown to people.
fn version_name(field: &[u8]) -> String {
    field
        .iter()
        .filter(|b| (0x20..0x7f).contains(*b))
        .take(IMPLEMENTATION_VERSION_CHARS_MAX)
        .map(|&b| char::from(b))
        .collect()
}
