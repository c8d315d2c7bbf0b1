//! What is said of whether an audit log is complete.

use super::Language;

messages! {
    log_is_complete(leaves, heartbeats) {
        "审计日志完整：{leaves} 条记录，{heartbeats} 次心跳，计数与记录相符"
        "the audit log is complete: {leaves} records, {heartbeats} heartbeats, what was counted is what it says"
    }
    log_is_incomplete(leaves, discrepancies) {
        "审计日志不完整：{leaves} 条记录中有 {discrepancies} 处不符"
        "the audit log is not complete: {discrepancies} discrepancies in {leaves} records"
    }
    log_runs(boots, crashes) {
        "打开过 {boots} 次，其中 {crashes} 次未正常停止"
        "it was opened {boots} times; {crashes} of these ended without a stop"
    }
    log_permits_unused(permits) {
        "{permits} 次许可后没有打开任何影像"
        "{permits} permit(s) opened nothing"
    }
    oldest_leaf(time, leaves) {
        "审计日志：{leaves} 条记录，最早 {time}；没有任何操作会删除记录"
        "audit log: {leaves} records, the oldest of {time}; nothing ever deletes one"
    }
    heartbeat_is_late() {
        "最近没有心跳：归档未运行、时钟不准，或日志被截断"
        "there was no heartbeat lately: the archive does not run, a clock is wrong, or the log was cut"
    }
}
