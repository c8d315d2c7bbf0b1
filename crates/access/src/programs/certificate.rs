//! What is read of the certificate that a program shows, and whether it is one of those that are registered.

use x509_parser::prelude::{FromDer, X509Certificate};
use yingdun_catalog::identity::credentials::{Credential, CredentialKind};
use yingdun_crypto::digest::{same, sha256};
use yingdun_model::Timestamp;

const MS_PER_SECOND: i64 = 1000;

/// A certificate of which TLS has proved that the other end holds its key. Whose it is says the register, never the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 over all of it (DER).
    pub sha256: [u8; 32],
    /// SHA-256 over its SubjectPublicKeyInfo.
    pub key_sha256: [u8; 32],
    /// From when on it is good.
    pub valid_from: Timestamp,
    /// From when on it is no longer.
    pub valid_until: Timestamp,
}

impl ClientCertificate {
    /// Reads a certificate in DER; none where it is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let validity = certificate.validity();
        let ms = |seconds: i64| Timestamp::from_ms(seconds.saturating_mul(MS_PER_SECOND));
        Some(Self {
            sha256: sha256(der),
            key_sha256: sha256(certificate.public_key().raw),
            valid_from: ms(validity.not_before.timestamp()),
            // It is good through the second that it names (RFC 5280 §4.1.2.5).
            valid_until: ms(validity.not_after.timestamp().saturating_add(1)),
        })
    }

    /// Reads a certificate in PEM (RFC 7468 §5), and nothing else beside it.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        let (rest, block) = x509_parser::pem::parse_x509_pem(text.as_bytes()).ok()?;
        let is_one = block.label == "CERTIFICATE" && rest.trim_ascii().is_empty();
        if is_one { Self::read(&block.contents) } else { None }
    }

    /// Whether it is good at a moment.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.valid_from <= now && now < self.valid_until
    }
}

/// The registered credential that a certificate is, or whose key it has; none when either of both is over.
pub(crate) fn matching<'a>(
    registered: &'a [Credential],
    shown: &ClientCertificate,
    now: Timestamp,
) -> Option<&'a Credential> {
    if !shown.is_valid_at(now) {
        return None;
    }
    registered.iter().filter(|credential| now < credential.valid_until).find(|credential| {
        match credential.kind {
            CredentialKind::Certificate => same(&credential.digest, &shown.sha256),
            CredentialKind::CertificateKey => same(&credential.digest, &shown.key_sha256),
            CredentialKind::SignatureKey | CredentialKind::ExternalToken => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_model::{ActorId, InstitutionId};

    const NOW: Timestamp = Timestamp::from_ms(1_000);

    fn shown() -> ClientCertificate {
        let (valid_from, valid_until) = (Timestamp::from_ms(0), Timestamp::from_ms(2_000));
        ClientCertificate { sha256: [1; 32], key_sha256: [2; 32], valid_from, valid_until }
    }

    fn registered(kind: CredentialKind, digest: u8, valid_until_ms: i64) -> Vec<Credential> {
        vec![Credential {
            client_id: ActorId::new("partner").unwrap(),
            institution: InstitutionId::new("renmin").unwrap(),
            kind,
            digest: [digest; 32],
            public_key: None,
            external: None,
            valid_until: Timestamp::from_ms(valid_until_ms),
        }]
    }

    #[test]
    fn a_certificate_is_known_by_itself_or_by_its_key_as_long_as_both_last() {
        let is_known =
            |kind, digest, until| matching(&registered(kind, digest, until), &shown(), NOW).is_some();
        assert!(is_known(CredentialKind::Certificate, 1, 1_001));
        assert!(is_known(CredentialKind::CertificateKey, 2, 1_001));
        assert!(!is_known(CredentialKind::Certificate, 1, 1_000), "the registration is over");
        assert!(!is_known(CredentialKind::Certificate, 2, 1_001), "a key is no certificate");
        assert!(!is_known(CredentialKind::CertificateKey, 1, 1_001), "a certificate is no key");
        assert!(!is_known(CredentialKind::SignatureKey, 2, 1_001), "that key signs requests");
        let own = registered(CredentialKind::Certificate, 1, i64::MAX);
        for moment in [-1, 2_000] {
            assert!(matching(&own, &shown(), Timestamp::from_ms(moment)).is_none(), "{moment}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(ClientCertificate::read(b""), None);
        assert_eq!(ClientCertificate::read(&[0x30, 0x82, 0xff, 0xff]), None);
        assert_eq!(
            ClientCertificate::from_pem("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"),
            None
        );
    }
}
