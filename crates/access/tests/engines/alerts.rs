//! What the monitor stops is stopped on every node, for nobody else, and until another person lifts it.

use crate::house::{House, PASSWORD, actor, home, patient, secret};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yingdun_access::{
    Access, AdminError, Against, AlertError, Given, NewBreakGlass, NewDissent, Noticed, Opening, Reason,
    Refusal, Session, Watch, Watched,
};
use yingdun_catalog::catalogue::Visibility;
use yingdun_model::{
    Action, ActorId, ActorKind, AlertVerdict, BreakGlassReason, Grade, InstitutionId, PatientRef, Role, Stop,
    Timestamp,
};

crate::on_both_engines!(
    what_is_stopped_is_stopped_at_every_node_at_once_and_nowhere_else,
    a_stop_ends_to_the_millisecond_unless_it_was_found_right,
    what_a_person_lifts_is_forgiven_on_every_node,
    broken_glass_goes_on_and_shows_one_patient,
    who_judges_does_not_lift_and_nobody_does_for_the_own_account,
    what_was_given_out_stops_at_once_and_is_written_down_right_behind,
    an_alert_that_cannot_be_written_down_lets_nothing_through,
    exports_alone_are_stopped_where_nothing_more_is_asked_for,
);

const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

/// Lets a few patients through, as a monitor with the smallest of limits.
#[derive(Debug)]
struct Few {
    at_most: usize,
    stop: Stop,
    seen: Mutex<BTreeSet<PatientRef>>,
}

impl Few {
    fn new(at_most: usize, stop: Stop) -> Arc<Self> {
        Arc::new(Self { at_most, stop, seen: Mutex::default() })
    }

    fn noticed(&self, now: Timestamp) -> Watched {
        let noticed = Noticed {
            code: "monitor-limit",
            step: self.stop.as_str(),
            measure: Some("patients"),
            counted: self.at_most as u64 + 1,
            at_most: self.at_most as u64,
            within_minutes: 60,
            stops: Some((self.stop, now.after(HALF_AN_HOUR))),
            holds_until: None,
        };
        Watched { stopped: true, asks: None, noticed: vec![noticed] }
    }
}

impl Watch for Few {
    fn opening(&self, opening: &Opening<'_>) -> Watched {
        let mut seen = self.seen.lock().unwrap();
        if opening.reason.is_broken_glass() || seen.contains(&opening.patient) {
            return Watched::default();
        }
        if seen.len() < self.at_most {
            seen.insert(opening.patient);
            return Watched::default();
        }
        self.noticed(opening.now)
    }

    fn given(&self, given: &Given<'_>) -> Watched {
        if given.bytes < 1000 { Watched::default() } else { self.noticed(given.now) }
    }

    fn forgive(&self, _: &InstitutionId, _: &ActorId, _: ActorKind) {
        self.seen.lock().unwrap().clear();
    }
}

async fn open(access: &Access, session: &Session, house: &House, number: u8) -> Result<(), Reason> {
    match access.authorise(session, Action::View, house.study(number, Grade::L4)).await {
        Ok(_) => Ok(()),
        Err(Refusal::Denied { reason, .. }) => Err(reason),
        Err(other) => panic!("{other}"),
    }
}

/// A chief who was stopped at the third patient.
async fn stopped(house: &House) -> (Access, Session) {
    let access = house.watched(Few::new(2, Stop::Session));
    let chief = house.signed_in("chen", Role::Chief).await.session;
    for (number, outcome) in [(1, Ok(())), (2, Ok(())), (3, Err(Reason::MonitorLimit))] {
        assert_eq!(open(&access, &chief, house, number).await, outcome);
    }
    (access, chief)
}

