//! Service clients beyond their secret: credentials and demands.

use super::common::{CHANGED, CLIENT, CREATED, OK, api, field, path};
use crate::routes::schema::LIST_MAX;
use crate::routes::shapes;
use crate::routes::words::{BodyRule, Method, Parameter, Route, Schema};
use yingdun_model::Action;

const KIND: Parameter = path(
    "kind",
    Schema::Word(shapes::CREDENTIAL_KINDS),
    "certificate, certificate-key, signature-key or external-token",
);
const DIGEST: Parameter =
    path("sha256", Schema::Shaped(&shapes::DIGEST), "SHA-256 as the list says, 64 hexadecimal digits");

const fn kind(words: &'static [&'static str]) -> Parameter {
    field("kind", Schema::Word(words), "certificate, certificate-key, signature-key or external-token")
}

const CERTIFICATE: Parameter = field("certificate", Schema::Shaped(&shapes::PEM), "The certificate in PEM");
const OTHERWISE: Parameter = field(
    "sha256",
    Schema::Shaped(&shapes::DIGEST),
    "Or SHA-256 of it, or of its SubjectPublicKeyInfo for certificate-key, 64 hexadecimal digits",
);
const PUBLIC_KEY: Parameter = field(
    "public_key",
    Schema::Shaped(&shapes::PEM),
    "For signature-key: the public key in PEM, Ed25519 or P-256",
);
const ISSUER: Parameter = field(
    "issuer",
    Schema::Shaped(&shapes::TOKEN_ISSUER),
    "For external-token: the issuer exactly as it names itself in its tokens (iss)",
);
const ISSUED_CLIENT: Parameter = field(
    "client_id",
    Schema::Shaped(&shapes::ISSUED_NAME),
    "The program as that issuer calls it (client_id)",
);
const ISSUED_SUBJECT: Parameter = Parameter {
    required: false,
    ..field(
        "subject",
        Schema::Shaped(&shapes::ISSUED_NAME),
        "For whom its tokens say that it acts (sub); the program itself when absent",
    )
};
const UNTIL: Parameter = field(
    "valid_until_ms",
    Schema::Number,
    "From when on it is not taken, milliseconds since 1970; the end of the certificate when absent",
);

/// Each kind with what it is known by. Only a certificate says itself when it ends.
const CREDENTIALS: &[&[Parameter]] = &[
    &[kind(&["certificate"]), CERTIFICATE, Parameter { required: false, ..UNTIL }],
    &[kind(&["certificate-key"]), CERTIFICATE, UNTIL],
    &[kind(&["certificate", "certificate-key"]), OTHERWISE, UNTIL],
    &[kind(&["signature-key"]), PUBLIC_KEY, UNTIL],
    &[kind(&["external-token"]), ISSUER, ISSUED_CLIENT, ISSUED_SUBJECT, UNTIL],
];

rows! {
    /// Credentials of a client.
    ListCredentials => api(Method::Get, "/clients/{client}/credentials", Action::ManageAccounts, BodyRule::None, &[CLIENT], OK, "列出服务程序的证书、密钥和外部令牌登记", "List the certificates, keys and external tokens by which a service client is known"),
    /// A new credential.
    AddCredential => api(Method::Post, "/clients/{client}/credentials", Action::ManageAccounts, BodyRule::JsonOf(&Schema::Either(CREDENTIALS)), &[CLIENT], CREATED, "登记证书、密钥或外部令牌（原有权限须重新授予）", "Register a certificate, key or external token of a service client; its scopes have to be granted anew"),
    /// A credential is taken away.
    RemoveCredential => api(Method::Delete, "/clients/{client}/credentials/{kind}/{sha256}", Action::ManageAccounts, BodyRule::None, &[CLIENT, KIND, DIGEST], CHANGED, "注销证书、密钥或外部令牌登记", "Take a certificate, key or external token away, and end what rests on it"),
    /// What is demanded of a client.
    SetDemands => api(Method::Put, "/clients/{client}/demands", Action::ManageAccounts, BodyRule::Json(list![field("demands", Schema::List(&Schema::Word(shapes::DEMANDS), LIST_MAX), "certificate, dpop, signature; none of them when empty")]), &[CLIENT], CHANGED, "设置服务程序每次请求须出示的凭据", "Say what a service client has to show with each request; loosened, its scopes have to be granted anew"),
}
