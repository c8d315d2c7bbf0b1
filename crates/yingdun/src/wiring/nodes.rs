//! This node among the others of the installation: it says where they reach it, reads from them what lies in their packs, and has the
//! epoch of them that its file lacks; and asks them for what their audit logs say.
//!
//! Where a node is away or late, what it has sent to an off-site replica is read there, if this one is told of that place.
//! What travels is ciphertext, over TLS in which both sides show a certificate of the installation's authority. Each is held to the digest
//! that its node has told in the catalogue: a device has a certificate of the same authority, and whoever writes to the catalogue
//! has none.

mod late;
mod logs;

use super::certificates::read_certificate;
use super::error::{StartError, read};
use super::join::catalogue;
use super::system::offsite_settings;
use super::transit::without_url;
use crate::config::Config;
use bytes::{Bytes, BytesMut};
use futures_util::future::{BoxFuture, Either, select};
use late::Late;
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, Identity, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use yingdun_archive::{NodeError, OtherNodes, StoreLocation};
use yingdun_catalog::catalogue::nodes::{self, Node, NodeDoor, NodeNotice};
use yingdun_catalog::catalogue::stores;
use yingdun_catalog::{Database, Exclusive, holder};
use yingdun_crypto::digest::sha256;
use yingdun_keys::{EpochGivers, GivenEpoch, KeyNode, KeyStore, ServingNodes};
use yingdun_model::{Clock, StoreNumber, SystemClock, Timestamp};
use yingdun_storage::{CopiesElsewhere, Disk, RealDisk, Store};

/// How long it may take to reach another node: it is in the same building.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);

/// How long who reads waits for a node alone where there are copies of what it has: no longer than for a slow disk. Also the longest
/// time for reaching it there.
const PATIENCE_WITH_COPIES: Duration = Duration::from_millis(400);

/// How long one range of a record may take, which is some megabytes at most.
const READ_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a node may take to check a record on its disks: the largest has 16 GiB.
const CHECK_TIME_MAX: Duration = Duration::from_secs(300);

/// How long what nodes say in the catalogue is remembered.
const REMEMBERED: Duration = Duration::from_secs(5);

/// How long a node that did not answer is not asked again: whoever waits for it hears so at once.
const SILENT: Duration = Duration::from_secs(2);

/// What is told of a node that gives nothing to who shows a certificate that the catalogue does not know. `nodes join` writes the new one down
/// with the root key alone, which a start cannot do before it has the epoch.
const UNKNOWN_CERTIFICATE: &str = "does not know this node by its certificate: where that was renewed while the node was stopped, `yingdun nodes join` on this machine \
     makes it known (it changes nothing else), and it is given with the next start; a node that was forgotten gets a copy by hand";

/// The place of no record.
const GREETING: &str = "records/ff";

/// The longest answer to a check, in bytes.
const ANSWER_BYTES_MAX: usize = 1024;

/// Says in the catalogue what the node with this store is, and where it is reached by others: from now on, or no longer.
///
/// # Errors
/// [`StartError`] when the catalogue does not take it, the certificate cannot be read, or the audit log is that of another node.
pub(super) async fn announce(
    config: &Config,
    catalogue: &Database,
    keys: &KeyStore,
    store: &Store,
) -> Result<(), StartError> {
    keys.tell_store(&config.institution.id, &config.audit.origin, &store.id()).await?;
    let failed = |cause| StartError::Database { what: "catalogue", cause };
    let number = stores::enter(catalogue, &store.id()).await.map_err(failed)?;
    let door = config.node.as_ref().map(|node| {
        let certificate_sha256 = certificate(config)?;
        Ok::<_, StartError>(NodeDoor { address: node.address.clone(), certificate_sha256 })
    });
    let log = &config.audit.origin;
    let all = nodes::all(catalogue).await.map_err(failed)?;
    if let Some(other) = all.iter().find(|node| node.store != number && node.said.log.as_ref() == Some(log)) {
        return Err(StartError::LogOfAnother { origin: log.clone(), store: other.store });
    }
    let notice = NodeNotice {
        door: door.transpose()?,
        log: Some(log.clone()),
        program: Some(env!("CARGO_PKG_VERSION").to_owned()),
    };
    nodes::announce(catalogue, number, &notice).await.map_err(failed)
}

