//! The configuration file that `init` writes: every option present, safe, and explained where it stands.

use super::{PIN_VARIABLE, Pkcs11, Transit};
use std::net::SocketAddr;

/// What differs between installations.
pub(crate) struct TemplateValues {
    pub(crate) institution: String,
    pub(crate) replica_directories: Vec<String>,
    pub(crate) dicom_tls_listen: SocketAddr,
    /// Not set unless asked for.
    pub(crate) dicom_plain_listen: Option<SocketAddr>,
    pub(crate) web_listen: SocketAddr,
    /// Not set when the port is chosen at each start.
    pub(crate) public_url: Option<String>,
    pub(crate) root: RootValues,
    /// `sqlite:` paths or `postgres://` addresses, in this order: catalogue, keys, identity.
    pub(crate) databases: [String; 3],
    /// The name of the audit log in its signed checkpoints.
    pub(crate) audit_origin: String,
    /// Whether the audit log has its second tree from the beginning: one that comes from a vault with both does.
    pub(crate) sm3_tree: bool,
}

/// Who keeps the root key.
pub(crate) enum RootValues {
    /// A file.
    File {
        root_file: String,
        /// Where the passphrase of the file is; none where shares open it.
        passphrase_file: Option<String>,
    },
    /// A token.
    Pkcs11(Pkcs11),
    /// A transit engine.
    Transit(Transit),
}

#[cfg(test)]
impl TemplateValues {
    pub(crate) fn example() -> Self {
        Self {
            institution: "renmin".into(),
            replica_directories: vec!["replica-a".into(), "replica-b".into(), "replica-c".into()],
            dicom_tls_listen: ([127, 0, 0, 1], 2762).into(),
            dicom_plain_listen: None,
            web_listen: ([127, 0, 0, 1], 8443).into(),
            public_url: Some("https://127.0.0.1:8443".into()),
            root: RootValues::File {
                root_file: "keys/root.key".into(),
                passphrase_file: Some("keys/passphrase".into()),
            },
            databases: ["sqlite:catalogue.db".into(), "sqlite:keys.db".into(), "sqlite:identity.db".into()],
            audit_origin: "renmin/audit".into(),
            sm3_tree: false,
        }
    }
}

