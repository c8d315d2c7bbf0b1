//! The DICOM network part of the statement (PS3.2 §N.4 to §N.6), from the tables of the node.

use super::page::Page;
use yingdun_dicom::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use yingdun_dicom::{Vr, dictionary, transfer_syntax};
use yingdun_dimse::association::{DATA_BYTES_MAX, OPERATIONS_MAX, Timeouts};
use yingdun_dimse::message::Status;
use yingdun_dimse::pdu::PRESENTATION_CONTEXTS_MAX;
use yingdun_dimse::scp;
use yingdun_model::Uid;
use yingdun_pixels::Coding;

/// Services, associations, contexts and statuses.
pub(super) fn write(page: &mut Page) {
    page.heading(2, "Network services");
    services(page);
    associations(page);
    statuses(page);
}

fn services(page: &mut Page) {
    page.heading(3, "SOP classes");
    page.block(&format!(
        "As SCP. Storage: the {} classes of the annex, in any transfer syntax. The others:",
        dictionary::STORAGE_SOP_CLASSES.len()
    ));
    page.table(
        ["SOP class", "UID", "transfer syntaxes"],
        scp::service_classes().map(|class| {
            let name = dictionary::sop_class_name(class.as_str()).unwrap_or_default();
            [name.to_owned(), format!("`{class}`"), syntaxes(&class)]
        }),
    );
    page.block(
        "As SCU: Verification, storage, query and retrieval by C-MOVE and C-GET (from the command line, and at a registered device by \
         the API), the modality worklist and storage commitment (likewise), performed procedure steps (from the command line), the report of storage commitment on an association of \
         its own, and instance availability notification (of studies that have come to rest, to registered devices whose record \
         says so).",
    );
}

/// The syntaxes in which a class is accepted, in words when it is all of them.
fn syntaxes(class: &Uid) -> String {
    let all = transfer_syntax::TRANSFER_SYNTAXES;
    let accepted: Vec<&str> = all
        .iter()
        .filter(|(uid, _)| Uid::new(uid).is_ok_and(|uid| scp::accepts(class, &uid)))
        .map(|(_, name)| *name)
        .collect();
    if accepted.len() == all.len() { "any".to_owned() } else { accepted.join(", ") }
}

fn associations(page: &mut Page) {
    let scp::Settings { limits, timeouts, .. } = scp::Settings::default();
    let Timeouts { artim, idle, unit, .. } = timeouts;
    page.heading(3, "Associations");
    page.table(
        ["what", "value"],
        [
            ("application context", "`1.2.840.10008.3.1.1.1`".to_owned()),
            ("implementation class UID", format!("`{IMPLEMENTATION_CLASS_UID}`")),
            ("implementation version name", format!("`{IMPLEMENTATION_VERSION_NAME}`")),
            ("longest P-DATA-TF that is received, in bytes", DATA_BYTES_MAX.to_string()),
            ("presentation contexts of one association", PRESENTATION_CONTEXTS_MAX.to_string()),
            (
                "asynchronous operations window",
                format!(
                    "up to {OPERATIONS_MAX} invoked by the peer, 1 in an association that also queries or retrieves; of \
                     ours (objects of a C-GET) up to {OPERATIONS_MAX}, as far as the peer offers it. As SCU of storage up to \
                     {OPERATIONS_MAX}, as far as the peer grants it; as SCU of C-GET up to {OPERATIONS_MAX} of the peer"
                ),
            ),
            (
                "associations at once; of one address",
                format!("{}; {}", limits.associations, limits.associations_per_address),
            ),
            ("wait for A-ASSOCIATE-RQ (ARTIM)", format!("{} s", artim.as_secs())),
            ("wait for the next message; for one PDU", format!("{} s; {} s", idle.as_secs(), unit.as_secs())),
        ]
        .map(|(what, value)| [what.to_owned(), value]),
    );
    page.block(
        "An association is accepted from a device whose AE title, certificate, address and called AE title are those of one \
         record. SCP/SCU role selection is accepted for storage SOP classes (for C-GET), extended negotiation for relational \
         queries and retrievals, combined date and time, fuzzy matching, time zones, empty values and multiple values, not for \
         the conversion of enhanced images; for storage it is answered with level 2 (full), digital signatures \
         level 3 (bit preserving), no coercion of elements. Common extended negotiation is read and changes nothing. Of several transfer syntaxes in one context a lossless compressed one \
         is chosen first, then Explicit VR Little Endian, then Implicit VR Little Endian, then what is left; a lossy one only \
         where nothing else is offered.",
    );
    page.heading(3, "Per device");
    page.block(
        "The record of a device may say: the longest P-DATA-TF that is sent to it; the Specific Character Set of its objects and \
         queries where they declare none or ISO_IR 6 and hold other bytes, and that of its answers; that `*` is universal in every \
         key, and that names without a wildcard are beginnings; the transfer syntaxes in which it is sent objects, before the one \
         in which they are kept. Rules of its record may coerce attributes of what it sends (PatientName, PatientID, \
         IssuerOfPatientID, AccessionNumber, StudyID, ReferringPhysicianName, StudyDescription, SeriesDescription, InstitutionName, \
         StationName, BodyPartExamined): in the catalogue and in all that is answered from it, never in the object or in the \
         metadata that is retrieved. Objects on their way out are not coerced, and have no Original Attributes Sequence for it.",
    );
}

fn statuses(page: &mut Page) {
    page.heading(3, "Statuses");
    page.table(
        ["status", "meaning"],
        STATUSES.iter().map(|(status, meaning)| [format!("`{:04X}`", status.0), (*meaning).to_owned()]),
    );
}

