//! The first hour of an installation in a browser. The program gives out one address; whoever opens it first, within its time, names the
//! three officers and hands each of them an invitation. There is no session in it and no right: with the address one can do what
//! `init` does at a terminal, and nothing else, until the three have set their passwords.
//!
//! ```text
//!  address ──opened once──► secret of one browser ──► officers named, once ──► invitations, until each has a password
//! ```

use super::founding::only_system;
use super::people::invitation;
use super::{AdminError, ChangeDetail, Officers, OneTimeLink};
use crate::access::Access;
use crate::session::{Peer, Session};
use crate::sign_in::{Fault, SignInError, Token, hash_of};
use std::time::Duration;
use yingdun_catalog::identity::{links, people, setup};
use yingdun_catalog::{CatalogError, Statement};
use yingdun_model::{ActorId, Role, Secret, Timestamp};

/// How long the address lives: it is printed at a terminal and opened beside it.
pub const SETUP_ADDRESS_TIME: Duration = Duration::from_secs(60 * 60);
/// How long the browser that opened it may go on: three people come by, one after the other.
pub const SETUP_BROWSER_TIME: Duration = Duration::from_secs(4 * 60 * 60);

/// A browser that opened the address.
#[derive(Clone, Debug)]
pub struct Setup {
    browser_hash: [u8; 32],
    /// How far it is.
    pub state: SetupState,
}

/// How far the first hour is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupState {
    /// Nobody is named yet.
    Officers,
    /// The officers are named, in the order system, security, audit.
    Invitations([SetupOfficer; 3]),
}

/// An officer who was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupOfficer {
    /// The login name.
    pub actor: ActorId,
    /// The office.
    pub role: Role,
    /// Whether the account has a password by now, and is this officer's alone.
    pub has_password: bool,
}

impl Setup {
    /// Whether the three have their accounts.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match &self.state {
            SetupState::Officers => false,
            SetupState::Invitations(officers) => officers.iter().all(|officer| officer.has_password),
        }
    }
}

impl Access {
    /// Makes the address. An older one dies, and so does the browser that opened it.
    ///
    /// # Errors
    /// [`AdminError::SetUp`] when there are people who were not named in this way, or when the three have their accounts.
    pub async fn offer_setup(&self, system: &Session) -> Result<(Secret<String>, Timestamp), AdminError> {
        only_system(system)?;
        let institution = system.institution();
        let row = setup::find(&self.inner.identity, institution).await.map_err(AdminError::Unavailable)?;
        match row.and_then(|row| row.officers) {
            Some(officers) => {
                let officers = self.setup_officers(officers).await.map_err(AdminError::Unavailable)?;
                if officers.iter().all(|officer| officer.has_password) {
                    return Err(AdminError::SetUp);
                }
            }
            None => {
                let people = people::count(&self.inner.identity, institution).await;
                if people.map_err(AdminError::Unavailable)? != 0 {
                    return Err(AdminError::SetUp);
                }
            }
        }
        let (token, expires) = (Token::generate(), self.inner.clock.now().after(SETUP_ADDRESS_TIME));
        let statements = vec![setup::offer(institution, &token.hash, expires)];
        self.change_as_system(system, "offer-setup", ChangeDetail::of(institution), statements).await?;
        Ok((token.secret, expires))
    }

    /// Spends the address, and gives the browser that opens it the secret by which it goes on.
    ///
    /// # Errors
    /// [`SignInError::Refused`] when the address is unknown, spent or expired: one answer for all, and a leaf that tells them apart.
    pub async fn open_setup(&self, token: &str, peer: Peer) -> Result<Secret<String>, SignInError> {
        let institution = &self.inner.institution;
        let Some(hash) = hash_of(token) else {
            return Err(self.refuse_unknown(peer, Fault::UnknownLink).await);
        };
        let row = setup::find(&self.inner.identity, institution).await.map_err(SignInError::Unavailable)?;
        let now = self.inner.clock.now();
        let fault = match &row {
            Some(row) if row.token_hash != hash => Some(Fault::UnknownLink),
            Some(row) if row.opened.is_some() => Some(Fault::UsedLink),
            Some(row) if row.expires <= now => Some(Fault::ExpiredLink),
            Some(_) => None,
            None => Some(Fault::UnknownLink),
        };
        if let Some(fault) = fault {
            return Err(self.refuse_unknown(peer, fault).await);
        }
        let (browser, until) = (Token::generate(), now.after(SETUP_BROWSER_TIME));
        let system = self.system_session();
        let statements = vec![setup::open(institution, &hash, &browser.hash, now, until)];
        let detail = ChangeDetail::with(institution, peer.address);
        match self.change_as_system(&system, "open-setup", detail, statements).await {
            Ok(()) => Ok(browser.secret),
            // Somebody else opened it at the same moment.
            Err(AdminError::NotFound) => Err(self.refuse_unknown(peer, Fault::UsedLink).await),
            Err(error) => Err(of_change(error)),
        }
    }

    /// What the browser with this secret may go on with; nothing where it is no such browser, or its time is over, or the three have
    /// their accounts.
    ///
    /// # Errors
    /// [`SignInError::Unavailable`].
    pub async fn setup_of(&self, browser: &str) -> Result<Option<Setup>, SignInError> {
        let Some(hash) = hash_of(browser) else { return Ok(None) };
        let institution = &self.inner.institution;
        let row = setup::find(&self.inner.identity, institution).await.map_err(SignInError::Unavailable)?;
        let now = self.inner.clock.now();
        let Some(row) = row.filter(|row| {
            row.browser_hash == Some(hash) && row.browser_until.is_some_and(|until| until > now)
        }) else {
            return Ok(None);
        };
        let state = match row.officers {
            Some(officers) => {
                let officers = self.setup_officers(officers).await.map_err(SignInError::Unavailable)?;
                SetupState::Invitations(officers)
            }
            None => SetupState::Officers,
        };
        Ok(Some(Setup { browser_hash: hash, state }))
    }

