//! Signatures: Ed25519 (RFC 8032) and signed notes (C2SP signed-note) for checkpoints.

use crate::{SealingKey, digest, random};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use yingdun_model::Secret;
use zeroize::Zeroize;

/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;
/// Bytes of an Ed25519 public key.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// The longest note that is verified. A checkpoint with 16 post-quantum signatures, which C2SP signed-note
/// asks verifiers to accept, stays far below.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;

const SEED_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 4;
/// Signature type identifier of Ed25519 (C2SP signed-note, "Signature types").
const ED25519_TYPE: u8 = 1;

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
    #[error("a verifier key is written as name+hash+key with an Ed25519 key")]
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
}

/// An Ed25519 signing key. The seed is wiped when dropped.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: Secret<[u8; SEED_BYTES]>,
}

impl SigningKey {
    /// A new random signing key.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, see [`random::fill`].
    #[must_use]
    pub fn generate() -> Self {
        let mut seed = random::array();
        let key = Self::from_seed(&Secret::new(seed));
        seed.zeroize();
        key
    }

    /// The key of a seed (RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(seed: &Secret<[u8; SEED_BYTES]>) -> Self {
        match Ed25519KeyPair::from_seed_unchecked(seed.expose()) {
            Ok(pair) => Self { pair, seed: seed.clone() },
            Err(_) => unreachable!("every 32-byte seed has an Ed25519 key"),
        }
    }

    /// The seed, for the place that seals it.
    #[must_use]
    pub const fn seed(&self) -> &Secret<[u8; SEED_BYTES]> {
        &self.seed
    }

    /// Signs some bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }

    /// The key that verifies what this key signs.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        let mut bytes = [0; PUBLIC_KEY_BYTES];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        VerifyingKey(bytes)
    }
}

impl From<&SealingKey> for SigningKey {
    /// Uses 32 secret bytes as the seed.
    fn from(key: &SealingKey) -> Self {
        Self::from_seed(&Secret::new(*key.expose_secret()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey([u8; PUBLIC_KEY_BYTES]);

impl VerifyingKey {
    /// Takes a public key as RFC 8032 §5.1.5 encodes it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; PUBLIC_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The encoded public key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.0
    }

    /// Whether the signature is of this key over these bytes.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", BASE64.encode(self.0))
    }
}

/// Signs notes under a key name.
#[derive(Debug)]
pub struct NoteSigner {
    key: SigningKey,
    verifier: NoteVerifier,
}

impl NoteSigner {
    /// A signer whose lines carry `name`, best a schema-less URL such as `example.org/audit/2026`.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when the name is empty or holds spaces or plus signs.
    pub fn new(name: &str, key: SigningKey) -> Result<Self, NoteError> {
        let verifier = NoteVerifier::new(name, key.verifying_key())?;
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
        if !text.ends_with('\n') || has_control_characters(text) {
            return Err(NoteError::Text);
        }
        let line = [&self.verifier.key_id[..], &self.key.sign(text.as_bytes())].concat();
        Ok(format!("{text}\n— {} {}\n", self.verifier.name, BASE64.encode(line)))
    }
}

/// Verifies notes of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    key_id: [u8; KEY_ID_BYTES],
    key: VerifyingKey,
}

impl NoteVerifier {
    /// A verifier for the notes that `name` signs with `key`.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when the name is empty or holds spaces or plus signs.
    pub fn new(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(NoteError::KeyName);
        }
        let named = [name.as_bytes(), b"\n", &[ED25519_TYPE], key.as_bytes()].concat();
        let mut key_id = [0; KEY_ID_BYTES];
        key_id.copy_from_slice(digest::sha256(&named).split_at(KEY_ID_BYTES).0);
        Ok(Self { name: name.to_owned(), key_id, key })
    }

    /// Reads a verifier key in its text form, `name+hash+key`.
    ///
    /// # Errors
    /// [`NoteError::VerifierKey`] when the text has another form or its hash does not fit.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, rest) = text.split_once('+').ok_or(NoteError::VerifierKey)?;
        let (hash, key) = rest.split_once('+').ok_or(NoteError::VerifierKey)?;
        let key = BASE64.decode(key).map_err(|_| NoteError::VerifierKey)?;
        let key = match key.split_first() {
            Some((&ED25519_TYPE, key)) => key.try_into().map_err(|_| NoteError::VerifierKey)?,
            Some(_) | None => return Err(NoteError::VerifierKey),
        };
        let verifier = Self::new(name, VerifyingKey(key)).map_err(|_| NoteError::VerifierKey)?;
        if verifier.hash() == hash { Ok(verifier) } else { Err(NoteError::VerifierKey) }
    }

    /// The name that signature lines carry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Verifies a note and returns its text. Signature lines of other keys are ignored.
    ///
    /// # Errors
    /// [`NoteError`] says whether the note is malformed, not signed by this key, or does not fit its signature.
    pub fn verify<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
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
        let mut signed = false;
        for line in lines.split('\n') {
            let (name, signature) =
                line.strip_prefix("— ").and_then(|line| line.split_once(' ')).ok_or(NoteError::Form)?;
            let signature = BASE64.decode(signature).map_err(|_| NoteError::Form)?;
            let (key_id, signature) = signature.split_first_chunk::<KEY_ID_BYTES>().ok_or(NoteError::Form)?;
            if name != self.name || *key_id != self.key_id {
                continue;
            }
            if !self.key.verifies(text.as_bytes(), signature) {
                return Err(NoteError::BadSignature);
            }
            signed = true;
        }
        if signed { Ok(text) } else { Err(NoteError::NotSigned) }
    }

    fn hash(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.key_id))
    }
}

impl fmt::Display for NoteVerifier {
    /// The verifier key as text: `name+hash+key`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519_TYPE], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.hash(), BASE64.encode(key))
    }
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

    #[test]
    fn the_published_example_verifies() {
        let verifier = NoteVerifier::parse(VKEY).unwrap();
        assert_eq!(verifier.to_string(), VKEY);
        assert_eq!(verifier.verify(NOTE), Ok("This is an example message.\n"));
    }

    #[test]
    fn the_first_test_of_rfc_8032_comes_out() {
        let mut seed = [0; 32];
        hex::decode_to_slice("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", &mut seed)
            .unwrap();
        let key = SigningKey::from_seed(&Secret::new(seed));
        assert_eq!(
            hex::encode(key.verifying_key().as_bytes()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert_eq!(
            hex::encode(key.sign(b"")),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
             d25bf5f0595bbe24655141438e7a100b"
        );
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
        let signer = signer();
        let note = signer.sign("audit\n7\nAAAA\n").unwrap();
        for bit in 0..note.len() * 8 {
            let mut damaged = note.clone().into_bytes();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(damaged) = String::from_utf8(damaged) {
                assert!(signer.verifier().verify(&damaged).is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_note_of_another_key_is_not_signed_and_a_second_signature_does_not_disturb() {
        let (one, two) = (signer(), NoteSigner::new("witness.example", SigningKey::generate()).unwrap());
        let note = one.sign("text\n").unwrap();
        assert_eq!(two.verifier().verify(&note), Err(NoteError::NotSigned));
        let line = two.sign("text\n").unwrap().split_off("text\n\n".len());
        let both = format!("{note}{line}");
        assert_eq!(one.verifier().verify(&both), Ok("text\n"));
        assert_eq!(two.verifier().verify(&both), Ok("text\n"));
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
