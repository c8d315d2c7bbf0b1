//! Speed of the paths that every stored and served byte takes: compact, scan, index, JSON; and of the
//! generator. One core, one thread.

#![allow(clippy::panic, clippy::print_stdout, missing_docs)] // a benchmark may stop and print

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use yingdun_dicom::compact::{PixelFormat, decode_block, encode_block};
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::synthetic::{Instance, Kind, Study};
use yingdun_dicom::{json, scan, transfer_syntax};

fn scanned(instance: &Instance) -> scan::Scanned {
    let syntax = transfer_syntax::lookup(&instance.transfer_syntax);
    scan::scan(&instance.data_set, syntax, Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn pixels(instance: &Instance) -> Vec<u8> {
    let offset = scanned(instance).pixels.map_or(0, |pixels| pixels.offset);
    instance.data_set.get(usize::try_from(offset).unwrap_or(0)..).unwrap_or_default().to_vec()
}

fn compact(c: &mut Criterion) {
    let ct = pixels(&Study::new(1, Kind::Ct { slices: 40 }).instance(20));
    let mr = pixels(&Study::new(1, Kind::Mr { slices: 40 }).instance(20));
    let us = pixels(&Study::new(1, Kind::Us { frames: 2 }).instance(0));
    for (name, format, plain) in [
        ("ct", PixelFormat::Words { columns: 512 }, ct),
        ("mr", PixelFormat::Words { columns: 256 }, mr),
        ("us", PixelFormat::Bytes { stride: 1 }, us),
    ] {
        let mut group = c.benchmark_group(format!("compact-{name}"));
        group.throughput(Throughput::Bytes(plain.len() as u64));
        let mut block = Vec::new();
        encode_block(&format, &plain, &mut block).unwrap_or_else(|error| panic!("{error}"));
        println!("compact-{name}: {:.2} to 1", plain.len() as f64 / block.len() as f64);
        let mut out = Vec::new();
        group.bench_function("encode", |b| {
            b.iter(|| {
                out.clear();
                encode_block(&format, black_box(&plain), &mut out)
            });
        });
        group.bench_function("decode", |b| {
            b.iter(|| {
                out.clear();
                decode_block(black_box(&block), plain.len(), &mut out)
            });
        });
        group.finish();
    }
}

fn read(c: &mut Criterion) {
    let instance = Study::new(1, Kind::Ct { slices: 40 }).instance(20);
    let scanned = scanned(&instance);
    let mut group = c.benchmark_group("instance");
    group.throughput(Throughput::Elements(1));
    group.bench_function("scan", |b| b.iter(|| self::scanned(black_box(&instance))));
    group.bench_function("index", |b| b.iter(|| InstanceIndex::from_data_set(black_box(&scanned.data_set))));
    group.bench_function("json", |b| b.iter(|| json::render(black_box(&scanned.data_set))));
    group.finish();
}

fn generate(c: &mut Criterion) {
    let study = Study::new(1, Kind::Ct { slices: 40 });
    let mut group = c.benchmark_group("synthetic");
    group.throughput(Throughput::Bytes(study.instance(0).data_set.len() as u64));
    group.bench_function("ct-slice", |b| b.iter(|| study.instance(black_box(20))));
    group.finish();
}

criterion_group!(benches, compact, read, generate);
criterion_main!(benches);