    /// Makes the accounts of the three officers, without passwords and without invitations. Once, whatever happens at the same time.
    ///
    /// # Errors
    /// [`AdminError::OfficersNotDistinct`]; [`AdminError::AlreadyFounded`] where there is anybody already.
    pub async fn name_officers(&self, browser: &Setup, officers: &Officers) -> Result<(), AdminError> {
        let Officers { system: first, security, audit } = officers;
        if !are_distinct([first, security, audit]) {
            return Err(AdminError::OfficersNotDistinct);
        }
        let system = self.system_session();
        let institution = system.institution();
        let existing = people::count(&self.inner.identity, institution).await;
        if existing.map_err(AdminError::Unavailable)? != 0 {
            return Err(AdminError::AlreadyFounded);
        }
        let now = self.inner.clock.now();
        let mut statements: Vec<Statement> =
            vec![setup::found(institution, &browser.browser_hash, [first, security, audit], now)];
        for (actor, role) in [first, security, audit].into_iter().zip(Role::OFFICERS) {
            statements.push(people::insert(institution, actor, now, system.actor()));
            statements.extend(people::give_role(institution, actor, role, now, system.actor()));
        }
        let detail = ChangeDetail::of(format!("{first} {security} {audit}"));
        match self.change_as_system(&system, "found-installation", detail, statements).await {
            Err(AdminError::NotFound | AdminError::AlreadyExists) => Err(AdminError::AlreadyFounded),
            other => other,
        }
    }

    /// Makes the invitation of an officer who has no password yet; an older one dies. It is shown once, and whoever has set a password
    /// cannot be invited again.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when nobody holds this office here without a password, or the browser may not go on.
    pub async fn invite_officer(&self, browser: &Setup, role: Role) -> Result<OneTimeLink, AdminError> {
        let SetupState::Invitations(officers) = &browser.state else { return Err(AdminError::NotFound) };
        let officer = officers.iter().find(|officer| officer.role == role).ok_or(AdminError::NotFound)?;
        let system = self.system_session();
        let (institution, now) = (system.institution(), self.inner.clock.now());
        let (link, row) = invitation(institution, &officer.actor, now);
        let statements = vec![
            setup::confirm(institution, &browser.browser_hash, now),
            people::still_without_password(institution, &officer.actor),
            links::withdraw(institution, &officer.actor, now),
            links::insert(&row),
        ];
        let detail = ChangeDetail::with(&officer.actor, role);
        self.change_as_system(&system, "invite-officer", detail, statements).await?;
        Ok(link)
    }

    /// Lets the browser go. What was done stays.
    ///
    /// # Errors
    /// As [`AdminError`].
    pub async fn leave_setup(&self, browser: &Setup) -> Result<(), AdminError> {
        let system = self.system_session();
        let statements = vec![setup::leave(system.institution(), &browser.browser_hash)];
        let detail = ChangeDetail::of(system.institution());
        match self.change_as_system(&system, "leave-setup", detail, statements).await {
            Err(AdminError::NotFound) => Ok(()),
            other => other,
        }
    }

    async fn setup_officers(&self, officers: [ActorId; 3]) -> Result<[SetupOfficer; 3], CatalogError> {
        let mut with_password = [false; 3];
        for (actor, has_password) in officers.iter().zip(&mut with_password) {
            let person = people::find(&self.inner.identity, &self.inner.institution, actor).await?;
            // Who is gone, or disabled, is nobody's to invite from here.
            *has_password = person.is_none_or(|person| person.password_hash.is_some() || person.disabled);
        }
        let [system, security, audit] = officers;
        let of = |actor, role, has_password| SetupOfficer { actor, role, has_password };
        Ok([
            of(system, Role::SystemAdministrator, with_password[0]),
            of(security, Role::SecurityAdministrator, with_password[1]),
            of(audit, Role::AuditAdministrator, with_password[2]),
        ])
    }
}

// === helpers ===

/// Whether these are three names that people tell apart: case does not make another person.
fn are_distinct(names: [&ActorId; 3]) -> bool {
    let [first, second, third] = names.map(|name| name.as_str().to_lowercase());
    first != second && second != third && third != first
}

fn of_change(error: AdminError) -> SignInError {
    match error {
        AdminError::Refused(crate::access::Refusal::AuditUnavailable(error))
        | AdminError::OutcomeNotRecorded(error) => SignInError::AuditUnavailable(error),
        AdminError::Unavailable(error) => SignInError::Unavailable(error),
        _ => SignInError::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_names_are_three_people_only_where_nobody_mistakes_one_for_another() {
        let names = |names: [&str; 3]| {
            let [a, b, c] = names.map(|name| ActorId::new(name).unwrap());
            are_distinct([&a, &b, &c])
        };
        assert!(names(["li", "wang", "zhao"]));
        for same in
            [["li", "li", "zhao"], ["li", "wang", "li"], ["zhao", "wang", "wang"], ["li", "Li", "zhao"]]
        {
            assert!(!names(same), "{same:?}");
        }
    }
}
