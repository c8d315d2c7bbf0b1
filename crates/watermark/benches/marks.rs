//! What marks add to a rendered picture, and the whole way of one: decoding, window, size, marks, JPEG. One core, one thread.

#![allow(clippy::panic, missing_docs)] // a benchmark may stop

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use yingdun_crypto::SealingKey;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_dicom::{scan, transfer_syntax};
use yingdun_pixels::render::{Presentation, View, Viewport, render, to_jpeg};
use yingdun_pixels::{Coding, ImageAttributes, decode};
use yingdun_watermark::{HiddenMark, MarkKey, Number, Part, Stamp, Surface, Words};

const WORDS: [&str; 5] = ["李伟", ".3.21", "P20260001", "2026-11-23 14:30", "WM-V07S-1TC3-63AY"];
const WHOLE: Part = Part { left: 0.0, top: 0.0, columns: 512.0, rows: 512.0 };

fn marks(c: &mut Criterion) {
    let instance = Study::new(1, Kind::Ct { slices: 40 }).instance(20);
    let syntax = transfer_syntax::lookup(&instance.transfer_syntax);
    let scanned =
        scan::scan(&instance.data_set, syntax, Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    let attributes = ImageAttributes::of(&scanned.data_set).unwrap_or_else(|error| panic!("{error}"));
    let presentation =
        Presentation::of(&scanned.data_set, 1, &attributes).unwrap_or_else(|error| panic!("{error}"));
    let offset = scanned.pixels.map_or(0, |pixels| usize::try_from(pixels.offset).unwrap_or(0));
    let frame = instance.data_set.get(offset..).unwrap_or_default();
    let view =
        View { viewport: Some(Viewport { columns: 1024, rows: 1024, region: None }), ..View::default() };
    let shown = || {
        let picture =
            decode(Coding::Native, &attributes, black_box(frame)).unwrap_or_else(|error| panic!("{error}"));
        render(&picture, &presentation, &view).unwrap_or_else(|error| panic!("{error}"))
    };
    let key = MarkKey::from(&SealingKey::generate());
    let number = Number::from_bits(7).unwrap_or_else(|| panic!("sixty bits"));
    let words = Words::new(WORDS, 1024, 1024);
    let stamp = Stamp::new(&words);
    let hidden = HiddenMark::new(&key, b"1.2.3/1", number);
    let mut bitmap = shown();
    let mut group = c.benchmark_group("marks-1024");
    group.bench_function("stamp, once for an opening", |b| b.iter(|| Stamp::new(black_box(&words))));
    group.bench_function("visible", |b| {
        b.iter(|| stamp.press(&mut surface(&mut bitmap)));
    });
    group.bench_function("hidden", |b| {
        b.iter(|| hidden.press(&mut surface(&mut bitmap), &WHOLE));
    });
    group.bench_function("picture without marks", |b| b.iter(|| to_jpeg(shown(), 85)));
    group.bench_function("picture with marks", |b| {
        b.iter(|| {
            let mut bitmap = shown();
            stamp.press(&mut surface(&mut bitmap));
            hidden.press(&mut surface(&mut bitmap), &WHOLE);
            to_jpeg(bitmap, 85)
        });
    });
    group.finish();
}

fn surface(bitmap: &mut yingdun_pixels::render::Bitmap) -> Surface<'_> {
    let (columns, rows, in_colour) = (bitmap.columns, bitmap.rows, bitmap.in_colour);
    Surface { columns, rows, in_colour, samples: &mut bitmap.samples }
}

criterion_group!(benches, marks);
criterion_main!(benches);
