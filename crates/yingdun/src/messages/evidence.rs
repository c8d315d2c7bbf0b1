//! What is said of evidence bundles.

use super::Language;

messages! {
    bundle_written(file, leaves, digest) {
        "证据包 {file}：{leaves} 条记录及其证明\n  SHA-256 {digest}"
        "the bundle {file} holds {leaves} records with their proofs\n  SHA-256 {digest}"
    }
    bundle_cut_off(next) {
        "还有更多符合的记录：再制作一包，加 --cursor {next}"
        "there are more records that fit: make another bundle with --cursor {next}"
    }
    bundle_verified(leaves, size, root) {
        "证据包完好：{leaves} 条记录确在 {size} 条记录的日志中，根 {root}"
        "the bundle is whole: {leaves} records are in the log of {size}, root {root}"
    }
    bundle_witnessed(size, time) {
        "足够的见证者在 {time} 前已见到前 {size} 条记录"
        "enough witnesses had seen the first {size} records by {time}"
    }
    bundle_more() {
        "此包并不完整：还有更多符合的记录"
        "it was cut off: there are more records that fit"
    }
    bundle_proves() {
        "它证明这些记录在日志中，不证明没有其他记录"
        "it proves that these records are in the log, not that there are no others"
    }
    bundle_bad(what) { "证据包有问题：\n  {what}" "the bundle is not what it was:\n  {what}" }
}
