//! A certificate that a caller of a DICOM door showed, which nobody has verified: what is kept of it for who registers devices.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yingdun_access::{SHOWN_BYTES_MAX, ShownCertificate};

fuzz_target!(|der: &[u8]| {
    let Some(shown) = ShownCertificate::read(der, false) else { return };
    assert!(der.len() <= SHOWN_BYTES_MAX && !shown.is_trusted);
    for name in [&shown.subject, &shown.issuer] {
        // One short line, and nothing in it that a terminal or a log would obey.
        assert!(name.chars().count() <= 121 && !name.chars().any(char::is_control), "{name:?}");
    }
});
