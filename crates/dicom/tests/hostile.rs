//! Hostile and broken data sets: a clear error that names the place, never a panic, a hang or much memory.

// A test may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use std::io::Write;
use yingdun_dicom::data_set::{DataSet, Value};
use yingdun_dicom::frames::{FrameError, FrameTable, ImageShape};
use yingdun_dicom::index::InstanceIndex;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::part10::read_header;
use yingdun_dicom::scan::{PixelExtent, ScanError, ScanNote, Scanned, Scanner, scan};
use yingdun_dicom::synthetic::{Kind, Study};
use yingdun_dicom::transfer_syntax::{Encoding, TransferSyntax};
use yingdun_dicom::{Tag, Vr, json, tags, write};

const ENCODINGS: [Encoding; 4] =
    [Encoding::ImplicitLe, Encoding::ExplicitLe, Encoding::ExplicitBe, Encoding::DeflatedExplicitLe];

fn syntax(encoding: Encoding) -> TransferSyntax {
    TransferSyntax { encoding, encapsulated: false, known: true }
}

fn explicit(bytes: &[u8]) -> Result<Scanned, ScanError> {
    scan(bytes, syntax(Encoding::ExplicitLe), Limits::default())
}

fn implicit(bytes: &[u8]) -> Result<Scanned, ScanError> {
    scan(bytes, syntax(Encoding::ImplicitLe), Limits::default())
}

fn limited(bytes: &[u8], change: impl FnOnce(&mut Limits)) -> Result<Scanned, ScanError> {
    let mut limits = Limits::default();
    change(&mut limits);
    scan(bytes, syntax(Encoding::ExplicitLe), limits)
}

/// A data set with most of what DICOM has: nesting, numbers, private attributes, an icon, pixels, padding.
fn rich(encoding: Encoding) -> Vec<u8> {
    let mut item = DataSet::new();
    item.put_text(tags::CODE_MEANING, Vr::LO, "结节");
    item.put_items(tags::CONTENT_SEQUENCE, vec![DataSet::new()]);
    let mut set = DataSet::new();
    set.put_text(tags::SPECIFIC_CHARACTER_SET, Vr::CS, "ISO_IR 192");
    set.put_text(tags::SOP_CLASS_UID, Vr::UI, "1.2.840.10008.5.1.4.1.1.2");
    set.put_text(tags::SOP_INSTANCE_UID, Vr::UI, "1.2.3.4");
    set.put_text(Tag(0x0009, 0x0010), Vr::LO, "VENDOR");
    set.put_bytes(Tag(0x0009, 0x1001), Vr::UN, vec![1, 2, 3, 4]);
    set.put_text(tags::PATIENT_NAME, Vr::PN, "Wang^Wei=王^伟");
    set.put_items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![item.clone(), item]);
    set.put_text(tags::STUDY_INSTANCE_UID, Vr::UI, "1.2.3");
    set.put_text(tags::SERIES_INSTANCE_UID, Vr::UI, "1.2.3.1");
    set.put_u16(tags::ROWS, 4);
    set.put_u16(tags::COLUMNS, 4);
    set.put_u16(tags::BITS_ALLOCATED, 16);
    set.put_bytes(tags::PIXEL_DATA, Vr::OW, (0..32).collect());
    set.put_bytes(tags::DATA_SET_TRAILING_PADDING, Vr::OB, vec![0; 6]);
    write::data_set(&set, encoding)
}

