//! Passkeys as browsers write them (W3C WebAuthn level 3, §5.1.9 to §5.1.11): questions as JSON, and answers read from it.

use crate::http::problem::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use yingdun_access::{NewPasskey, PasskeyProof, PasskeyQuestion};
use yingdun_crypto::webauthn::{ALGORITHMS, CREDENTIAL_ID_BYTES_MAX, PART_BYTES_MAX};

/// The longest part of an answer, in characters of base64.
const PART_CHARACTERS_MAX: usize = PART_BYTES_MAX.div_ceil(3) * 4;

/// A question, as `navigator.credentials` takes it.
pub(crate) fn question(asked: &PasskeyQuestion) -> Value {
    let credentials: Vec<Value> =
        asked.credentials.iter().map(|id| json!({"type": "public-key", "id": text(id)})).collect();
    let (challenge, timeout) = (text(&asked.challenge), asked.lasts.as_millis());
    let Some(person) = &asked.person else {
        return json!({
            "challenge": challenge,
            "rpId": asked.party.id(),
            "timeout": timeout,
            "userVerification": "required",
            "allowCredentials": credentials,
        });
    };
    let algorithms: Vec<Value> =
        ALGORITHMS.iter().map(|algorithm| json!({"type": "public-key", "alg": algorithm})).collect();
    json!({
        "challenge": challenge,
        "rp": {"id": asked.party.id(), "name": format!("影盾 Yingdun {}", person.institution.as_str())},
        "user": {"id": text(&person.handle), "name": person.actor.as_str(), "displayName": person.actor.as_str()},
        "pubKeyCredParams": algorithms,
        "timeout": timeout,
        "excludeCredentials": credentials,
        "authenticatorSelection":
            {"residentKey": "preferred", "requireResidentKey": false, "userVerification": "required"},
        "attestation": "none",
    })
}

/// The answer to a question for a new passkey.
pub(crate) fn new_passkey(name: &str, credential: Value) -> Result<NewPasskey, Problem> {
    let Credential { response, .. } = read::<Made>(credential)?;
    Ok(NewPasskey {
        name: name.to_owned(),
        client: bytes(&response.client_data_json)?,
        attestation: bytes(&response.attestation_object)?,
    })
}

/// The answer to a question for the proof of one that is there.
pub(crate) fn proof(credential: Value) -> Result<PasskeyProof, Problem> {
    let Credential { id, response } = read::<Signed>(credential)?;
    let credential = bytes(&id)?;
    if credential.len() > CREDENTIAL_ID_BYTES_MAX {
        return Err(malformed());
    }
    Ok(PasskeyProof {
        credential,
        client: bytes(&response.client_data_json)?,
        authenticator: bytes(&response.authenticator_data)?,
        signature: bytes(&response.signature)?,
        user_handle: response.user_handle.as_deref().map(bytes).transpose()?,
    })
}

/// JSON in a field of a form.
pub(crate) fn in_form(field: &str) -> Result<Value, Problem> {
    serde_json::from_str(field).map_err(|_| malformed())
}

// === helpers ===

/// What of an answer is looked at. Browsers say more.
#[derive(Deserialize)]
struct Credential<R> {
    id: String,
    response: R,
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    #[serde(rename = "attestationObject")]
    attestation_object: String,
}

#[derive(Deserialize)]
struct Signed {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    #[serde(rename = "authenticatorData")]
    authenticator_data: String,
    signature: String,
    #[serde(rename = "userHandle")]
    user_handle: Option<String>,
}

fn read<R: DeserializeOwned>(credential: Value) -> Result<Credential<R>, Problem> {
    serde_json::from_value(credential).map_err(|_| malformed())
}

fn malformed() -> Problem {
    Problem::bad_request(
        "a credential as `PublicKeyCredential.toJSON()` of a browser writes it",
        "something else",
    )
    .remedy("answer the question of this session with navigator.credentials, and send what comes")
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(text: &str) -> Result<Vec<u8>, Problem> {
    if text.len() > PART_CHARACTERS_MAX {
        return Err(malformed());
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whatever_a_browser_adds() {
        let read = proof(json!({
            "id": "AQI", "rawId": "AQI", "type": "public-key", "clientExtensionResults": {},
            "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "Aw", "userHandle": null},
        }))
        .unwrap();
        assert_eq!(
            (read.credential, read.client, read.authenticator, read.signature, read.user_handle),
            (vec![1, 2], b"{}".to_vec(), vec![0], vec![3], None)
        );
        let made = json!({"id": "AQI", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}});
        assert_eq!(new_passkey("key", made).unwrap().attestation, [0xa0]);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let long = "A".repeat(PART_CHARACTERS_MAX + 4);
        let with = |signature: &str| json!({"id": "AQI", "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": signature}});
        assert!(proof(with("Aw")).is_ok());
        for other in
            [with("A"), with("A+=="), with(&long), json!({}), json!([]), json!(null), json!({"id": 1})]
        {
            assert!(proof(other).is_err());
        }
        assert!(in_form("{").is_err() && in_form("{}").is_ok());
    }
}
