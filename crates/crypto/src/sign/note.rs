//! Signed notes (C2SP signed-note): text with signatures of Ed25519 keys, or of SM2 keys.

use super::{
    PUBLIC_KEY_BYTES, SM2_PUBLIC_KEY_BYTES, SigningKey, Sm2SigningKey, Sm2VerifyingKey, VerifyingKey,
};
use crate::digest;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use std::fmt;

/// The longest note that is verified. A checkpoint with 16 post-quantum signatures, which C2SP signed-note
/// asks verifiers to accept, stays far below.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;

const KEY_ID_BYTES: usize = 4;
/// Signature type of Ed25519 (C2SP signed-note, "Signature types").
const ED25519_TYPE: &[u8] = &[1];
/// Signature type of SM2 with SM3 under the default user id. Nobody has assigned a byte to it, so it is written as
/// C2SP signed-note recommends for such types: ff and an identifier that is unlikely to collide.
const SM2_TYPE: &[u8] = b"\xffyingdun/sm2-sm3@v1";

/// Why a note cannot be signed or is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A key name must not be empty nor hold spaces or `+`.
    #[error("a key name must not be empty nor hold spaces or plus signs")]
    KeyName,
    /// The text is not one that can be signed.
    #[error("a note is text that ends in a newline and holds no other control characters")]
    Text,
    /// A verifier key is not `name+hash+key`.
    #[error("a verifier key is written as name+hash+key with an Ed25519 or SM2 key")]
    VerifierKey,
    /// The note is longer than accepted.
    #[error("a note has at most {NOTE_BYTES_MAX} bytes")]
    TooLong,
    /// The note does not have the form of C2SP signed-note.
    #[error("the note has no well-formed signature block")]
    Form,
    /// No signature line is of the expected key.
    #[error("the note is not signed by the expected key")]
    NotSigned,
    /// The signature of the expected key does not verify: the text or the signature was changed.
    #[error("the signature of the expected key does not fit the note")]
    BadSignature,
    /// A cosigner key is not `name+hash+key`.
    #[error("a cosigner key is written as name+hash+key with an Ed25519 cosignature key (type 04)")]
    CosignerKey,
    /// A cosignature says when it was made.
    #[error("the time of a cosignature lies between 1 and 2^63-1 seconds after 1970")]
    Time,
}

/// A key that signs notes.
#[derive(Debug)]
pub enum NoteSigningKey {
    /// Ed25519.
    Ed25519(SigningKey),
    /// SM2 with SM3.
    Sm2(Sm2SigningKey),
}

impl From<SigningKey> for NoteSigningKey {
    fn from(key: SigningKey) -> Self {
        Self::Ed25519(key)
    }
}

impl From<Sm2SigningKey> for NoteSigningKey {
    fn from(key: Sm2SigningKey) -> Self {
        Self::Sm2(key)
    }
}

impl NoteSigningKey {
    fn sign(&self, text: &[u8]) -> [u8; 64] {
        match self {
            Self::Ed25519(key) => key.sign(text),
            Self::Sm2(key) => key.sign(text),
        }
    }
}

/// A key that verifies notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteKey {
    /// Ed25519.
    Ed25519(VerifyingKey),
    /// SM2 with SM3.
    Sm2(Sm2VerifyingKey),
}

impl From<VerifyingKey> for NoteKey {
    fn from(key: VerifyingKey) -> Self {
        Self::Ed25519(key)
    }
}

impl From<Sm2VerifyingKey> for NoteKey {
    fn from(key: Sm2VerifyingKey) -> Self {
        Self::Sm2(key)
    }
}

