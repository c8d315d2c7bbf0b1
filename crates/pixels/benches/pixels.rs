//! Speed of showing and coding a picture: what a viewer waits for. One core, one thread.

#![allow(clippy::panic, missing_docs)] // a benchmark may stop

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_dicom::{scan, transfer_syntax};
use yingdun_pixels::render::{Presentation, View, Viewport, render, to_jpeg, to_png};
use yingdun_pixels::{
    Coding, ImageAttributes, Picture, decode, encode_jpeg_2000, encode_jpeg_lossless, encode_jpeg_ls,
    encode_rle,
};

/// A synthetic slice of 512 x 512 pixels and how it is shown.
fn slice() -> (Picture, Presentation) {
    let instance = Study::new(1, Kind::Ct { slices: 40 }).instance(20);
    let syntax = transfer_syntax::lookup(&instance.transfer_syntax);
    let scanned =
        scan::scan(&instance.data_set, syntax, Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    let attributes = ImageAttributes::of(&scanned.data_set).unwrap_or_else(|error| panic!("{error}"));
    let presentation =
        Presentation::of(&scanned.data_set, 1, &attributes).unwrap_or_else(|error| panic!("{error}"));
    let offset = scanned.pixels.map_or(0, |pixels| usize::try_from(pixels.offset).unwrap_or(0));
    let frame = instance.data_set.get(offset..).unwrap_or_default();
    let picture = decode(Coding::Native, &attributes, frame).unwrap_or_else(|error| panic!("{error}"));
    (picture, presentation)
}

fn rendered(c: &mut Criterion) {
    let (picture, presentation) = slice();
    let viewport = Viewport { columns: 1024, rows: 1024, region: None };
    let view = View { viewport: Some(viewport), ..View::default() };
    let show = || render(black_box(&picture), &presentation, &view).unwrap_or_else(|error| panic!("{error}"));
    let mut group = c.benchmark_group("rendered-512-to-1024");
    group.bench_function("jpeg", |b| b.iter(|| to_jpeg(show(), 90)));
    group.bench_function("png", |b| b.iter(|| to_png(&show())));
    group.finish();
}

fn coded(c: &mut Criterion) {
    let (picture, _) = slice();
    let attributes = picture.attributes;
    let mut group = c.benchmark_group("coded-512");
    group.throughput(Throughput::Bytes(picture.bytes.len() as u64));
    type Encode = fn(&Picture) -> Result<Vec<u8>, yingdun_pixels::PixelError>;
    let codings: [(&str, Coding, Encode); 4] = [
        ("rle", Coding::Rle, encode_rle),
        ("jpeg-lossless", Coding::Jpeg, encode_jpeg_lossless),
        ("jpeg-ls", Coding::JpegLs, encode_jpeg_ls),
        ("jpeg-2000", Coding::Jpeg2000, encode_jpeg_2000),
    ];
    for (name, coding, encode) in codings {
        let frame = encode(&picture).unwrap_or_else(|error| panic!("{error}"));
        group.bench_function(format!("{name}-encode"), |b| b.iter(|| encode(black_box(&picture))));
        group.bench_function(format!("{name}-decode"), |b| {
            b.iter(|| decode(coding, &attributes, black_box(&frame)))
        });
    }
    group.finish();
}

criterion_group!(benches, rendered, coded);
criterion_main!(benches);
