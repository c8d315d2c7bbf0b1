//! Series and instances are read study by study, in the order in which studies are answered, so that a page ends the
//! walk however many studies fit.
//!
//! A page that begins behind a row has two parts: the rest of the study of that row, and the studies behind it. Each is one
//! walk along an index. What names series or instances themselves is looked up instead, and its study is checked.

use super::filter::{Page, Plan, StudyCursor, StudyFilter};
use crate::{CatalogError, Database, Row, Statement, StatementBuilder};

/// A part of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'c> {
    /// The study that stands here, from some row of it on.
    Within(&'c StudyCursor),
    /// The studies behind this place; all where none is given.
    Behind(Option<&'c StudyCursor>),
}

impl<'c> Part<'c> {
    /// The parts of an answer that begins behind a row of this study; the whole of it where none is given.
    fn of(after: Option<&'c StudyCursor>) -> impl Iterator<Item = Self> {
        after.map(Part::Within).into_iter().chain([Part::Behind(after)])
    }
}

/// The rows of a page that begins behind a row of the study `after`. `select` makes the statement of a part, for so many rows.
pub(super) async fn rows<C>(
    database: &Database,
    studies: &StudyFilter,
    page: &Page<C>,
    after: Option<&StudyCursor>,
    select: impl Fn(&Plan<'_>, Part<'_>, usize) -> Statement,
) -> Result<Vec<Row>, CatalogError> {
    let Some(plan) = Plan::of(database, studies).await? else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for part in Part::of(after) {
        let missing = page.reach().saturating_sub(rows.len());
        if missing > 0 {
            rows.extend(database.query(select(&plan, part, missing)).await?);
        }
    }
    rows.drain(..rows.len().min(page.offset as usize));
    Ok(rows)
}

/// Where the walk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// With the studies.
    Studies,
    /// With series that are named.
    Series,
    /// With instances that are named.
    Instances,
}

/// Down to what the tables are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// The study `s` and the series `r`.
    Series,
    /// These, the instance `i` and its format `f`.
    Instances,
}

/// Appends `FROM … WHERE` with the conditions on studies.
pub(super) fn push_from(
    sql: &mut StatementBuilder,
    plan: &Plan<'_>,
    part: Part<'_>,
    named: Named,
    depth: Depth,
) {
    sql.push(" FROM ");
    // The tables are walked in the order in which they stand.
    match (named, part) {
        (Named::Studies, Part::Behind(after)) => {
            sql.push("(");
            plan.select_studies(sql, after);
            sql.push(") page CROSS JOIN study s CROSS JOIN series r");
        }
        (Named::Studies, Part::Within(_)) => drop(sql.push("study s CROSS JOIN series r")),
        (Named::Series, _) => drop(sql.push("series r CROSS JOIN study s")),
        (Named::Instances, _) => drop(sql.push("instance i CROSS JOIN series r CROSS JOIN study s")),
    }
    match depth {
        Depth::Series => {}
        Depth::Instances if named == Named::Instances => drop(sql.push(" CROSS JOIN image_format f")),
        Depth::Instances => drop(sql.push(" CROSS JOIN instance i CROSS JOIN image_format f")),
    }
    sql.push(" WHERE s.study_ref = r.study_ref");
    if depth == Depth::Instances {
        sql.push(" AND i.series_ref = r.series_ref AND f.format_id = i.format_id");
    }
    match part {
        Part::Behind(_) if named == Named::Studies => {
            sql.push(" AND s.study_ref = page.study_ref");
            return;
        }
        Part::Behind(Some(after)) => {
            sql.push(" AND (s.study_date + 0, s.study_key + 0, s.study_ref) < (").bind(after.date);
            sql.push(", ").bind(after.key()).push(", ").bind(after.reference).push(")");
        }
        Part::Behind(None) => {}
        Part::Within(study) => drop(sql.push(" AND s.study_ref = ").bind(study.reference)),
    }
    plan.conditions(sql);
}

/// Appends the order of studies.
pub(super) fn push_order(sql: &mut StatementBuilder, part: Part<'_>, named: Named) {
    sql.push(match (named, part) {
        (Named::Studies, Part::Behind(_)) => {
            " ORDER BY page.study_date DESC, page.study_key DESC, page.study_ref DESC, "
        }
        (_, Part::Behind(_)) => " ORDER BY s.study_date DESC, s.study_key DESC, s.study_ref DESC, ",
        (_, Part::Within(_)) => " ORDER BY ",
    });
}
