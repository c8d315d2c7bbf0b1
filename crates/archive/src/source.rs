//! Where the sealed bytes of a record are read: from the packs here, or from those of another node.
//!
//! What another node gives is trusted no more than a replica is: it is ciphertext until it verifies under the study key. The
//! decision, its leaf and the key are here, where somebody asked; the other node has no part in them.

use crate::error::{OpenError, Unavailable};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use yingdun_model::StoreNumber;
use yingdun_storage::{
    Location, OFFSITE_MAX, PACK_READ_BYTES_MAX, REPLICAS_MAX, ReadError, ReplicaId, Store, StoreLocation,
};

/// Copies of a record that are asked for before it counts as damaged. A node has no more.
const COPIES_MAX: usize = REPLICAS_MAX + OFFSITE_MAX;

/// The packs of the other nodes of the installation.
pub trait OtherNodes: fmt::Debug + Send + Sync {
    /// Reads at most [`PACK_READ_BYTES_MAX`] bytes of a record from one of the copies that its node has, counted from 0, the best one first;
    /// nothing when it has fewer. The answer is as long as what was asked for.
    fn read<'a>(
        &'a self,
        place: &'a StoreLocation,
        range: Range<u64>,
        copy: usize,
    ) -> BoxFuture<'a, Result<Option<Bytes>, NodeError>>;

    /// Whether its node has a record byte for byte on so many replicas as an acknowledgement needs there.
    fn is_sound<'a>(&'a self, place: &'a StoreLocation) -> BoxFuture<'a, Result<bool, NodeError>>;
}

/// Another node did not give what was asked of it. What lies there is not damaged by that, and not lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// It has not said where it is reached.
    #[error(
        "the record lies in store {store}, whose node has told no address; set node.address there and start it"
    )]
    NoAddress {
        /// The store.
        store: StoreNumber,
    },
    /// It does not answer, or not as a node does.
    #[error("the record lies in store {store}, whose node at {address} does not answer: {cause}")]
    Silent {
        /// The store.
        store: StoreNumber,
        /// Where it is said to be reached.
        address: String,
        /// Why.
        cause: String,
    },
    /// It answers, and refuses.
    #[error("the record lies in store {store}, whose node at {address} refuses to give it: {cause}")]
    Refused {
        /// The store.
        store: StoreNumber,
        /// Where it is reached.
        address: String,
        /// What it says, and what to do.
        cause: String,
    },
    /// It could not read this copy; the next one may do.
    #[error("the node of store {store} could not read a copy of the record")]
    Unreadable {
        /// The store.
        store: StoreNumber,
    },
}

/// A record and who has it.
#[derive(Clone, Debug)]
pub(crate) enum RecordSource {
    /// This node.
    Here(Store, Location),
    /// Another one.
    There(Arc<dyn OtherNodes>, StoreLocation),
}

impl RecordSource {
    /// Its place in the store that has it.
    pub(crate) const fn location(&self) -> &Location {
        match self {
            Self::Here(_, location) => location,
            Self::There(_, place) => &place.location,
        }
    }

    /// Reads a range of the record from one copy after another, those that are off-site last, until `verify` accepts what came.
    pub(crate) async fn read_verified<T>(
        &self,
        range: Range<u64>,
        verify: impl Fn(Bytes) -> Result<T, &'static str> + Sync,
    ) -> Result<T, OpenError> {
        match self {
            Self::Here(store, location) => from_replicas(store, location, range, verify).await,
            Self::There(nodes, place) => from_node(nodes.as_ref(), place, range, verify).await,
        }
    }

    /// Whether every byte of the record is on so many replicas as an acknowledgement needs where it lies.
    pub(crate) async fn is_sound(&self) -> Result<bool, NodeError> {
        match self {
            Self::Here(store, location) => Ok(store.is_held(location).await),
            Self::There(nodes, place) => nodes.is_sound(place).await,
        }
    }
}

impl From<NodeError> for Unavailable {
    fn from(error: NodeError) -> Self {
        Self::new("storage", error)
    }
}

// === here ===

async fn from_replicas<T>(
    store: &Store,
    location: &Location,
    range: Range<u64>,
    verify: impl Fn(Bytes) -> Result<T, &'static str>,
) -> Result<T, OpenError> {
    let mut last_io_error = None;
    let far = std::iter::once_with(|| store.offsite_for(location)).flatten();
    for replica in store.replicas_for(location).into_iter().chain(far) {
        match read_and_verify(store, location, range.clone(), replica, &verify).await {
            Ok(value) => return Ok(value),
            Err(Bad::Content(why)) => {
                metrics::counter!("yingdun_read_bypassed_total").increment(1);
                store.report_bad(location, replica, why);
            }
            Err(Bad::Read(error)) => {
                metrics::counter!("yingdun_read_bypassed_total").increment(1);
                store.report_bad(location, replica, "the range cannot be read");
                last_io_error = Some(error);
            }
        }
    }
    match last_io_error {
        Some(error @ ReadError::Io { .. }) => Err(OpenError::Unavailable(Unavailable::new("storage", error))),
        Some(_) | None => Err(OpenError::Damaged),
    }
}

