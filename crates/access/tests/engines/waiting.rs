//! Devices that called in vain: what is kept of them, for whom, how much of it, and what registering one does.

use crate::house::{House, home, unhurried};
use std::net::IpAddr;
use std::time::Duration;
use yingdun_access::{
    AdminError, Attempt, AttemptCause, DeviceFault, DeviceRecord, DeviceRefusal, PeerFacts, ShownCertificate,
    WAITING_KEPT, WaitingApproval, WaitingDevice,
};
use yingdun_catalog::identity::waiting_devices;
use yingdun_model::{AeTitle, Role, Timestamp};

crate::on_both_engines!(
    a_device_that_called_in_vain_is_registered_with_what_was_seen_of_it,
    attempts_are_counted_on_all_nodes_together_and_known_after_a_restart,
    a_flood_of_titles_from_one_address_takes_nobody_elses_row_and_few_of_the_database,
    who_is_registered_otherwise_waits_no_longer,
    what_a_record_says_otherwise_and_what_tls_refused_is_not_registered,
    for_another_called_title_only_the_registered_device_itself_is_registered,
    without_tls_somebody_has_to_say_so,
    a_dismissed_device_is_out_of_sight_until_that_is_over,
    old_rows_go,
    only_the_system_administrator_sees_and_approves,
);

fn title(text: &str) -> AeTitle {
    AeTitle::new(text).unwrap()
}

fn certificate(number: u8) -> ShownCertificate {
    ShownCertificate {
        sha256: [number; 32],
        subject: "CN=CT02".into(),
        issuer: "CN=ours".into(),
        valid_until: Timestamp::from_ms(4_000_000_000_000),
        is_trusted: true,
    }
}

fn attempt(calling: &str) -> Attempt {
    Attempt {
        titles: Some((title(calling), title("YINGDUN"))),
        address: "192.0.2.9".parse().unwrap(),
        tls: true,
        certificate: Some(certificate(7)),
        cause: AttemptCause::UnknownCalling,
    }
}

fn plain(calling: &str, address: &str) -> Attempt {
    Attempt { address: address.parse().unwrap(), tls: false, certificate: None, ..attempt(calling) }
}

fn facts(calling: &str) -> PeerFacts {
    PeerFacts {
        certificate_sha256: Some([7; 32]),
        calling: title(calling),
        called: title("YINGDUN"),
        address: "192.0.2.9".parse().unwrap(),
        tls: true,
    }
}

async fn listed(house: &House) -> Vec<WaitingDevice> {
    house.access.waiting_devices(&house.system_officer, false).await.unwrap()
}

async fn only(house: &House) -> WaitingDevice {
    let mut listed = listed(house).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed.remove(0)
}

fn titles(listed: &[WaitingDevice]) -> Vec<&str> {
    listed.iter().filter_map(|one| one.calling.as_ref()).map(AeTitle::as_str).collect()
}

async fn a_device_that_called_in_vain_is_registered_with_what_was_seen_of_it(house: House) {
    house.access.note_attempt(attempt("CT02"));
    house.clock.advance(Duration::from_secs(60));
    house.access.note_attempt(attempt("CT02"));
    let waiting = only(&house).await;
    assert_eq!((waiting.attempts, waiting.last.as_ms() - waiting.first.as_ms()), (2, 60_000));
    assert_eq!((waiting.cause, waiting.is_known), (AttemptCause::UnknownCalling, false));
    assert_eq!(waiting.certificate, Some(certificate(7)));
    assert!(waiting.is_approvable());

    let approved = house
        .access
        .approve_waiting_device(&house.system_officer, waiting.attempt, WaitingApproval::default())
        .await
        .unwrap();
    assert_eq!(house.last_leaf(), "administration succeeded approve-device");
    assert_eq!(approved.addresses.to_string(), "192.0.2.9/32");
    assert!(!approved.plain_allowed);
    let records = house.access.devices(&house.system_officer).await.unwrap();
    assert_eq!(records, [approved], "it is as if somebody had registered it");
    house.access.authenticate_device(facts("CT02")).await.unwrap();
    for other in [
        PeerFacts { certificate_sha256: Some([8; 32]), ..facts("CT02") },
        PeerFacts { address: "192.0.2.10".parse().unwrap(), ..facts("CT02") },
        PeerFacts { tls: false, certificate_sha256: None, ..facts("CT02") },
    ] {
        assert!(house.access.authenticate_device(other).await.is_err());
    }
    assert!(listed(&house).await.is_empty());
    let again = house
        .access
        .approve_waiting_device(&house.system_officer, waiting.attempt, WaitingApproval::default())
        .await;
    assert!(matches!(again, Err(AdminError::NotFound)), "{again:?}");
    assert_eq!(house.last_leaf(), "administration failed approve-device");
}

