//! Associations: what must fit, what is answered, what is written down.

use crate::house::{House, home};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use yingdun_access::{
    AssociationReject, DeviceFault, DeviceHabits, DeviceRecord, DeviceRefusal, PeerFacts, Reason, Resource,
    Scope, SignInError,
};
use yingdun_model::{Action, ActorKind, AeTitle, Grade, Role};

crate::on_both_engines!(
    a_registered_device_stores_and_echoes_and_reads_nothing_back,
    what_does_not_fit_is_rejected_and_written_down,
    a_secret_that_others_could_read_is_refused_under_the_name_of_the_device,
    a_device_that_is_disabled_or_gets_another_certificate_stops_at_its_next_decision,
    a_device_may_what_the_security_administrator_granted_it,
    what_was_granted_to_one_certificate_was_not_granted_to_another,
    a_stranger_who_knocks_without_end_is_counted,
);

fn title(text: &str) -> AeTitle {
    AeTitle::new(text).unwrap()
}

fn record() -> DeviceRecord {
    DeviceRecord {
        ae_title: title("CT 01"),
        called_ae: title("YINGDUN"),
        certificate_sha256: Some([1; 32]),
        addresses: "192.0.2.0/24".parse().unwrap(),
        plain_allowed: false,
        disabled: false,
        institution: home(),
        scopes: BTreeSet::from([Scope::Store]),
        destination: None,
        habits: DeviceHabits::default(),
    }
}

fn facts() -> PeerFacts {
    PeerFacts {
        certificate_sha256: Some([1; 32]),
        calling: title("CT 01"),
        called: title("YINGDUN"),
        address: "192.0.2.9".parse().unwrap(),
        tls: true,
    }
}

async fn fault(house: &House, facts: PeerFacts) -> (DeviceFault, AssociationReject) {
    match house.access.authenticate_device(facts).await {
        Err(refusal @ DeviceRefusal::Fault(fault)) => (fault, refusal.reject()),
        other => panic!("expected a fault, got {other:?}"),
    }
}

async fn a_registered_device_stores_and_echoes_and_reads_nothing_back(house: House) {
    house.access.register_device(&house.system_officer, &record()).await.unwrap();
    let session = house.access.authenticate_device(facts()).await.unwrap();
    assert_eq!(house.last_leaf(), "association permitted device-certificate");
    assert_eq!((session.actor_kind(), session.role()), (ActorKind::Device, Role::Device));
    assert_eq!(session.actor().as_str(), "CT␠01");
    let permit = house.access.authorise(&session, Action::Store, house.study(1, Grade::L5)).await.unwrap();
    assert!(permit.take_unwrap());
    let archive = Resource::Archive(home());
    assert!(house.access.decide(&session, Action::Echo, &archive).await.unwrap().permitted);
    assert!(!house.access.decide(&session, Action::Search, &archive).await.unwrap().permitted);
    for action in [Action::View, Action::List] {
        let decision = house.access.decide(&session, action, &house.study(1, Grade::L1)).await.unwrap();
        assert!(!decision.permitted, "{action}");
    }
    let again = house.access.authenticate_device(facts()).await.unwrap();
    assert_ne!(again.id(), session.id(), "every association is a session of its own");
}

async fn what_does_not_fit_is_rejected_and_written_down(house: House) {
    let plain =
        DeviceRecord { ae_title: title("PLAIN"), plain_allowed: true, certificate_sha256: None, ..record() };
    for record in [record(), plain] {
        house.access.register_device(&house.system_officer, &record).await.unwrap();
    }
    let elsewhere: IpAddr = "198.51.100.1".parse().unwrap();
    let none_given = AssociationReject { result: 1, source: 1, reason: 1 };
    let calling = AssociationReject { result: 1, source: 1, reason: 3 };
    let called = AssociationReject { result: 1, source: 1, reason: 7 };
    let cases = [
        (PeerFacts { calling: title("CT02"), ..facts() }, DeviceFault::UnknownCalling, calling),
        (PeerFacts { called: title("OTHER"), ..facts() }, DeviceFault::UnknownCalled, called),
        (
            PeerFacts { certificate_sha256: Some([2; 32]), ..facts() },
            DeviceFault::WrongCertificate,
            none_given,
        ),
        (PeerFacts { address: elsewhere, ..facts() }, DeviceFault::WrongAddress, none_given),
        (PeerFacts { tls: false, ..facts() }, DeviceFault::PlainNotAllowed, none_given),
    ];
    for (peer, expected, answer) in cases {
        assert_eq!(fault(&house, peer).await, (expected, answer));
        assert_eq!(house.last_leaf(), format!("association refused {}", expected.as_str()));
    }
    let plain = PeerFacts { calling: title("PLAIN"), certificate_sha256: None, tls: false, ..facts() };
    assert!(house.access.authenticate_device(plain).await.is_ok(), "plain DICOM where it is spelled out");
}

