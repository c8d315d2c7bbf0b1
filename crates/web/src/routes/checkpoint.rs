//! The gateway's part of the gate: zones, rates and turns of one request, and what each refusal is called in HTTP.
//!
//! | refusal | status |
//! |---|---|
//! | the class, or the role, is not served in this network | 403 |
//! | too many requests within seconds, or within a day | 429 with `Retry-After` |
//! | no turn became free | 503 with `Retry-After` |

use super::{Needs, Route};
use crate::http::held;
use crate::http::problem::{Kind, Problem};
use crate::identity;
use crate::server::{Peer, Standing};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use std::net::IpAddr;
use yingdun_access::{Access, Session};
use yingdun_gateway::{Asked, Class, Credential, Gateway, Refusal, Subject, Turn};

/// The door, in metrics.
const DOOR: &str = "http";

/// What the gateway asks of one request.
pub(super) struct Checkpoint {
    gateway: Gateway,
    class: Class,
    needs: Needs,
    address: IpAddr,
}

impl Checkpoint {
    pub(super) fn new(gateway: &Gateway, route: &Route, peer: Peer) -> Self {
        let address = peer.address.ip();
        Self { gateway: gateway.clone(), class: route.class(), needs: route.needs, address }
    }

    /// Before anything of the request is looked at: may this be asked for from here, by somebody who is not known yet?
    pub(super) fn arrival(&self, parts: &Parts) -> Result<(), Problem> {
        let asked = Asked {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
        };
        let values = |field: &str| parts.headers.get_all(field).iter().map(HeaderValue::as_bytes).collect();
        self.gateway.rules(&asked, values).map_err(|refusal| self.told(refusal))?;
        self.gateway.arrival(self.class, self.address).map_err(|refusal| self.told(refusal))?;
        let passed = match credential(self.needs, &parts.headers) {
            // Whoever balances load asks often, and it costs nothing; a node shows a certificate.
            _ if self.needs == Needs::Node => Ok(()),
            _ if self.needs == Needs::Nothing && self.class == Class::Operations => Ok(()),
            Some(credential) => self
                .gateway
                .held(credential, self.class)
                .and_then(|()| self.gateway.credential(credential, self.address)),
            None => self.gateway.stranger(self.address),
        };
        passed.map_err(|refusal| self.told(refusal))
    }

    /// Behind the look for an identity: a wrong credential is counted for its address, somebody who is known for himself.
    pub(super) async fn identified(
        &self,
        identified: Result<Option<Session>, Problem>,
        access: &Access,
        parts: &Parts,
    ) -> Result<Option<Session>, Problem> {
        let found = match &identified {
            Ok(identity) => {
                identity.is_some() || matches!(self.needs, Needs::Nothing | Needs::Node | Needs::Scrape)
            }
            Err(problem) => problem.status() != StatusCode::UNAUTHORIZED,
        };
        // What came without a credential is counted already.
        let is_counted = self.needs != Needs::Node && credential(self.needs, &parts.headers).is_none();
        if !found && !is_counted {
            self.gateway.stranger(self.address).map_err(|refusal| self.told(refusal))?;
        }
        let identity = identified?;
        if identity.is_some() || matches!(self.needs, Needs::Node | Needs::Scrape) {
            if let Some(standing) = parts.extensions.get::<Standing>() {
                let subject = identity.as_ref().map(|of| format!("{} {}", of.actor_kind(), of.actor()));
                standing.is_known(subject.as_deref());
            }
            if let Some(credential) = credential(self.needs, &parts.headers) {
                self.gateway.is_good(credential);
            }
        }
        let Some(session) = identity else { return Ok(None) };
        if let Err(refusal) = self.gateway.admit(self.class, &Subject::from(&session), self.address) {
            if refusal == Refusal::Zone {
                access
                    .refuse_place(&session, self.address)
                    .await
                    .map_err(|error| crate::identity::of_sign_in(&error))?;
            }
            if let Some(credential) = credential(self.needs, &parts.headers) {
                self.gateway.hold(credential, self.class, refusal);
            }
            return Err(self.told(refusal));
        }
        Ok(Some(session))
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self, session: Option<&Session>) -> Result<Passed, Problem> {
        let subject = session.map(Subject::from);
        let turn = self.gateway.turn(self.class, subject.as_ref(), self.address).await;
        let turn = turn.map_err(|refusal| self.told(refusal))?;
        Ok(Passed { turn, is_kept: matches!(self.class, Class::Bulk | Class::Reading) })
    }