impl NoteKey {
    /// Type and key, as key ids and verifier keys have them.
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => [ED25519_TYPE, key.as_bytes()].concat(),
            Self::Sm2(key) => [SM2_TYPE, key.as_bytes()].concat(),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        if let Some(key) = bytes.strip_prefix(ED25519_TYPE) {
            let key = <[u8; PUBLIC_KEY_BYTES]>::try_from(key).ok()?;
            return Some(Self::Ed25519(VerifyingKey::from_bytes(key)));
        }
        let key = <&[u8; SM2_PUBLIC_KEY_BYTES]>::try_from(bytes.strip_prefix(SM2_TYPE)?).ok()?;
        Sm2VerifyingKey::from_bytes(key).ok().map(Self::Sm2)
    }

    fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => key.verifies(text, signature),
            Self::Sm2(key) => key.verifies(text, signature),
        }
    }
}

/// Signs notes under a key name.
#[derive(Debug)]
pub struct NoteSigner {
    key: NoteSigningKey,
    verifier: NoteVerifier,
}

impl NoteSigner {
    /// A signer whose lines carry `name`, best a schema-less URL such as `example.org/audit/2026`.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when the name is empty or holds spaces or plus signs.
    pub fn new(name: &str, key: impl Into<NoteSigningKey>) -> Result<Self, NoteError> {
        let key = key.into();
        let verifier = match &key {
            NoteSigningKey::Ed25519(key) => NoteVerifier::new(name, key.verifying_key())?,
            NoteSigningKey::Sm2(key) => NoteVerifier::new(name, key.verifying_key().clone())?,
        };
        Ok(Self { key, verifier })
    }

    /// What others need to verify these notes.
    #[must_use]
    pub const fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    /// Signs a text and returns the whole note: text, blank line, signature line.
    ///
    /// # Errors
    /// [`NoteError::Text`] when the text does not end in a newline or holds other control characters.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        check_text(text)?;
        Ok(format!("{text}\n{}", self.verifier.name.line(&self.key.sign(text.as_bytes()))))
    }
}

/// A signed note that was read and not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<NoteSignature<'a>>,
}

/// A signature line of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteSignature<'a> {
    name: &'a str,
    key_id: [u8; KEY_ID_BYTES],
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads the form of C2SP signed-note.
    ///
    /// # Errors
    /// [`NoteError::TooLong`] or [`NoteError::Form`].
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        if has_control_characters(note) {
            return Err(NoteError::Form);
        }
        // The last blank line ends the text; the newline before it belongs to the text.
        let blank = note.rfind("\n\n").ok_or(NoteError::Form)?;
        let (text, block) = note.split_at_checked(blank + 1).ok_or(NoteError::Form)?;
        let block = block.strip_prefix('\n').ok_or(NoteError::Form)?;
        let lines = block.strip_suffix('\n').ok_or(NoteError::Form)?;
        let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }

    /// What is signed, with its last newline.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The signature lines of a key; those of others are ignored.
    pub(super) fn lines_of(&self, key: &KeyName) -> impl Iterator<Item = &[u8]> {
        let lines = self.signatures.iter().filter(|line| key.name == line.name && key.id == line.key_id);
        lines.map(|line| line.signature.as_slice())
    }
}

impl<'a> NoteSignature<'a> {
    fn parse(line: &'a str) -> Result<Self, NoteError> {
        let (name, signature) =
            line.strip_prefix("— ").and_then(|line| line.split_once(' ')).ok_or(NoteError::Form)?;
        let signature = BASE64.decode(signature).map_err(|_| NoteError::Form)?;
        let (key_id, signature) = signature.split_first_chunk::<KEY_ID_BYTES>().ok_or(NoteError::Form)?;
        Ok(Self { name, key_id: *key_id, signature: signature.to_vec() })
    }
}

/// What signature lines call a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyName {
    name: String,
    id: [u8; KEY_ID_BYTES],
}

