//! A multipart body, in chunks as the network might cut it. The first byte of the input is the length of a chunk.
//! Whatever the chunks, the parts are the same.
#![no_main]

use bytes::Bytes;
use futures_util::stream;
use libfuzzer_sys::fuzz_target;
use std::convert::Infallible;
use yingdun_web::multipart::{Part, Reader};

const PARTS_MAX: usize = 64;

fuzz_target!(|input: &[u8]| {
    let Some((&chunk, body)) = input.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let pieces = runtime.block_on(parts(body, usize::from(chunk).max(1)));
    let whole = runtime.block_on(parts(body, body.len().max(1)));
    assert_eq!(pieces, whole);
});

/// The parts of a body, and whether it was complete.
async fn parts(body: &[u8], chunk: usize) -> (Vec<(Part, Vec<u8>)>, bool) {
    let chunks = body.chunks(chunk).map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk)));
    let mut reader = Reader::new(stream::iter(chunks), "fuzz", PARTS_MAX).expect("a boundary");
    let mut found = Vec::new();
    loop {
        match reader.next_part().await {
            Ok(Some(part)) => found.push((part, Vec::new())),
            Ok(None) => return (found, true),
            Err(_) => return (found, false),
        }
        loop {
            match reader.chunk().await {
                Ok(Some(bytes)) => {
                    if let Some((_, content)) = found.last_mut() {
                        content.extend_from_slice(&bytes);
                    }
                }
                Ok(None) => break,
                // How much of an unfinished part was handed out depends on the chunks.
                Err(_) => {
                    found.pop();
                    return (found, false);
                }
            }
        }
    }
}
