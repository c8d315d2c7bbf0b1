//! Real files. Set `YINGDUN_TEST_PIXEL_ORACLE` to a directory with the output of `oracle.py`: `oracle.jsonl` and the
//! samples that it names. Every frame that an independent decoder reads must be ours too. Set `YINGDUN_TEST_PYTHON` as
//! well to the Python that runs `oracle.py`: what we write must be read by it. Without them there is nothing to do and
//! the tests say so.

// A test may stop at the first surprise, and shows what it compared.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use yingdun_crypto::digest::sha256;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::frames::{FrameTable, ImageShape};
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::scan;
use yingdun_dicom::write::Deflater;
use yingdun_dicom::{part10, transfer_syntax};
use yingdun_model::Uid;
use yingdun_pixels::render::{Presentation, View, Viewport, render, to_jpeg};
use yingdun_pixels::transcode::{TARGETS, Transcoder};
use yingdun_pixels::{Coding, ImageAttributes, Picture, PixelError, align_bits, coding, decode};

/// How far samples of lossy codings may be from those of another decoder. Everything else is exact.
const LOSSY_TOLERANCE: &[(&str, i64)] = &[
    // The inverse DCT may round differently (ISO/IEC 10918-2 allows one).
    ("1.2.840.10008.1.2.4.50", 1),
    ("1.2.840.10008.1.2.4.51", 1),
    // The inverse wavelet transform is computed with real numbers.
    ("1.2.840.10008.1.2.4.91", 1),
];

/// Legal files that are refused.
const REFUSED: &[&str] = &[
    // Big-endian words of 27 bytes: the last sample stands in the padding.
    "SC_rgb_small_odd_big_endian.dcm",
];

/// Files up to so many bytes are written anew: enough of each kind, and a matter of seconds.
const WRITTEN_BYTES_MAX: u64 = 100_000;

struct Frame {
    data_set: DataSet,
    attributes: ImageAttributes,
    coding: Coding,
    bytes: Vec<u8>,
}