async fn a_secret_that_others_could_read_is_refused_under_the_name_of_the_device(house: House) {
    let plain = DeviceRecord { plain_allowed: true, certificate_sha256: None, ..record() };
    house.access.register_device(&house.system_officer, &plain).await.unwrap();
    let facts = PeerFacts { certificate_sha256: None, tls: false, ..facts() };
    let session = house.access.authenticate_device(facts).await.unwrap();
    assert!(!session.peer().is_confidential());
    assert!(matches!(house.access.refuse_secret_in_clear(&session).await, SignInError::Refused));
    assert_eq!(house.last_leaf(), "authentication refused secret-in-clear");
}

async fn a_device_that_is_disabled_or_gets_another_certificate_stops_at_its_next_decision(house: House) {
    house.access.register_device(&house.system_officer, &record()).await.unwrap();
    let session = house.access.authenticate_device(facts()).await.unwrap();
    let permit = house.access.authorise(&session, Action::Store, house.study(1, Grade::L4)).await.unwrap();
    let disabled = DeviceRecord { disabled: true, ..record() };
    house.access.update_device(&house.system_officer, &disabled).await.unwrap();
    house.clock.advance(Duration::from_secs(5));
    let refusal = house.access.still_valid(&session, &permit).await.unwrap_err();
    assert_eq!(refusal.reason(), Some(Reason::AccountDisabled));
    assert_eq!(fault(&house, facts()).await.0, DeviceFault::Disabled);

    let renewed = DeviceRecord { certificate_sha256: Some([3; 32]), ..record() };
    house.access.update_device(&house.system_officer, &renewed).await.unwrap();
    let refusal =
        house.access.authorise(&session, Action::Store, house.study(1, Grade::L4)).await.unwrap_err();
    assert_eq!(refusal.reason(), Some(Reason::SessionEnded), "the old certificate proves nothing any more");
    assert_eq!(house.access.devices(&house.system_officer).await.unwrap(), [renewed]);
}

async fn a_device_may_what_the_security_administrator_granted_it(house: House) {
    house.access.register_device(&house.system_officer, &record()).await.unwrap();
    let session = house.access.authenticate_device(facts()).await.unwrap();
    let archive = Resource::Archive(home());
    let may = async |action, on: &Resource| house.access.decide(&session, action, on).await.unwrap();
    let grant = async |scopes: &[Scope]| {
        let scopes = scopes.iter().copied().collect();
        let (officer, record) = (&house.security_officer, record());
        house
            .access
            .grant_device_scopes(officer, &record.ae_title, &record.called_ae, &scopes)
            .await
            .unwrap();
    };
    grant(&[Scope::View]).await;
    assert!(may(Action::Search, &archive).await.permitted, "also on an association that is open");
    assert!(may(Action::View, &house.study(1, Grade::L4)).await.permitted);
    assert!(!may(Action::View, &house.study(1, Grade::L5)).await.permitted, "no device has a care relation");
    assert!(!may(Action::Store, &house.study(1, Grade::L4)).await.permitted);
    grant(&[Scope::Search]).await;
    assert!(
        !may(Action::List, &house.study(1, Grade::L4)).await.permitted,
        "what does not open is not listed"
    );
    grant(&[]).await;
    assert!(!may(Action::Search, &archive).await.permitted);
    assert!(may(Action::Echo, &archive).await.permitted);
}

async fn what_was_granted_to_one_certificate_was_not_granted_to_another(house: House) {
    let (system, security) = (&house.system_officer, &house.security_officer);
    let scopes = BTreeSet::from([Scope::Store, Scope::View]);
    let held = async || house.access.devices(system).await.unwrap().remove(0).scopes;
    house.access.register_device(system, &record()).await.unwrap();
    assert_eq!(held().await, BTreeSet::from([Scope::Store]));
    for bound_anew in [
        DeviceRecord { certificate_sha256: Some([3; 32]), ..record() },
        DeviceRecord { certificate_sha256: None, ..record() },
        DeviceRecord { addresses: "any".parse().unwrap(), ..record() },
        DeviceRecord { plain_allowed: true, ..record() },
    ] {
        house.access.update_device(system, &record()).await.unwrap();
        let titles = (&bound_anew.ae_title, &bound_anew.called_ae);
        house.access.grant_device_scopes(security, titles.0, titles.1, &scopes).await.unwrap();
        let sent_elsewhere = DeviceRecord {
            destination: Some("ws.example:2762".parse().unwrap()),
            disabled: true,
            ..record()
        };
        house.access.update_device(system, &sent_elsewhere).await.unwrap();
        assert_eq!(held().await, scopes, "the binding is the same");
        house.access.update_device(system, &bound_anew).await.unwrap();
        assert_eq!(held().await, BTreeSet::from([Scope::Store]), "{bound_anew:?}");
    }
}

async fn a_stranger_who_knocks_without_end_is_counted(house: House) {
    let before = house.leaves().len();
    for _ in 0..100 {
        assert_eq!(fault(&house, facts()).await.0, DeviceFault::UnknownCalling);
    }
    assert_eq!(house.leaves().len() - before, 20);
    house.access.register_device(&house.system_officer, &record()).await.unwrap();
    assert!(house.access.authenticate_device(facts()).await.is_ok(), "who is expected is never held back");
}
