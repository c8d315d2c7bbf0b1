//! Maintenance sessions: opened by one officer, approved by another, and over at their last millisecond.

use crate::house::{House, actor};
use crate::second_factor::outsider;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use yingdun_access::{
    MAINTENANCE_TIME, MAINTENANCE_TIME_MAX, MaintenanceError, MaintenanceState, NewMaintenance, Reason,
    Resource, Session,
};
use yingdun_catalog::catalogue::Visibility;
use yingdun_model::{Action, Grade, MaintenanceScope, ManualClock, Role, Timestamp};

crate::on_both_engines!(
    a_session_opens_its_scope_to_its_last_millisecond_and_signs_out,
    a_clock_that_is_set_back_does_not_lengthen_a_session,
    two_officers_agree_and_either_ends_it,
    it_is_for_vendors_and_bounded,
    a_vendor_is_nothing_else_and_nothing_else_opens,
    of_two_nodes_that_approve_or_end_at_once_one_does,
);

const LOOKS: [Action; 3] = [Action::ReadHealth, Action::ReadMetrics, Action::ReadConfiguration];

fn of(name: &str, scopes: &[MaintenanceScope]) -> NewMaintenance {
    NewMaintenance {
        actor: actor(name),
        scopes: scopes.iter().copied().collect(),
        from: None,
        lasts: MAINTENANCE_TIME,
        words: "ticket 4711".to_owned(),
    }
}

fn archive(house: &House) -> Resource {
    Resource::Archive(house.system_officer.institution().clone())
}

async fn reasons(house: &House, who: &Session) -> [Reason; 3] {
    let mut all = Vec::new();
    for action in LOOKS {
        all.push(house.access.decide(who, action, &archive(house)).await.unwrap().reason);
    }
    all.try_into().unwrap()
}

/// Opens and approves a session; gives its number.
async fn agreed(house: &House, new: NewMaintenance) -> u64 {
    let opened = house.access.open_maintenance(&house.system_officer, new).await.unwrap();
    house.access.approve_maintenance(&house.security_officer, opened.row.number).await.unwrap().row.number
}

async fn a_session_opens_its_scope_to_its_last_millisecond_and_signs_out(house: House) {
    let vendor = outsider(&house, "vendor", Role::Vendor).await;
    assert_eq!(reasons(&house, &vendor).await, [Reason::OutsideMaintenance; 3]);
    let new = of("vendor", &[MaintenanceScope::Health, MaintenanceScope::Configuration]);
    let new = NewMaintenance { lasts: Duration::from_secs(600), ..new };
    let opened = house.access.open_maintenance(&house.system_officer, new).await.unwrap();
    assert_eq!((opened.state, opened.words.as_deref()), (MaintenanceState::Waiting, Some("ticket 4711")));
    let [_, made, alert] = house.last_leaves();
    assert_eq!(made, "administration succeeded open-maintenance");
    assert_eq!(alert, "administration succeeded maintenance-opened");
    assert_eq!(reasons(&house, &vendor).await, [Reason::OutsideMaintenance; 3], "nobody approved it");
    let number = opened.row.number;
    let approved = house.access.approve_maintenance(&house.security_officer, number).await.unwrap();
    assert_eq!(approved.state, MaintenanceState::Open);
    let open = [Reason::MaintenanceSession, Reason::NoRulePermits, Reason::MaintenanceSession];
    assert_eq!(reasons(&house, &vendor).await, open);

    let permit = house.access.authorise(&vendor, Action::ReadHealth, archive(&house)).await.unwrap();
    let leaf = house.leaves().pop().unwrap();
    assert_eq!((leaf.counts.get("maintenance"), leaf.counts.get("grant")), (Some(number), None));
    house.access.admit_vendor(&vendor, Action::ReadConfiguration).await.unwrap();
    let refused = house.access.admit_vendor(&vendor, Action::View).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::VendorsOnlyMaintain));
    let leaf = house.leaves().pop().unwrap();
    assert_eq!(leaf.counts.get("maintenance"), Some(number), "a refusal names it, too");

    house.clock.advance(Duration::from_secs(600) - Duration::from_millis(1));
    assert_eq!(reasons(&house, &vendor).await, open);
    assert_eq!(house.access.end_maintenance_sessions().await.unwrap(), 0);
    house.clock.advance(Duration::from_millis(1));
    assert_eq!(reasons(&house, &vendor).await, [Reason::OutsideMaintenance; 3]);
    assert!(house.access.still_valid(&vendor, &permit).await.is_err());
    assert_eq!(house.access.end_maintenance_sessions().await.unwrap(), 1);
    assert_eq!(house.last_leaf(), "administration succeeded maintenance-ended");
    assert_eq!(house.access.end_maintenance_sessions().await.unwrap(), 0, "once");
    assert_eq!(reasons(&house, &vendor).await, [Reason::SessionEnded; 3], "signed out");
    let shown = house.access.maintenance_session(&house.security_officer, number).await.unwrap();
    assert_eq!(shown.state, MaintenanceState::TimeOver);
}

