//! Legal holds: what is held is not destroyed, whoever asks and whenever, until two officers let go of it.

use crate::destroy::{destroy, only, opens};
use crate::house::{House, Open, institution};
use crate::{Engine, stop};
use std::time::Duration;
use yingdun_archive::{
    DestroyError, DestroyReason, DestructionState, HoldError, HoldReason, HoldRecord, HoldState,
    ReleaseReason, StudiesOf,
};
use yingdun_audit::{Filter, Outcome};
use yingdun_dicom::synthetic::{Kind, Study};

crate::on_both_engines! {
    what_is_held_is_not_destroyed_until_two_officers_let_go_of_it
    a_hold_on_a_patient_covers_every_study_also_one_that_comes_later
    of_a_hold_and_an_approval_at_once_exactly_one_is_done
}

/// Studies that are held and destroyed at once.
const RACES: u64 = 12;

fn study(seed: u64) -> Study {
    Study::new(seed, Kind::CtMatrix { slices: 1, matrix: 16 })
}

async fn released(open: &Open, hold: &HoldRecord) {
    let (asks, approves) = (open.audit_officer().await, open.security_officer().await);
    open.archive.request_release(&asks, &hold.id, ReleaseReason::Ended).await.unwrap();
    open.archive.approve_release(&approves, &hold.id).await.unwrap();
}

async fn what_is_held_is_not_destroyed_until_two_officers_let_go_of_it(house: House) {
    let open = house.open().await;
    let (one, other) = (study(500), study(501));
    for each in [&one, &other] {
        open.store(&each.instance(0)).await.unwrap();
    }
    let (places, approves) = (open.audit_officer().await, open.security_officer().await);
    let archive = &open.archive;
    // Asked for before the hold is placed, it is not approved after.
    let before = archive.request_destruction(&approves, &only(&one), DestroyReason::Mistake).await.unwrap();
    for session in [&approves, &open.gateway, &open.system] {
        let refused = archive.place_hold(session, &only(&one), HoldReason::Trial).await;
        assert!(matches!(refused, Err(HoldError::Refused(_))), "{refused:?}");
    }
    let hold = archive.place_hold(&places, &only(&one), HoldReason::Litigation).await.unwrap();
    assert_eq!((hold.state, hold.uid.as_ref()), (HoldState::Held, Some(&one.study)));
    let held = archive.approve_destruction(&places, &before.id).await;
    assert!(matches!(&held, Err(DestroyError::Held { hold: by }) if *by == hold.id), "{held:?}");
    assert!(held.unwrap_err().to_string().contains(&format!("yingdun hold release {}", hold.id)));
    let held = archive.request_destruction(&approves, &only(&one), DestroyReason::Mistake).await;
    assert!(matches!(held, Err(DestroyError::Held { .. })), "{held:?}");
    let held = archive.plan_destruction(&approves, &only(&one)).await;
    assert!(matches!(held, Err(DestroyError::Held { .. })), "{held:?}");
    let by_patient = StudiesOf::Patient { issuer: String::new(), patient_id: one.patient.id.clone() };
    let held = archive.request_destruction(&approves, &by_patient, DestroyReason::Mistake).await;
    assert!(matches!(held, Err(DestroyError::Held { .. })), "{held:?}");
    // Its neighbour is free.
    destroy(&open, &only(&other)).await;

    // One person alone releases nothing, nor does a request that nobody approved, or that was refused.
    let early = archive.approve_release(&approves, &hold.id).await;
    assert!(matches!(early, Err(HoldError::State { state: HoldState::Held })), "{early:?}");
    let wrong = archive.request_release(&approves, &hold.id, ReleaseReason::Ended).await;
    assert!(matches!(wrong, Err(HoldError::Refused(_))), "{wrong:?}");
    archive.request_release(&places, &hold.id, ReleaseReason::Ended).await.unwrap();
    let alone = archive.approve_release(&places, &hold.id).await;
    assert!(matches!(alone, Err(HoldError::Refused(_))), "{alone:?}");
    let held = archive.approve_destruction(&places, &before.id).await;
    assert!(matches!(held, Err(DestroyError::Held { .. })), "{held:?}");
    let back = archive.withdraw_release(&approves, &hold.id).await.unwrap();
    assert_eq!(back, hold);
    opens(&open, &one).await;

    released(&open, &hold).await;
    let over = archive.hold(&approves, &hold.id).await.unwrap();
    assert_eq!((over.state, over.uid.as_ref()), (HoldState::Released, None));
    assert_eq!(over.release.released_by.as_ref().map(|by| by.as_str()), Some("sec"));
    assert!(matches!(archive.holds(&open.gateway).await, Err(HoldError::Refused(_))));
    assert_eq!(archive.holds(&places).await.unwrap(), [over]);
    archive.approve_destruction(&places, &before.id).await.unwrap();

    // The leaves say it, and name the study.
    open.log.checkpoint().await.unwrap();
    let study = open.archive.study_reference(&institution(), &one.study).await.unwrap();
    let filter = Filter { study: Some(study), outcome: Some(Outcome::Succeeded), ..Filter::default() };
    let told: Vec<_> = open.log.reader().search(filter).map(|found| found.unwrap().leaf).collect();
    let steps = ["place-hold", "request-release", "withdraw-release", "approve-release"];
    for step in steps {
        assert!(told.iter().any(|leaf| leaf.reason.as_str() == step), "{step}");
    }
}