async fn what_is_stopped_is_stopped_at_every_node_at_once_and_nowhere_else(house: House) {
    let here = house.watched(Few::new(1, Stop::Session));
    let there = house.watched(Few::new(99, Stop::Session));
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let other = house.signed_in("zhou", Role::Chief).await.session;
    there.follow_stops().await.unwrap();
    let study = house.study(1, Grade::L4);
    let permit = here.authorise(&chief, Action::View, study.clone()).await.unwrap();
    let elsewhere = there.authorise(&chief, Action::View, study.clone()).await.unwrap();
    let of_other = here.authorise(&other, Action::View, study.clone()).await.unwrap();
    assert_eq!(open(&here, &chief, &house, 2).await, Err(Reason::MonitorLimit));
    let last: Vec<String> =
        house.leaves().iter().rev().take(2).map(|leaf| leaf.reason.as_str().to_owned()).collect();
    assert_eq!(last, ["monitor-limit", "monitor-limit"], "the alert, and the refusal");

    assert!(!permit.holds_at(house.now()), "decided anew with the next piece");
    let refused = here.still_valid(&chief, &permit).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::MonitorLimit));
    assert!(here.still_valid(&other, &of_other).await.is_ok(), "somebody else goes on");
    assert!(elsewhere.holds_at(house.now()), "the other node has not looked yet");
    assert_eq!(there.follow_stops().await.unwrap(), 1);
    assert!(!elsewhere.holds_at(house.now()));
    assert!(there.still_valid(&chief, &elsewhere).await.is_err());
    assert_eq!(open(&there, &chief, &house, 1).await, Err(Reason::MonitorLimit));
    for action in [Action::List, Action::View] {
        let many = there.decide_many(&chief, action, &[study.clone(), house.study(9, Grade::L1)]).await;
        assert!(many.unwrap().iter().all(|decision| decision.reason == Reason::MonitorLimit));
    }
    assert_eq!(there.visibility(&chief).await.unwrap(), Visibility::Nothing);
}

async fn a_stop_ends_to_the_millisecond_unless_it_was_found_right(house: House) {
    let (access, chief) = stopped(&house).await;
    house.clock.advance(HALF_AN_HOUR - Duration::from_millis(1));
    assert_eq!(open(&access, &chief, &house, 1).await, Err(Reason::MonitorLimit));
    access.follow_stops().await.unwrap();
    house.clock.advance(Duration::from_millis(1));
    access.follow_stops().await.unwrap();
    assert_eq!(open(&access, &chief, &house, 1).await, Ok(()), "over");
    assert_eq!(open(&access, &chief, &house, 4).await, Err(Reason::MonitorLimit), "and not forgiven");

    let alert = access.alerts(&house.audit_officer, true).await.unwrap().remove(0);
    let right = Some(AlertVerdict::TruePositive);
    access.acknowledge_alert(&house.audit_officer, alert.number, right).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded alert-true-positive");
    house.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(open(&access, &chief, &house, 1).await, Err(Reason::MonitorLimit));
    let again = access.acknowledge_alert(&house.audit_officer, alert.number, None).await;
    assert!(matches!(again, Err(AlertError::State)), "{again:?}");
}

async fn what_a_person_lifts_is_forgiven_on_every_node(house: House) {
    let (there, chief) = stopped(&house).await;
    there.follow_stops().await.unwrap();
    let alert = house.access.alerts(&house.security_officer, false).await.unwrap().remove(0);
    house.access.lift_stop(&house.security_officer, alert.number).await.unwrap();
    there.follow_stops().await.unwrap();
    for (number, outcome) in [(3, Ok(())), (4, Ok(())), (5, Err(Reason::MonitorLimit))] {
        assert_eq!(open(&there, &chief, &house, number).await, outcome);
    }
    there.follow_stops().await.unwrap();
    assert_eq!(open(&there, &chief, &house, 5).await, Err(Reason::MonitorLimit), "once");
}

async fn broken_glass_goes_on_and_shows_one_patient(house: House) {
    house.person_with_password("wang", Role::Chief).await;
    let access = house.watched(Few::new(1, Stop::Session));
    let chief = house.login("wang", PASSWORD, None).await.unwrap().session;
    open(&access, &chief, &house, 1).await.unwrap();
    open(&access, &chief, &house, 2).await.unwrap_err();
    let emergency = |number| NewBreakGlass {
        patient: patient(number),
        is_known: true,
        reason: BreakGlassReason::UnconsciousPatient,
        words: "found in the street".to_owned(),
        lasts: Duration::from_secs(600),
        password: Some(secret(PASSWORD)),
    };
    access.break_glass(&chief, emergency(7)).await.unwrap();
    assert_eq!(open(&access, &chief, &house, 7).await, Ok(()));
    assert_eq!(open(&access, &chief, &house, 1).await, Err(Reason::MonitorLimit));
    let export = access.decide(&chief, Action::Export, &house.study(7, Grade::L4)).await.unwrap();
    assert_eq!(export.reason, Reason::MonitorLimit, "nothing is carried away");
    let Visibility::Granted { beside, patients, studies } = access.visibility(&chief).await.unwrap() else {
        panic!("the patient is not found")
    };
    assert_eq!((*beside, patients, studies), (Visibility::Nothing, vec![patient(7)], vec![]));

    // A patient who dissents, and says that an emergency passes that, is an emergency as well.
    let dissent = NewDissent {
        is_known: true,
        patient: patient(8),
        against: Against::Person(actor("wang")),
        break_glass: true,
        valid_from: None,
        valid_until: None,
    };
    access.enter_dissent(&house.security_officer, dissent).await.unwrap();
    access.break_glass(&chief, emergency(8)).await.unwrap();
    assert_eq!(open(&access, &chief, &house, 8).await, Ok(()));
    assert_eq!(house.last_leaf(), "access permitted break-glass-against-dissent");
}

