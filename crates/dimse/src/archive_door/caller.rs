//! Who acts in an association: the device, or the person behind it (user identity negotiation, PS3.7 §D.3.3.7).

use super::{ArchiveDoor, refusal};
use crate::pdu::{UserIdentity, UserIdentityKind};
use crate::scp::{Peer, Refusal};
use crate::scu::Reached;
use yingdun_access::{
    AssociationEnd, Attempt, DeviceFault, DeviceRefusal, Login, PeerFacts, Session, ShownCertificate,
    SignInError, Stage,
};
use yingdun_model::{ActorId, ActorKind, AeTitle, Role, Secret};

/// Who acts in an association.
pub struct Caller {
    device: Session,
    person: Option<Person>,
}

struct Person {
    session: Session,
    /// The session was opened for this association and ends with it.
    is_of_association: bool,
}

impl Caller {
    /// The session with which everything is asked but whether we are there: the person's, if one has proved to be
    /// behind the device.
    pub(super) fn acting(&self) -> &Session {
        self.person.as_ref().map_or(&self.device, |person| &person.session)
    }

    /// The device.
    pub(crate) const fn device(&self) -> &Session {
        &self.device
    }

    /// Whether a person acts.
    pub(super) const fn is_person(&self) -> bool {
        self.person.is_some()
    }
}

impl ArchiveDoor {
    /// Lets a registered device in, and with it the person whom it names.
    ///
    /// A user name with a passcode signs that person in, as the web page does: wrong ones are counted, and nobody comes
    /// in. The role may be named as in `zhang@radiologist` by who holds several. A token is one that this archive gave to
    /// a person. Either is refused where others could read it on its way. A name that nothing proves, and tickets that are not read here, change nothing: the device acts, and
    /// hears no positive answer.
    pub(super) async fn let_in(&self, peer: &Peer) -> Result<Caller, Refusal> {
        let facts = PeerFacts {
            certificate_sha256: peer.certificate_sha256,
            calling: peer.calling.clone(),
            called: peer.called.clone(),
            address: peer.address.ip().to_canonical(),
            tls: peer.tls,
        };
        let device = self.access.authenticate_device(facts).await.map_err(|refused| {
            if let (DeviceRefusal::Fault(fault), true) = (&refused, peer.is_caller) {
                self.access.note_attempt(attempt(peer, *fault));
            }
            refusal(&refused)
        })?;
        let person = match &peer.identity {
            Some(identity) => self.person(&device, identity).await,
            None => Ok(None),
        };
        match person {
            Ok(person) => Ok(Caller { device, person }),
            Err(refusal) => {
                self.write_end(&device, AssociationEnd::default()).await;
                Err(refusal)
            }
        }
    }

    /// Lets the device in that answered a call of ours, by what was seen of it: as its record is checked when it calls us.
    pub(crate) async fn admit_reached(
        &self,
        title: &AeTitle,
        called: &AeTitle,
        reached: Option<Reached>,
    ) -> Result<Caller, Refusal> {
        let Reached { address, tls, certificate_sha256 } = reached.ok_or(Refusal::NotTrusted)?;
        let (calling, called) = (title.clone(), called.clone());
        let peer = Peer {
            calling,
            called,
            address,
            tls,
            certificate_sha256,
            certificate: None,
            is_caller: false,
            identity: None,
        };
        self.let_in(&peer).await
    }