impl KeyName {
    /// The name of a key; `key` begins with its type.
    pub(super) fn new(name: &str, key: &[u8]) -> Result<Self, NoteError> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(NoteError::KeyName);
        }
        let named = [name.as_bytes(), b"\n", key].concat();
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(digest::sha256(&named).split_at(KEY_ID_BYTES).0);
        Ok(Self { name: name.to_owned(), id })
    }

    /// Name, and type with key, of a verifier key in its text form, whose hash fits.
    pub(super) fn parse_key(text: &str) -> Option<(Self, Vec<u8>)> {
        let (name, rest) = text.split_once('+')?;
        let (hash, key) = rest.split_once('+')?;
        let key = BASE64.decode(key).ok()?;
        let name = Self::new(name, &key).ok()?;
        (name.hash() == hash).then_some((name, key))
    }

    /// The text form of the verifier key: `name+hash+key`.
    pub(super) fn write_key(&self, key: &[u8]) -> String {
        format!("{}+{}+{}", self.name, self.hash(), BASE64.encode(key))
    }

    /// A signature line, with its newline.
    pub(super) fn line(&self, signature: &[u8]) -> String {
        format!("— {} {}\n", self.name, BASE64.encode([&self.id[..], signature].concat()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.name
    }

    fn hash(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }
}

/// Verifies notes of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: KeyName,
    key: NoteKey,
}

impl NoteVerifier {
    /// A verifier for the notes that `name` signs with `key`.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when the name is empty or holds spaces or plus signs.
    pub fn new(name: &str, key: impl Into<NoteKey>) -> Result<Self, NoteError> {
        let key = key.into();
        Ok(Self { name: KeyName::new(name, &key.encode())?, key })
    }

    /// Reads a verifier key in its text form, `name+hash+key`.
    ///
    /// # Errors
    /// [`NoteError::VerifierKey`] when the text has another form or its hash does not fit.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, key) = KeyName::parse_key(text).ok_or(NoteError::VerifierKey)?;
        let key = NoteKey::decode(&key).ok_or(NoteError::VerifierKey)?;
        Ok(Self { name, key })
    }

    /// The name that signature lines carry.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The public key.
    #[must_use]
    pub const fn key(&self) -> &NoteKey {
        &self.key
    }

    /// Verifies a note and returns its text. Signature lines of other keys are ignored.
    ///
    /// # Errors
    /// [`NoteError`] says whether the note is malformed, not signed by this key, or does not fit its signature.
    pub fn verify<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let note = Note::parse(note)?;
        let mut signed = false;
        for signature in note.lines_of(&self.name) {
            if !self.key.verifies(note.text.as_bytes(), signature) {
                return Err(NoteError::BadSignature);
            }
            signed = true;
        }
        if signed { Ok(note.text) } else { Err(NoteError::NotSigned) }
    }

    /// Verifies a note and writes it anew with the first line of this key alone, so that what is kept of it has a bound.
    ///
    /// # Errors
    /// As [`NoteVerifier::verify`].
    pub fn alone(&self, note: &str) -> Result<String, NoteError> {
        let text = self.verify(note)?;
        let note = Note::parse(note)?;
        let line = note.lines_of(&self.name).next().ok_or(NoteError::NotSigned)?;
        Ok(format!("{text}\n{}", self.name.line(line)))
    }
}

impl fmt::Display for NoteVerifier {
    /// The verifier key as text: `name+hash+key`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name.write_key(&self.key.encode()))
    }
}

/// Whether a text can be signed.
pub(super) fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') || has_control_characters(text) {
        return Err(NoteError::Text);
    }
    Ok(())
}

