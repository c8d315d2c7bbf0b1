//! Real files against another reader: every element, pixel offset and decoded text that pydicom sees must be
//! ours too. Set `YINGDUN_TEST_DICOM_ORACLE` to the output of `oracle.py`; without it there is nothing to
//! compare with and the test says so.

// A test may stop at the first surprise, and shows what it compared.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

use serde_json::Value;
use std::path::Path;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::part10::{HeaderLook, read_header, sniff};
use yingdun_dicom::scan::{ScanError, Scanned, scan};
use yingdun_dicom::transfer_syntax::Encoding;
use yingdun_dicom::{json, transfer_syntax};
use yingdun_model::Uid;

/// Files that pydicom reads in part and that we refuse, because bytes that a length promises are missing.
const TRUNCATED: &[&str] = &["rtplan_truncated.dcm", "MR_truncated.dcm", "DICOMDIR-nooffset"];

/// Files that pydicom is forced to read and that do not begin like DICOM: a stray byte stands at the start.
const NOT_DICOM: &[&str] = &["no_meta.dcm"];

#[test]
fn real_files_read_as_another_reader_reads_them() {
    let Some(oracle) = std::env::var_os("YINGDUN_TEST_DICOM_ORACLE") else {
        eprintln!("skipped: YINGDUN_TEST_DICOM_ORACLE is not set");
        return;
    };
    let lines = std::fs::read_to_string(oracle).unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    for line in lines.lines() {
        let expected: Value = serde_json::from_str(line).unwrap();
        let path = expected["file"].as_str().unwrap();
        let name = Path::new(path).file_name().unwrap().to_string_lossy().into_owned();
        let truncated = TRUNCATED.iter().any(|known| name.ends_with(known));
        match (read(path), expected.get("error")) {
            (Err(_), Some(_)) => {}
            (Err(ReadError::Scan(ScanError::Overrun { .. })), None) if truncated => {}
            (Err(ReadError::File(_)), None) if NOT_DICOM.iter().any(|known| name.ends_with(known)) => {}
            (Err(error), None) => wrong.push(format!("{name}: {error:?}")),
            (Ok(_), Some(error)) => println!("{name}: read here, not there: {error}"),
            (Ok(_), None) if truncated => wrong.push(format!("{name}: truncated, yet read")),
            (Ok((start, scanned)), None) => {
                compared += 1;
                if let Some(note) = scanned.notes.first() {
                    println!("{name}: {note:?}");
                }
                compare_pixels(&name, start, &scanned, &expected["pixel_offset"], &mut wrong);
                let rendered = json::render(&scanned.data_set).template;
                let ours = serde_json::from_slice(&json::with_base(&rendered, "bulk")).unwrap();
                // The JSON model is little-endian (PS3.18 §F.2.7); pydicom leaves big-endian words as they are.
                let binary = scanned.encoding != Encoding::ExplicitBe;
                Comparison { binary, wrong: &mut wrong }.data_sets(&name, &ours, &expected["json"]);
            }
        }
    }
    println!("{compared} files compared");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 50, "only {compared} files compared");
}

#[derive(Debug)]
#[allow(dead_code)] // shown by Debug
enum ReadError {
    File(yingdun_dicom::part10::FileError),
    Scan(ScanError),
}

fn read(path: &str) -> Result<(usize, Scanned), ReadError> {
    let bytes = std::fs::read(path).unwrap();
    let HeaderLook::Found(header) = read_header(&bytes, true).map_err(ReadError::File)? else {
        panic!("a complete file is never incomplete");
    };
    let data_set = &bytes[header.data_set_offset..];
    let syntax = header.transfer_syntax.unwrap_or_else(|| Uid::new(sniff(data_set)).unwrap());
    let scanned =
        scan(data_set, transfer_syntax::lookup(&syntax), Limits::default()).map_err(ReadError::Scan)?;
    Ok((header.data_set_offset, scanned))
}

