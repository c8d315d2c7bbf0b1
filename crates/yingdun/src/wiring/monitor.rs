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
use std::time::Duration;
use yingdun_access::{Asks, Given, HeldStep, Noticed, Opening, Reason, Session, Watch, Watched};
use yingdun_archive::Archive;
use yingdun_model::{Action, ActorId, ActorKind, InstitutionId, PatientRef, Stop, Timestamp};
use yingdun_monitor::explain::{Explanation, Explanations};
use yingdun_monitor::ladder::Step;
use yingdun_monitor::limits::{
    Act, Asked, Finding, Held, Judgement, LimitRules, Limits, Look, RulesError, What,
};
use yingdun_monitor::replay::MonitorRules;
use yingdun_monitor::score::ScoreRules;
use yingdun_monitor::steps::{Demand, StepRules, StepsError};

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
    institution: InstitutionId,
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
    pub(crate) fn open(config: &Monitor, institution: &InstitutionId) -> Result<Arc<Self>, StartError> {
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
        let of_steps = |cause: StepsError| StartError::Monitor {
            path: config.limits_file.clone().unwrap_or_default(),
            cause: cause.to_string(),
        };
        rules.steps.check().map_err(of_steps)?;
        let limits = Mutex::new(Limits::new(rules.limits.clone()).map_err(of_file)?);
        let (institution, decoys) = (institution.clone(), RwLock::default());
        Ok(Arc::new(Self { limits, institution, rules, decoys, devices, services }))
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

    fn look(&self, look: &Look<'_>, asked: Asked) -> Watched {
        let Judgement { stopped, demand, findings } = self
            .limits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .look_and_ask(look, &self.rules.steps, asked);
        let asks = demand.map(|demand| match demand {
            Demand::Reason => Asks::Reason,
            Demand::Proof => Asks::Proof,
            Demand::Wait { seconds } => Asks::Wait { seconds },
        });
        Watched { stopped, asks, noticed: findings.iter().map(noticed).collect() }
    }

    /// A step as the limits know people. A word that a newer node wrote and this one does not know is left to that one.
    fn held(&self, step: &HeldStep) -> Option<(String, Held)> {
        let known = Step::ALL.iter().copied().find(|known| known.as_str() == step.step)?;
        let person = person_of(&self.institution, step.actor_kind, &step.actor);
        Some((person, Held { step: known, since_ms: step.since.as_ms(), until_ms: step.until.as_ms() }))
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
        let Opening { session, action, is_copy, patient, study, reason, tie, is_stated, proved, now } =
            *opening;
        if !self.watches(session.actor_kind()) {
            return Watched::default();
        }
        let act = match action {
            _ if is_copy => Act::Print,
            Action::View => Act::View,
            Action::Export => Act::Export,
            _ => return Watched::default(),
        };
        let decoy = self.decoys.read().unwrap_or_else(PoisonError::into_inner).contains(&patient);
        let (patient, study) = (patient.to_string(), study.to_string());
        let why = because(reason);
        let why = if why.is_empty() { tie.map_or(why, because) } else { why };
        let person = person_of(session.institution(), session.actor_kind(), session.actor());
        let asked = Asked {
            is_stated,
            proved_ms: proved.map(Timestamp::as_ms),
            is_person: session.actor_kind() == ActorKind::Person,
        };
        let look = Look {
            act,
            patient: Some(&patient),
            study: Some(&study),
            why,
            decoy,
            ..plain(session, &person, now)
        };
        self.look(&look, asked)
    }

    fn given(&self, given: &Given<'_>) -> Watched {
        let Given { session, broken_glass, instances, bytes, now } = *given;
        if !self.watches(session.actor_kind()) {
            return Watched::default();
        }
        let why = Explanations::default();
        let why = if broken_glass { why.with(Explanation::BreakGlass) } else { why };
        let person = person_of(session.institution(), session.actor_kind(), session.actor());
        // What is open goes on: nothing is asked in the middle of it.
        self.look(&Look { instances, bytes, why, ..plain(session, &person, now) }, Asked::default())
    }

    fn hold(&self, steps: &[HeldStep]) {
        let known: Vec<(String, Held)> = steps.iter().filter_map(|step| self.held(step)).collect();
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.hold(known.iter().map(|(person, held)| (person.as_str(), *held)));
    }

    fn reason_lasts(&self) -> Duration {
        Duration::from_secs(u64::from(self.rules.steps.reason_minutes).saturating_mul(60))
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
        Reason::InDepartment => Explanation::DepartmentEncounter,
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
    let until = until_ms.map(Timestamp::from_ms);
    let holds_until = if stops.is_none() { until } else { None };
    let stops = stops.zip(until);
    let plain = |code| Noticed {
        code,
        step: step.as_str(),
        measure: None,
        counted: 0,
        at_most: 0,
        within_minutes: 0,
        stops,
        holds_until,
    };
    match what {
        What::Limit { measure, counted, at_most, within_minutes, .. } => Noticed {
            measure: Some(measure.as_str()),
            counted: *counted,
            at_most: *at_most,
            within_minutes: *within_minutes,
            ..plain("monitor-limit")
        },
        What::Near { measure, counted, at_most, within_minutes, .. } => Noticed {
            measure: Some(measure.as_str()),
            counted: *counted,
            at_most: *at_most,
            within_minutes: *within_minutes,
            ..plain("monitor-step")
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
    MonitorRules { limits: LimitRules::for_archive(), score, steps: StepRules::default() }
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
