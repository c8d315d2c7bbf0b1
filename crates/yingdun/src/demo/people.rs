//! Everybody in the demonstration, created as in a hospital: the system administrator makes accounts, the security
//! administrator gives roles and care relations, the audit administrator reads the log.

use super::DemoError;
use super::studies::Sample;
use crate::installation::Invitation;
use crate::wiring::System;
use std::collections::BTreeMap;
use std::time::Duration;
use yingdun_access::{DeviceRecord, Login, OneTimeLink, Peer, Session};
use yingdun_model::{ActorId, Clock, Role, Secret, SystemClock};

/// The treating doctor.
const DOCTOR: &str = "dr.lin";
/// A doctor who treats nobody here.
const STRANGER: &str = "dr.zhou";

/// The head of a department, who may open everything.
const CHIEF: &str = "dr.he";

/// How long the doctor treats the patients of the demonstration.
const CARE: Duration = Duration::from_secs(24 * 3600);

/// Somebody with a token.
pub(super) struct SignedInPerson {
    pub(super) actor: ActorId,
    pub(super) token: Secret<String>,
    session: Session,
}

/// Who is there.
pub(super) struct People {
    pub(super) doctor: SignedInPerson,
    pub(super) stranger: SignedInPerson,
    pub(super) chief: SignedInPerson,
    /// The audit administrator.
    pub(super) auditor: SignedInPerson,
    /// The security administrator.
    pub(super) security: SignedInPerson,
}

impl People {
    /// Lets the officers in, and lets them create the others and the device.
    pub(super) async fn found(
        system: &System,
        invitations: &[Invitation],
        device: &DeviceRecord,
    ) -> Result<Self, DemoError> {
        let invited = |role: Role| {
            invitations
                .iter()
                .find(|invitation| invitation.role == role.as_str())
                .ok_or_else(|| DemoError::NotSo(format!("nobody was invited as {role}")))
        };
        let (administrator, security, auditor) = tokio::try_join!(
            enter(system, &invited(Role::SystemAdministrator)?.token),
            enter(system, &invited(Role::SecurityAdministrator)?.token),
            enter(system, &invited(Role::AuditAdministrator)?.token),
        )?;
        let access = system.access();
        access.register_device(&administrator.session, device).await?;
        let mut tokens = Vec::new();
        for (name, role) in [(DOCTOR, Role::Clinician), (STRANGER, Role::Clinician), (CHIEF, Role::Chief)] {
            let person =
                ActorId::new(name).ok_or_else(|| DemoError::NotSo(format!("`{name}` is no name")))?;
            tokens.push(access.create_person(&administrator.session, &person).await?.token);
            access.give_role(&security.session, &person, role).await?;
        }
        let [doctor, stranger, chief] = tokens.as_slice() else {
            return Err(DemoError::NotSo("three people were to be invited".into()));
        };
        let (doctor, stranger, chief) = tokio::try_join!(
            enter(system, doctor.expose()),
            enter(system, stranger.expose()),
            enter(system, chief.expose()),
        )?;
        Ok(Self { doctor, stranger, chief, auditor, security })
    }

    /// The security administrator enters that the doctor treats the patients of these studies.
    pub(super) async fn take_care(&self, system: &System, samples: &[Sample]) -> Result<(), DemoError> {
        let now = SystemClock.now();
        // One relation per patient, however many studies there are.
        let patients: BTreeMap<&str, &Sample> =
            samples.iter().map(|sample| (sample.study.patient.id.as_str(), sample)).collect();
        for id in patients.keys() {
            let patient = system.archive().patient_reference(system.institution(), "", id).await;
            let patient = patient.map_err(DemoError::Unavailable)?;
            system
                .access()
                .give_care(&self.security.session, &self.doctor.actor, patient, now, now.after(CARE))
                .await?;
        }
        Ok(())
    }

    /// A link that signs the doctor in once.
    pub(super) async fn login_link(&self, system: &System) -> Result<OneTimeLink, DemoError> {
        let session = system.access().system_session();
        Ok(system.access().create_login_link(&session, &self.doctor.actor, Role::Clinician).await?)
    }
}

/// Accepts an invitation with a password that nobody will need again, and signs in.
async fn enter(system: &System, invitation: &str) -> Result<SignedInPerson, DemoError> {
    let password = hex::encode(yingdun_crypto::random::array::<16>());
    let access = system.access();
    let actor = access.accept_invitation(invitation, Secret::new(password.clone()), Peer::LOCAL).await?;
    let signed_in = access
        .login(Login {
            institution: system.institution().clone(),
            actor: actor.clone(),
            password: Secret::new(password),
            role: None,
            peer: Peer::LOCAL,
            program: None,
        })
        .await?;
    Ok(SignedInPerson { actor, token: signed_in.token, session: signed_in.session })
}
