//! `serve`: open, tell that it is ready, and stop in order when asked to.
//!
//! Where shares open the root key, it first waits for them behind doors that serve nothing; and when an officer seals it, it begins
//! anew in place, so that nothing of the old memory is left.

use super::{CommandError, Verdict};
use crate::config::Config;
use crate::output::Output;
use crate::process::notify::ServiceManager;
use crate::process::signals::StopSignals;
use crate::process::{anew, logging};
use crate::wiring::{self, Addresses, Root, SealedSystem, System};
use serde::Serialize;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use yingdun_crypto::{KeyMemory, key_memory};
use yingdun_keys::{RootKey, Unsealing};

/// How long a sealed archive may take to end what is open. Then it ends anyhow: keys have to be gone.
const SEAL_TIME_MAX: Duration = Duration::from_secs(1);

/// The line that scripts wait for where shares are needed.
#[derive(Serialize)]
struct Waiting<'a> {
    ready: bool,
    sealed: bool,
    shares_needed: u8,
    #[serde(flatten)]
    addresses: &'a Addresses,
}

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
    let mut config = Config::load(path)?;
    logging::start(config.log.format, &config.log.level)?;
    let mut signals = StopSignals::catch()?;
    let manager = ServiceManager::find();
    let (root, seal) = match wiring::root(&config).await? {
        Root::Open(root) => (root, None),
        Root::Sealed(unsealing) => {
            match wait_for_shares(&mut config, unsealing, output, &mut signals, &manager).await? {
                Some(root) => (root, Some(CancellationToken::new())),
                None => return Ok(Verdict::Good),
            }
        }
    };
    let system = tokio::select! {
        system = System::start_with(&config, root, seal.clone()) => system?,
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
    let KeyMemory { bytes, locked_bytes } = key_memory();
    if locked_bytes < bytes {
        tracing::warn!(
            bytes,
            locked_bytes,
            "keys may reach the swap area: raise RLIMIT_MEMLOCK (LimitMEMLOCK)"
        );
    }
    output.say(&Ready { ready: true, addresses: &addresses }, |language| {
        let shown = |door: Option<std::net::SocketAddr>| {
            door.map_or_else(|| language.closed(), |address| address.to_string())
        };
        language.serving(&addresses.web, shown(addresses.dicom_tls), shown(addresses.dicom_plain))
    })?;
    also_say(&addresses)?;
    manager.ready();
    let sealed = async {
        match &seal {
            Some(seal) => seal.cancelled().await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        () = signals.wait() => Verdict::Good,
        () = manager.feed_watchdog() => Verdict::Good,
        () = sealed => return Err(begin_anew(system).await.into()),
        other = system.taken_over() => {
            tracing::error!(other, "another server took the database over while it failed over; this one stops");
            Verdict::Bad
        }
        () = system.catalogue_emptied() => {
            tracing::error!("this server stops, as the catalogue was emptied under it; its next start fills it from the packs");
            Verdict::Bad
        }
        () = system.forgotten() => {
            tracing::error!(
                "this server stops, as an officer said that its node is gone for good; where that was an error, start it again, which takes it back"
            );
            // Whoever starts again what failed would take back what the officer said.
            Verdict::Good
        }
    };
    tracing::info!("stopping");
    manager.stopping();
    tokio::select! {
        () = system.stop() => {
            tracing::info!("stopped");
            Ok(ended)
        }
        // A second signal means now. What was acknowledged is safe either way.
        () = signals.wait() => {
            tracing::warn!("stopped before everything was finished");
            Ok(Verdict::Bad)
        }
    }
}

// === helpers ===

/// Stands at the doors until there are enough shares; none when it was stopped before. The doors that follow are at the same
/// addresses.
async fn wait_for_shares(
    config: &mut Config,
    unsealing: Unsealing,
    output: Output,
    signals: &mut StopSignals,
    manager: &ServiceManager,
) -> Result<Option<RootKey>, CommandError> {
    let sealed = SealedSystem::start(config, unsealing).await?;
    let (addresses, needed) = (sealed.addresses(), sealed.progress().needed);
    tracing::info!(web = addresses.web, shares_needed = needed, "sealed");
    let waiting = Waiting { ready: false, sealed: true, shares_needed: needed, addresses };
    output.say(&waiting, |language| language.sealed(&addresses.web, needed))?;
    // For the service manager it is up: it waits for people.
    manager.ready();
    tokio::select! {
        () = sealed.opened() => {}
        () = signals.wait() => {}
        () = manager.feed_watchdog() => {}
    }
    Ok(sealed.stop(config).await)
}

/// Ends the archive within a second, and begins anew, sealed, where it listened. Returns only when that fails.
async fn begin_anew(system: System) -> io::Error {
    tracing::info!("sealing");
    let (web, addresses) = (system.web(), system.addresses().clone());
    if tokio::time::timeout(SEAL_TIME_MAX, system.stop()).await.is_err() {
        tracing::warn!("sealed before everything was finished");
    }
    anew::begin([
        ("WEB__LISTEN", Some(web)),
        ("DICOM__TLS_LISTEN", addresses.dicom_tls),
        ("DICOM__PLAIN_LISTEN", addresses.dicom_plain),
    ])
}
