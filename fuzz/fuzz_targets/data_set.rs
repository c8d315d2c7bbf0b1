//! A data set, in one piece and in two, in each encoding; then everything that is made of it. The first byte of
//! the input chooses the encoding, the second where it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yingdun_dicom::frames::{FrameTable, ImageShape};
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::{Scanner, scan};
use yingdun_dicom::{json, part10, transfer_syntax};
use yingdun_model::Uid;

const SYNTAXES: [&str; 5] = [
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.70",
];

/// Tight, so that a run of seconds reaches the bounds.
fn limits() -> Limits {
    Limits { inflated_bytes_max: 1 << 20, elements_max: 20_000, ..Limits::default() }
}

fuzz_target!(|input: &[u8]| {
    let _ = part10::read_header(input, true);
    let Some((&[choice, cut], bytes)) = input.split_first_chunk::<2>() else { return };
    let syntax = SYNTAXES[usize::from(choice) % SYNTAXES.len()];
    let syntax = transfer_syntax::lookup(&Uid::new(syntax).expect("a UID"));
    let whole = scan(bytes, syntax, limits());
    let mut scanner = Scanner::new(syntax, limits()).expect_length(bytes.len() as u64);
    let (first, second) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let pieces = scanner.feed(first).and_then(|()| scanner.feed(second)).and_then(|()| scanner.finish());
    let (Ok(scanned), Ok(pieces)) = (&whole, &pieces) else {
        assert_eq!(whole.is_ok(), pieces.is_ok(), "the cut changes the verdict");
        return;
    };
    assert_eq!(json::render(&scanned.data_set).template, json::render(&pieces.data_set).template);
    let _ = InstanceIndex::from_data_set(&scanned.data_set);
    if let Some(pixels) = &scanned.pixels
        && let Ok(table) = FrameTable::build(pixels, ImageShape::of(&scanned.data_set))
    {
        for number in 0..table.frames().min(64) {
            let _ = table.frame(number);
        }
    }
});
