//! The report of a bundle: one HTML page in Chinese and English, which asks nothing of the network and runs nothing. It is derived from the leaves
//! and `bundle.json` alone, so it can be derived again.

use super::{About, CHECKPOINT, Facts, Files, KEY, leaf_name};
use std::fmt::Write;
use yingdun_audit::render::rfc3339;
use yingdun_audit::{EventKind, Leaf, Outcome};
use yingdun_model::{ActorKind, Role};

const HEAD: &str = r#"<!DOCTYPE html>
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
"#;

/// The page.
///
/// # Errors
/// One sentence: a leaf is missing or is none.
pub(super) fn of(facts: &Facts, files: &Files) -> Result<String, String> {
    let leaves: Vec<(u64, Leaf)> = facts
        .leaves
        .iter()
        .map(|index| {
            let name = leaf_name(*index);
            let bytes = files.get(&name).ok_or_else(|| format!("`{name}` is missing"))?;
            Leaf::decode(bytes).map(|leaf| (*index, leaf)).map_err(|error| format!("`{name}`: {error}"))
        })
        .collect::<Result<_, _>>()?;
    let mut page = String::from(HEAD);
    // Writing to a string cannot fail.
    let _ = write!(page, "<table>\n{}</table>\n", summary(facts, files, leaves.len()));
    if facts.next.is_some() {
        page.push_str("<p class=\"cut\">还有更多符合的记录，不在此包中。There are more records that fit, which are not in this bundle.</p>\n");
    }
    page.push_str("<table>\n<tr><th>编号<br>Number<th>时刻<br>When<th>谁<br>Who<th>角色<br>Role<th>做了什么<br>What<th>结果<br>Outcome<th>原因<br>Reason<th>目的<br>Purpose<th>患者<br>Patient<th>检查<br>Study<th>数量<br>How much<th>策略<br>Policy</tr>\n");
    for (index, leaf) in &leaves {
        row(&mut page, *index, leaf, &facts.policy_set);
    }
    page.push_str("</table>\n</body>\n</html>\n");
    Ok(page)
}

// === helpers ===

