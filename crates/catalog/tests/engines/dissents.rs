//! Dissents: kept, read back, ended, and bounded for each patient.

use crate::on_both_engines;
use crate::records::{institution, patient};
use yingdun_catalog::catalogue::dissents::{self, Against, DISSENTS_OF_PATIENT_MAX, Dissent};
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{ActorId, DepartmentId, Timestamp};

on_both_engines!(Catalogue:
    every_kind_reads_back_until_it_ends,
    a_patient_has_so_many_and_no_more,
);

fn actor(name: &str) -> ActorId {
    ActorId::new(name).unwrap()
}

fn dissent(number: u64, against: Against) -> Dissent {
    Dissent {
        number,
        patient: patient(1),
        against,
        break_glass: number % 2 == 1,
        valid_from: Timestamp::from_ms(10),
        valid_until: Timestamp::from_ms(20),
        given_by: actor("officer"),
    }
}

async fn every_kind_reads_back_until_it_ends(database: Database) {
    let here = institution("renmin");
    let all = [
        Against::Research,
        Against::Sharing,
        Against::Person(actor("王医生")),
        Against::Department(DepartmentId::new("surgery").unwrap()),
        Against::AllBut(vec![actor("li"), actor("zhao")]),
        Against::AllBut(vec![]),
    ];
    let at = Timestamp::from_ms;
    let all: Vec<Dissent> =
        all.into_iter().zip(u64::MAX - 9..).map(|(against, n)| dissent(n, against)).collect();
    for dissent in &all {
        database.execute(vec![dissents::enter(&here, dissent, at(0))]).await.unwrap();
    }
    let of = async |ms| {
        let mut found =
            dissents::of_patients(&here, [patient(1), patient(2)], at(ms)).alone(&database).await.unwrap();
        found.sort_by_key(|dissent| dissent.number);
        found
    };
    assert_eq!(of(19).await, all, "those that have not begun, too");
    assert!(of(20).await.is_empty());
    assert!(dissents::of_patients(&here, [patient(2)], at(0)).alone(&database).await.unwrap().is_empty());
    assert!(
        dissents::of_patients(&institution("other"), [patient(1)], at(0))
            .alone(&database)
            .await
            .unwrap()
            .is_empty()
    );
    database.execute(vec![dissents::end(&here, all[0].number, at(15))]).await.unwrap();
    assert_eq!((of(14).await.len(), of(15).await.len()), (6, 5));
    let again = database.execute(vec![dissents::end(&here, all[0].number, at(16))]).await;
    assert!(matches!(again, Err(CatalogError::UnexpectedRows { .. })));
    assert_eq!(dissents::list(&database, &here, at(15), 3).await.unwrap().len(), 3);
}

async fn a_patient_has_so_many_and_no_more(database: Database) {
    let here = institution("renmin");
    for number in 0..DISSENTS_OF_PATIENT_MAX.unsigned_abs() {
        let entered = dissents::enter(&here, &dissent(number, Against::Research), Timestamp::from_ms(0));
        database.execute(vec![entered]).await.unwrap();
    }
    let one_more = dissent(7000, Against::Sharing);
    let refused = database.execute(vec![dissents::enter(&here, &one_more, Timestamp::from_ms(19))]).await;
    assert!(matches!(refused, Err(CatalogError::UnexpectedRows { .. })), "{refused:?}");
    database.execute(vec![dissents::enter(&here, &one_more, Timestamp::from_ms(20))]).await.unwrap();
}
