//! DELETE: nothing is destroyed through this door. The attempt is decided and written down like any other
//! request, and refused. The answer is the same whether the study exists or not.

use super::problems;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::Response;
use yingdun_access::{Refusal, Resource, StudyFacts};
use yingdun_model::{Action, Clock, Grade, PatientRef, SystemClock};

/// Refuses, with a leaf.
pub(crate) async fn refuse(call: Call) -> Result<Response<Body>, Problem> {
    let study = call.required_uid("study")?;
    let (_series, _instance) = (call.uid("series")?, call.uid("instance")?);
    let session = call.session()?;
    let institution = session.institution();
    let reference = call
        .service
        .archive
        .study_reference(institution, &study)
        .await
        .map_err(|unavailable| problems::of_unavailable(&unavailable))?;
    // The study is not looked up, so that neither answer nor time can tell whether it exists; the most
    // protected grade stands for what is not known.
    let facts = StudyFacts {
        institution: institution.clone(),
        study: reference,
        patient: PatientRef::from_bytes([0; 16]),
        grade: Grade::L5,
        received: SystemClock.now(),
    };
    match call.service.access.authorise(session, Action::Destroy, Resource::Study(facts)).await {
        Err(Refusal::Denied { reason, .. }) => Err(never().came(reason.as_str())),
        Err(Refusal::AuditUnavailable(_) | Refusal::FactsUnavailable(_)) => {
            Err(Problem::new(Kind::Unavailable))
        }
        // A local policy cannot lift the guardrail; and a permit would find nothing here that destroys.
        Ok(_permit) => Err(never()),
    }
}

fn never() -> Problem {
    Problem::new(Kind::Forbidden).expected("a request that keeps what is stored").remedy(
        "destruction is asked for by one officer and approved by another; the attempt is on the ledger",
    )
}