async fn a_clock_that_is_set_back_does_not_lengthen_a_session(house: House) {
    let vendor = outsider(&house, "vendor", Role::Vendor).await;
    let start = house.now();
    let hour =
        NewMaintenance { lasts: Duration::from_secs(3600), ..of("vendor", &[MaintenanceScope::Health]) };
    agreed(&house, hour).await;
    for _ in 0..6 {
        assert_eq!(reasons(&house, &vendor).await[0], Reason::MaintenanceSession);
        house.clock.advance(Duration::from_secs(600));
        house.clock.set(start);
        // What looks at grants every second forgets no session.
        house.access.end_grants().await.unwrap();
        assert!(house.access.end_maintenance_sessions().await.is_ok());
    }
    let after = reasons(&house, &vendor).await[0];
    assert!(
        matches!(after, Reason::OutsideMaintenance | Reason::SessionEnded),
        "an hour has passed: {after}"
    );
}

async fn two_officers_agree_and_either_ends_it(house: House) {
    let vendor = outsider(&house, "vendor", Role::Vendor).await;
    let (system, security) = (&house.system_officer, &house.security_officer);
    let health = || of("vendor", &[MaintenanceScope::Health]);
    let opened = house.access.open_maintenance(system, health()).await.unwrap();
    let number = opened.row.number;
    let own = house.access.approve_maintenance(system, number).await;
    assert!(matches!(own, Err(MaintenanceError::Admin(_))), "{own:?}");
    let other = house.access.open_maintenance(security, health()).await;
    assert!(matches!(other, Err(MaintenanceError::Admin(_))), "{other:?}");
    for nobody in [&vendor, &house.audit_officer] {
        assert!(house.access.maintenance_sessions(nobody).await.is_err());
        assert!(house.access.maintenance_session(nobody, number).await.is_err());
        assert!(house.access.end_maintenance(nobody, number).await.is_err());
        assert!(house.access.approve_maintenance(nobody, number).await.is_err());
        assert!(house.access.open_maintenance(nobody, health()).await.is_err());
    }
    house.access.approve_maintenance(security, number).await.unwrap();
    let again = house.access.approve_maintenance(security, number).await;
    assert!(matches!(again, Err(MaintenanceError::State)), "{again:?}");
    let ended = house.access.end_maintenance(security, number).await.unwrap();
    assert_eq!(ended.state, MaintenanceState::Ended);
    assert_eq!(house.last_leaf(), "administration succeeded end-maintenance");
    assert_eq!(reasons(&house, &vendor).await, [Reason::SessionEnded; 3], "signed out at once");
    let again = house.access.end_maintenance(system, number).await;
    assert!(matches!(again, Err(MaintenanceError::State)), "{again:?}");

    let waiting = house.access.open_maintenance(system, health()).await.unwrap().row.number;
    let withdrawn = house.access.end_maintenance(system, waiting).await.unwrap();
    assert_eq!(withdrawn.state, MaintenanceState::Withdrawn);
    let late = house.access.approve_maintenance(security, waiting).await;
    assert!(matches!(late, Err(MaintenanceError::State)), "{late:?}");

    let lapsing = house.access.open_maintenance(system, health()).await.unwrap().row.number;
    house.clock.advance(MAINTENANCE_TIME);
    let late = house.access.approve_maintenance(security, lapsing).await;
    assert!(matches!(late, Err(MaintenanceError::State)), "{late:?}");
    assert_eq!(house.access.end_maintenance_sessions().await.unwrap(), 1);
    assert_eq!(house.last_leaf(), "administration succeeded maintenance-lapsed");
    let nothing = house.access.approve_maintenance(security, 404).await;
    assert!(matches!(nothing, Err(MaintenanceError::NotFound)), "{nothing:?}");
}