enum Bad {
    Content(&'static str),
    Read(ReadError),
}

async fn read_and_verify<T>(
    store: &Store,
    location: &Location,
    range: Range<u64>,
    replica: ReplicaId,
    verify: impl Fn(Bytes) -> Result<T, &'static str>,
) -> Result<T, Bad> {
    let bytes = store.read(location, range, replica).await.map_err(Bad::Read)?;
    verify(bytes).map_err(Bad::Content)
}

// === there ===

async fn from_node<T>(
    nodes: &dyn OtherNodes,
    place: &StoreLocation,
    range: Range<u64>,
    verify: impl Fn(Bytes) -> Result<T, &'static str>,
) -> Result<T, OpenError> {
    let mut unreadable = None;
    for copy in 0..COPIES_MAX {
        match read_copy(nodes, place, range.clone(), copy).await {
            Ok(Some(bytes)) => match verify(bytes) {
                Ok(value) => return Ok(value),
                // Its node looks at this copy when the next one is asked for.
                Err(why) => tracing::warn!(store = %place.store, copy, why, "another node gave a bad copy"),
            },
            Ok(None) => break,
            Err(error @ NodeError::Unreadable { .. }) => unreadable = Some(error),
            Err(error) => return Err(OpenError::Unavailable(error.into())),
        }
        metrics::counter!("yingdun_read_bypassed_total").increment(1);
    }
    Err(unreadable.map_or(OpenError::Damaged, |error| OpenError::Unavailable(error.into())))
}

/// A range of one copy, in as many questions as it takes.
async fn read_copy(
    nodes: &dyn OtherNodes,
    place: &StoreLocation,
    range: Range<u64>,
    copy: usize,
) -> Result<Option<Bytes>, NodeError> {
    if range.end.saturating_sub(range.start) <= PACK_READ_BYTES_MAX {
        return nodes.read(place, range, copy).await;
    }
    let (mut whole, mut at) = (BytesMut::new(), range.start);
    while at < range.end {
        let end = range.end.min(at.saturating_add(PACK_READ_BYTES_MAX));
        let Some(piece) = nodes.read(place, at..end, copy).await? else { return Ok(None) };
        whole.extend_from_slice(&piece);
        at = end;
    }
    Ok(Some(whole.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use yingdun_storage::Layout;

    /// A node whose copies fail as they are told to; what is asked of it is kept.
    #[derive(Debug)]
    struct MockNode {
        copies: Vec<Result<Vec<u8>, NodeError>>,
        asked: Mutex<Vec<(Range<u64>, usize)>>,
    }

    impl OtherNodes for MockNode {
        fn read<'a>(
            &'a self,
            _place: &'a StoreLocation,
            range: Range<u64>,
            copy: usize,
        ) -> BoxFuture<'a, Result<Option<Bytes>, NodeError>> {
            self.asked.lock().unwrap().push((range.clone(), copy));
            let at = |offset: u64| usize::try_from(offset).unwrap();
            let copy = self.copies.get(copy).cloned().transpose();
            Box::pin(std::future::ready(
                copy.map(|bytes| bytes.map(|bytes| Bytes::from(bytes).slice(at(range.start)..at(range.end)))),
            ))
        }

        fn is_sound<'a>(&'a self, _place: &'a StoreLocation) -> BoxFuture<'a, Result<bool, NodeError>> {
            Box::pin(std::future::ready(Ok(true)))
        }
    }

    fn store() -> StoreNumber {
        StoreNumber::new(2).unwrap()
    }

    /// What comes of reading a range that is good when it does not begin with a zero; and how often was asked.
    async fn read(
        copies: Vec<Result<Vec<u8>, NodeError>>,
        range: Range<u64>,
    ) -> (Result<Bytes, OpenError>, usize) {
        let node = Arc::new(MockNode { copies, asked: Mutex::default() });
        let location = Location {
            pack: 1,
            offset: 72,
            descriptor_bytes: 1,
            metadata_bytes: 1,
            object_bytes: 20 << 20,
            layout: Layout::ObjectFirst,
            digest: [0; 32],
        };
        let source = RecordSource::There(Arc::clone(&node) as _, StoreLocation { store: store(), location });
        let good = |bytes: Bytes| if bytes.first() == Some(&0) { Err("bad") } else { Ok(bytes) };
        let read = source.read_verified(range, good).await;
        let asked = node.asked.lock().unwrap();
        assert!(asked.iter().all(|(range, _)| range.end - range.start <= PACK_READ_BYTES_MAX));
        (read, asked.len())
    }

    #[tokio::test]
    async fn copies_of_another_node_are_read_one_after_another_until_one_verifies() {
        let unreadable = || Err(NodeError::Unreadable { store: store() });
        let (read_back, asked) = read(vec![Ok(vec![0; 9]), unreadable(), Ok(vec![7; 9])], 0..9).await;
        assert_eq!((read_back.unwrap(), asked), (Bytes::from(vec![7; 9]), 3));
        let (lost, _) = read(vec![Ok(vec![0; 9]), Ok(vec![0; 9])], 0..9).await;
        assert!(matches!(lost, Err(OpenError::Damaged)));
        // What could not be read may be good.
        let (unknown, _) = read(vec![Ok(vec![0; 9]), unreadable()], 0..9).await;
        assert!(matches!(unknown, Err(OpenError::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_node_that_does_not_answer_is_asked_once_and_nothing_is_called_damaged() {
        let silent =
            NodeError::Silent { store: store(), address: "https://b:1".into(), cause: "gone".into() };
        let (read, asked) = read(vec![Err(silent), Ok(vec![7; 9])], 0..9).await;
        let Err(OpenError::Unavailable(unavailable)) = read else { panic!("{read:?}") };
        assert_eq!((unavailable.part(), asked), ("storage", 1));
        assert!(unavailable.to_string().contains("https://b:1"), "{unavailable}");
    }

    #[tokio::test]
    async fn a_long_range_comes_in_several_answers_and_is_one() {
        let bytes: Vec<u8> = (0..9_u32 << 18).flat_map(u32::to_be_bytes).map(|byte| byte | 1).collect();
        let range = 5..bytes.len() as u64 - 3;
        let expected = bytes[5..bytes.len() - 3].to_vec();
        let (read, asked) = read(vec![Ok(bytes)], range).await;
        assert!(read.unwrap() == expected);
        assert_eq!(asked, 3);
    }
}
