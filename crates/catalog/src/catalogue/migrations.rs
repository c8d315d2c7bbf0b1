//! The schema of the catalogue database, step by step.
//!
//! Values that may be missing and are sorted or ranged have a stand-in instead of NULL, because the engines sort
//! NULL to different ends: a missing date is 0, a missing time −1, a missing number 2³¹ (above every VR IS).
//! There are no foreign keys: rows come from packs, through one function, parents first.

use crate::Migration;

/// In ascending order of version. A step that was released is never edited: add the next one.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "studies, series, instances, search terms, care relations",
        sqlite: SQLITE_1,
        postgres: POSTGRES_1,
    },
    Migration {
        version: 2,
        name: "studies that hold images of more than one patient",
        sqlite: SQLITE_2,
        postgres: POSTGRES_2,
    },
    Migration { version: 3, name: "storage commitment", sqlite: COMMITMENTS, postgres: COMMITMENTS },
    Migration { version: 4, name: "names by their parts", sqlite: EMPTY, postgres: EMPTY },
    Migration { version: 5, name: "modality worklist", sqlite: WORKLIST, postgres: WORKLIST },
    Migration { version: 6, name: "performed procedure steps", sqlite: PERFORMED, postgres: PERFORMED },
    Migration { version: 7, name: "unified worklist", sqlite: WORKITEMS, postgres: WORKITEMS },
    Migration {
        version: 8,
        name: "compact terms and instances",
        sqlite: SQLITE_COMPACT,
        postgres: POSTGRES_COMPACT,
    },
    Migration { version: 9, name: "events of studies, accession numbers", sqlite: EVENTS, postgres: EVENTS },
    Migration { version: 10, name: "the store of the packs", sqlite: PACK_STORE, postgres: PACK_STORE },
    Migration {
        version: 11,
        name: "destroyed studies that are gone",
        sqlite: REMOVED_MARK,
        postgres: REMOVED_MARK,
    },
    Migration { version: 12, name: "numbers of the stores", sqlite: STORE_NUMBERS, postgres: STORE_NUMBERS },
    Migration { version: 13, name: "feeds of events", sqlite: FEEDS, postgres: FEEDS },
    Migration {
        version: 14,
        name: "devices that are told of studies",
        sqlite: AVAILABILITY,
        postgres: AVAILABILITY,
    },
    Migration { version: 15, name: "claims on versions", sqlite: VERSION_CLAIMS, postgres: VERSION_CLAIMS },
    Migration { version: 16, name: "expand: nodes", sqlite: NODES, postgres: NODES },
    Migration {
        version: 17,
        name: "expand: storage commitment that others are asked for",
        sqlite: COMMITMENT_REQUESTS,
        postgres: COMMITMENT_REQUESTS,
    },
    Migration {
        version: 18,
        name: "expand: what is noted for each node",
        sqlite: EACH_NODE,
        postgres: EACH_NODE,
    },
    Migration { version: 19, name: "expand: reports to subscribers", sqlite: REPORTS, postgres: REPORTS },
    Migration {
        version: 20,
        name: "expand: nodes name their logs and programs",
        sqlite: NODE_NAMES,
        postgres: NODE_NAMES,
    },
    Migration { version: 21, name: "expand: jobs", sqlite: JOBS, postgres: JOBS },
    Migration { version: 22, name: "expand: departments", sqlite: DEPARTMENTS, postgres: DEPARTMENTS },
    Migration { version: 23, name: "expand: dissents", sqlite: DISSENTS, postgres: DISSENTS },
    Migration { version: 24, name: "expand: consents", sqlite: CONSENTS, postgres: CONSENTS },
    Migration {
        version: 25,
        name: "studies of a day by their time",
        sqlite: SQLITE_BY_TIME,
        postgres: POSTGRES_BY_TIME,
    },
];

