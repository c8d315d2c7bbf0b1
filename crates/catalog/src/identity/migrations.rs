//! The schema of the identity database, step by step.

use crate::Migration;

/// In ascending order of version. A step that was released is never edited: add the next one.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "people, devices, clients, tokens", sqlite: ACCOUNTS, postgres: ACCOUNTS },
    Migration { version: 2, name: "places of sign-in", sqlite: PLACES, postgres: PLACES },
    Migration { version: 3, name: "rights of devices", sqlite: DEVICES, postgres: DEVICES },
    Migration { version: 4, name: "habits of devices", sqlite: HABITS, postgres: HABITS },
    Migration {
        version: 5,
        name: "expand: second factors, and what sessions rest on",
        sqlite: SECOND_FACTORS,
        postgres: SECOND_FACTORS,
    },
    Migration { version: 6, name: "expand: timed grants", sqlite: GRANTS, postgres: GRANTS },
    Migration {
        version: 7,
        name: "expand: people of other directories",
        sqlite: DIRECTORIES,
        postgres: DIRECTORIES,
    },
    Migration { version: 8, name: "expand: alerts of the monitor", sqlite: ALERTS, postgres: ALERTS },
    Migration { version: 9, name: "expand: why a day was an alert", sqlite: SCORES, postgres: SCORES },
    Migration {
        version: 10,
        name: "expand: attempts at people of a directory",
        sqlite: DIRECTORY_ATTEMPTS,
        postgres: DIRECTORY_ATTEMPTS,
    },
    Migration {
        version: 11,
        name: "expand: what programs are known by",
        sqlite: PROGRAMS,
        postgres: PROGRAMS,
    },
    Migration { version: 12, name: "expand: what comes once", sqlite: USED_ONCE, postgres: USED_ONCE },
    Migration { version: 13, name: "expand: passkeys", sqlite: PASSKEYS, postgres: PASSKEYS },
    Migration { version: 14, name: "expand: rules of the institution", sqlite: POLICIES, postgres: POLICIES },
    Migration {
        version: 15,
        name: "expand: maintenance sessions",
        sqlite: MAINTENANCE,
        postgres: MAINTENANCE,
    },
    Migration {
        version: 16,
        name: "expand: reasons that people gave when they were asked",
        sqlite: STATED_REASONS,
        postgres: STATED_REASONS,
    },
    Migration {
        version: 17,
        name: "expand: programs known by tokens of another issuer",
        sqlite: EXTERNAL_TOKENS,
        postgres: EXTERNAL_TOKENS,
    },
    Migration {
        version: 18,
        name: "expand: grants by what they open",
        sqlite: GRANTS_BY_WHAT,
        postgres: GRANTS_BY_WHAT,
    },
    Migration {
        version: 19,
        name: "expand: approvals lapse with the office",
        sqlite: LAPSING_APPROVALS,
        postgres: LAPSING_APPROVALS,
    },
    Migration { version: 20, name: "expand: the first hour in a browser", sqlite: SETUP, postgres: SETUP },
    Migration {
        version: 21,
        name: "expand: devices that called in vain",
        sqlite: WAITING_DEVICES,
        postgres: WAITING_DEVICES,
    },
    Migration {
        version: 22,
        name: "expand: samples of the audit log that were reviewed",
        sqlite: AUDIT_REVIEWS,
        postgres: AUDIT_REVIEWS,
    },
];