async fn attempts_are_counted_on_all_nodes_together_and_known_after_a_restart(house: House) {
    let there = house.node(unhurried());
    for _ in 0..3 {
        house.access.note_attempt(attempt("CT02"));
        there.note_attempt(attempt("CT02"));
    }
    there.keep_attempts().await.unwrap();
    house.access.keep_attempts().await.unwrap();
    assert!(!house.access.has_attempts());
    let anew = house.node(unhurried());
    let waiting = anew.waiting_devices(&house.system_officer, false).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].attempts), (1, 6));
}

async fn a_flood_of_titles_from_one_address_takes_nobody_elses_row_and_few_of_the_database(house: House) {
    house.access.note_attempt(attempt("CT02"));
    house.access.note_attempt(plain("XR07", "192.0.2.70"));
    house.access.keep_attempts().await.unwrap();
    for round in 0..40 {
        for number in 0..100 {
            house.clock.advance(Duration::from_millis(1));
            house.access.note_attempt(plain(&format!("A{round}X{number}"), "203.0.113.66"));
        }
        house.access.keep_attempts().await.unwrap();
    }
    let listed = listed(&house).await;
    assert!(titles(&listed).contains(&"CT02") && titles(&listed).contains(&"XR07"), "{:?}", titles(&listed));
    assert_eq!(listed.len(), 2 + 8);
    assert_eq!(listed[0].calling, Some(title("A39X99")), "who called last stands first");
    // Neither does an attacker with a whole network, though there is less room for itself.
    for host in 0..=255_u8 {
        for number in 0..4 {
            house.clock.advance(Duration::from_millis(1));
            house.access.note_attempt(plain(&format!("B{number}"), &format!("203.0.113.{host}")));
        }
        house.access.keep_attempts().await.unwrap();
    }
    let rows = waiting_devices::list(&house.identity, &home()).await.unwrap();
    assert_eq!(rows.len(), 128 + 1, "those without a certificate, and the one with");
    let callers: Vec<_> = rows.iter().filter_map(|row| row.calling.as_ref()).map(AeTitle::as_str).collect();
    assert!(callers.contains(&"CT02") && callers.contains(&"XR07"));
}

async fn who_is_registered_otherwise_waits_no_longer(house: House) {
    house.access.note_attempt(attempt("CT02"));
    let waiting = only(&house).await;
    let approved = WaitingApproval::default();
    let record = house.access.approve_waiting_device(&house.system_officer, waiting.attempt, approved).await;
    // The same call came once more before anybody could know.
    house.access.note_attempt(attempt("CT02"));
    assert!(listed(&house).await.is_empty());
    // Another certificate under the same title is the business of its record.
    house.access.note_attempt(Attempt { certificate: Some(certificate(8)), ..attempt("CT02") });
    let other = only(&house).await;
    assert_eq!((other.cause, other.is_known), (AttemptCause::WrongCertificate, true));
    let record = yingdun_access::DeviceRecord { certificate_sha256: Some([8; 32]), ..record.unwrap() };
    house.access.update_device(&house.system_officer, &record).await.unwrap();
    assert!(listed(&house).await.is_empty(), "it fits now");
    house.access.keep_attempts().await.unwrap();
    assert!(waiting_devices::list(&house.identity, &home()).await.unwrap().is_empty());
}

