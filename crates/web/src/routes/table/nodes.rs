//! What a vault and the other nodes of an installation ask.

use super::common::{OK, api, field, optional, path, query};
use crate::limits;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Needs, Parameter, Route, Schema};
use yingdun_model::Action;

const RECORD: Parameter = path("place", Schema::Text, "Place of a record, hexadecimal");

/// A pack that a vault asks about.
const PROBED: Schema = Schema::Record(&[
    field("pack", Schema::Shaped(&shapes::HEX_16), "Pack"),
    field("bytes", Schema::Number, "So many of its bytes, from the first"),
]);

/// What is asked of a log: see `GET /audit/search`.
const QUESTION: &[Parameter] = &[
    field("log", Schema::Text, "The log that is meant"),
    field("leaf", Schema::Number, "Number of the leaf there that says who asked"),
    optional("from_ms", Schema::Number, "Written at or after"),
    optional("until_ms", Schema::Number, "Written before"),
    optional("actor", Schema::Shaped(&shapes::NAME), "By this actor"),
    optional("actor_kind", Schema::Word(shapes::ACTOR_KINDS), "By an actor of this kind"),
    optional("action", Schema::Word(shapes::ACTIONS), "With this action"),
    optional("patient", Schema::Shaped(&shapes::HEX_32), "About this patient reference"),
    optional("study", Schema::Shaped(&shapes::HEX_32), "About this study reference"),
    optional("kinds", Schema::List(&Schema::Word(shapes::EVENT_KINDS), 16), "Of these kinds"),
    optional("outcome", Schema::Word(shapes::OUTCOMES), "With this outcome"),
    optional("before", Schema::Number, "Only leaves before this number"),
    field("count", Schema::Flag, "Whether to count all of them"),
    field("limit", Schema::Number, "Leaves at most; 1000 at most"),
];

rows! {
    /// What a vault finds here.
    VaultHoldings => api(Method::Get, "/vault/holdings", Action::Backup, BodyRule::None, list![query("after", Schema::Shaped(&shapes::HEX_16), "The last pack that was told, 16 hexadecimal digits; the first when absent")], OK, "保险库：列出封存包", "For a vault: packs with their acknowledged bytes, at most 6000 behind one"),
    /// Sealed bytes.
    VaultPack => Route { produces: &["application/octet-stream"], ..api(Method::Get, "/vault/packs/{pack}", Action::Backup, BodyRule::None, list![path("pack", Schema::Shaped(&shapes::HEX_16), "Pack, 16 hexadecimal digits"), Parameter { required: true, ..query("from", Schema::Number, "First byte") }, Parameter { required: true, ..query("to", Schema::Number, "Byte behind the last; 64 MiB further at most") }, query("replica", Schema::Number, "From which replica, counted from 0, which is the default")], list![(200, "Sealed bytes as they lie there; nothing is verified here"), (404, "No such pack, bytes or replica")], "保险库：读取封存包字节", "For a vault: sealed bytes of a pack from one replica") },
    /// Proof that packs are what they were.
    VaultProbe => api(Method::Post, "/vault/probe", Action::Backup, BodyRule::Json(list![field("key", Schema::Shaped(&shapes::HEX_64), "32 random bytes, hexadecimal"), field("packs", Schema::List(&PROBED, limits::VAULT_PROBE_PACKS_MAX), "An array of `pack` and `bytes`, 256 and 1 GiB at most")]), &[], &[(200, "Keyed BLAKE3 of the bytes on each replica, in the order asked; null where it has them not")], "保险库：核验封存包", "For a vault: digests under its key of what each replica holds of packs"),
    /// Rows, the root-key file, the cosigned checkpoint.
    VaultPart => Route { produces: &["application/octet-stream"], ..api(Method::Get, "/vault/parts/{part}", Action::Backup, BodyRule::None, list![path("part", Schema::Word(&["catalogue", "keys", "identity", "epoch", "root", "witnessed"]), "catalogue, keys, identity, epoch, root or witnessed")], list![(200, "The bytes as of this moment"), (404, "No such part"), (409, "It is backed up by other means here; the answer says by which")], "保险库：读取数据库与密钥文件", "For a vault: every row of a database, a file with wrapped keys, or the cosigned checkpoint of the audit log") },
    /// The audit log.
    VaultAudit => Route { produces: &["application/octet-stream"], ..api(Method::Get, "/vault/audit", Action::Backup, BodyRule::None, list![query("after", Schema::Number, "How many leaves are there already; 0 when absent")], list![(200, "A checkpoint that covers this very reading, and the leaves up to it"), (409, "There are fewer leaves")], "保险库：跟随审计日志", "For a vault: the leaves behind a number with the checkpoint that covers them") },
    /// Sealed bytes of a record, for another node.
    NodeSpan => Route { needs: Needs::Node, produces: &["application/octet-stream"], ..api(Method::Get, "/nodes/records/{place}", Action::View, BodyRule::None, list![RECORD, Parameter { required: true, ..query("from", Schema::Number, "First byte in the record") }, Parameter { required: true, ..query("to", Schema::Number, "Byte behind the last; 4 MiB further at most") }, query("copy", Schema::Number, "From which copy, counted from 0, which is the default")], list![(200, "Sealed bytes as they lie there; nothing is verified here"), (204, "There are fewer copies"), (404, "No such bytes of a record here"), (500, "This copy cannot be read")], "节点：读取密封记录字节", "For another node: sealed bytes of a record from one of its copies") },
    /// Whether a record is whole, for another node.
    NodeSoundness => Route { needs: Needs::Node, ..api(Method::Get, "/nodes/records/{place}/soundness", Action::View, BodyRule::None, &[RECORD], list![(200, "Whether every byte of it is on so many replicas as an acknowledgement needs"), (404, "No such record here")], "节点：核验记录副本", "For another node: whether a record is whole on the write quorum") },
    /// The wrapped key of an epoch, for another node.
    NodeEpoch => Route { needs: Needs::Node, produces: &["application/octet-stream"], ..api(Method::Get, "/nodes/epochs/{epoch}", Action::ManageKeys, BodyRule::None, list![path("epoch", Schema::Number, "Its number")], list![(200, "Its key, wrapped under the root key as it lies in the epoch file"), (404, "The key database does not use such an epoch, or this node does not have it")], "节点：取得世代密钥", "For another node: the wrapped key of the epoch that its file lacks; with a leaf here") },
    /// A page of the audit log here, for another node.
    NodeAudit => Route { needs: Needs::Node, ..api(Method::Post, "/nodes/audit/search", Action::ReadAudit, BodyRule::Json(QUESTION), &[], list![(200, "The leaves of this log that fit, newest first, and where to go on"), (422, "The log here is another one"), (429, "This node has asked too often")], "节点：检索审计日志", "For another node: a page of the audit log here; with a leaf here that names the asking node and its leaf") },
}
