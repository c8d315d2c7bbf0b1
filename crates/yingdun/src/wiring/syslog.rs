//! The collector of audit records that a configuration describes.

use super::error::{StartError, read};
use super::foundation::{Foundation, system_event};
use crate::config::Config;
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_dimse::tls;
use yingdun_model::InstitutionId;
use yingdun_syslog::{Forwarded, Forwarder, News, SyslogConfig};

/// Where audit records go; nothing where no collector is configured.
///
/// # Errors
/// [`StartError`] when certificates cannot be read or the address is none.
pub(crate) fn syslog(config: &Config) -> Result<Option<SyslogConfig>, StartError> {
    let Some(syslog) = &config.syslog else { return Ok(None) };
    let collector = syslog.address().map_err(|cause| StartError::Configuration(vec![cause]))?;
    let identity =
        tls::Identity::from_pem(&read(&syslog.certificate_file)?, &read(&syslog.private_key_file)?);
    let trust = tls::Trust::from_pem(&read(&syslog.ca_file)?);
    let tls = identity.and_then(|identity| tls::client_config(Some(identity), &trust?));
    Ok(Some(SyslogConfig { collector, tls: tls.map_err(StartError::SyslogTls)? }))
}

/// What sends the records of this node, and how far it is.
///
/// # Errors
/// As [`syslog`].
pub(super) fn forwarder(
    config: &Config,
    foundation: &Foundation,
) -> Result<Option<(Forwarder, Forwarded)>, StartError> {
    Ok(syslog(config)?.map(|to| Forwarder::new(foundation.audit.clone(), to)))
}

/// Writes down what people should hear of.
pub(super) fn tell(foundation: &Foundation) -> impl Fn(News) + Send + use<> {
    let (institution, log) = (foundation.institution.clone(), foundation.audit.clone());
    move |news| {
        let Some(leaf) = leaf(&institution, news) else { return };
        let log = log.clone();
        tokio::spawn(async move {
            if let Err(error) = log.append_one(leaf).await {
                tracing::error!(%error, "the audit log did not take that its collector is behind");
            }
        });
    }
}

fn leaf(institution: &InstitutionId, news: News) -> Option<Event> {
    let (outcome, reason, counts) = match news {
        News::Behind { leaves } => (
            Outcome::Failed,
            const { ReasonCode::new("syslog-behind") },
            Counts::new().with("leaves", leaves),
        ),
        News::CaughtUp => (Outcome::Succeeded, const { ReasonCode::new("syslog-caught-up") }, Counts::new()),
    };
    let event = system_event(institution, EventKind::System, outcome, reason)?;
    Some(Event { counts, ..event })
}
