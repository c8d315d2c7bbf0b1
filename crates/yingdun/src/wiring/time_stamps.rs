//! The time-stamping authority that a configuration describes.

use super::error::{StartError, read};
use super::foundation::{Foundation, system_event};
use crate::config::Config;
use std::sync::Arc;
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_model::InstitutionId;
use yingdun_timestamp::{Authority, News, Stamped, Stamper, TimeStampConfig, TimeStampError};

/// What has checkpoints stamped, and whether somebody has to look; nothing where no authority is configured.
///
/// # Errors
/// [`StartError`] when certificates cannot be read or used.
pub(super) fn stamper(
    config: &Config,
    foundation: &Foundation,
) -> Result<Option<(Stamper, Stamped)>, StartError> {
    let Some(stamps) = &config.time_stamps else { return Ok(None) };
    let authority = Authority::from_pem(&read(&stamps.certificate_file)?).map_err(TimeStampError::from)?;
    let config = TimeStampConfig {
        url: stamps.url.clone(),
        authority,
        server_authorities: stamps.ca_file.as_deref().map(read).transpose()?,
        interval: stamps.interval(),
    };
    Ok(Some(Stamper::new(foundation.audit.clone(), config, Arc::clone(&foundation.clock))?))
}

/// Writes down what people should hear of.
pub(super) fn tell(foundation: &Foundation) -> impl Fn(News) + Send + use<> {
    let (institution, log) = (foundation.institution.clone(), foundation.audit.clone());
    move |news| {
        let Some(leaf) = leaf(&institution, news) else { return };
        let log = log.clone();
        tokio::spawn(async move {
            if let Err(error) = log.append_one(leaf).await {
                tracing::error!(%error, "the audit log did not take what is said of its time-stamps");
            }
        });
    }
}

fn leaf(institution: &InstitutionId, news: News) -> Option<Event> {
    let (outcome, reason, counts) = match news {
        News::Behind => (Outcome::Failed, const { ReasonCode::new("time-stamps-behind") }, Counts::new()),
        News::CaughtUp => {
            (Outcome::Succeeded, const { ReasonCode::new("time-stamps-caught-up") }, Counts::new())
        }
        News::ClocksDiffer { seconds } => (
            Outcome::Failed,
            const { ReasonCode::new("time-stamp-clocks-differ") },
            Counts::new().with("seconds", seconds),
        ),
    };
    let event = system_event(institution, EventKind::System, outcome, reason)?;
    Some(Event { counts, ..event })
}
