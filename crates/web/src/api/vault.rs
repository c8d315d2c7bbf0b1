//! What a vault on another host carries away: sealed packs, rows, the audit log. The door opens nothing and changes nothing;
//! every answer is decided and written down by itself.
//!
//! What leaves is what a thief of the disks would have: packs are ciphertext, keys are wrapped, the root key is sealed. So no
//! study is opened and no key unwrapped, and the permit is one for the whole archive. Bytes are not verified on this side:
//! whoever keeps them checks every digest, and this host is not to be believed by a vault anyway.

use super::problems::{of_refusal, unavailable};
use crate::hooks::VaultPart;
use crate::http::answer::{self, Broken};
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::Resource;
use yingdun_archive::{PACK_READ_BYTES_MAX, PackExtent, Store};
use yingdun_audit::Reader;
use yingdun_model::Action;

const OCTETS: &str = "application/octet-stream";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProbeBody {
    key: String,
    packs: Vec<Probed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Probed {
    pack: String,
    bytes: u64,
}

/// The packs, and to which store they belong.
pub(crate) async fn holdings(call: Call) -> Result<Response<Body>, Problem> {
    authorise(&call).await?;
    let after = call.query.one("after")?.map(pack_number).transpose()?;
    let store = call.service.archive.store();
    let packs = store.packs_after(after, limits::VAULT_PACKS_MAX);
    let rows: Vec<Value> = packs
        .iter()
        .map(|extent| json!({"pack": format!("{:016x}", extent.pack), "bytes": extent.bytes}))
        .collect();
    Ok(answer::json(
        StatusCode::OK,
        &json!({
            "institution": call.session()?.institution().as_str(),
            "store": hex::encode(store.id()),
            "replicas": store.replicas().len(),
            "packs": rows,
            "more": packs.len() == limits::VAULT_PACKS_MAX,
        }),
    ))
}

/// Bytes of a pack.
pub(crate) async fn pack(call: Call) -> Result<Response<Body>, Problem> {
    authorise(&call).await?;
    let nothing = || Problem::new(Kind::NotFound);
    let number = pack_number(call.in_path("pack").unwrap_or_default())?;
    let (from, to) = (number_of(&call, "from")?, number_of(&call, "to")?);
    let (Some(from), Some(to)) = (from, to) else {
        return Err(Problem::bad_request("`from` and `to` in bytes", "one of them or none"));
    };
    let store = call.service.archive.store().clone();
    let index = usize::try_from(number_of(&call, "replica")?.unwrap_or(0)).unwrap_or(usize::MAX);
    let replica = store.replicas().get(index).copied().ok_or_else(nothing)?;
    let extent = store.pack_extent(number).ok_or_else(nothing)?;
    if from > to || to - from > limits::VAULT_SPAN_BYTES_MAX || to > extent.bytes {
        return Err(nothing());
    }
    Ok(answer::stream(OCTETS, Some(to - from), move |sink| async move {
        let mut at = from;
        while at < to {
            let end = to.min(at.saturating_add(PACK_READ_BYTES_MAX));
            let bytes = store.read_pack(number, at..end, replica).await.map_err(|error| {
                tracing::warn!(%error, pack = number, "a vault could not be given a part of a pack");
                Broken
            })?;
            sink.send(bytes).await?;
            at = end;
        }
        Ok(())
    }))
}

/// Whether packs are what they were.
pub(crate) async fn probe(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    authorise(&call).await?;
    let ProbeBody { key, packs } = json_of(body).await?;
    let key: [u8; 32] = hex::decode(&key)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Problem::bad_request("32 bytes in hexadecimal digits as `key`", "something else"))?;
    let total = packs.iter().fold(0_u64, |sum, probed| sum.saturating_add(probed.bytes));
    // One pack may be longer by itself: a pack is read as a whole or not at all.
    if packs.len() > limits::VAULT_PROBE_PACKS_MAX
        || (packs.len() > 1 && total > limits::VAULT_PROBE_BYTES_MAX)
    {
        return Err(Problem::new(Kind::TooLarge).expected("at most 256 packs and 1 GiB"));
    }
    let store = call.service.archive.store();
    let mut rows = Vec::with_capacity(packs.len());
    for probed in packs {
        let extent = PackExtent { pack: pack_number(&probed.pack)?, bytes: probed.bytes };
        rows.push(json!({"pack": probed.pack, "digests": digests(store, extent, key).await}));
    }
    Ok(answer::json(StatusCode::OK, &json!({ "packs": rows })))
}

