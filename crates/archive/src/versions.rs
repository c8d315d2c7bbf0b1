//! Versions of instances where several nodes give them: claimed before a record is stored, one transaction for all that wait.

use crate::error::{Unavailable, unavailable};
use std::collections::BTreeSet;
use tokio::sync::{mpsc, oneshot};
use yingdun_catalog::catalogue::versions;
use yingdun_catalog::{CatalogError, Database};
use yingdun_model::{InstanceRef, StoreNumber};

/// Claims in one transaction, and as many more that wait for the next: more than a busy node receives while one is made.
const CLAIMS_AT_ONCE: usize = 256;

/// How many versions are tried. Each that is refused is one that another node gives at this moment, or gave since this one looked.
const TRIES_MAX: u32 = 1000;

type Answer = Result<bool, CatalogError>;

/// Claims versions for one store.
#[derive(Debug)]
pub(crate) struct Versions(mpsc::Sender<(versions::Version, oneshot::Sender<Answer>)>);

impl Versions {
    /// Starts to claim. It ends with the last handle.
    pub(crate) fn start(database: Database, store: StoreNumber) -> Self {
        let (queue, waiting) = mpsc::channel(CLAIMS_AT_ONCE);
        tokio::spawn(work(database, store, waiting));
        Self(queue)
    }

    /// The lowest version of an instance, from one on, that nobody else gives and that is the newest.
    pub(crate) async fn claim(&self, instance: InstanceRef, from: u32) -> Result<u32, Unavailable> {
        for version in from..from.saturating_add(TRIES_MAX) {
            let (reply, answer) = oneshot::channel();
            let ended = |_| Unavailable::new("catalogue", "versions are no longer given");
            self.0.send(((instance, version), reply)).await.map_err(|_| ended(()))?;
            if answer.await.map_err(|_| ended(()))?.map_err(unavailable)? {
                return Ok(version);
            }
        }
        Err(Unavailable::new("catalogue", "other nodes give versions of the same instance"))
    }
}

async fn work(
    database: Database,
    store: StoreNumber,
    mut waiting: mpsc::Receiver<(versions::Version, oneshot::Sender<Answer>)>,
) {
    let mut group = Vec::with_capacity(CLAIMS_AT_ONCE);
    while waiting.recv_many(&mut group, CLAIMS_AT_ONCE).await > 0 {
        let wanted: BTreeSet<_> = group.iter().map(|(version, _)| *version).collect();
        let given = versions::claim(&database, store, &wanted).await;
        for (version, reply) in group.drain(..) {
            // Who went away leaves a claim, which is found again when the instance comes again.
            drop(reply.send(given.as_ref().map(|given| given.contains(&version)).map_err(Clone::clone)));
        }
    }
}
