//! In which transfer syntax an object is sent: in the first of those that the receiver's record wishes for; else as it is
//! kept, bit by bit, where the receiver takes that; else in the first of those in which it can be written anew.

use super::service::Outgoing;
use crate::association::{Proposals, ProposalsError};
use yingdun_dicom::transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use yingdun_model::Uid;

/// The transfer syntax in which an object is sent to a receiver that accepts some; `None` if it takes none of those in
/// which it can be.
pub(super) fn chosen(one: &Outgoing, wished: &[Uid], accepts: impl Fn(&Uid) -> bool) -> Option<Uid> {
    let possible = std::iter::once(&one.object.transfer_syntax).chain(&one.also);
    wishes(one, wished).chain(possible).find(|syntax| accepts(syntax)).cloned()
}

/// What can be had of what is wished for.
fn wishes<'a>(one: &Outgoing, wished: &'a [Uid]) -> impl Iterator<Item = &'a Uid> {
    wished.iter().filter(|wish| one.object.transfer_syntax == **wish || one.also.contains(wish))
}

/// Proposes an object to a receiver: as it is kept, in what is wished for, and in the native syntaxes that every receiver
/// takes. Adds nothing where there is not room for all of it.
///
/// # Errors
/// [`ProposalsError`] when there is not.
pub(super) fn propose(
    proposals: &mut Proposals,
    one: &Outgoing,
    wished: &[Uid],
) -> Result<(), ProposalsError> {
    let (class, kept) = (&one.object.sop_class, &one.object.transfer_syntax);
    if proposals.contains(class, kept) {
        return Ok(());
    }
    let native = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];
    let also = one.also.iter().filter(|syntax| native.contains(&syntax.as_str()));
    let mut all: Vec<&Uid> = std::iter::once(kept).chain(also).collect();
    for wish in wishes(one, wished) {
        if !all.contains(&wish) {
            all.push(wish);
        }
    }
    if proposals.room() < all.len() {
        return Err(ProposalsError);
    }
    all.into_iter().try_for_each(|syntax| proposals.add(class.clone(), syntax.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::PRESENTATION_CONTEXTS_MAX;
    use crate::scp::{Failure, FailureKind, Object};

    const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    fn outgoing(kept: &str, also: &[&str]) -> Outgoing {
        Outgoing {
            object: Object {
                sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
                sop_instance: uid("2.25.1"),
                transfer_syntax: uid(kept),
            },
            also: also.iter().map(|text| uid(text)).collect(),
            open: Box::new(|_| Box::pin(async { Err(Failure::new(FailureKind::Processing, "")) })),
        }
    }

    #[test]
    fn what_is_kept_is_sent_as_it_is_where_the_receiver_takes_it() {
        let one = outgoing(JPEG_LS, &[EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN]);
        let only = |wanted: &'static str| chosen(&one, &[], move |syntax| syntax.as_str() == wanted);
        assert_eq!(chosen(&one, &[], |_| true), Some(uid(JPEG_LS)));
        assert_eq!(
            chosen(&one, &[], |syntax| syntax.as_str() != JPEG_LS),
            Some(uid(EXPLICIT_VR_LITTLE_ENDIAN))
        );
        assert_eq!(only(IMPLICIT_VR_LITTLE_ENDIAN), Some(uid(IMPLICIT_VR_LITTLE_ENDIAN)));
        assert_eq!(only("1.2.840.10008.1.2.4.90"), None);
    }

    #[test]
    fn what_the_receiver_wishes_for_goes_first_where_it_can_be_had() {
        let one = outgoing(JPEG_LS, &[EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN]);
        let wished = [uid("1.2.840.10008.1.2.4.50"), uid(IMPLICIT_VR_LITTLE_ENDIAN)];
        assert_eq!(chosen(&one, &wished, |_| true), Some(uid(IMPLICIT_VR_LITTLE_ENDIAN)));
        let only_as_kept = |syntax: &Uid| syntax.as_str() == JPEG_LS;
        assert_eq!(chosen(&one, &wished, only_as_kept), Some(uid(JPEG_LS)), "a wish refuses nothing");
        let one = outgoing(EXPLICIT_VR_LITTLE_ENDIAN, &[IMPLICIT_VR_LITTLE_ENDIAN, JPEG_LS]);
        let mut proposals = Proposals::new();
        propose(&mut proposals, &one, &[uid(JPEG_LS)]).unwrap();
        assert!(proposals.contains(&one.object.sop_class, &uid(JPEG_LS)), "what is wished for is proposed");
    }

    #[test]
    fn an_object_is_proposed_in_all_its_syntaxes_or_in_none() {
        let one = outgoing(EXPLICIT_VR_LITTLE_ENDIAN, &[IMPLICIT_VR_LITTLE_ENDIAN, JPEG_LS]);
        let mut proposals = Proposals::new();
        propose(&mut proposals, &one, &[]).unwrap();
        assert_eq!(proposals.room(), PRESENTATION_CONTEXTS_MAX - 2, "compressed only where it is kept so");
        let mut proposals = Proposals::new();
        for number in 0..PRESENTATION_CONTEXTS_MAX - 1 {
            proposals.add(uid(&format!("1.2.{number}")), uid(JPEG_LS)).unwrap();
        }
        assert_eq!(propose(&mut proposals, &one, &[]), Err(ProposalsError));
        assert_eq!(proposals.room(), 1);
    }
}
