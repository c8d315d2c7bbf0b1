//! Changing the own password.

use super::{Claim, Fault, SignInError, attempts};
use crate::access::Access;
use crate::flood::network_of;
use crate::ledger;
use crate::password;
use crate::session::{Proof, Session};
use std::net::IpAddr;
use yingdun_audit::EventKind;
use yingdun_catalog::Statement;
use yingdun_catalog::identity::{links, people, places, second_factors, sessions};
use yingdun_model::{ActorId, ActorKind, InstitutionId, Secret, Timestamp};

impl Access {
    /// Sets a new password for the person of a session, who must know the present one. Every other session of the
    /// person ends, and every link that was not used dies. Wrong attempts count like failed sign-ins: a session that
    /// somebody left open is no way to guess.
    ///
    /// # Errors
    /// [`SignInError::PasswordLength`] before anything is tried; [`SignInError::PasswordElsewhere`]; [`SignInError::Refused`] when the present password
    /// is wrong or may not be tried now, or the session is not one of a person.
    pub async fn change_password(
        &self,
        session: &Session,
        present: Secret<String>,
        new: Secret<String>,
    ) -> Result<(), SignInError> {
        if !password::acceptable(&new) {
            return Err(SignInError::PasswordLength);
        }
        let (institution, actor, kind) = (session.institution(), session.actor(), session.actor_kind());
        let address = session.peer().address;
        let claim = Claim { institution, actor, kind, role: Some(session.role()), address };
        let (ActorKind::Person, Proof::Token(token_hash)) = (kind, session.proof()) else {
            return Err(self.refuse_sign_in(claim, Fault::UnknownAccount).await);
        };
        if self.is_of_ldap(institution, actor).await.map_err(SignInError::Unavailable)? {
            return Err(SignInError::PasswordElsewhere);
        }
        self.prove(claim, present).await?;
        let phc = self.inner.passwords.hash(new).await?;
        let event = ledger::session_leaf(session, ledger::word("password-changed"));
        let event = yingdun_audit::Event { kind: EventKind::Authentication, ..event };
        self.inner.log.append_one(event).await.map_err(SignInError::AuditUnavailable)?;
        let now = self.inner.clock.now();
        let mut changes = vec![
            people::set_password(institution, actor, &phc),
            // Whoever began one with the old password may be who it was changed against.
            second_factors::forget_begun(institution, actor),
            links::withdraw(institution, actor, now),
            sessions::revoke_others(institution, actor, kind, token_hash, now),
        ];
        changes.extend(self.begin_counts_anew(institution, actor, address, now).await?);
        self.inner.identity.execute(changes).await.map_err(SignInError::Unavailable)?;
        Ok(())
    }

    /// What a new password makes of failed attempts. Those with the old one, and where it worked, say nothing of the new one, and
    /// whoever sets it has proved to be the owner, here. Of an account with a second factor nothing is forgotten: who knows the
    /// password, or can send an invitation, would guess codes without end.
    pub(super) async fn begin_counts_anew(
        &self,
        institution: &InstitutionId,
        actor: &ActorId,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Vec<Statement>, SignInError> {
        if self.has_second_factor(institution, actor).await? {
            return Ok(Vec::new());
        }
        let digest = attempts::place_of(institution, actor, network_of(address));
        Ok(vec![
            people::forget_strangers(institution, actor),
            places::forget(institution, actor),
            places::insert(institution, actor, &attempts::proved(digest, now)),
        ])
    }
}
