//! Whose picture a found one is: by the mark that is hidden in it, or by the number that is read on it. Each question is a leaf before anything is looked at, and
//! whoever may read the audit log may ask: the answer is a leaf of it.

use super::across::{Search, search};
use super::audit::authorise;
use crate::dicomweb::problems::{of_open, of_unavailable};
use crate::http::answer;
use crate::http::body::collect;
use crate::http::problem::{Kind, Problem};
use crate::limits;
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use yingdun_access::MARKED;
use yingdun_archive::{
    MarkedOpening, TRACED_FRAMES_MAX, TRACED_OPENINGS_MAX, TraceError, TraceRequest, picture_work,
};
use yingdun_audit::across::Walk;
use yingdun_audit::{Cursor, EventKind, Filter, LoggedLeaf, Outcome};
use yingdun_model::Uid;
use yingdun_pixels::read_found;
use yingdun_watermark::{FoundView, Number, Plane};

/// Lays the picture of the body over the frames of a study, and says whose opening its mark is of.
pub(crate) async fn trace(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let uid = |name: &str| {
        let text = call.query.one(name)?;
        let read = text.map(|text| {
            Uid::new(text)
                .map_err(|error| Problem::bad_request(format!("a UID as `{name}`"), error.to_string()))
        });
        read.transpose()
    };
    let study =
        uid("study_uid")?.ok_or_else(|| Problem::new(Kind::BadRequest).expected("a UID as `study_uid`"))?;
    let request = TraceRequest { study, series: uid("series_uid")?, instance: uid("instance_uid")? };
    let leaf = authorise(&call).await?;
    let file = collect(body, limits::FOUND_PICTURE_BYTES_MAX).await?;
    let found = picture_work(move || {
        let bitmap = read_found(&file).map_err(|error| error.to_string())?;
        let plane =
            Plane::of_bytes(bitmap.columns as usize, bitmap.rows as usize, bitmap.in_colour, &bitmap.samples);
        plane.map(FoundView::new).map_err(|error| error.to_string())
    });
    let found = found.await.map_err(|unavailable| of_unavailable(&unavailable))?.map_err(|came| {
        Problem::new(Kind::Unprocessable)
            .expected("a picture as JPEG or PNG")
            .came(came)
            .remedy("save it as PNG, of eight bits and not interlaced")
    })?;
    let (leaves, is_whole) = marked_openings(&call, &request.study, leaf).await?;
    let openings: Vec<MarkedOpening> =
        leaves.iter().filter_map(|(log, leaf)| opening_of(log, leaf)).collect();
    let traced = call.service.archive.trace(request, found, &openings).await.map_err(of_trace)?;
    let opening = traced.frame.as_ref().and_then(|frame| frame.opening);
    let attributed = opening.and_then(|(at, sureness)| Some((leaves.get(at)?, sureness)));
    let told = traced.frame.as_ref().and_then(|frame| frame.told);
    let document = json!({
        "attributed": attributed.is_some(),
        "sureness": attributed.map(|(_, sureness)| sureness),
        "opening": attributed.map(|((log, leaf), _)| row(log, leaf)),
        "picture": traced.frame.as_ref().map(|frame| json!({
            "series_uid": frame.series, "instance_uid": frame.instance, "frame": frame.frame, "likeness": frame.likeness,
        })),
        // What the picture tells by itself, whether or not it is an opening that is known here.
        "told": told.map(|(number, _)| number.to_string()),
        "frames": traced.frames,
        "openings": openings.len(),
        "logs_whole": is_whole,
    });
    Ok(answer::json(StatusCode::OK, &document))
}

