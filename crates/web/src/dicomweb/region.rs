//! What the values of a region of a picture are together: mean, standard deviation, lowest, highest, measured here of the stored frame. For who is
//! given pictures only, and so cannot measure. It is no way to the values themselves: small regions are refused, numbers are rounded, and nobody
//! asks often (design note 024).

use super::problems;
use super::retrieve::open;
use super::studio::{decoded, of_pixels};
use crate::http::answer;
use crate::http::form::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use yingdun_archive::picture_work;
use yingdun_dicom::charset::CharacterSets;
use yingdun_dicom::data_set::DataSet;
use yingdun_dicom::tags;
use yingdun_model::{ActorId, InstitutionId};
use yingdun_pixels::PixelError;
use yingdun_pixels::render::{Area, Presentation, Shape, Statistics, statistics};

/// Measures a region of a frame.
pub(crate) async fn measure(call: Call) -> Result<Response<Body>, Problem> {
    // What is refused in any case is refused before anything is opened.
    let area = area(&call.query)?;
    let number = call.in_path("frame").and_then(|text| text.parse().ok());
    let number: u32 = number.ok_or_else(|| Problem::new(Kind::NotFound))?;
    let (study, entries) = open(&call).await?;
    let entry = entries.first().ok_or_else(|| Problem::new(Kind::NotFound))?;
    let session = call.session()?;
    let studio = &call.service.studio;
    studio.measured.take((session.institution().clone(), session.actor().clone()), Instant::now())?;
    let (places, frame, declared) = studio.frame(&study, entry, number).await?;
    let unit = unit_of(&frame.data_set);
    let work = move || {
        let picture = decoded(&frame, &declared)?;
        statistics(&picture, &Presentation::of(&frame.data_set, number, &declared)?, &area)
    };
    let found = picture_work(work).await.map_err(|unavailable| problems::of_unavailable(&unavailable))?;
    let found = found.map_err(of_region)?;
    drop(places);
    Ok(answer::json(StatusCode::OK, &told(&found, unit)))
}

/// How often each person and program may still measure at this node.
#[derive(Debug)]
pub(super) struct Measured<K = (InstitutionId, ActorId)>(Mutex<HashMap<K, Taken>>);

impl<K> Default for Measured<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    day: Span,
    minute: Span,
}

/// So many since a moment.
#[derive(Clone, Copy, Debug)]
struct Span {
    since: Instant,
    count: u32,
}

impl<K: Eq + Hash> Measured<K> {
    /// Takes one of what somebody may do.
    pub(super) fn take(&self, who: K, now: Instant) -> Result<(), Problem> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= limits::REGION_ASKERS_MAX && !known.contains_key(&who) {
            known.retain(|_, taken| now < taken.day.since + DAY);
            if known.len() >= limits::REGION_ASKERS_MAX {
                return Err(too_many(MINUTE));
            }
        }
        let fresh = Span { since: now, count: 0 };
        let taken = known.entry(who).or_insert(Taken { day: fresh, minute: fresh });
        taken.day.go_on(now, DAY);
        taken.minute.go_on(now, MINUTE);
        if taken.day.count >= limits::REGIONS_PER_DAY_MAX {
            return Err(too_many(taken.day.rest(now, DAY)));
        }
        if taken.minute.count >= limits::REGIONS_PER_MINUTE_MAX {
            return Err(too_many(taken.minute.rest(now, MINUTE)));
        }
        taken.day.count += 1;
        taken.minute.count += 1;
        Ok(())
    }
}

impl Span {
    fn go_on(&mut self, now: Instant, length: Duration) {
        if now >= self.since + length {
            *self = Self { since: now, count: 0 };
        }
    }

    fn rest(&self, now: Instant, length: Duration) -> Duration {
        (self.since + length).saturating_duration_since(now)
    }
}

// === helpers ===

const MINUTE: Duration = Duration::from_secs(60);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn too_many(rest: Duration) -> Problem {
    let seconds = u32::try_from(rest.as_secs()).unwrap_or(u32::MAX).max(1);
    Problem::new(Kind::TooMany)
        .expected(format!(
            "at most {} regions a minute and {} a day",
            limits::REGIONS_PER_MINUTE_MAX,
            limits::REGIONS_PER_DAY_MAX
        ))
        .remedy("wait as long as Retry-After says")
        .retry_after(seconds)
}

/// The region of a query: large enough, wherever it is.
fn area(query: &Parameters) -> Result<Area, Problem> {
    let shape = match query.one("shape")? {
        Some("rectangle") => Shape::Rectangle,
        Some("ellipse") => Shape::Ellipse,
        _ => return Err(Problem::bad_request("shape=rectangle or shape=ellipse", "another one or none")),
    };
    let number = |name: &str| {
        let number = query.one(name)?.and_then(|text| text.parse().ok());
        let number = number.filter(|number| *number <= yingdun_pixels::limits::RENDERED_SIDE_MAX);
        number.ok_or_else(|| {
            Problem::bad_request(format!("{name} as a number of pixels"), "another one or none")
        })
    };
    let (left, top) = (number("left")?, number("top")?);
    let (columns, rows) = (number("columns")?, number("rows")?);
    let area = Area { shape, left, top, columns, rows };
    if area.pixels() < limits::REGION_PIXELS_MIN {
        return Err(Problem::new(Kind::Unprocessable)
            .expected(format!("a region of {} pixels at least", limits::REGION_PIXELS_MIN))
            .came(format!("{} pixels", area.pixels())));
    }
    Ok(area)
}

