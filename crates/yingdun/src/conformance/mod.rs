//! The DICOM conformance statement (PS3.2), made from the tables by which the program runs: what it says is what the
//! doors do. `docs/src/en/conformance.md` is this text; a test compares the two.

mod network;
mod page;
mod search;
mod web;

use page::Page;

/// The whole statement, in Markdown.
pub(crate) fn statement() -> String {
    let mut page = Page::default();
    page.heading(1, "DICOM conformance statement");
    page.block(
        "Of Yingdun (影盾), in the shape of PS3.2 annex N. `yingdun conformance` prints this page from the tables by which \
         the program runs. What hospitals set up for it stands in [Devices and DICOM](devices.md) and [DICOMweb](dicomweb.md).",
    );
    overview(&mut page);
    network::write(&mut page);
    search::write(&mut page);
    web::write(&mut page);
    character_sets(&mut page);
    security(&mut page);
    network::annexes(&mut page);
    page.finish()
}

fn overview(page: &mut Page) {
    page.heading(2, "Overview");
    page.block(
        "Yingdun is an archive: it receives instances from modalities and archives, keeps them sealed, and gives them back \
         to workstations, viewers and other archives. An instance is kept as it was sent, bit for bit, in the transfer \
         syntax in which it came; nothing is removed or coerced, private attributes included. Private SOP classes are not \
         accepted.",
    );
    page.block(
        "Every request is decided by policy before anything of a patient leaves, and is on the audit log. Who may not see a \
         study gets the answer of an archive that does not have it.",
    );
}

fn character_sets(page: &mut Page) {
    page.heading(2, "Character sets");
    let terms: Vec<String> =
        yingdun_dicom::charset::DEFINED_TERMS.iter().map(|term| format!("`{term}`")).collect();
    page.block(&format!("Read, alone or with code extensions: {}.", terms.join(", ")));
    page.block(
        "A text whose bytes do not fit the declared set is read as UTF-8, as GB18030, or as Latin-1, whichever fits first. \
         Answers of C-FIND are written in the character set of the request where it can hold them, else in UTF-8 \
         (`ISO_IR 192`); DICOM JSON is UTF-8.",
    );
}

fn security(page: &mut Page) {
    page.heading(2, "Security profiles");
    page.table(
        ["profile", "how"],
        [
            ["BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 §B.12)", "TLS 1.2 with ephemeral keys and AEAD ciphers, TLS 1.3; both sides show a certificate; no resumption"],
            ["Basic User Identity Association Profile (PS3.15 §B.4)", "user name and passcode; positive response when it is asked for"],
            ["JSON Web Token in User Identity Negotiation (PS3.7 §D.3.3.7)", "carries the access token of this archive's own token endpoint"],
            ["Audit trail", "a log of its own that cannot be rewritten without showing it; each record as audit message (PS3.15 §A.5) by syslog over TLS (§A.6)"],
        ]
        .map(|row| row.map(str::to_owned)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_has_the_statement_of_this_program() {
        let written = include_str!("../../../../docs/src/en/conformance.md");
        assert!(
            written == statement(),
            "docs/src/en/conformance.md is not what the program does: `yingdun conformance > docs/src/en/conformance.md`"
        );
    }
}
