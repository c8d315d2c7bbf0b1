//! A leaf as a syslog message (RFC 5424) in the frame of RFC 5425: its length, a blank, the message.

use yingdun_audit::LoggedLeaf;
use yingdun_audit::Outcome;
use yingdun_audit::render::{Opened, Rendered, dicom, rfc3339};

/// Facility 10, *security/authorization*, as PS3.15 wants it.
const FACILITY: u8 = 10;
/// Severities of RFC 5424 §6.2.1: what PS3.15 wants, and one step more for what was refused or failed.
const NOTICE: u8 = 5;
const WARNING: u8 = 4;

/// The identifier of what stands beside the message. The number is the one that RFC 5612 keeps for documentation: this program has no
/// number of its own, and its name tells the rest.
const STRUCTURED_DATA: &str = "yingdun@32473";

/// What kind of message it is (PS3.15 A.6).
const MESSAGE_ID: &str = "DICOM+RFC3881";

/// The length of a moment that RFC 5424 can write: four digits for the year.
const TIME_BYTES: usize = "2026-11-22T08:31:03.257Z".len();

/// Puts the frame of a leaf behind others.
pub(crate) fn write_frame(leaf: &LoggedLeaf, origin: &str, out: &mut Vec<u8>) {
    let message = message(leaf, origin);
    out.extend_from_slice(message.len().to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(message.as_bytes());
}

// === helpers ===

fn message(logged: &LoggedLeaf, origin: &str) -> String {
    let leaf = &logged.leaf;
    let severity = match leaf.outcome {
        Outcome::Permitted | Outcome::Succeeded => NOTICE,
        Outcome::Refused | Outcome::Failed => WARNING,
    };
    let priority = FACILITY * 8 + severity;
    let time = rfc3339(leaf.time_ms);
    let time = if time.len() == TIME_BYTES { time.as_str() } else { "-" };
    // The alphabet of nodes, kinds, outcomes and reasons needs no escaping; an origin is free text.
    let (node, boot, hash) = (leaf.node.as_str(), hex::encode(leaf.boot.0), hex::encode(logged.leaf_hash));
    let (index, kind, outcome, reason) = (logged.index, leaf.kind, leaf.outcome, &leaf.reason);
    let log = escaped(origin);
    let xml = dicom::audit_message(&Rendered { leaf: logged, origin, opened: Opened::default() });
    format!(
        "<{priority}>1 {time} {node} yingdun {boot} {MESSAGE_ID} [{STRUCTURED_DATA} log=\"{log}\" index=\"{index}\" hash=\"{hash}\" \
         kind=\"{kind}\" outcome=\"{outcome}\" reason=\"{reason}\"] \u{feff}{xml}"
    )
}

/// A value of structured data (RFC 5424 §6.3.3).
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use yingdun_audit::Leaf;

    fn logged(outcome: &str, time_ms: i64) -> LoggedLeaf {
        let text = format!(
            r#"{{"version":1,"sequence":7,"time_ms":{time_ms},"monotonic_ns":1,"boot":"0707070707070707","node":"node-1","kind":"access","outcome":"{outcome}","institution":"renmin","actor":"李医生","actor_kind":"person","role":"clinician","action":"view","reason":"in-care"}}"#
        );
        LoggedLeaf { index: 7, leaf_hash: [9; 32], leaf: Leaf::decode(text.as_bytes()).unwrap() }
    }

    #[test]
    fn a_frame_says_its_length_in_bytes_and_holds_one_message() {
        let mut frames = Vec::new();
        write_frame(&logged("permitted", 1_000), "renmin/audit", &mut frames);
        write_frame(&logged("refused", 1_000), "renmin/audit", &mut frames);
        let mut rest = frames.as_slice();
        let mut messages = Vec::new();
        while let Some(blank) = rest.iter().position(|byte| *byte == b' ') {
            let length: usize = std::str::from_utf8(&rest[..blank]).unwrap().parse().unwrap();
            let end = blank + 1 + length;
            messages.push(String::from_utf8(rest[blank + 1..end].to_vec()).unwrap());
            rest = &rest[end..];
        }
        assert!(rest.is_empty() && messages.len() == 2);
        let start = "<85>1 1970-01-01T00:00:01.000Z node-1 yingdun 0707070707070707 DICOM+RFC3881 [yingdun@32473 log=\"renmin/audit\" index=\"7\"";
        assert!(messages[0].starts_with(start), "{}", messages[0]);
        assert!(messages[1].starts_with("<84>1 "));
        assert!(messages[0].contains("] \u{feff}<?xml") && !messages[0].contains('\n'));
    }

    #[test]
    fn what_closes_structured_data_is_escaped_and_a_time_beyond_the_standard_left_out() {
        assert_eq!(escaped(r#"a"]\b"#), r#"a\"\]\\b"#);
        assert!(message(&logged("permitted", i64::MIN), "a").starts_with("<85>1 - node-1 "));
        assert!(message(&logged("permitted", 1), "a]\" x=\"1").contains(r#"log="a\]\" x=\"1""#));
    }
}