/// What reads from the other nodes; none where this one is closed to them.
///
/// # Errors
/// [`StartError`] when certificates or key cannot be used.
pub(super) fn others(config: &Config, catalogue: &Database) -> Result<Option<Arc<Others>>, StartError> {
    Ok(client(config, catalogue)?.map(Arc::new))
}

/// Who this node is where keys are kept, and whom it asks for an epoch that its file lacks.
///
/// # Errors
/// As [`others`].
pub(super) fn key_node(config: &Config, catalogue: &Database) -> Result<KeyNode, StartError> {
    Ok(KeyNode {
        institution: config.institution.id.clone(),
        name: config.audit.origin.clone(),
        others: client(config, catalogue)?.map(|others| Arc::new(others) as Arc<dyn EpochGivers>),
    })
}

fn client(config: &Config, catalogue: &Database) -> Result<Option<Others>, StartError> {
    let Some(node) = &config.node else { return Ok(None) };
    let places: Vec<_> = offsite_settings(&node.copies)?.into_iter().map(|settings| settings.place).collect();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let copies = (!places.is_empty()).then(|| CopiesElsewhere::new(&disk, &places)).transpose();
    let copies = copies.map_err(StartError::NodeCopies)?;
    let authorities = Certificate::from_pem_bundle(&read(&node.ca_file)?).map_err(StartError::NodeTls)?;
    let own = [read(&config.web.private_key_file)?, read(&config.web.certificate_file)?].concat();
    let http = Client::builder()
        .https_only(true)
        .no_proxy()
        // A redirect leads to who is none of us.
        .redirect(Policy::none())
        // Each range has a connection of its own; ranges that share one would share its window.
        .http1_only()
        .tls_certs_only(authorities)
        .identity(Identity::from_pem(&own).map_err(StartError::NodeTls)?)
        .tls_info(true)
        .connect_timeout(if copies.is_some() { PATIENCE_WITH_COPIES } else { CONNECT_TIME_MAX })
        .build()
        .map_err(StartError::NodeTls)?;
    let certificate_sha256 = certificate(config)?;
    let (memory, ids, late, logs, heard) = Default::default();
    let catalogue = catalogue.clone();
    Ok(Some(Others { http, certificate_sha256, catalogue, memory, ids, copies, late, logs, heard }))
}

/// Whether another node answers where it is said to be reached, as itself and to this one.
///
/// # Errors
/// In words what came instead.
pub(crate) async fn reaches(config: &Config, store: StoreNumber) -> Result<(), String> {
    let catalogue = catalogue(config).await.map_err(|error| error.to_string())?;
    let client = client(config, &catalogue).map_err(|error| error.to_string())?;
    let Some(client) = client else { return Err("this node is closed to others".to_owned()) };
    client.greet(store).await.map_err(|error| error.to_string())
}

/// SHA-256 of the certificate that this node shows.
fn certificate(config: &Config) -> Result<[u8; 32], StartError> {
    let path = &config.web.certificate_file;
    let facts = read_certificate(path)?;
    let digest = facts.and_then(|facts| hex::decode(facts.sha256).ok()?.try_into().ok());
    digest.ok_or_else(|| StartError::NoCertificate(path.clone()))
}

/// The other nodes, as a client of their web doors.
pub(super) struct Others {
    http: Client,
    /// The certificate that this node shows.
    certificate_sha256: [u8; 32],
    catalogue: Database,
    memory: Mutex<HashMap<StoreNumber, Remembered>>,
    /// The random names of stores, which never change.
    ids: Mutex<HashMap<StoreNumber, [u8; 16]>>,
    /// Where others send copies of their packs.
    copies: Option<CopiesElsewhere>,
    /// Who of them is waited for only now and then.
    late: Late,
    /// Whose node an audit log is, as the catalogue said.
    logs: Mutex<HashMap<String, StoreNumber>>,
    /// When a node last answered.
    heard: Mutex<HashMap<StoreNumber, Timestamp>>,
}

