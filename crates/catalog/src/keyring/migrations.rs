//! The schema of the keyring database, step by step.

use crate::Migration;

/// In ascending order of version. A step that was released is never edited: add the next one.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "the key hierarchy", sqlite: HIERARCHY, postgres: HIERARCHY },
    Migration { version: 2, name: "wrapping again", sqlite: REWRAP_JOB, postgres: REWRAP_JOB },
    Migration { version: 3, name: "epochs", sqlite: EPOCHS, postgres: EPOCHS },
    Migration { version: 4, name: "destruction", sqlite: DESTRUCTION, postgres: DESTRUCTION },
    Migration { version: 5, name: "legal holds", sqlite: LEGAL_HOLD, postgres: LEGAL_HOLD },
    Migration { version: 6, name: "expand: audit logs", sqlite: AUDIT_LOGS, postgres: AUDIT_LOGS },
    Migration {
        version: 7,
        name: "expand: how far each log was read",
        sqlite: DESTROYED_UNTIL,
        postgres: DESTROYED_UNTIL,
    },
    Migration { version: 8, name: "expand: epochs of each node", sqlite: EPOCH_NODES, postgres: EPOCH_NODES },
];

// A patient has one key per grade, so that a key of a lower grade never opens anything of a higher one. A study
// key cannot outlive the patient key that it is wrapped under, nor a patient key its key-encryption key.
const HIERARCHY: &str = "\
CREATE TABLE root_check (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    wrapped BYTEA NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE TABLE institution_secret (
    institution TEXT NOT NULL,
    name TEXT NOT NULL,
    wrapped BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, name)
);
CREATE TABLE key_encryption_key (
    institution TEXT NOT NULL,
    grade TEXT NOT NULL,
    suite TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    state TEXT NOT NULL CHECK (state IN ('active', 'retired')),
    uses BIGINT NOT NULL CHECK (uses >= 0),
    wrapped BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, grade, suite, version)
);
CREATE UNIQUE INDEX key_encryption_key_active
    ON key_encryption_key (institution, grade, suite) WHERE state = 'active';
CREATE TABLE patient_key (
    institution TEXT NOT NULL,
    patient_ref BYTEA NOT NULL,
    grade TEXT NOT NULL,
    suite TEXT NOT NULL,
    kek_version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, patient_ref, grade, suite),
    FOREIGN KEY (institution, grade, suite, kek_version)
        REFERENCES key_encryption_key (institution, grade, suite, version)
);
CREATE INDEX patient_key_by_kek ON patient_key (institution, grade, suite, kek_version);
CREATE TABLE study_key (
    institution TEXT NOT NULL,
    study_ref BYTEA NOT NULL,
    patient_ref BYTEA NOT NULL,
    grade TEXT NOT NULL,
    suite TEXT NOT NULL,
    kek_version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, study_ref),
    FOREIGN KEY (institution, patient_ref, grade, suite)
        REFERENCES patient_key (institution, patient_ref, grade, suite),
    FOREIGN KEY (institution, grade, suite, kek_version)
        REFERENCES key_encryption_key (institution, grade, suite, version)
);
CREATE INDEX study_key_by_patient ON study_key (institution, patient_ref, grade, suite);
CREATE INDEX study_key_by_kek ON study_key (institution, grade, suite, kek_version);
";

// How far an institution is with wrapping its keys again. What is left to do is told by the keys themselves.
const REWRAP_JOB: &str = "\
CREATE TABLE rewrap_job (
    institution TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'done')),
    begun_ms BIGINT NOT NULL,
    keys_total BIGINT NOT NULL CHECK (keys_total >= 0),
    keys_done BIGINT NOT NULL CHECK (keys_done >= 0),
    worked_ms BIGINT NOT NULL CHECK (worked_ms >= 0),
    holder BYTEA NOT NULL,
    held_until_ms BIGINT NOT NULL
);
";

