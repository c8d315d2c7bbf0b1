//! Everything the program says to people, in Chinese and in English. A text that lacks a language does not compile.
//!
//! Words of the protocol (JSON keys, options, log lines) are not here: they are the same everywhere.

use std::env;

/// The language of the person at the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Chinese,
    English,
}

impl Language {
    /// From `LC_ALL`, `LC_MESSAGES` or `LANG`, the first that is set (POSIX, chapter 8.2).
    pub(crate) fn of_environment() -> Self {
        let value = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
        Self::of(value.as_deref())
    }

    fn of(locale: Option<&str>) -> Self {
        match locale {
            Some(locale) if locale.to_ascii_lowercase().starts_with("zh") => Self::Chinese,
            Some(_) | None => Self::English,
        }
    }
}

/// One function per message: its values, then the two texts.
macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident($($value:ident),*) { $chinese:literal $english:literal })+) => {
        impl Language {
            $(
                $(#[$meta])*
                pub(crate) fn $name(self $(, $value: impl std::fmt::Display)*) -> String {
                    match self {
                        Self::Chinese => format!($chinese),
                        Self::English => format!($english),
                    }
                }
            )+
        }
    };
}

mod complete;
mod disc;
mod evidence;
mod gateway;
mod leaks;

messages! {
    serving(web, dicom_tls, dicom_plain) {
        "影盾已就绪：{web}\n  DICOM（TLS）：{dicom_tls}\n  DICOM（明文）：{dicom_plain}"
        "Yingdun is ready: {web}\n  DICOM over TLS: {dicom_tls}\n  DICOM without TLS: {dicom_plain}"
    }
    closed() { "未开启" "closed" }

    installed(config, ca, key) {
        "安装完成。\n  配置文件：{config}\n  本机构根证书：{ca}\n  审计日志公钥：{key}\n请将密钥口令、keys/ 目录与数据分开备份。"
        "Installed.\n  configuration: {config}\n  authority: {ca}\n  public key of the audit log: {key}\nKeep copies of the passphrase and of keys/ apart from the data."
    }
    invitations_follow() {
        "三员分立：请把以下一次性链接分别交给三个不同的人，72 小时内有效。"
        "Three officers, three people: give each of these one-time links to another person. They live for 72 hours."
    }
    setup_link(link) {
        "在浏览器中打开下面的地址，确定三位管理员（一小时内有效，只能打开一次；服务运行后再打开）：\n  {link}"
        "Open this address in a browser and name the three officers (it lives for one hour and opens once; start the server first):\n  {link}"
    }
    invitation(role, name, link) { "  {role}（{name}）：{link}" "  {role} ({name}): {link}" }
    next_serve(config) { "下一步：yingdun serve --config {config}" "Next: yingdun serve --config {config}" }
    would_make(directory) { "将在 {directory} 创建：" "Would make in {directory}:" }

    nothing_found() { "没有发现问题。" "Nothing to report." }
    no_such_leaves() { "没有这样的审计记录。" "There are no such leaves." }
    no_such_leaves_yet() { "已查看的记录中没有；请用 --cursor 继续查找。" "None among those looked at so far; go on with --cursor." }
    nobody_known() { "本系统不认识这个患者或检查：患者 ID 有签发者时，请用 --issuer 写明（与影像中一致）。受特殊保护的不予显示。" "The archive knows no such patient or study: name the issuer of the patient ID as the images have it (--issuer). What is under special care is not told." }
    no_such_leaves_in_these_logs() { "已查询到的日志中没有这样的记录。" "There are no such leaves in the logs that answered." }
    not_whole() { "结果不完整：下列日志不在其中。其节点恢复后请重新查询（yingdun nodes list 可查看）。" "The answer is not whole: these logs are not in it. Ask again when their nodes are back (yingdun nodes list shows it)." }
    log_missing(log, why) { "    {log}：{why}" "    {log}: {why}" }
    log_missing_since(log, why, seen) { "    {log}：{why}，最近应答于 {seen}" "    {log}: {why}, it last answered at {seen}" }
    leaves_in_all(count) { "共 {count} 条" "{count} in all" }
    leaves_at_least(count) { "多于 {count} 条" "more than {count}" }
    more_leaves(next) { "下一页：--cursor {next}" "the next ones: --cursor {next}" }
    finding(severity, option, cause, remedy) {
        "[{severity}] {option}：{cause}\n    处理：{remedy}"
        "[{severity}] {option}: {cause}\n    remedy: {remedy}"
    }
    member_well(kind, name) { "[正常] {kind} {name}" "[ok] {kind} {name}" }
    member_at_risk(kind, name) { "[警告] {kind} {name}" "[warning] {kind} {name}" }
    member_unwell(kind, name) { "[错误] {kind} {name}" "[error] {kind} {name}" }
    of_member(cause) { "    {cause}" "    {cause}" }
    of_member_to_mend(cause, remedy) { "    {cause}\n        处理：{remedy}" "    {cause}\n        remedy: {remedy}" }
    check_passed(check) { "[通过] {check}" "[ok] {check}" }
    suite_of_new_studies(grade, suite) { "{grade} 新检查的算法套件：{suite}" "suite of new studies of grade {grade}: {suite}" }
    suite_of_older_studies(grade, suite) { "{grade} 已有检查的算法套件：{suite}" "suite of older studies of grade {grade}: {suite}" }

    scrub_running(label, percent, done, left, found, lost) {
        "副本 {label}：巡检中，{percent}%（已读 {done} MiB，剩余 {left} MiB），发现 {found} 处损坏，{lost} 条记录无完好副本"
        "replica {label}: being checked, {percent} % ({done} MiB read, {left} MiB left), {found} faults found, {lost} records whole nowhere"
    }
    scrub_resting(label) { "副本 {label}：当前无巡检" "replica {label}: no pass is under way" }
    scrub_last(ended, records, megabytes, found, lost) {
        "    上次完整巡检：{ended}，{records} 条记录，{megabytes} MiB，发现 {found} 处损坏，{lost} 条记录无完好副本"
        "    last full pass: {ended}, {records} records, {megabytes} MiB, {found} faults found, {lost} records whole nowhere"
    }
    replica_line(label, state, packs, bytes, free) {
        "副本 {label}：{state}，{packs} 个包，{bytes} MiB，可用 {free} MiB"
        "replica {label}: {state}, {packs} packs, {bytes} MiB, {free} MiB free"
    }
    replica_needed(packs) {
        "    正在停用：还有 {packs} 个包在其他副本上不足，请勿取下磁盘"
        "    being taken out of service: {packs} packs have too few other copies, do not take the disk away"
    }
    replica_spared() {
        "    已停用：磁盘可以取下；装好空目录后运行 yingdun replica replace"
        "    out of service: its disk may be taken away; when an empty folder is there, run yingdun replica replace"
    }
    replica_filling(percent, packs, left) {
        "    正在补齐：{percent}%，还差 {packs} 个包，{left} MiB"
        "    being filled: {percent} %, {packs} packs with {left} MiB left"
    }
    replica_shares(others) {
        "    警告：与副本 {others} 在同一块磁盘上，会一起丢失"
        "    warning: on one disk with {others}, and lost together with it"
    }
    write_domains(copies, domains, able) {
        "写入要求：{copies} 份，分布在 {domains} 个故障域；可写入的故障域：{able}"
        "an image is acknowledged with {copies} copies in {domains} failure domains; these take writes: {able}"
    }
    domains_out(out) {
        "    警告：故障域 {out} 中没有可写入的副本"
        "    warning: no replica takes writes in failure domain {out}"
    }
    no_writes(why) {
        "拒绝接收影像：{why}"
        "NO IMAGE IS TAKEN: {why}"
    }
    offsite_line(label, state, packs, bytes, address) {
        "副本 {label}：异地（异步），{state}，{packs} 个包，{bytes} MiB，{address}"
        "replica {label}: off-site (async), {state}, {packs} packs, {bytes} MiB at {address}"
    }
    offsite_lag(packs, megabytes, seconds) {
        "    滞后：{packs} 个包、{megabytes} MiB 尚未送达，已 {seconds} 秒"
        "    behind: {packs} packs, {megabytes} MiB are not there yet, for {seconds} s"
    }
    offsite_current() { "    已确认的影像全部送达" "    everything acknowledged is there" }
    offsite_behind(minutes) {
        "    警告：滞后超过 {minutes} 分钟（lag_limit_minutes）"
        "    warning: for longer than {minutes} minutes (lag_limit_minutes)"
    }
    offsite_unknown(packs) {
        "    警告：那里有 {packs} 个包在所有本地副本上都不存在；如本地磁盘丢失，请停机后运行 yingdun replica restore"
        "    warning: {packs} packs there are on no replica here; if disks were lost, stop the archive and run yingdun replica restore"
    }
    restore_plan(label, folder, packs, megabytes, unsealed, present) {
        "将从异地副本 {label} 取回到 {folder}：{packs} 个包，{megabytes} MiB 待取，其中 {unsealed} 个尚未写满（取回已送达部分）；已有 {present} 个包"
        "would fetch from off-site replica {label} into {folder}: {packs} packs, {megabytes} MiB to fetch, {unsealed} of them not sealed (they come back as far as they were sent); {present} packs are there"
    }
    restore_progress(done, total) { "已取回 {done} / {total} MiB" "{done} of {total} MiB fetched" }
    restore_done(packs, megabytes, records, damaged) {
        "已取回 {packs} 个包，{megabytes} MiB，{records} 条记录校验通过，{damaged} 条损坏。下一步：恢复密钥库和配置后运行 yingdun serve，其他副本会自动补齐"
        "{packs} packs, {megabytes} MiB, {records} records that verify, {damaged} damaged. Next: put keys and configuration in place and run yingdun serve; the other replicas are filled by themselves"
    }
    scrub_never() { "    尚无完整巡检" "    there was no full pass yet" }

    compaction_never() { "启动以来未做过压缩" "no compaction since the start" }
    compaction_found(seen, dead, packs, megabytes) {
        "已销毁检查所在的 {seen} 个包：无用数据 {dead} MiB，其中 {packs} 个包（{megabytes} MiB）已无任何有效影像"
        "{seen} packs in which destroyed studies lay: {dead} MiB of them are dead; in {packs} packs with {megabytes} MiB nothing lives"
    }
    compaction_sparse(packs, percent, megabytes) {
        "另有 {packs} 个包无用数据不低于 {percent}%：其余影像复制到新包后可释放 {megabytes} MiB"
        "{packs} packs more are dead to {percent} percent at least: copying what lives in them gives {megabytes} MiB back"
    }
    compaction_rewritten(packs, megabytes) {
        "已改写 {packs} 个包，复制 {megabytes} MiB"
        "{packs} packs were rewritten, {megabytes} MiB copied"
    }
    compaction_running(left) { "    进行中：还有 {left} 个包" "    under way: {left} packs left" }
    compaction_removed(packs, megabytes) {
        "已从每份副本删除 {packs} 个包，释放 {megabytes} MiB"
        "{packs} packs were removed from every replica, {megabytes} MiB each"
    }
    compaction_kept(pack, why) { "    包 {pack} 保留：{why}" "    pack {pack} stays: {why}" }

    certificate_issued(certificate, key, digest) {
        "证书：{certificate}\n私钥：{key}\nSHA-256：{digest}"
        "certificate: {certificate}\nprivate key: {key}\nSHA-256: {digest}"
    }

    step_reported(destination, uid, status) {
        "{destination} 对步骤 {uid} 应答：{status}"
        "{destination} answered on step {uid}: {status}"
    }
    echo_answered(peer, ms) {
        "{peer} 应答：成功，{ms} 毫秒"
        "{peer} answered: success, {ms} ms"
    }
    echo_failed(peer, step, what, expected, came, remedy) {
        "{peer} 在“{step}”一步失败：{what}\n  应为：{expected}\n  实际：{came}\n  处理：{remedy}"
        "{peer} failed at {step}: {what}\n  expected: {expected}\n  came: {came}\n  remedy: {remedy}"
    }
    echo_timing(step, ms) { "  {step}：{ms} 毫秒" "  {step}: {ms} ms" }
    step_resolve() { "解析主机名" "host name" }
    step_connect() { "TCP 连接" "TCP connection" }
    step_tls() { "TLS 握手" "TLS handshake" }
    step_associate() { "建立关联" "association" }
    step_echo() { "C-ECHO" "C-ECHO" }
    stored(stored, total, seconds, rate) {
        "已发送 {stored}/{total} 个实例，{seconds} 秒，{rate} MB/s"
        "stored {stored} of {total} instances in {seconds} s, {rate} MB/s"
    }
    found_at_device(count) { "共 {count} 条" "{count} found" }
    found_more() { "  还有更多，请缩小范围" "  there are more: ask for less" }
    found(count, status) { "共 {count} 条：{status}" "{count} found: {status}" }
    retrieved(completed, failed, status) {
        "到达 {completed} 个实例，未到达 {failed} 个：{status}"
        "{completed} instances arrived, {failed} did not: {status}"
    }
    committed(peer, committed, total) {
        "{peer} 确认已保存 {committed}/{total} 个实例"
        "{peer} keeps {committed} of {total} instances"
    }
    not_committed(file, reason) {
        "  未确认 {file}（Failure Reason {reason}）"
        "  not kept {file} (Failure Reason {reason})"
    }
    commitment_refused(peer, status) {
        "{peer} 未接受请求：{status}"
        "{peer} did not take the question: {status}"
    }
    commitment_unanswered(peer, transaction) {
        "{peer} 已接受请求但未在限定时间内答复；可能需要回连：用 --listen 并在对端登记本机地址。再次询问：--transaction {transaction}"
        "{peer} took the question and did not answer in time. It may want to call back: name a --listen port, and register our address there. Ask again with --transaction {transaction}"
    }
    not_stored(file, why) { "  未存入 {file}：{why}" "  not stored {file}: {why}" }

    progress(files, files_total, megabytes, rate, left) {
        "{files}/{files_total} 个文件，{megabytes} MB，{rate} MB/s，剩余 {left}"
        "{files} of {files_total} files, {megabytes} MB, {rate} MB/s, {left} left"
    }
    progress_counting(files, megabytes, rate) {
        "{files} 个文件，{megabytes} MB，{rate} MB/s，仍在统计"
        "{files} files, {megabytes} MB, {rate} MB/s, still counting"
    }
    imported(stored, duplicate, version, megabytes, seconds) {
        "新存入 {stored} 个实例，已存在 {duplicate} 个，新版本 {version} 个，共 {megabytes} MB，{seconds} 秒"
        "{stored} instances stored, {duplicate} were there already, {version} kept as new versions; {megabytes} MB in {seconds} s"
    }
    would_import(files, megabytes) {
        "试运行：{files} 个 DICOM 文件，{megabytes} MB，未发送"
        "dry run: {files} DICOM files, {megabytes} MB, nothing was sent"
    }
    import_skipped(count, reason) { "  跳过 {count} 个：{reason}" "  {count} left out: {reason}" }
    import_refused(count, reason) { "  被拒 {count} 个：{reason}" "  {count} refused: {reason}" }
    import_unread(unreadable, missing) {
        "  无法读取 {unreadable} 个，DICOMDIR 所列缺失 {missing} 个"
        "  {unreadable} could not be read, {missing} that a DICOMDIR names are missing"
    }
    import_interrupted(journal) {
        "已中断，进度保存在 {journal}；加 --resume 继续"
        "interrupted; {journal} knows how far it is, go on with --resume"
    }

    exported(studies, file, megabytes, seconds) {
        "已导出 {studies} 个检查到 {file}，{megabytes} MB，{seconds} 秒"
        "{studies} studies exported to {file}, {megabytes} MB in {seconds} s"
    }

    vault_made(folder, key) {
        "保险库已建立：{folder}\n  清单公钥：{key}\n密钥口令请另行保管：没有它就无法恢复。"
        "The vault is made: {folder}\n  public key of its manifests: {key}\nKeep the passphrase of the keys elsewhere too: nothing is restored without it."
    }
    vault_progress(packs, megabytes) { "{packs} 个包，{megabytes} MB" "{packs} packs, {megabytes} MB" }
    vault_pulled(snapshot, packs, megabytes, leaves, proved) {
        "快照 {snapshot}：{packs} 个包有新增，{megabytes} MB；{leaves} 条审计记录；归档证明仍持有 {proved} 个包"
        "snapshot {snapshot}: {packs} packs grew, {megabytes} MB; {leaves} leaves; the archive proved to hold {proved} packs"
    }
    vault_not_pulled() {
        "未生成快照：归档的审计日志与此处保存的不相接。此前的快照不受影响。"
        "no snapshot: the audit log of the archive does not continue the one that is kept here. Earlier snapshots are as they were."
    }
    vault_alarm(number, when, what) { "警报 {number}（{when}）：{what}" "ALARM {number} ({when}): {what}" }
    vault_quiet() { "没有待处理的警报。" "No alarm waits." }
    alarm_log(why) { "审计日志被改动：{why}" "the audit log was changed: {why}" }
    alarm_missing(pack) { "包 {pack} 在归档中已不存在" "pack {pack} is gone from the archive" }
    alarm_shrank(pack, kept, came) {
        "包 {pack} 在归档中只有 {came} 字节，此处保存 {kept} 字节"
        "pack {pack} has {came} bytes in the archive, {kept} are kept here"
    }
    alarm_changed(pack) { "包 {pack} 在归档中被改动或缺失" "pack {pack} was changed in the archive, or is gone" }
    alarm_damaged(pack) {
        "归档的任何副本都给不出完好的包 {pack}"
        "no replica of the archive gives pack {pack} as it was written"
    }
    alarm_rows(part, kept, came) {
        "数据库 {part} 的行大量消失：已保存 {kept} 字节，归档给出 {came} 字节"
        "rows of the database {part} vanished: {kept} bytes are kept here, the archive gave {came}"
    }
    alarm_copy(pack) { "包 {pack} 在本保险库中被改动" "pack {pack} was changed in this vault" }
    vault_empty() { "还没有快照。" "There is no snapshot yet." }
    vault_snapshot(number, taken, days, packs, megabytes, minutes) {
        "{number}  {taken}  本机运行 {days} 天前  {packs} 个包，{megabytes} MB，目录早 {minutes} 分钟"
        "{number}  {taken}  {days} days of running time ago  {packs} packs, {megabytes} MB, catalogue {minutes} min older"
    }
    vault_without_keys() { "（密钥已到期删除：恢复时用 --keys-of）" "(its keys are gone: restore with --keys-of)" }
    vault_between(seconds, stored, next) {
        "到所要的时刻还有 {seconds} 秒：其间至多存入 {stored} 个对象不在此快照中；下一个快照：{next}"
        "{seconds} s lie between it and the moment that was asked for, and at most {stored} objects that were stored then and are not in it; the next snapshot: {next}"
    }
    vault_verified(snapshot, packs, megabytes, leaves) {
        "快照 {snapshot} 已逐字节核验：{packs} 个包，{megabytes} MB；{leaves} 条审计记录"
        "every byte of snapshot {snapshot} was checked: {packs} packs, {megabytes} MB; {leaves} leaves"
    }
    vault_pruned(snapshots, keys, megabytes) {
        "已清理 {snapshots} 个快照、{keys} 个快照的密钥，{megabytes} MB"
        "{snapshots} snapshots and the keys of {keys} more were removed, {megabytes} MB"
    }
    vault_would_prune(snapshots, keys, megabytes) {
        "试运行：将清理 {snapshots} 个快照、{keys} 个快照的密钥，{megabytes} MB；加 --apply 执行"
        "dry run: {snapshots} snapshots and the keys of {keys} more would be removed, {megabytes} MB; --apply does it"
    }
    vault_would_restore(snapshot, packs, megabytes, config) {
        "试运行：将由快照 {snapshot} 恢复 {packs} 个包，{megabytes} MB，配置文件 {config}"
        "dry run: {packs} packs of snapshot {snapshot}, {megabytes} MB, would be restored, with the configuration {config}"
    }
    vault_restored(snapshot, records, megabytes, config, rto, rpo) {
        "已由快照 {snapshot} 恢复 {records} 个对象，{megabytes} MB，用时 {rto} 秒（RTO）；快照距今 {rpo} 秒（RPO）\n  启动：yingdun serve --config {config}\n证书是新的：请换上机构的证书，并通知各设备。"
        "{records} objects of snapshot {snapshot} were restored, {megabytes} MB in {rto} s (RTO); it is {rpo} s old (RPO)\n  start it with: yingdun serve --config {config}\nIts certificates are new: put those of the institution in their place, or tell the devices."
    }
    vault_rehearsal_good(number, when, snapshot, seconds) {
        "演练 {number}（{when}）：快照 {snapshot} 已在 {seconds} 秒内恢复并核对，副本已删除"
        "rehearsal {number} ({when}): snapshot {snapshot} was restored and checked in {seconds} s, and the copy was removed"
    }
    vault_rehearsal_bad(number, when, snapshot, seconds) {
        "演练 {number}（{when}）：快照 {snapshot} 恢复后有问题（{seconds} 秒），副本已删除"
        "rehearsal {number} ({when}): snapshot {snapshot} did NOT come back as it should ({seconds} s), and the copy was removed"
    }
    vault_never_rehearsed() { "还没有演练过恢复。" "No restore was rehearsed yet." }
    vault_read_through(studies, instances, megabytes, damaged) {
        "逐字节打开：{studies} 个检查，{instances} 个实例，{megabytes} MB，{damaged} 个无法完整打开"
        "opened to the last byte: {studies} studies, {instances} instances, {megabytes} MB; {damaged} did not open to the end"
    }
    vault_strangers(count) {
        "目录中有 {count} 行在包里找不到：有人写入过目录。用 --catalogue-from-packs 恢复，目录由包重建"
        "{count} rows of the catalogue are in no pack: somebody wrote into it; restore with --catalogue-from-packs, which makes it of the packs"
    }
    vault_rehearsed(records, opened, without_key, unreadable) {
        "演练：{records} 个对象，{opened} 个已用密钥打开，{without_key} 个的密钥已销毁，{unreadable} 个无法打开"
        "rehearsed: of {records} objects, {opened} opened with their keys, the keys of {without_key} were destroyed, {unreadable} did not open"
    }

    would_migrate(studies, instances) {
        "试运行：来源有 {studies} 个检查，{instances} 个实例，未搬动"
        "dry run: the source has {studies} studies, {instances} instances; nothing was moved"
    }
    migrated(good, left, same, present, seconds) {
        "{good} 个检查已核对一致（{same} 个实例逐位相同，另有 {present} 个按名称核对），{left} 个未完成，{seconds} 秒"
        "{good} studies are here as they are there ({same} instances bit for bit, {present} by name), {left} are not; {seconds} s"
    }
    migrate_undated() {
        "  来源的检查太多，只能按日期查询：没有检查日期的检查可能不在清单里"
        "  the source has too many studies for one question and was asked by date: studies without a date may be missing"
    }
    migrate_span(span) {
        "  {span}：来源只答了一部分，无法再细分"
        "  {span}: the source told only a part of the studies, and cannot be asked for less"
    }

    signed_in(name, file) { "{name} 已登录，令牌在 {file}" "{name} is signed in, the token is in {file}" }
    signed_in_to_enrol(name, file) {
        "{name} 必须先设置第二因素（yingdun second-factor enrol，然后 confirm），令牌在 {file}"
        "{name} has to set up a second factor first (yingdun second-factor enrol, then confirm), the token is in {file}"
    }
    code_wanted() { "请在标准输入给出验证码：" "code on standard input:" }
    second_factor_begun(secret, uri) {
        "密钥（只显示这一次）：{secret}\n{uri}\n在验证器应用中添加，然后用首个验证码确认：yingdun second-factor confirm"
        "The key, shown this once: {secret}\n{uri}\nAdd it to your authenticator app, then confirm it by its first code: yingdun second-factor confirm"
    }
    recovery_codes(codes) {
        "恢复码，每个可用一次，不会再次显示，请妥善保管：\n{codes}"
        "Recovery codes: each works once, and they are not shown again. Keep them safe:\n{codes}"
    }
    password_wanted() { "请在标准输入给出密码：" "password on standard input:" }
    done() { "完成。" "Done." }

    share_wanted() { "请在标准输入给出份额：" "share on standard input:" }
    share_taken(given, needed) { "份额有效：{given}/{needed}" "the share is right: {given} of {needed}" }
    sealed(web, needed) {
        "影盾已封存：{web}，等待 {needed} 份密钥份额（yingdun unseal）"
        "Yingdun is sealed: {web}, waiting for {needed} shares (yingdun unseal)"
    }
    shares_written(files) {
        "根密钥份额，每份一个文件，请分别交给不同的人：{files}"
        "The shares of the root key, one file each. Give each to another person: {files}"
    }
    would_reseal(file) {
        "试运行：根密钥文件“{file}”可以打开，未作任何更改"
        "dry run: the root-key file `{file}` opens; nothing was changed"
    }
    resealed_by_passphrase(file, passphrase) {
        "根密钥文件“{file}”现由“{passphrase}”中的口令打开：请设置 keys.passphrase_file。旧副本仍可用旧的方式打开，请更新副本并销毁旧副本"
        "the root-key file `{file}` is opened by the passphrase in `{passphrase}` now: set keys.passphrase_file. Copies of it open as before: make new ones, and destroy the old"
    }
    resealed_by_shares(file, needed, files) {
        "根密钥文件“{file}”现由任意 {needed} 份新份额打开，请分别交给不同的人：{files}\n旧副本仍可用旧的方式打开，请更新副本并销毁旧副本"
        "the root-key file `{file}` is opened by any {needed} of the new shares now. Give each to another person: {files}\nCopies of it open as before: make new ones, and destroy the old"
    }
    root_kept_by(keeper) {
        "根密钥由 {keeper} 保管"
        "the root key is kept by `{keeper}`"
    }
    root_kept_by_shares(keeper, needed, shares) {
        "根密钥由 {keeper} 保管，{shares} 份份额中的任意 {needed} 份可以打开"
        "the root key is kept by `{keeper}`, and opened by any {needed} of {shares} shares"
    }
    would_move_root(from, to, config, secrets, keks) {
        "试运行：根密钥（{from}）下的 {secrets} 个机构密钥和 {keks} 个密钥加密密钥全部可以打开；实际执行时将改由 {to} 保管，并更改“{config}”。未作任何更改"
        "dry run: everything that hangs on the root key (`{from}`) opens, {secrets} secrets and {keks} key-encryption keys; `{to}` would keep it, and `{config}` say so. Nothing was changed"
    }
    root_moved(to, config, secrets, keks) {
        "根密钥现由 {to} 保管：{secrets} 个机构密钥和 {keks} 个密钥加密密钥已重新包装，“{config}”已更改。请启动系统、打开一个检查，并重新备份密钥库与世代文件"
        "the root key is kept by `{to}` now: {secrets} secrets and {keks} key-encryption keys were wrapped anew, and `{config}` says so. Start the archive, open a study, and make new copies of the key database and the epoch file"
    }
    token_key_now(token, key) {
        "令牌“{token}”上的密钥“{key}”：请在第二个令牌上保存同一密钥"
        "its key is `{key}` on the token `{token}`: keep it on a second token"
    }
    old_root_file_stays(file, config) {
        "原根密钥文件仍在。确认一切正常后销毁：yingdun keys destroy-root-file {file} --config {config}"
        "The root-key file that kept it is still there. When everything opens: yingdun keys destroy-root-file {file} --config {config}"
    }
    keys_backed_up(file, studies) {
        "{studies} 个检查密钥及其以上的全部密钥已备份到“{file}”，并已密封和签名。请与影像、口令分开保存，并用 yingdun keys rehearse 演练"
        "the keys of {studies} studies, and all above them, are in `{file}`, sealed and signed. Keep it apart from the images and from what opens it, and rehearse it (`yingdun keys rehearse`)"
    }
    backup_shares_written(files) {
        "备份的份额，请分别交给不同的人：{files}"
        "The shares of the backup. Give each to another person: {files}"
    }
    backup_signed(file) {
        "“{file}”由该系统签名，未被更改；未打开"
        "`{file}` is as the archive with this public key made it; it was not opened"
    }
    backup_opens(file, made, studies, root) {
        "“{file}”由该系统签名并可打开：{made} 的 {studies} 个检查密钥，根密钥由 {root} 保管"
        "`{file}` is as the archive made it, and opens: the keys of {studies} studies of {made}, under a root key that is kept by `{root}`"
    }
    keys_rehearsed(file, made, secrets, keks, opened, studies) {
        "仅凭“{file}”（{made}）打开了 {secrets} 个机构密钥、{keks} 个密钥加密密钥和 {studies} 个检查密钥中的 {opened} 个"
        "from `{file}` of {made} alone: {secrets} secrets, {keks} key-encryption keys and the keys of {opened} of {studies} studies opened"
    }
    would_recover_keys(file, made, studies) {
        "试运行：“{file}”（{made}，{studies} 个检查密钥）可以恢复；未写入任何内容"
        "dry run: `{file}` of {made} opens, with the keys of {studies} studies, and nothing stands in its way; nothing was written"
    }
    keys_recovered(file, made, studies) {
        "已恢复 {made} 的 {studies} 个检查密钥（“{file}”）。此后到达的检查没有密钥；此后销毁的检查将在下次启动时再次销毁"
        "the keys of {studies} studies of {made} are back from `{file}`. Studies that came later have none; what was destroyed later is destroyed again at the next start"
    }
    would_destroy_root_file(file, keeper) {
        "试运行：根密钥由 {keeper} 保管，不需要“{file}”；未删除任何内容"
        "dry run: the archive opens by `{keeper}` and does not need `{file}`; nothing was removed"
    }
    root_file_destroyed(file, keeper) {
        "根密钥由 {keeper} 保管，“{file}”已覆写并删除。请同时销毁它的副本、口令和份额"
        "the archive opens by `{keeper}`, and `{file}` was overwritten and removed. Destroy its copies, its passphrase and its shares too"
    }
    token_key_made(token, key) {
        "已在令牌“{token}”上生成根密钥“{key}”。令牌丢失即全部影像丢失：请在第二个令牌上保存同一密钥"
        "made the root key `{key}` on the token `{token}`. Without it every image is lost: keep it on a second token"
    }
    token_key_taken(token, key) {
        "使用令牌“{token}”上已有的根密钥“{key}”"
        "took the root key `{key}` that the token `{token}` has already"
    }
    keys_held(patients, studies, days) {
        "患者密钥 {patients} 个，检查密钥 {studies} 个；密钥加密密钥每 {days} 天轮换"
        "{patients} patient keys, {studies} study keys; key-encryption keys are replaced after {days} days"
    }
    kek(grade, suite, version, state, keys, uses) {
        "  {grade} {suite} 第 {version} 版（{state}）：其下有 {keys} 个密钥，已用 {uses} 次"
        "  {grade} {suite} version {version} ({state}): {keys} keys under it, used {uses} times"
    }
    node_has_epoch(name, epoch) {
        "  {name}：持有第 {epoch} 世代，无更早的世代"
        "  {name}: holds epoch {epoch} and none before it"
    }
    node_keeps_old_epoch(name, oldest) {
        "  {name}：仍保存已结束世代的密钥（最早的世代：{oldest}），销毁尚未完成。请启动该节点；若已永久移除，请销毁其磁盘，然后：yingdun nodes forget {name}"
        "  {name}: still keeps the key of an epoch that is over (oldest: {oldest}), so destructions are not finished. Start it; if it is gone for good, destroy its disk and say so: yingdun nodes forget {name}"
    }
    node_gone(name) {
        "  {name}：已登记为永久移除，其磁盘已销毁"
        "  {name}: said to be gone for good, its disk destroyed"
    }
    would_forget_node(name) {
        "试运行：将登记 {name} 已永久移除。销毁不再等待它，其他节点不再回应它；仅存于该节点封存包中的影像无法再读取。其世代文件可打开已销毁密钥的副本，因此必须先销毁其磁盘，然后加上 --disk-destroyed"
        "dry run: {name} would be said to be gone for good. No destruction waits for it then, no other node answers it, and images that lie in its packs alone cannot be read. With its epoch file copies of destroyed keys open, so its disk must be destroyed first; then say --disk-destroyed"
    }
    node_forgotten(name) {
        "{name} 已登记为永久移除；销毁不再等待它，此后的销毁记录会注明这一点"
        "{name} is said to be gone for good; no destruction waits for it, and the records of destructions say so from now on"
    }
    kek_rotated(grade, suite, before, version) {
        "{grade} {suite}：第 {before} 版已由第 {version} 版替换"
        "{grade} {suite}: version {before} replaced by {version}"
    }
    kek_would_rotate(grade, suite, before, version) {
        "试运行：{grade} {suite} 第 {before} 版将由第 {version} 版替换"
        "dry run: {grade} {suite} version {before} would be replaced by {version}"
    }
    rewrap_never(left) { "尚未重新封装过；待封装 {left} 个" "keys were never wrapped again; {left} are left to do" }
    rewrap_progress(state, done, left, rate, seconds) {
        "重新封装（{state}）：已完成 {done} 个，剩余 {left} 个，每秒 {rate} 个，约需 {seconds} 秒"
        "wrapping again ({state}): {done} done, {left} left, {rate} per second, {seconds} seconds to go"
    }
    rewrap_begun(left) {
        "开始重新封装 {left} 个密钥；完成后销毁以下版本："
        "{left} keys are being wrapped again; then these versions are destroyed:"
    }
    would_rewrap(left) {
        "试运行：将重新封装 {left} 个密钥，随后销毁以下版本（不可恢复）："
        "dry run: {left} keys would be wrapped again, and then these versions destroyed, which cannot be undone:"
    }

    destruction_planned(studies, instances, bytes) {
        "{studies} 个检查，{instances} 个实例，{bytes} 字节："
        "{studies} studies, {instances} instances, {bytes} bytes:"
    }
    destruction_study(uid, instances, bytes) {
        "  {uid}：{instances} 个实例，{bytes} 字节"
        "  {uid}: {instances} instances, {bytes} bytes"
    }
    destruction_asked(id) {
        "已申请，尚未销毁任何内容。请另一人（审计管理员）批准：yingdun destroy approve {id}"
        "Asked for; nothing is destroyed yet. Somebody else has to approve it (audit administrator): yingdun destroy approve {id}"
    }
    destruction_approved(id) {
        "已批准，数秒内销毁，不可恢复。查看进度与记录：yingdun destroy show {id}"
        "Approved; it is destroyed within seconds and cannot be brought back. How far it is, and its record: yingdun destroy show {id}"
    }
    hold_placed(id) {
        "已实施法律封存：解除之前不会销毁。申请解除：yingdun hold release {id} --reason …"
        "Held: nothing of it is destroyed until the hold is released. To ask for that: yingdun hold release {id} --reason …"
    }
    release_asked(id) {
        "已申请解除，封存仍然有效。请另一人（安全管理员）批准：yingdun hold approve {id}"
        "Asked for; the hold stands. Somebody else has to approve it (security administrator): yingdun hold approve {id}"
    }
    hold_released(id) {
        "法律封存 {id} 已解除"
        "Legal hold {id} is released"
    }

    audit_verified(size, leaves, root) {
        "审计日志完好：{size} 条已签名记录，核对 {leaves} 条，根 {root}"
        "the audit log is whole: {size} signed records, {leaves} checked, root {root}"
    }
    no_audit_logs() {
        "密钥数据库尚未登记任何审计日志：请先用本程序启动一次归档系统"
        "the key database names no audit log yet: start the archive with this program once"
    }
    log_of_this_node() { "（本节点）" " (of this node)" }
    no_nodes() { "目录中还没有节点：启动一次 `yingdun serve`" "the catalogue knows no node yet: start `yingdun serve` once" }
    node_serves(process) { "正在服务（{process}）" "serves ({process})" }
    node_does_not_serve() { "未在服务" "does not serve" }
    node_joined(number, address, log, key) {
        "本机已作为第 {number} 号节点加入，其他节点经 {address} 访问它；其审计日志为 {log}，公钥：{key}\n现在启动：yingdun serve"
        "this machine has joined as node {number}, which the others reach at {address}; its audit log is {log}, with the public key {key}\nstart it now: yingdun serve"
    }
    node_would_join(address, log, folders, others) {
        "试运行：本机将作为节点加入（{address}），与另外 {others} 个节点共用数据库；审计日志 {log}；副本目录 {folders}。未作任何改动"
        "dry run: this machine would join as a node at {address}, beside {others} others; audit log {log}; replicas in {folders}. Nothing was changed"
    }
    audit_log_begun(origin, directory, key) {
        "审计日志“{origin}”已建立：{directory}\n  公钥：{key}\n请由专人把公钥交给信息部门以外的保管者。"
        "The audit log `{origin}` has begun in {directory}\n  public key: {key}\nGive the key to somebody outside the IT department, by hand."
    }
    witness_made(folder, key) {
        "见证者已建立：{folder}\n  公钥：{key}\n请把该公钥交给被见证的机构，写入其见证策略。"
        "The witness is made: {folder}\n  public key: {key}\nHand it to those whose logs it watches: it goes into their witness policy."
    }
    witness_serving(address, logs, key) {
        "见证者已就绪：https://{address}，见证 {logs} 个日志\n  公钥：{key}"
        "The witness is ready: https://{address}, {logs} log(s)\n  public key: {key}"
    }
    witness_key(key) { "公钥：{key}" "public key: {key}" }
    witness_has_seen(origin, size, when) {
        "{origin}：已见证 {size} 条记录，{when}"
        "{origin}: {size} records seen, cosigned at {when}"
    }
    witness_waits(origin) { "{origin}：尚未见证" "{origin}: nothing seen yet" }
    witness_fork(origin) {
        "警报：{origin} 为同一长度签署了两个不同的根，日志已分叉"
        "ALARM: {origin} has signed two roots of one size: the log forked"
    }
    audit_witnessed(size, when, later) {
        "达到法定数量的见证者已见证 {size} 条记录（{when}），其后 {later} 条尚未见证"
        "enough witnesses have seen {size} records, at {when}; {later} came later"
    }
    audit_sighting(name, size, when) { "  {name}：{size} 条，{when}" "  {name}: {size} records, at {when}" }
    audit_silent(name, why) { "  {name}：未答复：{why}" "  {name}: no answer: {why}" }
    audit_unwitnessed() {
        "没有足够的见证者见证过该日志"
        "not enough witnesses have seen this log"
    }
    audit_witnessed_long_ago(when, minutes) {
        "见证已过期：上次在 {when}，要求不早于 {minutes} 分钟前；日志可能被回退"
        "the last word of enough witnesses is from {when}, older than {minutes} minutes: the log may have been set back"
    }
    audit_not_witnessed(why) { "见证不可信：{why}" "the cosigned checkpoint cannot be used: {why}" }
    audit_tail(count) { "另有 {count} 条持久记录等待签名" "{count} more durable records wait for a signature" }
    clock_was_set_back(record, milliseconds) {
        "时钟曾被拨回：记录 {record} 处回退 {milliseconds} 毫秒"
        "the clock was set back: by {milliseconds} ms at record {record}"
    }
    audit_stamped(count, size, time, later) { "{count} 个时间戳；最新的覆盖 {size} 条记录，时间 {time}；其后另有 {later} 条" "{count} time-stamp(s); the newest covers {size} records, at {time}; {later} came later" }
    audit_longest_wait(record, seconds) { "等待时间戳最久的是第 {record} 条记录：{seconds} 秒" "record {record} waited longest for a time-stamp: {seconds} seconds" }
    audit_not_stamped() { "审计日志旁没有时间戳" "there is no time-stamp beside the audit log" }
    audit_bad(what) { "审计日志被改动：{what}" "the audit log was changed: {what}" }

    demo_title(directory) {
        "影盾演示（仅本机回环地址，合成数据，目录 {directory}）"
        "影盾 Yingdun demonstration (loopback only, made-up data, in {directory})"
    }
    demo_collect() { "收 collect" "收 collect" }
    demo_store() { "存 store" "存 store" }
    demo_use() { "用 use" "用 use" }
    demo_grants() { "权 grants" "权 grants" }
    demo_watch() { "监 watch" "监 watch" }
    demo_keys() { "钥 keys" "钥 keys" }
    demo_destroy() { "毁 destroy" "毁 destroy" }
    demo_audit() { "审 audit" "审 audit" }
    demo_passed() { "通过" "PASS" }
    demo_failed() { "失败" "FAIL" }
    demo_collected(instances, studies, seconds, rate, megabytes, reason) {
        "{studies} 个检查 {instances} 个实例经 DICOM TLS 收入，{seconds} 秒，{rate} 实例/秒，{megabytes} MB/s；未登记设备被拒（{reason}）"
        "{instances} instances of {studies} studies came over DICOM TLS in {seconds} s: {rate} instances/s, {megabytes} MB/s; an unregistered device was turned away ({reason})"
    }
    demo_stored(replicas, megabytes, patterns, files, repaired_ms) {
        "{replicas} 份副本共 {megabytes} MB，落盘后才应答；在 {files} 个文件中逐字节查找 {patterns} 种姓名/病历号写法，未找到；删去一份副本后影像仍可打开，{repaired_ms} 毫秒后修复"
        "{replicas} replicas, {megabytes} MB, acknowledged after fsync; {patterns} spellings of names and IDs searched byte by byte in {files} files, none found; one replica deleted: the image still opens, repaired after {repaired_ms} ms"
    }
    demo_used(megabytes, rate, first_ms) {
        "接诊医生经 HTTPS 调阅 {megabytes} MB（{rate} MB/s，首个实例 {first_ms} 毫秒），与发送内容逐位一致；无关人员得到 404，并留有审计记录"
        "the treating doctor opened {megabytes} MB over HTTPS ({rate} MB/s, first instance {first_ms} ms), bit for bit what was sent; the stranger got 404 and a leaf in the log"
    }
    demo_granted(closed_ms, emergency_ms, index) {
        "无关人员得到限时授权即可打开，撤销后 {closed_ms} 毫秒内关闭；紧急破窗 {emergency_ms} 毫秒看到首个实例，不得自审，由审计管理员复核；第 {index} 条审计记录凭公钥即可证明"
        "the stranger opens what the doctor granted, and {closed_ms} ms after it was taken back no more; in an emergency the first instance after {emergency_ms} ms, reviewed by the audit administrator and not by oneself; record {index} of it is proved with the public key alone"
    }
    demo_watched(asked, opened, after_ms) {
        "科主任一小时内逐个下载 {asked} 位患者的影像：第 {opened} 位之后被阻断，{after_ms} 毫秒内已打开的也不再可读；告警待处理，安全管理员解除后恢复"
        "a chief takes the images of {asked} patients one after the other: stopped after {opened}, and {after_ms} ms later what was open is closed, too; an alert waits, and goes on once the security administrator lifts it"
    }
    demo_keyed(rotated, wrapped, ms, studies) {
        "{rotated} 个密钥加密密钥换为新版本，其下 {wrapped} 个密钥在 {ms} 毫秒内重新封装，旧版本已销毁；影像字节未动，{studies} 个检查照常打开"
        "{rotated} key-encryption key replaced, the {wrapped} keys below wrapped again in {ms} ms, the version before destroyed; no image byte was touched, all {studies} studies open"
    }
    demo_destroyed(instances, ms) {
        "一人申请、另一人批准，销毁一个检查（{instances} 个实例），{ms} 毫秒后连此前拷贝的密钥库配合根密钥也打不开；同一患者的另一检查照常打开"
        "one officer asked, another approved: a study of {instances} instance destroyed; after {ms} ms not even a copy of the key database from before opens with the root key; another study of the same patient opens"
    }
    demo_audited(leaves, accesses, unwraps, named) {
        "{leaves} 条记录验证通过；解封密钥 {unwraps} 次＝准入记录 {accesses} 条；在副本中改动一个字节，验证器指出：{named}"
        "{leaves} records verified; {unwraps} key unwraps = {accesses} access leaves; one byte flipped in a copy, and the verifier says: {named}"
    }
    demo_open(url) { "在浏览器中打开并点击“登录”（一次性链接，10 分钟内有效）：{url}" "Open in a browser and press Sign in (works once, for 10 minutes): {url}" }
    demo_next() { "接下来可以试试：" "Next, try:" }
    demo_stop() { "按 Ctrl-C 结束演示。" "Ctrl-C ends the demonstration." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_follows_the_locale() {
        assert_eq!(Language::of(Some("zh_CN.UTF-8")), Language::Chinese);
        assert_eq!(Language::of(Some("C.UTF-8")), Language::English);
        assert_eq!(Language::of(None), Language::English);
    }

    #[test]
    fn values_stand_in_both_texts() {
        for language in [Language::Chinese, Language::English] {
            assert!(language.finding("error", "web.listen", "why", "how").contains("web.listen"));
        }
    }
}
