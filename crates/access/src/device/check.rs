//! The comparison of what a peer shows with the records, as a pure function.

use super::addresses::AddressList;
use super::endpoint::Endpoint;
use super::habits::DeviceHabits;
use crate::decision::{Scope, parse_scopes, words};
use std::collections::BTreeSet;
use std::net::IpAddr;
use yingdun_catalog::identity::devices::{self, Device};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{ActorId, AeTitle, InstitutionId};

/// What a peer shows when it asks for an association. The certificate was verified by TLS against the device CA
/// already; here it is compared with the one in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFacts {
    /// SHA-256 of the peer's certificate in DER; none without TLS or without a client certificate.
    pub certificate_sha256: Option<[u8; 32]>,
    /// The calling AE title.
    pub calling: AeTitle,
    /// The called AE title.
    pub called: AeTitle,
    /// The address it calls from.
    pub address: IpAddr,
    /// Whether the connection is protected by TLS.
    pub tls: bool,
}

/// A device as the system administrator registered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecord {
    /// The AE title that the device calls itself.
    pub ae_title: AeTitle,
    /// The AE title by which it must call us.
    pub called_ae: AeTitle,
    /// SHA-256 of its certificate in DER; none for a device that can speak plain DICOM only.
    pub certificate_sha256: Option<[u8; 32]>,
    /// From where it may call; empty means from nowhere.
    pub addresses: AddressList,
    /// Whether it may connect without TLS.
    pub plain_allowed: bool,
    /// Whether it is disabled.
    pub disabled: bool,
    /// Where it belongs. Set by the officer's session, not by the officer.
    pub institution: InstitutionId,
    /// What it was granted. Read only: [`crate::Access::grant_device_scopes`] alone changes it, a new device may
    /// store.
    pub scopes: BTreeSet<Scope>,
    /// Where it takes images that somebody asks us to send to it; a device without one gets none.
    pub destination: Option<Endpoint>,
    /// How it differs from other devices.
    pub habits: DeviceHabits,
}

/// What does not fit between a peer and the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DeviceFault {
    /// No device has this calling AE title.
    #[error("no device is registered under the calling AE title")]
    UnknownCalling,
    /// The device may not call us by this title.
    #[error("the device is not registered for the called AE title")]
    UnknownCalled,
    /// No certificate, or not the one in the record.
    #[error("the certificate is not the one that is bound to the calling AE title")]
    WrongCertificate,
    /// The address is not in the record.
    #[error("the address is not among those of the device")]
    WrongAddress,
    /// The device must use TLS.
    #[error("the device may not connect without TLS")]
    PlainNotAllowed,
    /// The device is disabled.
    #[error("the device is disabled")]
    Disabled,
}

impl DeviceFault {
    /// Every fault.
    pub const ALL: &[Self] = &[
        Self::UnknownCalling,
        Self::UnknownCalled,
        Self::WrongCertificate,
        Self::WrongAddress,
        Self::PlainNotAllowed,
        Self::Disabled,
    ];

    /// The word in audit leaves and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownCalling => "unknown-calling-ae",
            Self::UnknownCalled => "unknown-called-ae",
            Self::WrongCertificate => "wrong-certificate",
            Self::WrongAddress => "wrong-address",
            Self::PlainNotAllowed => "plain-not-allowed",
            Self::Disabled => "device-disabled",
        }
    }
}

/// Finds the record that a peer fits, or the first thing that does not.
pub(crate) fn check<'a>(
    records: &'a [DeviceRecord],
    facts: &PeerFacts,
) -> Result<&'a DeviceRecord, DeviceFault> {
    let mut of_calling = records.iter().filter(|record| record.ae_title == facts.calling).peekable();
    of_calling.peek().ok_or(DeviceFault::UnknownCalling)?;
    let record =
        of_calling.find(|record| record.called_ae == facts.called).ok_or(DeviceFault::UnknownCalled)?;
    if facts.tls {
        if record.certificate_sha256.is_none() || record.certificate_sha256 != facts.certificate_sha256 {
            return Err(DeviceFault::WrongCertificate);
        }
    } else if !record.plain_allowed {
        return Err(DeviceFault::PlainNotAllowed);
    }
    if !record.addresses.contains(facts.address) {
        return Err(DeviceFault::WrongAddress);
    }
    if record.disabled {
        return Err(DeviceFault::Disabled);
    }
    Ok(record)
}

/// Every record of a calling AE title.
pub(crate) async fn records(
    identity: &Database,
    calling: &AeTitle,
) -> Result<Vec<DeviceRecord>, CatalogError> {
    devices::of_ae_title(identity, calling).await?.into_iter().map(DeviceRecord::from_row).collect()
}

