//! Words about the discs of a vault.

use super::Language;

messages! {
    disc_planned(snapshot, sealed, short, nowhere, unverified, copies) {
        "快照 {snapshot}：{sealed} 个已封存的包；{short} 个少于 {copies} 张已核验的光盘，其中 {nowhere} 个不在任何已核验的光盘上；{unverified} 个在已写未核验的光盘上"
        "snapshot {snapshot}: {sealed} sealed packs; {short} are on fewer than {copies} verified discs, {nowhere} of them on none; {unverified} are on discs that nobody has read back yet"
    }
    disc_would_fill(discs, packs, megabytes) {
        "可写满 {discs} 张光盘；其余 {packs} 个包（{megabytes} MB）等待凑满一张"
        "they would fill {discs} discs; {packs} packs ({megabytes} MB) wait until they fill one"
    }
    disc_grows(packs, megabytes) {
        "{packs} 个包（{megabytes} MB）仍在增长，封存后再写"
        "{packs} pack ({megabytes} MB) still grows and waits until it is sealed"
    }
    disc_too_large(packs) { "放不进这种光盘的包：{packs}" "packs that no disc of this size holds: {packs}" }
    disc_written(label, volume, folder, packs, megabytes, records) {
        "第 {volume} 卷 {label} 已就绪：{folder}（{packs} 个包，{records} 条记录，{megabytes} MB）"
        "volume {volume}, {label}, is ready in {folder}: {packs} packs, {records} records, {megabytes} MB"
    }
    disc_left(packs) { "还有 {packs} 个包不在任何光盘上" "{packs} packs are on no disc yet" }
    disc_burn(label, folder) {
        "用光盘库的工具刻录该目录，或：\n  xorriso -as mkisofs -r -iso-level 3 -V {label} -o {label}.iso {folder}\n  xorriso -as cdrecord -v dev=/dev/sr0 {label}.iso\n刻录后装入并核验，核验之后才算一份：\n  yingdun vault disc verify --directory VAULT /media/{label}"
        "Burn the folder with the tool of the library, or with:\n  xorriso -as mkisofs -r -iso-level 3 -V {label} -o {label}.iso {folder}\n  xorriso -as cdrecord -v dev=/dev/sr0 {label}.iso\nThen mount the disc and read it back; it counts as a copy from then on:\n  yingdun vault disc verify --directory VAULT /media/{label}"
    }
    disc_read(megabytes, seconds, rate) {
        "{megabytes} MB，{seconds} 秒，{rate} MB/s"
        "{megabytes} MB in {seconds} s, {rate} MB/s"
    }
    disc_good(label, packs, records, read) {
        "{label} 完好：{packs} 个包，{records} 条记录；{read}"
        "{label} is whole: {packs} packs, {records} records; {read}"
    }
    disc_bad(label, faults, records, damaged, read) {
        "{label} 已损坏：{faults} 个文件；{damaged} 条记录损坏，{records} 条完好；{read}"
        "{label} is DAMAGED: {faults} files; {damaged} records are damaged, {records} are whole; {read}"
    }
    disc_fault(file, why) { "  {file}：{why}" "  {file}: {why}" }
    disc_fault_records(file, why, damaged, records) {
        "  {file}：{why}；{records} 条记录中 {damaged} 条损坏"
        "  {file}: {why}; {damaged} of its {records} records are damaged"
    }
    disc_since(state, when) { "{state}（{when}）" "{state} ({when})" }
    disc_line(volume, label, state, packs, megabytes, snapshot) {
        "{volume}  {label}  {state}  {packs} 个包，{megabytes} MB  快照：{snapshot}"
        "{volume}  {label}  {state}  {packs} packs, {megabytes} MB  snapshot: {snapshot}"
    }
    disc_pack(pack, bytes, records) { "  {pack}  {bytes} 字节，{records} 条记录" "  {pack}  {bytes} bytes, {records} records" }
    disc_state_written() { "未核验" "not verified" }
    disc_state_verified() { "已核验" "verified" }
    disc_state_damaged() { "已损坏" "damaged" }
    disc_state_lost() { "已遗失" "lost" }
    disc_none() { "还没有光盘。" "There is no disc yet." }
    disc_lost(label) {
        "{label} 已记为遗失：其中的包不再算作有拷贝"
        "{label} is marked as lost: its packs count as not on it"
    }
    disc_recovered(snapshot, label, leaves, key) {
        "保险库已由 {label} 上的快照 {snapshot} 重建：{leaves} 条审计记录\n  新的清单公钥：{key}"
        "the vault was made again of snapshot {snapshot} on {label}: {leaves} leaves\n  public key of its manifests from now on: {key}"
    }
    disc_without_keys(snapshot) {
        "密钥目录中没有快照 {snapshot} 的密钥：恢复前请换用较早的密钥目录拷贝"
        "the keys of snapshot {snapshot} are not in the folder with keys: take an older copy of it before you restore"
    }
    disc_brought(label, packs, megabytes, damaged) {
        "{label}：取回 {packs} 个包，{megabytes} MB；{damaged} 个在盘上已损坏"
        "{label}: {packs} packs came back, {megabytes} MB; {damaged} are damaged on it"
    }
    disc_lacks_nothing(snapshot) {
        "快照 {snapshot} 的包全部在保险库中"
        "every pack of snapshot {snapshot} is in the vault"
    }
    disc_lacks(count, megabytes) { "还缺 {count} 个包，{megabytes} MB" "{count} packs are lacking, {megabytes} MB" }
    disc_needed(label, packs) { "  {label} 上有 {packs} 个" "  {label} has {packs} of them" }
    disc_nowhere(packs) { "不在任何光盘上的包：{packs}" "packs that are on no disc: {packs}" }
    disc_ask(label, folder) {
        "请把 {label} 装到 {folder}，按回车继续（输入 q 结束）："
        "Mount {label} at {folder} and press Enter (q ends): "
    }
}
