//! What a peer showed in a handshake that failed, and why it failed: for who connects devices. It decides nothing.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    AlertDescription, CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
};
use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::sync::Arc;
use yingdun_access::{AttemptCause, SHOWN_BYTES_MAX};

tokio::task_local! {
    /// The certificate that was refused in the handshake of this task.
    static REFUSED: RefCell<Option<Box<[u8]>>>;
}

/// Does a handshake, and gives the certificate that it was refused for, if it was for one.
pub(crate) async fn with_shown<F: Future>(handshake: F) -> (F::Output, Option<Box<[u8]>>) {
    let noting = async move {
        let outcome = handshake.await;
        (outcome, REFUSED.with(RefCell::take))
    };
    REFUSED.scope(RefCell::new(None), noting).await
}

/// Why a handshake failed, where that tells something about a device: a caller that hangs up, or says nothing, may be anything.
pub(crate) fn cause_of(error: &io::Error) -> Option<AttemptCause> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::NoCertificatesPresented => Some(AttemptCause::NoCertificate),
        Error::InvalidCertificate(fault) => Some(of_certificate(fault)),
        Error::InvalidMessage(_) => Some(AttemptCause::TlsNotSpoken),
        Error::PeerIncompatible(_) => Some(AttemptCause::TlsNotAgreed),
        Error::AlertReceived(alert) => of_alert(*alert),
        _ => None,
    }
}

/// A verifier that asks another one, and keeps the certificate that this refuses for who waits in [`with_shown`].
#[derive(Debug)]
pub(super) struct KeepsRefused {
    judge: Arc<dyn ClientCertVerifier>,
}

impl KeepsRefused {
    pub(super) fn before(judge: Arc<dyn ClientCertVerifier>) -> Self {
        Self { judge }
    }
}

impl ClientCertVerifier for KeepsRefused {
    fn offer_client_auth(&self) -> bool {
        self.judge.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.judge.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.judge.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verdict = self.judge.verify_client_cert(end_entity, intermediates, now);
        if verdict.is_err() && end_entity.len() <= SHOWN_BYTES_MAX {
            // Nobody waits for it where the handshake is not one of a door.
            let _nobody = REFUSED.try_with(|refused| refused.replace(Some(Box::from(&**end_entity))));
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.judge.requires_raw_public_keys()
    }
}

// === helpers ===

fn of_certificate(fault: &CertificateError) -> AttemptCause {
    match fault {
        CertificateError::UnknownIssuer => AttemptCause::AuthorityUnknown,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            AttemptCause::CertificateExpired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            AttemptCause::CertificateNotYetValid
        }
        CertificateError::Revoked => AttemptCause::CertificateRevoked,
        _ => AttemptCause::CertificateUnusable,
    }
}

/// What the caller says of our certificate.
fn of_alert(alert: AlertDescription) -> Option<AttemptCause> {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown => Some(AttemptCause::OursRefused),
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => {
            Some(AttemptCause::TlsNotAgreed)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_nothing_about_a_device_is_no_cause() {
        let cause = |error: Error| cause_of(&io::Error::new(io::ErrorKind::InvalidData, error));
        assert_eq!(cause(Error::NoCertificatesPresented), Some(AttemptCause::NoCertificate));
        assert_eq!(
            cause(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
            Some(AttemptCause::AuthorityUnknown)
        );
        assert_eq!(cause(Error::AlertReceived(AlertDescription::UnknownCA)), Some(AttemptCause::OursRefused));
        assert_eq!(cause(Error::AlertReceived(AlertDescription::CloseNotify)), None);
        assert_eq!(cause(Error::DecryptError), None);
        assert_eq!(cause_of(&io::Error::from(io::ErrorKind::UnexpectedEof)), None);
    }

    #[tokio::test]
    async fn a_handshake_in_which_nothing_was_refused_gives_nothing_and_one_does_not_see_that_of_another() {
        let refuse = async { REFUSED.with(|refused| refused.replace(Some(Box::from(*b"one")))) };
        let (_, shown) = with_shown(refuse).await;
        assert_eq!(shown.as_deref(), Some(&b"one"[..]));
        assert_eq!(with_shown(async { 7 }).await, (7, None));
        assert!(REFUSED.try_with(|_| ()).is_err());
    }
}
