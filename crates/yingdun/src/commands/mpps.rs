//! `mpps`: this program reports performed procedure steps to other DICOM nodes, as a modality does (PS3.4 §F.7).

use super::admin::{self, text_of};
use super::scu::{files_of, settings};
use super::{CommandError, Verdict};
use crate::cli::{CallingArgs, MppsCommand, MppsEndArgs};
use crate::output::Output;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::io::AsyncReadExt;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::Scanner;
use yingdun_dicom::{Tag, Vr, dictionary, from_json, tags, transfer_syntax};
use yingdun_dimse::association::Proposals;
use yingdun_dimse::scp::Object;
use yingdun_dimse::scu::{Answer, DicomFile, Scu};
use yingdun_model::{AeTitle, PerformedState, Uid};

/// Bytes of a file that are read at a time until its pixels begin.
const READ_BYTES: usize = 64 << 10;

/// What is taken over from an item of a worklist into the Scheduled Step Attributes Sequence (PS3.4 table F.7.2-1).
const SCHEDULED: [Tag; 6] = [
    tags::STUDY_INSTANCE_UID,
    tags::ACCESSION_NUMBER,
    tags::REQUESTED_PROCEDURE_ID,
    tags::REQUESTED_PROCEDURE_DESCRIPTION,
    tags::SCHEDULED_PROCEDURE_STEP_ID,
    tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION,
];

/// What is taken over of the patient.
const PATIENT: [Tag; 4] = [tags::PATIENT_NAME, tags::PATIENT_ID, tags::PATIENT_BIRTH_DATE, tags::PATIENT_SEX];

/// Attributes that a peer may insist upon although they are empty (type 2).
const EMPTY: [Tag; 6] = [
    tags::STUDY_ID,
    tags::PERFORMED_STATION_NAME,
    tags::PERFORMED_LOCATION,
    tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
    tags::PERFORMED_PROCEDURE_STEP_END_DATE,
    tags::PERFORMED_PROCEDURE_STEP_END_TIME,
];

/// Reports steps, and reads what was reported.
pub(super) async fn mpps(command: MppsCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        MppsCommand::Create { calling, file, uid } => create(&calling, &file, uid, output).await,
        MppsCommand::Complete { end: args } => end(args, PerformedState::Completed, None, output).await,
        MppsCommand::Discontinue { end: args, reason } => {
            end(args, PerformedState::Discontinued, reason.as_deref(), output).await
        }
        MppsCommand::List { study, state, station, from, until, after, limit, admin } => {
            let conditions = [
                ("study", study),
                ("state", state),
                ("station", station),
                ("from", from),
                ("until", until),
                ("after", after),
                ("limit", Some(limit.to_string())),
            ];
            admin::performed_steps(&conditions, &admin, output).await
        }
        MppsCommand::Show { step, admin } => admin::performed_step(&step, &admin, output).await,
    }
}

/// Reports that a step begins.
async fn create(
    calling: &CallingArgs,
    file: &Path,
    uid: Option<Uid>,
    output: Output,
) -> Result<Verdict, CommandError> {
    let given = attributes_of(file)?;
    // A UID of its own, derived from a random number (PS3.5 §B.2).
    let random = u128::from_be_bytes(yingdun_crypto::random::array());
    let instance = match uid {
        Some(uid) => uid,
        None => {
            Uid::new(&format!("2.25.{random}")).map_err(|error| CommandError::Usage(error.to_string()))?
        }
    };
    // Short enough for VR SH.
    let step_id = format!("{:016X}", random >> 64);
    let report = beginning(&given, &calling.calling, &step_id, &Moment::now());
    let mut scu = connect(calling).await?;
    let answer = scu.begin_step(&instance, &report).await?;
    scu.release().await?;
    say(calling, &instance, &answer, output)
}

