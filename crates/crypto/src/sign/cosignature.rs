//! Cosignatures (C2SP tlog-cosignature, Ed25519, `cosignature/v1`): that somebody else has seen a log, and when.

use super::note::{KeyName, check_text};
use super::{Note, NoteError, PUBLIC_KEY_BYTES, SigningKey, VerifyingKey};
use std::fmt;

/// Signature type of Ed25519 cosignatures (C2SP signed-note, "Signature types").
const TYPE: &[u8] = &[4];

/// The latest time that a cosignature may carry, in seconds after 1970.
const TIME_S_MAX: u64 = i64::MAX as u64;

/// Cosigns notes under a name. Its key signs nothing else: what is signed does not say the name (C2SP tlog-cosignature).
#[derive(Debug)]
pub struct Cosigner {
    key: SigningKey,
    verifier: CosignatureVerifier,
}

impl Cosigner {
    /// A cosigner whose lines carry `name`, best a schema-less URL such as `example.org/witness`.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when the name is empty or holds spaces or plus signs.
    pub fn new(name: &str, key: SigningKey) -> Result<Self, NoteError> {
        let verifier = CosignatureVerifier::new(name, key.verifying_key())?;
        Ok(Self { key, verifier })
    }

    /// What others need to verify these cosignatures.
    #[must_use]
    pub const fn verifier(&self) -> &CosignatureVerifier {
        &self.verifier
    }

    /// Cosigns the text of a note at a time in seconds after 1970, and returns the signature line with its newline.
    ///
    /// # Errors
    /// [`NoteError::Text`] and [`NoteError::Time`].
    pub fn cosign(&self, text: &str, time_s: u64) -> Result<String, NoteError> {
        check_text(text)?;
        let signature = self.key.sign(message(text, time_s)?.as_bytes());
        Ok(self.verifier.name.line(&[&time_s.to_be_bytes()[..], &signature].concat()))
    }
}

/// Verifies the cosignatures of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignatureVerifier {
    name: KeyName,
    key: VerifyingKey,
}

impl CosignatureVerifier {
    /// A verifier for what `name` cosigns with `key`.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] when the name is empty or holds spaces or plus signs.
    pub fn new(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        Ok(Self { name: KeyName::new(name, &encode(key))?, key })
    }

    /// Reads a verifier key in its text form, `name+hash+key` with the type of cosignatures.
    ///
    /// # Errors
    /// [`NoteError::CosignerKey`] when the text has another form, another type, or its hash does not fit.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, key) = KeyName::parse_key(text).ok_or(NoteError::CosignerKey)?;
        let key = key.strip_prefix(TYPE).and_then(|key| <[u8; PUBLIC_KEY_BYTES]>::try_from(key).ok());
        Ok(Self { name, key: VerifyingKey::from_bytes(key.ok_or(NoteError::CosignerKey)?) })
    }

    /// The name that signature lines carry.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The public key.
    #[must_use]
    pub const fn key(&self) -> VerifyingKey {
        self.key
    }

    /// When this cosigner saw the note, in seconds after 1970; none where no line is of its key. The latest of several.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] or [`NoteError::Time`] when a line of its key is not what it should be.
    pub fn verify(&self, note: &Note<'_>) -> Result<Option<u64>, NoteError> {
        Ok(self.newest(note)?.map(|(time_s, _)| time_s))
    }

    /// The same, with the signature line and its newline, so that it can be moved to another copy of the note.
    ///
    /// # Errors
    /// As [`CosignatureVerifier::verify`].
    pub fn newest(&self, note: &Note<'_>) -> Result<Option<(u64, String)>, NoteError> {
        let mut newest: Option<(u64, &[u8])> = None;
        for line in note.lines_of(&self.name) {
            let (time, signature) = line.split_first_chunk::<8>().ok_or(NoteError::BadSignature)?;
            let time_s = u64::from_be_bytes(*time);
            if !self.key.verifies(message(note.text(), time_s)?.as_bytes(), signature) {
                return Err(NoteError::BadSignature);
            }
            newest = newest.max(Some((time_s, line)));
        }
        Ok(newest.map(|(time_s, line)| (time_s, self.name.line(line))))
    }
}

