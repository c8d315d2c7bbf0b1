//! From a [`Pdu`] to bytes.

use super::{
    AeField, AnsweredContext, AssociateAc, AssociateRq, CommonExtendedNegotiation, ExtendedNegotiation,
    HEADER_BYTES, Pdu, PduError, PduKind, Pdv, ProposedContext, RoleSelection, UserIdentity, UserInformation,
};
use bytes::{BufMut, BytesMut};
use yingdun_model::Uid;

/// Appends one unit, header included.
///
/// # Errors
/// [`PduError::TooLong`] when an item does not fit its two-byte length or the unit its four-byte length. What
/// was appended until then is taken back.
pub fn encode(pdu: &Pdu, out: &mut BytesMut) -> Result<(), PduError> {
    let start = out.len();
    let result = unit(out, pdu.kind(), |out| match pdu {
        Pdu::AssociateRq(rq) => associate_rq(out, rq),
        Pdu::AssociateAc(ac) => associate_ac(out, ac),
        Pdu::AssociateRj(rj) => {
            let (source, reason) = rj.reason.bytes();
            out.put_slice(&[0, if rj.transient { 2 } else { 1 }, source, reason]);
            Ok(())
        }
        Pdu::Data(values) => values.iter().try_for_each(|value| pdv(out, value)),
        Pdu::ReleaseRq | Pdu::ReleaseRp => {
            out.put_u32(0);
            Ok(())
        }
        Pdu::Abort(abort) => {
            let (source, reason) = abort.source.bytes();
            out.put_slice(&[0, 0, source, reason]);
            Ok(())
        }
    });
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Writes the header in front of what `body` writes.
fn unit(
    out: &mut BytesMut,
    kind: PduKind,
    body: impl FnOnce(&mut BytesMut) -> Result<(), PduError>,
) -> Result<(), PduError> {
    let start = out.len();
    out.put_slice(&[kind.byte(), 0, 0, 0, 0, 0]);
    body(out)?;
    let written = out.len() - start - HEADER_BYTES;
    let length =
        u32::try_from(written).map_err(|_| PduError::TooLong { claimed: written, max: u32::MAX as usize })?;
    patch(out, start + 2, &length.to_be_bytes());
    Ok(())
}

fn pdv(out: &mut BytesMut, value: &Pdv) -> Result<(), PduError> {
    let length = u32::try_from(value.data.len() + 2)
        .map_err(|_| PduError::TooLong { claimed: value.data.len(), max: u32::MAX as usize - 2 })?;
    out.put_u32(length);
    out.put_u8(value.context_id);
    out.put_u8(u8::from(value.is_command) | u8::from(value.is_last) << 1);
    out.put_slice(&value.data);
    Ok(())
}

fn associate_rq(out: &mut BytesMut, rq: &AssociateRq) -> Result<(), PduError> {
    associate_head(out, rq.protocol_version, rq.called, rq.calling);
    item(out, 0x10, |out| optional_uid(out, rq.application_context.as_ref()))?;
    rq.contexts.iter().try_for_each(|context| proposed_context(out, context))?;
    user_information(out, &rq.user)
}

fn associate_ac(out: &mut BytesMut, ac: &AssociateAc) -> Result<(), PduError> {
    associate_head(out, ac.protocol_version, ac.called, ac.calling);
    item(out, 0x10, |out| optional_uid(out, ac.application_context.as_ref()))?;
    ac.contexts.iter().try_for_each(|context| answered_context(out, context))?;
    user_information(out, &ac.user)
}

fn associate_head(out: &mut BytesMut, version: u16, called: AeField, calling: AeField) {
    out.put_u16(version);
    out.put_u16(0);
    out.put_slice(&called.0);
    out.put_slice(&calling.0);
    out.put_bytes(0, 32);
}

fn proposed_context(out: &mut BytesMut, context: &ProposedContext) -> Result<(), PduError> {
    item(out, 0x20, |out| {
        out.put_slice(&[context.id, 0, 0, 0]);
        item(out, 0x30, |out| optional_uid(out, context.abstract_syntax.as_ref()))?;
        context.transfer_syntaxes.iter().try_for_each(|syntax| item(out, 0x40, |out| uid(out, syntax)))
    })
}

fn answered_context(out: &mut BytesMut, context: &AnsweredContext) -> Result<(), PduError> {
    item(out, 0x21, |out| {
        out.put_slice(&[context.id, 0, context.outcome.byte(), 0]);
        item(out, 0x40, |out| optional_uid(out, context.transfer_syntax.as_ref()))
    })
}

fn user_information(out: &mut BytesMut, user: &UserInformation) -> Result<(), PduError> {
    item(out, 0x50, |out| {
        if let Some(length) = user.max_length {
            item(out, 0x51, |out| {
                out.put_u32(length);
                Ok(())
            })?;
        }
        if let Some(class) = &user.implementation_class {
            item(out, 0x52, |out| uid(out, class))?;
        }
        if let Some(window) = user.operations_window {
            item(out, 0x53, |out| {
                out.put_u16(window.invoked);
                out.put_u16(window.performed);
                Ok(())
            })?;
        }
        user.roles.iter().try_for_each(|role| role_selection(out, role))?;
        if let Some(version) = &user.implementation_version {
            item(out, 0x55, |out| {
                out.put_slice(version.as_bytes());
                Ok(())
            })?;
        }
        user.extended.iter().try_for_each(|negotiation| extended(out, negotiation))?;
        user.common_extended.iter().try_for_each(|negotiation| common_extended(out, negotiation))?;
        if let Some(who) = &user.identity {
            identity(out, who)?;
        }
        if let Some(response) = &user.identity_response {
            item(out, 0x59, |out| counted(out, |out| put(out, response)))?;
        }
        Ok(())
    })
}

fn role_selection(out: &mut BytesMut, role: &RoleSelection) -> Result<(), PduError> {
    item(out, 0x54, |out| {
        counted(out, |out| uid(out, &role.sop_class))?;
        out.put_slice(&[u8::from(role.scu), u8::from(role.scp)]);
        Ok(())
    })
}

fn extended(out: &mut BytesMut, negotiation: &ExtendedNegotiation) -> Result<(), PduError> {
    item(out, 0x56, |out| {
        counted(out, |out| uid(out, &negotiation.sop_class))?;
        put(out, &negotiation.application_information)
    })
}

fn common_extended(out: &mut BytesMut, negotiation: &CommonExtendedNegotiation) -> Result<(), PduError> {
    item(out, 0x57, |out| {
        counted(out, |out| uid(out, &negotiation.sop_class))?;
        counted(out, |out| uid(out, &negotiation.service_class))?;
        counted(out, |out| {
            negotiation
                .related_general_classes
                .iter()
                .try_for_each(|class| counted(out, |out| uid(out, class)))
        })
    })
}

fn identity(out: &mut BytesMut, who: &UserIdentity) -> Result<(), PduError> {
    item(out, 0x58, |out| {
        out.put_slice(&[who.kind.byte(), u8::from(who.positive_response_requested)]);
        counted(out, |out| put(out, who.primary.expose()))?;
        counted(out, |out| put(out, who.secondary.expose()))
    })
}

// === helpers ===

fn item(
    out: &mut BytesMut,
    kind: u8,
    body: impl FnOnce(&mut BytesMut) -> Result<(), PduError>,
) -> Result<(), PduError> {
    out.put_slice(&[kind, 0]);
    counted(out, body)
}

/// Writes a two-byte length in front of what `body` writes.
fn counted(
    out: &mut BytesMut,
    body: impl FnOnce(&mut BytesMut) -> Result<(), PduError>,
) -> Result<(), PduError> {
    let start = out.len();
    out.put_u16(0);
    body(out)?;
    let written = out.len() - start - 2;
    let length = u16::try_from(written)
        .map_err(|_| PduError::TooLong { claimed: written, max: usize::from(u16::MAX) })?;
    patch(out, start, &length.to_be_bytes());
    Ok(())
}

fn uid(out: &mut BytesMut, uid: &Uid) -> Result<(), PduError> {
    put(out, uid.as_str().as_bytes())
}

fn optional_uid(out: &mut BytesMut, value: Option<&Uid>) -> Result<(), PduError> {
    value.map_or(Ok(()), |value| uid(out, value))
}

fn put(out: &mut BytesMut, bytes: &[u8]) -> Result<(), PduError> {
    out.put_slice(bytes);
    Ok(())
}

/// Overwrites bytes that were written before.
fn patch(out: &mut BytesMut, at: usize, bytes: &[u8]) {
    if let Some(slot) = out.get_mut(at..at + bytes.len()) {
        slot.copy_from_slice(bytes);
    }
}
