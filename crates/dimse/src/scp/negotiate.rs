//! Which proposed contexts are accepted, and in which encoding. Pure: no state, no peer.

use super::workitem::{PULL, PUSH, QUERY, WATCH};
use super::worklist::MODALITY_WORKLIST;
use crate::association::{Agreement, Answer, OPERATIONS_MAX};
use crate::commitment::STORAGE_COMMITMENT;
use crate::pdu::{AssociateRq, ContextOutcome, ExtendedNegotiation, OperationsWindow, RoleSelection};
use crate::query::{Model, Verb};
use crate::{PERFORMED_STEP, PERFORMED_STEP_RETRIEVE, VERIFICATION};
use bytes::Bytes;
use yingdun_dicom::dictionary::is_storage_sop_class;
use yingdun_dicom::query::Matching;
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

/// SOP classes beside query and retrieval whose data sets are read and written here, not kept as they come.
const READ_HERE: [&str; 8] = [
    STORAGE_COMMITMENT,
    MODALITY_WORKLIST,
    PERFORMED_STEP,
    PERFORMED_STEP_RETRIEVE,
    PUSH,
    WATCH,
    PULL,
    QUERY,
];

/// Those of them in which is searched.
const SEARCHED: [&str; 4] = [MODALITY_WORKLIST, WATCH, PULL, QUERY];

/// The SOP classes of the services other than storage, in the order of the conformance statement.
pub fn service_classes() -> impl Iterator<Item = Uid> {
    let others = [VERIFICATION].into_iter().chain(READ_HERE).filter_map(|uid| Uid::new(uid).ok());
    others.chain(Model::all().filter_map(Model::sop_class))
}

/// Whether a context of this SOP class in this transfer syntax alone is accepted.
#[must_use]
pub fn accepts(sop_class: &Uid, transfer_syntax: &Uid) -> bool {
    decide(sop_class, std::slice::from_ref(transfer_syntax), &Agreement::default(), &[]).is_ok()
}

/// What was agreed about queries and retrievals in one SOP class (PS3.4 §C.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Keys of the levels above need not be there.
    pub(super) relational: bool,
    /// How values are matched.
    pub(super) matching: Matching,
}

/// Answers one proposed presentation context.
///
/// Verification and every storage SOP class of the standard are accepted, in any transfer syntax at all,
/// because objects are kept as they are sent; queries, retrievals, storage commitment, the worklists and performed steps in
/// those that every peer can read. Of what is sent to the peer, the syntax that is `wished` for first by its record is
/// chosen.
///
/// # Errors
/// The outcome to answer when the context is refused.
pub(super) fn decide(
    abstract_syntax: &Uid,
    transfer_syntaxes: &[Uid],
    agreement: &Agreement,
    wished: &[Uid],
) -> Answer {
    let chosen = match abstract_syntax.as_str() {
        VERIFICATION => preferred(transfer_syntaxes),
        class if READ_HERE.contains(&class) || Model::of(abstract_syntax).is_some() => {
            native(transfer_syntaxes)
        }
        class if is_storage_sop_class(class) => {
            let is_sent_to_peer =
                agreement.roles.iter().any(|role| role.sop_class == *abstract_syntax && role.scp);
            // One syntax for whatever is kept: most of it is native, and nothing that is native can be sent compressed.
            let wish = || wished.iter().find(|wish| transfer_syntaxes.contains(wish));
            let first = is_sent_to_peer.then(|| wish().or_else(|| native(transfer_syntaxes))).flatten();
            first.or_else(|| preferred(transfer_syntaxes))
        }
        _ => return Err(ContextOutcome::AbstractSyntaxNotSupported),
    };
    chosen.cloned().ok_or(ContextOutcome::TransferSyntaxesNotSupported)
}

/// Level of support for storage: 2, every attribute is kept (PS3.4 table B.3-2).
const LEVEL_FULL: u8 = 2;

/// Level of support for digital signatures: 3, objects are kept bit by bit, and with them their signatures.
const SIGNATURES_BIT_PRESERVING: u8 = 3;

/// What this side agrees to of what a peer proposes beside contexts: that the peer takes objects of a storage class
/// (which a C-GET needs) or tells of storage commitments that it was asked for, relational queries and retrievals, and every further kind of matching. There is no conversion of
/// enhanced images. Of storage classes the levels are told that hold for all of them. A common extended negotiation has no answer (PS3.7 §D.3.3.6).
pub(super) fn agree(request: &AssociateRq) -> Agreement {
    let proposed = &request.user;
    let either_way = |role: &&RoleSelection| {
        is_storage_sop_class(role.sop_class.as_str()) || role.sop_class.as_str() == STORAGE_COMMITMENT
    };
    let roles = proposed.roles.iter().filter(either_way).cloned().collect();
    let extended = proposed.extended.iter().filter_map(|negotiation| {
        let Some(model) = Model::of(&negotiation.sop_class) else { return levels_of_storage(negotiation) };
        let supported: &[bool] = match model.verb {
            Verb::Find => &QUERY_OPTIONS,
            Verb::Move | Verb::Get => &[true],
        };
        let answer = negotiation.application_information.iter().enumerate();
        let answer = answer
            .map(|(place, wish)| u8::from(*wish == 1 && supported.get(place).copied().unwrap_or(false)));
        Some(ExtendedNegotiation {
            sop_class: negotiation.sop_class.clone(),
            application_information: answer.collect(),
        })
    });
    Agreement { roles, extended: extended.collect(), window: window(request), identity_response: None }
}