/// The whole file.
pub(crate) fn render(values: &TemplateValues) -> String {
    let replicas: String = values
        .replica_directories
        .iter()
        .zip('a'..='z')
        .map(|(directory, letter)| {
            format!(
                "\n[[storage.replicas]]\ndirectory = {}\nlabel = \"{letter}\"\nfailure_domain = \"disk-{letter}\"\n",
                quote(directory)
            )
        })
        .collect();
    let plain_listen = match values.dicom_plain_listen {
        Some(address) => format!("plain_listen = \"{address}\""),
        None => "# plain_listen = \"127.0.0.1:11112\"".to_owned(),
    };
    let public_url = match &values.public_url {
        Some(url) => format!("public_url = {}", quote(url)),
        None => "# public_url = \"https://archive.example:8443\"".to_owned(),
    };
    let (root, token) = root_lines(&values.root);
    let [catalogue, keys, identity] = values.databases.each_ref().map(|address| quote(address));
    let sm3_tree = if values.sm3_tree { "sm3_tree = true" } else { "# sm3_tree = true" };
    let write_quorum = values.replica_directories.len() / 2 + 1;
    format!(
        r#"# Yingdun (影盾) configuration. Relative paths are taken from the folder of this file.
# Every option can be overridden by the environment: YINGDUN__WEB__LISTEN=10.0.0.5:8443
# `yingdun check-config` judges this file; `yingdun doctor` judges the machine around it.

[institution]
# Every row, key, audit leaf and metric carries this name. It cannot be changed later.
id = {institution}

[storage]
# An image is acknowledged when this many replicas have it on stable storage.
write_quorum = {write_quorum}
# In so many failure domains (below) these replicas lie at least. Unset: in whatever.
# write_domains = 2
# Bytes on each replica that images may not use, so that audit and databases can go on when a disk fills.
reserve_bytes = 1073741824
# The largest object that is accepted.
object_bytes_max = 17179869184
# Within so many days every byte of every replica is read again and checked, so that damage is found while there is a
# good copy.
scrub_days = 7
# Packs in which nothing but destroyed studies lie are removed by `yingdun compact run`; with true also by themselves,
# after each destruction.
compact_after_destruction = false
# Where so many percent of a pack are dead, what lives in it is copied into a new one and the pack is removed. At 100 no pack is rewritten.
compact_dead_percent = 50
# Each replica holds every image once. Put them on different disks: two folders on one disk fail together,
# and `yingdun doctor` says so.
{replicas}
# A copy in another building, filled in the background; it counts for no quorum, and nobody waits for it. Unset: none.
# [[storage.offsite]]
# # Or a bucket: s3://BUCKET/PREFIX, with endpoint = "https://s3.example" and credentials_file = "keys/bucket.toml".
# url = "file:///mnt/other-building/yingdun"
# label = "offsite"
# failure_domain = "building-2"
# # Somebody is told when something acknowledged has been missing there for so many minutes.
# lag_limit_minutes = 60
# # A record waits so many seconds for its pack to be full before it is sent in a piece.
# send_open_pack_after_s = 20
# # What is sent, and read back to be checked, in a second.
# mebibytes_per_second = 64
# # Within so many days every byte there is read again and checked.
# check_days = 30

[catalogue]
# Derived from the replicas; can be rebuilt. `sqlite:PATH` or `postgres://…` (local socket or loopback). Several servers,
# of which one is the primary: `postgres://yingdun@127.0.0.1:5432,127.0.0.1:5433/yingdun`
database = {catalogue}
# Seconds without anything new after which a study is said to be stable (`/api/v1/events`).
study_stable_after_s = 60

[keys]
# Wrapped keys. Back this up apart from the replicas: together they open every image, alone neither does.
database = {keys}
# Who keeps the root key: a `file`, a hardware token (`pkcs11`, section [keys.pkcs11]), or a Vault or OpenBao server (`transit`,
# section [keys.transit]).
{root}
# The epoch under which the keys of the database above are wrapped. It is written over in place when keys are destroyed, so keep
# it on a file system that writes in place, and copy it together with that database. Uncomment to keep it elsewhere.
# epoch_file = "keys/epoch.key"
# What new studies are sealed with: `cobblestone-256` (AES, SHA-2) or `sm4-gcm-sm3`. A study keeps what it began with.
suite = "cobblestone-256"
# Uncomment to choose for single grades.
# suite_of_grade = {{ L4S = "sm4-gcm-sm3", L5 = "sm4-gcm-sm3" }}
# Days after which a key-encryption key is replaced, from 1 to 730. Keys under it are wrapped again; images are not touched.
rotate_after_days = 90
# Uncomment to have `yingdun doctor` miss a newer backup of the keys (`yingdun keys backup`), or a newer rehearsal of one, after days.
# backup_days = 1
# rehearsal_days = 90
# Seconds for which keys in memory go on being used while the root key does not answer, from 0 to 86400.
outage_s = 300
{token}
[identity]
# People, devices, service clients, sessions. Passwords and tokens are stored as hashes only.
database = {identity}
# Uncomment to use policies of your own instead of those in the program.
# policy_directory = "policies"
# The roles that nobody activates without a second factor (an authenticator app or a passkey). Whoever has none sets it up at the next sign-in
# and can do nothing else before. Uncomment as soon as the three officers can: until then a password is enough.
# require_second_factor_for = ["system-administrator", "security-administrator", "audit-administrator"]
# The roles that take a passkey only. Passkeys are bound to the name of the host in web.public_url, and there are none where that is a number.
# require_passkey_for = ["system-administrator", "security-administrator", "audit-administrator"]
# Whether people open studies of the grades L4S and L5 only with a second factor that was proved within strong_minutes.
# step_up_for_sensitive = true
# strong_minutes = 60
# Minutes of rest after which a session of a person ends; for single roles, and for places, whatever the role.
idle_minutes = 15
# idle_minutes_for = {{ radiologist = 30 }}
# idle_zones = [{{ networks = ["10.1.2.0/24"], idle_minutes = 30 }}]
# Hours after which a study that came may be seen by its patient (docs: outside). Unset means that patients see nothing.
# patient_release_hours = 48
# Whether research on de-identified studies (L2) needs a consent of the patient, too, and whether what leaves the house, or is shown to
# somebody outside, needs one (docs: consents). Research on identifiable studies always needs one. Unset means not-needed.
# [identity.consents]
# research = "needed"
# sharing = "needed"
# What a role is shown of whom a study is of (docs: masking): keep, initials, pseudonym or remove. Unset means that no role is masked.
# [identity.masking.technician]
# names = "initials"
# identifiers = "pseudonym"
# contacts = "remove"
# attributes = {{ PatientBirthDate = "remove" }}
# From which grade on (L1 to L5, or never) the pictures of a role carry marks, and from which on it is given nothing else (docs: watermarks). Unset
# means L1 and L1 for remote experts and patients, L4S and never for everybody else.
# [identity.watermark.specialist]
# marked_from = "L4"
# rendered_only_from = "L4S"

# Uncomment to let people sign in with a provider of OpenID Connect (docs: identity). Officers keep their passwords.
# [identity.oidc]
# issuer = "https://sso.hospital.example/realms/hospital"
# client_id = "yingdun"
# client_secret_file = "oidc-client-secret"
# ca_file = "sso-ca.pem"
# roles_claim = "/realm_access/roles"
# roles = {{ "pacs-doctor" = "clinician", "pacs-radiologist" = "radiologist" }}
# Whether somebody to whom this gives a role, and who has no account here, gets one.
# provision = false
# What says that a second factor was proved there; unset means nothing does.
# second_factor_amr = ["mfa"]

# Uncomment to take access tokens of another issuer (RFC 9068) from programs that are registered here (docs: programs).
# [[identity.token_issuers]]
# issuer = "https://sso.hospital.example/realms/hospital"
# By what the issuer knows this archive; what is for others is not taken.
# audience = "https://archive.hospital.example"
# algorithms = ["RS256"]
# ca_file = "sso-ca.pem"
# Where its keys are; unset means where it says.
# jwks_uri = "https://sso.hospital.example/realms/hospital/protocol/openid-connect/certs"
# clock_skew_seconds = 30
# lifetime_minutes = 60

# Uncomment to let people of a directory sign in with name and password of there (docs: identity). Officers keep their passwords here.
# [identity.ldap]
# ldaps://, or ldap:// with StartTLS; there is no way without TLS.
# url = "ldaps://dc1.hospital.example"
# ca_file = "directory-ca.pem"
# bind_dn = "cn=yingdun,ou=services,dc=hospital,dc=example"
# bind_password_file = "directory-password"
# base = "ou=people,dc=hospital,dc=example"
# What somebody typed comes into {{name}} as a value, never as a part of the filter. At Active Directory: sAMAccountName, objectGUID.
# filter = "(&(objectClass=inetOrgPerson)(uid={{name}}))"
# subject_attribute = "entryUUID"
# name_attribute = "uid"
# Who is disabled there loses the session here within look_seconds.
# disabled_filter = "(pwdAccountLockedTime=*)"
# look_seconds = 300
# provision = false
# roles = {{ "cn=doctors,ou=groups,dc=hospital,dc=example" = "clinician" }}
# departments = {{ "cn=surgery,ou=groups,dc=hospital,dc=example" = "surgery" }}
# [monitor]
# How much is too much, and for which role, instead of the limits of the program (see the page on monitoring).
# limits_file = "limits.toml"
# Patients who are nobody, one a line: the patient ID, and behind a tab its issuer. Whoever opens one has no reason to.
# decoys_file = "decoys.txt"

[audit]
# The append-only log. Nothing opens when this cannot be written.
directory = "audit"
# The name of the log in its signed checkpoints.
origin = {origin}
# Uncomment for a second tree over the same leaves with national algorithms (SM3, signed with SM2). Built at the next start, and
# kept from then on; its public key is written to audit-sm3.vkey.
{sm3_tree}
# Witnesses: others who remember what this log has signed, so that nobody here can go back behind it. A policy (C2SP tlog-policy)
# names them and says how many must have seen a checkpoint; witness_ca_file holds the authorities of their certificates.
# witness_policy_file = "witness.policy"
# witness_ca_file = "witness-ca.pem"
# Seconds between two heartbeats, which say in the log itself what was counted until then; and between two comparisons of the log with that.
# heartbeat_every_s = 900
# reconcile_every_s = 86400
# A witness of the logs of other nodes, made by `yingdun witness init`: it serves within this program, at the address of its own
# witness.toml, and refuses the log of this node.
# witness_directory = "witness"

[dicom]
# DICOM over mutual TLS (BCP 195). Beyond loopback only this door may be opened.
tls_listen = "{dicom_tls_listen}"
# DICOM without TLS, for modalities that cannot do better. Closed unless spelled out here AND allowed per device.
{plain_listen}
# Without this, an address that other machines reach is refused for plain_listen.
# plain_beyond_loopback = true
certificate_file = "pki/server.pem"
private_key_file = "pki/server.key"
# Device certificates must come from one of these authorities.
client_ca_file = "pki/ca.pem"

[web]
# HTTPS: DICOMweb, OAuth 2, administration.
listen = "{web_listen}"
certificate_file = "pki/server.pem"
private_key_file = "pki/server.key"
# The address that people use; it is written into links. Unset: the address above, for this machine only.
{public_url}
# Web viewers of other origins that may use DICOMweb from a browser. Unset: none.
# cors_origins = ["https://viewer.example"]
# Authorities whose certificates programs may show, to be known by them (yingdun client credential certificate). Unset: no program is asked for one.
# client_ca_file = "pki/partners.pem"
# Whether programs may show certificates of no authority, known by what is registered alone.
# self_signed_clients = false
# A file with a bearer token for Prometheus. Unset: only a signed-in system administrator reads /metrics.
# metrics_token_file = "metrics-token"

# This node, as other nodes of the same installation reach it: they read what lies in the packs here, as ciphertext, from the web
# door. They show a certificate of this authority, and so does this one; it must be good for both sides of TLS. Unset: closed.
# [node]
# address = "https://node-1.example:8443"
# ca_file = "pki/ca.pem"

# A collector of audit records (SIEM): every leaf of the audit log goes there as DICOM audit message, by syslog over mutual TLS. The log is
# the spool: nothing waits for the collector, and nothing is lost while it is away. Unset: none.
# [syslog]
# collector = "tls://siem.example:6514"
# ca_file = "pki/siem-ca.pem"
# certificate_file = "pki/syslog.pem"
# private_key_file = "pki/syslog.key"

# An authority (RFC 3161) that stamps checkpoints of the audit log: others say then when it was as it is. The certificate is the one with
# which it signs stamps. ca_file is for https; unset: the authorities of the system. Unset: nobody stamps.
# [time_stamps]
# url = "https://tsa.example/tsr"
# certificate_file = "pki/tsa.pem"
# ca_file = "pki/tsa-ca.pem"
# interval_s = 3600

# A stream of NATS JetStream that is told of studies at rest, for programs that listen to one. It must be there: three servers, file
# storage, `sync_interval: always`. A message holds a number and a pseudonym, no personal data. Unset: none.
# [nats]
# servers = ["tls://nats-1.example:4222", "tls://nats-2.example:4222", "tls://nats-3.example:4222"]
# stream = "YINGDUN"
# # Institution and kind of event follow, as in yingdun.events.renmin.study-stable
# subject = "yingdun.events"
# # The authority of the servers, and what this archive shows to them.
# ca_file = "pki/nats-ca.pem"
# certificate_file = "pki/nats.pem"
# private_key_file = "pki/nats.key"
# # Without this, servers without TLS (nats://127.0.0.1:4222) are refused; beyond loopback they always are.
# plain_on_loopback = true

# Where requests may come from, and how fast. Unset: one zone, everywhere, and the rates of the program (see the page on the gateway).
# [gateway]
# zones = {{ wards = ["10.1.0.0/16"], office = ["10.9.0.0/24", "127.0.0.1"] }}
# # What is bound is served in these zones only; everything else in all of them, and nothing from outside.
# classes = {{ administration = ["office"] }}
# roles = {{ security-administrator = ["office"] }}
# # What one person, service client (client) or device may do, by class: reading, store, search, administration, bulk.
# person = {{ bulk = {{ per_second = 100, burst = 1000, per_day = 5000 }} }}
# # What one address may do before anybody knows who it is.
# address = {{ connections = {{ per_second = 200, burst = 2000 }}, strangers = {{ per_second = 50, burst = 1000 }} }}

[log]
# json or text. Logs carry no personal data.
format = "json"
level = "info"
"#,
        institution = quote(&values.institution),
        origin = quote(&values.audit_origin),
        dicom_tls_listen = values.dicom_tls_listen,
        web_listen = values.web_listen,
    )
}