fn summary(facts: &Facts, files: &Files, here: usize) -> String {
    let said = |name: &str| {
        files.get(name).map_or_else(String::new, |bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let About { institution, study, patient, actor, from_ms, until_ms } = &facts.about;
    let moment = |ms: &i64| rfc3339(yingdun_model::Timestamp::from_ms(*ms));
    let checkpoint = said(CHECKPOINT);
    let mut head = checkpoint.lines();
    let (origin, size, root) = (head.next(), head.next(), head.next());
    let found = facts.found.map(|found| match found.is_exact {
        true => found.leaves.to_string(),
        false => format!("≥ {}", found.leaves),
    });
    let rows = [
        ("机构 Institution", Some(institution.to_string())),
        ("检查（代号） Study (pseudonym)", study.map(|study| study.to_string())),
        ("患者（代号） Patient (pseudonym)", patient.map(|patient| patient.to_string())),
        ("操作者 Actor", actor.as_ref().map(ToString::to_string)),
        ("起始 From", from_ms.as_ref().map(moment)),
        ("截止 Until", until_ms.as_ref().map(moment)),
        ("制作时刻 Made at", Some(rfc3339(facts.made_at_ms))),
        ("此包中的记录 Records here", Some(here.to_string())),
        ("当时找到的记录 Records found then", found),
        ("日志 Log", origin.map(str::to_owned)),
        ("日志长度 Records in the log", size.map(str::to_owned)),
        ("日志的根 Root of the log", root.map(str::to_owned)),
        ("日志公钥 Public key of the log", Some(said(KEY).trim().to_owned())),
        ("现行策略集 SHA-256 Policy set in force", Some(facts.policy_set.clone())),
    ];
    let rows = rows.into_iter().filter_map(|(label, value)| Some((label, value?)));
    rows.map(|(label, value)| format!("<tr><th>{label}<td>{}</tr>\n", escaped(&value))).collect()
}

fn row(page: &mut String, index: u64, leaf: &Leaf, policy_set: &str) {
    let what = match leaf.action {
        Some(action) => format!("{} · {action}", kind_in_chinese(leaf.kind)),
        None => format!("{} · {}", kind_in_chinese(leaf.kind), leaf.kind),
    };
    let who = format!("{}（{} {}）", leaf.actor, actor_in_chinese(leaf.actor_kind), leaf.actor_kind);
    let role = leaf.role.map(|role| format!("{} {role}", role_in_chinese(role))).unwrap_or_default();
    let outcome = format!("{} {}", outcome_in_chinese(leaf.outcome), leaf.outcome);
    let policy = leaf.policy_set.map_or("", |digest| match hex::encode(digest.0) == policy_set {
        true => "现行 as now",
        false => "另一套 another",
    });
    let counts: Vec<String> = leaf.counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let cells = [
        index.to_string(),
        rfc3339(leaf.time_ms),
        who,
        role,
        what,
        outcome,
        leaf.reason.to_string(),
        leaf.purpose.map(|purpose| purpose.to_string()).unwrap_or_default(),
        leaf.patient.map(|patient| patient.to_string()).unwrap_or_default(),
        leaf.study.map(|study| study.to_string()).unwrap_or_default(),
        counts.join(", "),
        policy.to_owned(),
    ];
    // Writing to a string cannot fail.
    let _ = write!(page, "<tr class=\"{}\">", leaf.outcome);
    for cell in cells {
        let _ = write!(page, "<td>{}", escaped(&cell));
    }
    page.push_str("</tr>\n");
}

const fn kind_in_chinese(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Access => "打开影像",
        EventKind::AccessClosed => "打开结束",
        EventKind::Query => "查询",
        EventKind::Stored => "存入",
        EventKind::Commitment => "存储确认",
        EventKind::Authentication => "登录验证",
        EventKind::Association => "设备连接",
        EventKind::Administration => "管理",
        EventKind::System => "系统",
        EventKind::Repair => "修复",
        EventKind::Recovery => "恢复",
        EventKind::Copied => "截图、打印与导出",
        EventKind::Signal => "浏览器信号",
    }
}

const fn outcome_in_chinese(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Permitted => "允许",
        Outcome::Refused => "拒绝",
        Outcome::Succeeded => "完成",
        Outcome::Failed => "失败",
    }
}

const fn actor_in_chinese(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Person => "人员",
        ActorKind::Device => "设备",
        ActorKind::Service => "程序",
        ActorKind::System => "系统",
    }
}

const fn role_in_chinese(role: Role) -> &'static str {
    match role {
        Role::Clinician => "临床医生",
        Role::Radiologist => "影像医生",
        Role::Specialist => "专科医生",
        Role::Chief => "科主任",
        Role::Technician => "技师",
        Role::RemoteExpert => "远程专家",
        Role::Patient => "患者",
        Role::Vendor => "厂商维护人员",
        Role::Researcher => "研究人员",
        Role::SystemAdministrator => "系统管理员",
        Role::SecurityAdministrator => "安全管理员",
        Role::AuditAdministrator => "审计管理员",
        Role::Device => "设备",
        Role::Service => "程序",
        Role::System => "系统",
    }
}

/// Text that is text in HTML, too, whatever it holds.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // A sign that turns the line around would show another name than there is.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                safe.push('\u{fffd}')
            }
            other if other.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_name_holds_becomes_a_tag_or_turns_the_line() {
        assert_eq!(escaped("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
        assert_eq!(escaped("a\u{202e}b\nc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(escaped("李医生"), "李医生");
    }

    #[test]
    fn the_page_asks_nothing_of_the_network() {
        for word in ["http://", "https://", "src=", "href=", "<script", "url("] {
            assert!(!HEAD.contains(word), "{word}");
        }
    }
}