/// What peers hear, by the constants that are sent.
const STATUSES: &[(Status, &str)] = &[
    (
        Status::SUCCESS,
        "done; for C-STORE: durable on the write quorum of replicas, with its leaf in the audit log",
    ),
    (Status::PENDING, "a match, or progress; more follows"),
    (
        Status::PENDING_KEYS_IGNORED,
        "a match, found without regard to keys that are not supported; more follows",
    ),
    (Status::CANCELLED, "ended by C-CANCEL"),
    (Status::SOME_FAILED, "done, but some sub-operations failed or warned"),
    (
        Status::OUT_OF_RESOURCES,
        "no space, no quorum, or a part of the archive does not answer: try again later",
    ),
    (Status::UNABLE_TO_SEND, "sub-operations cannot be performed"),
    (Status::MOVE_DESTINATION_UNKNOWN, "the destination of a C-MOVE is not registered with an address"),
    (Status::DATA_SET_MISMATCH, "the data set is not what the command declared, or not of the SOP class"),
    (Status::CANNOT_UNDERSTAND, "the data set cannot be understood"),
    (Status::TOO_LARGE, "longer than the archive takes"),
    (
        Status::ATTRIBUTE_LIST_ERROR,
        "N-SET: done, without the listed attributes, which are fixed when a step begins",
    ),
    (Status::INVALID_ATTRIBUTE_VALUE, "N-CREATE, N-SET: an attribute has a value that it cannot have"),
    (
        Status::PROCESSING_FAILURE,
        "something unforeseen on this side; with Error ID A710: the performed procedure step may no longer be updated",
    ),
    (Status::DUPLICATE_SOP_INSTANCE, "N-CREATE: there is such a SOP instance already"),
    (Status::NO_SUCH_SOP_INSTANCE, "N-SET, N-GET, N-ACTION: there is no such SOP instance"),
    (Status::INVALID_SOP_INSTANCE, "the SOP instance UID is missing or not a UID"),
    (Status::MISSING_ATTRIBUTE, "N-CREATE, N-SET: an attribute is missing"),
    (Status::MISSING_ATTRIBUTE_VALUE, "N-CREATE, N-SET: an attribute has no value"),
    (Status::SOP_CLASS_NOT_SUPPORTED, "not a storage SOP class of the standard"),
    (Status::NOT_AUTHORISED, "the policies do not let this peer do it"),
    (Status::UNRECOGNISED_OPERATION, "an operation that is not known here"),
    (Status::ATTRIBUTES_NOT_SUPPORTED, "N-GET of a workitem: done, without attributes that it does not have"),
    (Status::CREATED_MODIFIED, "a workitem was created, with values filled in"),
    (Status::ALREADY_CANCELED, "the workitem is CANCELED already"),
    (Status::ALREADY_COMPLETED, "the workitem is COMPLETED already"),
    (Status::WORKITEM_ENDED, "the workitem has ended and is no longer updated"),
    (
        Status::TRANSACTION_WRONG,
        "the Transaction UID is missing or not the one under which the workitem was claimed",
    ),
    (Status::IN_PROGRESS_ALREADY, "the workitem is IN PROGRESS already: another one was faster"),
    (Status::SCHEDULED_BY_CREATION, "a workitem becomes SCHEDULED by its creation only"),
    (Status::NOT_FINAL, "the workitem has not what its final state needs"),
    (Status::NO_SUCH_WORKITEM, "there is no such workitem"),
    (Status::NOT_SCHEDULED, "a workitem is SCHEDULED when it is created"),
    (Status::NOT_IN_PROGRESS, "the workitem is not IN PROGRESS yet"),
    (Status::COMPLETED_ALREADY, "a request of cancellation of a workitem that is COMPLETED"),
    (Status::NO_PERFORMER, "a request of cancellation, and nobody is subscribed whom it could reach"),
    (
        Status::NO_EVENT_REPORTS,
        "subscriptions of the unified worklist: there are no event reports over DIMSE",
    ),
    (Status::RESOURCE_LIMITATION, "N-ACTION, N-CREATE, N-SET: more than is read or kept"),
];

/// The classes of storage and the syntaxes, each in a table of its own at the end.
pub(super) fn annexes(page: &mut Page) {
    page.heading(2, "Annex: storage SOP classes");
    page.block("SCP of C-STORE in any transfer syntax, registered or private; objects are kept bit for bit as they are sent.");
    page.table(
        ["SOP class", "UID"],
        dictionary::STORAGE_SOP_CLASSES
            .iter()
            .map(|uid| [dictionary::sop_class_name(uid).unwrap_or_default().to_owned(), format!("`{uid}`")]),
    );
    page.heading(2, "Annex: transfer syntaxes");
    page.block("All of them are taken by C-STORE and STOW-RS, and given back as they came. *Decoded*: pixels can be rendered and written in another syntax.");
    page.table(
        ["transfer syntax", "UID", "decoded"],
        transfer_syntax::TRANSFER_SYNTAXES
            .iter()
            .map(|(uid, name)| [(*name).to_owned(), format!("`{uid}`"), yes(is_decoded(uid))]),
    );
}

/// Whether pixels of this syntax are decoded, whatever the value representation of Pixel Data.
fn is_decoded(syntax: &str) -> bool {
    Uid::new(syntax).is_ok_and(|syntax| Coding::of(&syntax, Vr::OW).is_some())
}

fn yes(holds: bool) -> String {
    if holds { "yes".to_owned() } else { String::new() }
}