fn has_control_characters(text: &str) -> bool {
    text.bytes().any(|byte| byte < 0x20 && byte != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP signed-note.
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n— example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    fn signer() -> NoteSigner {
        NoteSigner::new("renmin.example/audit", SigningKey::generate()).unwrap()
    }

    fn sm2_signer() -> NoteSigner {
        NoteSigner::new("renmin.example/audit/sm3", Sm2SigningKey::generate()).unwrap()
    }

    #[test]
    fn the_published_example_verifies() {
        let verifier = NoteVerifier::parse(VKEY).unwrap();
        assert_eq!(verifier.to_string(), VKEY);
        assert_eq!(verifier.verify(NOTE), Ok("This is an example message.\n"));
    }

    #[test]
    fn a_note_with_blank_lines_verifies_and_names_its_text() {
        let text = "one\n\ntwo\n\n— not.a/signature AAAA\n";
        let note = signer();
        let signed = note.sign(text).unwrap();
        assert_eq!(note.verifier().verify(&signed), Ok(text));
    }

    #[test]
    fn a_flip_of_any_bit_of_a_note_is_noticed() {
        for signer in [signer(), sm2_signer()] {
            let note = signer.sign("audit\n7\nAAAA\n").unwrap();
            for bit in 0..note.len() * 8 {
                let mut damaged = note.clone().into_bytes();
                damaged[bit / 8] ^= 1 << (bit % 8);
                if let Ok(damaged) = String::from_utf8(damaged) {
                    assert!(signer.verifier().verify(&damaged).is_err(), "bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_verifier_key_of_sm2_reads_back_and_an_altered_one_is_refused() {
        let verifier = sm2_signer().verifier().clone();
        let text = verifier.to_string();
        assert_eq!(NoteVerifier::parse(&text), Ok(verifier));
        let (name, rest) = text.split_once('+').unwrap();
        let (hash, key) = rest.split_once('+').unwrap();
        let key = BASE64.decode(key).unwrap();
        for byte in 0..key.len() {
            let mut altered = key.clone();
            altered[byte] ^= 1;
            let altered = format!("{name}+{hash}+{}", BASE64.encode(altered));
            assert_eq!(NoteVerifier::parse(&altered), Err(NoteError::VerifierKey), "byte {byte}");
        }
    }

    #[test]
    fn a_note_of_another_key_is_not_signed_and_a_second_signature_does_not_disturb() {
        let (one, two) = (signer(), sm2_signer());
        let note = one.sign("text\n").unwrap();
        assert_eq!(two.verifier().verify(&note), Err(NoteError::NotSigned));
        let line = two.sign("text\n").unwrap().split_off("text\n\n".len());
        let both = format!("{note}{line}");
        assert_eq!(one.verifier().verify(&both), Ok("text\n"));
        assert_eq!(two.verifier().verify(&both), Ok("text\n"));
        assert_eq!(one.verifier().alone(&both), Ok(note.clone()));
        assert_eq!(two.verifier().alone(&note), Err(NoteError::NotSigned));
    }

    #[test]
    fn malformed_names_texts_and_notes_are_refused() {
        for name in ["", "a b", "a+b", "a\u{3000}b"] {
            assert_eq!(
                NoteSigner::new(name, SigningKey::generate()).err(),
                Some(NoteError::KeyName),
                "{name}"
            );
        }
        for text in ["", "no newline", "tab\t\n", "cr\r\n"] {
            assert_eq!(signer().sign(text), Err(NoteError::Text), "{text:?}");
        }
        let verifier = NoteVerifier::parse(VKEY).unwrap();
        for (note, error) in [
            ("", NoteError::Form),
            ("text\n", NoteError::Form),
            ("text\n\n", NoteError::Form),
            ("text\n\n— example.com/foo\n", NoteError::Form),
            ("text\n\n— example.com/foo AAA=\n", NoteError::Form),
            ("text\n\n— example.com/foo !\n", NoteError::Form),
            ("text\n\nexample.com/foo AAAAAAAA\n", NoteError::Form),
            (NOTE.trim_end(), NoteError::Form),
        ] {
            assert_eq!(verifier.verify(note), Err(error), "{note:?}");
        }
        assert_eq!(verifier.verify(&"a".repeat(NOTE_BYTES_MAX + 1)), Err(NoteError::TooLong));
        for vkey in ["", "a+b", "a+00000000+AAAA", &VKEY.replace("530d903a", "530d903b")] {
            assert_eq!(NoteVerifier::parse(vkey), Err(NoteError::VerifierKey), "{vkey}");
        }
    }
}