/// `search_term` repeats the date of the study, so that a search for a term walks its key in the order of the
/// answer and stops at the page's end, however many studies match. It serves modalities as well as tokens.
const SQLITE_1: &str = "
CREATE TABLE patient (
    patient_ref BLOB NOT NULL PRIMARY KEY,
    institution TEXT NOT NULL,
    received_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE study (
    study_ref BLOB NOT NULL PRIMARY KEY,
    institution TEXT NOT NULL,
    patient_ref BLOB NOT NULL,
    study_uid TEXT NOT NULL,
    study_date INTEGER NOT NULL,
    study_time INTEGER NOT NULL,
    grade TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    series_count INTEGER NOT NULL,
    instance_count INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX study_by_date ON study (institution, study_date, study_ref);
CREATE INDEX study_by_patient ON study (patient_ref, study_date, study_ref);
CREATE INDEX study_by_received ON study (institution, received_ms, study_date, study_ref);

CREATE TABLE series (
    series_ref BLOB NOT NULL PRIMARY KEY,
    institution TEXT NOT NULL,
    study_ref BLOB NOT NULL,
    series_uid TEXT NOT NULL,
    modality TEXT NOT NULL,
    series_number INTEGER NOT NULL,
    performed_date INTEGER NOT NULL,
    performed_time INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    instance_count INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX series_by_study ON series (study_ref, series_number, series_ref);
CREATE INDEX series_by_uid ON series (series_uid);

CREATE TABLE instance (
    instance_ref BLOB NOT NULL,
    version INTEGER NOT NULL,
    latest INTEGER NOT NULL,
    institution TEXT NOT NULL,
    study_ref BLOB NOT NULL,
    series_ref BLOB NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    sop_class_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    instance_number INTEGER NOT NULL,
    image_rows INTEGER,
    image_columns INTEGER,
    bits_allocated INTEGER,
    frames INTEGER,
    received_ms INTEGER NOT NULL,
    object_bytes INTEGER NOT NULL,
    location BLOB NOT NULL,
    sealed BLOB,
    PRIMARY KEY (instance_ref, version)
) STRICT;
CREATE INDEX instance_by_series ON instance (study_ref, series_ref, instance_number, instance_ref)
    WHERE latest = 1;

CREATE TABLE search_term (
    term BLOB NOT NULL,
    study_date INTEGER NOT NULL,
    study_ref BLOB NOT NULL,
    PRIMARY KEY (term, study_date, study_ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE care_relation (
    institution TEXT NOT NULL,
    actor TEXT NOT NULL,
    patient_ref BLOB NOT NULL,
    valid_from_ms INTEGER NOT NULL,
    valid_until_ms INTEGER NOT NULL,
    given_by TEXT NOT NULL,
    PRIMARY KEY (institution, actor, patient_ref, valid_from_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX care_relation_by_patient ON care_relation (institution, patient_ref, actor, valid_from_ms);

CREATE TABLE pack_watermark (
    store TEXT NOT NULL PRIMARY KEY,
    pack INTEGER NOT NULL,
    pack_offset INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

const POSTGRES_1: &str = "
CREATE TABLE patient (
    patient_ref BYTEA NOT NULL PRIMARY KEY,
    institution TEXT NOT NULL,
    received_ms BIGINT NOT NULL
);

CREATE TABLE study (
    study_ref BYTEA NOT NULL PRIMARY KEY,
    institution TEXT NOT NULL,
    patient_ref BYTEA NOT NULL,
    study_uid TEXT NOT NULL,
    study_date BIGINT NOT NULL,
    study_time BIGINT NOT NULL,
    grade TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    series_count BIGINT NOT NULL,
    instance_count BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX study_by_date ON study (institution, study_date, study_ref);
CREATE INDEX study_by_patient ON study (patient_ref, study_date, study_ref);
CREATE INDEX study_by_received ON study (institution, received_ms, study_date, study_ref);

CREATE TABLE series (
    series_ref BYTEA NOT NULL PRIMARY KEY,
    institution TEXT NOT NULL,
    study_ref BYTEA NOT NULL,
    series_uid TEXT NOT NULL,
    modality TEXT NOT NULL,
    series_number BIGINT NOT NULL,
    performed_date BIGINT NOT NULL,
    performed_time BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    instance_count BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX series_by_study ON series (study_ref, series_number, series_ref);
CREATE INDEX series_by_uid ON series (series_uid);

CREATE TABLE instance (
    instance_ref BYTEA NOT NULL,
    version BIGINT NOT NULL,
    latest BIGINT NOT NULL,
    institution TEXT NOT NULL,
    study_ref BYTEA NOT NULL,
    series_ref BYTEA NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    sop_class_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    instance_number BIGINT NOT NULL,
    image_rows BIGINT,
    image_columns BIGINT,
    bits_allocated BIGINT,
    frames BIGINT,
    received_ms BIGINT NOT NULL,
    object_bytes BIGINT NOT NULL,
    location BYTEA NOT NULL,
    sealed BYTEA,
    PRIMARY KEY (instance_ref, version)
);
CREATE INDEX instance_by_series ON instance (study_ref, series_ref, instance_number, instance_ref)
    WHERE latest = 1;

CREATE TABLE search_term (
    term BYTEA NOT NULL,
    study_date BIGINT NOT NULL,
    study_ref BYTEA NOT NULL,
    PRIMARY KEY (term, study_date, study_ref)
);

CREATE TABLE care_relation (
    institution TEXT NOT NULL,
    actor TEXT NOT NULL,
    patient_ref BYTEA NOT NULL,
    valid_from_ms BIGINT NOT NULL,
    valid_until_ms BIGINT NOT NULL,
    given_by TEXT NOT NULL,
    PRIMARY KEY (institution, actor, patient_ref, valid_from_ms)
);
CREATE INDEX care_relation_by_patient ON care_relation (institution, patient_ref, actor, valid_from_ms);

CREATE TABLE pack_watermark (
    store TEXT NOT NULL PRIMARY KEY,
    pack BIGINT NOT NULL,
    pack_offset BIGINT NOT NULL
);
";

/// The mark, and an empty catalogue: sealed columns say from now on which record each attribute comes from, and the
/// next start fills them from the packs.
const SQLITE_2: &str = "
ALTER TABLE study ADD COLUMN patient_conflict INTEGER NOT NULL DEFAULT 0;
CREATE INDEX study_in_patient_conflict ON study (institution, study_ref) WHERE patient_conflict = 1;
DELETE FROM patient;
DELETE FROM study;
DELETE FROM series;
DELETE FROM instance;
DELETE FROM search_term;
DELETE FROM pack_watermark;
";

const POSTGRES_2: &str = "
ALTER TABLE study ADD COLUMN patient_conflict BIGINT NOT NULL DEFAULT 0;
CREATE INDEX study_in_patient_conflict ON study (institution, study_ref) WHERE patient_conflict = 1;
DELETE FROM patient;
DELETE FROM study;
DELETE FROM series;
DELETE FROM instance;
DELETE FROM search_term;
DELETE FROM pack_watermark;
";

/// A transaction is looked up by its key, and by its due time while something remains to be done.
const COMMITMENTS: &str = "
CREATE TABLE storage_commitment (
    institution TEXT NOT NULL,
    peer TEXT NOT NULL,
    called TEXT NOT NULL,
    transaction_uid TEXT NOT NULL,
    requested BYTEA NOT NULL,
    state TEXT NOT NULL,
    result BYTEA,
    attempts BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, peer, called, transaction_uid)
);
CREATE INDEX storage_commitment_by_due ON storage_commitment (state, due_ms, transaction_uid);
";

/// An empty catalogue: studies are found by more terms from now on, and the next start fills it from the packs.
const EMPTY: &str = "
DELETE FROM patient;
DELETE FROM study;
DELETE FROM series;
DELETE FROM instance;
DELETE FROM search_term;
DELETE FROM pack_watermark;
";

/// Steps are read in the order of their time, or by the tokens of a patient, an order or a procedure.
const WORKLIST: &str = "
CREATE TABLE worklist_item (
    institution TEXT NOT NULL,
    step_ref BYTEA NOT NULL,
    state TEXT NOT NULL,
    modality TEXT NOT NULL,
    stations TEXT NOT NULL,
    start_date BIGINT NOT NULL,
    start_time BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (step_ref)
);
CREATE INDEX worklist_item_by_start ON worklist_item (institution, state, start_date, start_time, step_ref);
CREATE TABLE worklist_term (
    term BYTEA NOT NULL,
    step_ref BYTEA NOT NULL,
    PRIMARY KEY (term, step_ref)
);
CREATE INDEX worklist_term_by_step ON worklist_term (step_ref);
";

/// Steps are read in the order of their time, all of them, in a state or of a station; or by their study. Scheduled steps are
/// looked up to see whether another step still performs them.
const PERFORMED: &str = "
CREATE TABLE performed_step (
    institution TEXT NOT NULL,
    step_ref BYTEA NOT NULL,
    state TEXT NOT NULL,
    reporter TEXT NOT NULL,
    station TEXT NOT NULL,
    modality TEXT NOT NULL,
    start_date BIGINT NOT NULL,
    start_time BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    sealed_series BYTEA NOT NULL,
    PRIMARY KEY (step_ref)
);
CREATE INDEX performed_step_by_start ON performed_step (institution, start_date, start_time, step_ref);
CREATE INDEX performed_step_by_state ON performed_step (institution, state, start_date, start_time, step_ref);
CREATE INDEX performed_step_by_station ON performed_step (institution, station, start_date, start_time, step_ref);
CREATE TABLE performed_study (
    study_ref BYTEA NOT NULL,
    step_ref BYTEA NOT NULL,
    PRIMARY KEY (study_ref, step_ref)
);
CREATE INDEX performed_study_by_step ON performed_study (step_ref);
CREATE TABLE performed_scheduled (
    scheduled_ref BYTEA NOT NULL,
    step_ref BYTEA NOT NULL,
    PRIMARY KEY (scheduled_ref, step_ref)
);
CREATE INDEX performed_scheduled_by_step ON performed_scheduled (step_ref);
";

/// Workitems are read in the order of their time, of one state or of all, or by the tokens of a patient or an order.
/// Subscriptions are read by workitem at every event.
const WORKITEMS: &str = "
CREATE TABLE ups_workitem (
    institution TEXT NOT NULL,
    workitem_ref BYTEA NOT NULL,
    state TEXT NOT NULL,
    revision BIGINT NOT NULL,
    start_date BIGINT NOT NULL,
    start_time BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (workitem_ref)
);
CREATE INDEX ups_workitem_by_start ON ups_workitem (institution, start_date, start_time, workitem_ref);
CREATE INDEX ups_workitem_by_state ON ups_workitem (institution, state, start_date, start_time, workitem_ref);
CREATE INDEX ups_workitem_by_change ON ups_workitem (state, changed_ms);
CREATE TABLE ups_term (
    term BYTEA NOT NULL,
    workitem_ref BYTEA NOT NULL,
    PRIMARY KEY (term, workitem_ref)
);
CREATE INDEX ups_term_by_workitem ON ups_term (workitem_ref);
CREATE TABLE ups_removed (
    workitem_ref BYTEA NOT NULL,
    removed_ms BIGINT NOT NULL,
    PRIMARY KEY (workitem_ref)
);
CREATE TABLE ups_subscriber (
    institution TEXT NOT NULL,
    ae_title TEXT NOT NULL,
    owner TEXT NOT NULL,
    scope TEXT NOT NULL,
    deletion_lock BIGINT NOT NULL,
    filter BYTEA NOT NULL,
    PRIMARY KEY (institution, ae_title)
);
CREATE TABLE ups_subscription (
    institution TEXT NOT NULL,
    ae_title TEXT NOT NULL,
    workitem_ref BYTEA NOT NULL,
    deletion_lock BIGINT NOT NULL,
    specific BIGINT NOT NULL,
    PRIMARY KEY (workitem_ref, ae_title)
);
CREATE INDEX ups_subscription_by_title ON ups_subscription (institution, ae_title);
";

/// An empty catalogue whose rows are narrow, because a large hospital has a hundred million of them; the next start fills
/// it from the packs. A term is a number and so is the study that it leads to: the first eight bytes of the token and of
/// the reference, which sort as those do. What millions of instances share stands once, in `image_format`.
const SQLITE_COMPACT: &str = "
DELETE FROM patient;
DELETE FROM study;
DELETE FROM series;
DELETE FROM pack_watermark;

ALTER TABLE study ADD COLUMN study_key INTEGER NOT NULL DEFAULT 0;
CREATE INDEX study_by_key ON study (study_key, study_ref);
DROP INDEX study_by_date;
CREATE INDEX study_by_date ON study (institution, study_date, study_key, study_ref);

DROP TABLE search_term;
CREATE TABLE search_term (
    term INTEGER NOT NULL,
    study_date INTEGER NOT NULL,
    study_key INTEGER NOT NULL,
    PRIMARY KEY (term, study_date, study_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE image_format (
    format_id INTEGER NOT NULL PRIMARY KEY,
    sop_class_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    image_rows INTEGER NOT NULL,
    image_columns INTEGER NOT NULL,
    bits_allocated INTEGER NOT NULL,
    UNIQUE (sop_class_uid, transfer_syntax_uid, image_rows, image_columns, bits_allocated)
) STRICT;

DROP TABLE instance;
CREATE TABLE instance (
    instance_number INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    object_bytes INTEGER NOT NULL,
    format_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    latest INTEGER NOT NULL,
    frames INTEGER,
    instance_ref BLOB NOT NULL,
    series_ref BLOB NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    location BLOB NOT NULL,
    sealed BLOB
) STRICT;
CREATE UNIQUE INDEX instance_by_reference ON instance (instance_ref, version);
CREATE INDEX instance_by_series ON instance (series_ref, instance_number) WHERE latest = 1;
";

/// Columns of fixed length first: PostgreSQL pads those that stand behind others.
const POSTGRES_COMPACT: &str = "
DELETE FROM patient;
DELETE FROM study;
DELETE FROM series;
DELETE FROM pack_watermark;

ALTER TABLE study ADD COLUMN study_key BIGINT NOT NULL DEFAULT 0;
CREATE INDEX study_by_key ON study (study_key, study_ref);
DROP INDEX study_by_date;
CREATE INDEX study_by_date ON study (institution, study_date, study_key, study_ref);

DROP TABLE search_term;
CREATE TABLE search_term (
    term BIGINT NOT NULL,
    study_date BIGINT NOT NULL,
    study_key BIGINT NOT NULL,
    PRIMARY KEY (term, study_date, study_key)
);

CREATE TABLE image_format (
    format_id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sop_class_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    image_rows BIGINT NOT NULL,
    image_columns BIGINT NOT NULL,
    bits_allocated BIGINT NOT NULL,
    UNIQUE (sop_class_uid, transfer_syntax_uid, image_rows, image_columns, bits_allocated)
);

DROP TABLE instance;
CREATE TABLE instance (
    instance_number BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    object_bytes BIGINT NOT NULL,
    format_id BIGINT NOT NULL,
    version INTEGER NOT NULL,
    latest INTEGER NOT NULL,
    frames BIGINT,
    instance_ref BYTEA NOT NULL,
    series_ref BYTEA NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    location BYTEA NOT NULL,
    sealed BYTEA
);
CREATE UNIQUE INDEX instance_by_reference ON instance (instance_ref, version);
CREATE INDEX instance_by_series ON instance (series_ref, instance_number) WHERE latest = 1;
";

/// Arrivals are looked up by their due time while nobody was told, events by their number, accession numbers by their studies.
/// The catalogue is emptied: the next start fills it from the packs, accession numbers included.
const EVENTS: &str = "
CREATE TABLE study_arrival (
    study_ref BYTEA NOT NULL,
    institution TEXT NOT NULL,
    location BYTEA NOT NULL,
    resting BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (study_ref)
);
CREATE INDEX study_arrival_by_due ON study_arrival (due_ms) WHERE resting = 0;
CREATE TABLE study_event (
    sequence BIGINT NOT NULL,
    institution TEXT NOT NULL,
    kind TEXT NOT NULL,
    study_ref BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    series_count BIGINT NOT NULL,
    instance_count BIGINT NOT NULL,
    PRIMARY KEY (sequence)
);
CREATE INDEX study_event_by_time ON study_event (at_ms);
CREATE TABLE study_accession (
    study_ref BYTEA NOT NULL,
    institution TEXT NOT NULL,
    accession BYTEA NOT NULL,
    shared BIGINT NOT NULL,
    PRIMARY KEY (study_ref)
);
CREATE INDEX study_accession_by_number ON study_accession (accession, shared, study_ref);
CREATE INDEX study_accession_shared ON study_accession (institution, accession, study_ref) WHERE shared = 1;
DELETE FROM patient;
DELETE FROM study;
DELETE FROM series;
DELETE FROM instance;
DELETE FROM search_term;
DELETE FROM pack_watermark;
";

/// One row, by which packs of another store are told from those that the catalogue was filled from.
const PACK_STORE: &str = "
CREATE TABLE pack_store (
    store TEXT NOT NULL,
    id BYTEA NOT NULL,
    PRIMARY KEY (store)
);
";

/// Up to which leaf of the audit log every destroyed study is gone from here. An older copy has an older leaf.
const REMOVED_MARK: &str = "
CREATE TABLE removed_mark (
    institution TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (institution)
);
";

/// A row for each store, with the number by which places name it. The one that is there is the first.
const STORE_NUMBERS: &str = "
ALTER TABLE pack_store ADD COLUMN number BIGINT NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX pack_store_by_number ON pack_store (number);
CREATE UNIQUE INDEX pack_store_by_id ON pack_store (id);
";

/// One row for each place outside that is told of events: the number up to which it has them.
const FEEDS: &str = "
CREATE TABLE event_feed (
    feed TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (feed)
);
";

/// How far each device has been told of the events of studies.
const AVAILABILITY: &str = "
CREATE TABLE availability_told (
    institution TEXT NOT NULL,
    ae_title TEXT NOT NULL,
    called_ae TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, ae_title, called_ae)
);
";

/// Versions that a store is about to give; a row goes when the catalogue has the instance.
const VERSION_CLAIMS: &str = "
CREATE TABLE version_claim (
    instance_ref BYTEA NOT NULL,
    version BIGINT NOT NULL,
    store BIGINT NOT NULL,
    PRIMARY KEY (instance_ref, version)
);
";

/// The node of each store, by which the others find it. Without an address it is not to be reached.
const NODES: &str = "
CREATE TABLE node (
    store BIGINT NOT NULL,
    address TEXT,
    certificate_sha256 BYTEA,
    PRIMARY KEY (store)
);
";

/// The origin of the audit log that belongs to a store, and which program its node started last.
const NODE_NAMES: &str = "
ALTER TABLE node ADD COLUMN log TEXT;
ALTER TABLE node ADD COLUMN program TEXT;
";

/// A question is looked up by its key, by its due time while something remains to be done, and by its owner.
const COMMITMENT_REQUESTS: &str = "
CREATE TABLE commitment_request (
    institution TEXT NOT NULL,
    transaction_uid TEXT NOT NULL,
    device TEXT NOT NULL,
    calling TEXT NOT NULL,
    owner TEXT NOT NULL,
    requested BYTEA NOT NULL,
    state TEXT NOT NULL,
    result BYTEA,
    fault TEXT,
    attempts BIGINT NOT NULL,
    began_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (institution, transaction_uid)
);
CREATE INDEX commitment_request_by_due ON commitment_request (state, due_ms, transaction_uid);
CREATE INDEX commitment_request_by_owner ON commitment_request (institution, owner, began_ms, transaction_uid);
";

/// What was noted once and is noted for each node now. `removed_mark`, which does not say of which log it is, is read by older programs only:
/// without a row here, destroyed studies are looked for by their tombstones. Arrivals of the first store stay where they were. What was removed is
/// noted for the nodes that do not know of it yet.
const EACH_NODE: &str = "
CREATE TABLE study_removed (
    study_ref BYTEA NOT NULL,
    made_ms BIGINT NOT NULL,
    PRIMARY KEY (study_ref, made_ms)
);
CREATE TABLE removed_until (
    institution TEXT NOT NULL,
    log TEXT NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (institution, log)
);
CREATE TABLE study_arrival_beside (
    study_ref BYTEA NOT NULL,
    store BIGINT NOT NULL,
    institution TEXT NOT NULL,
    location BYTEA NOT NULL,
    resting BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    PRIMARY KEY (study_ref, store)
);
CREATE INDEX study_arrival_beside_by_due ON study_arrival_beside (due_ms) WHERE resting = 0;
";

/// Reports of changes to workitems, numbered for each subscriber, and what serialises their writers. A subscriber has the number of its
/// last report and that of the channel that is open.
const REPORTS: &str = "
CREATE TABLE ups_roster (
    institution TEXT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (institution)
);
ALTER TABLE ups_subscriber ADD COLUMN reports BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ups_subscriber ADD COLUMN channel BIGINT NOT NULL DEFAULT 0;
CREATE TABLE ups_report (
    institution TEXT NOT NULL,
    ae_title TEXT NOT NULL,
    number BIGINT NOT NULL,
    told_ms BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (institution, ae_title, number)
);
CREATE INDEX ups_report_by_time ON ups_report (told_ms);
";

/// Jobs with devices, by whoever asked for them, by the store at which they run and by the time of their end; and the process of each store
/// that works on them.
const JOBS: &str = "
CREATE TABLE job_worker (
    store BIGINT NOT NULL,
    process BYTEA NOT NULL,
    beats BIGINT NOT NULL,
    PRIMARY KEY (store)
);
CREATE TABLE job (
    institution TEXT NOT NULL,
    id BYTEA NOT NULL,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    store BIGINT NOT NULL,
    process BYTEA NOT NULL,
    cancel_asked BIGINT NOT NULL,
    total BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    warning BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    began_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (institution, id)
);
CREATE INDEX job_by_owner ON job (institution, owner, began_ms, id);
CREATE INDEX job_by_store ON job (store) WHERE state = 'running';
CREATE INDEX job_by_end ON job (ended_ms);
";

/// Departments, who belongs to them or to a device, for which of them a device performs, and of what a study is. The tables are empty at
/// first, and while there is no department every rule is what it was.
const DEPARTMENTS: &str = "
CREATE TABLE department (
    institution TEXT NOT NULL,
    department TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (institution, department)
);
CREATE TABLE person_unit (
    institution TEXT NOT NULL,
    actor TEXT NOT NULL,
    unit TEXT NOT NULL,
    valid_from_ms BIGINT NOT NULL,
    valid_until_ms BIGINT NOT NULL,
    given_by TEXT NOT NULL,
    PRIMARY KEY (institution, actor, unit, valid_from_ms)
);
CREATE TABLE sender_department (
    institution TEXT NOT NULL,
    sender TEXT NOT NULL,
    department TEXT NOT NULL,
    PRIMARY KEY (institution, sender, department)
);
CREATE TABLE study_unit (
    study_ref BYTEA NOT NULL,
    unit TEXT NOT NULL,
    institution TEXT NOT NULL,
    PRIMARY KEY (study_ref, unit)
);
CREATE INDEX study_unit_by_unit ON study_unit (institution, unit, study_ref);
";

/// Dissents of patients and restrictions. A subject is a person, a department, or the persons who are named, as the kind says.
const DISSENTS: &str = "
CREATE TABLE dissent (
    institution TEXT NOT NULL,
    number BIGINT NOT NULL,
    patient_ref BYTEA NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    break_glass BIGINT NOT NULL,
    valid_from_ms BIGINT NOT NULL,
    valid_until_ms BIGINT NOT NULL,
    given_by TEXT NOT NULL,
    PRIMARY KEY (institution, number)
);
CREATE INDEX dissent_of_patient ON dissent (institution, patient_ref, valid_until_ms);
";

/// Consents of patients. `project` is empty where it is confined to none; `reference` is sealed; a consent that was withdrawn ends then.
const CONSENTS: &str = "
CREATE TABLE consent (
    institution TEXT NOT NULL,
    number BIGINT NOT NULL,
    patient_ref BYTEA NOT NULL,
    kind TEXT NOT NULL,
    project TEXT NOT NULL,
    form TEXT NOT NULL,
    giver TEXT NOT NULL,
    reference BYTEA NOT NULL,
    valid_from_ms BIGINT NOT NULL,
    valid_until_ms BIGINT NOT NULL,
    entered_by TEXT NOT NULL,
    withdrawn_ms BIGINT,
    withdrawn_by TEXT,
    PRIMARY KEY (institution, number)
);
CREATE INDEX consent_of_patient ON consent (institution, patient_ref, valid_until_ms);
";

/// The key of a study begins with the second in which it was made, so that an index answers the studies of a day the newest first. Terms
/// repeat the key. What an older program wrote is rewritten here; programs that do not know this key have to be stopped before.
macro_rules! key_by_time {
    () => {
        "(CASE WHEN s.study_time < 0 THEN 0 ELSE s.study_time / 1000000 + 1 END) * 70368744177664 \
         + (s.study_key >> 18) + 35184372088832"
    };
}

const SQLITE_BY_TIME: &str = concat!(
    "
CREATE TABLE search_term_by_time (
    term INTEGER NOT NULL,
    study_date INTEGER NOT NULL,
    study_key INTEGER NOT NULL,
    PRIMARY KEY (term, study_date, study_key)
) STRICT, WITHOUT ROWID;
INSERT INTO search_term_by_time SELECT t.term, t.study_date, ",
    key_by_time!(),
    " FROM search_term t CROSS JOIN study s WHERE s.study_key = t.study_key AND NOT s.study_date <> t.study_date \
     ON CONFLICT (term, study_date, study_key) DO NOTHING;
DROP TABLE search_term;
ALTER TABLE search_term_by_time RENAME TO search_term;
UPDATE study AS s SET study_key = ",
    key_by_time!(),
    ";
"
);

const POSTGRES_BY_TIME: &str = concat!(
    "
CREATE TABLE search_term_by_time (
    term BIGINT NOT NULL,
    study_date BIGINT NOT NULL,
    study_key BIGINT NOT NULL
);
INSERT INTO search_term_by_time SELECT DISTINCT t.term, t.study_date, ",
    key_by_time!(),
    " FROM search_term t JOIN study s ON s.study_key = t.study_key AND s.study_date = t.study_date;
DROP TABLE search_term;
ALTER TABLE search_term_by_time RENAME TO search_term;
ALTER TABLE search_term ADD CONSTRAINT search_term_pkey PRIMARY KEY (term, study_date, study_key);
UPDATE study AS s SET study_key = ",
    key_by_time!(),
    ";
"
);

#[cfg(test)]
mod tests {
    use crate::catalogue::studies;
    use crate::catalogue::{Page, StudyFilter, TimeOfDay, Visibility, study_key};
    use crate::{Database, DatabaseKind, Statement, Value};
    use yingdun_model::{InstitutionId, StudyRef};

    /// What the key of a study was before.
    fn key_before(study: StudyRef) -> i64 {
        i64::from_be_bytes(*study.as_bytes().first_chunk().unwrap()) ^ i64::MIN
    }

    /// Studies of one day, as an older program wrote them: in no order of time.
    fn older() -> Vec<(StudyRef, Option<TimeOfDay>)> {
        let time = |hour, minute| TimeOfDay::new(hour, minute, 30, 0);
        let studies =
            [(0xff, time(8, 0)), (0x00, time(23, 59)), (0x80, None), (0x7f, time(8, 1)), (0x01, time(0, 0))];
        studies.into_iter().map(|(byte, time)| (StudyRef::from_bytes([byte; 16]), time)).collect()
    }

    async fn written_by_an_older_program(database: &Database) {
        let mut statements = Vec::new();
        for (number, (study, time)) in older().into_iter().enumerate() {
            let time = time.map_or(-1, |time| i64::try_from(time.microseconds()).unwrap());
            let key = key_before(study);
            let row: Vec<Value> = vec![study.into(), time.into(), key.into(), format!("1.2.{number}").into()];
            statements.push(Statement::new(
                "INSERT INTO study (study_ref, institution, patient_ref, study_uid, study_date, study_time, grade, received_ms, \
                 series_count, instance_count, sealed, patient_conflict, study_key) \
                 VALUES ($1, 'renmin', $1, $4, 20261123, $2, 'L4', 1, 1, 1, $1, 0, $3)",
                row,
            ));
            for term in [7_i64, -7] {
                statements.push(Statement::new(
                    "INSERT INTO search_term (term, study_date, study_key) VALUES ($1, 20261123, $2)",
                    vec![term.into(), key.into()],
                ));
            }
        }
        statements.push(Statement::new("DELETE FROM schema_migration WHERE version >= 25", vec![]));
        database.execute(statements).await.unwrap();
    }

    async fn is_in_order(database: &Database) {
        let filter = StudyFilter::all(InstitutionId::new("renmin").unwrap(), Visibility::Institution);
        let rows = studies::search(database, &filter, Page::first(10)).await.unwrap();
        let times: Vec<_> = rows.iter().map(|row| row.time).collect();
        let mut sorted = times.clone();
        sorted.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!((times, rows.len()), (sorted, 5));
        let terms = database
            .query(Statement::new("SELECT study_key FROM search_term ORDER BY study_key", vec![]))
            .await;
        let terms: Vec<i64> = terms.unwrap().iter().map(|row| row.get_i64(0).unwrap()).collect();
        let mut keys: Vec<i64> =
            older().into_iter().flat_map(|(study, time)| [study_key(study, time); 2]).collect();
        keys.sort_unstable();
        assert_eq!(terms, keys);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_an_older_program_wrote_is_put_in_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.sqlite");
        let database = Database::open_sqlite(path.clone(), DatabaseKind::Catalogue).await.unwrap();
        written_by_an_older_program(&database).await;
        drop(database);
        is_in_order(&Database::open_sqlite(path, DatabaseKind::Catalogue).await.unwrap()).await;
        let Some(server) = yingdun_testkit::postgres_database() else { return };
        let database = Database::open_postgres(server.address(), DatabaseKind::Catalogue).await.unwrap();
        written_by_an_older_program(&database).await;
        is_in_order(&Database::open_postgres(server.address(), DatabaseKind::Catalogue).await.unwrap()).await;
    }
}