impl DeviceRecord {
    pub(crate) fn from_row(row: Device) -> Result<Self, CatalogError> {
        let addresses = row.addresses.parse();
        let addresses =
            addresses.map_err(|_| CatalogError::Corrupt("a device has illegal addresses".into()))?;
        let destination = row.destination.as_deref().map(str::parse).transpose();
        let destination =
            destination.map_err(|_| CatalogError::Corrupt("a device has an illegal destination".into()))?;
        let habits = DeviceHabits::from_text(&row.habits)
            .map_err(|_| CatalogError::Corrupt("a device has illegal habits".into()))?;
        Ok(Self {
            ae_title: row.ae_title,
            called_ae: row.called_ae,
            certificate_sha256: row.certificate_sha256,
            addresses,
            plain_allowed: row.plain_allowed,
            disabled: row.disabled,
            institution: row.institution,
            scopes: parse_scopes(&row.scopes),
            destination,
            habits,
        })
    }

    pub(crate) fn to_row(&self) -> Device {
        Device {
            ae_title: self.ae_title.clone(),
            called_ae: self.called_ae.clone(),
            institution: self.institution.clone(),
            certificate_sha256: self.certificate_sha256,
            addresses: self.addresses.to_string(),
            plain_allowed: self.plain_allowed,
            disabled: self.disabled,
            scopes: words(&self.scopes),
            destination: self.destination.as_ref().map(Endpoint::to_string),
            habits: self.habits.to_text(),
        }
    }
}

/// An AE title as an actor. Blanks inside a title, which an actor may not have, become `␠` (U+2420), which no AE
/// title has, so that two titles are never one actor.
pub(crate) fn actor_of(title: &AeTitle) -> Option<ActorId> {
    ActorId::new(&title.as_str().replace(' ', "\u{2420}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn title(text: &str) -> AeTitle {
        AeTitle::new(text).unwrap()
    }

    fn record() -> DeviceRecord {
        DeviceRecord {
            ae_title: title("CT01"),
            called_ae: title("YINGDUN"),
            certificate_sha256: Some([1; 32]),
            addresses: "192.0.2.0/24".parse().unwrap(),
            plain_allowed: false,
            disabled: false,
            institution: InstitutionId::new("renmin").unwrap(),
            scopes: BTreeSet::from([Scope::Store]),
            destination: None,
            habits: DeviceHabits::default(),
        }
    }

    fn facts() -> PeerFacts {
        PeerFacts {
            certificate_sha256: Some([1; 32]),
            calling: title("CT01"),
            called: title("YINGDUN"),
            address: "192.0.2.9".parse().unwrap(),
            tls: true,
        }
    }

    #[test]
    fn everything_that_is_bound_must_fit() {
        let with = |change: &dyn Fn(&mut PeerFacts)| {
            let mut facts = facts();
            change(&mut facts);
            check(&[record()], &facts).err()
        };
        assert_eq!(with(&|_| ()), None);
        assert_eq!(with(&|f| f.calling = title("CT02")), Some(DeviceFault::UnknownCalling));
        assert_eq!(with(&|f| f.calling = title("ct01")), Some(DeviceFault::UnknownCalling));
        assert_eq!(with(&|f| f.called = title("OTHER")), Some(DeviceFault::UnknownCalled));
        assert_eq!(with(&|f| f.certificate_sha256 = Some([2; 32])), Some(DeviceFault::WrongCertificate));
        assert_eq!(with(&|f| f.certificate_sha256 = None), Some(DeviceFault::WrongCertificate));
        assert_eq!(with(&|f| f.address = "192.0.3.9".parse().unwrap()), Some(DeviceFault::WrongAddress));
        assert_eq!(with(&|f| f.tls = false), Some(DeviceFault::PlainNotAllowed));
    }

    #[test]
    fn a_disabled_device_is_told_so_only_after_it_has_proved_who_it_is() {
        let record = DeviceRecord { disabled: true, ..record() };
        assert_eq!(check(std::slice::from_ref(&record), &facts()).err(), Some(DeviceFault::Disabled));
        let stranger = PeerFacts { certificate_sha256: None, ..facts() };
        assert_eq!(check(&[record], &stranger).err(), Some(DeviceFault::WrongCertificate));
    }

    #[test]
    fn a_record_without_a_certificate_is_never_reached_over_tls_without_one() {
        let record = DeviceRecord { certificate_sha256: None, plain_allowed: true, ..record() };
        let over_tls = PeerFacts { certificate_sha256: None, ..facts() };
        assert_eq!(
            check(std::slice::from_ref(&record), &over_tls).err(),
            Some(DeviceFault::WrongCertificate)
        );
        let plain = PeerFacts { tls: false, ..over_tls };
        assert!(check(&[record], &plain).is_ok());
    }

    proptest! {
        #[test]
        fn no_two_titles_are_one_actor(a in "[A-Z_ ]{1,16}", b in "[A-Z_ ]{1,16}") {
            let (Ok(a), Ok(b)) = (AeTitle::new(&a), AeTitle::new(&b)) else { return Ok(()) };
            prop_assert_eq!(a == b, actor_of(&a).unwrap() == actor_of(&b).unwrap());
        }
    }
}