/// What stands in `[keys]`, and the section of the token behind it.
pub(super) fn root_lines(root: &RootValues) -> (String, String) {
    match root {
        RootValues::File { root_file, passphrase_file } => {
            let passphrase_file = match passphrase_file {
                Some(file) => format!("passphrase_file = {}", quote(file)),
                None => "# passphrase_file = \"keys/passphrase\"".to_owned(),
            };
            let keys = format!(
                r#"root = "file"
# The root key, sealed by a passphrase or by shares (`yingdun init --unseal-shares`).
root_file = {}
# A file (mode 0600) with that passphrase, or a systemd credential. Unset: shares open the root key (`yingdun unseal`).
{passphrase_file}"#,
                quote(root_file)
            );
            (keys, String::new())
        }
        RootValues::Pkcs11(token) => {
            let pin_file = match &token.pin_file {
                Some(file) => format!("pin_file = {}", quote(&file.display().to_string())),
                None => "# pin_file = \"keys/pin\"".to_owned(),
            };
            let section = format!(
                r#"
[keys.pkcs11]
# The library of the vendor. It runs inside this program: take it from nobody else.
module = {}
token_label = {}
# An AES-256 key that cannot leave the token. Whoever loses it loses every image: keep it on a second token.
key_label = {}
# A file (mode 0600) with the PIN, or a systemd credential. Unset: the environment variable {PIN_VARIABLE}.
{pin_file}
"#,
                quote(&token.module.display().to_string()),
                quote(&token.token_label),
                quote(&token.key_label)
            );
            ("root = \"pkcs11\"".to_owned(), section)
        }
        RootValues::Transit(Transit { address, mount, key, token_file, ca_file }) => {
            let section = format!(
                r#"
[keys.transit]
# The server, without a slash at the end.
address = {}
# Where the engine is mounted, and a key of it. Whoever loses the key loses every image.
mount = {}
key = {}
# A file (mode 0600) with a token that may encrypt and decrypt with this key; read anew for each call.
token_file = {}
# The authority of the server's certificate.
ca_file = {}
"#,
                quote(address),
                quote(mount),
                quote(key),
                quote(&token_file.display().to_string()),
                quote(&ca_file.display().to_string())
            );
            ("root = \"transit\"".to_owned(), section)
        }
    }
}

pub(super) fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
