//! Who called a DICOM door in vain, until the system administrator registers or dismisses it.
//!
//! A new modality calls before anybody knows it. What this machine saw of it (titles, address, certificate) is kept for a while, so that it is
//! registered by a comparison and not by copying. Nothing here opens anything: a row is no right, and registering is the change it is
//! elsewhere.
//!
//! Whoever reaches a port can put rows here, so all of it is bounded (`bounds`): few rows of one source, and what one source, or one network,
//! does never costs another its row. Attempts are counted in memory and written once a second at most, apart from the association.

mod approve;
mod bounds;
mod certificate;
mod keep;
mod list;

pub use approve::WaitingApproval;
pub use certificate::{SHOWN_BYTES_MAX, ShownCertificate};
pub(crate) use keep::Waiting;
pub use list::WaitingDevice;

use crate::access::Access;
use crate::device::DeviceFault;
use crate::flood::network_of;
use std::net::IpAddr;
use std::time::Duration;
use yingdun_catalog::identity::waiting_devices::{AttemptId, CertificateRow, WaitingRow};
use yingdun_crypto::digest::sha256;
use yingdun_model::{AeTitle, Timestamp, word_enum};

/// How long a row is kept after the last attempt: two weekends, and who comes back from leave finds it.
pub const WAITING_KEPT: Duration = Duration::from_secs(14 * 24 * 3600);
/// The longest time for which something is dismissed.
pub const DISMISSED_DAYS_MAX: u32 = 365;

word_enum! {
    /// Why a caller was turned away.
    AttemptCause, "cause" {
        /// No device has this calling AE title.
        UnknownCalling => "unknown-calling-ae",
        /// The device may not call us by this title.
        UnknownCalled => "unknown-called-ae",
        /// Not the certificate of the record.
        WrongCertificate => "wrong-certificate",
        /// Not an address of the record.
        WrongAddress => "wrong-address",
        /// The device must use TLS.
        PlainNotAllowed => "plain-not-allowed",
        /// The device is disabled.
        Disabled => "device-disabled",
        /// The titles are none.
        TitleMalformed => "title-malformed",
        /// It spoke something else at the port for TLS, such as DICOM without it.
        TlsNotSpoken => "tls-not-spoken",
        /// There is no version or cipher that both sides take.
        TlsNotAgreed => "tls-not-agreed",
        /// It showed no certificate.
        NoCertificate => "no-certificate",
        /// No authority of ours made its certificate.
        AuthorityUnknown => "certificate-authority-unknown",
        /// Its certificate is over.
        CertificateExpired => "certificate-expired",
        /// Its certificate is not good yet.
        CertificateNotYetValid => "certificate-not-yet-valid",
        /// Its certificate was revoked.
        CertificateRevoked => "certificate-revoked",
        /// Its certificate cannot be used for this.
        CertificateUnusable => "certificate-unusable",
        /// It does not take ours.
        OursRefused => "our-certificate-refused",
    }
}

/// One attempt, as this machine saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The title that the caller uses for itself, and the one that it called; none where it did not come to an association.
    pub titles: Option<(AeTitle, AeTitle)>,
    /// Where it called from.
    pub address: IpAddr,
    /// Whether it called the door over TLS.
    pub tls: bool,
    /// What it showed.
    pub certificate: Option<ShownCertificate>,
    /// Why it was turned away.
    pub cause: AttemptCause,
}

impl From<DeviceFault> for AttemptCause {
    fn from(fault: DeviceFault) -> Self {
        match fault {
            DeviceFault::UnknownCalling => Self::UnknownCalling,
            DeviceFault::UnknownCalled => Self::UnknownCalled,
            DeviceFault::WrongCertificate => Self::WrongCertificate,
            DeviceFault::WrongAddress => Self::WrongAddress,
            DeviceFault::PlainNotAllowed => Self::PlainNotAllowed,
            DeviceFault::Disabled => Self::Disabled,
        }
    }
}

impl Access {
    /// Notes that somebody called in vain. Returns at once: it is written by [`Self::keep_attempts`].
    pub fn note_attempt(&self, attempt: Attempt) {
        self.inner.waiting.note(row_of(attempt, self.inner.clock.now()));
    }
}

// === helpers ===

