//! Departments: what a specialist, a chief and a technician see, from when until when.

use crate::house::{House, actor, home};
use std::collections::BTreeSet;
use std::time::Duration;
use yingdun_access::{
    AdminError, Department, DeviceHabits, DeviceRecord, PeerFacts, Resource, Scope, Session, StudyFacts,
};
use yingdun_catalog::catalogue::{Visibility, departments};
use yingdun_model::{Action, AeTitle, DepartmentId, Grade, Role, StudyRef, Unit};

crate::on_both_engines!(
    a_specialist_sees_the_own_department_to_the_last_millisecond,
    a_chief_sees_all_and_the_leaf_says_what_was_across_departments,
    a_technician_sees_today_of_the_own_devices_once_there_are_departments,
    what_a_device_sends_is_of_its_department_and_stays_so,
    departments_are_the_office_of_the_security_administrator,
);

fn id(name: &str) -> DepartmentId {
    DepartmentId::new(name).unwrap()
}

fn title(text: &str) -> AeTitle {
    AeTitle::new(text).unwrap()
}

fn reference(number: u8) -> StudyRef {
    StudyRef::from_bytes([number; 16])
}

async fn enter(house: &House, names: &[&str]) {
    for name in names {
        let department = Department { id: id(name), name: (*name).to_owned() };
        house.access.enter_department(&house.security_officer, &department).await.unwrap();
    }
}

async fn join(house: &House, name: &str, unit: &str, lasts: Duration) {
    let unit: Unit = unit.parse().unwrap();
    let (from, until) = (house.now(), house.now().after(lasts));
    house.access.join_unit(&house.security_officer, &actor(name), &unit, from, until).await.unwrap();
}

async fn of(house: &House, number: u8, requesting: &[&str], performing: &[&str]) {
    let all = |names: &[&str]| names.iter().map(|name| id(name)).collect::<BTreeSet<_>>();
    house
        .access
        .set_study_departments(&house.security_officer, reference(number), &all(requesting), &all(performing))
        .await
        .unwrap();
}

async fn views(house: &House, who: &Session, study: &Resource) -> bool {
    let listed = house.access.decide_many(who, Action::List, std::slice::from_ref(study)).await.unwrap();
    let opens = house.access.decide(who, Action::View, study).await.unwrap().permitted;
    assert_eq!(listed.iter().all(|row| row.permitted), opens, "what is listed opens");
    opens
}

/// Sends an object of a study as a device of this title, and says whether it was taken.
async fn send(house: &House, ae_title: &str, number: u8) {
    let record = DeviceRecord {
        ae_title: title(ae_title),
        called_ae: title("YINGDUN"),
        certificate_sha256: Some([1; 32]),
        addresses: "192.0.2.0/24".parse().unwrap(),
        plain_allowed: false,
        disabled: false,
        institution: home(),
        scopes: BTreeSet::from([Scope::Store]),
        destination: None,
        habits: DeviceHabits::default(),
    };
    // Registered by the first object that it sends.
    let _ = house.access.register_device(&house.system_officer, &record).await;
    let facts = PeerFacts {
        certificate_sha256: Some([1; 32]),
        calling: title(ae_title),
        called: title("YINGDUN"),
        address: "192.0.2.9".parse().unwrap(),
        tls: true,
    };
    let session = house.access.authenticate_device(facts).await.unwrap();
    let Resource::Study(study) = house.study(number, Grade::L4) else { unreachable!() };
    let units = async || {
        let of = departments::of_studies(&study.institution, [study.study]).alone(&house.catalogue).await;
        of.unwrap().remove(&study.study)
    };
    let before = units().await;
    house.access.authorise(&session, Action::Store, Resource::Study(study.clone())).await.unwrap();
    assert_eq!(units().await, before, "who may store has sent nothing yet");
    house.access.note_sender(&session, study.study).await.unwrap();
}

async fn a_specialist_sees_the_own_department_to_the_last_millisecond(house: House) {
    let who = house.signed_in("zhao", Role::Specialist).await.session;
    let study = house.study(1, Grade::L4);
    assert!(!views(&house, &who, &study).await, "no departments");
    enter(&house, &["surgery", "cardiology"]).await;
    of(&house, 1, &["surgery"], &[]).await;
    assert!(!views(&house, &who, &study).await, "of no department");
    join(&house, "zhao", "department:cardiology", Duration::from_millis(900)).await;
    assert!(!views(&house, &who, &study).await, "of another department");
    join(&house, "zhao", "department:surgery", Duration::from_millis(3)).await;
    let permit = house.access.authorise(&who, Action::View, study.clone()).await.unwrap();
    assert_eq!(house.last_leaf(), "access permitted in-department");
    assert_eq!(permit.valid_until(), house.now().after(Duration::from_millis(3)), "and no longer");
    assert!(!views(&house, &who, &house.study(1, Grade::L5)).await, "special care");
    assert!(!views(&house, &who, &house.study(2, Grade::L4)).await, "a study of no department");
    let visible = house.access.visibility(&who).await.unwrap();
    let Visibility::OfUnits { units, since: None } = visible else { panic!("{visible:?}") };
    assert!(units.contains(&"requesting:surgery".to_owned()), "{units:?}");
    house.clock.advance(Duration::from_millis(2));
    assert!(views(&house, &who, &study).await);
    house.clock.advance(Duration::from_millis(1));
    assert!(!views(&house, &who, &study).await);
    let visible = house.access.visibility(&who).await.unwrap();
    assert!(
        matches!(visible, Visibility::OfUnits { units, .. } if units.iter().all(|unit| unit.contains("cardio")))
    );
}

