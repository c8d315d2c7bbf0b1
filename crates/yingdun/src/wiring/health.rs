//! Whether each part can serve, found out in the background so that a probe never waits.

use super::complete::Completeness;
use super::foundation::Foundation;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use yingdun_catalog::{catalogue, identity};
use yingdun_keys::SecretName;
use yingdun_model::InstanceRef;
use yingdun_storage::Store;
use yingdun_syslog::Forwarded;
use yingdun_timestamp::Stamped;
use yingdun_web::Readiness;
use yingdun_witness::Gathered;

/// How often the databases are asked. A load balancer asks about as often; more would only tell the same.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// How long a database may take to answer a question that one index look-up answers.
const PROBE_TIME_MAX: Duration = Duration::from_secs(4);

/// What was found out last.
#[derive(Default)]
struct Answers {
    catalogue_silent: AtomicBool,
    keys_silent: AtomicBool,
    identity_silent: AtomicBool,
    reviews_overdue: AtomicBool,
}

/// A look at the health of the parts.
#[derive(Clone)]
pub(super) struct Health {
    foundation: Foundation,
    store: Store,
    witnesses: Option<Gathered>,
    collector: Option<Forwarded>,
    stamped: Option<Stamped>,
    completeness: Completeness,
    answers: Arc<Answers>,
}

impl Health {
    /// Begins to look, until `stop`.
    pub(super) fn watch(
        foundation: Foundation,
        store: Store,
        witnesses: Option<Gathered>,
        (collector, stamped, completeness): (Option<Forwarded>, Option<Stamped>, Completeness),
        stop: CancellationToken,
    ) -> Self {
        let health =
            Self { foundation, store, witnesses, collector, stamped, completeness, answers: Arc::default() };
        let watcher = health.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(PROBE_INTERVAL);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = ticks.tick() => watcher.probe().await,
                }
            }
        });
        health
    }

    /// Whether the audit log is complete.
    pub(super) const fn completeness(&self) -> &Completeness {
        &self.completeness
    }

    /// The answer to a readiness probe, at once.
    pub(super) fn readiness(&self) -> Readiness {
        let status = self.store.status();
        let silent = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let parts: Vec<&'static str> = [
            ("audit", self.foundation.audit.check().is_err()),
            ("catalogue", silent(&self.answers.catalogue_silent)),
            ("keys", silent(&self.answers.keys_silent)),
            ("identity", silent(&self.answers.identity_silent)),
            ("storage", !status.writable),
        ]
        .into_iter()
        .filter_map(|(part, silent)| silent.then_some(part))
        .collect();
        if !parts.is_empty() {
            return Readiness::NotReady(parts);
        }
        let attention: Vec<&'static str> = [
            ("offsite", status.offsite.iter().any(|offsite| offsite.behind)),
            ("witnesses", self.witnesses.as_ref().is_some_and(Gathered::needs_attention)),
            ("syslog", self.collector.as_ref().is_some_and(Forwarded::needs_attention)),
            ("time-stamps", self.stamped.as_ref().is_some_and(Stamped::needs_attention)),
            ("audit-log", self.completeness.needs_attention()),
            ("break-glass", silent(&self.answers.reviews_overdue)),
        ]
        .into_iter()
        .filter_map(|(part, needs)| needs.then_some(part))
        .collect();
        if attention.is_empty() { Readiness::Ready } else { Readiness::Attention(attention) }
    }

    async fn probe(&self) {
        let Foundation { institution, catalogue: tables, identity: accounts, keys, .. } = &self.foundation;
        let nobody = InstanceRef::from_bytes([0; 16]);
        let catalogue = answers(catalogue::instances::latest(tables, institution, nobody));
        let identity = answers(identity::links::find(accounts, &[0; 32]));
        let keys = answers(keys.secret(institution, SecretName::Token));
        let due = tokio::time::timeout(PROBE_TIME_MAX, self.foundation.access.reviews_due());
        let (catalogue, identity, keys, due) = tokio::join!(catalogue, identity, keys, due);
        if let Ok(Ok(due)) = due {
            self.answers.reviews_overdue.store(due.overdue > 0, Ordering::Relaxed);
        }
        self.answers.catalogue_silent.store(!catalogue, Ordering::Relaxed);
        self.answers.identity_silent.store(!identity, Ordering::Relaxed);
        self.answers.keys_silent.store(!keys, Ordering::Relaxed);
    }
}

async fn answers<T, E>(question: impl Future<Output = Result<T, E>>) -> bool {
    matches!(tokio::time::timeout(PROBE_TIME_MAX, question).await, Ok(Ok(_)))
}
