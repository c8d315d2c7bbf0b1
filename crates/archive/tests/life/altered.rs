//! Rows of the catalogue that somebody altered: nothing wrong is served by them, and they stop no start.

use crate::flips::{first_frame, metadata};
use crate::house::{House, Open, collect};
use crate::{find, stop};
use yingdun_archive::{Level, OpenError};
use yingdun_catalog::{StatementBuilder, Value};
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_dicom::tags;
use yingdun_model::Uid;

crate::on_both_engines! {
    by_an_altered_row_nothing_wrong_is_served
    a_damaged_row_stops_no_start_and_is_written_again
}

const OTHER_UID: &str = "1.2.840.10008.1.2.4.50";

async fn by_an_altered_row_nothing_wrong_is_served(house: House) {
    let open = house.open().await;
    let study = Study::new(95, Kind::CtMatrix { slices: 1, matrix: 32 });
    let instance = study.instance(0);
    open.store(&instance).await.unwrap();
    catalogued(&open, &study).await;
    let altered: [(&'static str, &'static str, Value); 6] = [
        ("series", "series_uid", OTHER_UID.into()),
        ("study", "study_uid", OTHER_UID.into()),
        ("instance", "sop_instance_uid", OTHER_UID.into()),
        ("image_format", "sop_class_uid", OTHER_UID.into()),
        ("image_format", "transfer_syntax_uid", OTHER_UID.into()),
        ("instance", "object_bytes", 7_i64.into()),
    ];
    // Nobody opened the instance so far.
    for (table, column, value) in &altered {
        let before = alter(&open, table, column, value.clone()).await;
        let file = file(&open, &study.study).await;
        assert!(matches!(file, Err(OpenError::Damaged)), "{table}.{column}");
        alter(&open, table, column, before).await;
    }
    // What was opened is still open when its row is altered.
    let right = served(&open, &study.study, &instance.sop_instance).await.map(Result::unwrap);
    assert!(right[0].ends_with(&instance.data_set));
    for (table, column, value) in altered {
        let before = alter(&open, table, column, value).await;
        let answers = served(&open, &study.study, &instance.sop_instance).await;
        assert!(answers.iter().any(Result::is_err), "{table}.{column} was not noticed");
        for (answer, right) in answers.iter().zip(&right) {
            assert!(answer.as_ref().map_or(true, |answer| answer == right), "{table}.{column}");
        }
        alter(&open, table, column, before).await;
    }
    let again = served(&open, &study.study, &instance.sop_instance).await.map(Result::unwrap);
    assert!(again == right, "what was put back is served again");
}

async fn a_damaged_row_stops_no_start_and_is_written_again(house: House) {
    let mut open = house.open().await;
    let study = Study::new(96, Kind::Sr);
    let instance = study.instance(0);
    open.store(&instance).await.unwrap();
    catalogued(&open, &study).await;
    let damage: [(&'static str, &'static str, Value); 15] = [
        ("study", "institution", "Not One".into()),
        ("study", "patient_ref", [0_u8; 3].as_slice().into()),
        ("study", "study_uid", "not a UID".into()),
        ("study", "study_date", (-1_i64).into()),
        ("study", "study_time", (-2_i64).into()),
        ("study", "grade", "L9".into()),
        ("study", "sealed", [0_u8; 3].as_slice().into()),
        ("series", "institution", "Not One".into()),
        ("series", "series_uid", "not a UID".into()),
        ("series", "series_number", (1_i64 << 40).into()),
        ("series", "performed_date", 1_i64.into()),
        ("series", "performed_time", (-2_i64).into()),
        ("series", "sealed", [0_u8; 3].as_slice().into()),
        ("pack_watermark", "pack", (-1_i64).into()),
        ("pack_watermark", "pack_offset", (-1_i64).into()),
    ];
    for (table, column, value) in damage {
        // As after a kill, the watermark lags behind what the catalogue took.
        alter(&open, "pack_watermark", "pack", 0_i64.into()).await;
        alter(&open, table, column, value).await;
        stop(open).await;
        open = house.open().await;
        assert_eq!(open.recovered.records, 1);
        let back = open.read_back(&study.study, &instance.sop_instance).await.unwrap();
        assert!(back == instance.data_set, "{table}.{column}");
        catalogued(&open, &study).await;
    }
}

/// Waits for the rows of a study of one instance, and finds them at every level.
async fn catalogued(open: &Open, study: &Study) {
    let uid = study.study.to_string();
    for level in [Level::Study, Level::Series, Level::Instance] {
        let found = find(open, level, &[(tags::STUDY_INSTANCE_UID, &uid)]).await;
        assert_eq!(found.len(), 1, "{level:?}");
    }
}

/// Writes a value into a column of the only row of a table, past the archive. Returns the one that was there.
async fn alter(open: &Open, table: &'static str, column: &'static str, value: Value) -> Value {
    let mut select = StatementBuilder::new();
    select.push("SELECT ").push(column).push(" FROM ").push(table);
    let before = open.catalogue.query(select.finish()).await.unwrap();
    let before = match value {
        Value::Int(_) => before[0].get_i64(0).unwrap().into(),
        Value::Text(_) => before[0].get_text(0).unwrap().into(),
        Value::Bytes(_) => before[0].get_bytes(0).unwrap().into(),
        Value::Null => Value::Null,
    };
    let mut update = StatementBuilder::new();
    update.push("UPDATE ").push(table).push(" SET ").push(column).push(" = ").bind(value);
    open.catalogue.execute(vec![update.finish()]).await.unwrap();
    before
}

/// The only instance of a study as a DICOM file, header and all.
async fn file(open: &Open, study: &Uid) -> Result<Vec<u8>, OpenError> {
    let open = open.archive.open_study(&open.gateway, study, open.gateway.purpose()).await?;
    let entry = open.instances(None, None).await?.into_iter().next().ok_or(OpenError::NotFound)?;
    let (_length, stream) = open.part10(&entry).await?;
    collect(stream).await
}

async fn served(open: &Open, study: &Uid, instance: &Uid) -> [Result<Vec<u8>, OpenError>; 3] {
    [file(open, study).await, metadata(open, study, instance).await, first_frame(open, study, instance).await]
}