// Under which epoch's key a key-encryption key is wrapped; NULL for the root key itself. A version cannot outlive its epoch, so a
// process that does not know yet that an epoch is over cannot wrap another one under it.
const EPOCHS: &str = "\
CREATE TABLE key_epoch (
    epoch BIGINT NOT NULL PRIMARY KEY CHECK (epoch >= 1),
    proof BYTEA NOT NULL,
    created_ms BIGINT NOT NULL
);
ALTER TABLE key_encryption_key ADD COLUMN epoch BIGINT REFERENCES key_epoch (epoch);
";

// What was asked for and how far it is; which keys of which studies are gone for good; and how far the log was read for
// destructions that this database does not know, because it was brought back from a copy.
const DESTRUCTION: &str = "\
CREATE TABLE destruction (
    institution TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    record TEXT NOT NULL,
    requested_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, id)
);
CREATE INDEX destruction_by_request ON destruction (institution, requested_ms);
CREATE INDEX destruction_by_state ON destruction (institution, state);
CREATE TABLE destroyed_study (
    institution TEXT NOT NULL,
    study_ref BYTEA NOT NULL,
    made_ms BIGINT NOT NULL,
    cleared BIGINT NOT NULL,
    PRIMARY KEY (institution, study_ref, made_ms)
);
CREATE TABLE destruction_mark (
    institution TEXT NOT NULL PRIMARY KEY,
    leaf BIGINT NOT NULL CHECK (leaf >= 0)
);
";

// What nothing may destroy, and the turn that whoever places a hold or approves a destruction takes: of two who decide at once, one
// decides again. A program that does not know of holds would destroy what is held, so this step does more than add. By its moment a hold of which the log tells is recognised after an older copy was brought back.
const LEGAL_HOLD: &str = "\
CREATE TABLE legal_hold (
    institution TEXT NOT NULL,
    id TEXT NOT NULL,
    subject TEXT NOT NULL CHECK (subject IN ('study', 'patient')),
    reference BYTEA NOT NULL,
    placed_ms BIGINT NOT NULL,
    in_force BIGINT NOT NULL CHECK (in_force IN (0, 1)),
    state TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (institution, id)
);
CREATE INDEX legal_hold_by_reference ON legal_hold (institution, reference, in_force);
CREATE INDEX legal_hold_by_force ON legal_hold (institution, in_force, placed_ms);
CREATE TABLE destruction_turn (
    institution TEXT NOT NULL PRIMARY KEY,
    turn BIGINT NOT NULL CHECK (turn >= 0)
);
";

// Which audit logs there are: one for each node, with signing keys of its own among the secrets. Only adds.
const AUDIT_LOGS: &str = "\
CREATE TABLE audit_log (
    institution TEXT NOT NULL,
    origin TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    first_leaf BYTEA,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, origin),
    UNIQUE (institution, number)
);
";

// What `destruction_mark` says, for each log. That table is read by older programs, and once by newer ones.
const DESTROYED_UNTIL: &str = "\
CREATE TABLE destroyed_until (
    institution TEXT NOT NULL,
    log TEXT NOT NULL,
    leaf BIGINT NOT NULL CHECK (leaf >= 0),
    PRIMARY KEY (institution, log)
);
";

// Which epochs the file of each node holds, and where the remains of a destroyed study lie in the packs of each store. What a node has never
// said is missing. Without a foreign key, because a node says so before its log is entered.
const EPOCH_NODES: &str = "\
CREATE TABLE key_epoch_node (
    institution TEXT NOT NULL,
    node TEXT NOT NULL,
    oldest BIGINT,
    newest BIGINT,
    proof BYTEA,
    store BYTEA,
    gone_ms BIGINT,
    PRIMARY KEY (institution, node)
);
CREATE TABLE destruction_remains (
    institution TEXT NOT NULL,
    destruction TEXT NOT NULL,
    store BYTEA NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (institution, destruction, store)
);
";
