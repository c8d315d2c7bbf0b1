//! What may be done with a version as its rows stand. Pure functions.

use super::said::Said;
use super::{OFFICES, PolicyChangeError};
use yingdun_catalog::identity::policies::{ActivationRow, ApprovalRow, VersionRow};
use yingdun_model::{ActorId, Role, Timestamp};

/// The words by which a version is closed.
pub(super) const REJECTED: &str = "rejected";
pub(super) const WITHDRAWN: &str = "withdrawn";

/// How long a proposal waits. What it would change was looked up in the log of the thirty days before; after as many more it says nothing of now.
const WAITS_MS: i64 = 30 * 24 * 3600 * 1000;

/// How a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyState {
    /// It waits for approvals.
    Proposed,
    /// Both offices approved it.
    Approved,
    /// It is in force.
    InForce,
    /// It would be in force, and is suspended for a while.
    Suspended,
    /// It was in force.
    Replaced,
    /// An officer said no.
    Rejected,
    /// Who proposed it took it back.
    Withdrawn,
    /// It waited too long, or what it was compared with is in force no more.
    Outdated,
}

impl PolicyState {
    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::InForce => "in-force",
            Self::Suspended => "suspended",
            Self::Replaced => "replaced",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Outdated => "outdated",
        }
    }
}

/// How a version stands, beside the newest activation and the newest that lasts.
pub(super) fn of(
    row: &VersionRow,
    approvals: &[Said],
    newest: Option<&ActivationRow>,
    lasting: Option<&ActivationRow>,
    now: Timestamp,
) -> PolicyState {
    match row.closed.as_ref().map(|(word, ..)| word.as_str()) {
        Some(WITHDRAWN) => return PolicyState::Withdrawn,
        Some(_) => return PolicyState::Rejected,
        None => {}
    }
    if row.activated.is_some() {
        return match lasting.is_some_and(|lasting| lasting.version == row.version) {
            true if newest.is_some_and(|newest| counts_alone(newest, now)) => PolicyState::Suspended,
            true => PolicyState::InForce,
            false => PolicyState::Replaced,
        };
    }
    if !is_waiting(row, now) || lasting.map_or(0, |lasting| lasting.number) != row.base {
        return PolicyState::Outdated;
    }
    if is_approved(approvals) { PolicyState::Approved } else { PolicyState::Proposed }
}

/// Whether a version may still be approved or put into force, as far as its time goes.
pub(super) fn is_waiting(row: &VersionRow, now: Timestamp) -> bool {
    row.closed.is_none() && row.activated.is_none() && now.as_ms() < row.at.as_ms().saturating_add(WAITS_MS)
}

/// Whether an activation is a suspension that has not ended.
pub(super) fn counts_alone(row: &ActivationRow, now: Timestamp) -> bool {
    row.until.is_some_and(|until| now < until)
}

/// Whether this person may suspend what is in force. The newest activations come first.
pub(super) fn may_suspend(
    activations: &[ActivationRow],
    who: &ActorId,
    now: Timestamp,
) -> Result<(), PolicyChangeError> {
    if activations.first().is_none_or(|row| counts_alone(row, now)) {
        return Err(PolicyChangeError::State("no rules of the institution are in force"));
    }
    // Or one person would keep rules out of force for good, a day at a time.
    if activations.iter().any(|row| row.until.is_some() && row.reviewed.is_none() && row.by == *who) {
        return Err(PolicyChangeError::State(
            "the last suspension by this person waits for its review: an officer who approves rules looks at it first",
        ));
    }
    Ok(())
}

/// Whether this person may approve this version in this office; the approval that lapsed, to which this one succeeds.
pub(super) fn may_approve<'a>(
    row: &VersionRow,
    approvals: &'a [Said],
    who: &ActorId,
    office: Role,
    digest: &[u8; 32],
    lasting: u64,
    now: Timestamp,
) -> Result<Option<&'a ApprovalRow>, PolicyChangeError> {
    if row.digest != *digest {
        return Err(PolicyChangeError::OtherDigest);
    }
    may_go_on(row, lasting, now)?;
    let succeeded = approvals.iter().find(|said| said.has_lapsed && said.row.office == office);
    let mut others = approvals.iter().filter(|said| Some(*said) != succeeded);
    if row.by == *who || others.clone().any(|said| said.row.by == *who) {
        return Err(PolicyChangeError::SamePerson);
    }
    if !OFFICES.contains(&office) {
        return Err(PolicyChangeError::State("this office approves no rules"));
    }
    if others.any(|said| said.row.office == office) {
        return Err(PolicyChangeError::State("this office approved it already: the other one is needed"));
    }
    Ok(succeeded.map(|said| &said.row))
}

