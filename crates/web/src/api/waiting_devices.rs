//! Devices that called in vain: listed, registered with what was seen of them, dismissed.

use super::problems::of_admin;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{AddressListError, AttemptCause, EndpointError, WaitingApproval, WaitingDevice};
use yingdun_model::{AeTitle, Timestamp};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalBody {
    #[serde(default)]
    addresses: Option<Vec<String>>,
    #[serde(default)]
    plain_allowed: bool,
    #[serde(default)]
    destination: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DismissalBody {
    days: u32,
}

/// Who waits, and where devices are to call.
pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let dismissed = call.query.one("dismissed")? == Some("true");
    let access = &call.service.access;
    let waiting = access.waiting_devices(call.session()?, dismissed).await.map_err(of_admin)?;
    let doors: Vec<Value> = call
        .service
        .hooks
        .dicom
        .iter()
        .map(|door| {
            let address = door.listens.ip();
            let address = (!address.is_unspecified()).then(|| address.to_string());
            json!({"tls": door.tls, "address": address, "port": door.listens.port()})
        })
        .collect();
    let waiting: Vec<Value> = waiting.iter().map(shown).collect();
    Ok(answer::json(StatusCode::OK, &json!({"waiting": waiting, "doors": doors})))
}

/// Registers one.
pub(crate) async fn approve(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: ApprovalBody = json_of(body).await?;
    let addresses = body.addresses.map(|addresses| addresses.join(" ").parse()).transpose();
    let addresses = addresses.map_err(|error: AddressListError| wrong(&error))?;
    let destination = body.destination.as_deref().map(str::parse).transpose();
    let destination = destination.map_err(|error: EndpointError| wrong(&error))?;
    let approval = WaitingApproval { addresses, plain_allowed: body.plain_allowed, destination };
    let access = &call.service.access;
    let record = access.approve_waiting_device(call.session()?, attempt(&call)?, approval).await;
    let record = record.map_err(of_admin)?;
    let row = json!({
        "ae_title": record.ae_title.as_str(),
        "called_ae": record.called_ae.as_str(),
        "certificate_sha256": record.certificate_sha256.map(hex::encode),
        "addresses": record.addresses.to_string().split_whitespace().collect::<Vec<_>>(),
        "plain_allowed": record.plain_allowed,
    });
    Ok(answer::json(StatusCode::CREATED, &row))
}

/// Takes one out of sight.
pub(crate) async fn dismiss(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let DismissalBody { days } = json_of(body).await?;
    change(&call, Some(days)).await
}

/// Brings one back.
pub(crate) async fn restore(call: Call) -> Result<Response<Body>, Problem> {
    change(&call, None).await
}

// === helpers ===

async fn change(call: &Call, days: Option<u32>) -> Result<Response<Body>, Problem> {
    let access = &call.service.access;
    access.dismiss_waiting_device(call.session()?, attempt(call)?, days).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn attempt(call: &Call) -> Result<[u8; 16], Problem> {
    let mut attempt = [0; 16];
    hex::decode_to_slice(call.in_path("attempt").unwrap_or_default(), &mut attempt)
        .map_err(|_| Problem::new(Kind::NotFound))?;
    Ok(attempt)
}

fn wrong(error: &impl std::error::Error) -> Problem {
    Problem::new(Kind::BadRequest).expected(error.to_string())
}

fn shown(waiting: &WaitingDevice) -> Value {
    let certificate = waiting.certificate.as_ref().map(|shown| {
        json!({
            "sha256": hex::encode(shown.sha256),
            "subject": shown.subject,
            "issuer": shown.issuer,
            "valid_until_ms": shown.valid_until.as_ms(),
            "trusted": shown.is_trusted,
        })
    });
    let dismissed = waiting.dismissed.as_ref();
    json!({
        "attempt": hex::encode(waiting.attempt),
        "calling_ae": waiting.calling.as_ref().map(AeTitle::as_str),
        "called_ae": waiting.called.as_ref().map(AeTitle::as_str),
        "address": waiting.address.to_string(),
        "tls": waiting.tls,
        "cause": waiting.cause.as_str(),
        "remedy": remedy(waiting),
        "certificate": certificate,
        "known": waiting.is_known,
        "approvable": waiting.is_approvable(),
        "first_ms": waiting.first.as_ms(),
        "last_ms": waiting.last.as_ms(),
        "attempts": waiting.attempts,
        "dismissed_until_ms": dismissed.map(|(until, _)| Timestamp::as_ms(*until)),
        "dismissed_by": dismissed.map(|(_, by)| by.as_str()),
    })
}

/// What to do, in one sentence.
const fn remedy(waiting: &WaitingDevice) -> &'static str {
    match waiting.cause {
        AttemptCause::UnknownCalling if waiting.tls => {
            "compare the fingerprint with the one that the device shows, then approve it"
        }
        AttemptCause::UnknownCalling => {
            "have the device call over TLS; if it cannot, approve it with plain_allowed"
        }
        AttemptCause::UnknownCalled if waiting.is_itself => {
            "set the title on the device by which it is registered, or approve it for this one"
        }
        AttemptCause::UnknownCalled => {
            "another device is registered under this title: find out who calls, and give it a title of its own"
        }
        AttemptCause::WrongCertificate => {
            "if the certificate of the device was renewed, compare the fingerprint and change its record; else find out who calls"
        }
        AttemptCause::WrongAddress => {
            "if the device was moved, add the address to its record; else find out who calls"
        }
        AttemptCause::PlainNotAllowed => "have the device call the port for TLS with its certificate",
        AttemptCause::Disabled => "enable the device, or switch it off",
        AttemptCause::TitleMalformed => "set titles of 1 to 16 printable ASCII characters on the device",
        AttemptCause::TlsNotSpoken => {
            "switch TLS on at the device, or give it the port without TLS, if there is one"
        }
        AttemptCause::TlsNotAgreed => "have the device use TLS 1.2 or 1.3 with the ciphers of BCP 195",
        AttemptCause::NoCertificate => {
            "put a certificate on the device (yingdun certificate issue), and have it shown"
        }
        AttemptCause::AuthorityUnknown => {
            "put a certificate of this archive on the device (yingdun certificate issue), or add its authority to dicom.client_ca_file"
        }
        AttemptCause::CertificateExpired => "renew the certificate of the device; look at its clock and ours",
        AttemptCause::CertificateNotYetValid => "look at the clock of the device and ours",
        AttemptCause::CertificateRevoked => "find out why it was revoked, then issue another one",
        AttemptCause::CertificateUnusable => {
            "issue a certificate for clients to the device (yingdun certificate issue)"
        }
        AttemptCause::OursRefused => "import the authority of this archive (pki/ca.pem) on the device",
    }
}
