// The report of a bundle: the page that the program makes of the same leaves, byte by byte, since it is made anew when a bundle is verified
// (crates/yingdun/src/evidence/report.rs).
import type { Leaf } from "../leaf/words";
import zh from "../leaf/zh-CN.json";
import type { About } from "./answer";

interface Told {
  about: About;
  made_at_ms: number;
  found: { leaves: number; is_exact: boolean } | null;
  next: string | null;
  policy_set: string;
  checkpoint: string;
  key: string;
  /** The newest first, each as it was hashed. */
  leaves: { index: number; spelling: string }[];
}

const HEAD = `<!DOCTYPE html>
<html lang="zh">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>审计证据 · Audit evidence</title>
<style>
body { font: 15px/1.5 sans-serif; margin: 2em; color: #111; background: #fff }
table { border-collapse: collapse; margin: 1em 0 }
th, td { border: 1px solid #999; padding: .25em .5em; text-align: left; vertical-align: top }
td { overflow-wrap: anywhere }
th { background: #eee }
.refused, .failed { background: #fde8e8 }
.cut { border: 2px solid #b00; padding: .5em }
</style>
</head>
<body>
<h1>审计证据 · Audit evidence</h1>
<p>每一行是审计日志中的一条记录。它是否在日志中、内容是否被改动，由同一文件夹中的证明确认，不由本页确认。时刻是归档系统的时钟（UTC）。患者和检查以代号表示。</p>
<p>Each row is a record of the audit log. That it is in the log, and unchanged, is shown by the proofs beside this page and not by the page. Moments are
those of the archive's clock (UTC). Patients and studies are pseudonyms.</p>
<p>本文件证明这些记录在日志中；它不证明没有其他记录。These records are proved to be in the log. That there are no others is not proved.</p>
`;

const COLUMNS =
  "<tr><th>编号<br>Number<th>时刻<br>When<th>谁<br>Who<th>角色<br>Role<th>做了什么<br>What<th>结果<br>Outcome<th>原因<br>Reason<th>目的<br>Purpose<th>患者<br>Patient<th>检查<br>Study<th>数量<br>How much<th>策略<br>Policy</tr>\n";

export function report(told: Told): string {
  const rows = told.leaves.map(({ index, spelling }) => row(index, readLeaf(spelling), told.policy_set));
  const cut = told.next === null ? "" : '<p class="cut">还有更多符合的记录，不在此包中。There are more records that fit, which are not in this bundle.</p>\n';
  return `${HEAD}<table>\n${summary(told)}</table>\n${cut}<table>\n${COLUMNS}${rows.join("")}</table>\n</body>\n</html>\n`;
}

/** A leaf whose numbers are all as they stand there. */
export function readLeaf(spelling: string): Leaf {
  const exact = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && context?.source !== undefined ? BigInt(context.source) : value;
  return JSON.parse(spelling, exact as (key: string, value: unknown) => unknown) as Leaf;
}

// === helpers ===

function summary(told: Told): string {
  const { about, found } = told;
  const [origin, size, root] = told.checkpoint.split("\n");
  const moment = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  const rows: [string, string | null | undefined][] = [
    ["机构 Institution", about.institution],
    ["检查（代号） Study (pseudonym)", about.study],
    ["患者（代号） Patient (pseudonym)", about.patient],
    ["操作者 Actor", about.actor],
    ["起始 From", moment(about.from_ms)],
    ["截止 Until", moment(about.until_ms)],
    ["制作时刻 Made at", moment(told.made_at_ms)],
    ["此包中的记录 Records here", String(told.leaves.length)],
    ["当时找到的记录 Records found then", found && (found.is_exact ? String(found.leaves) : `≥ ${found.leaves}`)],
    ["日志 Log", origin],
    ["日志长度 Records in the log", size],
    ["日志的根 Root of the log", root],
    ["日志公钥 Public key of the log", told.key.trim()],
    ["现行策略集 SHA-256 Policy set in force", told.policy_set],
  ];
  return rows.map(([label, value]) => (value === null || value === undefined ? "" : `<tr><th>${label}<td>${escaped(value)}</tr>\n`)).join("");
}

function row(index: number, leaf: Leaf, policySet: string): string {
  const inChinese = (group: Record<string, string>, word: string) => group[word] ?? word;
  const counts = Object.entries(leaf.counts ?? {}).map(([name, count]) => `${name} ${String(count)}`);
  const policy = leaf.policy_set === undefined ? "" : leaf.policy_set === policySet ? "现行 as now" : "另一套 another";
  const cells = [
    String(index),
    new Date(leaf.time_ms).toISOString(),
    `${leaf.actor}（${inChinese(zh.actorKind, leaf.actor_kind)} ${leaf.actor_kind}）`,
    leaf.role === undefined ? "" : `${inChinese(zh.role, leaf.role)} ${leaf.role}`,
    `${inChinese(zh.kind, leaf.kind)} · ${leaf.action ?? leaf.kind}`,
    `${inChinese(zh.outcome, leaf.outcome)} ${leaf.outcome}`,
    leaf.reason,
    leaf.purpose ?? "",
    leaf.patient ?? "",
    leaf.study ?? "",
    counts.join(", "),
    policy,
  ];
  return `<tr class="${leaf.outcome}">${cells.map((cell) => `<td>${escaped(cell)}`).join("")}</tr>\n`;
}

const NAMED: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text that is text in HTML, too, whatever it holds. A sign that turns the line around would show another name than there is. */
function escaped(text: string): string {
  return text.replace(/[&<>"'\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Cc}]/gu, (character) => NAMED[character] ?? "\ufffd");
}