/// What is known of a node.
#[derive(Clone)]
struct Remembered {
    door: NodeDoor,
    /// When the catalogue said so.
    read: Instant,
    /// When it did not answer, and why.
    silent: Option<(Instant, String)>,
}

#[derive(Deserialize)]
struct Soundness {
    sound: bool,
}

impl OtherNodes for Others {
    fn read<'a>(
        &'a self,
        place: &'a StoreLocation,
        range: Range<u64>,
        copy: usize,
    ) -> BoxFuture<'a, Result<Option<Bytes>, NodeError>> {
        Box::pin(async move {
            let (store, there) = (place.store, self.read_there(place, &range, copy));
            if self.copies.is_none() {
                return there.await;
            }
            if self.late.asks_copies_first(store, Instant::now())
                && let Ok(Some(bytes)) = self.read_copy(place, &range, copy).await
            {
                return Ok(Some(bytes));
            }
            let mut there = pin!(there);
            let answer = match timeout(PATIENCE_WITH_COPIES, &mut there).await {
                Ok(answer) => {
                    if answer.is_ok() {
                        self.late.forget(store);
                    }
                    answer
                }
                // It is there, perhaps, and stands still, or is busy: whichever gives it first.
                Err(_) => {
                    self.late.note(store, Instant::now());
                    match select(there, pin!(self.read_copy(place, &range, copy))).await {
                        Either::Left((answer, _)) => answer,
                        Either::Right((Ok(Some(bytes)), _)) => return Ok(Some(bytes)),
                        Either::Right((_, there)) => return there.await,
                    }
                }
            };
            let away = match answer {
                Err(error @ (NodeError::Silent { .. } | NodeError::NoAddress { .. })) => error,
                answer => return answer,
            };
            // That there is no copy says nothing of what its node has.
            let copied = self.read_copy(place, &range, copy).await?;
            copied.ok_or(away).map(Some)
        })
    }

    fn is_sound<'a>(&'a self, place: &'a StoreLocation) -> BoxFuture<'a, Result<bool, NodeError>> {
        Box::pin(async move {
            let store = place.store;
            let (door, answer) = self.ask(place, "/soundness", &[], CHECK_TIME_MAX).await?;
            if answer.status() != StatusCode::OK {
                return Err(refused(store, &door, answer.status()));
            }
            let silent = |cause| silent(store, &door, cause);
            let text = bounded(answer, ANSWER_BYTES_MAX).await.map_err(silent)?;
            let Soundness { sound } = serde_json::from_slice(&text)
                .map_err(|_| silent("its answer is not that of a node".to_owned()))?;
            Ok(sound)
        })
    }
}

impl EpochGivers for Others {
    fn give(&self, epoch: u64) -> GivenEpoch<'_> {
        Box::pin(async move {
            let all = nodes::all(&self.catalogue).await.map_err(|error| error.to_string())?;
            let mut why = Vec::new();
            for node in all {
                let Some(door) = node.said.door else { continue };
                if door.certificate_sha256 == self.certificate_sha256 {
                    continue;
                }
                match self.epoch_from(node.store, &door, epoch).await {
                    Ok(wrapped) => return Ok(wrapped),
                    Err(cause) => why.push(format!("the node at {} {cause}", door.address)),
                }
            }
            Err(if why.is_empty() { "no other node has told its address".to_owned() } else { why.join("; ") })
        })
    }

    fn serving(&self, names: Vec<String>) -> ServingNodes<'_> {
        Box::pin(async move {
            // One node works on a file, so no other one does.
            if self.catalogue.engine_name() != "postgresql" {
                return Ok(Vec::new());
            }
            let mut serving = Vec::new();
            for name in names {
                let by = holder(&self.catalogue, Exclusive::AuditLog(&name)).await;
                if by.map_err(|error| error.to_string())?.is_some() {
                    serving.push(name);
                }
            }
            Ok(serving)
        })
    }
}

impl fmt::Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Others")
    }
}

