//! In which transfer syntax an object is sent: as it is kept, bit by bit, or, where the receiver does not take that and
//! nothing of the pixels has to change, in the other little-endian native one.

use super::service::{Failure, FailureKind, Object, Outgoing, Source};
use crate::association::{Proposals, ProposalsError};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use std::io;
use tokio::io::AsyncReadExt;
use tokio_util::io::StreamReader;
use yingdun_dicom::rewrite::Rewriter;
use yingdun_model::Uid;

/// Bytes that are rewritten at a time: one fragment.
const PIECE_BYTES: usize = 128 * 1024;

/// The transfer syntax in which an object is sent to a receiver that accepts some; `None` if it takes none of those in
/// which it can be.
pub(super) fn chosen(kept: &Uid, accepts: impl Fn(&Uid) -> bool) -> Option<Uid> {
    if accepts(kept) { Some(kept.clone()) } else { Rewriter::other(kept).filter(accepts) }
}

/// Proposes what [`chosen`] may choose for an object. Adds nothing where there is not room for all of it.
///
/// # Errors
/// [`ProposalsError`] when there is not.
pub(super) fn propose(proposals: &mut Proposals, object: &Object) -> Result<(), ProposalsError> {
    let (class, kept) = (&object.sop_class, &object.transfer_syntax);
    if proposals.contains(class, kept) {
        return Ok(());
    }
    let other = Rewriter::other(kept);
    if proposals.room() < 1 + usize::from(other.is_some()) {
        return Err(ProposalsError);
    }
    proposals.add(class.clone(), kept.clone())?;
    other.map_or(Ok(()), |other| proposals.add(class.clone(), other))
}

/// Opens the data set of an object, to be sent in a transfer syntax. What stands in front of the pixels has been rewritten
/// when this returns, so that an object that cannot be is no broken message.
pub(super) async fn open(one: Outgoing, to: &Uid) -> Result<Source, Failure> {
    let Outgoing { object, open } = one;
    let source = open().await?;
    if object.transfer_syntax == *to {
        return Ok(source);
    }
    let rewriter = Rewriter::between(&object.transfer_syntax, to).ok_or_else(|| {
        let comment = format!("cannot be sent in transfer syntax {to}");
        Failure::new(FailureKind::SopClassNotSupported, comment)
    })?;
    let mut rewriting = Rewriting { source, rewriter: Some(rewriter) };
    let cannot = |error: io::Error| Failure::new(FailureKind::Processing, error.to_string());
    let first = rewriting.next().await.map_err(cannot)?;
    let state = (first, rewriting);
    let pieces = stream::try_unfold(state, |(ready, mut rewriting)| async move {
        let piece = match ready {
            Some(piece) => Some(piece),
            None => rewriting.next().await?,
        };
        Ok::<_, io::Error>(piece.map(|piece| (piece, (None, rewriting))))
    });
    Ok(Box::pin(StreamReader::new(Box::pin(pieces))))
}

/// A data set on its way through a rewriter.
struct Rewriting {
    source: Source,
    /// None once the data set is complete.
    rewriter: Option<Rewriter>,
}

impl Rewriting {
    /// The next bytes; nothing at the end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let mut read = BytesMut::with_capacity(PIECE_BYTES);
        let mut written = Vec::new();
        while written.is_empty() {
            let Some(mut rewriter) = self.rewriter.take() else { return Ok(None) };
            read.clear();
            if self.source.read_buf(&mut read).await? == 0 {
                rewriter.finish(&mut written).map_err(io::Error::other)?;
            } else {
                rewriter.feed(&read, &mut written).map_err(io::Error::other)?;
                self.rewriter = Some(rewriter);
            }
        }
        Ok(Some(written.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::PRESENTATION_CONTEXTS_MAX;
    use yingdun_dicom::synthetic::{Kind, Study};
    use yingdun_dicom::transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    fn outgoing(data_set: Vec<u8>) -> Outgoing {
        Outgoing {
            object: Object {
                sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
                sop_instance: uid("2.25.1"),
                transfer_syntax: uid(EXPLICIT_VR_LITTLE_ENDIAN),
            },
            open: Box::new(|| Box::pin(async { Ok(Box::pin(io::Cursor::new(data_set)) as Source) })),
        }
    }

    async fn sent(data_set: Vec<u8>, to: &str) -> Result<Vec<u8>, Failure> {
        let mut all = Vec::new();
        open(outgoing(data_set), &uid(to)).await?.read_to_end(&mut all).await.unwrap();
        Ok(all)
    }

    #[test]
    fn what_is_kept_is_sent_as_it_is_where_the_receiver_takes_it() {
        let (explicit, implicit) = (uid(EXPLICIT_VR_LITTLE_ENDIAN), uid(IMPLICIT_VR_LITTLE_ENDIAN));
        assert_eq!(chosen(&explicit, |_| true), Some(explicit.clone()));
        assert_eq!(chosen(&explicit, |syntax| *syntax == implicit), Some(implicit));
        assert_eq!(chosen(&uid("1.2.840.10008.1.2.4.70"), |syntax| *syntax == explicit), None);
    }

    #[tokio::test]
    async fn an_object_is_rewritten_on_its_way() {
        let explicit = Study::new(5, Kind::Ct { slices: 1 }).instance(0).data_set;
        assert_eq!(sent(explicit.clone(), EXPLICIT_VR_LITTLE_ENDIAN).await.unwrap(), explicit);
        let implicit = sent(explicit.clone(), IMPLICIT_VR_LITTLE_ENDIAN).await.unwrap();
        let (mut rewriter, mut expected) = (
            Rewriter::between(&uid(EXPLICIT_VR_LITTLE_ENDIAN), &uid(IMPLICIT_VR_LITTLE_ENDIAN)).unwrap(),
            Vec::new(),
        );
        rewriter.feed(&explicit, &mut expected).unwrap();
        rewriter.finish(&mut expected).unwrap();
        assert_eq!(implicit, expected);
    }

    #[tokio::test]
    async fn what_cannot_be_rewritten_fails_before_anything_is_sent() {
        assert!(sent(vec![0xff; 64], IMPLICIT_VR_LITTLE_ENDIAN).await.is_err());
        assert!(sent(Vec::new(), IMPLICIT_VR_LITTLE_ENDIAN).await.is_err());
    }

    #[test]
    fn an_object_is_proposed_in_all_its_syntaxes_or_in_none() {
        let mut proposals = Proposals::new();
        for number in 0..PRESENTATION_CONTEXTS_MAX - 1 {
            proposals.add(uid(&format!("1.2.{number}")), uid("1.2.840.10008.1.2.4.70")).unwrap();
        }
        let object = outgoing(Vec::new()).object;
        assert_eq!(propose(&mut proposals, &object), Err(ProposalsError));
        assert_eq!(proposals.room(), 1);
    }
}