fn compare_pixels(name: &str, start: usize, scanned: &Scanned, expected: &Value, wrong: &mut Vec<String>) {
    let ours = scanned.pixels.as_ref().map(|pixels| pixels.offset + start as u64);
    if let Some(theirs) = expected.as_u64()
        && ours != Some(theirs)
    {
        wrong.push(format!("{name}: pixels at {ours:?}, expected {theirs}"));
    }
}

/// Compares two JSON models element by element.
struct Comparison<'w> {
    binary: bool,
    wrong: &'w mut Vec<String>,
}

impl Comparison<'_> {
    fn data_sets(&mut self, place: &str, ours: &Value, theirs: &Value) {
        let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) else {
            return self.wrong.push(format!("{place}: not data sets"));
        };
        let skipped = |tag: &str| {
            tag.ends_with("0000") || tag.starts_with("0002") || tag == "FFFCFFFC" || PIXELS.contains(&tag)
        };
        for tag in ours.keys().chain(theirs.keys().filter(|tag| !ours.contains_key(*tag))) {
            if skipped(tag) {
                continue;
            }
            let place = format!("{place} {tag}");
            match (ours.get(tag), theirs.get(tag)) {
                (Some(ours), Some(theirs)) => self.elements(&place, tag, ours, theirs),
                // pydicom leaves out what it cannot convert.
                (Some(ours), None) if is_text_for_number(ours) => {}
                (Some(ours), None) => self.wrong.push(format!("{place}: only here: {ours}")),
                (None, theirs) => self.wrong.push(format!("{place}: only there: {theirs:?}")),
            }
        }
    }

    fn elements(&mut self, place: &str, tag: &str, ours: &Value, theirs: &Value) {
        let private = u16::from_str_radix(&tag[..4], 16).is_ok_and(|group| group % 2 == 1);
        let bulk = |element: &Value| element.get("BulkDataURI").is_some();
        // pydicom has a dictionary of private attributes; here they stay UN.
        if private && ours["vr"] == "UN" || bulk(ours) || bulk(theirs) {
            return;
        }
        if ours["vr"] != theirs["vr"] {
            return self.wrong.push(format!("{place}: {} here, {} there", ours["vr"], theirs["vr"]));
        }
        if ours["vr"] == "SQ" {
            return self.items(place, ours, theirs);
        }
        let same_binary = !self.binary || ours["InlineBinary"] == theirs["InlineBinary"];
        if plain(&ours["Value"]) != plain(&theirs["Value"]) || !same_binary {
            self.wrong.push(format!("{place}: {ours} here, {theirs} there"));
        }
    }

    fn items(&mut self, place: &str, ours: &Value, theirs: &Value) {
        let none = Vec::new();
        let items = |element: &Value| element["Value"].as_array().unwrap_or(&none).clone();
        let (ours, theirs) = (items(ours), items(theirs));
        if ours.len() != theirs.len() {
            return self.wrong.push(format!("{place}: {} items here, {} there", ours.len(), theirs.len()));
        }
        for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            self.data_sets(&format!("{place}/{index}"), ours, theirs);
        }
    }
}

const PIXELS: [&str; 3] = ["7FE00008", "7FE00009", "7FE00010"];

/// A number string that is none, which the JSON model keeps as text.
fn is_text_for_number(element: &Value) -> bool {
    (element["vr"] == "IS" || element["vr"] == "DS") && element["Value"][0].is_string()
}

/// Values in a form in which spellings of the same thing are equal.
fn plain(value: &Value) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::Number(number) => number.as_f64().map_or_else(String::new, |number| number.to_string()),
        Value::String(text) => text.trim_matches([' ', '\0']).to_owned(),
        Value::Object(groups) => {
            let group = |key| {
                groups.get(key).and_then(Value::as_str).unwrap_or_default().trim_end_matches(['^', ' '])
            };
            format!("{}={}={}", group("Alphabetic"), group("Ideographic"), group("Phonetic"))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => String::new(),
    };
    let mut values: Vec<String> =
        value.as_array().map(|values| values.iter().map(one).collect()).unwrap_or_default();
    if values.iter().all(|value| value.is_empty() || value == "==") {
        values.clear();
    }
    values
}
