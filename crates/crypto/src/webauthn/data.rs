//! What the browser says (client data, §5.8.1) and what the authenticator says (authenticator data, §6.1).

use super::cbor::{Item, Malformed, Reader};
use super::{CHALLENGE_BYTES, CREDENTIAL_ID_BYTES_MAX, Fault, PART_BYTES_MAX, Question, RelyingParty};
use crate::digest::sha256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Flags of authenticator data.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// What was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Create,
    Get,
}

/// A new credential, where it lies.
pub(super) struct Made<'a> {
    pub(super) credential: &'a [u8],
    pub(super) public_key: &'a [u8],
    pub(super) count: u32,
}

/// What of client data is looked at. Browsers add what they like, and one that comes twice is an error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

/// Judges what the browser says that was asked.
pub(super) fn client_data(json: &[u8], ceremony: Ceremony, question: Question<'_>) -> Result<(), Fault> {
    if json.len() > PART_BYTES_MAX {
        return Err(Fault::Malformed);
    }
    let data: ClientData = serde_json::from_slice(json).map_err(|_| Fault::Malformed)?;
    let expected = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if data.ceremony != expected {
        return Err(Fault::Ceremony);
    }
    let challenge = URL_SAFE_NO_PAD.decode(&data.challenge).map_err(|_| Fault::Malformed)?;
    // Digests are compared, so that the time of the comparison tells nothing of the challenge.
    if challenge.len() != CHALLENGE_BYTES || sha256(&challenge) != *question.challenge_hash {
        return Err(Fault::Challenge);
    }
    if data.origin != question.party.origin() {
        return Err(Fault::Origin);
    }
    if data.cross_origin || data.top_origin.is_some() {
        return Err(Fault::Framed);
    }
    Ok(())
}

/// Reads an attestation object as far as it is believed: the new credential in it.
pub(super) fn registration<'a>(object: &'a [u8], party: &RelyingParty) -> Result<Made<'a>, Fault> {
    if object.len() > PART_BYTES_MAX {
        return Err(Fault::Malformed);
    }
    let data = authenticator_data_of(object).map_err(|Malformed| Fault::Malformed)?;
    let head = Head::read(data, party)?;
    if head.flags & CREDENTIAL == 0 {
        return Err(Fault::Malformed);
    }
    let (credential, rest) = credential_of(head.rest).ok_or(Fault::Malformed)?;
    let mut reader = Reader::new(rest);
    let public_key = reader.skip().map_err(|Malformed| Fault::Malformed)?;
    extensions(head.flags, reader)?;
    Ok(Made { credential, public_key, count: head.count })
}

/// Reads what an authenticator says that proves a credential: how often it has signed.
pub(super) fn proof(data: &[u8], party: &RelyingParty) -> Result<u32, Fault> {
    if data.len() > PART_BYTES_MAX {
        return Err(Fault::Malformed);
    }
    let head = Head::read(data, party)?;
    if head.flags & CREDENTIAL != 0 {
        return Err(Fault::Malformed);
    }
    extensions(head.flags, Reader::new(head.rest))?;
    Ok(head.count)
}

// === helpers ===

/// The first 37 bytes of authenticator data, and what stands behind them.
struct Head<'a> {
    flags: u8,
    count: u32,
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(data: &'a [u8], party: &RelyingParty) -> Result<Self, Fault> {
        let (hash, rest) = data.split_first_chunk::<32>().ok_or(Fault::Malformed)?;
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or(Fault::Malformed)?;
        let (count, rest) = rest.split_first_chunk::<4>().ok_or(Fault::Malformed)?;
        if *hash != sha256(party.id().as_bytes()) {
            return Err(Fault::Party);
        }
        if flags & PRESENT == 0 || flags & VERIFIED == 0 {
            return Err(Fault::Unverified);
        }
        // §6.1.3: what cannot be backed up is not.
        if flags & BACKED_UP != 0 && flags & BACKUP_ELIGIBLE == 0 {
            return Err(Fault::Malformed);
        }
        Ok(Self { flags: *flags, count: u32::from_be_bytes(*count), rest })
    }
}

/// The bytes under `authData`. The rest of an attestation object is well formed, and nobody reads it.
fn authenticator_data_of(object: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(object);
    let mut found = None;
    for _ in 0..reader.map()? {
        match reader.item()? {
            Item::Text("authData") => {
                let Item::Bytes(data) = reader.item()? else { return Err(Malformed) };
                if found.replace(data).is_some() {
                    return Err(Malformed);
                }
            }
            Item::Text(_) => drop(reader.skip()?),
            _ => return Err(Malformed),
        }
    }
    if reader.rest().is_empty() { found.ok_or(Malformed) } else { Err(Malformed) }
}

/// The name of the credential, behind the model of its authenticator, and what follows (§6.5.1).
fn credential_of(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_model, rest) = data.split_first_chunk::<16>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (credential, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    (1..=CREDENTIAL_ID_BYTES_MAX).contains(&credential.len()).then_some((credential, rest))
}

/// Goes past extensions, of which none was asked for; nothing comes behind them.
fn extensions(flags: u8, mut reader: Reader<'_>) -> Result<(), Fault> {
    if flags & EXTENSIONS != 0 {
        let mut head = reader;
        head.map().map_err(|Malformed| Fault::Malformed)?;
        reader.skip().map_err(|Malformed| Fault::Malformed)?;
    }
    if reader.rest().is_empty() { Ok(()) } else { Err(Fault::Malformed) }
}