    fn told(&self, refusal: Refusal) -> Problem {
        refusal.note(DOOR, Some(self.class));
        let problem = match refusal {
            Refusal::Zone => Problem::new(Kind::Forbidden)
                .came("another network")
                .remedy("ask from a workplace where this is served, or have its network added to a zone (gateway.zones)"),
            Refusal::Rule => Problem::new(Kind::Forbidden)
                .remedy("ask the system administrator which rule that is (gateway.deny)"),
            Refusal::Rate { .. } => Problem::new(Kind::TooMany).remedy("wait as long as Retry-After says, and ask more slowly"),
            Refusal::Quota { .. } => {
                Problem::new(Kind::TooMany).remedy("go on tomorrow, or ask the system administrator for a larger quota")
            }
            Refusal::Busy => Problem::new(Kind::Unavailable).remedy("try again when others are served"),
        };
        let problem = problem.expected(refusal.to_string());
        match refusal.retry_after_s() {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
    }
}

/// A request that was let through, and its turn.
pub(super) struct Passed {
    turn: Turn,
    /// Whether the turn lasts until the answer is taken: what is streamed for minutes holds memory for
    /// minutes, and most work of a picture is sending it.
    is_kept: bool,
}

impl Passed {
    /// The answer, with the turn in it where it lasts as long.
    pub(super) fn keep(self, response: Response<Body>) -> Response<Body> {
        if !self.is_kept {
            return response;
        }
        response.map(|body| held::until_taken(body, self.turn))
    }
}

/// What a request shows to say whose it is: the token as it is looked up, so that one token in many wrappings is one. Nothing where it shows
/// nothing that could be looked up.
fn credential(needs: Needs, headers: &HeaderMap) -> Option<Credential<'_>> {
    let token = match needs {
        Needs::Token(_) | Needs::OwnToken | Needs::OwnTokenInPart | Needs::Scrape => {
            identity::bearer(headers).ok().flatten().or_else(|| identity::own_page_token(headers))
        }
        Needs::Cookie(_) | Needs::OwnCookieInPart => identity::cookie(headers, identity::SESSION_COOKIE),
        Needs::Nothing | Needs::Node => None,
    };
    token.map(|token| Credential { door: DOOR, token })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use axum::http::header::{AUTHORIZATION, COOKIE};
    use yingdun_model::Action;

    fn shown(needs: Needs, name: HeaderName, value: &'static str) -> Option<String> {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        credential(needs, &headers).map(|of| of.token.to_owned())
    }

    #[test]
    fn one_token_in_many_wrappings_is_one_credential() {
        let program = Needs::Token(Action::View);
        for value in ["Bearer abc", "bearer abc", "BEARER abc"] {
            assert_eq!(shown(program, AUTHORIZATION, value).as_deref(), Some("abc"), "{value}");
        }
        let page = Needs::Cookie(Action::List);
        for value in [
            "__Host-yingdun-session=abc",
            "x=1; __Host-yingdun-session=abc",
            "__Host-yingdun-session=abc;y=2",
        ] {
            assert_eq!(shown(page, COOKIE, value).as_deref(), Some("abc"), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_looked_up_is_no_credential() {
        assert_eq!(
            shown(Needs::OwnToken, COOKIE, "__Host-yingdun-session=abc"),
            None,
            "no page of ours asks"
        );
        assert_eq!(shown(Needs::OwnToken, AUTHORIZATION, "Basic YTpi"), None);
        assert_eq!(shown(Needs::Cookie(Action::List), COOKIE, "x=1"), None);
        assert_eq!(shown(Needs::Nothing, AUTHORIZATION, "Bearer abc"), None);
    }
}
