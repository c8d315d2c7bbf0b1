//! The system: status, replicas, health, metrics and this description.

use super::common::{DRY_RUN, JSON, OK, api, open, optional, path};
use crate::routes::words::{BodyRule, Family, Method, Needs, Parameter, Route, Schema};
use yingdun_model::Action;

const BEGUN: &[(u16, &str)] = &[(202, "Begun; it goes on in the background")];
const SERVICE: &[(u16, &str)] = &[
    (202, "Begun; it goes on in the background"),
    (404, "No replica has this label"),
    (409, "The others could not reach the write quorum, or the replica or its folder is not as it must be"),
];

const REPLICA: Parameter = path("replica", Schema::Text, "Label of a replica");

rows! {
    /// System status.
    SystemStatus => api(Method::Get, "/system/status", Action::ReadSystem, BodyRule::None, &[], OK, "系统状态", "The state of the system"),
    /// How the replicas are being checked.
    ScrubStatus => api(Method::Get, "/system/scrub", Action::ReadSystem, BodyRule::None, &[], OK, "副本巡检进度", "How far the scrub of each replica is, and what its last full pass found"),
    /// Check every byte now.
    BeginScrub => api(Method::Post, "/system/scrub", Action::ManageStorage, BodyRule::None, &[], BEGUN, "立即巡检全部副本", "Begin a full pass over every replica now"),
    /// How the replicas stand.
    ListReplicas => api(Method::Get, "/system/replicas", Action::ReadSystem, BodyRule::None, &[], OK, "列出副本", "How each replica stands: state, room, what it still lacks, with which others it is lost"),
    /// Take a replica out of service.
    DrainReplica => api(Method::Post, "/system/replicas/{replica}/drain", Action::ManageStorage, BodyRule::None, &[REPLICA], SERVICE, "停用副本以便取下磁盘", "Take a replica out of service, so that its disk can be taken away"),
    /// Put another folder in its place.
    ReplaceReplica => api(Method::Post, "/system/replicas/{replica}/replace", Action::ManageStorage, BodyRule::None, &[REPLICA], SERVICE, "启用更换后的空目录", "Put a replica into service with the empty folder that is there now, and fill it"),
    /// How far the compaction is.
    CompactionStatus => api(Method::Get, "/system/compaction", Action::ReadSystem, BodyRule::None, &[], OK, "封存包压缩进度", "How far the compaction of packs is, or what the last one found: dead bytes, packs in which nothing lives or little, what was copied and removed"),
    /// Give back the room of destroyed studies.
    BeginCompaction => api(Method::Post, "/system/compaction", Action::ManageStorage, BodyRule::Json(list![DRY_RUN, optional("dead_percent", Schema::Within(1, 100), "From how many percent of dead bytes on what lives in a pack is copied and the pack removed, 1 to 100; at 100 none is. What the configuration says when absent")]), &[], list![(202, "Begun; it goes on in the background"), (409, "One is running")], "删除只剩已销毁检查的封存包，并改写大部分已销毁的包", "Remove packs in which nothing lives, because all studies in them were destroyed, and rewrite those in which little does"),
    /// This description.
    Description => open(Method::Get, "/api/openapi.json", Family::Operations, BodyRule::None, &[], JSON, OK, "接口说明", "This description"),
    /// Liveness.
    Live => open(Method::Get, "/health/live", Family::Operations, BodyRule::None, &[], JSON, &[(200, "The process answers")], "存活检查", "Liveness"),
    /// Readiness.
    Ready => open(Method::Get, "/health/ready", Family::Operations, BodyRule::None, &[], JSON, &[(200, "The archive can serve"), (503, "A part cannot; it is named")], "就绪检查", "Readiness"),
    /// Metrics.
    Metrics => Route { method: Method::Get, path: "/metrics", family: Family::Operations, needs: Needs::Scrape, body: BodyRule::None, parameters: &[], produces: &["text/plain; version=0.0.4; charset=utf-8"], answers: OK, summary_zh: "运行指标", summary_en: "Metrics in the Prometheus text format" },
}