/// Whether this version may be put into force now; whether it was before, and is suspended.
pub(super) fn may_activate(
    row: &VersionRow,
    approvals: &[Said],
    digest: &[u8; 32],
    newest: Option<&ActivationRow>,
    lasting: Option<&ActivationRow>,
    now: Timestamp,
) -> Result<bool, PolicyChangeError> {
    if row.digest != *digest {
        return Err(PolicyChangeError::OtherDigest);
    }
    let is_suspended = newest.is_some_and(|newest| counts_alone(newest, now));
    if is_suspended
        && row.activated.is_some()
        && lasting.is_some_and(|lasting| lasting.version == row.version)
    {
        return Ok(true);
    }
    may_go_on(row, lasting.map_or(0, |lasting| lasting.number), now)?;
    if let Some(lapsed) = approvals.iter().find(|said| said.has_lapsed) {
        return Err(PolicyChangeError::Lapsed { office: lapsed.row.office, by: lapsed.row.by.clone() });
    }
    if !is_approved(approvals) || approvals.iter().any(|said| said.row.by == row.by) {
        return Err(PolicyChangeError::State("one person of each office has to approve it first"));
    }
    Ok(false)
}

fn may_go_on(row: &VersionRow, lasting: u64, now: Timestamp) -> Result<(), PolicyChangeError> {
    let state = if row.closed.is_some() {
        "it was rejected or withdrawn: propose it anew"
    } else if row.activated.is_some() {
        "it was put into force already: to go back to it, propose it anew"
    } else if !is_waiting(row, now) {
        "it waited for more than thirty days: propose it anew"
    } else if row.base != lasting {
        "other rules are in force than those with which it was compared: propose it anew"
    } else {
        return Ok(());
    };
    Err(PolicyChangeError::State(state))
}