async fn it_is_for_vendors_and_bounded(house: House) {
    house.person("vendor", Role::Vendor).await;
    house.person("wang", Role::Clinician).await;
    let open = async |new| house.access.open_maintenance(&house.system_officer, new).await;
    let health = || of("vendor", &[MaintenanceScope::Health]);
    assert!(matches!(open(of("wang", &MaintenanceScope::ALL[..1])).await, Err(MaintenanceError::NoVendor)));
    assert!(matches!(open(of("nobody", &MaintenanceScope::ALL[..1])).await, Err(MaintenanceError::NotFound)));
    let nothing = NewMaintenance { scopes: BTreeSet::new(), ..health() };
    assert!(matches!(open(nothing).await, Err(MaintenanceError::Scope)));
    for words in [" ".to_owned(), "x".repeat(501)] {
        assert!(matches!(open(NewMaintenance { words, ..health() }).await, Err(MaintenanceError::Words)));
    }
    for lasts in [Duration::from_secs(59), MAINTENANCE_TIME_MAX + Duration::from_millis(1)] {
        assert!(matches!(open(NewMaintenance { lasts, ..health() }).await, Err(MaintenanceError::Time)));
    }
    let week = Duration::from_secs(7 * 24 * 3600);
    let late = house.now().after(week + Duration::from_millis(1));
    let over = Timestamp::from_ms(house.now().as_ms() - 2 * 3600 * 1000);
    for from in [late, over] {
        let new = NewMaintenance { from: Some(from), ..health() };
        assert!(matches!(open(new).await, Err(MaintenanceError::Time)));
    }
    let first = open(NewMaintenance { from: Some(house.now().after(week)), ..health() }).await.unwrap();
    for _ in 0..3 {
        open(health()).await.unwrap();
    }
    assert!(matches!(open(health()).await, Err(MaintenanceError::TooMany)));
    house.access.end_maintenance(&house.security_officer, first.row.number).await.unwrap();
    open(health()).await.unwrap();
}

async fn a_vendor_is_nothing_else_and_nothing_else_opens(house: House) {
    let vendor = outsider(&house, "vendor", Role::Vendor).await;
    let give =
        async |name: &str, role| house.access.give_role(&house.security_officer, &actor(name), role).await;
    assert!(give("vendor", Role::Clinician).await.is_err());
    assert!(give("vendor", Role::SystemAdministrator).await.is_err());
    house.person("wang", Role::Clinician).await;
    assert!(give("wang", Role::Vendor).await.is_err());
    agreed(&house, of("vendor", MaintenanceScope::ALL)).await;
    house.treats("vendor", 1, Duration::from_secs(3600)).await;
    let study = house.study(1, Grade::L1);
    for action in Action::ALL {
        let on_study = house.access.decide(&vendor, *action, &study).await.unwrap();
        let on_archive = house.access.decide(&vendor, *action, &archive(&house)).await.unwrap();
        assert!(!on_study.permitted, "{action}");
        assert_eq!(on_archive.permitted, LOOKS.contains(action), "{action}");
    }
    assert!(matches!(house.access.visibility(&vendor).await.unwrap(), Visibility::Nothing));
}

async fn of_two_nodes_that_approve_or_end_at_once_one_does(house: House) {
    house.person("vendor", Role::Vendor).await;
    let other = house.node_by(Arc::new(ManualClock::at(house.now())));
    let security = &house.security_officer;
    for _ in 0..3 {
        let new = of("vendor", &[MaintenanceScope::Health]);
        let number = house.access.open_maintenance(&house.system_officer, new).await.unwrap().row.number;
        let approvals = tokio::join!(
            house.access.approve_maintenance(security, number),
            other.approve_maintenance(security, number),
        );
        assert_eq!(u8::from(approvals.0.is_ok()) + u8::from(approvals.1.is_ok()), 1, "{approvals:?}");
        let ends = tokio::join!(
            house.access.end_maintenance(security, number),
            other.end_maintenance(&house.system_officer, number),
        );
        assert_eq!(u8::from(ends.0.is_ok()) + u8::from(ends.1.is_ok()), 1, "{ends:?}");
    }
}
