//! Which proposed contexts are accepted, and in which encoding. Pure: no state, no peer.

use crate::VERIFICATION;
use crate::association::Answer;
use crate::commitment::STORAGE_COMMITMENT;
use crate::pdu::ContextOutcome;
use yingdun_dicom::dictionary::is_storage_sop_class;
use yingdun_model::Uid;

/// Transfer syntaxes that compress without any loss (PS3.5 §10, annex A).
const LOSSLESS: [&str; 11] = [
    "1.2.840.10008.1.2.4.57",  // JPEG lossless, process 14
    "1.2.840.10008.1.2.4.70",  // JPEG lossless, process 14, first-order prediction
    "1.2.840.10008.1.2.4.80",  // JPEG-LS lossless
    "1.2.840.10008.1.2.4.90",  // JPEG 2000 lossless
    "1.2.840.10008.1.2.4.92",  // JPEG 2000 part 2 lossless
    "1.2.840.10008.1.2.4.110", // JPEG XL lossless
    "1.2.840.10008.1.2.4.201", // HTJ2K lossless
    "1.2.840.10008.1.2.4.202", // HTJ2K lossless RPCL
    "1.2.840.10008.1.2.5",     // RLE
    "1.2.840.10008.1.2.8.1",   // deflated image frames
    "1.2.840.10008.1.2.1.98",  // encapsulated uncompressed
];

/// Native transfer syntaxes, the one that says most about its data first.
const NATIVE: [&str; 3] = [
    "1.2.840.10008.1.2.1", // Explicit VR Little Endian
    "1.2.840.10008.1.2",   // Implicit VR Little Endian
    "1.2.840.10008.1.2.2", // Explicit VR Big Endian
];

/// Answers one proposed presentation context.
///
/// Verification and every storage SOP class of the standard are accepted, in any transfer syntax at all,
/// because objects are kept as they are sent; storage commitment in those that every peer can read.
///
/// # Errors
/// The outcome to answer when the context is refused.
pub(super) fn decide(abstract_syntax: &Uid, transfer_syntaxes: &[Uid]) -> Answer {
    let chosen = match abstract_syntax.as_str() {
        VERIFICATION => preferred(transfer_syntaxes),
        // Data sets of this one are read and written here, not kept as they come.
        STORAGE_COMMITMENT => native(transfer_syntaxes),
        class if is_storage_sop_class(class) => preferred(transfer_syntaxes),
        _ => return Err(ContextOutcome::AbstractSyntaxNotSupported),
    };
    chosen.cloned().ok_or(ContextOutcome::TransferSyntaxesNotSupported)
}

/// The transfer syntax to choose when a peer offers several in one context:
///
/// 1. lossless compression, in the peer's order: the image as it is, on less wire;
/// 2. native, Explicit VR Little Endian first;
/// 3. anything else (lossy, deflated data set, private), in the peer's order.
///
/// A lossy syntax is chosen only where nothing else is offered: a peer that holds an image without loss must
/// not be invited to spoil it on the way into the archive.
fn preferred(offered: &[Uid]) -> Option<&Uid> {
    let lossless = || offered.iter().find(|syntax| LOSSLESS.contains(&syntax.as_str()));
    lossless().or_else(|| native(offered)).or_else(|| offered.first())
}

fn native(offered: &[Uid]) -> Option<&Uid> {
    NATIVE.iter().find_map(|native| offered.iter().find(|syntax| syntax.as_str() == *native))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const IMPLICIT: &str = "1.2.840.10008.1.2";
    const EXPLICIT: &str = "1.2.840.10008.1.2.1";
    const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
    const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
    const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";

    fn choose(class: &str, offered: &[&str]) -> Result<String, ContextOutcome> {
        let offered: Vec<Uid> = offered.iter().map(|uid| Uid::new(uid).unwrap()).collect();
        decide(&Uid::new(class).unwrap(), &offered).map(|uid| uid.to_string())
    }

    #[test]
    fn lossless_compression_is_taken_in_the_order_of_the_peer() {
        assert_eq!(choose(CT, &[EXPLICIT, JPEG_2000, JPEG_LS]).unwrap(), JPEG_2000);
    }

    #[test]
    fn a_lossy_syntax_is_taken_only_when_nothing_else_is_offered() {
        assert_eq!(choose(CT, &[JPEG_BASELINE, IMPLICIT]).unwrap(), IMPLICIT);
        assert_eq!(choose(CT, &[JPEG_BASELINE]).unwrap(), JPEG_BASELINE);
    }

    #[test]
    fn explicit_little_endian_goes_before_implicit() {
        assert_eq!(choose(CT, &[IMPLICIT, EXPLICIT]).unwrap(), EXPLICIT);
    }

    #[test]
    fn a_private_transfer_syntax_is_kept_as_it_is_sent() {
        assert_eq!(choose(CT, &["1.3.6.1.4.1.1.7"]).unwrap(), "1.3.6.1.4.1.1.7");
    }

    #[test]
    fn what_is_neither_storage_nor_verification_is_refused() {
        for class in ["1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.9", "1.3.6.1.4.1.1.9"] {
            assert_eq!(choose(class, &[IMPLICIT]), Err(ContextOutcome::AbstractSyntaxNotSupported));
        }
        assert!(choose(VERIFICATION, &[IMPLICIT]).is_ok());
        assert_eq!(choose(STORAGE_COMMITMENT, &[JPEG_LS, IMPLICIT]).unwrap(), IMPLICIT);
        assert!(choose(STORAGE_COMMITMENT, &[JPEG_LS]).is_err());
    }

    #[test]
    fn a_context_without_transfer_syntax_is_refused() {
        assert_eq!(choose(CT, &[]), Err(ContextOutcome::TransferSyntaxesNotSupported));
    }
}
