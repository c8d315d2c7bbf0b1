//! What the operations routes show: metrics in the Prometheus format and the state of the system as JSON.

use super::certificates::read_certificate;
use super::complete::Completeness;
use super::error::StartError;
use super::foundation::Foundation;
use super::health::Health;
use super::maintenance;
use crate::config::Config;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use yingdun_archive::Archive;
use yingdun_crypto::{KeyMemory, key_memory};
use yingdun_web::{Hooks, Network};
use yingdun_witness::Gathered;

/// Bounds of the buckets of every histogram of durations, in seconds: from a cached frame to a time-out.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Studies in patient conflict that the status page names; their number is told beside.
const PATIENT_CONFLICTS_SHOWN: u32 = 100;

/// How often the collector tidies up what nobody has asked for.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The collector of this process. Metrics belong to the process, so a second archive in it shares them.
static COLLECTOR: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// The views that the web door renders, and the calls that it may ask for.
pub(super) fn hooks(
    config: &Config,
    foundation: &Foundation,
    archive: &Archive,
    health: Health,
    witnesses: Option<Gathered>,
    network: Arc<dyn Network>,
    stop: CancellationToken,
) -> Result<Hooks, StartError> {
    let collector = collector()?;
    tokio::spawn(upkeep(collector.clone(), stop));
    let log = foundation.audit.clone();
    let metrics = move || {
        metrics::gauge!("yingdun_audit_leaves").set(log.size() as f64);
        let KeyMemory { bytes, locked_bytes } = key_memory();
        metrics::gauge!("yingdun_key_memory_bytes").set(bytes as f64);
        metrics::gauge!("yingdun_key_memory_locked_bytes").set(locked_bytes as f64);
        collector.render()
    };
    let status = Status {
        foundation: foundation.clone(),
        archive: archive.clone(),
        witnesses,
        completeness: health.completeness().clone(),
        certificates: Arc::new([config.web.certificate_file.clone(), config.dicom.certificate_file.clone()]),
    };
    let (of_health, of_archive, looks) = (foundation.clone(), archive.clone(), health.clone());
    let certificates = Arc::clone(&status.certificates);
    let config_seen = Arc::new(config.clone());
    let completeness = health.completeness().clone();
    Ok(Hooks {
        metrics: Arc::new(metrics),
        health: Arc::new(move || {
            let (foundation, archive, readiness) = (of_health.clone(), of_archive.clone(), looks.readiness());
            let certificates = Arc::clone(&certificates);
            Box::pin(apart(move || {
                maintenance::health(&foundation, &archive, readiness, certificates.as_slice())
            }))
        }),
        completeness: Arc::new(move || completeness.described()),
        configuration: Arc::new(move || {
            let config = Arc::clone(&config_seen);
            Box::pin(apart(move || maintenance::configuration(&config)))
        }),
        ready: Arc::new(move || health.readiness()),
        status: Arc::new(move || Box::pin(status.clone().read())),
        protection: Arc::new(super::protection::protection(config)),
        network,
        dicom: Vec::new(),
        logs: None,
        seal: None,
        vault_part: super::vault::parts(config, foundation),
    })
}

/// Something that reads files, on a thread that may wait.
async fn apart(read: impl FnOnce() -> Value + Send + 'static) -> Value {
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

#[derive(Clone)]
struct Status {
    foundation: Foundation,
    archive: Archive,
    witnesses: Option<Gathered>,
    completeness: Completeness,
    certificates: Arc<[PathBuf; 2]>,
}

impl Status {
    /// Parts that do not answer are shown as such; the page itself never fails.
    async fn read(self) -> Value {
        let Self { foundation, archive, witnesses, completeness, certificates } = self;
        let checkpoint = foundation.audit.latest_checkpoint();
        let keys = foundation.keys.status(&foundation.institution).await.ok();
        let counts = archive.counts(&foundation.institution).await.ok();
        let conflicts = archive
            .patient_conflicts(&foundation.institution, PATIENT_CONFLICTS_SHOWN)
            .await
            .unwrap_or_default();
        let certificates: Vec<Value> = certificates
            .iter()
            .map(|path| match read_certificate(path) {
                Ok(Some(facts)) => json!(facts),
                Ok(None) | Err(_) => json!({"unreadable": path}),
            })
            .collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "institution": foundation.institution.as_str(),
            "storage": archive.store().status(),
            "holdings": counts.map(|counts| json!({
                "studies": counts.studies, "series": counts.series, "instances": counts.instances,
                "patient_conflicts": counts.patient_conflicts,
                "patient_conflict_studies": conflicts,
                "accession_conflicts": counts.accession_conflicts,
            })),
            "keys": keys.map(|keys| json!({
                "patients": keys.patients, "studies": keys.studies, "unwraps": archive.key_unwraps(),
            })),
            "audit": {
                "leaves": foundation.audit.size(),
                "indexed": foundation.audit.index_state().map(|index| index.leaves),
                "checkpoint_size": checkpoint.size(),
                "checkpoint_root": hex::encode(checkpoint.root()),
                "accepting": foundation.audit.check().is_ok(),
                "completeness": completeness.described(),
                "witnessed_size": witnesses.as_ref().and_then(Gathered::size),
                "witnesses": witnesses.as_ref().map(Gathered::witnesses),
            },
            "databases": {
                "catalogue": foundation.catalogue.engine_name(),
                "identity": foundation.identity.engine_name(),
            },
            "policy_set": hex::encode(foundation.access.policy_set()),
            "certificates": certificates,
        })
    }
}