/// An attempt as a row that was counted once.
fn row_of(attempt: Attempt, now: Timestamp) -> WaitingRow {
    let Attempt { titles, address, tls, certificate, cause } = attempt;
    let (calling, called) = titles.unzip();
    let address = address.to_canonical();
    let sha256 = certificate.as_ref().map(|shown| shown.sha256);
    WaitingRow {
        attempt: id_of(calling.as_ref(), called.as_ref(), address, tls, sha256),
        calling,
        called,
        address: address.to_string(),
        tls,
        cause: cause.as_str().to_owned(),
        certificate: certificate.map(|shown| CertificateRow {
            sha256: shown.sha256,
            subject: shown.subject,
            issuer: shown.issuer,
            valid_until: shown.valid_until,
            is_trusted: shown.is_trusted,
        }),
        first: now,
        last: now,
        attempts: 1,
        dismissed_until: None,
        dismissed_by: None,
    }
}

/// What names a row: everything by which it would be registered. Who approves a row approves what was shown under its name, and nothing that came
/// since. No title has a zero byte.
fn id_of(
    calling: Option<&AeTitle>,
    called: Option<&AeTitle>,
    address: IpAddr,
    tls: bool,
    certificate: Option<[u8; 32]>,
) -> AttemptId {
    let title = |title: Option<&AeTitle>| title.map_or("", AeTitle::as_str).to_owned();
    let certificate: String = certificate.iter().flatten().map(|byte| format!("{byte:02x}")).collect();
    let parts = [
        "yingdun/waiting-device/v1".to_owned(),
        title(calling),
        title(called),
        address.to_string(),
        tls.to_string(),
        certificate,
    ];
    let digest = sha256(parts.join("\0").as_bytes());
    let mut id = AttemptId::default();
    for (own, byte) in id.iter_mut().zip(digest) {
        *own = byte;
    }
    id
}

/// Whose row it is to the bounds: a certificate that an authority of ours made cannot be made up, anything else is known by its address alone.
fn source_of(row: &WaitingRow) -> bounds::Source {
    match &row.certificate {
        Some(certificate) if certificate.is_trusted => bounds::Source::Certificate(certificate.sha256),
        _ => bounds::Source::Network(row.address.parse().ok().map(network_of)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> Attempt {
        let title = |text| AeTitle::new(text).unwrap();
        Attempt {
            titles: Some((title("CT02"), title("YINGDUN"))),
            address: "192.0.2.9".parse().unwrap(),
            tls: true,
            certificate: Some(ShownCertificate {
                sha256: [7; 32],
                subject: "CN=CT02".into(),
                issuer: "CN=ours".into(),
                valid_until: Timestamp::from_ms(1),
                is_trusted: true,
            }),
            cause: AttemptCause::UnknownCalling,
        }
    }

    #[test]
    fn a_row_is_named_by_all_by_which_it_would_be_registered_and_by_nothing_else() {
        let id = |change: &dyn Fn(&mut Attempt)| {
            let mut attempt = attempt();
            change(&mut attempt);
            row_of(attempt, Timestamp::from_ms(5)).attempt
        };
        let title = |text| AeTitle::new(text).unwrap();
        let same = id(&|_| ());
        assert_eq!(id(&|a| a.cause = AttemptCause::Disabled), same);
        assert_eq!(id(&|a| a.address = "::ffff:192.0.2.9".parse().unwrap()), same);
        let others = [
            id(&|a| a.titles = Some((title("CT03"), title("YINGDUN")))),
            id(&|a| a.titles = Some((title("CT02"), title("ARCHIVE")))),
            id(&|a| a.titles = None),
            id(&|a| a.address = "192.0.2.8".parse().unwrap()),
            id(&|a| a.tls = false),
            id(&|a| a.certificate = None),
            id(&|a| a.certificate.as_mut().unwrap().sha256 = [8; 32]),
        ];
        let distinct: std::collections::BTreeSet<_> = others.into_iter().chain([same]).collect();
        assert_eq!(distinct.len(), 8);
    }

    #[test]
    fn the_words_of_associations_are_those_of_the_ledger() {
        for fault in DeviceFault::ALL {
            assert_eq!(AttemptCause::from(*fault).as_str(), fault.as_str());
        }
    }
}