/// Rows of a database, one of the small files with keys, or the checkpoint that witnesses have cosigned.
pub(crate) async fn part(call: Call) -> Result<Response<Body>, Problem> {
    authorise(&call).await?;
    let part = match call.in_path("part").unwrap_or_default() {
        "catalogue" => VaultPart::Catalogue,
        "keys" => VaultPart::Keys,
        "identity" => VaultPart::Identity,
        "epoch" => VaultPart::Epoch,
        "root" => VaultPart::Root,
        "witnessed" => VaultPart::Witnessed,
        _ => {
            return Err(
                Problem::new(Kind::NotFound).expected("catalogue, keys, identity, epoch, root or witnessed")
            );
        }
    };
    let mut bytes = (call.service.hooks.vault_part)(part).map_err(|why| {
        Problem::new(Kind::Conflict).expected("a part that is backed up by a vault").came(why)
    })?;
    Ok(answer::stream(OCTETS, None, move |sink| async move {
        loop {
            match bytes.try_next().await {
                Ok(Some(piece)) => sink.send(piece).await?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, ?part, "a vault could not be given a part");
                    return Err(Broken);
                }
            }
        }
    }))
}

/// The signed heads of the trees, and the leaves that a vault does not have yet. A log without an SM3 tree has an empty head of it.
pub(crate) async fn audit(call: Call) -> Result<Response<Body>, Problem> {
    authorise(&call).await?;
    let after = number_of(&call, "after")?.unwrap_or(0);
    call.service.audit.checkpoint().await.map_err(|error| unavailable(&error))?;
    let (reader, sm3) = call.service.audit.reader_with_sm3();
    let (size, note) = (reader.checkpoint().size(), reader.checkpoint().note().to_owned());
    let sm3 = sm3.map(|sm3| sm3.note().to_owned()).unwrap_or_default();
    if after > size {
        return Err(Problem::new(Kind::Conflict)
            .expected(format!("at most {size} leaves, as many as there are"))
            .came(after.to_string())
            .remedy("find out who took leaves away; what the vault has is evidence"));
    }
    Ok(answer::stream(OCTETS, None, move |sink| async move {
        let mut head = Vec::new();
        for note in [&note, &sm3] {
            head.extend_from_slice(&u32::try_from(note.len()).unwrap_or(u32::MAX).to_be_bytes());
            head.extend_from_slice(note.as_bytes());
        }
        sink.send(Bytes::from(head)).await?;
        let mut at = after;
        while at < size {
            let (count, bytes) = leaves(reader.clone(), at).await?;
            at += count;
            sink.send(bytes).await?;
        }
        Ok(())
    }))
}

// === helpers ===

/// Leaves from a number on, as many as lie together, and how many they are.
async fn leaves(reader: Reader, from: u64) -> Result<(u64, Bytes), Broken> {
    let read = tokio::task::spawn_blocking(move || reader.raw(from)).await.map_err(|_| Broken)?;
    let leaves = read.ok().filter(|leaves| !leaves.is_empty()).ok_or(Broken)?;
    let mut bytes = Vec::new();
    leaves.iter().for_each(|leaf| leaf.write_to(&mut bytes));
    Ok((leaves.len() as u64, Bytes::from(bytes)))
}

/// What each replica says; nothing where it cannot.
async fn digests(store: &Store, extent: PackExtent, key: [u8; 32]) -> Vec<Option<String>> {
    let asked = store.replicas().into_iter().map(|replica| store.digest_pack(extent, replica, key));
    join_all(asked).await.into_iter().map(|digest| digest.ok().map(hex::encode)).collect()
}

fn pack_number(text: &str) -> Result<u64, Problem> {
    u64::from_str_radix(text, 16)
        .ok()
        .filter(|_| text.len() == 16)
        .ok_or_else(|| Problem::bad_request("a pack of 16 hexadecimal digits", text))
}

fn number_of(call: &Call, name: &str) -> Result<Option<u64>, Problem> {
    call.query
        .one(name)?
        .map(|text| {
            text.parse().map_err(|_| Problem::bad_request(format!("a whole number as `{name}`"), text))
        })
        .transpose()
}

/// Decides, and writes down that a vault reads.
async fn authorise(call: &Call) -> Result<(), Problem> {
    let session = call.session()?;
    let resource = Resource::Archive(session.institution().clone());
    let permit = call.service.access.authorise(session, Action::Backup, resource).await;
    permit.map(|_permit| ()).map_err(|refusal| of_refusal(&refusal))
}
