//! Records for tests: small, plausible, made from numbers.

use yingdun_catalog::catalogue::{
    Date, InstanceFacts, InstanceRecord, SeriesFacts, StudyFacts, TimeOfDay, Token,
};
use yingdun_model::{Grade, InstanceRef, InstitutionId, PatientRef, SeriesRef, StudyRef, Timestamp, Uid};

pub(crate) fn institution(name: &str) -> InstitutionId {
    InstitutionId::new(name).unwrap()
}

pub(crate) fn patient(number: u64) -> PatientRef {
    PatientRef::from_bytes(bytes(b'p', number))
}

pub(crate) fn study(number: u64) -> StudyRef {
    StudyRef::from_bytes(bytes(b's', number))
}

pub(crate) fn series(number: u64) -> SeriesRef {
    SeriesRef::from_bytes(bytes(b'r', number))
}

pub(crate) fn instance(number: u64) -> InstanceRef {
    InstanceRef::from_bytes(bytes(b'i', number))
}

pub(crate) fn token(word: &str) -> Token {
    let mut token = [b'_'; 16];
    for (place, byte) in token.iter_mut().zip(word.bytes()) {
        *place = byte;
    }
    token
}

pub(crate) fn uid(kind: u32, number: u64) -> Uid {
    Uid::new(&format!("1.2.826.0.1.{kind}.{number}")).unwrap()
}

/// Instance `i` of series `r` of study `s` of patient `p`, received at `s` milliseconds.
pub(crate) fn record(p: u64, s: u64, r: u64, i: u64) -> InstanceRecord {
    InstanceRecord {
        institution: institution("renmin"),
        patient: patient(p),
        study: StudyFacts {
            reference: study(s),
            uid: uid(1, s),
            date: Date::parse("20240131"),
            time: TimeOfDay::parse("103000"),
            grade: Grade::L4,
            sealed: vec![1, 2, 3],
            tokens: vec![token(&format!("id{p}"))],
        },
        series: SeriesFacts {
            reference: series(r),
            uid: uid(2, r),
            modality: "CT".to_owned(),
            number: i32::try_from(r).ok(),
            performed_date: Date::parse("20240131"),
            performed_time: None,
            sealed: vec![4, 5],
        },
        instance: InstanceFacts {
            reference: instance(i),
            version: 1,
            sop_instance: uid(3, i),
            sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap(),
            transfer_syntax: Uid::new("1.2.840.10008.1.2.1").unwrap(),
            number: i32::try_from(i).ok(),
            rows: Some(512),
            columns: Some(512),
            bits_allocated: Some(16),
            frames: None,
            object_bytes: 525_000,
            location: i.to_be_bytes().to_vec(),
            sealed: None,
        },
        received: Timestamp::from_ms(i64::try_from(s).unwrap()),
    }
}

/// References are keyed hashes: spread over the whole range, so that no order is by accident.
fn bytes(kind: u8, number: u64) -> [u8; 16] {
    let mut bytes = [kind; 16];
    let spread = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes[..8].copy_from_slice(&spread.to_be_bytes());
    bytes[8..].copy_from_slice(&(number << 8 | u64::from(kind)).to_be_bytes());
    bytes
}
