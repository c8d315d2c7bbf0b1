//! An archive that waits for shares: its doors are there, and serve nothing.

use super::dicom::DicomDoors;
use super::error::StartError;
use super::system::{Addresses, check, web_tls};
use crate::config::Config;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yingdun_dimse::scp::{Scp, Sealed, Settings};
use yingdun_keys::{RootKey, UnsealProgress, Unsealing};
use yingdun_model::Secret;
use yingdun_web::{SealProgress, SealedDoor, Sealing, Transport as WebTransport};

/// How long a peer that is being turned away may take when the archive opens.
const DRAIN: Duration = Duration::from_secs(1);

/// The doors of a sealed archive.
pub(crate) struct SealedSystem {
    web: SocketAddr,
    addresses: Addresses,
    state: Arc<State>,
    doors: TaskTracker,
    stop_doors: CancellationToken,
}

struct State {
    unsealing: Mutex<Unsealing>,
    /// The root key, from the last share until it is taken.
    root: Mutex<Option<RootKey>>,
    opened: CancellationToken,
}

impl SealedSystem {
    /// Binds the doors and serves them.
    ///
    /// # Errors
    /// [`StartError`] when the configuration has errors, a certificate cannot be read or an address cannot be bound.
    pub(crate) async fn start(config: &Config, unsealing: Unsealing) -> Result<Self, StartError> {
        check(config)?;
        let state = Arc::new(State {
            unsealing: Mutex::new(unsealing),
            root: Mutex::new(None),
            opened: CancellationToken::new(),
        });
        let gateway = yingdun_gateway::Gateway::new(config.gateway.clone())?;
        let transport = WebTransport::Tls(web_tls(config)?);
        let door = SealedDoor::open(config.web.listen, transport, sealing(&state), gateway.clone()).await?;
        let dicom = DicomDoors::bind(config).await?;
        let web = door.address();
        let addresses = Addresses {
            web: config.web.public_url.clone().unwrap_or_else(|| format!("https://{web}")),
            dicom_tls: dicom.tls_address(),
            dicom_plain: dicom.plain_address(),
            // It says nothing of others while its own log cannot be told from theirs.
            witness: None,
        };
        let (doors, stop_doors) = (TaskTracker::new(), CancellationToken::new());
        let stop = stop_doors.clone();
        doors.spawn(async move { door.serve(stop.cancelled()).await });
        let scp = Scp::behind(Sealed, Settings { drain: DRAIN, ..Settings::default() }, gateway);
        dicom.serve(scp, &doors, &stop_doors);
        doors.close();
        Ok(Self { web, addresses, state, doors, stop_doors })
    }

    /// Where the doors are.
    pub(crate) const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// How far unsealing is.
    pub(crate) fn progress(&self) -> UnsealProgress {
        self.state.unsealing.lock().unwrap_or_else(PoisonError::into_inner).progress()
    }

    /// Waits for the last share.
    pub(crate) async fn opened(&self) {
        self.state.opened.cancelled().await;
    }

    /// Closes the doors, so that the archive can open its own at the same addresses, which `config` gets. Gives the root
    /// key, when the last share has come.
    pub(crate) async fn stop(self, config: &mut Config) -> Option<RootKey> {
        self.stop_doors.cancel();
        self.doors.wait().await;
        config.web.listen = self.web;
        config.dicom.tls_listen = self.addresses.dicom_tls;
        config.dicom.plain_listen = self.addresses.dicom_plain;
        self.state.root.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl State {
    fn give(&self, share: &Secret<String>) -> Result<UnsealProgress, String> {
        let mut unsealing = self.unsealing.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = unsealing.give(share).map_err(|refusal| refusal.to_string())?;
        tracing::info!(given = progress.given, needed = progress.needed, "a share was given");
        match unsealing.open() {
            Ok(None) => {}
            Ok(Some(root)) => {
                *self.root.lock().unwrap_or_else(PoisonError::into_inner) = Some(root);
                self.opened.cancel();
            }
            Err(error) => {
                tracing::error!(%error, "the shares are right, and the root-key file does not open");
                return Err(error.to_string());
            }
        }
        Ok(progress)
    }
}

fn sealing(state: &Arc<State>) -> Sealing {
    let shown = |UnsealProgress { given, needed }| SealProgress { given, needed };
    let (asked, taken) = (Arc::clone(state), Arc::clone(state));
    let progress = move || shown(asked.unsealing.lock().unwrap_or_else(PoisonError::into_inner).progress());
    let give = move |share: Secret<String>| taken.give(&share).map(shown);
    Sealing { progress: Arc::new(progress), give: Arc::new(give) }
}