async fn what_a_record_says_otherwise_and_what_tls_refused_is_not_registered(house: House) {
    house.access.note_attempt(attempt("CT02"));
    let waiting = only(&house).await;
    let approve = async |attempt| {
        house.access.approve_waiting_device(&house.system_officer, attempt, WaitingApproval::default()).await
    };
    approve(waiting.attempt).await.unwrap();
    // Somebody with a certificate of ours, another address, or none.
    let elsewhere: IpAddr = "198.51.100.1".parse().unwrap();
    house.access.note_attempt(Attempt { certificate: Some(certificate(8)), ..attempt("CT02") });
    house.access.note_attempt(Attempt { address: elsewhere, ..attempt("CT02") });
    house.access.note_attempt(plain("CT02", "192.0.2.9"));
    let untrusted = ShownCertificate { is_trusted: false, ..certificate(9) };
    house.access.note_attempt(Attempt {
        titles: None,
        certificate: Some(untrusted),
        cause: AttemptCause::AuthorityUnknown,
        ..attempt("NONE")
    });
    let all = listed(&house).await;
    assert_eq!(all.len(), 4);
    for one in &all {
        assert!(!one.is_approvable(), "{one:?}");
        let refused = approve(one.attempt).await;
        assert!(matches!(refused, Err(AdminError::NotApprovable)), "{refused:?}");
        assert_eq!(house.last_leaf(), "administration failed approve-device");
    }
    assert_eq!(house.access.devices(&house.system_officer).await.unwrap().len(), 1);
}

/// The title of a registered device is a name in the log, too: a made-up called title is no way around its record.
async fn for_another_called_title_only_the_registered_device_itself_is_registered(house: House) {
    house.access.note_attempt(attempt("CT02"));
    let waiting = only(&house).await;
    let approve = async |attempt| {
        let approval = WaitingApproval { plain_allowed: true, ..WaitingApproval::default() };
        house.access.approve_waiting_device(&house.system_officer, attempt, approval).await
    };
    approve(waiting.attempt).await.unwrap();
    let other = || Attempt { titles: Some((title("CT02"), title("OTHER"))), ..attempt("CT02") };
    // Any certificate of the house, another address, none at all.
    house.access.note_attempt(Attempt { certificate: Some(certificate(8)), ..other() });
    house.access.note_attempt(Attempt { address: "192.0.2.66".parse().unwrap(), ..other() });
    house.access.note_attempt(Attempt { tls: false, certificate: None, ..other() });
    let strangers = listed(&house).await;
    assert_eq!(strangers.len(), 3);
    for one in &strangers {
        assert_eq!((one.cause, one.is_known, one.is_itself), (AttemptCause::UnknownCalled, true, false));
        let refused = approve(one.attempt).await;
        assert!(matches!(refused, Err(AdminError::NotApprovable)), "{refused:?}");
    }
    // The CT itself.
    house.access.note_attempt(other());
    let itself = listed(&house).await.into_iter().find(WaitingDevice::is_approvable).unwrap();
    assert_eq!((itself.cause, itself.is_itself), (AttemptCause::UnknownCalled, true));
    // Not while it is switched off.
    let record = house.access.devices(&house.system_officer).await.unwrap().remove(0);
    let disabled = DeviceRecord { disabled: true, ..record.clone() };
    house.access.update_device(&house.system_officer, &disabled).await.unwrap();
    assert!(matches!(approve(itself.attempt).await, Err(AdminError::NotApprovable)));
    house.access.update_device(&house.system_officer, &record).await.unwrap();
    assert_eq!(approve(itself.attempt).await.unwrap().called_ae, title("OTHER"));
}

async fn without_tls_somebody_has_to_say_so(house: House) {
    house.access.note_attempt(plain("XR07", "192.0.2.70"));
    let waiting = only(&house).await;
    let approve = async |approval| {
        house.access.approve_waiting_device(&house.system_officer, waiting.attempt, approval).await
    };
    let refused = approve(WaitingApproval::default()).await;
    assert!(matches!(refused, Err(AdminError::PlainNotSpelledOut)), "{refused:?}");
    let record = approve(WaitingApproval {
        plain_allowed: true,
        addresses: Some("192.0.2.64/28".parse().unwrap()),
        destination: Some("plain://xr07.example:104".parse().unwrap()),
    })
    .await
    .unwrap();
    assert_eq!((record.certificate_sha256, record.plain_allowed), (None, true));
    assert_eq!(record.addresses.to_string(), "192.0.2.64/28");
    let facts = PeerFacts {
        certificate_sha256: None,
        address: "192.0.2.71".parse().unwrap(),
        tls: false,
        ..facts("XR07")
    };
    house.access.authenticate_device(facts.clone()).await.unwrap();
    let over_tls = house.access.authenticate_device(PeerFacts { tls: true, ..facts }).await;
    assert!(matches!(over_tls, Err(DeviceRefusal::Fault(DeviceFault::WrongCertificate))));
}

