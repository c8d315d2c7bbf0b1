//! A data set in JSON, as STOW-RS takes it. What is read is a data set that can be written and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yingdun_dicom::limits::Limits;
use yingdun_dicom::scan::scan;
use yingdun_dicom::transfer_syntax::{self, Encoding};
use yingdun_dicom::{json, write};
use yingdun_model::Uid;

fuzz_target!(|input: &[u8]| {
    if let Ok(documents) = json::documents(input) {
        documents.into_iter().for_each(read);
    }
    read(input);
});

fn read(document: &[u8]) {
    let read = json::read(document, &mut |pointer| pointer.at_top.then(|| vec![0; 7]));
    let Ok(read) = read else { return };
    let bytes = write::data_set(&read.data_set, Encoding::ExplicitLe);
    assert_eq!(bytes.len() % 2, 0);
    let explicit = Uid::new(transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN).expect("a UID");
    let _ = scan(&bytes, transfer_syntax::lookup(&explicit), Limits::default());
}
