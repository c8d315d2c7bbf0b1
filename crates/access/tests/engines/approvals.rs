//! An approval is of an office, and lapses with it: of rules before they are in force, of a maintenance session as long as it could open something.

use crate::house::{House, actor, home};
use crate::second_factor::outsider;
use std::time::Duration;
use yingdun_access::{
    MAINTENANCE_TIME, MaintenanceError, MaintenanceState, NewMaintenance, NewPolicy, PolicyChangeError,
    PolicyRecord, PolicyState, Resource, Session,
};
use yingdun_catalog::CatalogError;
use yingdun_catalog::identity::people;
use yingdun_model::{Action, MaintenanceScope, Role};

crate::on_both_engines!(
    who_is_disabled_before_rules_are_in_force_has_not_approved_them,
    who_loses_the_office_approves_anew_when_it_is_given_back,
    what_is_in_force_stays_when_its_officers_go,
    a_session_closes_with_the_office_of_who_approved_it_and_another_officer_opens_it_again,
    a_session_that_has_not_begun_lapses_too,
    an_activation_fails_when_an_office_is_lost_in_between,
);

const NO_EXPORT: &str = r#"@id("local-no-export")
forbid (principal is Person, action == Action::"export", resource);"#;
const SECURITY: Role = Role::SecurityAdministrator;
const AUDIT: Role = Role::AuditAdministrator;

async fn propose(house: &House) -> (u64, [u8; 32]) {
    let text = NewPolicy::Text(NO_EXPORT.to_owned());
    let made = house.access.propose_policy(&house.system_officer, text, "a test").await.unwrap();
    (made.version, made.digest)
}

/// Something happens a moment later.
fn later(house: &House) {
    house.clock.advance(Duration::from_millis(1));
}

async fn disable(house: &House, name: &str, disabled: bool) {
    later(house);
    house.access.set_person_disabled(&house.system_officer, &actor(name), disabled).await.unwrap();
    later(house);
}

async fn sign_in(house: &House, name: &str, role: Role) -> Session {
    let link =
        house.access.create_login_link(&house.access.system_session(), &actor(name), role).await.unwrap();
    house.access.redeem_login_link(link.token.expose(), crate::house::REMOTE).await.unwrap().session
}

/// Whose approvals there are, and whether they have lapsed.
fn said(record: &PolicyRecord) -> Vec<(&str, bool)> {
    record.approvals.iter().map(|approval| (approval.by.as_str(), approval.has_lapsed)).collect()
}

async fn who_is_disabled_before_rules_are_in_force_has_not_approved_them(house: House) {
    let second = house.signed_in("sec2", SECURITY).await.session;
    let (version, digest) = propose(&house).await;
    let access = &house.access;
    access.approve_policy(&second, version, &digest).await.unwrap();
    later(&house);
    let approved = access.approve_policy(&house.audit_officer, version, &digest).await.unwrap();
    assert_eq!(
        (approved.state, said(&approved)),
        (PolicyState::Approved, vec![("sec2", false), ("aud", false)])
    );

    disable(&house, "sec2", true).await;
    for disabled_now in [true, false] {
        if !disabled_now {
            disable(&house, "sec2", false).await;
        }
        let read = access.policy(&house.audit_officer, version).await.unwrap();
        assert_eq!((read.state, said(&read)), (PolicyState::Proposed, vec![("sec2", true), ("aud", false)]));
        let refused = access.activate_policy(&house.security_officer, version, &digest).await;
        assert!(
            matches!(&refused, Err(PolicyChangeError::Lapsed { office: SECURITY, by }) if *by == actor("sec2")),
            "{refused:?}"
        );
        let words = refused.unwrap_err().to_string();
        assert!(words.contains("the approval of sec2 as security-administrator has lapsed"), "{words}");
    }
    let again = access.approve_policy(&house.security_officer, version, &digest).await.unwrap();
    assert_eq!(again.state, PolicyState::Approved);
    assert_eq!(said(&again), [("aud", false), ("sec", false)], "in the place of the other");
    later(&house);
    let active = access.activate_policy(&house.security_officer, version, &digest).await.unwrap();
    assert_eq!(active.state, PolicyState::InForce);
}

async fn who_loses_the_office_approves_anew_when_it_is_given_back(house: House) {
    let second = house.signed_in("aud2", AUDIT).await.session;
    let (version, digest) = propose(&house).await;
    let access = &house.access;
    access.approve_policy(&second, version, &digest).await.unwrap();
    access.approve_policy(&house.security_officer, version, &digest).await.unwrap();
    later(&house);
    access.take_role(&house.security_officer, &actor("aud2"), AUDIT).await.unwrap();
    later(&house);
    access.give_role(&house.security_officer, &actor("aud2"), AUDIT).await.unwrap();
    later(&house);
    let refused = access.activate_policy(&house.security_officer, version, &digest).await;
    assert!(matches!(refused, Err(PolicyChangeError::Lapsed { office: AUDIT, .. })), "{refused:?}");
    let second = sign_in(&house, "aud2", AUDIT).await;
    let again = access.approve_policy(&second, version, &digest).await.unwrap();
    assert_eq!(said(&again), [("sec", false), ("aud2", false)]);
    assert!(matches!(
        access.approve_policy(&second, version, &digest).await,
        Err(PolicyChangeError::SamePerson)
    ));
    later(&house);
    access.activate_policy(&house.security_officer, version, &digest).await.unwrap();
}