/// Whose opening the number on a picture is of.
pub(crate) async fn mark(call: Call) -> Result<Response<Body>, Problem> {
    let text = call.in_path("number").unwrap_or_default();
    let number: Number = text
        .parse()
        .map_err(|_| Problem::bad_request("the number of a mark, such as WM-7K3F-9QXA-02MC", text))?;
    let asked = authorise(&call).await?;
    let institution = call.session()?.institution().clone();
    let archive = &call.service.archive;
    let leaf = archive.leaf_of_mark(&institution, number).await.map_err(|error| of_unavailable(&error))?;
    let names = archive.audit_log_names(&institution).await.map_err(|error| of_unavailable(&error))?;
    let own = call.service.audit.verifier().name().to_owned();
    let others = names.into_iter().filter(|name| *name != own);
    let mut is_whole = true;
    for log in std::iter::once(own.clone()).chain(others) {
        let before: Option<Walk> = Cursor::new(&log, leaf.saturating_add(1)).to_string().parse().ok();
        let filter = Filter { institution: Some(institution.clone()), ..marked_filter() };
        let wanted = Search { filter, from: before, limit: 1, only: Some(log.clone()), leaf: asked };
        let found = search(&call, wanted).await?;
        is_whole &= found.missing.iter().all(|missing| missing.log != log);
        let Some((log, found)) = found.leaves.into_iter().find(|(_, found)| found.index == leaf) else {
            continue;
        };
        let Some(opening) = opening_of(&log, &found) else { continue };
        let is_of = archive.is_mark_of(&institution, number, &opening).await;
        if is_of.map_err(|error| of_unavailable(&error))? {
            let document = json!({"number": number.to_string(), "attributed": true, "opening": row(&log, &found), "logs_whole": is_whole});
            return Ok(answer::json(StatusCode::OK, &document));
        }
    }
    // Made up, of another institution, or of a log that does not answer.
    let document =
        json!({"number": number.to_string(), "attributed": false, "opening": null, "logs_whole": is_whole});
    Ok(answer::json(StatusCode::OK, &document))
}

// === helpers ===

/// Leaves under which anything can have been shown or copied.
fn marked_filter() -> Filter {
    Filter {
        kinds: vec![EventKind::Access, EventKind::Copied],
        outcome: Some(Outcome::Permitted),
        ..Filter::default()
    }
}

/// The leaves under which pictures of a study were shown with marks, the newest first, and whether all logs are in it.
async fn marked_openings(
    call: &Call,
    study: &Uid,
    leaf: u64,
) -> Result<(Vec<(String, LoggedLeaf)>, bool), Problem> {
    let institution = call.session()?.institution();
    let reference = call.service.archive.study_reference(institution, study).await;
    let filter = Filter {
        institution: Some(institution.clone()),
        study: Some(reference.map_err(|error| of_unavailable(&error))?),
        ..marked_filter()
    };
    let (mut openings, mut from, mut is_whole) = (Vec::new(), None, true);
    loop {
        let wanted =
            Search { filter: filter.clone(), from, limit: limits::AUDIT_LEAVES_MAX, only: None, leaf };
        let found = search(call, wanted).await?;
        is_whole &= found.is_whole();
        let marked = |leaf: &LoggedLeaf| leaf.leaf.counts.get(MARKED).is_some();
        openings.extend(found.leaves.into_iter().filter(|(_, leaf)| marked(leaf)));
        if openings.len() >= TRACED_OPENINGS_MAX || found.next.is_none() {
            openings.truncate(TRACED_OPENINGS_MAX);
            return Ok((openings, is_whole));
        }
        from = found.next;
    }
}

fn opening_of(log: &str, found: &LoggedLeaf) -> Option<MarkedOpening> {
    found.leaf.counts.get(MARKED)?;
    let (actor, study) = (found.leaf.actor.to_string(), found.leaf.study?);
    Some(MarkedOpening { log: log.to_owned(), leaf: found.index, actor, study })
}

/// Who, when, which study; the whole leaf is behind its number.
fn row(log: &str, found: &LoggedLeaf) -> Value {
    let leaf = &found.leaf;
    json!({
        "log": log,
        "index": found.index,
        "time_ms": leaf.time_ms,
        "actor": leaf.actor,
        "actor_kind": leaf.actor_kind,
        "role": leaf.role,
        "purpose": leaf.purpose,
        "kind": leaf.kind.as_str(),
        "reason": leaf.reason,
        "patient": leaf.patient,
        "study": leaf.study,
        "node": leaf.node,
    })
}

fn of_trace(error: TraceError) -> Problem {
    match error {
        TraceError::Open(error) => of_open(error),
        TraceError::TooMany { frames } => Problem::new(Kind::Unprocessable)
            .expected(format!("at most {TRACED_FRAMES_MAX} frames to compare with"))
            .came(format!("{frames} frames"))
            .remedy("name the series or the instance that the picture shows"),
    }
}
