//! A picture that somebody found, as JPEG or PNG, on its way to being traced; and the number that is read on one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yingdun_pixels::{FOUND_PIXELS_MAX, read_found};
use yingdun_watermark::{Number, Plane};

fuzz_target!(|file: &[u8]| {
    if let Ok(bitmap) = read_found(file) {
        let pixels = u64::from(bitmap.columns) * u64::from(bitmap.rows);
        assert!(pixels > 0 && pixels <= FOUND_PIXELS_MAX);
        assert_eq!(bitmap.samples.len() as u64, pixels * if bitmap.in_colour { 3 } else { 1 });
        let _ = Plane::of_bytes(bitmap.columns as usize, bitmap.rows as usize, bitmap.in_colour, &bitmap.samples);
    }
    if let Some(number) = std::str::from_utf8(file).ok().and_then(|text| text.parse::<Number>().ok()) {
        assert_eq!(number.to_string().parse::<Number>().expect("our own").to_string(), number.to_string());
    }
});
