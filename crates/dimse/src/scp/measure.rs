//! What is counted of queries and retrievals: how many, how long, how they ended. By verb alone: who asked, and for what,
//! is for the ledger.

use super::service::Failure;
use crate::message::Status;
use std::time::Instant;

/// A query or retrieval is over; without a status its association broke.
pub(super) fn operation(verb: &'static str, began: Instant, last: Option<Status>) {
    let result = result(last);
    metrics::counter!("yingdun_dimse_operations_total", "verb" => verb, "result" => result).increment(1);
    metrics::histogram!("yingdun_dimse_operation_seconds", "verb" => verb).record(began.elapsed());
}

/// An object of a C-GET or C-MOVE is over.
pub(super) fn suboperation(verb: &'static str, outcome: &Result<Status, Failure>) {
    let result = match outcome {
        Ok(Status::SUCCESS) => "completed",
        Ok(status) if status.is_warning() => "warning",
        Ok(_) | Err(_) => "failed",
    };
    metrics::counter!("yingdun_dimse_suboperations_total", "verb" => verb, "result" => result).increment(1);
}

fn result(last: Option<Status>) -> &'static str {
    match last {
        None => "aborted",
        Some(Status::SUCCESS) => "success",
        Some(Status::SOME_FAILED) => "some-failed",
        Some(Status::CANCELLED) => "cancelled",
        Some(Status::NOT_AUTHORISED) => "refused",
        Some(_) => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_a_word() {
        assert_eq!(result(None), "aborted");
        assert_eq!(result(Some(Status::SUCCESS)), "success");
        assert_eq!(result(Some(Status::NOT_AUTHORISED)), "refused");
        assert_eq!(result(Some(Status::MOVE_DESTINATION_UNKNOWN)), "failed");
    }
}