impl Others {
    /// Whether a node answers, as itself, and takes this one for a node.
    async fn greet(&self, store: StoreNumber) -> Result<(), NodeError> {
        let door = self.door(store).await?;
        let range = [("from", 0), ("to", 1)];
        let answer = self.ask_at(store, &door, GREETING, &range, CONNECT_TIME_MAX).await?;
        match answer.status() {
            // Who is asked by a stranger does not look at what is asked.
            StatusCode::BAD_REQUEST => Ok(()),
            status => Err(refused(store, &door, status)),
        }
    }

    /// Reads from the node that has a record.
    async fn read_there(
        &self,
        place: &StoreLocation,
        range: &Range<u64>,
        copy: usize,
    ) -> Result<Option<Bytes>, NodeError> {
        let query = [("from", range.start), ("to", range.end), ("copy", copy as u64)];
        let store = place.store;
        let (door, answer) = self.ask(place, "", &query, READ_TIME_MAX).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(None),
            StatusCode::INTERNAL_SERVER_ERROR => return Err(NodeError::Unreadable { store }),
            status => return Err(refused(store, &door, status)),
        }
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let bytes = bounded(answer, wanted).await.map_err(|cause| silent(store, &door, cause))?;
        if bytes.len() != wanted {
            let cause = format!("{wanted} bytes were asked for, {} came", bytes.len());
            return Err(silent(store, &door, cause));
        }
        metrics::counter!("yingdun_node_read_bytes_total").increment(wanted as u64);
        Ok(Some(bytes))
    }

    /// Reads from where its node sends copies of its packs.
    async fn read_copy(
        &self,
        place: &StoreLocation,
        range: &Range<u64>,
        copy: usize,
    ) -> Result<Option<Bytes>, NodeError> {
        let Some(copies) = &self.copies else { return Ok(None) };
        let Some(id) = self.id(place.store).await? else { return Ok(None) };
        let bytes = copies.read(&id, &place.location, range.clone(), copy).await;
        if let Some(bytes) = &bytes {
            metrics::counter!("yingdun_node_copies_read_bytes_total").increment(bytes.len() as u64);
        }
        Ok(bytes)
    }

    /// The random name of a store, which is in its packs.
    async fn id(&self, store: StoreNumber) -> Result<Option<[u8; 16]>, NodeError> {
        let known = self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(&store).copied();
        if known.is_some() {
            return Ok(known);
        }
        let all = self.all(store).await?;
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.extend(all.into_iter().map(|node| (node.store, node.id)));
        Ok(ids.get(&store).copied())
    }

    /// What the catalogue knows of nodes, asked for the sake of one store.
    async fn all(&self, store: StoreNumber) -> Result<Vec<Node>, NodeError> {
        nodes::all(&self.catalogue).await.map_err(|error| NodeError::Silent {
            store,
            address: "an address in the catalogue".to_owned(),
            cause: error.to_string(),
        })
    }

    /// Asks the node that has a record, and makes sure that it was that node who answered.
    async fn ask(
        &self,
        place: &StoreLocation,
        what: &str,
        query: &[(&str, u64)],
        time_max: Duration,
    ) -> Result<(NodeDoor, Response), NodeError> {
        let store = place.store;
        let door = self.door(store).await?;
        let path = format!("records/{}{what}", hex::encode(place.to_bytes()));
        let answer = self.ask_at(store, &door, &path, query, time_max).await?;
        Ok((door, answer))
    }

    /// Asks the node at a door, and makes sure that it was that node who answered.
    async fn ask_at(
        &self,
        store: StoreNumber,
        door: &NodeDoor,
        path: &str,
        query: &[(&str, u64)],
        time_max: Duration,
    ) -> Result<Response, NodeError> {
        let url = format!("{}/api/v1/nodes/{path}", door.address);
        self.send(store, door, || self.http.get(&url).query(query).timeout(time_max)).await
    }

    /// Sends a request to the node at a door, and makes sure that it was that node who answered.
    async fn send(
        &self,
        store: StoreNumber,
        door: &NodeDoor,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, NodeError> {
        let mut answer = request().send().await;
        // The connection was closed meanwhile: there is another one.
        if answer.as_ref().is_err_and(|error| !is_away(error)) {
            answer = request().send().await;
        }
        let answer = answer.map_err(|error| {
            let (away, cause) = (is_away(&error), without_url(error));
            if away {
                self.remember_silent(store, cause.clone());
            }
            silent(store, door, cause)
        })?;
        let shown = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).map(sha256);
        if shown != Some(door.certificate_sha256) {
            let cause = "it shows another certificate than it has told; start it anew".to_owned();
            return Err(NodeError::Refused { store, address: door.address.clone(), cause });
        }
        self.heard().insert(store, SystemClock.now());
        Ok(answer)
    }

    /// The key of an epoch from the node at a door; or why it does not give it.
    async fn epoch_from(&self, store: StoreNumber, door: &NodeDoor, epoch: u64) -> Result<Vec<u8>, String> {
        let answer = self.ask_at(store, door, &format!("epochs/{epoch}"), &[], READ_TIME_MAX).await;
        let answer = answer.map_err(|error| match error {
            NodeError::Silent { cause, .. } => format!("does not answer: {cause}"),
            NodeError::Refused { cause, .. } => format!("is not taken: {cause}"),
            other => other.to_string(),
        })?;
        match answer.status() {
            StatusCode::OK => Ok(bounded(answer, ANSWER_BYTES_MAX).await?.to_vec()),
            StatusCode::NOT_FOUND => Err("does not have it".to_owned()),
            StatusCode::UNAUTHORIZED => Err(UNKNOWN_CERTIFICATE.to_owned()),
            status => Err(format!("refuses: it says {}", status.as_u16())),
        }
    }

    /// Where a node is reached.
    async fn door(&self, store: StoreNumber) -> Result<NodeDoor, NodeError> {
        if let Some(Remembered { door, read, silent }) = self.memory().get(&store).cloned() {
            if let Some((since, cause)) = silent
                && since.elapsed() < SILENT
            {
                return Err(NodeError::Silent { store, address: door.address, cause });
            }
            if read.elapsed() < REMEMBERED {
                return Ok(door);
            }
        }
        let all = self.all(store).await?;
        let door = all.into_iter().find(|node| node.store == store).and_then(|node| node.said.door);
        let mut memory = self.memory();
        let Some(door) = door else {
            memory.remove(&store);
            return Err(NodeError::NoAddress { store });
        };
        memory.insert(store, Remembered { door: door.clone(), read: Instant::now(), silent: None });
        Ok(door)
    }

    /// Remembers that a node is away.
    fn remember_silent(&self, store: StoreNumber, cause: String) {
        if let Some(remembered) = self.memory().get_mut(&store) {
            remembered.silent = Some((Instant::now(), cause));
        }
    }

    fn logs(&self) -> MutexGuard<'_, HashMap<String, StoreNumber>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) -> MutexGuard<'_, HashMap<StoreNumber, Timestamp>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<StoreNumber, Remembered>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nobody is there, as opposed to somebody who hung up.
