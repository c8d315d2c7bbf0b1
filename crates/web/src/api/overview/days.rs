//! Accesses and refusals of today and of the last week, by the clocks of the institution.

use super::{Failed, failed};
use crate::routes::Call;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use yingdun_audit::{STRETCH_MS, Sums, Tally};
use yingdun_model::Timestamp;

const HOUR_MS: i64 = 3600 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Days of the table, today among them.
const DAYS: i64 = 7;

/// The picture; nothing where no index of the log is kept.
pub(super) async fn accesses(call: &Call, now: Timestamp) -> Result<Option<Value>, Failed> {
    let institution = call.session().map_err(|_| Failed)?.institution().clone();
    let offset_ms = i64::from(call.service.access.utc_offset_minutes()) * 60_000;
    let log = call.service.audit.clone();
    let from = Timestamp::from_ms(first_day(now.as_ms(), offset_ms));
    let until = Timestamp::from_ms(now.as_ms().saturating_add(1));
    let name = log.verifier().name().to_owned();
    let logs = call.service.archive.audit_logs(&institution).await.map_err(|error| failed(&error))?;
    let sums = tokio::task::spawn_blocking(move || log.sums(&institution, from, until)).await;
    let sums = sums.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    Ok(sums.map(|sums| {
        let mut told = picture(&sums, now.as_ms(), offset_ms);
        if let Value::Object(fields) = &mut told {
            fields.insert("log".to_owned(), json!(name));
            fields.insert("logs".to_owned(), json!(logs));
        }
        told
    }))
}

// === helpers ===

/// Midnight of today, in milliseconds since 1970.
const fn midnight(now_ms: i64, offset_ms: i64) -> i64 {
    (now_ms + offset_ms).div_euclid(DAY_MS) * DAY_MS - offset_ms
}

const fn first_day(now_ms: i64, offset_ms: i64) -> i64 {
    midnight(now_ms, offset_ms) - (DAYS - 1) * DAY_MS
}

fn picture(sums: &Sums, now_ms: i64, offset_ms: i64) -> Value {
    let today = midnight(now_ms, offset_ms);
    let stretches = (now_ms - today).div_euclid(STRETCH_MS) + 1;
    let of = |begins: i64, lasts: i64| total(&sums.stretches, begins, begins + lasts);
    let by_stretch: Vec<Tally> =
        (0..stretches).map(|number| of(today + number * STRETCH_MS, STRETCH_MS)).collect();
    let days = (0..DAYS).map(|day| {
        let begins = first_day(now_ms, offset_ms) + day * DAY_MS;
        let hours: Vec<Tally> = (0..24).map(|hour| of(begins + hour * HOUR_MS, HOUR_MS)).collect();
        json!({
            "date": date(begins + offset_ms),
            "begins_ms": begins,
            "accesses": column(&hours, |tally| tally.accesses),
            "refusals": column(&hours, |tally| tally.refusals),
        })
    });
    json!({
        "whole": sums.is_whole,
        "today": {
            "begins_ms": today,
            "stretch_ms": STRETCH_MS,
            "accesses": column(&by_stretch, |tally| tally.accesses),
            "refusals": column(&by_stretch, |tally| tally.refusals),
        },
        "week": days.collect::<Vec<Value>>(),
    })
}

fn column(tallies: &[Tally], what: fn(&Tally) -> u64) -> Vec<u64> {
    tallies.iter().map(what).collect()
}

fn total(stretches: &BTreeMap<i64, Tally>, from: i64, until: i64) -> Tally {
    stretches.range(from..until).fold(Tally::default(), |sum, (_, tally)| Tally {
        accesses: sum.accesses.saturating_add(tally.accesses),
        refusals: sum.refusals.saturating_add(tally.refusals),
    })
}

/// The day of a moment of local clocks, `YYYY-MM-DD`.
fn date(local_ms: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(local_ms).unwrap_or(jiff::Timestamp::MAX);
    moment.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T15:59:59.999Z: the last millisecond of the 21st in China.
    const LAST: i64 = 1_795_276_799_999;
    const CHINA: i64 = 8 * HOUR_MS;

    #[test]
    fn a_day_begins_at_midnight_of_the_institution_and_has_its_stretches_so_far() {
        let tally = |accesses| Tally { accesses, refusals: 1 };
        let at = |before: i64| (LAST - before).div_euclid(STRETCH_MS) * STRETCH_MS;
        let stretches = BTreeMap::from([
            (at(0), tally(3)),
            (at(30 * 60_000), tally(4)),
            (at(DAY_MS), tally(5)),
            (at(7 * DAY_MS), tally(100)),
        ]);
        let sums = Sums { stretches, is_whole: true };
        let told = picture(&sums, LAST, CHINA);
        let today = told["today"]["accesses"].as_array().unwrap();
        assert_eq!((today.len(), &today[287], &today[281]), (288, &json!(3), &json!(4)));
        let week = told["week"].as_array().unwrap();
        assert_eq!(week.len(), 7);
        assert_eq!((&week[6]["date"], &week[6]["accesses"][23]), (&json!("2026-11-21"), &json!(7)));
        assert_eq!((&week[5]["date"], &week[5]["accesses"][23]), (&json!("2026-11-20"), &json!(5)));
        assert_eq!((&week[0]["date"], &week[5]["refusals"][23]), (&json!("2026-11-15"), &json!(1)));
        let next = picture(&sums, LAST + 1, CHINA);
        assert_eq!(next["today"]["accesses"], json!([0]));
        assert_eq!(next["week"][6]["date"], "2026-11-22");
    }

    #[test]
    fn days_have_their_names_at_the_edges_of_months_and_years() {
        for (ms, name) in [
            (0, "1970-01-01"),
            (951_782_400_000, "2000-02-29"),
            (1_772_323_200_000, "2026-03-01"),
            (1_798_675_200_000, "2026-12-31"),
            (1_798_761_600_000, "2027-01-01"),
        ] {
            assert_eq!(date(ms), name);
        }
    }
}
