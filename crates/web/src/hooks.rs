//! What this door shows of the rest of the program, handed in by the binary: metrics, readiness, status,
//! calls to devices.

use crate::network::Network;
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Whether the archive can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It cannot, because these parts do not: `audit`, `catalogue`, `keys`, `storage`.
    NotReady(Vec<&'static str>),
}

/// The views into the program that the operations routes render, and its calls to devices.
#[derive(Clone)]
pub struct Hooks {
    /// Renders all metrics in the Prometheus text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Asks every part whether it can serve; must answer at once, from what is known.
    pub ready: Arc<dyn Fn() -> Readiness + Send + Sync>,
    /// The state of the system for people with the right to read it: replicas, keys, certificates, versions.
    pub status: Arc<dyn Fn() -> BoxFuture<'static, Value> + Send + Sync>,
    /// Calls to devices.
    pub network: Arc<dyn Network>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}
