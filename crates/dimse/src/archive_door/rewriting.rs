//! The stream of a data set through a [`Rewriter`].

use crate::scp::Source;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use std::io;
use tokio::io::AsyncReadExt;
use tokio_util::io::StreamReader;
use yingdun_dicom::rewrite::Rewriter;

/// Bytes that are rewritten at a time: one fragment.
const PIECE_BYTES: usize = 128 * 1024;

/// The data set in its other transfer syntax. What stands in front of the pixels has been rewritten when this returns,
/// so that an object that cannot be is no broken message.
pub(super) async fn rewritten(source: Source, rewriter: Rewriter) -> io::Result<Source> {
    let mut rewriting = Rewriting { source, rewriter: Some(rewriter) };
    let first = rewriting.next().await?;
    let pieces = stream::try_unfold((first, rewriting), |(ready, mut rewriting)| async move {
        let piece = match ready {
            Some(piece) => Some(piece),
            None => rewriting.next().await?,
        };
        Ok::<_, io::Error>(piece.map(|piece| (piece, (None, rewriting))))
    });
    Ok(Box::pin(StreamReader::new(Box::pin(pieces))))
}

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
    use yingdun_dicom::synthetic::{Kind, Study};
    use yingdun_dicom::transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
    use yingdun_model::Uid;

    fn rewriter() -> Rewriter {
        let uid = |text| Uid::new(text).unwrap();
        Rewriter::between(&uid(EXPLICIT_VR_LITTLE_ENDIAN), &uid(IMPLICIT_VR_LITTLE_ENDIAN)).unwrap()
    }

    fn source(bytes: &[u8]) -> Source {
        Box::pin(io::Cursor::new(bytes.to_vec()))
    }

    #[tokio::test]
    async fn an_object_is_rewritten_on_its_way() {
        let explicit = Study::new(5, Kind::Ct { slices: 1 }).instance(0).data_set;
        let (mut whole, mut expected) = (rewriter(), Vec::new());
        whole.feed(&explicit, &mut expected).unwrap();
        whole.finish(&mut expected).unwrap();
        let mut sent = Vec::new();
        rewritten(source(&explicit), rewriter()).await.unwrap().read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent, expected);
    }

    #[tokio::test]
    async fn what_cannot_be_rewritten_fails_before_anything_is_sent() {
        for bytes in [&[0xff; 64][..], &[]] {
            assert!(rewritten(source(bytes), rewriter()).await.is_err());
        }
    }
}
