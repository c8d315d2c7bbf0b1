//! What the keys tell of a patient.

use crate::on_both_engines;
use yingdun_catalog::Database;
use yingdun_catalog::keyring::destructions::{has_keys_but, keys_of_patient};
use yingdun_catalog::keyring::patient_keys::{self, PatientKey};
use yingdun_catalog::keyring::study_keys::{self, StudyKey};
use yingdun_catalog::keyring::{KekLine, epochs, keks};
use yingdun_model::{Grade, InstitutionId, PatientRef, StudyRef, Timestamp};

on_both_engines! { Keys:
    who_has_only_special_care_is_not_there_for_a_grant,
}

async fn who_has_only_special_care_is_not_there_for_a_grant(database: Database) {
    let (house, now) = (InstitutionId::new("renmin").unwrap(), Timestamp::from_ms(1));
    let patient = PatientRef::from_bytes([7; 16]);
    let known = async || {
        let any = !keys_of_patient(&database, &house, patient, 1).await.unwrap().is_empty();
        (any, has_keys_but(&database, &house, patient, Grade::L5).await.unwrap())
    };
    database.execute(vec![epochs::insert(1, &[1; 40], now)]).await.unwrap();
    assert_eq!(known().await, (false, false));
    for (number, grade, expected) in [(1, Grade::L5, (true, false)), (2, Grade::L4, (true, true))] {
        let line = KekLine { institution: house.clone(), grade, suite: "aes-256".to_owned() };
        let study = StudyKey {
            line: line.clone(),
            study: StudyRef::from_bytes([number; 16]),
            patient,
            kek_version: 1,
            wrapped: vec![3; 40],
            made: now,
        };
        let changes = vec![
            keks::insert_active(&line, 1, 1, &[1; 40], now),
            patient_keys::insert(&line, patient, &PatientKey { kek_version: 1, wrapped: vec![2; 40] }, now),
            study_keys::insert(&study),
        ];
        database.execute(changes).await.unwrap();
        assert_eq!(known().await, expected, "{grade}");
    }
    let other = PatientRef::from_bytes([8; 16]);
    assert!(!has_keys_but(&database, &house, other, Grade::L5).await.unwrap());
}
