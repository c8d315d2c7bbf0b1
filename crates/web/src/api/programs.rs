//! What service clients are known by beside a secret, and what is demanded of them: the office of the system administrator.

use super::accounts::actor;
use super::problems::of_admin;
use crate::http::answer;
use crate::http::body::json_of;
use crate::http::problem::{Kind, Problem};
use crate::routes::Call;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use yingdun_access::{
    ClientCertificate, Credential, CredentialKind, Demand, ExternalName, NewCredential, UnknownDemand,
    external_digest,
};
use yingdun_crypto::digest::sha256;
use yingdun_crypto::public_key::PublicKey;
use yingdun_model::{ActorId, Timestamp};

/// A certificate, or a digest of one or of its key, or a public key by which signed requests are verified, or what another issuer calls a
/// program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialBody {
    kind: String,
    certificate: Option<String>,
    sha256: Option<String>,
    public_key: Option<String>,
    issuer: Option<String>,
    client_id: Option<String>,
    subject: Option<String>,
    valid_until_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemandsBody {
    demands: Vec<String>,
}

/// What a client is known by.
pub(crate) async fn credentials(call: Call) -> Result<Response<Body>, Problem> {
    let client = client_in_path(&call)?;
    let found =
        Box::pin(call.service.access.credentials(call.session()?, &client)).await.map_err(of_admin)?;
    let rows: Vec<Value> = found.iter().map(shown).collect();
    Ok(answer::json(StatusCode::OK, &Value::Array(rows)))
}

/// Registers a credential. The scopes of the client go.
pub(crate) async fn add_credential(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let body: CredentialBody = json_of(body).await?;
    let client = client_in_path(&call)?;
    let new = new_credential(&body)?;
    Box::pin(call.service.access.add_credential(call.session()?, &client, &new)).await.map_err(of_admin)?;
    let said = said(new.kind, &new.digest, new.valid_until, new.external.as_ref());
    Ok(answer::json(StatusCode::CREATED, &said))
}

