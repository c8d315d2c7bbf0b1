//! Sends each new checkpoint of a log to its witnesses, and keeps beside the log what enough of them have seen. Nobody waits for it.

use crate::ask::{Asker, Reply};
use crate::wire::Request;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use yingdun_audit::{Log, Policy, Reader, Sighting, Witness, keep_witnessed};
use yingdun_crypto::sign::Note;

/// The time between two rounds: what an attacker could take back unnoticed, against a sync of the disk of each witness.
const ROUND_INTERVAL: Duration = Duration::from_secs(2);

/// How often a log that does not grow is shown again: a witness then says anew that it has seen nothing else, and tells when the log
/// was set back.
const REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// How long a witness is left alone that did not answer or refused.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// How long there may be no new word of enough witnesses before somebody is told: several refreshes, and a restart of a witness.
const QUIET_MAX: Duration = Duration::from_secs(5 * 60);

/// How often a witness is asked within one round: after it has told what it has seen, once more.
const ATTEMPTS: usize = 3;

/// How a witness stands to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Standing {
    /// It was not asked yet.
    Unasked,
    /// It cosigns.
    Cosigns,
    /// It does not answer, or not as a witness does.
    Silent {
        /// What happened.
        why: String,
    },
    /// It does not know the log, or has another key of it.
    Refuses {
        /// What it says.
        why: String,
    },
    /// It has seen another past, or a longer one: the log was set back or forked.
    Contradicts {
        /// How many leaves it has seen.
        seen: u64,
        /// How many there were when it said so.
        size: u64,
    },
}

/// A witness, as the log knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WitnessState {
    /// What the policy calls it.
    pub name: String,
    /// How it stands to the log.
    #[serde(flatten)]
    pub standing: Standing,
    /// Leaves that it has seen, by its last cosignature since the start.
    pub size: Option<u64>,
    /// When, in seconds after 1970, by its clock.
    pub time_s: Option<u64>,
}

/// Something that a person should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A witness has seen another past, or a longer one.
    Contradicted {
        /// Its place in the policy.
        witness: usize,
        /// How many leaves it has seen.
        seen: u64,
    },
    /// Enough witnesses have said nothing for a while.
    Behind,
    /// They do again.
    CaughtUp,
}

/// What was gathered; clones are the same.
#[derive(Clone, Debug)]
pub struct Gathered(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    witnesses: Vec<Asked>,
    /// Leaves that enough witnesses have seen since the start.
    size: Option<u64>,
    /// When enough had seen the newest of then.
    enough_at: Instant,
    behind: bool,
}

#[derive(Debug)]
struct Asked {
    state: WitnessState,
    /// When it was asked last, and which size; none before.
    asked: Option<(Instant, u64)>,
}

/// The work in the background.
#[derive(Debug)]
pub struct Gatherer {
    log: Log,
    policy: Arc<Policy>,
    asker: Asker,
    gathered: Gathered,
}

/// What one witness said in a round.
enum Said {
    Cosigned { size: u64, time_s: u64, line: String },
    Otherwise(Standing),
}

impl Gathered {
    /// The witnesses, in the order of the policy.
    #[must_use]
    pub fn witnesses(&self) -> Vec<WitnessState> {
        self.lock().witnesses.iter().map(|asked| asked.state.clone()).collect()
    }

