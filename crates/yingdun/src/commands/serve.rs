//! `serve`: open, tell that it is ready, and stop in order when asked to.

use super::{CommandError, Verdict};
use crate::config::Config;
use crate::output::Output;
use crate::process::logging;
use crate::process::notify::ServiceManager;
use crate::process::signals::StopSignals;
use crate::wiring::{Addresses, System};
use serde::Serialize;
use std::path::Path;

/// The one line that scripts wait for.
#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    #[serde(flatten)]
    addresses: &'a Addresses,
}

/// Serves until SIGTERM or SIGINT.
pub(super) async fn serve(path: &Path, output: Output) -> Result<Verdict, CommandError> {
    serve_with(path, output, |_| Ok(())).await
}

/// The same, with something to say once the addresses are known.
pub(super) async fn serve_with(
    path: &Path,
    output: Output,
    also_say: impl FnOnce(&Addresses) -> std::io::Result<()>,
) -> Result<Verdict, CommandError> {
    let config = Config::load(path)?;
    logging::start(config.log.format, &config.log.level)?;
    let mut signals = StopSignals::catch()?;
    let manager = ServiceManager::find();
    let system = tokio::select! {
        system = System::start(&config) => system?,
        // Nothing was acknowledged yet, so there is nothing to finish.
        () = signals.wait() => return Ok(Verdict::Good),
    };
    let (addresses, recovered) = (system.addresses().clone(), system.recovered());
    tracing::info!(
        web = addresses.web,
        dicom_tls = addresses.dicom_tls.map(tracing::field::display),
        dicom_plain = addresses.dicom_plain.map(tracing::field::display),
        records_replayed = recovered.records,
        records_without_key = recovered.without_key,
        records_unreadable = recovered.unreadable,
        records_foreign = recovered.foreign,
        records_retracted = recovered.retracted,
        "ready"
    );
    output.say(&Ready { ready: true, addresses: &addresses }, |language| {
        let shown = |door: Option<std::net::SocketAddr>| {
            door.map_or_else(|| language.closed(), |address| address.to_string())
        };
        language.serving(&addresses.web, shown(addresses.dicom_tls), shown(addresses.dicom_plain))
    })?;
    also_say(&addresses)?;
    manager.ready();
    tokio::select! {
        () = signals.wait() => {}
        () = manager.feed_watchdog() => {}
    }
    tracing::info!("stopping");
    manager.stopping();
    tokio::select! {
        () = system.stop() => {
            tracing::info!("stopped");
            Ok(Verdict::Good)
        }
        // A second signal means now. What was acknowledged is safe either way.
        () = signals.wait() => {
            tracing::warn!("stopped before everything was finished");
            Ok(Verdict::Bad)
        }
    }
}