/// One person of each office, and two of them, who hold it still.
fn is_approved(approvals: &[Said]) -> bool {
    let of = |office: Role| approvals.iter().find(|said| said.row.office == office && !said.has_lapsed);
    let [first, second] = OFFICES.map(of);
    first.zip(second).is_some_and(|(first, second)| first.row.by != second.row.by)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(WAITS_MS * 10);

    fn actor(name: &str) -> ActorId {
        ActorId::new(name).unwrap()
    }

    fn version() -> VersionRow {
        VersionRow {
            version: 3,
            digest: [7; 32],
            sealed: vec![],
            base: 2,
            by: actor("sys"),
            at: NOW,
            activated: None,
            closed: None,
        }
    }

    fn approval(office: Role, name: &str) -> Said {
        let row = ApprovalRow { version: 3, office, by: actor(name), at: NOW, sealed: vec![] };
        Said { row, has_lapsed: false }
    }

    fn lapsed(office: Role, name: &str) -> Said {
        Said { has_lapsed: true, ..approval(office, name) }
    }

    fn activation(number: u64, version: u64, until: Option<Timestamp>) -> ActivationRow {
        ActivationRow { number, version, until, by: actor("sec"), at: NOW, sealed: vec![], reviewed: None }
    }

    #[test]
    fn three_persons_and_two_offices_and_nothing_less() {
        let (security, audit) = (Role::SecurityAdministrator, Role::AuditAdministrator);
        let base = activation(2, 1, None);
        let may =
            |approvals: &[Said]| may_activate(&version(), approvals, &[7; 32], Some(&base), Some(&base), NOW);
        assert!(may(&[]).is_err());
        assert!(may(&[approval(security, "sec")]).is_err());
        assert!(may(&[approval(security, "sec"), approval(security, "sec2")]).is_err(), "one office twice");
        assert!(may(&[approval(security, "sec"), approval(audit, "sec")]).is_err(), "one person twice");
        assert!(may(&[approval(security, "sec"), approval(audit, "sys")]).is_err(), "who proposed it");
        assert!(matches!(may(&[approval(security, "sec"), approval(audit, "aud")]), Ok(false)));
        let approve = |name, office, digest: &[u8; 32], approvals: &[Said]| {
            may_approve(&version(), approvals, &actor(name), office, digest, 2, NOW).map(|_| ())
        };
        assert!(approve("aud", audit, &[7; 32], &[]).is_ok());
        assert!(matches!(approve("sys", security, &[7; 32], &[]), Err(PolicyChangeError::SamePerson)));
        assert!(matches!(approve("aud", audit, &[8; 32], &[]), Err(PolicyChangeError::OtherDigest)));
        let by_aud = [approval(audit, "aud")];
        assert!(matches!(approve("aud", security, &[7; 32], &by_aud), Err(PolicyChangeError::SamePerson)));
        assert!(matches!(approve("aud2", audit, &[7; 32], &by_aud), Err(PolicyChangeError::State(_))));
        assert!(matches!(
            approve("x", Role::SystemAdministrator, &[7; 32], &[]),
            Err(PolicyChangeError::State(_))
        ));
    }

    #[test]
    fn an_approval_that_lapsed_counts_for_nothing_and_gives_way_to_another() {
        let (security, audit) = (Role::SecurityAdministrator, Role::AuditAdministrator);
        let base = activation(2, 1, None);
        let of = |approvals: &[Said]| of(&version(), approvals, Some(&base), Some(&base), NOW);
        let may =
            |approvals: &[Said]| may_activate(&version(), approvals, &[7; 32], Some(&base), Some(&base), NOW);
        for approvals in [
            [lapsed(security, "sec"), approval(audit, "aud")],
            [approval(security, "sec"), lapsed(audit, "aud")],
            [lapsed(security, "sec"), lapsed(audit, "aud")],
        ] {
            assert_eq!(of(&approvals), PolicyState::Proposed, "{approvals:?}");
            let first = approvals.iter().find(|said| said.has_lapsed).unwrap();
            let refused = may(&approvals);
            assert!(
                matches!(&refused, Err(PolicyChangeError::Lapsed { by, .. }) if *by == first.row.by),
                "{refused:?}"
            );
        }
        let approve = |name, office, approvals: &[Said]| {
            let succeeds = may_approve(&version(), approvals, &actor(name), office, &[7; 32], 2, NOW);
            succeeds.map(|row| row.map(|row| row.by.to_string()))
        };
        let approvals = [lapsed(security, "sec"), approval(audit, "aud")];
        assert!(matches!(approve("sec2", security, &approvals), Ok(Some(of)) if of == "sec"));
        assert!(matches!(approve("sec", security, &approvals), Ok(Some(_))), "who has the office again");
        assert!(matches!(approve("aud", security, &approvals), Err(PolicyChangeError::SamePerson)));
        assert!(matches!(approve("sys", security, &approvals), Err(PolicyChangeError::SamePerson)));
        assert!(matches!(approve("aud2", audit, &approvals), Err(PolicyChangeError::State(_))));
        let only = [lapsed(security, "sec")];
        assert!(
            matches!(approve("sec", audit, &only), Err(PolicyChangeError::SamePerson)),
            "no person in two offices, not even one after the other"
        );
        // What is in force stays: its approvals counted when it came into force.
        let activated = VersionRow { activated: Some(NOW), ..version() };
        let own = activation(3, 3, None);
        let suspension = activation(4, 0, Some(Timestamp::from_ms(NOW.as_ms() + 1)));
        let again = may_activate(&activated, &only, &[7; 32], Some(&suspension), Some(&own), NOW);
        assert!(matches!(again, Ok(true)));
    }

    #[test]
    fn what_was_compared_with_other_rules_or_is_over_goes_nowhere() {
        let both = [approval(Role::SecurityAdministrator, "sec"), approval(Role::AuditAdministrator, "aud")];
        let may = |row: &VersionRow, newest: &ActivationRow, lasting: &ActivationRow, now| {
            may_activate(row, &both, &row.digest, Some(newest), Some(lasting), now)
        };
        let (base, other) = (activation(2, 1, None), activation(3, 2, None));
        assert!(may(&version(), &other, &other, NOW).is_err(), "other rules are in force");
        assert!(
            may(&version(), &base, &base, Timestamp::from_ms(NOW.as_ms() + WAITS_MS)).is_err(),
            "too late"
        );
        let closed = VersionRow { closed: Some((REJECTED.to_owned(), actor("aud"), NOW)), ..version() };
        assert!(may(&closed, &base, &base, NOW).is_err());
        let activated = VersionRow { activated: Some(NOW), ..version() };
        assert!(may(&activated, &base, &base, NOW).is_err(), "no way back but a proposal");
        // A suspension changes nothing of that, but what it suspends may come back before its end.
        let later = Timestamp::from_ms(NOW.as_ms() + 1);
        let (suspended, over) = (activation(4, 0, Some(later)), activation(4, 0, Some(NOW)));
        let was = activation(3, 3, None);
        assert!(matches!(may(&activated, &suspended, &was, NOW), Ok(true)));
        assert!(may(&activated, &over, &was, NOW).is_err());
        assert!(may(&activated, &suspended, &base, NOW).is_err(), "another one was suspended");
        assert!(matches!(may(&version(), &suspended, &base, NOW), Ok(false)));
    }

    #[test]
    fn each_state_has_its_word() {
        let both = [approval(Role::SecurityAdministrator, "sec"), approval(Role::AuditAdministrator, "aud")];
        let base = activation(2, 1, None);
        let at = |row: &VersionRow, approvals: &[Said], newest: &ActivationRow, lasting: &ActivationRow| {
            of(row, approvals, Some(newest), Some(lasting), NOW).as_str()
        };
        assert_eq!(at(&version(), &[], &base, &base), "proposed");
        assert_eq!(at(&version(), &both, &base, &base), "approved");
        assert_eq!(at(&VersionRow { base: 1, ..version() }, &both, &base, &base), "outdated");
        let activated = VersionRow { activated: Some(NOW), ..version() };
        let own = activation(3, 3, None);
        assert_eq!(at(&activated, &both, &own, &own), "in-force");
        let suspension = activation(4, 0, Some(Timestamp::from_ms(NOW.as_ms() + 1)));
        assert_eq!(at(&activated, &both, &suspension, &own), "suspended");
        assert_eq!(at(&activated, &both, &base, &base), "replaced");
        for (word, state) in [(REJECTED, "rejected"), (WITHDRAWN, "withdrawn")] {
            let closed = VersionRow { closed: Some((word.to_owned(), actor("a"), NOW)), ..version() };
            assert_eq!(at(&closed, &both, &base, &base), state);
        }
    }
}
