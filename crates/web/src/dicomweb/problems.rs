//! From the archive's refusals to HTTP answers. The technical cause goes to the log, never to the client.

use crate::http::answer::Broken;
use crate::http::problem::{Kind, Problem};
use yingdun_access::Reason;
use yingdun_archive::{FindError, OpenError, Unavailable};

/// Seconds after which a client may try again when a part of the archive does not answer.
const RETRY_SECONDS: u32 = 5;

pub(crate) fn of_find(error: FindError) -> Problem {
    match error {
        FindError::Refused { reason } => refused(&reason),
        FindError::BadKey(reason) => {
            Problem::bad_request("attributes that can be searched at this level", reason)
        }
        FindError::TooBroad => Problem::new(Kind::BadRequest)
            .expected("a narrower search")
            .remedy("add a patient ID, an accession number, a date or the beginning of a name"),
        FindError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}

/// The reason goes to the log; the client sees its connection end before the announced length.
pub(crate) fn broken(error: OpenError) -> Broken {
    tracing::warn!(%error, "an answer was broken off");
    Broken
}

pub(crate) fn of_open(error: OpenError) -> Problem {
    match error {
        OpenError::NotFound => Problem::new(Kind::NotFound),
        OpenError::Refused { reason } if reason == Reason::SecondFactorNeeded.as_str() => {
            Problem::second_factor_needed()
        }
        OpenError::Refused { reason } => refused(&reason),
        OpenError::SlowedDown { seconds } => Problem::new(Kind::TooMany)
            .expected("a pause between two patients")
            .came(Reason::SlowedDown.as_str())
            .remedy(
                "ask again when the pause is over; a patient who was opened within the hour opens at once",
            )
            .retry_after(seconds),
        OpenError::PermitEnded => Problem::new(Kind::Forbidden)
            .expected("a login that lasts")
            .came("a login that ended while the answer was made"),
        OpenError::NotAddressable => Problem::new(Kind::NotAcceptable)
            .expected("an object whose parts have addresses of their own")
            .came(error.to_string())
            .remedy("retrieve the whole instance"),
        OpenError::NotConvertible { reason } => Problem::new(Kind::NotAcceptable)
            .expected("pixels that can be converted to what was asked for")
            .came(reason)
            .remedy("ask for the stored transfer syntax with transfer-syntax=*"),
        OpenError::Damaged => {
            tracing::error!("no intact copy is left of what was asked for");
            Problem::new(Kind::Internal)
                .expected("an intact copy")
                .came("no replica holds one")
                .remedy("tell the operator: the log names the object")
        }
        OpenError::Unavailable(unavailable) => of_unavailable(&unavailable),
    }
}

pub(crate) fn of_unavailable(unavailable: &Unavailable) -> Problem {
    tracing::error!(part = unavailable.part(), %unavailable, "a part of the archive does not answer");
    Problem::new(Kind::Unavailable)
        .expected(format!("the {} to answer", unavailable.part()))
        .remedy("try again; nothing was acknowledged")
        .retry_after(RETRY_SECONDS)
}

pub(crate) fn refused(reason: &str) -> Problem {
    if reason == Reason::MonitorLimit.as_str() {
        return Problem::new(Kind::Forbidden)
            .expected("no more than what the limits of the monitor allow")
            .came(reason)
            .remedy("ask the security administrator to lift it, or wait until it ends; in an emergency, break the glass");
    }
    if reason == Reason::ReasonRequired.as_str() {
        return Problem::new(Kind::ReasonRequired)
            .expected("a reason for opening this patient, as none is known here")
            .came(reason)
            .remedy("say why with POST /api/v1/me/reasons, and ask again; in an emergency, break the glass");
    }
    if reason == Reason::MaskedRole.as_str() {
        return Problem::new(Kind::Forbidden)
            .expected("a role that is shown names and identifiers, as this cannot be masked")
            .came(reason)
            .remedy("read metadata, frames or pictures instead; or activate a role that is not masked");
    }
    if reason == Reason::RenderedOnly.as_str() {
        return Problem::new(Kind::Forbidden)
            .expected("rendered pictures, as this study is shown to this role with marks and in no other form")
            .came(reason)
            .remedy("ask for `/rendered` of an instance or a frame, or for a thumbnail; metadata come without pixels");
    }
    Problem::new(Kind::Forbidden).expected("a role that may do this").came(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_second_factor_is_answered_with_a_challenge() {
        let refused = |reason: Reason| of_open(OpenError::Refused { reason: reason.to_string() }).kind();
        assert_eq!(refused(Reason::SecondFactorNeeded), Kind::Unauthenticated);
        assert_eq!(refused(Reason::NoRulePermits), Kind::Forbidden);
    }
}