/// Counters without labels. They are there from the start, so that an alarm on one sees a zero before the first
/// event and not a gap.
const COUNTERS: &[&str] = &[
    "yingdun_accession_conflicts_total",
    "yingdun_access_refusal_leaves_suppressed_total",
    "yingdun_access_used_once_full_total",
    "yingdun_audit_discrepancies_total",
    "yingdun_audit_heartbeats_total",
    "yingdun_audit_index_discarded_total",
    "yingdun_audit_leaves_total",
    "yingdun_catalogue_emptied_total",
    "yingdun_catalogue_rows_refused_total",
    "yingdun_destruction_failures_total",
    "yingdun_dimse_connections_dropped_total",
    "yingdun_dimse_received_bytes_total",
    "yingdun_epoch_failures_total",
    "yingdun_epochs_fetched_total",
    "yingdun_epochs_unshared_total",
    "yingdun_feed_failures_total",
    "yingdun_feed_published_total",
    "yingdun_http_connections_evicted_total",
    "yingdun_http_connections_refused_total",
    "yingdun_http_handshakes_failed_total",
    "yingdun_kek_destroyed_total",
    "yingdun_kek_rotations_total",
    "yingdun_key_epochs_ended_total",
    "yingdun_node_audit_questions_refused_total",
    "yingdun_node_audit_questions_total",
    "yingdun_node_copies_read_bytes_total",
    "yingdun_node_given_bytes_total",
    "yingdun_node_read_bytes_total",
    "yingdun_node_refusals_total",
    "yingdun_patient_conflicts_total",
    "yingdun_read_bypassed_total",
    "yingdun_receive_budget_spent_total",
    "yingdun_records_passed_over_total",
    "yingdun_repair_leaves_dropped_total",
    "yingdun_rewrap_failures_total",
    "yingdun_rewrap_keys_total",
    "yingdun_storage_lost_records_total",
    "yingdun_storage_removed_bytes_total",
    "yingdun_storage_removed_packs_total",
    "yingdun_storage_rewritten_bytes_total",
    "yingdun_storage_rewritten_packs_total",
    "yingdun_studies_destroyed_total",
    "yingdun_study_events_total",
    "yingdun_syslog_failures_total",
    "yingdun_syslog_sent_total",
    "yingdun_time_stamp_failures_total",
    "yingdun_time_stamps_total",
];

/// Gauges without labels, for the same reason.
const GAUGES: &[&str] = &[
    "yingdun_access_devices_waiting",
    "yingdun_audit_checkpoint_size",
    "yingdun_audit_failed",
    "yingdun_audit_heartbeat_age_seconds",
    "yingdun_audit_index_leaves",
    "yingdun_audit_reconcile_age_seconds",
    "yingdun_dimse_associations_open",
    "yingdun_feed_lag_events",
    "yingdun_feed_lag_seconds",
    "yingdun_http_connections",
    "yingdun_kek_age_seconds_highest",
    "yingdun_kek_uses_highest",
    "yingdun_monitor_alerts_waiting",
    "yingdun_policies_locked",
    "yingdun_rewrap_keys_left",
    "yingdun_storage_dead_bytes",
    "yingdun_storage_repairs_waiting",
    "yingdun_storage_write_domains_missing",
    "yingdun_syslog_lag_leaves",
    "yingdun_syslog_lag_seconds",
    "yingdun_time_stamp_age_seconds",
    "yingdun_time_stamp_clock_difference_seconds",
];

/// The collector, installed when it is first asked for. What is counted before is lost.
pub(super) fn collector() -> Result<PrometheusHandle, StartError> {
    let mut kept = COLLECTOR.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*kept {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new().set_buckets(SECONDS)?.install_recorder()?;
    for name in COUNTERS {
        metrics::counter!(*name).increment(0);
    }
    for call in super::oidc::CALLS {
        metrics::counter!(super::oidc::CALLS_FAILED, "call" => call).increment(0);
    }
    for call in super::ldap::CALLS {
        metrics::counter!(super::ldap::CALLS_FAILED, "call" => call).increment(0);
    }
    for name in GAUGES {
        metrics::gauge!(*name).increment(0.0);
    }
    *kept = Some(handle.clone());
    Ok(handle)
}

async fn upkeep(collector: PrometheusHandle, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => collector.run_upkeep(),
        }
    }
}