/// Tokens, links and codes are kept as SHA-256 only. Accounts are disabled, never deleted: their names stay in
/// the audit log and must not be given to somebody else.
const ACCOUNTS: &str = "
CREATE TABLE person (
    institution     TEXT   NOT NULL,
    actor           TEXT   NOT NULL,
    password_hash   TEXT,
    disabled        BIGINT NOT NULL,
    failures        BIGINT NOT NULL,
    locked_until_ms BIGINT NOT NULL,
    created_ms      BIGINT NOT NULL,
    created_by      TEXT   NOT NULL,
    PRIMARY KEY (institution, actor)
);
CREATE TABLE person_role (
    institution TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    given_ms    BIGINT NOT NULL,
    given_by    TEXT   NOT NULL,
    PRIMARY KEY (institution, actor, role),
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
CREATE TABLE one_time_link (
    token_hash  BYTEA  NOT NULL PRIMARY KEY,
    purpose     TEXT   NOT NULL,
    institution TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    role        TEXT,
    issued_ms   BIGINT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    used_ms     BIGINT,
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
CREATE INDEX one_time_link_of_actor ON one_time_link (institution, actor);
CREATE TABLE device (
    ae_title           TEXT   NOT NULL,
    called_ae          TEXT   NOT NULL,
    institution        TEXT   NOT NULL,
    certificate_sha256 BYTEA,
    addresses          TEXT   NOT NULL,
    plain_allowed      BIGINT NOT NULL,
    disabled           BIGINT NOT NULL,
    created_ms         BIGINT NOT NULL,
    created_by         TEXT   NOT NULL,
    PRIMARY KEY (ae_title, called_ae)
);
CREATE INDEX device_of_institution ON device (institution, ae_title);
CREATE TABLE service_client (
    client_id     TEXT   NOT NULL PRIMARY KEY,
    institution   TEXT   NOT NULL,
    secret_hash   BYTEA,
    redirect_uris TEXT   NOT NULL,
    scopes        TEXT   NOT NULL,
    disabled      BIGINT NOT NULL,
    created_ms    BIGINT NOT NULL,
    created_by    TEXT   NOT NULL
);
CREATE INDEX service_client_of_institution ON service_client (institution, client_id);
CREATE TABLE session (
    token_hash  BYTEA  NOT NULL PRIMARY KEY,
    institution TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    actor_kind  TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    sign_in     TEXT   NOT NULL,
    code_hash   BYTEA,
    issued_ms   BIGINT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    revoked_ms  BIGINT
);
CREATE INDEX session_of_actor ON session (institution, actor);
CREATE INDEX session_of_code ON session (code_hash);
CREATE INDEX session_by_expiry ON session (expires_ms);
CREATE TABLE authorization_code (
    code_hash    BYTEA  NOT NULL PRIMARY KEY,
    client_id    TEXT   NOT NULL,
    institution  TEXT   NOT NULL,
    actor        TEXT   NOT NULL,
    role         TEXT   NOT NULL,
    redirect_uri TEXT   NOT NULL,
    challenge    BYTEA  NOT NULL,
    session_hash BYTEA  NOT NULL,
    issued_ms    BIGINT NOT NULL,
    expires_ms   BIGINT NOT NULL,
    used_ms      BIGINT
);
CREATE INDEX authorization_code_by_expiry ON authorization_code (expires_ms)
";

/// Failed attempts are counted by place. The counts at a person, kept from the first step, are those of all
/// places together where the person never signed in.
const PLACES: &str = "
CREATE TABLE sign_in_place (
    institution      TEXT   NOT NULL,
    actor            TEXT   NOT NULL,
    place            BYTEA  NOT NULL,
    failures         BIGINT NOT NULL,
    stopped_until_ms BIGINT NOT NULL,
    succeeded_ms     BIGINT,
    last_ms          BIGINT NOT NULL,
    PRIMARY KEY (institution, actor, place),
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
UPDATE person SET failures = 0, locked_until_ms = 0
";

/// A device may do what it was granted. Those that were there before stored, and go on doing so. Where a device
/// listens is known of those only that images are sent to.
const DEVICES: &str = "
ALTER TABLE device ADD COLUMN scopes TEXT NOT NULL DEFAULT 'store';
ALTER TABLE device ADD COLUMN destination TEXT
";

/// Devices that were there before have no habits of their own.
const HABITS: &str = "ALTER TABLE device ADD COLUMN habits TEXT NOT NULL DEFAULT '{}'";

/// Whoever is signed in stays so: a session that was there before is whole, and rests on what it rested on. A secret that makes
/// one-time codes is sealed by the room above; recovery codes are kept as SHA-256 only.
const SECOND_FACTORS: &str = "
CREATE TABLE second_factor (
    institution  TEXT   NOT NULL,
    actor        TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL,
    created_ms   BIGINT NOT NULL,
    confirmed_ms BIGINT,
    last_step    BIGINT NOT NULL,
    PRIMARY KEY (institution, actor),
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
CREATE TABLE recovery_code (
    institution TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    code_hash   BYTEA  NOT NULL,
    used_ms     BIGINT,
    PRIMARY KEY (institution, actor, code_hash),
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
ALTER TABLE session ADD COLUMN stage TEXT NOT NULL DEFAULT 'whole';
ALTER TABLE session ADD COLUMN proved_ms BIGINT;
ALTER TABLE session ADD COLUMN last_used_ms BIGINT;
ALTER TABLE session ADD COLUMN origin BYTEA
";

/// Timed grants, and the cases of broken glass, which are grants that a person takes. `words` and `review_words` are sealed. A
/// row stays when its time is over.
const GRANTS: &str = "
CREATE TABLE timed_grant (
    institution    TEXT   NOT NULL,
    number         BIGINT NOT NULL,
    kind           TEXT   NOT NULL,
    actor          TEXT   NOT NULL,
    patient_ref    BYTEA,
    study_ref      BYTEA,
    export         BIGINT NOT NULL,
    purpose        TEXT   NOT NULL,
    reason         TEXT   NOT NULL,
    words          BYTEA  NOT NULL,
    given_by       TEXT   NOT NULL,
    given_ms       BIGINT NOT NULL,
    valid_from_ms  BIGINT NOT NULL,
    valid_until_ms BIGINT NOT NULL,
    ended_ms       BIGINT,
    ended_by       TEXT,
    review_due_ms  BIGINT,
    reviewed_ms    BIGINT,
    reviewed_by    TEXT,
    verdict        TEXT,
    review_words   BYTEA,
    PRIMARY KEY (institution, number),
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
CREATE INDEX timed_grant_of_actor ON timed_grant (institution, actor, valid_until_ms);
CREATE INDEX timed_grant_by_end ON timed_grant (institution, ended_ms, valid_until_ms);
CREATE INDEX timed_grant_to_review ON timed_grant (institution, kind, reviewed_ms)
";

/// Whom an account belongs to in another directory: one identity there, and one account here. `subject_hash` finds it, and says nothing of
/// it to a reader of the table; `sealed` tells whoever looks there again. A role with a source was mapped from what that source says, one
/// without was given by an officer. Sessions that rest on another directory know by which identity and which session of it, and when the
/// person was authenticated there.
const DIRECTORIES: &str = "
CREATE TABLE directory_identity (
    institution  TEXT   NOT NULL,
    actor        TEXT   NOT NULL,
    source       TEXT   NOT NULL,
    subject_hash BYTEA  NOT NULL,
    sealed       BYTEA  NOT NULL,
    bound_ms     BIGINT NOT NULL,
    bound_by     TEXT   NOT NULL,
    PRIMARY KEY (institution, actor),
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
CREATE UNIQUE INDEX directory_identity_of_subject ON directory_identity (institution, subject_hash);
ALTER TABLE person_role ADD COLUMN source TEXT;
ALTER TABLE session ADD COLUMN subject_hash BYTEA;
ALTER TABLE session ADD COLUMN directory_session BYTEA;
ALTER TABLE session ADD COLUMN authenticated_ms BIGINT;
CREATE INDEX session_of_subject ON session (subject_hash);
CREATE INDEX session_of_directory_session ON session (directory_session)
";

/// Why somebody's day was an alert: points, for what, and the numbers of leaves to look at, as JSON. It names nobody.
const SCORES: &str = "
ALTER TABLE monitor_alert ADD COLUMN explained TEXT
";

/// What the monitor noticed, and what that stops. Devices and services are no people, so there is no reference to one.
const ALERTS: &str = "
CREATE TABLE monitor_alert (
    institution     TEXT   NOT NULL,
    number          BIGINT NOT NULL,
    kind            TEXT   NOT NULL,
    actor           TEXT   NOT NULL,
    actor_kind      TEXT   NOT NULL,
    role            TEXT   NOT NULL,
    step            TEXT   NOT NULL,
    patient_ref     BYTEA,
    study_ref       BYTEA,
    measure         TEXT,
    counted         BIGINT NOT NULL,
    at_most         BIGINT NOT NULL,
    within_minutes  BIGINT NOT NULL,
    at_ms           BIGINT NOT NULL,
    stops           TEXT,
    stops_until_ms  BIGINT,
    lifted_ms       BIGINT,
    lifted_by       TEXT,
    acknowledged_ms BIGINT,
    acknowledged_by TEXT,
    verdict         TEXT,
    PRIMARY KEY (institution, number)
);
CREATE INDEX monitor_alert_by_time ON monitor_alert (institution, at_ms);
CREATE INDEX monitor_alert_new ON monitor_alert (institution, acknowledged_ms);
CREATE INDEX monitor_alert_of_actor ON monitor_alert (institution, actor, stops_until_ms);
CREATE INDEX monitor_alert_stopping ON monitor_alert (institution, stops_until_ms)
";

/// Failed attempts at people of another directory who have no account yet: whoever has one is counted there.
const DIRECTORY_ATTEMPTS: &str = "
CREATE TABLE directory_attempt (
    institution   TEXT   NOT NULL,
    subject_hash  BYTEA  NOT NULL,
    failures      BIGINT NOT NULL,
    wait_until_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, subject_hash)
);
CREATE INDEX directory_attempt_by_end ON directory_attempt (wait_until_ms)
";

/// What a program is known by beside its secret, what is demanded of it, and to what its sessions are bound.
const PROGRAMS: &str = "
CREATE TABLE client_credential (
    client_id      TEXT   NOT NULL,
    kind           TEXT   NOT NULL,
    digest         BYTEA  NOT NULL,
    institution    TEXT   NOT NULL,
    public_key     BYTEA,
    valid_until_ms BIGINT NOT NULL,
    added_ms       BIGINT NOT NULL,
    added_by       TEXT   NOT NULL,
    PRIMARY KEY (client_id, kind, digest),
    FOREIGN KEY (client_id) REFERENCES service_client (client_id)
);
ALTER TABLE service_client ADD COLUMN demands TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN bound_certificate BYTEA;
ALTER TABLE session ADD COLUMN bound_key BYTEA;
ALTER TABLE session ADD COLUMN credential BYTEA;
CREATE INDEX session_of_credential ON session (credential)
";

/// What may come once only, as a digest, until it cannot come again.
const USED_ONCE: &str = "
CREATE TABLE used_once (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX used_once_by_expiry ON used_once (expires_ms)
";

/// A credential belongs to one account of all, so its digest is the key; what it is lies sealed. A session knows which challenge is open in it, and by
/// what a second factor was proved: one that was there before, by a code or by a provider.
const PASSKEYS: &str = "
CREATE TABLE passkey (
    credential_hash BYTEA  NOT NULL PRIMARY KEY,
    institution     TEXT   NOT NULL,
    actor           TEXT   NOT NULL,
    sealed          BYTEA  NOT NULL,
    sign_count      BIGINT NOT NULL,
    created_ms      BIGINT NOT NULL,
    last_used_ms    BIGINT,
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
CREATE INDEX passkey_of_actor ON passkey (institution, actor);
ALTER TABLE session ADD COLUMN proved_by TEXT;
ALTER TABLE session ADD COLUMN passkey_ceremony TEXT;
ALTER TABLE session ADD COLUMN passkey_challenge BYTEA;
ALTER TABLE session ADD COLUMN passkey_until_ms BIGINT
";

/// Rules of the institution. Of a version there is one approval of each office and of each person; of activations the newest counts, so their
/// numbers are taken one after the other.
const POLICIES: &str = "
CREATE TABLE policy_version (
    institution  TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    digest       BYTEA  NOT NULL,
    sealed       BYTEA  NOT NULL,
    base         BIGINT NOT NULL,
    proposed_by  TEXT   NOT NULL,
    proposed_ms  BIGINT NOT NULL,
    activated_ms BIGINT,
    closed       TEXT,
    closed_by    TEXT,
    closed_ms    BIGINT,
    PRIMARY KEY (institution, version)
);
CREATE TABLE policy_approval (
    institution TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    office      TEXT   NOT NULL,
    approved_by TEXT   NOT NULL,
    approved_ms BIGINT NOT NULL,
    sealed      BYTEA  NOT NULL,
    PRIMARY KEY (institution, version, office),
    FOREIGN KEY (institution, version) REFERENCES policy_version (institution, version)
);
CREATE UNIQUE INDEX policy_approval_of_person ON policy_approval (institution, version, approved_by);
CREATE TABLE policy_activation (
    institution  TEXT   NOT NULL,
    number       BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    until_ms     BIGINT,
    activated_by TEXT   NOT NULL,
    activated_ms BIGINT NOT NULL,
    sealed       BYTEA  NOT NULL,
    reviewed_by  TEXT,
    reviewed_ms  BIGINT,
    PRIMARY KEY (institution, number)
)
";

/// Scopes are words with a space between them. The words of people are sealed.
const MAINTENANCE: &str = "
CREATE TABLE maintenance_session (
    institution    TEXT   NOT NULL,
    number         BIGINT NOT NULL,
    actor          TEXT   NOT NULL,
    scopes         TEXT   NOT NULL,
    words          BYTEA  NOT NULL,
    opened_by      TEXT   NOT NULL,
    opened_ms      BIGINT NOT NULL,
    valid_from_ms  BIGINT NOT NULL,
    valid_until_ms BIGINT NOT NULL,
    approved_by    TEXT,
    approved_ms    BIGINT,
    ended_ms       BIGINT,
    ended_by       TEXT,
    PRIMARY KEY (institution, number),
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
CREATE INDEX maintenance_session_of ON maintenance_session (institution, actor, valid_until_ms);
CREATE INDEX maintenance_session_open ON maintenance_session (institution, number) WHERE ended_ms IS NULL
";

/// Why somebody opened a patient, when the monitor asked. The words are sealed; the row gives no right.
const STATED_REASONS: &str = "
CREATE TABLE stated_reason (
    institution    TEXT   NOT NULL,
    number         BIGINT NOT NULL,
    actor          TEXT   NOT NULL,
    role           TEXT   NOT NULL,
    patient_ref    BYTEA  NOT NULL,
    code           TEXT   NOT NULL,
    words          BYTEA  NOT NULL,
    given_ms       BIGINT NOT NULL,
    valid_until_ms BIGINT NOT NULL,
    reviewed_by    TEXT,
    reviewed_ms    BIGINT,
    verdict        TEXT,
    review_words   BYTEA,
    PRIMARY KEY (institution, number),
    FOREIGN KEY (institution, actor) REFERENCES person (institution, actor)
);
CREATE INDEX stated_reason_of_actor ON stated_reason (institution, actor, valid_until_ms);
CREATE INDEX stated_reason_by_time ON stated_reason (institution, given_ms);
CREATE INDEX stated_reason_new ON stated_reason (institution, reviewed_ms)
";

/// A program that another issuer knows belongs to one account here. What its token asks for bounds what the session may do.
const EXTERNAL_TOKENS: &str = "
ALTER TABLE client_credential ADD COLUMN issuer TEXT;
ALTER TABLE client_credential ADD COLUMN issuer_client TEXT;
ALTER TABLE client_credential ADD COLUMN issuer_subject TEXT;
CREATE UNIQUE INDEX client_credential_of_issuer ON client_credential (issuer, issuer_client, issuer_subject);
ALTER TABLE session ADD COLUMN scope_limit TEXT
";

/// A decision about one study reads the grants that cover it, not all that somebody has.
const GRANTS_BY_WHAT: &str = "
CREATE INDEX timed_grant_on_study ON timed_grant (institution, actor, study_ref, valid_until_ms) WHERE ended_ms IS NULL AND study_ref IS NOT NULL;
CREATE INDEX timed_grant_on_patient ON timed_grant (institution, actor, patient_ref, valid_until_ms) WHERE ended_ms IS NULL AND patient_ref IS NOT NULL
";

/// An approval counts while its officer holds the office without a break: when somebody was disabled last, and in which office a maintenance
/// session was approved. One that was approved before that was noted is one of the security administrator.
const LAPSING_APPROVALS: &str = "
ALTER TABLE person ADD COLUMN disabled_ms BIGINT;
ALTER TABLE maintenance_session ADD COLUMN approved_office TEXT
";

/// One address that leads through the first hour, and the browser that opened it. Both are kept as SHA-256 only.
const SETUP: &str = "
CREATE TABLE setup (
    institution      TEXT   NOT NULL PRIMARY KEY,
    token_hash       BYTEA  NOT NULL,
    expires_ms       BIGINT NOT NULL,
    opened_ms        BIGINT,
    browser_hash     BYTEA,
    browser_until_ms BIGINT,
    founded_ms       BIGINT,
    system_officer   TEXT,
    security_officer TEXT,
    audit_officer    TEXT
)
";

/// Who called a DICOM door in vain, as this machine saw it: nothing of a patient. A row is known by a digest over what was seen; where there
/// was no association there are no titles.
const WAITING_DEVICES: &str = "
CREATE TABLE waiting_device (
    institution          TEXT   NOT NULL,
    attempt              BYTEA  NOT NULL,
    calling_ae           TEXT,
    called_ae            TEXT,
    address              TEXT   NOT NULL,
    tls                  BIGINT NOT NULL,
    cause                TEXT   NOT NULL,
    certificate_sha256   BYTEA,
    certificate_subject  TEXT,
    certificate_issuer   TEXT,
    certificate_until_ms BIGINT,
    certificate_trusted  BIGINT NOT NULL,
    first_ms             BIGINT NOT NULL,
    last_ms              BIGINT NOT NULL,
    attempts             BIGINT NOT NULL,
    dismissed_until_ms   BIGINT,
    dismissed_by         TEXT,
    PRIMARY KEY (institution, attempt)
)
";

/// Which samples of the audit log somebody read, known by a digest over what was drawn. What it was and what was written about it is sealed.
const AUDIT_REVIEWS: &str = "
CREATE TABLE audit_review (
    institution TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    reviewed_by TEXT   NOT NULL,
    reviewed_ms BIGINT NOT NULL,
    sample      BYTEA  NOT NULL,
    sealed      BYTEA  NOT NULL,
    PRIMARY KEY (institution, number),
    FOREIGN KEY (institution, reviewed_by) REFERENCES person (institution, actor)
);
CREATE INDEX audit_review_by_time ON audit_review (institution, reviewed_ms);
CREATE INDEX audit_review_of_sample ON audit_review (institution, sample, reviewed_ms)
";