/// In which unit values are, where that is known: of a CT always in Hounsfield units, unless it says otherwise (PS3.3 §C.8.2.1.1).
fn unit_of(set: &DataSet) -> Option<&'static str> {
    let text = |tag| set.text(tag, &CharacterSets::default()).map(|text| text.trim().to_owned());
    match (text(tags::RESCALE_TYPE).as_deref(), text(tags::MODALITY).as_deref()) {
        (Some("HU"), _) | (None | Some(""), Some("CT")) => Some("HU"),
        (Some("OD"), _) => Some("OD"),
        _ => None,
    }
}

/// What leaves: whole numbers, and the lowest and the highest of large regions only.
fn told(found: &Statistics, unit: Option<&'static str>) -> Value {
    let has_extremes = found.pixels >= limits::REGION_EXTREMES_PIXELS_MIN;
    let extreme = |value: f64| if has_extremes { json!(whole(value)) } else { Value::Null };
    json!({
        "pixels": found.pixels,
        "mean": whole(found.mean),
        "deviation": whole(found.deviation),
        "lowest": extreme(found.lowest),
        "highest": extreme(found.highest),
        "unit": unit,
    })
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "rounded; what is beyond becomes the nearest that there is"
)]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

fn of_region(error: PixelError) -> Problem {
    match error {
        PixelError::Attribute { attribute: "region", expected } => {
            Problem::new(Kind::Unprocessable).expected(format!("a region {expected}"))
        }
        other => of_pixels(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Area, Kind> {
        area(&Parameters::parse(query).unwrap()).map_err(|problem| problem.kind())
    }

    #[test]
    fn a_region_is_a_form_in_a_box_and_not_small() {
        let found = read("shape=ellipse&left=3&top=4&columns=10&rows=12").unwrap();
        assert_eq!(found, Area { shape: Shape::Ellipse, left: 3, top: 4, columns: 10, rows: 12 });
        for (query, kind) in [
            ("left=0&top=0&columns=9&rows=9", Kind::BadRequest),
            ("shape=circle&left=0&top=0&columns=9&rows=9", Kind::BadRequest),
            ("shape=rectangle&left=-1&top=0&columns=9&rows=9", Kind::BadRequest),
            ("shape=rectangle&left=0&top=0&columns=9", Kind::BadRequest),
            ("shape=rectangle&left=0&top=0&columns=65536&rows=9", Kind::BadRequest),
            ("shape=rectangle&left=0&top=0&columns=35&rows=1", Kind::Unprocessable),
            ("shape=rectangle&left=0&top=0&columns=0&rows=99", Kind::Unprocessable),
            // Its box has 36 pixels, and it has not.
            ("shape=ellipse&left=0&top=0&columns=6&rows=6", Kind::Unprocessable),
        ] {
            assert_eq!(read(query), Err(kind), "{query}");
        }
        assert!(read("shape=rectangle&left=0&top=0&columns=6&rows=6").is_ok());
    }

    #[test]
    fn no_single_value_is_told_of_what_is_small() {
        let mut found = Statistics { pixels: 143, mean: 41.6, deviation: 9.4, lowest: -3.0, highest: 77.5 };
        let small = told(&found, Some("HU"));
        assert_eq!(
            (&small["mean"], &small["deviation"], &small["unit"]),
            (&json!(42), &json!(9), &json!("HU"))
        );
        assert_eq!((&small["lowest"], &small["highest"]), (&Value::Null, &Value::Null));
        found.pixels = 144;
        let large = told(&found, None);
        assert_eq!(
            (&large["lowest"], &large["highest"], &large["unit"]),
            (&json!(-3), &json!(78), &Value::Null)
        );
    }

    #[test]
    fn nobody_measures_often_and_others_go_on() {
        let (measured, began) = (Measured::default(), Instant::now());
        let taken = |who: &'static str, at: Duration| measured.take(who, began + at).is_ok();
        let a_minute = limits::REGIONS_PER_MINUTE_MAX;
        assert_eq!((0..2 * a_minute).filter(|_| taken("a", Duration::ZERO)).count(), a_minute as usize);
        assert!(taken("b", Duration::ZERO), "another one has what is its own");
        assert!(!taken("a", MINUTE.checked_sub(Duration::from_millis(1)).unwrap()));
        let all: u32 = (1..24 * 60)
            .map(|minute| (0..a_minute).filter(|_| taken("a", MINUTE * minute)).count() as u32)
            .sum();
        assert_eq!(all + a_minute, limits::REGIONS_PER_DAY_MAX);
        assert!(taken("a", DAY), "another day");
    }

    #[test]
    fn whoever_is_one_too_many_waits_and_nobody_is_forgotten_for_that() {
        let (measured, began) = (Measured::default(), Instant::now());
        for who in 0..limits::REGION_ASKERS_MAX {
            measured.take(who, began).unwrap();
        }
        assert_eq!(measured.take(usize::MAX, began).unwrap_err().kind(), Kind::TooMany);
        assert!(measured.take(0, began).is_ok());
        assert!(measured.take(usize::MAX, began + DAY).is_ok());
        assert_eq!(measured.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_unit_is_said_where_it_is_known() {
        use yingdun_dicom::Vr;
        let of = |modality: &str, said: Option<&str>| {
            let mut set = DataSet::new();
            set.put_text(tags::MODALITY, Vr::CS, modality);
            if let Some(said) = said {
                set.put_text(tags::RESCALE_TYPE, Vr::LO, said);
            }
            unit_of(&set)
        };
        assert_eq!(
            (of("CT", None), of("CT", Some("HU")), of("CT", Some("US"))),
            (Some("HU"), Some("HU"), None)
        );
        assert_eq!((of("MR", None), of("DX", Some("OD"))), (None, Some("OD")));
    }
}
