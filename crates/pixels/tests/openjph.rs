//! High-throughput JPEG 2000 against OpenJPH: what its tools write is read to the last sample, and what we write is read by
//! them. Where its tools are not installed there is nothing to do and the tests say so.

// A test may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr)]

use std::path::Path;
use std::process::Command;
use yingdun_pixels::{Coding, ImageAttributes, Photometric, Picture, decode, encode_htj2k};

/// What `ojph_compress` is asked for.
const WAYS: &[&[&str]] = &[
    &[],
    &["-prog_order", "LRCP", "-num_decomps", "3"],
    &["-prog_order", "RLCP", "-num_decomps", "1", "-block_size", "{32,32}"],
    &["-prog_order", "PCRL", "-precincts", "{64,64},{128,32}"],
    &["-prog_order", "CPRL", "-precincts", "{32,64}", "-block_size", "{16,64}"],
    &["-tile_size", "{70,64}"],
    &["-tile_size", "{64,96}", "-tile_offset", "{5,3}", "-image_offset", "{13,7}", "-precincts", "{64,64}"],
    &["-num_decomps", "0", "-block_size", "{4,1024}"],
    &["-image_offset", "{1,1}", "-block_size", "{1024,4}"],
];

/// The largest difference that rounding in another order makes.
const LOSSY_TOLERANCE: u16 = 1;

#[test]
fn what_openjph_writes_without_loss_is_read_to_the_last_sample() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (seed, (columns, rows)) in
        [(1, 1), (2, 77), (99, 3), (64, 64), (130, 131), (257, 190)].into_iter().enumerate()
    {
        for picture in pictures(columns, rows, seed as u64) {
            // The first tile of a small picture may lie before it.
            let may_move = columns.min(rows) > 50;
            for way in WAYS.iter().filter(|way| may_move || !way.contains(&"-image_offset")) {
                let attributes = picture.attributes;
                let coded =
                    openjph_writes(folder.path(), &picture, &[&["-reversible", "true"], *way].concat());
                let back = decode(Coding::HighThroughputJpeg2000, &attributes, &coded);
                let back = back.unwrap_or_else(|error| panic!("{error}: {way:?} {attributes:?}"));
                assert!(back.bytes == picture.bytes, "{way:?} {attributes:?}");
            }
        }
    }
}

#[test]
fn what_openjph_writes_with_loss_is_read_as_by_openjph() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for picture in pictures(150, 101, 9) {
        if picture.attributes.signed {
            continue;
        }
        for way in WAYS.iter().filter(|way| !way.contains(&"-image_offset")) {
            let asked = [&["-reversible", "false", "-qstep", "0.003"], *way].concat();
            let coded = openjph_writes(folder.path(), &picture, &asked);
            let ours = decode(Coding::HighThroughputJpeg2000, &picture.attributes, &coded).unwrap();
            let theirs = openjph_reads(folder.path(), &coded, &picture.attributes);
            let apart = values(&ours).into_iter().zip(theirs).map(|(a, b)| a.abs_diff(b)).max();
            assert!(apart.unwrap() <= LOSSY_TOLERANCE, "{apart:?} {way:?} {:?}", picture.attributes);
        }
    }
}

#[test]
fn what_we_write_is_read_by_openjph() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (seed, (columns, rows)) in
        [(1, 1), (7, 300), (65, 64), (513, 200), (4_200, 70)].into_iter().enumerate()
    {
        for picture in pictures(columns, rows, seed as u64).into_iter().filter(|one| !one.attributes.signed) {
            let theirs = openjph_reads(folder.path(), &encode_htj2k(&picture).unwrap(), &picture.attributes);
            assert!(theirs == values(&picture), "{:?}", picture.attributes);
        }
    }
}

// === helpers ===

fn is_installed() -> bool {
    let is_there = Command::new("ojph_compress").output().is_ok();
    if !is_there {
        eprintln!("skipped: ojph_compress is not installed");
    }
    is_there
}

