//! The stream of events that a configuration describes.

use super::error::{StartError, read};
use crate::config::{Config, Nats};
use yingdun_dimse::tls;
use yingdun_feed::{FeedConfig, Names};

/// Where events go; nothing where no stream is configured.
///
/// # Errors
/// [`StartError`] when certificates cannot be read or names are no names.
pub(crate) fn feed(config: &Config) -> Result<Option<FeedConfig>, StartError> {
    let Some(nats) = &config.nats else { return Ok(None) };
    let tls = match nats.tls_files() {
        Some([authorities, certificate, key]) => {
            let identity = tls::Identity::from_pem(&read(certificate)?, &read(key)?);
            let trust = tls::Trust::from_pem(&read(authorities)?);
            let config = identity.and_then(|identity| tls::client_config(Some(identity), &trust?));
            Some(config.map_err(StartError::NatsTls)?)
        }
        None => None,
    };
    Ok(Some(FeedConfig { servers: nats.addresses(), names: names(nats)?, tls }))
}

fn names(nats: &Nats) -> Result<Names, StartError> {
    nats.names().map_err(|cause| StartError::Configuration(vec![cause]))
}
