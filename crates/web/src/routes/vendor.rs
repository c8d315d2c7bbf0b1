//! Requests of vendors: decided at the gate, before any handler sees them, and each a leaf that names the maintenance session.
//!
//! The policies refuse a vendor everything but three actions whoever asks them. So that no request is left that nobody asks the policies about,
//! all of them are asked about here, by the need of their route.

use super::words::{Needs, Route};
use crate::api::problems::of_refusal;
use crate::http::problem::Problem;
use yingdun_access::{Access, Session};
use yingdun_model::{Action, Role};

/// Lets a request of a vendor through or not; those of others pass.
pub(super) async fn admit(access: &Access, session: Option<&Session>, route: &Route) -> Result<(), Problem> {
    let Some(session) = session.filter(|session| session.role() == Role::Vendor) else { return Ok(()) };
    let Some(action) = asked(route.needs) else { return Ok(()) };
    access.admit_vendor(session, action).await.map_err(|refusal| of_refusal(&refusal))
}

/// What a route asks for; nothing where it is about the own sign-in, password and second factor.
const fn asked(needs: Needs) -> Option<Action> {
    match needs {
        Needs::Token(action) | Needs::Cookie(action) => Some(action),
        Needs::Scrape => Some(Action::ReadMetrics),
        Needs::Nothing | Needs::OwnToken | Needs::OwnTokenInPart | Needs::OwnCookieInPart | Needs::Node => {
            None
        }
    }
}