/// Takes a credential away, and ends what rests on it.
pub(crate) async fn remove_credential(call: Call) -> Result<Response<Body>, Problem> {
    let client = client_in_path(&call)?;
    let kind = call.in_path("kind").unwrap_or_default().parse().map_err(|()| Problem::new(Kind::NotFound))?;
    let digest = digest(call.in_path("sha256").unwrap_or_default()).ok_or(Problem::new(Kind::NotFound))?;
    let removed =
        Box::pin(call.service.access.remove_credential(call.session()?, &client, kind, &digest)).await;
    removed.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Replaces what a client has to show beside its token.
pub(crate) async fn set_demands(call: Call, body: Body) -> Result<Response<Body>, Problem> {
    let DemandsBody { demands } = json_of(body).await?;
    let client = client_in_path(&call)?;
    let demands = demands
        .iter()
        .map(|word| word.parse::<Demand>())
        .collect::<Result<_, UnknownDemand>>()
        .map_err(|error| Problem::new(Kind::BadRequest).expected(error.to_string()))?;
    Box::pin(call.service.access.set_demands(call.session()?, &client, &demands)).await.map_err(of_admin)?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

// === helpers ===

fn client_in_path(call: &Call) -> Result<ActorId, Problem> {
    actor(call.in_path("client").unwrap_or_default())
}

fn shown(credential: &Credential) -> Value {
    said(credential.kind, &credential.digest, credential.valid_until, credential.external.as_ref())
}

fn said(kind: CredentialKind, digest: &[u8; 32], until: Timestamp, external: Option<&ExternalName>) -> Value {
    let mut said = json!({
        "kind": kind.as_str(),
        "sha256": hex::encode(digest),
        "valid_until_ms": until.as_ms(),
    });
    if let (Some(name), Some(members)) = (external, said.as_object_mut()) {
        members.insert("issuer".into(), name.issuer.as_str().into());
        members.insert("client_id".into(), name.client.as_str().into());
        members.insert("subject".into(), name.subject.as_str().into());
    }
    said
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0_u8; 32];
    hex::decode_to_slice(text.replace(':', ""), &mut digest).ok().map(|()| digest)
}

fn new_credential(body: &CredentialBody) -> Result<NewCredential, Problem> {
    let kind: CredentialKind = body.kind.parse().map_err(|()| {
        let kinds = CredentialKind::ALL.map(CredentialKind::as_str).join(", ");
        Problem::bad_request(format!("a kind: {kinds}"), &body.kind)
    })?;
    let stated = body.valid_until_ms.map(Timestamp::from_ms);
    let needs_end =
        || Problem::new(Kind::BadRequest).expected("valid_until_ms, from when on it is not taken any more");
    if kind == CredentialKind::ExternalToken {
        return external(body, stated.ok_or_else(needs_end)?);
    }
    if body.issuer.is_some() || body.client_id.is_some() || body.subject.is_some() {
        return Err(
            Problem::new(Kind::BadRequest).expected("issuer, client_id and subject for external-token only")
        );
    }
    match (kind, &body.certificate, &body.sha256, &body.public_key) {
        (CredentialKind::Certificate | CredentialKind::CertificateKey, Some(pem), None, None) => {
            let certificate = ClientCertificate::from_pem(pem)
                .ok_or_else(|| Problem::new(Kind::BadRequest).expected("certificate: one certificate in PEM"))?;
            let digest =
                if kind == CredentialKind::Certificate { certificate.sha256 } else { certificate.key_sha256 };
            // A certificate ends by itself; its key ends when somebody says so.
            let ends = match kind {
                CredentialKind::Certificate => {
                    stated.map_or(certificate.valid_until, |stated| stated.min(certificate.valid_until))
                }
                CredentialKind::CertificateKey
                | CredentialKind::SignatureKey
                | CredentialKind::ExternalToken => stated.ok_or_else(needs_end)?,
            };
            Ok(NewCredential { kind, digest, public_key: None, external: None, valid_until: ends })
        }
        (CredentialKind::Certificate | CredentialKind::CertificateKey, None, Some(text), None) => {
            let digest = digest(text)
                .ok_or_else(|| Problem::new(Kind::BadRequest).expected("sha256 as 64 hexadecimal digits"))?;
            let valid_until = stated.ok_or_else(needs_end)?;
            Ok(NewCredential { kind, digest, public_key: None, external: None, valid_until })
        }
        (CredentialKind::SignatureKey, None, None, Some(pem)) => {
            let key = PublicKey::from_pem(pem).ok_or_else(|| {
                Problem::new(Kind::BadRequest).expected("public_key: one public key in PEM, Ed25519 or P-256")
            })?;
            let spki = key.to_spki();
            let (digest, valid_until) = (sha256(&spki), stated.ok_or_else(needs_end)?);
            Ok(NewCredential { kind, digest, public_key: Some(spki), external: None, valid_until })
        }
        _ => Err(Problem::new(Kind::BadRequest).expected(
            "for certificate and certificate-key either certificate (PEM) or sha256, for signature-key public_key (PEM)",
        )),
    }
}

/// What another issuer calls a program. Its form is that of the table.
fn external(body: &CredentialBody, valid_until: Timestamp) -> Result<NewCredential, Problem> {
    let CredentialBody { issuer: Some(issuer), client_id: Some(client), .. } = body else {
        return Err(Problem::new(Kind::BadRequest).expected("for external-token issuer and client_id"));
    };
    if body.certificate.is_some() || body.sha256.is_some() || body.public_key.is_some() {
        return Err(Problem::new(Kind::BadRequest).expected("for external-token neither certificate nor key"));
    }
    let subject = body.subject.as_ref().unwrap_or(client);
    let name = ExternalName { issuer: issuer.clone(), client: client.clone(), subject: subject.clone() };
    let (kind, digest) = (CredentialKind::ExternalToken, external_digest(&name));
    Ok(NewCredential { kind, digest, public_key: None, external: Some(name), valid_until })
}