    /// Leaves that enough witnesses have seen since the start; none where not enough have said anything.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.lock().size
    }

    /// Whether somebody has to look: a witness contradicts, or enough have said nothing for a while.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        let state = self.lock();
        let contradicts = |asked: &Asked| matches!(asked.state.standing, Standing::Contradicts { .. });
        state.behind || state.witnesses.iter().any(contradicts)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gatherer {
    /// Prepares to ask the witnesses of a policy that have an address. Asks nobody yet.
    #[must_use]
    pub fn new(log: Log, policy: Policy, asker: Asker) -> (Self, Gathered) {
        let asked = |witness: &Witness| Asked {
            state: WitnessState {
                name: witness.name.clone(),
                standing: Standing::Unasked,
                size: None,
                time_s: None,
            },
            asked: None,
        };
        let witnesses = policy.witnesses().iter().map(asked).collect();
        let state = State { witnesses, size: None, enough_at: Instant::now(), behind: false };
        let gathered = Gathered(Arc::new(Mutex::new(state)));
        (Self { log, policy: Arc::new(policy), asker, gathered: gathered.clone() }, gathered)
    }

    /// Works until `stop`; what people should hear of is told.
    pub async fn run(self, stop: CancellationToken, tell: impl Fn(News) + Send) {
        let mut ticks = tokio::time::interval(ROUND_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let work = async {
            loop {
                ticks.tick().await;
                self.round(&tell).await;
                self.judge_quiet(&tell);
                self.measure();
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// Shows the newest checkpoint to each witness whose time has come.
    async fn round(&self, tell: &(impl Fn(News) + Send)) {
        let reader = Arc::new(self.log.reader());
        let mut note = reader.checkpoint().note().to_owned();
        let mut seen: Vec<Sighting> = Vec::new();
        let due = self.due(reader.checkpoint().size());
        let mut calls: FuturesUnordered<_> =
            due.into_iter().map(|(place, old)| self.ask(place, old, Arc::clone(&reader))).collect();
        while let Some((place, said)) = calls.next().await {
            let standing = match said {
                Said::Cosigned { size, time_s, line } => {
                    seen.push(Sighting { witness: place, size, time_s });
                    note.push_str(&line);
                    self.keep(&seen, &note).await;
                    Standing::Cosigns
                }
                Said::Otherwise(standing) => standing,
            };
            self.note_standing(place, standing, seen.iter().find(|seen| seen.witness == place), tell);
        }
    }

    /// The places of the witnesses to be asked now, and what each has seen as far as is known here.
    fn due(&self, size: u64) -> Vec<(usize, u64)> {
        let mut state = self.gathered.lock();
        let mut due = Vec::new();
        let with_address = self.policy.witnesses().iter().map(|witness| witness.url.is_some());
        for (place, (asked, has_address)) in state.witnesses.iter_mut().zip(with_address).enumerate() {
            let wait = match (&asked.state.standing, asked.asked) {
                (_, None) => Duration::ZERO,
                (Standing::Unasked | Standing::Cosigns, Some((_, of))) if of != size => Duration::ZERO,
                (Standing::Unasked | Standing::Cosigns, Some(_)) => REFRESH_INTERVAL,
                (Standing::Silent { .. } | Standing::Refuses { .. } | Standing::Contradicts { .. }, _) => {
                    RETRY_INTERVAL
                }
            };
            if has_address && asked.asked.is_none_or(|(at, _)| at.elapsed() >= wait) {
                asked.asked = Some((Instant::now(), size));
                due.push((place, asked.state.size.unwrap_or(0)));
            }
        }
        due
    }

    /// Asks one witness, again when it has seen another size than was thought.
    async fn ask(&self, place: usize, mut old: u64, reader: Arc<Reader>) -> (usize, Said) {
        let silent = |why: String| Said::Otherwise(Standing::Silent { why });
        let size = reader.checkpoint().size();
        let Some(Witness { url: Some(url), key, .. }) = self.policy.witnesses().get(place) else {
            return (place, silent("it has no address".to_owned()));
        };
        for _ in 0..ATTEMPTS {
            if old > size {
                return (place, Said::Otherwise(Standing::Contradicts { seen: old, size }));
            }
            let proving = Arc::clone(&reader);
            let proof = tokio::task::spawn_blocking(move || match old {
                // The empty log is the beginning of every other.
                0 => Ok(Vec::new()),
                old => proving.prove_consistency(old, size),
            });
            let proof = match proof.await {
                Ok(Ok(proof)) => proof,
                Ok(Err(error)) => return (place, silent(format!("no proof can be made for it: {error}"))),
                Err(error) => {
                    return (place, silent(format!("making a proof for it was broken off: {error}")));
                }
            };
            let request = Request { old, proof, checkpoint: reader.checkpoint().note().to_owned() };
            let said = match self.asker.add_checkpoint(url, &request).await {
                Ok(Reply::Conflict(seen)) => {
                    old = seen;
                    continue;
                }
                Ok(Reply::Cosigned(lines)) => {
                    let note = format!("{}{lines}", request.checkpoint);
                    match Note::parse(&note).and_then(|note| key.newest(&note)) {
                        Ok(Some((time_s, line))) => Said::Cosigned { size, time_s, line },
                        Ok(None) => silent("its answer is not signed by its key".to_owned()),
                        Err(error) => silent(format!("its answer is no cosignature: {error}")),
                    }
                }
                Ok(Reply::Inconsistent) => Said::Otherwise(Standing::Contradicts { seen: old, size }),
                Ok(Reply::Refused(why)) => Said::Otherwise(Standing::Refuses { why }),
                Err(error) => silent(error.to_string()),
            };
            return (place, said);
        }
        (place, silent("it tells another size each time".to_owned()))
    }

    /// Keeps the checkpoint beside the log when enough witnesses have seen it.
    async fn keep(&self, seen: &[Sighting], note: &str) {
        let Some(quorum) = self.policy.quorum(seen) else { return };
        let (dir, note) = (self.log.dir().to_owned(), note.to_owned());
        match tokio::task::spawn_blocking(move || keep_witnessed(&dir, &note)).await {
            Ok(Ok(())) => {
                let mut state = self.gathered.lock();
                state.size = Some(quorum.size);
                state.enough_at = Instant::now();
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a cosigned checkpoint cannot be kept beside the audit log")
            }
            Err(error) => tracing::error!(%error, "keeping a cosigned checkpoint was broken off"),
        }
    }

    fn note_standing(
        &self,
        place: usize,
        standing: Standing,
        sighting: Option<&Sighting>,
        tell: &impl Fn(News),
    ) {
        let mut gathered = self.gathered.lock();
        let Some(Asked { state, .. }) = gathered.witnesses.get_mut(place) else { return };
        if let Some(Sighting { size, time_s, .. }) = sighting {
            (state.size, state.time_s) = (Some(*size), Some(*time_s));
        }
        let same = std::mem::discriminant(&standing) == std::mem::discriminant(&state.standing);
        state.standing = standing;
        let WitnessState { name, standing, .. } = state.clone();
        drop(gathered);
        if same {
            return;
        }
        match standing {
            Standing::Unasked => {}
            Standing::Cosigns => tracing::info!(witness = name, "this witness cosigns the audit log"),
            Standing::Silent { why } | Standing::Refuses { why } => {
                tracing::warn!(witness = name, why, "this witness does not cosign the audit log");
            }
            Standing::Contradicts { seen, size } => {
                tracing::error!(
                    witness = name,
                    seen,
                    size,
                    "this witness has seen another past of the audit log: it was set back or forked; keep the folder as evidence"
                );
                tell(News::Contradicted { witness: place, seen });
            }
        }
    }

    fn judge_quiet(&self, tell: &impl Fn(News)) {
        let mut state = self.gathered.lock();
        let behind = state.enough_at.elapsed() > QUIET_MAX;
        let before = std::mem::replace(&mut state.behind, behind);
        drop(state);
        match (before, behind) {
            (false, true) => {
                tracing::error!("not enough witnesses have cosigned the audit log for five minutes");
                tell(News::Behind);
            }
            (true, false) => {
                tracing::info!("enough witnesses cosign the audit log again");
                tell(News::CaughtUp);
            }
            _ => {}
        }
    }

    fn measure(&self) {
        let state = self.gathered.lock();
        metrics::gauge!("yingdun_audit_witnessed_size").set(state.size.unwrap_or(0) as f64);
        metrics::gauge!("yingdun_audit_witnessed_age_seconds").set(state.enough_at.elapsed().as_secs_f64());
        for Asked { state: WitnessState { name, standing, size, .. }, .. } in &state.witnesses {
            let gauge = |what: &'static str| metrics::gauge!(what, "witness" => name.clone());
            gauge("yingdun_audit_witness_size").set(size.unwrap_or(0) as f64);
            gauge("yingdun_audit_witness_cosigns").set(f64::from(*standing == Standing::Cosigns));
            let contradicts = matches!(standing, Standing::Contradicts { .. });
            gauge("yingdun_audit_witness_contradicts").set(f64::from(contradicts));
        }
    }
}