/// Pictures of several kinds, part noise and part smooth.
fn pictures(columns: u32, rows: u32, seed: u64) -> Vec<Picture> {
    let grey = |bits_allocated, bits_stored, signed| ImageAttributes {
        rows,
        columns,
        samples: 1,
        bits_allocated,
        bits_stored,
        high_bit: bits_stored - 1,
        signed,
        photometric: Photometric::Monochrome2,
        planar: false,
    };
    let colour = ImageAttributes { samples: 3, photometric: Photometric::YbrRct, ..grey(8, 8, false) };
    let kinds = [grey(8, 8, false), grey(16, 12, false), grey(16, 16, false), grey(16, 16, true), colour];
    kinds.into_iter().map(|attributes| picture(attributes, seed)).collect()
}

fn picture(attributes: ImageAttributes, seed: u64) -> Picture {
    let (width, samples) =
        (attributes.columns * attributes.samples, attributes.rows * attributes.columns * attributes.samples);
    // OpenJPH 0.9 reads the words of a raw file as if they had no sign.
    let highest = (1_u64 << (attributes.bits_stored - u32::from(attributes.signed))) - 1;
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::new();
    for at in 0..samples {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (x, y) = (u64::from(at % width), u64::from(at / width));
        let noise = (state >> 40) & highest;
        let value = if (x / 50 + y / 50) % 2 == 0 { (x * 7 + y * 3 + noise % 4) & highest } else { noise };
        bytes.extend_from_slice(&value.to_le_bytes()[..attributes.bits_allocated as usize / 8]);
    }
    let photometric = if attributes.samples == 3 { Photometric::Rgb } else { attributes.photometric };
    Picture { attributes: ImageAttributes { photometric, ..attributes }, bytes }
}

fn values(picture: &Picture) -> Vec<u16> {
    match picture.attributes.bits_allocated {
        8 => picture.bytes.iter().copied().map(u16::from).collect(),
        _ => picture.bytes.as_chunks::<2>().0.iter().copied().map(u16::from_le_bytes).collect(),
    }
}

/// A codestream that `ojph_compress` makes. Signed samples come as those of a raw file, others as a portable pixmap.
fn openjph_writes(folder: &Path, picture: &Picture, way: &[&str]) -> Vec<u8> {
    let ImageAttributes { columns, rows, bits_stored, signed, samples, .. } = picture.attributes;
    let output = folder.join("coded.j2c");
    let mut command = Command::new("ojph_compress");
    let mut input = folder.join("picture.yuv");
    if signed {
        std::fs::write(&input, &picture.bytes).unwrap();
        command.args(["-dims", &format!("{{{columns},{rows}}}"), "-num_comps", "1", "-signed", "true"]);
        command.args(["-bit_depth", &bits_stored.to_string(), "-downsamp", "{1,1}"]);
    } else {
        input = folder.join(if samples == 3 { "picture.ppm" } else { "picture.pgm" });
        std::fs::write(&input, pixmap(picture)).unwrap();
    }
    let ran = command.arg("-i").arg(&input).arg("-o").arg(&output).args(way).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned() + &String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{way:?} {:?}: {said}", picture.attributes);
    std::fs::read(&output).unwrap()
}

fn openjph_reads(folder: &Path, coded: &[u8], attributes: &ImageAttributes) -> Vec<u16> {
    let (input, output) =
        (folder.join("ours.j2c"), folder.join(if attributes.samples == 3 { "back.ppm" } else { "back.pgm" }));
    std::fs::write(&input, coded).unwrap();
    let ran = Command::new("ojph_expand").arg("-i").arg(&input).arg("-o").arg(&output).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned() + &String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{attributes:?}: {said}");
    let file = std::fs::read(&output).unwrap();
    let samples = (attributes.rows * attributes.columns * attributes.samples) as usize;
    if attributes.bits_stored <= 8 {
        file[file.len() - samples..].iter().copied().map(u16::from).collect()
    } else {
        file[file.len() - 2 * samples..].as_chunks::<2>().0.iter().copied().map(u16::from_be_bytes).collect()
    }
}

/// A portable pixmap, high byte first.
fn pixmap(picture: &Picture) -> Vec<u8> {
    let ImageAttributes { columns, rows, bits_stored, samples, .. } = picture.attributes;
    let kind = if samples == 3 { "P6" } else { "P5" };
    let mut file = format!("{kind}\n{columns} {rows}\n{}\n", (1_u32 << bits_stored) - 1).into_bytes();
    for value in values(picture) {
        let bytes = value.to_be_bytes();
        file.extend_from_slice(if bits_stored > 8 { &bytes } else { &bytes[1..] });
    }
    file
}
