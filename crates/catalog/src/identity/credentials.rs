//! What programs are known by beside a secret: certificates, their keys, keys for signatures. Public values only, and a row that is taken
//! away is gone: what was is in the audit log.

use super::people::actor;
use crate::{CatalogError, Database, Row, Sql, Statement};
use std::str::FromStr;
use yingdun_model::{ActorId, InstitutionId, Timestamp};

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialKind {
    /// A certificate of TLS, by SHA-256 over all of it (DER).
    Certificate,
    /// The key of a certificate, by SHA-256 over its SubjectPublicKeyInfo: renewed certificates with the same key are known.
    CertificateKey,
    /// A public key by which signed requests are verified, by SHA-256 over its SubjectPublicKeyInfo.
    SignatureKey,
    /// What another issuer calls the program in its tokens, by a digest over issuer, client and subject.
    ExternalToken,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::Certificate, Self::CertificateKey, Self::SignatureKey, Self::ExternalToken];

    /// The word in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::CertificateKey => "certificate-key",
            Self::SignatureKey => "signature-key",
            Self::ExternalToken => "external-token",
        }
    }
}

impl FromStr for CredentialKind {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(())
    }
}

/// What another issuer calls a program in its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalName {
    /// The issuer, exactly as it names itself (`iss`).
    pub issuer: String,
    /// The program there (`client_id`).
    pub client: String,
    /// For whom the program acts (`sub`): for itself, by whatever name it has there.
    pub subject: String,
}

/// One credential of a service client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The client.
    pub client_id: ActorId,
    /// Where it belongs.
    pub institution: InstitutionId,
    /// What it is.
    pub kind: CredentialKind,
    /// SHA-256 over the certificate, the public key, or what another issuer calls the program.
    pub digest: [u8; 32],
    /// The public key of a [`CredentialKind::SignatureKey`] as SubjectPublicKeyInfo; nothing of the others.
    pub public_key: Option<Vec<u8>>,
    /// The names of a [`CredentialKind::ExternalToken`]; nothing of the others.
    pub external: Option<ExternalName>,
    /// From when on it is dead.
    pub valid_until: Timestamp,
}

const OF_CLIENT: Sql = Sql::new(
    "SELECT client_id, institution, kind, digest, public_key, valid_until_ms, issuer, issuer_client, issuer_subject \
     FROM client_credential WHERE client_id = $1 ORDER BY kind, digest LIMIT $2",
);
const OF_EXTERNAL: Sql = Sql::new(
    "SELECT client_id, institution, kind, digest, public_key, valid_until_ms, issuer, issuer_client, issuer_subject \
     FROM client_credential WHERE issuer = $1 AND issuer_client = $2 AND issuer_subject = $3",
);
const INSERT: Sql = Sql::new(
    "INSERT INTO client_credential (client_id, institution, kind, digest, public_key, valid_until_ms, added_ms, added_by, \
       issuer, issuer_client, issuer_subject) \
     SELECT c.client_id, c.institution, $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM service_client c \
     WHERE c.institution = $10 AND c.client_id = $11",
);
const REMOVE: Sql = Sql::new(
    "DELETE FROM client_credential WHERE institution = $1 AND client_id = $2 AND kind = $3 AND digest = $4",
);
const CONFIRM: Sql = Sql::new(
    "UPDATE client_credential SET valid_until_ms = valid_until_ms WHERE client_id = $1 AND kind = $2 AND digest = $3 \
     AND valid_until_ms > $4",
);

/// The most credentials of one client that are read: far above what a client has while it changes from one to the next.
pub const CREDENTIALS_MAX: u32 = 16;

/// Every credential of a client, those that are over too.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_client(database: &Database, client_id: &ActorId) -> Result<Vec<Credential>, CatalogError> {
    let find = Statement::new(OF_CLIENT, vec![client_id.into(), CREDENTIALS_MAX.into()]);
    database.look_up(find).await?.iter().map(read).collect()
}

/// The credential of whatever client that another issuer calls by a name; at most one has it, also when it is over.
///
/// # Errors
/// As [`Database::query`].
pub async fn of_external(
    database: &Database,
    name: &ExternalName,
) -> Result<Option<Credential>, CatalogError> {
    let names = vec![name.issuer.as_str().into(), name.client.as_str().into(), name.subject.as_str().into()];
    database.look_up(Statement::new(OF_EXTERNAL, names)).await?.first().map(read).transpose()
}

/// Adds a credential. One that is there, or an external name that some client has, is a [`CatalogError::Constraint`]; the transaction fails with
/// [`CatalogError::UnexpectedRows`] where there is no such client.
#[must_use]
pub fn insert(credential: &Credential, now: Timestamp, by: &ActorId) -> Statement {
    Statement::new(
        INSERT,
        vec![
            credential.kind.as_str().into(),
            credential.digest.into(),
            credential.public_key.as_deref().into(),
            credential.valid_until.into(),
            now.into(),
            by.into(),
            credential.external.as_ref().map(|name| name.issuer.as_str()).into(),
            credential.external.as_ref().map(|name| name.client.as_str()).into(),
            credential.external.as_ref().map(|name| name.subject.as_str()).into(),
            (&credential.institution).into(),
            (&credential.client_id).into(),
        ],
    )
    .expecting(1)
}

/// Takes a credential away.
#[must_use]
pub fn remove(
    institution: &InstitutionId,
    client_id: &ActorId,
    kind: CredentialKind,
    digest: &[u8; 32],
) -> Statement {
    let of = vec![institution.into(), client_id.into(), kind.as_str().into(), digest.into()];
    Statement::new(REMOVE, of).expecting(1)
}

/// Changes nothing. The transaction fails with [`CatalogError::UnexpectedRows`] when the credential was taken away or is over: what it opens
/// does not outlive it.
#[must_use]
pub fn confirm(credential: &Credential, now: Timestamp) -> Statement {
    Statement::new(
        CONFIRM,
        vec![
            (&credential.client_id).into(),
            credential.kind.as_str().into(),
            credential.digest.into(),
            now.into(),
        ],
    )
    .expecting(1)
}

fn read(row: &Row) -> Result<Credential, CatalogError> {
    Ok(Credential {
        client_id: actor(row, 0)?,
        institution: row.get_checked(1)?,
        kind: row.get_word(2)?,
        digest: row.get_array(3)?,
        public_key: row.opt_bytes(4)?.map(<[u8]>::to_vec),
        valid_until: row.get_timestamp(5)?,
        external: match (row.opt_text(6)?, row.opt_text(7)?, row.opt_text(8)?) {
            (Some(issuer), Some(client), Some(subject)) => Some(ExternalName {
                issuer: issuer.to_owned(),
                client: client.to_owned(),
                subject: subject.to_owned(),
            }),
            _ => None,
        },
    })
}