/// Reports that a step is over.
async fn end(
    args: MppsEndArgs,
    state: PerformedState,
    reason: Option<&str>,
    output: Output,
) -> Result<Verdict, CommandError> {
    let paths = args.paths;
    let files =
        tokio::task::spawn_blocking(move || files_of(&paths)).await.map_err(std::io::Error::other)??;
    let mut report = match &args.attributes {
        Some(file) => from_json::data_set(&attributes_of(file)?),
        None => DataSet::new(),
    };
    let mut series = Series::new();
    for file in files {
        let (object, header) = header_of(&file).await?;
        add(&mut series, &object, &header)
            .ok_or_else(|| CommandError::Usage(format!("`{}` names no series", file.display())))?;
    }
    complete(&mut report, state, reason, series, &Moment::now());
    let mut scu = connect(&args.calling).await?;
    let answer = scu.change_step(&args.uid, &report).await?;
    scu.release().await?;
    say(&args.calling, &args.uid, &answer, output)
}

// === helpers ===

/// A moment as DICOM writes it, in the time of this machine.
struct Moment {
    date: String,
    time: String,
}

impl Moment {
    fn now() -> Self {
        let now = jiff::Zoned::now();
        Self { date: now.strftime("%Y%m%d").to_string(), time: now.strftime("%H%M%S").to_string() }
    }
}

/// Series by their UID, each with its item and the instances that were seen.
type Series = BTreeMap<Uid, (DataSet, Vec<DataSet>)>;

async fn connect(calling: &CallingArgs) -> Result<Scu, CommandError> {
    // Two proposals always fit.
    let proposals = Proposals::performed_step().map_err(|error| CommandError::Usage(error.to_string()))?;
    Ok(Scu::connect(&calling.destination, &settings(calling)?, &proposals).await?)
}

fn attributes_of(file: &Path) -> Result<Map<String, Value>, CommandError> {
    let object = serde_json::from_str(&text_of(file)?);
    object.map_err(|error| {
        CommandError::Usage(format!("`{}` is no object in the DICOM JSON model: {error}", file.display()))
    })
}

/// The report of a beginning: what was given, and what else a peer expects. An item of a worklist becomes one, too.
fn beginning(given: &Map<String, Value>, station: &AeTitle, step_id: &str, now: &Moment) -> DataSet {
    let given = from_json::data_set(given);
    let scheduled = given.items(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE).first();
    let mut report = match scheduled {
        None => given.clone(),
        Some(step) => from_worklist(&given, step),
    };
    let mut put = |tag, text: &str| {
        if report.get(tag).is_none() {
            report.put_text(tag, dictionary::vr_of(tag).unwrap_or(Vr::LO), text);
        }
    };
    put(tags::PERFORMED_PROCEDURE_STEP_STATUS, PerformedState::InProgress.defined_term());
    put(tags::PERFORMED_PROCEDURE_STEP_ID, step_id);
    put(tags::PERFORMED_STATION_AE_TITLE, station.as_str());
    put(tags::PERFORMED_PROCEDURE_STEP_START_DATE, &now.date);
    put(tags::PERFORMED_PROCEDURE_STEP_START_TIME, &now.time);
    for tag in PATIENT.into_iter().chain(EMPTY) {
        put(tag, "");
    }
    if report.get(tags::PERFORMED_SERIES_SEQUENCE).is_none() {
        report.put_items(tags::PERFORMED_SERIES_SEQUENCE, Vec::new());
    }
    report.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
    report
}

fn from_worklist(item: &DataSet, step: &DataSet) -> DataSet {
    let (mut report, mut scheduled) = (DataSet::new(), DataSet::new());
    for (into, tags) in [(&mut scheduled, &SCHEDULED[..]), (&mut report, &PATIENT[..])] {
        for tag in tags {
            match step.get(*tag).or_else(|| item.get(*tag)) {
                Some(element) => into.put(*tag, element.vr, element.value.clone()),
                None => into.put_text(*tag, dictionary::vr_of(*tag).unwrap_or(Vr::LO), ""),
            }
        }
    }
    if let Some(modality) = step.get(tags::MODALITY) {
        report.put(tags::MODALITY, modality.vr, modality.value.clone());
    }
    report.put_items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, vec![scheduled]);
    report
}

