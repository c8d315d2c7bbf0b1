//! One frame in each coding, decoded and shown. The first byte of the input chooses the coding and the colour, the next
//! ones the attributes; the rest is the frame.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::{Vr, tags};
use yingdun_pixels::render::{Presentation, View, Viewport, render, to_jpeg};
use yingdun_pixels::{Coding, ImageAttributes, Photometric, decode, encode_jpeg_ls, encode_rle};

const CODINGS: [Coding; 9] = [
    Coding::Native,
    Coding::NativeBigEndian { in_words: false },
    Coding::NativeBigEndian { in_words: true },
    Coding::Rle,
    Coding::Jpeg,
    Coding::JpegLs,
    Coding::Jpeg2000,
    Coding::Deflated,
    Coding::HighThroughputJpeg2000,
];

const PHOTOMETRICS: [Photometric; 6] = [
    Photometric::Monochrome1,
    Photometric::Monochrome2,
    Photometric::PaletteColor,
    Photometric::Rgb,
    Photometric::YbrFull422,
    Photometric::YbrRct,
];

/// A palette that is cut off, so that it is met with odd lengths.
fn described(bytes: &[u8]) -> DataSet {
    let mut set = DataSet::new();
    for (descriptor, data, segments) in [
        (tags::RED_PALETTE_DESCRIPTOR, tags::RED_PALETTE_DATA, tags::SEGMENTED_RED_PALETTE_DATA),
        (tags::GREEN_PALETTE_DESCRIPTOR, tags::GREEN_PALETTE_DATA, tags::SEGMENTED_GREEN_PALETTE_DATA),
        (tags::BLUE_PALETTE_DESCRIPTOR, tags::BLUE_PALETTE_DATA, tags::SEGMENTED_BLUE_PALETTE_DATA),
    ] {
        let (head, rest) = bytes.split_at(bytes.len().min(6));
        set.put_bytes(descriptor, Vr::US, head.to_vec());
        let tag = if rest.len() % 2 == 0 { data } else { segments };
        set.put_bytes(tag, Vr::OW, rest.iter().take(600).copied().collect());
    }
    set
}

fuzz_target!(|input: &[u8]| {
    let Some((&[choice, rows, columns, bits, flags], frame)) = input.split_first_chunk::<5>() else { return };
    let photometric = PHOTOMETRICS[usize::from(choice >> 4) % PHOTOMETRICS.len()];
    let in_colour = matches!(photometric, Photometric::Rgb | Photometric::YbrFull422 | Photometric::YbrRct);
    let bits_stored = u32::from(bits % 32) + 1;
    let attributes = ImageAttributes {
        rows: u32::from(rows) + 1,
        columns: u32::from(columns) + 1,
        samples: if in_colour { 3 } else { 1 },
        bits_allocated: if flags & 1 == 1 && bits_stored == 1 {
            1
        } else {
            bits_stored.next_multiple_of(8).next_power_of_two()
        },
        bits_stored,
        high_bit: bits_stored - 1,
        signed: flags & 2 == 2,
        photometric,
        planar: flags & 4 == 4 && in_colour,
    };
    let coding = CODINGS[usize::from(choice & 0xf) % CODINGS.len()];
    let Ok(picture) = decode(coding, &attributes, frame) else { return };
    assert_eq!(picture.bytes.len() as u64, picture.attributes.decoded_bytes());
    if let Ok(coded) = encode_rle(&picture) {
        assert_eq!(decode(Coding::Rle, &picture.attributes, &coded).expect("our own").bytes, picture.bytes);
    }
    if let Ok(coded) = encode_jpeg_ls(&picture) {
        decode(Coding::JpegLs, &picture.attributes, &coded).expect("our own");
    }
    let Ok(presentation) = Presentation::of(&described(frame), 1, &picture.attributes) else { return };
    let view = View { viewport: Some(Viewport { columns: 40, rows: 30, region: None }), window: None };
    if let Ok(bitmap) = render(&picture, &presentation, &view) {
        to_jpeg(bitmap, 50).expect("a picture of 8 bits");
    }
});
