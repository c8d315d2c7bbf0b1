//! The monitor of a running archive: what `access` says of each access is counted by the limits of `monitor`, in memory.
//!
//! Two rooms on one floor meet here: `access` knows nothing of limits, `monitor` nothing of sessions. Counts are those of this process:
//! each node counts what it gives out, and what one of them stops is stopped everywhere.

use super::error::StartError;
use crate::config::Monitor;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use yingdun_access::{Given, Noticed, Opening, Reason, Session, Watch, Watched};
use yingdun_archive::Archive;
use yingdun_model::{Action, ActorId, ActorKind, InstitutionId, PatientRef, Stop, Timestamp};
use yingdun_monitor::explain::{Explanation, Explanations};
use yingdun_monitor::ladder::Step;
use yingdun_monitor::limits::{Act, Finding, Judgement, LimitRules, Limits, Look, RulesError, What};
use yingdun_monitor::replay::MonitorRules;
use yingdun_monitor::score::ScoreRules;

/// The largest file of limits, or of decoys.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// From how many points on somebody's day is an alert of a running archive, unless its file says otherwise: more than many patients alone give.
const POINTS_MIN: u32 = 40;
/// The longest patient ID with its issuer.
const DECOY_BYTES_MAX: usize = 256;

/// Counts what people open on this node.
#[derive(Debug)]
pub(crate) struct LiveMonitor {
    limits: Mutex<Limits>,
    rules: MonitorRules,
    decoys: RwLock<HashSet<PatientRef>>,
    /// Whether devices and services have limits: one account of theirs stands for many people.
    devices: bool,
    services: bool,
}

impl LiveMonitor {
    /// With the limits of a file, or those that come with the program.
    ///
    /// # Errors
    /// [`StartError::Monitor`] when the file holds no limits: nothing is served then.
    pub(crate) fn open(config: &Monitor) -> Result<Arc<Self>, StartError> {
        let rules = match &config.limits_file {
            None => rules_for_archive(),
            Some(path) => rules_of(path)?,
        };
        let has = |role: &str| rules.limits.roles.get(role).is_some_and(|limits| !limits.is_empty());
        let (devices, services) = (has("device"), has("service"));
        let of_file = |cause: RulesError| StartError::Monitor {
            path: config.limits_file.clone().unwrap_or_default(),
            cause: cause.to_string(),
        };
        let limits = Mutex::new(Limits::new(rules.limits.clone()).map_err(of_file)?);
        Ok(Arc::new(Self { limits, rules, decoys: RwLock::default(), devices, services }))
    }

    /// What it goes by.
    pub(super) fn rules(&self) -> MonitorRules {
        self.rules.clone()
    }

    /// Learns which patients are decoys, once references can be worked out.
    ///
    /// # Errors
    /// [`StartError`] when the file cannot be read, or a reference not be worked out.
    pub(crate) async fn learn_decoys(
        &self,
        config: &Monitor,
        archive: &Archive,
        institution: &InstitutionId,
    ) -> Result<(), StartError> {
        let Some(path) = &config.decoys_file else { return Ok(()) };
        let mut decoys = HashSet::new();
        for line in
            text_of(path)?.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if line.len() > DECOY_BYTES_MAX {
                let cause = "a line is longer than a patient ID with its issuer".to_owned();
                return Err(StartError::Monitor { path: path.clone(), cause });
            }
            let (patient_id, issuer) = line.split_once('\t').unwrap_or((line, ""));
            let reference = archive.patient_reference(institution, issuer.trim(), patient_id.trim()).await;
            let reference = reference
                .map_err(|error| StartError::Monitor { path: path.clone(), cause: error.to_string() })?;
            decoys.insert(reference);
        }
        *self.decoys.write().unwrap_or_else(PoisonError::into_inner) = decoys;
        Ok(())
    }

    fn look(&self, look: &Look<'_>) -> Watched {
        let Judgement { stopped, findings } =
            self.limits.lock().unwrap_or_else(PoisonError::into_inner).look(look);
        Watched { stopped, noticed: findings.iter().map(noticed).collect() }
    }

    fn watches(&self, kind: ActorKind) -> bool {
        match kind {
            ActorKind::Person => true,
            ActorKind::Device => self.devices,
            ActorKind::Service => self.services,
            ActorKind::System => false,
        }
    }
}

impl Watch for LiveMonitor {
    fn opening(&self, opening: &Opening<'_>) -> Watched {
        let Opening { session, action, patient, study, reason, now } = *opening;
        if !self.watches(session.actor_kind()) {
            return Watched::default();
        }
        let act = match action {
            Action::View => Act::View,
            Action::Export => Act::Export,
            _ => return Watched::default(),
        };
        let decoy = self.decoys.read().unwrap_or_else(PoisonError::into_inner).contains(&patient);
        let (patient, study) = (patient.to_string(), study.to_string());
        let why = because(reason);
        let person = person_of(session.institution(), session.actor_kind(), session.actor());
        self.look(&Look {
            act,
            patient: Some(&patient),
            study: Some(&study),
            why,
            decoy,
            ..plain(session, &person, now)
        })
    }