async fn what_is_in_force_stays_when_its_officers_go(house: House) {
    let second = house.signed_in("aud2", AUDIT).await.session;
    let (version, digest) = propose(&house).await;
    let access = &house.access;
    access.approve_policy(&second, version, &digest).await.unwrap();
    access.approve_policy(&house.security_officer, version, &digest).await.unwrap();
    later(&house);
    access.activate_policy(&house.security_officer, version, &digest).await.unwrap();
    disable(&house, "aud2", true).await;
    access.follow_policies().await.unwrap();
    let read = access.policy(&house.audit_officer, version).await.unwrap();
    assert_eq!(read.state, PolicyState::InForce);
    assert!(said(&read).iter().all(|(_, lapsed)| !lapsed), "it counted when it had to");
    // And back from a suspension, by what was approved then.
    access.suspend_policy(&house.security_officer, 60, "a test").await.unwrap();
    let back = access.activate_policy(&house.security_officer, version, &digest).await.unwrap();
    assert_eq!(back.state, PolicyState::InForce);
}

fn health(name: &str) -> NewMaintenance {
    NewMaintenance {
        actor: actor(name),
        scopes: [MaintenanceScope::Health].into(),
        from: None,
        lasts: MAINTENANCE_TIME,
        words: "ticket 4711".to_owned(),
    }
}

async fn opens(house: &House, vendor: &Session) -> bool {
    let archive = Resource::Archive(home());
    house.access.authorise(vendor, Action::ReadHealth, archive).await.is_ok()
}

async fn a_session_closes_with_the_office_of_who_approved_it_and_another_officer_opens_it_again(
    house: House,
) {
    let second = house.signed_in("sec2", SECURITY).await.session;
    let vendor = outsider(&house, "vendor", Role::Vendor).await;
    let access = &house.access;
    let opened = access.open_maintenance(&house.system_officer, health("vendor")).await.unwrap();
    let number = opened.row.number;
    let approved = access.approve_maintenance(&second, number).await.unwrap();
    assert_eq!(approved.state, MaintenanceState::Open);
    assert!(opens(&house, &vendor).await);
    let again = access.approve_maintenance(&house.security_officer, number).await;
    assert!(matches!(again, Err(MaintenanceError::State)), "one approval is enough, {again:?}");

    disable(&house, "sec2", true).await;
    assert!(!opens(&house, &vendor).await, "with the next request");
    disable(&house, "sec2", false).await;
    assert!(!opens(&house, &vendor).await, "and it does not come back");
    let read = access.maintenance_session(&house.system_officer, number).await.unwrap();
    assert_eq!(read.state, MaintenanceState::ApprovalLapsed);
    assert_eq!(read.row.approved.unwrap().0, actor("sec2"), "it is told whose it was");

    let approved = access.approve_maintenance(&house.security_officer, number).await.unwrap();
    assert_eq!(approved.state, MaintenanceState::Open);
    assert_eq!(approved.row.approved.unwrap().0, actor("sec"));
    assert!(opens(&house, &vendor).await);
    house.clock.advance(MAINTENANCE_TIME);
    assert!(!opens(&house, &vendor).await);
}

async fn a_session_that_has_not_begun_lapses_too(house: House) {
    let second = house.signed_in("sec2", SECURITY).await.session;
    let vendor = outsider(&house, "vendor", Role::Vendor).await;
    let access = &house.access;
    let hour = Duration::from_secs(3600);
    let new = NewMaintenance { from: Some(house.now().after(hour)), ..health("vendor") };
    let number = access.open_maintenance(&house.system_officer, new).await.unwrap().row.number;
    let approved = access.approve_maintenance(&second, number).await.unwrap();
    assert_eq!(approved.state, MaintenanceState::Approved);
    later(&house);
    access.take_role(&house.security_officer, &actor("sec2"), SECURITY).await.unwrap();
    let read = access.maintenance_session(&house.system_officer, number).await.unwrap();
    assert_eq!(read.state, MaintenanceState::ApprovalLapsed);
    assert!(!opens(&house, &vendor).await);
    house.clock.advance(hour + MAINTENANCE_TIME);
    let read =
        access.maintenance_session(&sign_in(&house, "sys", Role::SystemAdministrator).await, number).await;
    assert_eq!(read.unwrap().state, MaintenanceState::TimeOver);
}

async fn an_activation_fails_when_an_office_is_lost_in_between(house: House) {
    house.signed_in("sec2", SECURITY).await;
    let (approved, home) = (house.now(), home());
    let holds = async || {
        let guard = people::still_holds(&home, &actor("sec2"), SECURITY, approved);
        house.identity.execute(vec![guard]).await
    };
    assert!(holds().await.is_ok());
    let other = people::still_holds(&home, &actor("sec2"), AUDIT, approved);
    let other = house.identity.execute(vec![other]).await;
    assert!(matches!(other, Err(CatalogError::UnexpectedRows { .. })), "{other:?}");
    disable(&house, "sec2", true).await;
    assert!(holds().await.is_err());
    disable(&house, "sec2", false).await;
    assert!(holds().await.is_err(), "it was lost in between");
}