/// The levels of a storage class (PS3.4 table B.3-2): level of support, reserved, level of digital signatures, reserved,
/// coercion. No attribute of an object is changed.
fn levels_of_storage(negotiation: &ExtendedNegotiation) -> Option<ExtendedNegotiation> {
    is_storage_sop_class(negotiation.sop_class.as_str()).then(|| ExtendedNegotiation {
        sop_class: negotiation.sop_class.clone(),
        application_information: Bytes::from_static(&[LEVEL_FULL, 0, SIGNATURES_BIT_PRESERVING, 0, 0, 0]),
    })
}

/// How many operations of the peer may wait for their answers (PS3.7 §D.3.3.3). Only where there are no queries and
/// retrievals: between their responses a peer may say that it cancels, and nothing else. Of ours, which are the objects
/// of a C-GET, as many as the peer takes.
fn window(request: &AssociateRq) -> Option<OperationsWindow> {
    let asked = request.user.operations_window?;
    let mut classes = request.contexts.iter().filter_map(|context| context.abstract_syntax.as_ref());
    let asks = |class: &Uid| Model::of(class).is_some() || SEARCHED.contains(&class.as_str());
    let bounded = |operations: u16| match operations {
        // No limit.
        0 => OPERATIONS_MAX,
        some => some.min(OPERATIONS_MAX),
    };
    let invoked = if classes.any(asks) { 1 } else { bounded(asked.invoked) };
    Some(OperationsWindow { invoked, performed: bounded(asked.performed) })
}

/// What is agreed to of a query (PS3.4 table C.5-2): relational queries, combined date and time, fuzzy matching of names,
/// adjustment to a time zone; no enhanced images; matching of what has no value, and of all of several values.
const QUERY_OPTIONS: [bool; 7] = [true, true, true, true, false, true, true];

