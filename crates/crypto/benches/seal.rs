//! How fast bytes are sealed, opened, wrapped and digested. One core each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark stops where it goes wrong")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use yingdun_crypto::{
    Context, HEADER_BYTES, Opener, Sealer, SealingKey, Suite, TokenKey, WrappingKey, digest, open, seal_into,
    sealed_len,
};

/// One slice of a CT series: 512 × 512 × 16 bit.
const SLICE_BYTES: usize = 512 * 1024;

fn context() -> Context {
    Context::new("yingdun/object/v1").field("renmin").field([1; 16]).field([2; 16]).number(1).field("L4")
}

/// What the figures of both suites are compared by.
const MEBIBYTE: usize = 1 << 20;

fn suites(c: &mut Criterion) {
    let (context, plain) = (context(), vec![7_u8; MEBIBYTE]);
    let mut group = c.benchmark_group("mebibyte");
    group.throughput(Throughput::Bytes(MEBIBYTE as u64));
    for &suite in Suite::ALL {
        let key = SealingKey::generate_for(suite);
        let mut sealed = Vec::new();
        seal_into(&key, &context, &plain, &mut sealed);
        group.bench_function(format!("seal_into/{suite}"), |b| {
            let mut out = Vec::with_capacity(sealed.len());
            b.iter(|| {
                out.clear();
                seal_into(&key, &context, black_box(&plain), &mut out);
            });
        });
        group.bench_function(format!("open/{suite}"), |b| {
            b.iter(|| open(&key, &context, black_box(&sealed)).unwrap());
        });
    }
    group.finish();
}

fn objects(c: &mut Criterion) {
    let (key, context) = (SealingKey::generate(), context());
    let plain = vec![7_u8; SLICE_BYTES];
    let mut sealed = Vec::new();
    seal_into(&key, &context, &plain, &mut sealed);
    let mut group = c.benchmark_group("slice");
    group.throughput(Throughput::Bytes(SLICE_BYTES as u64));
    group.bench_function("seal_into", |b| {
        let mut out = Vec::with_capacity(sealed.len());
        b.iter(|| {
            out.clear();
            seal_into(&key, &context, black_box(&plain), &mut out);
        });
    });
    group.bench_function("sealer_in_64_kib_pieces", |b| {
        let mut out = Vec::with_capacity(sealed.len());
        b.iter(|| {
            out.clear();
            let mut sealer = Sealer::new(&key, &context);
            for piece in plain.chunks(64 * 1024) {
                sealer.push(black_box(piece), &mut out).unwrap();
            }
            sealer.finish(&mut out);
        });
    });
    group.bench_function("open", |b| b.iter(|| open(&key, &context, black_box(&sealed)).unwrap()));
    group.bench_function("open_span", |b| {
        b.iter_batched_ref(
            || sealed[HEADER_BYTES..].to_vec(),
            |span| {
                let opener = Opener::new(&key, &context, &sealed[..HEADER_BYTES]).unwrap();
                opener.open_span(0, sealed_len(SLICE_BYTES as u64), span).unwrap()
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("blake3", |b| b.iter(|| digest::blake3(black_box(&sealed))));
    group.bench_function("sha256", |b| b.iter(|| digest::sha256(black_box(&plain))));
    group.finish();
}

fn keys(c: &mut Criterion) {
    let (key, context) = (SealingKey::generate(), context());
    let (parent, other) = (WrappingKey::generate(), WrappingKey::generate());
    let wrapped = parent.wrap(&context, &key);
    let tokens = TokenKey::from(&key);
    let mut group = c.benchmark_group("key");
    group.bench_function("wrap", |b| b.iter(|| parent.wrap(&context, black_box(&key))));
    group.bench_function("unwrap", |b| b.iter(|| parent.unwrap(&context, black_box(&wrapped)).unwrap()));
    group.bench_function("combine", |b| b.iter(|| WrappingKey::combine(&[&parent, &other], &context)));
    group.bench_function("token", |b| b.iter(|| tokens.token("patient-id", black_box("0012345678"))));
    for &suite in Suite::ALL {
        let key = SealingKey::generate_for(suite);
        group.bench_function(format!("seal_100_bytes/{suite}"), |b| {
            let mut out = Vec::with_capacity(256);
            b.iter(|| {
                out.clear();
                seal_into(&key, &context, black_box(&[7; 100]), &mut out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, suites, objects, keys);
criterion_main!(benches);
