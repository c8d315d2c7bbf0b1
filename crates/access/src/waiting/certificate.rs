//! What is read of a certificate that a caller showed, before anybody knows whose it is.

use crate::ClientCertificate;
use x509_parser::prelude::{FromDer, X509Certificate};
use yingdun_model::Timestamp;

/// Bytes of a certificate that is read at all: those of devices have one or two thousand.
pub const SHOWN_BYTES_MAX: usize = 16 * 1024;
/// Characters of a name that are kept: they are to be compared by a person, and anybody can write any.
const NAME_CHARACTERS_MAX: usize = 120;

/// A certificate that a caller showed. Its names say what its maker wrote into them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCertificate {
    /// SHA-256 over all of it (DER).
    pub sha256: [u8; 32],
    /// Whose it says that it is.
    pub subject: String,
    /// Who it says made it.
    pub issuer: String,
    /// From when on it is no longer good.
    pub valid_until: Timestamp,
    /// Whether TLS verified it: an authority of ours made it, and the caller holds its key.
    pub is_trusted: bool,
}

impl ShownCertificate {
    /// Reads a certificate in DER; none where it is none.
    #[must_use]
    pub fn read(der: &[u8], is_trusted: bool) -> Option<Self> {
        if der.len() > SHOWN_BYTES_MAX {
            return None;
        }
        let ClientCertificate { sha256, valid_until, .. } = ClientCertificate::read(der)?;
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let (subject, issuer) = (certificate.subject().to_string(), certificate.issuer().to_string());
        Some(Self { sha256, subject: tame(&subject), issuer: tame(&issuer), valid_until, is_trusted })
    }
}

// === helpers ===

/// A text of strangers as one short line: what would end it, hide in it or turn its direction is left out.
fn tame(text: &str) -> String {
    let shown = text.chars().filter(|character| !is_unseen(*character));
    let mut line: String = shown.clone().take(NAME_CHARACTERS_MAX).collect();
    if shown.count() > NAME_CHARACTERS_MAX {
        line.push('…');
    }
    line
}

/// Control characters, and those of format that Unicode knows in the ranges from which names of people and machines come.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line_whatever_was_written_into_it() {
        assert_eq!(tame("CN=CT 02, O=仁民医院"), "CN=CT 02, O=仁民医院");
        assert_eq!(tame("CN=CT02\r\nWARN forged\u{202e}\u{0}\u{200b}"), "CN=CT02WARN forged");
        let long = tame(&"长".repeat(5000));
        assert_eq!(long.chars().count(), NAME_CHARACTERS_MAX + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(ShownCertificate::read(b"no certificate", false), None);
        assert_eq!(ShownCertificate::read(&vec![0x30; SHOWN_BYTES_MAX + 1], false), None);
    }
}