async fn a_chief_sees_all_and_the_leaf_says_what_was_across_departments(house: House) {
    let chief = house.signed_in("qian", Role::Chief).await.session;
    let leaf = async |number| {
        house.access.authorise(&chief, Action::View, house.study(number, Grade::L4)).await.unwrap();
        house.last_leaf()
    };
    assert_eq!(leaf(1).await, "access permitted reads-for-institution", "no departments: as it was");
    enter(&house, &["surgery"]).await;
    of(&house, 1, &["surgery"], &[]).await;
    join(&house, "qian", "department:surgery", Duration::from_secs(60)).await;
    assert_eq!(leaf(1).await, "access permitted in-department");
    assert_eq!(leaf(2).await, "access permitted cross-department");
    assert_eq!(house.access.visibility(&chief).await.unwrap(), Visibility::Institution);
}

async fn a_technician_sees_today_of_the_own_devices_once_there_are_departments(house: House) {
    let who = house.signed_in("sun", Role::Technician).await.session;
    assert!(views(&house, &who, &house.study(1, Grade::L4)).await, "no departments: as it was");
    enter(&house, &["ct-room"]).await;
    house
        .access
        .set_device_departments(&house.security_officer, &title("CT02"), &BTreeSet::from([id("ct-room")]))
        .await
        .unwrap();
    for (sender, number) in [("CT01", 1), ("CT02", 2), ("MR01", 3)] {
        send(&house, sender, number).await;
    }
    let seen = async || {
        let mut seen = Vec::new();
        for number in 1..=3 {
            if views(&house, &who, &house.study(number, Grade::L4)).await {
                seen.push(number);
            }
        }
        seen
    };
    assert!(seen().await.is_empty(), "bound to nothing");
    join(&house, "sun", "device:CT01", Duration::from_secs(60)).await;
    assert_eq!(seen().await, [1]);
    join(&house, "sun", "department:ct-room", Duration::from_secs(60)).await;
    assert_eq!(seen().await, [1, 2]);
    let Resource::Study(facts) = house.study(1, Grade::L4) else { panic!("a study") };
    let received = yingdun_model::Timestamp::from_ms(facts.received.as_ms() - 24 * 3_600_000);
    let yesterday = Resource::Study(StudyFacts { received, ..facts });
    assert!(!views(&house, &who, &yesterday).await);
    let visible = house.access.visibility(&who).await.unwrap();
    assert!(matches!(visible, Visibility::OfUnits { since: Some(_), units } if units.len() == 2));
    house
        .access
        .leave_unit(&house.security_officer, &actor("sun"), &"device:CT01".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(seen().await, [2]);
}

async fn what_a_device_sends_is_of_its_department_and_stays_so(house: House) {
    let surgeon = house.signed_in("zhao", Role::Specialist).await.session;
    let physicist = house.signed_in("zhou", Role::Specialist).await.session;
    enter(&house, &["ct-room", "mr-room"]).await;
    for (device, room) in [("CT01", "ct-room"), ("MR01", "mr-room")] {
        let of = BTreeSet::from([id(room)]);
        house.access.set_device_departments(&house.security_officer, &title(device), &of).await.unwrap();
    }
    join(&house, "zhao", "department:ct-room", Duration::from_secs(60)).await;
    join(&house, "zhou", "department:mr-room", Duration::from_secs(60)).await;
    send(&house, "CT01", 1).await;
    send(&house, "MR01", 1).await;
    let study = house.study(1, Grade::L4);
    assert!(views(&house, &surgeon, &study).await);
    assert!(!views(&house, &physicist, &study).await, "a second sender takes nothing over");
    of(&house, 1, &["mr-room"], &["ct-room"]).await;
    assert!(views(&house, &physicist, &study).await, "an officer says otherwise");
}

async fn departments_are_the_office_of_the_security_administrator(house: House) {
    let surgery = Department { id: id("surgery"), name: "外科".to_owned() };
    for officer in [&house.system_officer, &house.audit_officer] {
        let refused = house.access.enter_department(officer, &surgery).await.unwrap_err();
        assert!(matches!(refused, AdminError::Refused(_)), "{refused:?}");
    }
    let nameless = Department { name: " ".to_owned(), ..surgery.clone() };
    let refused = house.access.enter_department(&house.security_officer, &nameless).await.unwrap_err();
    assert!(matches!(refused, AdminError::DepartmentName));
    house.access.enter_department(&house.security_officer, &surgery).await.unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded enter-department");
    let (found, members) = house.access.departments(&house.security_officer).await.unwrap();
    assert_eq!((found, members.len()), (vec![surgery], 0));
    let unit: Unit = "department:morgue".parse().unwrap();
    let (from, until) = (house.now(), house.now().after(Duration::from_secs(1)));
    house.person("zhao", Role::Specialist).await;
    let refused = house
        .access
        .join_unit(&house.security_officer, &actor("zhao"), &unit, from, until)
        .await
        .unwrap_err();
    assert!(matches!(refused, AdminError::NotFound), "no such department");
    let surgery: Unit = "department:surgery".parse().unwrap();
    let refused = house
        .access
        .join_unit(&house.security_officer, &actor("nobody"), &surgery, from, until)
        .await
        .unwrap_err();
    assert!(matches!(refused, AdminError::NotFound), "no such person");
}