/// What was agreed for one SOP class. In which zone is asked, the identifier says.
pub(super) fn options(agreed: &[ExtendedNegotiation], sop_class: &Uid) -> Options {
    let bytes = agreed.iter().find(|negotiation| negotiation.sop_class == *sop_class);
    let is_on = |place| bytes.is_some_and(|found| found.application_information.get(place) == Some(&1));
    let matching =
        Matching { combined: is_on(1), fuzzy: is_on(2), empty: is_on(5), multiple: is_on(6), zone: None };
    Options { relational: is_on(0), matching }
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
    use crate::pdu::{AeField, ProposedContext, UserInformation};
    use yingdun_model::AeTitle;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const IMPLICIT: &str = "1.2.840.10008.1.2";
    const EXPLICIT: &str = "1.2.840.10008.1.2.1";
    const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
    const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
    const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";

    fn choose(class: &str, offered: &[&str]) -> Result<String, ContextOutcome> {
        let offered: Vec<Uid> = offered.iter().map(|uid| Uid::new(uid).unwrap()).collect();
        decide(&Uid::new(class).unwrap(), &offered, &Agreement::default(), &[]).map(|uid| uid.to_string())
    }

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    #[test]
    fn every_service_is_accepted_in_the_syntaxes_that_every_peer_can_read() {
        let classes: Vec<Uid> = service_classes().collect();
        assert!(classes.len() > 10);
        for class in classes {
            assert!(accepts(&class, &uid(IMPLICIT)) && accepts(&class, &uid(EXPLICIT)), "{class}");
        }
        assert!(!accepts(&uid("1.2.3"), &uid(IMPLICIT)));
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
    fn what_is_of_no_service_here_is_refused() {
        for class in ["1.2.840.10008.5.1.1.9", "1.2.840.10008.5.1.4.1.2.4.3", "1.3.6.1.4.1.1.9"] {
            assert_eq!(choose(class, &[IMPLICIT]), Err(ContextOutcome::AbstractSyntaxNotSupported));
        }
        assert!(choose(VERIFICATION, &[IMPLICIT]).is_ok());
        assert_eq!(choose(STORAGE_COMMITMENT, &[JPEG_LS, IMPLICIT]).unwrap(), IMPLICIT);
        assert!(choose(STORAGE_COMMITMENT, &[JPEG_LS]).is_err());
    }

    #[test]
    fn a_query_is_asked_in_a_native_syntax() {
        let find = "1.2.840.10008.5.1.4.1.2.2.1";
        assert_eq!(choose(find, &[JPEG_LS, IMPLICIT, EXPLICIT]).unwrap(), EXPLICIT);
        assert_eq!(choose(find, &[JPEG_LS]), Err(ContextOutcome::TransferSyntaxesNotSupported));
    }

    #[test]
    fn a_peer_that_takes_objects_gets_a_context_in_which_most_of_them_can_be_sent() {
        let takes = RoleSelection { sop_class: uid(CT), scu: false, scp: true };
        let find = RoleSelection { sop_class: uid("1.2.840.10008.5.1.4.1.2.2.1"), scu: true, scp: true };
        let proposed = UserInformation { roles: vec![takes.clone(), find], ..UserInformation::default() };
        let agreement = agree(&asking(&[CT], proposed));
        assert_eq!(agreement.roles, [takes], "queries are answered by this side only");
        let offered = [uid(JPEG_2000), uid(IMPLICIT), uid(EXPLICIT)];
        assert_eq!(decide(&uid(CT), &offered, &agreement, &[]), Ok(uid(EXPLICIT)));
        assert_eq!(
            decide(&uid(CT), &offered, &agreement, &[uid(JPEG_LS), uid(JPEG_2000)]),
            Ok(uid(JPEG_2000))
        );
        assert_eq!(decide(&uid(CT), &offered[..1], &agreement, &[]), Ok(uid(JPEG_2000)));
    }

    #[test]
    fn every_kind_of_matching_that_is_wished_for_is_agreed() {
        let find = uid("1.2.840.10008.5.1.4.1.2.2.1");
        let wish = |sop_class: &Uid, bytes: &'static [u8]| ExtendedNegotiation {
            sop_class: sop_class.clone(),
            application_information: bytes.into(),
        };
        let proposed = UserInformation {
            extended: vec![
                wish(&find, &[1, 1, 0, 1, 1, 1, 1, 1]),
                wish(&uid("1.2.840.10008.5.1.4.1.2.1.1"), &[0, 0, 1]),
                wish(&uid("1.2.840.10008.5.1.4.1.2.2.3"), &[0, 1]),
                wish(&uid(CT), &[1]),
                wish(&uid("1.2.840.10008.5.1.1.9"), &[1]),
            ],
            ..UserInformation::default()
        };
        let agreed = agree(&asking(&[CT], proposed)).extended;
        assert_eq!(&agreed[0].application_information[..], [1, 1, 0, 1, 0, 1, 1, 0]);
        assert_eq!(&agreed[1].application_information[..], [0, 0, 1]);
        assert_eq!(&agreed[2].application_information[..], [0, 0]);
        assert_eq!(
            &agreed[3].application_information[..],
            [2, 0, 3, 0, 0, 0],
            "storage: full, bit preserving"
        );
        assert_eq!(agreed.len(), 4, "of a class that is none of ours nothing is said");
        let matching = Matching { combined: true, empty: true, multiple: true, ..Matching::default() };
        assert_eq!(options(&agreed, &find), Options { relational: true, matching });
        let matching = Matching { fuzzy: true, ..Matching::default() };
        let names = options(&agreed, &uid("1.2.840.10008.5.1.4.1.2.1.1"));
        assert_eq!(names, Options { relational: false, matching });
    }

    #[test]
    fn several_operations_at_once_are_agreed_where_nothing_is_asked_or_retrieved() {
        let find = "1.2.840.10008.5.1.4.1.2.2.1";
        for (classes, invoked, granted) in [
            (&[VERIFICATION, CT][..], 4, 4),
            (&[CT, STORAGE_COMMITMENT], 0, OPERATIONS_MAX),
            (&[CT], 500, OPERATIONS_MAX),
            (&[CT], 1, 1),
            (&[CT, find], 8, 1),
            (&[CT, MODALITY_WORKLIST], 8, 1),
            (&[CT, PULL], 8, 1),
            (&[PUSH], 4, 4),
        ] {
            for (performed, taken) in [(8, 8), (1, 1), (0, OPERATIONS_MAX), (500, OPERATIONS_MAX)] {
                let window = Some(OperationsWindow { invoked, performed });
                let user = UserInformation { operations_window: window, ..UserInformation::default() };
                let agreed = agree(&asking(classes, user)).window;
                assert_eq!(
                    agreed,
                    Some(OperationsWindow { invoked: granted, performed: taken }),
                    "{classes:?}"
                );
            }
        }
        assert_eq!(agree(&asking(&[CT], UserInformation::default())).window, None, "not asked, not answered");
    }

    fn asking(classes: &[&str], user: UserInformation) -> AssociateRq {
        let contexts = classes.iter().zip((1..).step_by(2)).map(|(class, id)| ProposedContext {
            id,
            abstract_syntax: Some(uid(class)),
            transfer_syntaxes: vec![uid(IMPLICIT)],
        });
        let title = AeField::from(&AeTitle::new("CT01").unwrap());
        AssociateRq {
            protocol_version: 1,
            called: title,
            calling: title,
            application_context: None,
            contexts: contexts.collect(),
            user,
        }
    }

    #[test]
    fn a_context_without_transfer_syntax_is_refused() {
        assert_eq!(choose(CT, &[]), Err(ContextOutcome::TransferSyntaxesNotSupported));
    }
}