async fn a_dismissed_device_is_out_of_sight_until_that_is_over(house: House) {
    house.access.note_attempt(attempt("CT02"));
    let waiting = only(&house).await;
    let dismiss = async |days| {
        house.access.dismiss_waiting_device(&house.system_officer, waiting.attempt, days).await.unwrap();
    };
    dismiss(Some(30)).await;
    assert_eq!(house.last_leaf(), "administration succeeded dismiss-device");
    house.access.note_attempt(attempt("CT02"));
    assert!(listed(&house).await.is_empty());
    let all = house.access.waiting_devices(&house.system_officer, true).await.unwrap();
    assert_eq!(all[0].attempts, 2, "it goes on to be counted");
    assert_eq!(all[0].dismissed.as_ref().unwrap().1.as_str(), "sys");
    dismiss(None).await;
    assert_eq!(house.last_leaf(), "administration succeeded restore-device");
    assert_eq!(only(&house).await.dismissed, None);
    dismiss(Some(30)).await;
    let nobody = house.access.dismiss_waiting_device(&house.system_officer, [0; 16], Some(1)).await;
    assert!(matches!(nobody, Err(AdminError::NotFound)));
    // For longer than rows are kept: it does not come back by being forgotten.
    house.clock.advance(WAITING_KEPT + Duration::from_secs(3600));
    house.access.keep_attempts().await.unwrap();
    house.access.note_attempt(attempt("CT02"));
    house.access.keep_attempts().await.unwrap();
    let rows = waiting_devices::list(&house.identity, &home()).await.unwrap();
    assert_eq!((rows.len(), rows[0].attempts), (1, 3));
    assert!(rows[0].dismissed_until > Some(house.now()), "it is out of sight still");
    house.clock.advance(Duration::from_secs(30 * 24 * 3600));
    house.access.keep_attempts().await.unwrap();
    assert!(waiting_devices::list(&house.identity, &home()).await.unwrap().is_empty());
}

async fn old_rows_go(house: House) {
    house.access.note_attempt(attempt("CT02"));
    house.access.keep_attempts().await.unwrap();
    house.clock.advance(WAITING_KEPT.checked_sub(Duration::from_millis(1)).unwrap());
    house.access.keep_attempts().await.unwrap();
    assert_eq!(waiting_devices::list(&house.identity, &home()).await.unwrap().len(), 1);
    house.clock.advance(Duration::from_millis(1));
    house.access.keep_attempts().await.unwrap();
    assert!(waiting_devices::list(&house.identity, &home()).await.unwrap().is_empty());
}

async fn only_the_system_administrator_sees_and_approves(house: House) {
    house.access.note_attempt(attempt("CT02"));
    let waiting = only(&house).await;
    let doctor = house.signed_in("li", Role::Radiologist).await.session;
    for session in [&house.security_officer, &house.audit_officer, &doctor] {
        assert!(matches!(house.access.waiting_devices(session, true).await, Err(AdminError::Refused(_))));
        for attempt in [waiting.attempt, [0; 16]] {
            let approved =
                house.access.approve_waiting_device(session, attempt, WaitingApproval::default()).await;
            assert!(matches!(approved, Err(AdminError::Refused(_))), "whether there is one or not");
            assert!(house.last_leaf().starts_with("administration refused"), "{}", house.last_leaf());
            let dismissed = house.access.dismiss_waiting_device(session, attempt, Some(1)).await;
            assert!(matches!(dismissed, Err(AdminError::Refused(_))));
        }
    }
    assert_eq!(listed(&house).await.len(), 1);
}