/// Encapsulated pixels with an undefined-length sequence before and an element after them.
fn encapsulated() -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"\x08\0\x16\0UI\x04\x001.2\0");
    bytes.extend_from_slice(b"\x88\0\0\x02SQ\0\0\xff\xff\xff\xff"); // icon image sequence
    bytes.extend_from_slice(b"\xfe\xff\0\xe0\xff\xff\xff\xff"); // item
    bytes.extend_from_slice(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"); // encapsulated icon
    bytes.extend_from_slice(b"\xfe\xff\0\xe0\0\0\0\0\xfe\xff\0\xe0\x02\0\0\0ab\xfe\xff\xdd\xe0\0\0\0\0");
    bytes.extend_from_slice(b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"); // item, sequence end
    bytes.extend_from_slice(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff");
    bytes.extend_from_slice(b"\xfe\xff\0\xe0\x08\0\0\0\0\0\0\0\x0c\0\0\0"); // offset table: 0, 12
    bytes.extend_from_slice(b"\xfe\xff\0\xe0\x04\0\0\0AAAA");
    bytes.extend_from_slice(b"\xfe\xff\0\xe0\x02\0\0\0BB\xfe\xff\0\xe0\x02\0\0\0CC");
    bytes.extend_from_slice(b"\xfe\xff\xdd\xe0\0\0\0\0");
    bytes.extend_from_slice(b"\xfc\xff\xfc\xffOB\0\0\x02\0\0\0\0\0"); // trailing padding
    bytes
}

#[test]
fn encapsulated_pixels_are_found_behind_an_encapsulated_icon_and_before_padding() {
    let bytes = encapsulated();
    let scanned = explicit(&bytes).unwrap();
    let pixels = scanned.pixels.unwrap();
    let PixelExtent::Encapsulated(fragments) = &pixels.extent else { panic!("native") };
    assert_eq!((fragments.lengths.as_slice(), fragments.complete), (&[4, 2, 2][..], true));
    assert!(scanned.data_set.get(tags::DATA_SET_TRAILING_PADDING).is_some());
    let shape = ImageShape { rows: 1, columns: 1, samples: 1, bits_allocated: 8, frames: 2 };
    let table = FrameTable::build(&pixels, Some(shape)).unwrap();
    let read = |number| {
        let place = table.frame(number).unwrap();
        place.parts.iter().flat_map(|part| &bytes[part.start as usize..part.end as usize]).copied().collect()
    };
    let frames: [Vec<u8>; 2] = [read(1), read(2)];
    assert_eq!(frames, [b"AAAA".to_vec(), b"BBCC".to_vec()]);
    let icon = &json::render(&scanned.data_set).bulk[0];
    assert_eq!((icon.path.as_str(), icon.encapsulated), ("00880200/0/7FE00010", true));
}

#[test]
fn a_wrong_length_names_the_element_the_claim_and_what_remains() {
    let error = implicit(b"\x28\0\x10\0\x70\x11\x01\0\x01\x02").unwrap_err();
    assert_eq!(error.to_string(), "element (0028,0010) at byte 0 claims 70000 bytes, 2 remain");
    // Without a known length the same is found at the end.
    let mut scanner = Scanner::new(syntax(Encoding::ImplicitLe), Limits::default());
    scanner.feed(b"\x28\0\x10\0\x70\x11\x01\0\x01\x02").unwrap();
    assert!(matches!(scanner.finish(), Err(ScanError::Overrun { claimed: 70_000, .. })));
    // An element longer than its item.
    let error =
        implicit(b"\x40\0\x75\x02\x12\0\0\0\xfe\xff\0\xe0\x0a\0\0\0\x08\0\0\x01\x09\0\0\0ab").unwrap_err();
    assert_eq!(error.to_string(), "element (0008,0100) at byte 16 claims 9 bytes, 2 remain");
}

#[test]
fn pixel_data_that_claims_more_than_there_is_or_holds_less_than_its_geometry_is_an_error() {
    let bytes = rich(Encoding::ExplicitLe);
    let scanned = explicit(&bytes).unwrap();
    let mut shape = ImageShape::of(&scanned.data_set).unwrap();
    shape.frames = 2;
    let error = FrameTable::build(scanned.pixels.as_ref().unwrap(), Some(shape)).unwrap_err();
    assert_eq!(error, FrameError::TooShort { frames: 2, needed: 64, length: 32 });
    let offset = scanned.pixels.unwrap().offset as usize;
    let mut lying = bytes;
    lying[offset - 4..offset].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let error = explicit(&lying).unwrap_err();
    assert!(
        matches!(error, ScanError::Overrun { tag: tags::PIXEL_DATA, claimed: 0xffff_fff0, .. }),
        "{error}"
    );
}

#[test]
fn nesting_elements_fragments_and_tables_are_bounded() {
    let mut deep = Vec::new();
    for _ in 0..10_000 {
        deep.extend_from_slice(b"\x40\0\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff");
    }
    assert_eq!(explicit(&deep).unwrap_err(), ScanError::TooDeep { max: 32, offset: 652 });

    let many = b"\x10\0\x20\0LO\x02\0ab".repeat(11);
    let error = limited(&many, |limits| limits.elements_max = 10).unwrap_err();
    assert_eq!(error, ScanError::TooManyElements { max: 10 });

    let error = limited(&encapsulated(), |limits| limits.fragments_max = 2).unwrap_err();
    assert_eq!(error, ScanError::TooManyFragments { max: 2 });
    let error = limited(&encapsulated(), |limits| limits.offset_table_bytes_max = 4).unwrap_err();
    assert_eq!(error, ScanError::OffsetTable { length: 8, max: 4 });
}

#[test]
fn what_memory_may_not_hold_is_remembered_by_its_place() {
    let mut set = DataSet::new();
    set.put_bytes(Tag(0x0009, 0x1001), Vr::OB, vec![1; 1_000]);
    set.put_bytes(Tag(0x0009, 0x1002), Vr::OB, vec![2; 1_000]);
    set.put_text(tags::PATIENT_ID, Vr::LO, "4711");
    let bytes = write::data_set(&set, Encoding::ExplicitLe);
    let scanned = limited(&bytes, |limits| limits.kept_bytes_max = 1_500).unwrap();
    let second = scanned.data_set.get(Tag(0x0009, 0x1002)).unwrap();
    assert_eq!(second.value, Value::Extent { length: 1_000, encapsulated: false });
    assert_eq!(bytes[second.offset as usize], 2);
    assert_eq!(scanned.notes, [ScanNote::KeptBytesExhausted { tag: Tag(0x0009, 0x1002) }]);
    assert_eq!(scanned.data_set.bytes(tags::PATIENT_ID), Some(&b"4711"[..]));
}

#[test]
fn a_deflate_bomb_stops_early_and_a_cut_or_damaged_stream_is_noticed() {
    let deflate = |plain: &[u8]| {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    };
    let mut plain = b"\x10\0\x20\0LO\x02\0ab\xe0\x7f\x10\0OW\0\0\0\0\0\x08".to_vec();
    plain.resize(64 << 20, 0);
    let bomb = deflate(&plain);
    let deflated = syntax(Encoding::DeflatedExplicitLe);
    let mut scanner = Scanner::new(deflated, Limits::default());
    let error = bomb.chunks(1_000).find_map(|piece| scanner.feed(piece).err()).unwrap();
    let ScanError::DeflateBomb { inflated, .. } = error else { panic!("{error}") };
    assert!(inflated < 8 << 20, "{inflated}");
    assert_eq!(scanner.feed(&[0]), Err(ScanError::AlreadyFailed));

    let good = rich(Encoding::DeflatedExplicitLe);
    let cut = scan(&good[..good.len() / 2], deflated, Limits::default()).unwrap_err();
    assert!(matches!(cut, ScanError::DeflateTruncated { .. }), "{cut}");
    let mut long = good;
    long.extend_from_slice(&[7; 20]);
    assert!(matches!(scan(&long, deflated, Limits::default()), Err(ScanError::Deflate { .. })));
}

#[test]
fn habits_of_real_equipment_are_read_and_noted() {
    // Explicit headers under an implicit transfer syntax and the reverse.
    let scanned = implicit(&rich(Encoding::ExplicitLe)).unwrap();
    assert_eq!(scanned.notes, [ScanNote::WrittenAs(Encoding::ExplicitLe)]);
    let scanned = explicit(&rich(Encoding::ImplicitLe)).unwrap();
    assert_eq!(scanned.notes, [ScanNote::WrittenAs(Encoding::ImplicitLe)]);
    // File meta elements inside, then implicit elements.
    let scanned = implicit(b"\x02\0\x10\0UI\x02\x001\0\x10\0\x20\0\x02\0\0\0ab").unwrap();
    assert_eq!(scanned.data_set.bytes(tags::PATIENT_ID), Some(&b"ab"[..]));
    assert!(scanned.notes.contains(&ScanNote::FileMetaInside));
    // Letters that are no value representation, in both header forms.
    let scanned = explicit(b"\x09\0\x01\x10??\x02\0ab\x10\0\x20\0OX\0\0\x02\0\0\0cd").unwrap();
    assert_eq!(scanned.data_set.bytes(tags::PATIENT_ID), Some(&b"cd"[..]));
    assert_eq!(scanned.notes.len(), 2);
    // An item that is not closed before its sequence, and a delimiter at the top.
    let scanned = explicit(
        b"\x40\0\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff\xfe\xff\xdd\xe0\0\0\0\0\xfe\xff\x0d\xe0\0\0\0\0",
    )
    .unwrap();
    assert_eq!(scanned.data_set.items(tags::REQUEST_ATTRIBUTES_SEQUENCE).len(), 1);
    assert_eq!(scanned.notes.len(), 2);
    // UN of undefined length holds implicit items.
    let scanned = explicit(
        b"\x09\0\x02\x10UN\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\x0a\0\0\0\x10\0\x20\0\x02\0\0\0ab\xfe\xff\xdd\xe0\0\0\0\0",
    )
    .unwrap();
    let item = &scanned.data_set.items(Tag(0x0009, 0x1002))[0];
    assert_eq!(item.bytes(tags::PATIENT_ID), Some(&b"ab"[..]));
    // Zeros after the last element, in one piece or several.
    let scanned = explicit(b"\x10\0\x20\0LO\x02\0ab\0\0\0\0\0\0\0\0\0\0\0").unwrap();
    assert_eq!(scanned.notes, [ScanNote::TrailingZeros { count: 11 }]);
}

#[test]
fn structure_that_makes_no_sense_is_refused() {
    for (bytes, part) in [
        (&b""[..], "empty"),
        (b"\x10\0\x20\0LO\x02\0ab\x10\0\x30", "inside an element header"),
        (b"\x40\0\x75\x02SQ\0\0\xff\xff\xff\xff", "before sequence (0040,0275)"),
        (b"\x40\0\x75\x02SQ\0\0\xff\xff\xff\xff\x10\0\x20\0LO\x02\0ab", "expected an item"),
        (b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\x10\0\x20\0LO\x02\0ab", "expected a fragment"),
        (b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff", "undefined length"),
        (b"\x10\0\x20\0UT\0\0\xff\xff\xff\xff", "undefined length"),
    ] {
        let error = explicit(bytes).unwrap_err().to_string();
        assert!(error.contains(part), "{error:?} for {bytes:?}");
    }
}

#[test]
fn a_data_set_cut_at_any_byte_is_an_error_or_ends_exactly_between_elements() {
    for bytes in ENCODINGS.map(rich).into_iter().chain([encapsulated()]) {
        let encoding = ENCODINGS.into_iter().find(|e| rich(*e) == bytes).unwrap_or(Encoding::ExplicitLe);
        let whole = scan(&bytes, syntax(encoding), Limits::default()).unwrap();
        let ends: Vec<u64> = whole.data_set.elements().iter().map(|element| element.offset).collect();
        let mut complete = 0;
        for cut in 0..bytes.len() {
            if let Ok(scanned) = scan(&bytes[..cut], syntax(encoding), Limits::default()) {
                complete += 1;
                assert!(scanned.data_set.elements().len() <= whole.data_set.elements().len());
            }
        }
        // Undetectable cuts: between elements, and inside trailing zeros that look like padding.
        assert!(complete <= ends.len() + 8, "{complete} of {} in {encoding:?}", bytes.len());
    }
}

/// Everything that the archive does with a received object.
fn use_all(bytes: &[u8], encoding: Encoding, piece: usize) -> Result<Scanned, ScanError> {
    let _ = read_header(bytes, false);
    let _ = read_header(bytes, true);
    let mut scanner = Scanner::new(syntax(encoding), Limits::default());
    for piece in bytes.chunks(piece.max(1)) {
        scanner.feed(piece)?;
    }
    let scanned = scanner.finish()?;
    let _ = InstanceIndex::from_data_set(&scanned.data_set);
    let rendered = json::render(&scanned.data_set);
    serde_json::from_slice::<serde_json::Value>(&json::with_base(&rendered.template, "b")).unwrap();
    if let Some(pixels) = &scanned.pixels
        && let Ok(table) = FrameTable::build(pixels, ImageShape::of(&scanned.data_set))
    {
        for number in [0, 1, table.frames(), u32::MAX] {
            if let Ok(place) = table.frame(number) {
                assert!(place.parts.iter().all(|part| part.end <= bytes.len() as u64 || scanned.length > 0));
            }
        }
    }
    Ok(scanned)
}

fn same(a: &Result<Scanned, ScanError>, b: &Result<Scanned, ScanError>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => {
            (&a.data_set, &a.pixels, a.length, a.encoding, &a.notes)
                == (&b.data_set, &b.pixels, b.length, b.encoding, &b.notes)
        }
        (Err(a), Err(b)) => a == b,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_never_panic_and_pieces_change_nothing(
        bytes in proptest::collection::vec(any::<u8>(), 0..600), which in 0_usize..4, piece in 1_usize..20,
    ) {
        let encoding = ENCODINGS[which];
        let whole = use_all(&bytes, encoding, bytes.len());
        let pieces = use_all(&bytes, encoding, piece);
        prop_assert!(same(&whole, &pieces) || encoding == Encoding::DeflatedExplicitLe);
    }

    #[test]
    fn damaged_data_sets_never_panic_and_pieces_change_nothing(
        which in 0_usize..5, piece in 1_usize..20,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let encoding = ENCODINGS.get(which).copied().unwrap_or(Encoding::ExplicitLe);
        let mut bytes = if which == 4 { encapsulated() } else { rich(encoding) };
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = use_all(&bytes, encoding, bytes.len());
        let pieces = use_all(&bytes, encoding, piece);
        prop_assert!(same(&whole, &pieces) || encoding == Encoding::DeflatedExplicitLe, "{whole:?} {pieces:?}");
    }
}

#[test]
fn a_path_as_identifier_is_refused_by_the_index() {
    let mut set = explicit(&rich(Encoding::ExplicitLe)).unwrap().data_set;
    set.put_text(tags::STUDY_INSTANCE_UID, Vr::UI, "../../../etc/shadow");
    let error = InstanceIndex::from_data_set(&set).unwrap_err();
    assert_eq!(error.to_string(), "attribute (0020,000D) is not a UID");
}

#[test]
fn a_synthetic_image_survives_any_cut_of_its_header_without_panic() {
    let instance = Study::new(9, Kind::CtMatrix { slices: 1, matrix: 8 }).instance(0);
    for cut in 0..instance.data_set.len() {
        let _ = use_all(&instance.data_set[..cut], Encoding::ExplicitLe, 7);
    }
}