    fn given(&self, given: &Given<'_>) -> Watched {
        let Given { session, broken_glass, instances, bytes, now } = *given;
        if !self.watches(session.actor_kind()) {
            return Watched::default();
        }
        let why = Explanations::default();
        let why = if broken_glass { why.with(Explanation::BreakGlass) } else { why };
        let person = person_of(session.institution(), session.actor_kind(), session.actor());
        self.look(&Look { instances, bytes, why, ..plain(session, &person, now) })
    }

    fn forgive(&self, institution: &InstitutionId, actor: &ActorId, kind: ActorKind) {
        let person = person_of(institution, kind, actor);
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).forgive(&person);
    }
}

// === helpers ===

/// A look of a session at nothing yet.
fn plain<'a>(session: &'a Session, person: &'a str, now: Timestamp) -> Look<'a> {
    Look {
        sequence: 0,
        at_ms: now.as_ms(),
        person,
        role: session.role().as_str(),
        // One workstation is as good as another within a hospital: addresses change with the room, and say nothing here.
        session: "",
        device: None,
        place: None,
        act: Act::View,
        patient: None,
        study: None,
        instances: 0,
        bytes: 0,
        why: Explanations::default(),
        emergency: false,
        decoy: false,
    }
}

fn person_of(institution: &InstitutionId, kind: ActorKind, actor: &ActorId) -> String {
    format!("{institution}/{kind}/{actor}")
}

/// What the right by which somebody opens something explains.
fn because(reason: Reason) -> Explanations {
    let explanation = match reason {
        reason if reason.is_broken_glass() => Explanation::BreakGlass,
        Reason::InCare => Explanation::CareRelation,
        // An officer found that it is the own record.
        Reason::TimedGrant | Reason::OwnRecord => Explanation::Grant,
        Reason::Consultation => Explanation::Consult,
        Reason::AcquiredToday => Explanation::Worklist,
        // To read for the whole institution says nothing of which patients.
        _ => return Explanations::default(),
    };
    Explanations::default().with(explanation)
}

fn noticed(finding: &Finding) -> Noticed {
    let Finding { what, step, until_ms, .. } = finding;
    let stops = match step {
        Step::SuspendSession => Some(Stop::Session),
        Step::SuspendExport => Some(Stop::Export),
        Step::Note | Step::AskReason | Step::Throttle | Step::StepUp => None,
    };
    let stops = stops.zip(until_ms.map(Timestamp::from_ms));
    let plain = |code| Noticed {
        code,
        step: step.as_str(),
        measure: None,
        counted: 0,
        at_most: 0,
        within_minutes: 0,
        stops,
    };
    match what {
        What::Limit { measure, counted, at_most, within_minutes, .. } => Noticed {
            measure: Some(measure.as_str()),
            counted: *counted,
            at_most: *at_most,
            within_minutes: *within_minutes,
            ..plain("monitor-limit")
        },
        What::Decoy => plain("monitor-decoy"),
        What::TwoPlaces => plain("monitor-two-places"),
        What::NewDevice { patients } => Noticed { counted: *patients, ..plain("monitor-new-device") },
    }
}

/// Without a file. An archive knows few reasons for an access, and nothing of rosters and households: only what weighs much by itself is worth
/// a look.
fn rules_for_archive() -> MonitorRules {
    let score = ScoreRules { points_min: POINTS_MIN, ..ScoreRules::default() };
    MonitorRules { limits: LimitRules::for_archive(), score }
}

fn rules_of(path: &Path) -> Result<MonitorRules, StartError> {
    let wrong =
        |error: toml::de::Error| StartError::Monitor { path: path.to_owned(), cause: error.to_string() };
    let text = text_of(path)?;
    let mut rules = toml::from_str::<MonitorRules>(&text).map_err(wrong)?;
    let said: toml::Table = toml::from_str(&text).map_err(wrong)?;
    let says = |part: &str, name: &str| said.get(part).is_some_and(|part| part.get(name).is_some());
    let own = rules_for_archive();
    if !says("limits", "usual") {
        rules.limits.usual = own.limits.usual;
    }
    if !says("score", "points_min") {
        rules.score.points_min = own.score.points_min;
    }
    Ok(rules)
}

fn text_of(path: &Path) -> Result<String, StartError> {
    let unread = |cause| StartError::File { path: path.to_owned(), cause };
    let mut text = String::new();
    let read = File::open(path).map_err(unread)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    if read.map_err(unread)? as u64 > FILE_BYTES_MAX {
        let cause = format!("it is larger than {FILE_BYTES_MAX} bytes");
        return Err(StartError::Monitor { path: path.to_owned(), cause });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_glass_is_an_explanation_under_each_of_its_reasons() {
        let broken: Vec<&str> = Reason::ALL
            .iter()
            .filter(|reason| because(**reason).has(Explanation::BreakGlass))
            .map(|reason| reason.as_str())
            .collect();
        assert_eq!(broken, ["break-glass-against-dissent", "break-glass"]);
    }
}
