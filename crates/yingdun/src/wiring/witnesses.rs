//! Shows the checkpoints of the audit log to its witnesses, and writes down what they say; and the witness of other logs that this
//! node is itself.

use super::error::StartError;
use super::foundation::{Foundation, system_event};
use super::observe;
use crate::config::{Config, witness_policy};
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use yingdun_audit::{Counts, Event, EventKind, Outcome, ReasonCode};
use yingdun_gateway::Gateway;
use yingdun_model::InstitutionId;
use yingdun_witness::{Asker, Door, Gathered, Gatherer, News, Settings, Witness};

/// Begins to ask the witnesses of the configuration, until `stop`; none where there are none.
///
/// # Errors
/// [`StartError`] when the policy cannot be used, or is one for other logs.
pub(super) fn start(
    config: &Config,
    foundation: &Foundation,
    stop: CancellationToken,
) -> Result<Option<(Gathered, JoinHandle<()>)>, StartError> {
    let Some(path) = &config.audit.witness_policy_file else { return Ok(None) };
    let policy = witness_policy(path)?;
    let log = foundation.audit.clone();
    if !policy.is_for(log.verifier()) {
        return Err(StartError::WitnessesOfOthers(path.clone()));
    }
    let asker = asker(config.audit.witness_ca_file.as_deref())?;
    let (gatherer, gathered) = Gatherer::new(log.clone(), policy, asker);
    let institution = foundation.institution.clone();
    let tell = move |news| {
        let Some(leaf) = leaf(&institution, &news) else { return };
        let log = log.clone();
        tokio::spawn(async move {
            if let Err(error) = log.append_one(leaf).await {
                tracing::error!(%error, "the audit log did not take what its witnesses say");
            }
        });
    };
    Ok(Some((gathered, tokio::spawn(gatherer.run(stop, tell)))))
}

/// Opens the witness of other logs that the configuration names, with its door; none where it names none. It refuses the log of this
/// node: who has this node has both, so nothing would be witnessed.
///
/// # Errors
/// [`StartError::OwnLogWitnessed`]; [`StartError::Witness`] when it cannot work.
pub(super) async fn open_own(
    config: &Config,
    foundation: &Foundation,
    gateway: Gateway,
) -> Result<Option<Door>, StartError> {
    let Some(folder) = &config.audit.witness_directory else { return Ok(None) };
    let settings = Settings::read(folder)?;
    if settings.watches(foundation.audit.verifier()) {
        return Err(StartError::OwnLogWitnessed(folder.clone()));
    }
    let witness = Witness::open(folder, &settings, Arc::clone(&foundation.clock))?;
    let collector = observe::collector()?;
    Ok(Some(Door::open(witness, &settings, Arc::new(move || collector.render()), gateway).await?))
}

/// A client of witnesses that trusts the authorities of a file alone, or those of the system.
///
/// # Errors
/// [`StartError::File`] and [`StartError::Witnesses`].
pub(crate) fn asker(ca_file: Option<&Path>) -> Result<Asker, StartError> {
    let authorities = ca_file.map(super::error::read).transpose()?;
    Ok(Asker::new(authorities.as_deref())?)
}

fn leaf(institution: &InstitutionId, news: &News) -> Option<Event> {
    let (outcome, reason, counts) = match news {
        News::Contradicted { witness, seen } => (
            Outcome::Failed,
            const { ReasonCode::new("log-contradicted") },
            Counts::new().with("witness", *witness as u64).with("leaves", *seen),
        ),
        News::Behind => (Outcome::Failed, const { ReasonCode::new("witnesses-behind") }, Counts::new()),
        News::CaughtUp => {
            (Outcome::Succeeded, const { ReasonCode::new("witnesses-caught-up") }, Counts::new())
        }
    };
    let event = system_event(institution, EventKind::System, outcome, reason)?;
    Some(Event { counts, ..event })
}
