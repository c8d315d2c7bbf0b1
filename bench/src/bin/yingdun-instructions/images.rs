//! What is done with one slice of a CT series when it is stored and when it is shown.

use crate::{Operation, Outcome};
use std::hint::black_box;
use yingdun_crypto::{Context, SealingKey, digest, seal_into};
use yingdun_dicom::compact::{CompactPlan, CompactTable, CompactWriter, PixelFormat};
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::{Scanned, scan as scan_data_set};
use yingdun_dicom::synthetic::{Instance, Kind, Study};
use yingdun_dicom::{json as dicom_json, transfer_syntax};
use yingdun_model::Secret;

/// Columns of a slice.
const COLUMNS: u16 = 512;

/// The pixels of a slice: 512 × 512 × 16 bit.
pub(crate) const PIXEL_BYTES: usize = 512 * 512 * 2;

/// From the middle of a series, where there is something to see. The same in every run.
fn slice() -> Instance {
    Study::new(1, Kind::Ct { slices: 40 }).instance(20)
}

fn scanned(slice: &Instance) -> Outcome<Scanned> {
    let syntax = transfer_syntax::lookup(&slice.transfer_syntax);
    Ok(scan_data_set(&slice.data_set, syntax, Limits::default())?)
}

fn pixels() -> Outcome<Vec<u8>> {
    let slice = slice();
    let offset = usize::try_from(scanned(&slice)?.pixels.ok_or("a slice has pixels")?.offset)?;
    Ok(slice.data_set.get(offset..offset + PIXEL_BYTES).ok_or("a slice has all its pixels")?.to_vec())
}

fn key_and_context() -> (SealingKey, Context) {
    let context = Context::new("yingdun/object/v1").field("renmin").field([1; 16]).field([2; 16]).number(1);
    (SealingKey::from_secret(&Secret::new([1; 32])), context)
}

pub(crate) fn seal() -> Outcome<Operation> {
    let (key, context) = key_and_context();
    let (pixels, mut sealed) = (pixels()?, Vec::new());
    Ok(Box::new(move || {
        sealed.clear();
        seal_into(&key, &context, black_box(&pixels), &mut sealed);
        Ok(())
    }))
}

pub(crate) fn open() -> Outcome<Operation> {
    let (key, context) = key_and_context();
    let mut sealed = Vec::new();
    seal_into(&key, &context, &pixels()?, &mut sealed);
    Ok(Box::new(move || {
        black_box(yingdun_crypto::open(&key, &context, black_box(&sealed))?);
        Ok(())
    }))
}

pub(crate) fn blake3() -> Outcome<Operation> {
    let pixels = pixels()?;
    Ok(Box::new(move || {
        black_box(digest::blake3(black_box(&pixels)));
        Ok(())
    }))
}

fn packed(pixels: &[u8], out: &mut Vec<u8>) -> Outcome<CompactTable> {
    let bytes = u64::try_from(pixels.len())?;
    let mut writer = CompactWriter::new(CompactPlan {
        format: PixelFormat::Words { columns: COLUMNS },
        prefix_bytes: 0,
        pixel_bytes: bytes,
        frame_bytes: bytes,
    });
    writer.push(pixels, out);
    Ok(writer.finish().ok_or("all pixels were pushed")?)
}

pub(crate) fn pack() -> Outcome<Operation> {
    let (pixels, mut stored) = (pixels()?, Vec::new());
    Ok(Box::new(move || {
        stored.clear();
        black_box(packed(black_box(&pixels), &mut stored)?);
        Ok(())
    }))
}

pub(crate) fn unpack() -> Outcome<Operation> {
    let (mut stored, mut plain) = (Vec::new(), Vec::new());
    let table = packed(&pixels()?, &mut stored)?;
    Ok(Box::new(move || {
        plain.clear();
        for piece in table.locate(0..table.plain_bytes()) {
            let range = usize::try_from(piece.stored.start)?..usize::try_from(piece.stored.end)?;
            piece.decode(black_box(&stored).get(range).ok_or("the table names stored bytes")?, &mut plain)?;
        }
        Ok(())
    }))
}

pub(crate) fn scan() -> Outcome<Operation> {
    let slice = slice();
    Ok(Box::new(move || {
        black_box(scanned(black_box(&slice))?);
        Ok(())
    }))
}

pub(crate) fn index() -> Outcome<Operation> {
    let scanned = scanned(&slice())?;
    Ok(Box::new(move || {
        black_box(InstanceIndex::from_data_set(black_box(&scanned.data_set))?);
        Ok(())
    }))
}

pub(crate) fn json() -> Outcome<Operation> {
    let scanned = scanned(&slice())?;
    Ok(Box::new(move || {
        black_box(dicom_json::render(black_box(&scanned.data_set)));
        Ok(())
    }))
}
