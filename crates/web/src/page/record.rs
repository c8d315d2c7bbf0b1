//! Who looked at the own images, for a patient: no names, as `GET /api/v1/me/record/accesses` tells it. Where a log is missing, the page says so before
//! anything else, and when to come again: a list that looks whole and is not would be worse than none.

use super::html::{escape, page};
use super::sign_in::{self, role_zh};
use crate::api::across::Missing;
use crate::api::audit::parsed;
use crate::api::patient_accounts::looks;
use crate::http::problem::Problem;
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use yingdun_access::OwnRecordLook;
use yingdun_audit::Leaf;
use yingdun_audit::across::Walk;
use yingdun_audit::render::rfc3339;

/// The list; without a session, the sign-in form.
pub(crate) async fn show(call: Call) -> Result<Response<Body>, Problem> {
    if call.identity.is_none() {
        return sign_in::show(&call).await;
    }
    let from = parsed::<Walk>(&call, "cursor", "what the last page gave as the next one")?;
    let (found, looks) = looks(&call, None, from, limits::AUDIT_LEAVES_DEFAULT).await?;
    let rows: String = looks.iter().map(|(leaf, who)| row(leaf, who)).collect();
    let table = match rows.is_empty() {
        true => nobody(found.is_whole() && found.next.is_none()),
        false => format!(
            "<table><thead><tr><th>时间 <small lang=\"en\">Time (UTC)</small></th><th>谁 <small lang=\"en\">Who</small></th>\
             <th>角色 <small lang=\"en\">Role</small></th><th>科室 <small lang=\"en\">Department</small></th>\
             <th>目的 <small lang=\"en\">Purpose</small></th><th>操作 <small lang=\"en\">Action</small></th></tr></thead>\
             <tbody>{rows}</tbody></table>"
        ),
    };
    let more = found.next.as_ref().map_or_else(String::new, |next| {
        format!("<p><a href=\"/record?cursor={next}\">更早的记录 Older ones</a></p>")
    });
    let main = format!("{}{table}{more}<p><a href=\"/\">返回 Back</a></p>", not_whole(&found.missing));
    Ok(page(StatusCode::OK, "谁查看过我的影像", "Who looked at my images", &main))
}

// === helpers ===

fn row(leaf: &Leaf, who: &OwnRecordLook) -> String {
    let role = leaf.role.map_or_else(|| "—".to_owned(), |role| format!("{} {role}", role_zh(role)));
    let purpose = leaf.purpose.map_or_else(|| "—".to_owned(), |purpose| purpose.to_string());
    let action = leaf.action.map_or_else(|| "—".to_owned(), |action| action.to_string());
    let who_looked = if who.oneself { "您本人 (you)" } else { &who.pseudonym };
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        escape(&rfc3339(leaf.time_ms)),
        escape(who_looked),
        escape(&role),
        escape(&who.departments.join(", ")),
        escape(&purpose),
        escape(&action),
    )
}

fn nobody(is_sure: bool) -> String {
    match is_sure {
        true => "<p>没有人查看过您的影像。<br><small lang=\"en\">Nobody has looked at your images.</small></p>",
        false => "<p>已查询到的记录中没有。<br><small lang=\"en\">Nobody, in the records that could be read.</small></p>",
    }
    .to_owned()
}

/// What is said of records that could not be read: how many machines, since when, and when to come again. Nothing where all were.
fn not_whole(missing: &[Missing]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    let count = missing.len();
    let seen = missing.iter().map(|missing| missing.last_seen).min().flatten();
    let (since_zh, since_en) = seen.map_or_else(Default::default, |seen| {
        let seen = escape(&rfc3339(seen));
        (format!("（最近一次应答：{seen}）"), format!(" (it last answered at {seen})"))
    });
    format!(
        "<p class=\"notice\"><b>这份清单不完整。</b>医院有 {count} 台服务器的访问记录暂时无法读取{since_zh}，在那里查看过您影像的人不在清单中。\
         请一小时后再来；明天仍然如此时，请联系医院。<br><small lang=\"en\"><b>This list is not whole.</b> The records of {count} server(s) of the \
         hospital cannot be read now{since_en}: who looked at your images there is not in the list. Come again in an hour; if it still says so \
         tomorrow, ask the hospital.</small></p>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::other_logs::Absence;
    use yingdun_model::Timestamp;

    #[test]
    fn a_list_that_is_not_whole_says_so_in_both_languages_and_when_to_come_again() {
        assert_eq!(not_whole(&[]), "");
        let missing =
            |last_seen| Missing { log: "renmin/audit/second".into(), why: Absence::Silent, last_seen };
        let said = not_whole(&[missing(Some(Timestamp::from_ms(0)))]);
        for words in ["不完整", "一小时后", "not whole", "in an hour", "1970-01-01T00:00:00"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("renmin"), "names of machines are nothing to a patient");
        assert!(!not_whole(&[missing(None)]).contains("last answered"));
    }

    #[test]
    fn an_empty_list_says_nobody_only_where_everything_was_read() {
        assert!(nobody(true).contains("没有人"));
        assert!(!nobody(false).contains("没有人"));
    }
}
