//! Real files. Set `YINGDUN_TEST_DICOM_DIR` to a directory of DICOM files: each is read whole and in pieces.
//! Set `YINGDUN_TEST_DICOM_ORACLE` to the output of `oracle.py` for them: every element, pixel offset and
//! decoded text that pydicom sees must be ours too. Without them there is nothing to do and the tests say so.

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
use yingdun_dicom::part10::{FileError, HeaderLook, read_header, sniff};
use yingdun_dicom::scan::{ScanError, Scanned, Scanner, scan};
use yingdun_dicom::transfer_syntax::{Encoding, TransferSyntax};
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

#[test]
fn real_files_read_the_same_in_pieces_as_whole() {
    let Some(root) = std::env::var_os("YINGDUN_TEST_DICOM_DIR") else {
        eprintln!("skipped: YINGDUN_TEST_DICOM_DIR is not set");
        return;
    };
    let (mut directories, mut read) = (vec![std::path::PathBuf::from(root)], 0);
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let Ok((start, syntax)) = header(&bytes) else { continue };
            let data_set = &bytes[start..];
            let mut scanner = Scanner::new(syntax, Limits::default());
            let pieces = data_set.chunks(997).try_for_each(|piece| scanner.feed(piece));
            match (scan(data_set, syntax, Limits::default()), pieces.and_then(|()| scanner.finish())) {
                (Ok(whole), Ok(pieces)) => {
                    read += 1;
                    assert!(whole.data_set == pieces.data_set && whole.pixels == pieces.pixels, "{path:?}");
                    assert_eq!((whole.length, &whole.notes), (pieces.length, &pieces.notes), "{path:?}");
                }
                (Err(error), Err(_)) => println!("{}: {error}", path.display()),
                (whole, pieces) => panic!("{path:?}: {whole:?} whole, {pieces:?} in pieces"),
            }
        }
    }
    println!("{read} files read");
    assert!(read > 0, "no DICOM file in the directory");
}

#[derive(Debug)]
#[allow(dead_code)] // shown by Debug
enum ReadError {
    File(FileError),
    Scan(ScanError),
}

fn read(path: &str) -> Result<(usize, Scanned), ReadError> {
    let bytes = std::fs::read(path).unwrap();
    let (start, syntax) = header(&bytes).map_err(ReadError::File)?;
    Ok((start, scan(&bytes[start..], syntax, Limits::default()).map_err(ReadError::Scan)?))
}

/// Where the data set begins and how it is written.
fn header(bytes: &[u8]) -> Result<(usize, TransferSyntax), FileError> {
    let HeaderLook::Found(header) = read_header(bytes, true)? else {
        panic!("a complete file is never incomplete");
    };
    let start = header.data_set_offset;
    let syntax = header.transfer_syntax.unwrap_or_else(|| Uid::new(sniff(&bytes[start..])).unwrap());
    Ok((start, transfer_syntax::lookup(&syntax)))
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
