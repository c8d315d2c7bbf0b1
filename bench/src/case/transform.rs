//! The reversible transform of native pixels: how fast one core packs and unpacks them, without anything around it.

use super::Measured;
use crate::data::{self, Images};
use crate::failure::{Failure, Outcome, While};
use std::time::{Duration, Instant};
use yingdun_dicom::compact::{CompactPlan, CompactTable, CompactWriter, PixelFormat};

/// Slices of each kind.
const SLICES: u32 = 60;

/// Measures CT and MR slices.
pub(crate) fn run(measured: &mut Measured) -> Outcome<()> {
    let kinds = [("ct", 512, data::ct_studies(1, SLICES)), ("mr", 256, data::mr_studies(1, SLICES))];
    for (name, matrix, studies) in kinds {
        slices(name, matrix, studies.first().or_fail("a study is missing")?, measured)?;
    }
    Ok(())
}

fn slices(name: &str, matrix: u16, study: &Images, measured: &mut Measured) -> Outcome<()> {
    let pixel_bytes = usize::from(matrix) * usize::from(matrix) * 2;
    let (mut plain_bytes, mut stored_bytes) = (0, 0);
    let (mut packing, mut unpacking) = (Duration::ZERO, Duration::ZERO);
    for image in &study.images {
        let header = image.data_set.len().checked_sub(pixel_bytes).or_fail("a slice has fewer pixels")?;
        let pixels = image.data_set.slice(header..);
        // As large as it will be at most: growing it is no part of the transform.
        let mut stored = Vec::with_capacity(2 * pixel_bytes);
        let started = Instant::now();
        let table = pack(&pixels, matrix, &mut stored)?;
        packing += started.elapsed();
        let mut plain = Vec::with_capacity(pixel_bytes);
        let started = Instant::now();
        unpack(&table, &stored, &mut plain)?;
        unpacking += started.elapsed();
        if plain != pixels {
            return Err(Failure::new("what was unpacked differs from what was packed"));
        }
        plain_bytes += pixels.len();
        stored_bytes += stored.len();
    }
    let case = format!("transform-of-{name}-1-core");
    let megabytes = plain_bytes as f64 / 1e6;
    let mut add = |metric, value| measured.add(&case, "yingdun", metric, value);
    add("pack_mb_per_s", megabytes / packing.as_secs_f64());
    add("unpack_mb_per_s", megabytes / unpacking.as_secs_f64());
    add("stored_share", stored_bytes as f64 / plain_bytes as f64);
    Ok(())
}

fn pack(pixels: &[u8], columns: u16, stored: &mut Vec<u8>) -> Outcome<CompactTable> {
    let bytes = pixels.len() as u64;
    let format = PixelFormat::Words { columns };
    let mut writer =
        CompactWriter::new(CompactPlan { format, prefix_bytes: 0, pixel_bytes: bytes, frame_bytes: bytes });
    writer.push(pixels, stored);
    writer.finish().or_fail("not all pixels were packed")
}

fn unpack(table: &CompactTable, stored: &[u8], plain: &mut Vec<u8>) -> Outcome<()> {
    const WHAT: &str = "unpacking";
    for piece in table.locate(0..table.plain_bytes()) {
        let at = |offset| usize::try_from(offset).or_fail(WHAT);
        let range = at(piece.stored.start)?..at(piece.stored.end)?;
        piece.decode(stored.get(range).or_fail(WHAT)?, plain).or_fail(WHAT)?;
    }
    Ok(())
}