fn is_away(error: &reqwest::Error) -> bool {
    error.is_connect() || error.is_timeout()
}

fn silent(store: StoreNumber, door: &NodeDoor, cause: String) -> NodeError {
    NodeError::Silent { store, address: door.address.clone(), cause }
}

/// What a node means that answers otherwise than by giving.
fn refused(store: StoreNumber, door: &NodeDoor, status: StatusCode) -> NodeError {
    let address = door.address.clone();
    let cause = match status {
        StatusCode::UNAUTHORIZED => {
            "it does not know this node; set the section [node] on both, and start them anew"
        }
        StatusCode::NOT_FOUND => "it has no such record; look there whether its replicas are mounted",
        StatusCode::SERVICE_UNAVAILABLE => "it is starting, or waits for the shares of its root key",
        _ => return NodeError::Refused { store, address, cause: format!("it says {}", status.as_u16()) },
    };
    NodeError::Refused { store, address, cause: cause.to_owned() }
}

/// The whole answer; an error when it is longer than it may be.
async fn bounded(mut answer: Response, bytes_max: usize) -> Result<Bytes, String> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = answer.chunk().await.map_err(without_url)? {
        if bytes.len() + piece.len() > bytes_max {
            return Err(format!("its answer is longer than {bytes_max} bytes"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests;
