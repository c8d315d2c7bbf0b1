//! `client credential`: what a service client is known by beside its secret.

use super::{DAY, call, text_of};
use crate::cli::CredentialCommand;
use crate::commands::{CommandError, Verdict};
use crate::output::Output;
use reqwest::Method;
use serde_json::json;
use yingdun_model::{Clock, SystemClock};

pub(super) async fn credential(command: CredentialCommand, output: Output) -> Result<Verdict, CommandError> {
    match command {
        CredentialCommand::List { client_id, admin } => {
            call(output, &admin, Method::GET, &["clients", &client_id, "credentials"], None).await
        }
        CredentialCommand::Certificate { client_id, file, by_key, days, admin } => {
            let body = json!({
                "kind": if by_key { "certificate-key" } else { "certificate" },
                "certificate": text_of(&file)?,
                "valid_until_ms": SystemClock.now().after(DAY.saturating_mul(days)).as_ms(),
            });
            call(output, &admin, Method::POST, &["clients", &client_id, "credentials"], Some(body)).await
        }
        CredentialCommand::SignatureKey { client_id, file, days, admin } => {
            let body = json!({
                "kind": "signature-key",
                "public_key": text_of(&file)?,
                "valid_until_ms": SystemClock.now().after(DAY.saturating_mul(days)).as_ms(),
            });
            call(output, &admin, Method::POST, &["clients", &client_id, "credentials"], Some(body)).await
        }
        CredentialCommand::ExternalToken { client_id, issuer, issuer_client, subject, days, admin } => {
            let mut body = json!({
                "kind": "external-token",
                "issuer": issuer,
                "client_id": issuer_client,
                "valid_until_ms": SystemClock.now().after(DAY.saturating_mul(days)).as_ms(),
            });
            if let (Some(subject), Some(members)) = (subject, body.as_object_mut()) {
                members.insert("subject".into(), subject.into());
            }
            call(output, &admin, Method::POST, &["clients", &client_id, "credentials"], Some(body)).await
        }
        CredentialCommand::Remove { client_id, kind, sha256, admin } => {
            let path = ["clients", &client_id, "credentials", &kind, &sha256];
            call(output, &admin, Method::DELETE, &path, None).await
        }
    }
}