async fn who_judges_does_not_lift_and_nobody_does_for_the_own_account(house: House) {
    let (access, chief) = stopped(&house).await;
    let denied = |outcome: Result<_, AlertError>| match outcome {
        Err(AlertError::Admin(AdminError::Refused(Refusal::Denied { reason, .. }))) => reason,
        other => panic!("expected a refusal, got {other:?}"),
    };
    let alert = access.alerts(&house.security_officer, false).await.unwrap().remove(0);
    assert_eq!((alert.actor.clone(), alert.stops), (actor("chen"), Some(Stop::Session)));
    for other in [&chief, &house.audit_officer, &house.system_officer] {
        assert_eq!(denied(access.lift_stop(other, alert.number).await), Reason::NoRulePermits);
    }
    for other in [&chief, &house.security_officer, &house.system_officer] {
        assert_eq!(denied(access.acknowledge_alert(other, alert.number, None).await), Reason::NoRulePermits);
    }
    assert_eq!(denied(access.alert(&chief, alert.number).await), Reason::NoRulePermits);
    let none = access.lift_stop(&house.security_officer, alert.number + 1).await;
    assert!(matches!(none, Err(AlertError::NotFound)), "{none:?}");

    house.own_alert("sec", Role::SecurityAdministrator, 77).await;
    let own = access.lift_stop(&house.security_officer, 77).await;
    assert!(matches!(own, Err(AlertError::SamePerson)), "{own:?}");
    assert_eq!(house.last_leaf(), "administration failed lift-stop");
    house.own_alert("aud", Role::AuditAdministrator, 78).await;
    let own = access.acknowledge_alert(&house.audit_officer, 78, Some(AlertVerdict::FalsePositive)).await;
    assert!(matches!(own, Err(AlertError::SamePerson)), "{own:?}");

    let lifted = access.lift_stop(&house.security_officer, alert.number).await.unwrap();
    assert_eq!(lifted.lifted.map(|(_, by)| by), Some(actor("sec")));
    assert_eq!(open(&access, &chief, &house, 3).await, Ok(()), "and what was counted is forgiven");
    let twice = access.lift_stop(&house.security_officer, alert.number).await;
    assert!(matches!(twice, Err(AlertError::State)), "{twice:?}");
}

async fn what_was_given_out_stops_at_once_and_is_written_down_right_behind(house: House) {
    let access = house.watched(Few::new(9, Stop::Session));
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let permit = access.authorise(&chief, Action::View, house.study(1, Grade::L4)).await.unwrap();
    access.given_out(&chief, &permit, 1, 999);
    assert!(permit.holds_at(house.now()));
    access.given_out(&chief, &permit, 1, 1000);
    assert!(!permit.holds_at(house.now()));
    assert!(access.still_valid(&chief, &permit).await.is_err(), "before anything is written");
    for _ in 0..500 {
        if !access.alerts(&house.audit_officer, true).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no row came");
}

async fn an_alert_that_cannot_be_written_down_lets_nothing_through(house: House) {
    let access = house.watched(Few::new(0, Stop::Session));
    let chief = house.signed_in("chen", Role::Chief).await.session;
    house.disk.0.store(true, Ordering::SeqCst);
    let refused = access.authorise(&chief, Action::View, house.study(1, Grade::L4)).await.unwrap_err();
    assert!(matches!(refused, Refusal::AuditUnavailable(_)), "{refused:?}");
    let decision = access.decide(&chief, Action::View, &house.study(2, Grade::L4)).await.unwrap();
    assert_eq!(decision.reason, Reason::MonitorLimit, "stopped in this process all the same");
}

async fn exports_alone_are_stopped_where_nothing_more_is_asked_for(house: House) {
    let access = house.watched(Few::new(0, Stop::Export));
    let chief = house.signed_in("chen", Role::Chief).await.session;
    let study = house.study(1, Grade::L4);
    assert!(access.authorise(&chief, Action::Export, study.clone()).await.is_err());
    let decide = async |action| access.decide(&chief, action, &study).await.unwrap();
    assert_eq!(decide(Action::Export).await.reason, Reason::MonitorLimit);
    assert!(decide(Action::View).await.permitted && decide(Action::List).await.permitted);
    assert_eq!(access.visibility(&chief).await.unwrap(), Visibility::Institution);
    assert_eq!(home(), *chief.institution());
}