    async fn person(&self, device: &Session, identity: &UserIdentity) -> Result<Option<Person>, Refusal> {
        let text = |field: &Secret<Vec<u8>>| {
            String::from_utf8(field.expose().clone()).map_err(|_| Refusal::NotTrusted)
        };
        let has_secret = matches!(identity.kind, UserIdentityKind::UsernamePasscode | UserIdentityKind::Jwt);
        if has_secret && !device.peer().is_confidential() {
            return Err(refused(self.access.refuse_secret_in_clear(device).await));
        }
        match identity.kind {
            UserIdentityKind::UsernamePasscode => {
                let (name, role) = name_and_role(&text(&identity.primary)?);
                let login = Login {
                    institution: device.institution().clone(),
                    actor: ActorId::new(&name).ok_or(Refusal::NotTrusted)?,
                    password: Secret::new(text(&identity.secondary)?),
                    role,
                    peer: device.peer(),
                    program: None,
                };
                let session = self.access.login(login).await.map_err(refused)?.session;
                if session.stage() != Stage::Whole {
                    // DICOM has no second question to ask: the person signs in elsewhere and brings a token.
                    self.access.revoke(&session).await.map_err(refused)?;
                    return Err(Refusal::NotTrusted);
                }
                Ok(Some(Person { session, is_of_association: true }))
            }
            UserIdentityKind::Jwt => {
                let session =
                    self.access.bearer(&text(&identity.primary)?, device.peer()).await.map_err(refused)?;
                let is_here = session.actor_kind() == ActorKind::Person
                    && session.institution() == device.institution();
                if !is_here {
                    return Err(Refusal::NotTrusted);
                }
                Ok(Some(Person { session, is_of_association: false }))
            }
            UserIdentityKind::Username | UserIdentityKind::Kerberos | UserIdentityKind::Saml => Ok(None),
        }
    }

    /// Ends the session of a person who signed in for this association only, and writes down that the association is over.
    pub(super) async fn let_out(&self, caller: Caller, end: AssociationEnd) {
        self.write_end(&caller.device, end).await;
        if let Some(Person { session, is_of_association: true }) = caller.person
            && let Err(error) = self.access.revoke(&session).await
        {
            // It expires by itself.
            tracing::warn!(%error, "the session of a person behind an association was not ended");
        }
    }
}

impl ArchiveDoor {
    async fn write_end(&self, device: &Session, end: AssociationEnd) {
        if let Err(error) = self.access.association_ended(device, end).await {
            tracing::error!(%error, "the audit log did not take that an association is over");
        }
    }
}

// === helpers ===

/// What waits to be registered, or shows that a record does not fit any more. Who is behind the device is no part of it.
fn attempt(peer: &Peer, fault: DeviceFault) -> Attempt {
    let certificate = peer.certificate.as_deref().and_then(|der| ShownCertificate::read(der, true));
    Attempt {
        titles: Some((peer.calling.clone(), peer.called.clone())),
        address: peer.address.ip().to_canonical(),
        tls: peer.tls,
        certificate,
        cause: fault.into(),
    }
}

/// `zhang@radiologist` is a name and a role; an `@` in front of anything else belongs to the name.
fn name_and_role(text: &str) -> (String, Option<Role>) {
    let divided = text.rsplit_once('@').and_then(|(name, role)| Some((name, role.parse().ok()?)));
    divided.map_or_else(|| (text.to_owned(), None), |(name, role)| (name.to_owned(), Some(role)))
}

fn refused(error: SignInError) -> Refusal {
    match error {
        SignInError::Refused
        | SignInError::BadProof
        | SignInError::NonceNeeded
        | SignInError::TooManyProofs
        | SignInError::ChooseRole { .. }
        | SignInError::PasswordLength
        | SignInError::SecondFactorNeeded
        | SignInError::SecondFactorExists
        | SignInError::NoSecondFactor
        | SignInError::SecondFactorDamaged
        | SignInError::NameTaken
        | SignInError::Frozen
        | SignInError::PasswordElsewhere
        | SignInError::Passkey(_)
        | SignInError::NoDirectory => Refusal::NotTrusted,
        SignInError::Busy
        | SignInError::DirectoryUnavailable(_)
        | SignInError::AuditUnavailable(_)
        | SignInError::Unavailable(_) => Refusal::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_behind_the_name() {
        assert_eq!(name_and_role("zhang"), ("zhang".into(), None));
        assert_eq!(name_and_role("zhang@radiologist"), ("zhang".into(), Some(Role::Radiologist)));
        assert_eq!(name_and_role("zhang@hospital.example"), ("zhang@hospital.example".into(), None));
        assert_eq!(name_and_role("z@h.example@chief"), ("z@h.example".into(), Some(Role::Chief)));
    }
}
