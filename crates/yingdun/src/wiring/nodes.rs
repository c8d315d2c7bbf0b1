//! This node among the others of the installation.

use super::certificates::read_certificate;
use super::error::StartError;
use crate::config::Config;
use yingdun_catalog::Database;
use yingdun_catalog::catalogue::nodes::{self, NodeDoor};
use yingdun_catalog::catalogue::stores;
use yingdun_storage::Store;

/// Says in the catalogue where the node with this store is reached by others: from now on, or no longer.
///
/// # Errors
/// [`StartError`] when the catalogue does not take it, or the certificate cannot be read.
pub(super) async fn announce(config: &Config, catalogue: &Database, store: &Store) -> Result<(), StartError> {
    let failed = |cause| StartError::Database { what: "catalogue", cause };
    let number = stores::enter(catalogue, &store.id()).await.map_err(failed)?;
    let door = config.node.as_ref().map(|node| {
        let certificate_sha256 = certificate(config)?;
        Ok::<_, StartError>(NodeDoor { address: node.address.clone(), certificate_sha256 })
    });
    nodes::announce(catalogue, number, door.transpose()?.as_ref()).await.map_err(failed)
}

/// SHA-256 of the certificate that this node shows.
fn certificate(config: &Config) -> Result<[u8; 32], StartError> {
    let path = &config.web.certificate_file;
    let facts = read_certificate(path)?;
    let digest = facts.and_then(|facts| hex::decode(facts.sha256).ok()?.try_into().ok());
    digest.ok_or_else(|| StartError::NoCertificate(path.clone()))
}
