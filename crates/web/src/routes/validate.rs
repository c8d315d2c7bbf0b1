//! The stage of the gate that holds a request against its row of the table, the same row from which the description is made:
//! who keeps to `/api/openapi.json` passes, and who does not is told where and what was expected. Handlers see nothing else.
//!
//! | of a request | refused |
//! |---|---|
//! | path, query, form | a value of another form; a name twice that may stand once; one that must be there and is not |
//! | query | a name that is not in the table, where the table is all there is ([`Route::is_closed`]) |
//! | JSON body | the same, at every depth, with the place as a JSON pointer |
//!
//! It costs a handful of comparisons for each value and reads no body but the small ones that are JSON or a form.

use super::schema::Fault;
use super::words::{BodyRule, Parameter, Place, Route};
use crate::http::body::{collect, parameters_of};
use crate::http::form::Parameters;
use crate::http::json;
use crate::http::problem::Problem;
use crate::limits;
use axum::body::Body;

/// Checks the values of a path.
pub(super) fn path(route: &Route, values: &[(String, String)]) -> Result<(), Problem> {
    for parameter in route.parameters.iter().filter(|parameter| parameter.place == Place::Path) {
        let value = values.iter().find(|(name, _)| name == parameter.name);
        if let Some((name, value)) = value {
            parameter.schema.check_text(value).map_err(|fault| told(&format!("{{{name}}}"), fault))?;
        }
    }
    Ok(())
}

/// Checks a query.
pub(super) fn query(route: &Route, query: &Parameters) -> Result<(), Problem> {
    let known = || route.parameters.iter().filter(|parameter| parameter.place == Place::Query);
    each(known(), query, '?')?;
    if route.is_closed()
        && let Some((name, _)) =
            query.iter().find(|(name, _)| known().all(|parameter| parameter.name != *name))
    {
        let names: Vec<&str> = known().map(|parameter| parameter.name).collect();
        let expected =
            if names.is_empty() { "no query".to_owned() } else { format!("only {}", names.join(", ")) };
        return Err(Problem::bad_request(expected, name).pointer(format!("?{}", printable(name))));
    }
    Ok(())
}

/// Checks a body that is small; another one streams past. What was read is put back.
pub(super) async fn body(rule: BodyRule, body: &mut Body) -> Result<(), Problem> {
    let bytes = match rule {
        BodyRule::Form(fields) => {
            let bytes = collect(std::mem::take(body), limits::FORM_BYTES_MAX).await?;
            // More fields than these may come: forms carry along what others have put into an address.
            each(fields.iter(), &parameters_of(&bytes)?, '#')?;
            bytes
        }
        BodyRule::Json(_) | BodyRule::JsonOf(_) => {
            let bytes = collect(std::mem::take(body), limits::JSON_BYTES_MAX).await?;
            let value = json::read(&bytes, limits::JSON_DEPTH_MAX)?;
            let checked = match rule {
                BodyRule::JsonOf(schema) => schema.check_json(&value),
                BodyRule::Json(members) => super::Schema::Record(members).check_json(&value),
                BodyRule::None
                | BodyRule::Form(_)
                | BodyRule::DataSet { .. }
                | BodyRule::Dicom
                | BodyRule::Picture => Ok(()),
            };
            checked.map_err(|fault| told("#", fault))?;
            bytes
        }
        BodyRule::None | BodyRule::DataSet { .. } | BodyRule::Dicom | BodyRule::Picture => return Ok(()),
    };
    *body = Body::from(bytes);
    Ok(())
}

// === helpers ===

fn each<'a>(
    known: impl Iterator<Item = &'a Parameter>,
    values: &Parameters,
    place: char,
) -> Result<(), Problem> {
    for parameter in known {
        let (mut count, name) = (0, parameter.name);
        for value in values.all(name) {
            count += 1;
            parameter.schema.check_text(value).map_err(|fault| told(&format!("{place}{name}"), fault))?;
        }
        let most = parameter.schema.times_max();
        if count > most {
            let expected =
                if most == 1 { format!("`{name}` once") } else { format!("`{name}` at most {most} times") };
            return Err(Problem::bad_request(expected, "more of them").pointer(format!("{place}{name}")));
        }
        if parameter.required && count == 0 {
            let expected = format!("`{name}`: {}", parameter.meaning);
            return Err(Problem::bad_request(expected, "nothing").pointer(format!("{place}{name}")));
        }
    }
    Ok(())
}

fn told(place: &str, fault: Fault) -> Problem {
    Problem::bad_request(fault.expected, fault.came)
        .pointer(format!("{place}{}", printable(&fault.at)))
        .remedy("compare with /api/openapi.json")
}

/// The client's own name of something, cut and without what could be read as anything else.
fn printable(name: &str) -> String {
    name.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