/// The report of an end: what was given, and what else a peer expects.
fn complete(report: &mut DataSet, state: PerformedState, reason: Option<&str>, series: Series, now: &Moment) {
    report.put_text(tags::PERFORMED_PROCEDURE_STEP_STATUS, Vr::CS, state.defined_term());
    for (tag, vr, text) in [
        (tags::PERFORMED_PROCEDURE_STEP_END_DATE, Vr::DA, &now.date),
        (tags::PERFORMED_PROCEDURE_STEP_END_TIME, Vr::TM, &now.time),
    ] {
        if report.get(tag).is_none() {
            report.put_text(tag, vr, text);
        }
    }
    if let Some(code) = reason {
        let mut item = DataSet::new();
        item.put_text(tags::CODE_VALUE, Vr::SH, code);
        item.put_text(tags::CODING_SCHEME_DESIGNATOR, Vr::SH, "DCM");
        item.put_text(tags::CODE_MEANING, Vr::LO, "Discontinued");
        report.put_items(tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE, vec![item]);
    }
    if !series.is_empty() {
        let items = series.into_values().map(|(mut item, instances)| {
            item.put_items(tags::REFERENCED_IMAGE_SEQUENCE, instances);
            item.put_items(tags::REFERENCED_NON_IMAGE_COMPOSITE_SOP_INSTANCE_SEQUENCE, Vec::new());
            item
        });
        report.put_items(tags::PERFORMED_SERIES_SEQUENCE, items.collect());
    }
    report.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
}

/// What a file holds, and what stands in it in front of its pixels.
async fn header_of(path: &Path) -> Result<(Object, DataSet), CommandError> {
    let unreadable = |cause: String| CommandError::Usage(format!("`{}`: {cause}", path.display()));
    let mut file = DicomFile::open(path).await.map_err(|error| unreadable(error.to_string()))?;
    let mut scanner = Scanner::new(transfer_syntax::lookup(&file.object.transfer_syntax), Limits::default());
    let mut piece = vec![0; READ_BYTES];
    while scanner.pixels().is_none() {
        let read = file.data_set.read(&mut piece).await?;
        if read == 0 {
            break;
        }
        let bytes = piece.get(..read).unwrap_or_default();
        scanner.feed(bytes).map_err(|error| unreadable(error.to_string()))?;
    }
    Ok((file.object, scanner.data_set().clone()))
}

/// Adds an instance to its series; `None` when it names none.
fn add(series: &mut Series, object: &Object, header: &DataSet) -> Option<()> {
    let (_, instances) = series.entry(header.uid(tags::SERIES_INSTANCE_UID)?).or_insert_with_key(|uid| {
        let text = |tag| header.text(tag, &header.character_sets()).unwrap_or_default();
        let protocol = text(tags::PROTOCOL_NAME);
        let mut item = DataSet::new();
        item.put_text(tags::SERIES_INSTANCE_UID, Vr::UI, uid.as_str());
        item.put_text(tags::SERIES_DESCRIPTION, Vr::LO, &text(tags::SERIES_DESCRIPTION));
        // Of type 1, and not in every image.
        let protocol = if protocol.is_empty() { "unknown" } else { &protocol };
        item.put_text(tags::PROTOCOL_NAME, Vr::LO, protocol);
        for tag in [tags::PERFORMING_PHYSICIAN_NAME, tags::OPERATORS_NAME, tags::RETRIEVE_AE_TITLE] {
            item.put_text(tag, dictionary::vr_of(tag).unwrap_or(Vr::LO), "");
        }
        (item, Vec::new())
    });
    let mut reference = DataSet::new();
    reference.put_text(tags::REFERENCED_SOP_CLASS_UID, Vr::UI, object.sop_class.as_str());
    reference.put_text(tags::REFERENCED_SOP_INSTANCE_UID, Vr::UI, object.sop_instance.as_str());
    instances.push(reference);
    Some(())
}