impl fmt::Display for CosignatureVerifier {
    /// The verifier key as text: `name+hash+key`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name.write_key(&encode(self.key)))
    }
}

/// Type and key, as key ids and verifier keys have them.
fn encode(key: VerifyingKey) -> Vec<u8> {
    [TYPE, key.as_bytes()].concat()
}

/// What is signed (C2SP tlog-cosignature, "Ed25519 signed message").
fn message(text: &str, time_s: u64) -> Result<String, NoteError> {
    if !(1..=TIME_S_MAX).contains(&time_s) {
        return Err(NoteError::Time);
    }
    Ok(format!("cosignature/v1\ntime {time_s}\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::{NoteSigner, SIGNATURE_BYTES};

    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn cosigner(name: &str) -> Cosigner {
        Cosigner::new(name, SigningKey::generate()).unwrap()
    }

    fn cosigned(cosigner: &Cosigner, time_s: u64) -> String {
        let log = NoteSigner::new("example.com/behind-the-sofa", SigningKey::generate()).unwrap();
        log.sign(TEXT).unwrap() + &cosigner.cosign(TEXT, time_s).unwrap()
    }

    #[test]
    fn a_cosignature_tells_who_saw_it_and_when() {
        let (one, other) = (cosigner("witness.example/w1"), cosigner("witness.example/w1"));
        let note = cosigned(&one, 1_679_315_147) + &one.cosign(TEXT, 1_679_315_148).unwrap();
        let note = Note::parse(&note).unwrap();
        assert_eq!(one.verifier().verify(&note), Ok(Some(1_679_315_148)));
        let (_, line) = one.verifier().newest(&note).unwrap().unwrap();
        assert_eq!(line, one.cosign(TEXT, 1_679_315_148).unwrap());
        // The same name with another key is somebody else.
        assert_eq!(other.verifier().verify(&note), Ok(None));
    }

    #[test]
    fn a_flip_of_any_bit_of_a_cosigned_note_is_noticed() {
        let cosigner = cosigner("witness.example/w1");
        let note = cosigned(&cosigner, 1_679_315_147);
        // The line of the log is no business of the witness.
        let line_of_log = note.find("\n\n").unwrap() + 2..note.rfind('—').unwrap();
        for bit in (0..note.len() * 8).filter(|bit| !line_of_log.contains(&(bit / 8))) {
            let mut damaged = note.clone().into_bytes();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let Ok(damaged) = String::from_utf8(damaged) else { continue };
            let seen = Note::parse(&damaged).and_then(|note| cosigner.verifier().verify(&note));
            assert!(!matches!(seen, Ok(Some(_))), "bit {bit}");
        }
    }

    #[test]
    fn a_cosigner_key_reads_back_and_the_key_of_a_log_is_none() {
        let verifier = cosigner("witness.example/w1").verifier().clone();
        assert_eq!(CosignatureVerifier::parse(&verifier.to_string()), Ok(verifier.clone()));
        let log = NoteSigner::new("witness.example/w1", SigningKey::generate()).unwrap();
        for wrong in ["", "a+b", "a+00000000+AAAA", &log.verifier().to_string()] {
            assert_eq!(CosignatureVerifier::parse(wrong), Err(NoteError::CosignerKey), "{wrong}");
        }
    }

    #[test]
    fn a_cosignature_without_a_time_is_neither_made_nor_taken() {
        let cosigner = cosigner("witness.example/w1");
        for time_s in [0, TIME_S_MAX + 1] {
            assert_eq!(cosigner.cosign(TEXT, time_s), Err(NoteError::Time));
            let line = [&time_s.to_be_bytes()[..], &[0; SIGNATURE_BYTES]].concat();
            let note = format!("{TEXT}\n{}", cosigner.verifier().name.line(&line));
            assert_eq!(cosigner.verifier().verify(&Note::parse(&note).unwrap()), Err(NoteError::Time));
        }
        for short in [&[0; 7][..], &1_u64.to_be_bytes(), &[1; 71]] {
            let note = format!("{TEXT}\n{}", cosigner.verifier().name.line(short));
            assert!(cosigner.verifier().verify(&Note::parse(&note).unwrap()).is_err());
        }
    }
}
