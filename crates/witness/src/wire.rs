//! The texts of C2SP tlog-witness: what a log sends, and what comes back.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use std::fmt::Write as _;
use yingdun_audit::Hash;

/// The longest request, in bytes: 63 hashes, and a checkpoint with 16 post-quantum signatures, as C2SP signed-note asks for.
pub(crate) const REQUEST_BYTES_MAX: usize = 128 * 1024;

/// Hashes of one proof (C2SP tlog-witness): no tree is higher.
const PROOF_HASHES_MAX: usize = 63;

/// The media type of an answer that tells a size.
pub(crate) const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// A checkpoint for a witness, and that it continues what the witness has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The size that the witness has seen, as far as the log knows.
    pub old: u64,
    /// That the tree of the old size is the beginning of the new one (RFC 6962 §2.1.2).
    pub proof: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: String,
}

/// The text is none of C2SP tlog-witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WireError(&'static str);

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// [`WireError`] says what was expected.
    pub fn parse(text: &str) -> Result<Self, WireError> {
        if text.len() > REQUEST_BYTES_MAX {
            return Err(WireError("a request has at most 131072 bytes"));
        }
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(WireError("expected an empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old = old.ok_or(WireError("expected `old` and the size in decimal in the first line"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == PROOF_HASHES_MAX {
                return Err(WireError("a proof has at most 63 hashes"));
            }
            let hash = BASE64.decode(line).ok().and_then(|hash| Hash::try_from(hash).ok());
            proof.push(hash.ok_or(WireError("expected the base64 of 32 bytes in each line of the proof"))?);
        }
        Ok(Self { old, proof, checkpoint: checkpoint.to_owned() })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            // INVARIANT: a string takes everything that is written to it.
            let _ = writeln!(text, "{}", BASE64.encode(hash));
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }
}

/// The size in the answer 409.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    text.strip_suffix('\n').and_then(decimal)
}

/// A number in its one legal spelling.
fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHECKPOINT: &str = "a/log\n7\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n\n— a/log AAAAAAAA\n";

    #[test]
    fn the_example_of_the_specification_is_read() {
        let text = "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
            jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
            /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\nexample.com/behind-the-sofa\n20852163\n\
            CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa \
            Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
        let request = Request::parse(text).unwrap();
        assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
        assert!(request.checkpoint.starts_with("example.com/behind-the-sofa\n20852163\n"));
        assert_eq!(request.write(), text);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let hash = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n";
        for wrong in [
            String::new(),
            "old 7\n".to_owned(),
            format!("old 07\n\n{CHECKPOINT}"),
            format!("old +7\n\n{CHECKPOINT}"),
            format!("old 18446744073709551616\n\n{CHECKPOINT}"),
            format!("new 7\n\n{CHECKPOINT}"),
            format!("old 7\nAwMD\n\n{CHECKPOINT}"),
            format!("old 7\r\n\r\n{CHECKPOINT}"),
            format!("old 7\n{}\n{CHECKPOINT}", hash.repeat(64)),
            format!("old 7\n\n{CHECKPOINT}{}", "x".repeat(REQUEST_BYTES_MAX)),
        ] {
            assert!(Request::parse(&wrong).is_err(), "{wrong:.60}");
        }
        assert!(Request::parse(&format!("old 7\n{}\n{CHECKPOINT}", hash.repeat(63))).is_ok());
        for wrong in ["", "7", "07\n", "7\n\n", "-1\n"] {
            assert_eq!(parse_size(wrong), None, "{wrong:?}");
        }
        assert_eq!(parse_size("7\n"), Some(7));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(old: u64, proof in prop::collection::vec(any::<[u8; 32]>(), 0..=63)) {
            let request = Request { old, proof, checkpoint: CHECKPOINT.to_owned() };
            prop_assert_eq!(Request::parse(&request.write()), Ok(request));
        }

        #[test]
        fn there_is_one_way_to_write_a_request(
            text in "old (0|[1-9][0-9]{0,20}|0[0-9])\n([AM+/]{40,43}=\n|[a-zA-Z0-9+/]{43}=\n){0,3}\n?[a-z0-9\n—]*",
        ) {
            if let Ok(request) = Request::parse(&text) {
                prop_assert_eq!(request.write(), text);
            }
        }
    }
}
