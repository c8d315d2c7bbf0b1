//! What a vendor may see in a maintenance session: whether each part works, and how it is set up.
//!
//! Both views name what they show, one value after the other, and take over no record whole that could come to hold more one day: nothing of a
//! patient, a study, a key, a person or a path, and no secret.

use super::foundation::Foundation;
use super::interfaces::{coverage, interfaces, postures};
use super::read_certificate;
use crate::config::Config;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use yingdun_archive::Archive;
use yingdun_storage::StoreStatus;
use yingdun_web::Readiness;

/// Whether each part works.
pub(super) fn health(
    foundation: &Foundation,
    archive: &Archive,
    readiness: Readiness,
    certificates: &[PathBuf],
) -> Value {
    let (status, parts) = match readiness {
        Readiness::Ready => ("ready", Vec::new()),
        Readiness::Attention(parts) => ("attention", parts),
        Readiness::NotReady(parts) => ("not-ready", parts),
    };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "status": status,
        "parts": parts,
        "storage": storage(&archive.store().status()),
        "databases": {
            "catalogue": foundation.catalogue.engine_name(),
            "identity": foundation.identity.engine_name(),
        },
        "audit": {"accepting": foundation.audit.check().is_ok()},
        "certificates": certificates.iter().map(|path| certificate(path)).collect::<Vec<_>>(),
    })
}

/// How it is set up. Reads certificates, so it is for a thread that may wait.
pub(super) fn configuration(config: &Config) -> Value {
    let listed = interfaces(config);
    let doors = postures(config).ok().map(|doors| json!(doors));
    let Config { storage, identity, dicom, gateway, .. } = config;
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        // Nothing where a certificate cannot be read, which `health` tells.
        "doors": doors.unwrap_or_else(|| json!([])),
        "interfaces": {"coverage": coverage(&listed), "listed": listed},
        "zones": gateway.zones.keys().collect::<Vec<_>>(),
        "storage": {
            "replicas": storage.replicas.iter().map(|replica| {
                json!({"label": replica.label, "failure_domain": replica.failure_domain})
            }).collect::<Vec<_>>(),
            "offsite": storage.offsite.len(),
            "write_quorum": storage.write_quorum,
            "write_domains": storage.write_domains,
            "reserve_bytes": storage.reserve_bytes,
            "object_bytes_max": storage.object_bytes_max,
            "scrub_days": storage.scrub_days,
        },
        "dicom": {
            "tls_listen": dicom.tls_listen,
            "plain_listen": dicom.plain_listen,
            "plain_beyond_loopback": dicom.plain_beyond_loopback,
        },
        "identity": {
            "require_second_factor_for": identity.require_second_factor_for,
            "require_passkey_for": identity.require_passkey_for,
            "step_up_for_sensitive": identity.step_up_for_sensitive,
            "idle_minutes": identity.idle_minutes,
        },
        "connected": {
            "nodes": config.node.is_some(),
            "events": config.nats.is_some(),
            "syslog": config.syslog.is_some(),
            "time_stamps": config.time_stamps.is_some(),
            "openid_connect": identity.oidc.is_some(),
            "ldap": identity.ldap.is_some(),
        },
    })
}

// === helpers ===

fn storage(status: &StoreStatus) -> Value {
    let replicas = status.replicas.iter().map(|replica| {
        json!({
            "label": replica.label,
            "failure_domain": replica.failure_domain,
            // Without the reason, which may hold a path.
            "state": json!(replica.state).get("state"),
            "packs": replica.packs,
            "bytes": replica.bytes,
            "free_bytes": replica.free_bytes,
            "lag_bytes": replica.lag_bytes,
            "quarantined": replica.quarantined,
            "awaiting_repair": replica.awaiting_repair,
            "scrub": replica.scrub,
        })
    });
    json!({
        "writable": status.writable,
        "write_quorum": status.write_quorum,
        "packs": status.packs,
        "bytes": status.bytes,
        "replicas": replicas.collect::<Vec<_>>(),
        "offsite_behind": status.offsite.iter().filter(|offsite| offsite.behind).count(),
    })
}

fn certificate(path: &Path) -> Value {
    match read_certificate(path) {
        Ok(Some(facts)) => json!({"subject": facts.subject, "not_after_ms": facts.not_after_ms}),
        Ok(None) | Err(_) => Value::Null,
    }
}
