//! The calls that the web door may ask for: the DICOM client with what this installation calls with.

use crate::echo_report::EchoReport;
use futures_util::future::BoxFuture;
use rustls::ClientConfig;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use yingdun_access::DeviceRecord;
use yingdun_dimse::association::Timeouts;
use yingdun_dimse::scu::{Cause, Destination, Diagnosis, Settings, Step, diagnose};
use yingdun_web::Network;

/// For each step of a connection test: long enough for a device that wakes up, and all of them within a minute.
const ECHO_STEP_TIME_MAX: Duration = Duration::from_secs(10);

/// Calls devices at the destinations of their records.
pub(super) struct Calls {
    tls: Option<Arc<ClientConfig>>,
}

impl Calls {
    /// Without `tls` only devices are called that are spelled out as plain.
    pub(super) const fn new(tls: Option<Arc<ClientConfig>>) -> Self {
        Self { tls }
    }
}

impl Network for Calls {
    fn echo(&self, device: DeviceRecord) -> BoxFuture<'_, Value> {
        Box::pin(async move {
            let Some(endpoint) = device.destination else { return Value::Null };
            let destination =
                Destination { ae_title: device.ae_title, host: endpoint.host, port: endpoint.port };
            let settings = Settings {
                timeouts: Timeouts::within(ECHO_STEP_TIME_MAX),
                tls: self.tls.clone().filter(|_| endpoint.tls),
                ..Settings::new(device.called_ae)
            };
            let diagnosis = if endpoint.tls && settings.tls.is_none() {
                Diagnosis::not_tried(Step::Tls, Cause::NoOwnCertificate)
            } else {
                diagnose(&destination, &settings).await
            };
            json!(EchoReport::of(&destination, endpoint.tls, diagnosis))
        })
    }
}
