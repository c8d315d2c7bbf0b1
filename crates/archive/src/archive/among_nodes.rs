//! What other nodes are given.

use super::Archive;
use crate::error::Unavailable;
use crate::others::{self, SpanError};
use bytes::Bytes;
use std::ops::Range;
use yingdun_model::StoreNumber;
use yingdun_storage::StoreLocation;

impl Archive {
    /// Whether a certificate is that of another node of this installation, as the catalogue says now; never where this node asks no
    /// others. SHA-256 over its DER form.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn is_node(&self, certificate_sha256: &[u8; 32]) -> Result<bool, Unavailable> {
        others::is_node(&self.core, certificate_sha256).await
    }

    /// The node that asks with this certificate: the number of its store, and the name of its audit log where it has said so. Nobody where
    /// [`Self::is_node`] says no.
    ///
    /// # Errors
    /// [`Unavailable`] when the catalogue does not answer.
    pub async fn asking_node(
        &self,
        certificate_sha256: &[u8; 32],
    ) -> Result<Option<(StoreNumber, Option<String>)>, Unavailable> {
        others::asking(&self.core, certificate_sha256).await
    }

    /// The key of an epoch as it lies in the file here, for the node with this certificate, whose file lacks it; nothing for anybody else, or
    /// where it is not here.
    ///
    /// # Errors
    /// [`Unavailable`] when a part does not answer; nothing is given without its leaf.
    pub async fn give_epoch(
        &self,
        certificate_sha256: &[u8; 32],
        epoch: u64,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        others::epoch(&self.core, certificate_sha256, epoch).await
    }

    /// Sealed bytes of a record that lies here, for another node: a range in it, at most [`PACK_READ_BYTES_MAX`](crate::PACK_READ_BYTES_MAX)
    /// bytes, from one of its copies, counted from 0; nothing when there are fewer. They are not verified here, and asking for another copy
    /// makes this node look at the one before.
    ///
    /// # Errors
    /// [`SpanError`].
    pub async fn sealed_span(
        &self,
        place: &StoreLocation,
        range: Range<u64>,
        copy: usize,
    ) -> Result<Option<Bytes>, SpanError> {
        others::span(&self.core, place, range, copy).await
    }

    /// Whether a record that lies here is whole on so many replicas as an acknowledgement needs, for another node.
    ///
    /// # Errors
    /// [`SpanError::NotHere`].
    pub async fn is_sound(&self, place: &StoreLocation) -> Result<bool, SpanError> {
        others::is_sound(&self.core, place).await
    }
}