async fn a_hold_on_a_patient_covers_every_study_also_one_that_comes_later(house: House) {
    let open = house.open().await;
    let (first, mut second) = (study(510), study(511));
    second.patient = first.patient.clone();
    open.store(&first.instance(0)).await.unwrap();
    let (places, asks) = (open.audit_officer().await, open.security_officer().await);
    let patient = StudiesOf::Patient { issuer: String::new(), patient_id: first.patient.id.clone() };
    let hold = open.archive.place_hold(&places, &patient, HoldReason::Investigation).await.unwrap();
    assert_eq!((hold.uid.as_ref(), hold.study), (None, None));
    open.store(&second.instance(0)).await.unwrap();
    for one in [&first, &second] {
        let held = open.archive.request_destruction(&asks, &only(one), DestroyReason::Mistake).await;
        assert!(matches!(held, Err(DestroyError::Held { .. })), "{held:?}");
    }
    // A second hold stands when the first is released.
    let again = open.archive.place_hold(&places, &only(&second), HoldReason::Ordered).await.unwrap();
    released(&open, &hold).await;
    destroy(&open, &only(&first)).await;
    let held = open.archive.request_destruction(&asks, &only(&second), DestroyReason::Mistake).await;
    assert!(matches!(&held, Err(DestroyError::Held { hold: by }) if *by == again.id), "{held:?}");
    let nobody = StudiesOf::Patient { issuer: String::new(), patient_id: "nobody".to_owned() };
    for target in [&only(&first), &only(&study(519)), &nobody] {
        let nothing = open.archive.place_hold(&places, target, HoldReason::Trial).await;
        assert!(matches!(nothing, Err(HoldError::NotFound)), "{nothing:?}");
    }
}

async fn of_a_hold_and_an_approval_at_once_exactly_one_is_done(house: House) {
    let open = house.open().await;
    let (audit, security) = (open.audit_officer().await, open.security_officer().await);
    let mut asked = Vec::new();
    for seed in 520..520 + RACES {
        let one = study(seed);
        open.store(&one.instance(0)).await.unwrap();
        let request = open.archive.request_destruction(&security, &only(&one), DestroyReason::Trial).await;
        asked.push((one, request.unwrap().id));
    }
    let mut gone = Vec::new();
    for (number, (one, destruction)) in asked.iter().enumerate() {
        let target = only(one);
        let approve = async {
            // From the same moment to far behind it, so that each comes first somewhere.
            tokio::time::sleep(Duration::from_millis(4 * (number as u64 / 2))).await;
            open.archive.approve_destruction(&audit, destruction).await
        };
        let place = async {
            tokio::time::sleep(Duration::from_millis(20 * (number as u64 % 2))).await;
            open.archive.place_hold(&audit, &target, HoldReason::Trial).await
        };
        match tokio::join!(approve, place) {
            (Ok(_), Err(HoldError::BeingDestroyed { destruction: by })) => {
                assert_eq!(by, *destruction);
                gone.push(destruction);
            }
            // It is gone already.
            (Ok(_), Err(HoldError::NotFound)) => gone.push(destruction),
            (Err(DestroyError::Held { .. }), Ok(_)) => {}
            other => unreachable!("{number}: {other:?}"),
        }
    }
    for destruction in &gone {
        let mut state = DestructionState::Approved;
        while state != DestructionState::Done {
            tokio::time::sleep(Duration::from_millis(50)).await;
            state = open.archive.destruction(&security, destruction).await.unwrap().state;
        }
    }
    for (one, _) in asked.iter().filter(|(_, destruction)| !gone.contains(&destruction)) {
        opens(&open, one).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_a_copy_forgot_is_placed_again_and_what_was_destroyed_after_a_release_stays_destroyed() {
    let house = House::new(Engine::Sqlite);
    let open = house.open().await;
    let (kept, gone) = (study(540), study(541));
    for one in [&kept, &gone] {
        open.store(&one.instance(0)).await.unwrap();
    }
    let places = open.audit_officer().await;
    let let_go = open.archive.place_hold(&places, &only(&gone), HoldReason::Trial).await.unwrap();
    stop(open).await;
    let copies = tempfile::tempdir().unwrap();
    let files = ["keys.db", "epoch.key", "catalogue.db"];
    house.copy(&files, house.path(), copies.path());
    let open = house.open().await;
    let places = open.audit_officer().await;
    let hold = open.archive.place_hold(&places, &only(&kept), HoldReason::Ordered).await.unwrap();
    let over = open.archive.place_hold(&places, &only(&kept), HoldReason::Trial).await.unwrap();
    released(&open, &over).await;
    released(&open, &let_go).await;
    destroy(&open, &only(&gone)).await;
    stop(open).await;
    house.copy(&files, copies.path(), house.path());

    // Twice: it is placed again once.
    for _ in 0..2 {
        let open = house.open().await;
        let (places, asks) = (open.audit_officer().await, open.security_officer().await);
        let of_kept: Vec<_> = open.archive.holds(&places).await.unwrap();
        let of_kept: Vec<_> = of_kept.iter().filter(|found| found.study == hold.study).collect();
        assert_eq!(of_kept.len(), 1, "{of_kept:?}");
        assert_eq!((of_kept[0].reason, of_kept[0].state), (HoldReason::FromLog, HoldState::Held));
        assert_eq!((of_kept[0].placed_ms, &of_kept[0].placed_by), (hold.placed_ms, &hold.placed_by));
        let held = open.archive.request_destruction(&asks, &only(&kept), DestroyReason::Mistake).await;
        assert!(matches!(held, Err(DestroyError::Held { .. })), "{held:?}");
        opens(&open, &kept).await;
        let back = open.read_back(&gone.study, &gone.instance(0).sop_instance).await;
        assert!(back.is_err(), "what was destroyed stays destroyed");
        stop(open).await;
    }
}
