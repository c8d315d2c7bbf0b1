//! Consents: kept, read back, withdrawn, and bounded for each patient.

use crate::on_both_engines;
use crate::records::{institution, patient};
use yingdun_catalog::catalogue::consents::{self, CONSENTS_OF_PATIENT_MAX, Consent, ConsentTo};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{ActorId, ConsentForm, ConsentGiver, DepartmentId, Timestamp};

on_both_engines!(Catalogue:
    every_kind_reads_back_until_it_is_withdrawn_and_the_row_stays,
    a_patient_has_so_many_and_no_more,
);

fn actor(name: &str) -> ActorId {
    ActorId::new(name).unwrap()
}

fn consent(number: u64, to: ConsentTo) -> Consent {
    let even = number.is_multiple_of(2);
    Consent {
        number,
        patient: patient(1),
        to,
        form: if even { ConsentForm::Paper } else { ConsentForm::Electronic },
        giver: if even { ConsentGiver::Guardian } else { ConsentGiver::Patient },
        reference: vec![1, 0, 255],
        valid_from: Timestamp::from_ms(10),
        valid_until: Timestamp::from_ms(20),
        entered_by: actor("officer"),
        withdrawn: None,
    }
}

async fn every_kind_reads_back_until_it_is_withdrawn_and_the_row_stays(database: Database) {
    let here = institution("renmin");
    let project = DepartmentId::new("lung-2026").unwrap();
    let all = [ConsentTo::Research(None), ConsentTo::Research(Some(project)), ConsentTo::Sharing];
    let at = Timestamp::from_ms;
    let all: Vec<Consent> = all.into_iter().zip(u64::MAX - 9..).map(|(to, n)| consent(n, to)).collect();
    for consent in &all {
        database.execute(vec![consents::enter(&here, consent, at(0))]).await.unwrap();
    }
    let of = async |ms| {
        let mut found =
            consents::of_patients(&here, [patient(1), patient(2)], at(ms)).alone(&database).await.unwrap();
        found.sort_by_key(|consent| consent.number);
        found
    };
    assert_eq!(of(19).await, all, "those that have not begun, too");
    assert!(of(20).await.is_empty());
    assert!(consents::of_patients(&here, [patient(2)], at(0)).alone(&database).await.unwrap().is_empty());
    let elsewhere = institution("other");
    assert!(
        consents::of_patients(&elsewhere, [patient(1)], at(0)).alone(&database).await.unwrap().is_empty()
    );
    assert_eq!(consents::find(&database, &elsewhere, all[0].number).await.unwrap(), None);

    let other = consents::withdraw(&elsewhere, all[0].number, &actor("sec"), at(15));
    assert!(matches!(database.execute(vec![other]).await, Err(CatalogError::UnexpectedRows { .. })));
    let withdraw = |ms| consents::withdraw(&here, all[0].number, &actor("sec"), at(ms));
    database.execute(vec![withdraw(15)]).await.unwrap();
    assert_eq!((of(14).await.len(), of(15).await.len()), (3, 2));
    let again = database.execute(vec![withdraw(16)]).await;
    assert!(matches!(again, Err(CatalogError::UnexpectedRows { .. })));
    let row = consents::find(&database, &here, all[0].number).await.unwrap().unwrap();
    assert_eq!((row.valid_until, row.withdrawn), (at(15), Some((at(15), actor("sec")))));
    let listed =
        async |not_over, limit| consents::list(&database, &here, not_over, limit).await.unwrap().len();
    assert_eq!(listed(Some(at(15)), 9).await, 2);
    assert_eq!((listed(None, 9).await, listed(None, 2).await), (3, 2), "what was withdrawn, too");
}

async fn a_patient_has_so_many_and_no_more(database: Database) {
    let here = institution("renmin");
    for number in 0..CONSENTS_OF_PATIENT_MAX.unsigned_abs() {
        let entered = consents::enter(&here, &consent(number, ConsentTo::Sharing), Timestamp::from_ms(0));
        database.execute(vec![entered]).await.unwrap();
    }
    let one_more = consent(7000, ConsentTo::Sharing);
    let refused = database.execute(vec![consents::enter(&here, &one_more, Timestamp::from_ms(19))]).await;
    assert!(matches!(refused, Err(CatalogError::UnexpectedRows { .. })), "{refused:?}");
    database.execute(vec![consents::enter(&here, &one_more, Timestamp::from_ms(20))]).await.unwrap();
}