fn say(
    calling: &CallingArgs,
    instance: &Uid,
    answer: &Answer,
    output: Output,
) -> Result<Verdict, CommandError> {
    let document = json!({"uid": instance, "status": answer.status.0, "comment": answer.comment});
    output.say(&document, |language| {
        let comment = answer.comment.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
        language.step_reported(&calling.destination, instance, format_args!("{}{comment}", answer.status))
    })?;
    Ok(Verdict::of(answer.status.is_stored()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_dicom::charset::CharacterSets;

    fn moment() -> Moment {
        Moment { date: "20260301".to_owned(), time: "093000".to_owned() }
    }

    fn text(set: &DataSet, tag: Tag) -> String {
        set.text(tag, &CharacterSets::utf8()).unwrap()
    }

    #[test]
    fn an_item_of_a_worklist_becomes_the_report_of_a_beginning() {
        let item = json!({
            "00080050": {"vr": "SH", "Value": ["A1"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^Fang", "Ideographic": "王^芳"}]},
            "00100020": {"vr": "LO", "Value": ["4711"]},
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "00400100": {"vr": "SQ", "Value": [{
                "00080060": {"vr": "CS", "Value": ["CT"]},
                "00400009": {"vr": "SH", "Value": ["SPS1"]},
            }]},
        });
        let station = AeTitle::new("CT01").unwrap();
        let report = beginning(item.as_object().unwrap(), &station, "PPS1", &moment());
        let [scheduled] = report.items(tags::SCHEDULED_STEP_ATTRIBUTES_SEQUENCE) else { panic!("one step") };
        assert_eq!(text(scheduled, tags::SCHEDULED_PROCEDURE_STEP_ID), "SPS1");
        assert_eq!(text(scheduled, tags::STUDY_INSTANCE_UID), "1.2.3");
        assert_eq!(text(scheduled, tags::ACCESSION_NUMBER), "A1");
        for (tag, expected) in [
            (tags::MODALITY, "CT"),
            (tags::PATIENT_NAME, "Wang^Fang=王^芳"),
            (tags::PERFORMED_STATION_AE_TITLE, "CT01"),
            (tags::PERFORMED_PROCEDURE_STEP_ID, "PPS1"),
            (tags::PERFORMED_PROCEDURE_STEP_STATUS, "IN PROGRESS"),
            (tags::PERFORMED_PROCEDURE_STEP_START_DATE, "20260301"),
            (tags::PERFORMED_PROCEDURE_STEP_END_DATE, ""),
        ] {
            assert_eq!(text(&report, tag), expected, "{tag}");
        }
        assert!(report.get(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE).is_none());
    }

    #[test]
    fn what_is_given_goes_before_what_is_filled_in() {
        let given = json!({"00400253": {"vr": "SH", "Value": ["MINE"]}, "00400252": {"vr": "CS", "Value": ["COMPLETED"]}});
        let station = AeTitle::new("CT01").unwrap();
        let report = beginning(given.as_object().unwrap(), &station, "PPS1", &moment());
        assert_eq!(text(&report, tags::PERFORMED_PROCEDURE_STEP_ID), "MINE");
        assert_eq!(text(&report, tags::PERFORMED_PROCEDURE_STEP_STATUS), "COMPLETED", "a peer can be tried");
    }

    #[test]
    fn an_end_names_every_instance_in_its_series() {
        let object = |number: u32| Object {
            sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2").unwrap(),
            sop_instance: Uid::new(&format!("1.2.{number}")).unwrap(),
            transfer_syntax: Uid::new("1.2.840.10008.1.2").unwrap(),
        };
        let mut series = Series::new();
        for (number, of) in [(1, "1.9.1"), (2, "1.9.2"), (3, "1.9.1")] {
            let mut header = DataSet::new();
            header.put_text(tags::SERIES_INSTANCE_UID, Vr::UI, of);
            assert!(add(&mut series, &object(number), &header).is_some());
        }
        assert!(add(&mut series, &object(4), &DataSet::new()).is_none());
        let mut report = DataSet::new();
        complete(&mut report, PerformedState::Discontinued, Some("110514"), series, &moment());
        let counts: Vec<usize> = report
            .items(tags::PERFORMED_SERIES_SEQUENCE)
            .iter()
            .map(|series| series.items(tags::REFERENCED_IMAGE_SEQUENCE).len())
            .collect();
        assert_eq!(counts, [2, 1]);
        assert_eq!(text(&report, tags::PERFORMED_PROCEDURE_STEP_END_TIME), "093000");
        let [reason] = report.items(tags::PERFORMED_PROCEDURE_STEP_DISCONTINUATION_REASON_CODE_SEQUENCE)
        else {
            panic!("one reason")
        };
        assert_eq!(text(reason, tags::CODE_VALUE), "110514");
    }
}