#[test]
fn every_frame_is_what_an_independent_decoder_sees() {
    let Some(oracle) = std::env::var_os("YINGDUN_TEST_PIXEL_ORACLE").map(PathBuf::from) else {
        eprintln!("skipped: YINGDUN_TEST_PIXEL_ORACLE is not set");
        return;
    };
    let mut wrong = Vec::new();
    let mut frames = 0;
    let lines = std::fs::read_to_string(oracle.join("oracle.jsonl")).unwrap();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let path = PathBuf::from(line["file"].as_str().unwrap());
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if line.get("error").is_some() || REFUSED.contains(&name.as_str()) {
            continue;
        }
        for frame in line["frames"].as_array().unwrap() {
            frames += 1;
            if let Err(reason) = compare(&oracle, &path, &line, frame) {
                wrong.push(format!("{name} frame {}: {reason}", frame["number"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {frames} frames differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(frames > 100, "the oracle has {frames} frames only");
}

#[test]
fn what_is_written_is_read_by_independent_decoders() {
    let oracle = std::env::var_os("YINGDUN_TEST_PIXEL_ORACLE").map(PathBuf::from);
    let (Some(oracle), Some(python)) = (oracle, std::env::var_os("YINGDUN_TEST_PYTHON")) else {
        eprintln!("skipped: YINGDUN_TEST_PIXEL_ORACLE or YINGDUN_TEST_PYTHON is not set");
        return;
    };
    let ours = tempfile::tempdir().unwrap();
    let exact = TARGETS.iter().filter(|target| **target != coding::JPEG_BASELINE);
    let mut expected = HashMap::new();
    for line in std::fs::read_to_string(oracle.join("oracle.jsonl")).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let path = PathBuf::from(line["file"].as_str().unwrap());
        let small = std::fs::metadata(&path).unwrap().len() < WRITTEN_BYTES_MAX;
        let native = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"];
        if !small || !native.iter().any(|syntax| line["transfer_syntax"] == *syntax) {
            continue;
        }
        for target in exact.clone() {
            let name = format!("{}-{target}", path.file_name().unwrap().to_string_lossy());
            // What does not fit into the target, such as one bit or 32 bits, is refused elsewhere.
            if let Some(file) = transcoded(&path, &line, target) {
                std::fs::write(ours.path().join(&name), file).unwrap();
                expected.insert(name, line["frames"].clone());
            }
        }
    }
    assert!(expected.len() > 100, "{} files were written only", expected.len());
    let seen = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle.py");
    let status =
        std::process::Command::new(python).arg(script).arg(seen.path()).arg(ours.path()).status().unwrap();
    assert!(status.success());
    let mut wrong = Vec::new();
    for line in std::fs::read_to_string(seen.path().join("oracle.jsonl")).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let name =
            Path::new(line["file"].as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned();
        if expected.remove(&name).as_ref() != Some(&line["frames"]) {
            wrong.push(format!("{name}: {}", line["error"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(expected.is_empty(), "nobody read {:?}", expected.keys());
}

// === helpers ===

/// A file in another transfer syntax; `None` if it cannot be written so.
fn transcoded(path: &Path, line: &Value, target: &str) -> Option<Vec<u8>> {
    let uid = |text: &str| Uid::new(text).unwrap();
    let (from, to) = (uid(line["transfer_syntax"].as_str().unwrap()), uid(target));
    let start = usize::try_from(line["data_set"].as_u64().unwrap()).unwrap();
    let file = std::fs::read(path).unwrap();
    let limits = Limits { value_bytes_max: 1 << 20, ..Limits::default() };
    let scanned = scan(&file[start..], transfer_syntax::lookup(&from), limits).ok()?;
    let transcoder = Transcoder::new(&from, scanned.pixels?.vr, &scanned.data_set, &to).ok()?;
    let frames = (1..=transcoder.frames()).map(|number| {
        let frame = read(path, start, from.as_str(), number).ok()?;
        transcoder.frame(&frame.bytes).ok()
    });
    let frames: Vec<_> = frames.collect::<Option<_>>()?;
    let id = uid("1.2.3");
    let mut set = transcoder.head(&frames[0]).unwrap();
    frames.iter().for_each(|frame| set.extend(transcoder.item(frame.clone())));
    set.extend(transcoder.tail(&frames[0]));
    if target == transfer_syntax::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
        let mut deflater = Deflater::default();
        let begin = deflater.push(&set).unwrap();
        set = [begin, deflater.finish().unwrap()].concat();
    }
    Some([part10::write_header(&id, &id, &to, None), set].concat())
}

fn compare(oracle: &Path, path: &Path, line: &Value, expected: &Value) -> Result<(), String> {
    let syntax = line["transfer_syntax"].as_str().unwrap();
    let start = usize::try_from(line["data_set"].as_u64().unwrap()).unwrap();
    let number = u32::try_from(expected["number"].as_u64().unwrap()).unwrap();
    let frame = read(path, start, syntax, number)?;
    let picture = decode(frame.coding, &frame.attributes, &frame.bytes).map_err(|error| error.to_string())?;
    let ours = samples(&picture);
    shows(&frame, &picture, number).map_err(|error| format!("rendering: {error}"))?;
    let wanted = expected["sha256"].as_str().unwrap();
    if hex::encode(sha256(&ours)) == wanted {
        return Ok(());
    }
    let theirs = std::fs::read(oracle.join(wanted)).unwrap();
    let tolerance = LOSSY_TOLERANCE.iter().find(|(lossy, _)| *lossy == syntax).map_or(0, |(_, by)| *by);
    let (differing, most) = difference(&ours, &theirs, &picture.attributes).ok_or(format!(
        "{} bytes, expected {}; {:?}",
        ours.len(),
        theirs.len(),
        picture.attributes
    ))?;
    if most > tolerance {
        return Err(format!("{differing} samples differ, by {most} at most; {:?}", frame.attributes));
    }
    Ok(())
}

/// One frame of a file, as the archive would hand it out.
fn read(path: &Path, start: usize, syntax: &str, number: u32) -> Result<Frame, String> {
    let file = std::fs::read(path).unwrap();
    let syntax = Uid::new(syntax).unwrap();
    let mut plain = file[start..].to_vec();
    let lookup = transfer_syntax::lookup(&syntax);
    let limits = Limits { value_bytes_max: 128 << 10, ..Limits::default() };
    let scanned = scan(&plain, lookup, limits).map_err(|error| error.to_string())?;
    if scanned.encoding == transfer_syntax::Encoding::DeflatedExplicitLe {
        let mut inflated = Vec::new();
        let mut decoder = flate2::read::DeflateDecoder::new(&plain[..]);
        std::io::Read::read_to_end(&mut decoder, &mut inflated).unwrap();
        plain = inflated;
    }
    let attributes = ImageAttributes::of(&scanned.data_set).map_err(|error| error.to_string())?;
    let pixels = scanned.pixels.unwrap();
    let coding = Coding::of(&syntax, pixels.vr).ok_or("no coding")?;
    let table =
        FrameTable::build(&pixels, ImageShape::of(&scanned.data_set)).map_err(|error| error.to_string())?;
    let place = table.frame(number).map_err(|error| error.to_string())?;
    let parts = place.parts.iter().map(|part| {
        let (start, end) = (usize::try_from(part.start).unwrap(), usize::try_from(part.end).unwrap());
        &plain[start..end]
    });
    let bytes = align_bits(&parts.collect::<Vec<_>>().concat(), place.skip_bits);
    Ok(Frame { data_set: scanned.data_set, attributes, coding, bytes })
}

/// The samples with their sign, as the oracle writes them.
fn samples(picture: &Picture) -> Vec<u8> {
    let width = picture.attributes.sample_bytes();
    let mut out = Vec::with_capacity(picture.bytes.len());
    picture.for_each_sample(|value| out.extend_from_slice(&value.to_le_bytes()[..width]));
    out
}

/// How many samples differ, and by how much at most.
fn difference(ours: &[u8], theirs: &[u8], picture: &ImageAttributes) -> Option<(usize, i64)> {
    if ours.len() != theirs.len() {
        return None;
    }
    let width = picture.sample_bytes();
    let value = |cell: &[u8]| {
        let ones = picture.signed && cell.last().is_some_and(|byte| *byte >= 0x80);
        cell.iter().rev().fold(-i64::from(ones), |value, byte| value << 8 | i64::from(*byte))
    };
    let apart = |(a, b): (&[u8], &[u8])| (value(a) - value(b)).abs();
    let all = ours.chunks(width).zip(theirs.chunks(width)).map(apart);
    Some((all.clone().filter(|by| *by > 0).count(), all.max().unwrap_or(0)))
}

/// Every picture can be shown.
fn shows(frame: &Frame, picture: &Picture, number: u32) -> Result<(), PixelError> {
    let presentation = Presentation::of(&frame.data_set, number, &picture.attributes)?;
    let view = View { viewport: Some(Viewport { columns: 128, rows: 128, region: None }), window: None };
    let bitmap = render(picture, &presentation, &view)?;
    assert!(bitmap.columns.max(bitmap.rows) == 128);
    assert!(!to_jpeg(bitmap, 80)?.is_empty());
    Ok(())
}
