//! What the routes of the console answer, to the last member: programs make their types of it.

use super::schema::{Schema, record};
use super::shapes;
use super::words::{Parameter, Place};
use crate::api::overview::SEVERITIES;
use crate::api::study_search::STATES;
use serde_json::Value;
use yingdun_archive::IntegrityState;

/// The rows of the list of studies.
pub(crate) fn studies() -> Value {
    record(&[
        has("studies", LIST_OF_STUDIES, "The studies, the newest first"),
        has("next", Schema::OrNull(&Schema::Shaped(&shapes::STUDY_CURSOR)), "The cursor of the next page"),
        has("whole", Schema::Flag, "Whether everything was looked at that could be on this page"),
        has("read_as", READ_AS, "What each word that is no date was taken for, in their order"),
    ])
}

/// The overview of an office.
pub(crate) fn overview() -> Value {
    record(OVERVIEW)
}

/// What is known of a study as a thing that is kept.
pub(crate) fn integrity() -> Value {
    record(&[
        has("study_uid", Schema::Uid, "Study Instance UID"),
        has("grade", Schema::Word(shapes::GRADES), "How sensitive it is"),
        has("received_ms", Schema::Number, "When its first object came"),
        has("instances", Schema::Number, "How many objects it has"),
        has(
            "state",
            Schema::Word(IntegrityState::WORDS),
            "checked: every copy was read from end to end since the newest object came, and nothing is wrong with any; not-checked-yet; \
             under-repair: something is wrong with a copy of the store, which need not be of this study; unknown: it lies on another node",
        ),
        has("checked_ms", NUMBER_OR_NULL, "When the check ended that says so"),
    ])
}

// === helpers ===

const fn has(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Body, schema, required: true, meaning }
}

const fn may_have(name: &'static str, schema: Schema, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Body, schema, required: false, meaning }
}

const TEXT_OR_NULL: Schema = Schema::OrNull(&Schema::Text);
const NUMBER_OR_NULL: Schema = Schema::OrNull(&Schema::Number);
const READ_AS: Schema = Schema::List(&Schema::List(&Schema::Word(READ_AS_WORDS), 4), 8);
const READ_AS_WORDS: &[&str] = &["patient-name", "patient-id", "accession-number", "modality"];
const LIST_OF_STUDIES: Schema = Schema::List(&Schema::Record(STUDY), 200);

const STUDY: &[Parameter] = &[
    has("study_uid", Schema::Uid, "Study Instance UID"),
    has("patient", Schema::Record(PATIENT), "The patient, as far as the role is shown it"),
    has("modalities", Schema::List(&Schema::Text, 64), "Modalities of its series"),
    has("description", TEXT_OR_NULL, "Study Description"),
    has("date", TEXT_OR_NULL, "Study Date, YYYY-MM-DD"),
    has("time", TEXT_OR_NULL, "Study Time, HH:MM:SS, by the clocks of the place where it was made"),
    has("accession_number", TEXT_OR_NULL, "Accession Number"),
    has("series", NUMBER_OR_NULL, "How many series"),
    has("instances", NUMBER_OR_NULL, "How many instances"),
    has("grade", Schema::Word(shapes::GRADES), "How sensitive it is"),
    has("patient_conflict", Schema::Flag, "Whether one of its instances names another patient"),
    has(
        "state",
        Schema::Word(STATES),
        "What would become of opening it now: readable; timed, by a grant or a consultation; emergency, as the glass is broken; second-factor, \
         which opens it; stopped, see `reason`",
    ),
    has("reason", Schema::Text, "On what that rests, in the words of the audit log"),
    has(
        "until_ms",
        NUMBER_OR_NULL,
        "The first moment at which it opens no more, where what it rests on ends by itself",
    ),
];

const PATIENT: &[Parameter] = &[
    has("name", Schema::Record(NAME), "Patient's Name"),
    has("id", TEXT_OR_NULL, "Patient ID"),
    has("issuer", TEXT_OR_NULL, "Issuer of Patient ID"),
    has("birth_date", TEXT_OR_NULL, "Patient's Birth Date, YYYY-MM-DD"),
    has("sex", TEXT_OR_NULL, "Patient's Sex"),
    has("age", TEXT_OR_NULL, "Patient's Age at the examination, such as 045Y"),
];

const NAME: &[Parameter] = &[
    has("alphabetic", TEXT_OR_NULL, "In letters, components parted by ^"),
    has("ideographic", TEXT_OR_NULL, "In characters"),
    has("phonetic", TEXT_OR_NULL, "As it is spoken"),
];

const OVERVIEW: &[Parameter] = &[
    has("role", Schema::Word(shapes::ROLES), "Whose overview it is"),
    has("at_ms", Schema::Number, "When it was made"),
    has("missing", Schema::List(&Schema::Text, 16), "Parts that could not be made now"),
    has("health", Schema::Record(HEALTH), "What has to be looked after"),
    may_have("accesses", Schema::Record(ACCESSES), "Accesses and refusals in the log of this node"),
    may_have("audit", Schema::Record(AUDIT), "The log of this node"),
    may_have("storage", Schema::Record(STORAGE), "The replicas"),
    may_have(
        "certificates",
        Schema::List(&Schema::Record(CERTIFICATE), 16),
        "Certificates of the doors, what ends first before the others",
    ),
    may_have("keys", Schema::Record(KEYS), "Keys, in numbers"),
    may_have("reviews", Schema::Record(REVIEWS), "Broken glass that waits for its review"),
    may_have("alerts", Schema::Record(ALERTS), "Alerts at which nobody has looked"),
    may_have(
        "reasons",
        Schema::Record(&[has("waiting", Schema::Number, "How many")]),
        "Stated reasons that nobody has reviewed",
    ),
    may_have(
        "approvals",
        Schema::List(&Schema::Record(APPROVAL), 4096),
        "What waits for a second person in this office",
    ),
    may_have("jobs", Schema::List(&Schema::Record(JOB), 1024), "What the archive works on by itself"),
];

const HEALTH: &[Parameter] = &[
    has("status", Schema::Word(&["ready", "attention", "not-ready"]), "Whether it serves"),
    has("parts", Schema::List(&Schema::Text, 16), "Which parts need somebody"),
];

const ACCESSES: &[Parameter] = &[
    has("log", Schema::Text, "The name of the log"),
    has("logs", Schema::Number, "How many logs the installation has: one for each node"),
    has("whole", Schema::Flag, "Whether every leaf was counted"),
    has("today", Schema::Record(TODAY), "Since midnight of the institution"),
    has(
        "week",
        Schema::List(&Schema::Record(DAY), 7),
        "The last seven days by hours, the oldest first and today last",
    ),
];

const TODAY: &[Parameter] = &[
    has("begins_ms", Schema::Number, "Midnight"),
    has("stretch_ms", Schema::Number, "How long one number is about"),
    has(
        "accesses",
        Schema::List(&Schema::Number, 300),
        "Decisions that opened content, in each stretch until now",
    ),
    has("refusals", Schema::List(&Schema::Number, 300), "Whatever was refused, in each stretch until now"),
];

const DAY: &[Parameter] = &[
    has("date", Schema::Text, "YYYY-MM-DD"),
    has("begins_ms", Schema::Number, "Midnight"),
    has("accesses", Schema::List(&Schema::Number, 24), "Decisions that opened content, by the hour"),
    has("refusals", Schema::List(&Schema::Number, 24), "Whatever was refused, by the hour"),
];

const AUDIT: &[Parameter] = &[
    has("log", Schema::Text, "Its name"),
    has("leaves", Schema::Number, "How many leaves it has"),
    has("signed_leaves", Schema::Number, "How many of them the newest checkpoint covers"),
    has("root", Schema::Shaped(&shapes::HEX_64), "Root hash of that checkpoint"),
    has("accepting", Schema::Flag, "Whether it takes leaves; nothing opens while it does not"),
    has("indexed_leaves", NUMBER_OR_NULL, "How many leaves the index knows"),
    has("heartbeat_age_s", NUMBER_OR_NULL, "How old the last heartbeat is"),
    has("reconciled_age_s", NUMBER_OR_NULL, "How long ago it was compared with what was counted"),
    has("complete", Schema::OrNull(&Schema::Flag), "What came of that"),
    has("discrepancies", NUMBER_OR_NULL, "How much did not agree"),
];

const STORAGE: &[Parameter] = &[
    has("writable", Schema::Flag, "Whether a record would be taken now"),
    has("write_quorum", Schema::Number, "Replicas on which a record must be durable"),
    has("packs", Schema::Number, "Packs"),
    has("bytes", Schema::Number, "Bytes of one copy of everything"),
    has("replicas", Schema::List(&Schema::Record(REPLICA), 64), "Each replica"),
    has("offsite", Schema::List(&Schema::Record(OFFSITE), 64), "Each off-site replica"),
];

const REPLICA: &[Parameter] = &[
    has("label", Schema::Text, "Its name"),
    has("failure_domain", Schema::Text, "With which others it is lost"),
    has(
        "state",
        Schema::Word(&["ready", "full", "missing", "failed", "draining", "drained"]),
        "Whether it takes writes",
    ),
    has("free_bytes", Schema::Number, "Bytes free"),
    has("lag_bytes", Schema::Number, "Bytes acknowledged and not yet durable there"),
    has("quarantined", Schema::Number, "Packs with bytes that are not trusted"),
    has("awaiting_repair", Schema::Number, "Packs that are missing or incomplete there"),
    has("scrub_checked_bytes", Schema::Number, "Bytes that the running pass has checked"),
    has("scrub_bytes_left", Schema::Number, "Bytes that it has before it"),
    has("scrub_ended_ms", NUMBER_OR_NULL, "When the last full pass was through"),
    has("scrub_found", NUMBER_OR_NULL, "Faults that it found and that were repaired"),
    has("lost", Schema::Number, "Records of which no good copy was found"),
];

const OFFSITE: &[Parameter] = &[
    has("label", Schema::Text, "Its name"),
    has("behind", Schema::Flag, "Whether it is too far behind"),
    has("lag_packs", Schema::Number, "Packs that are not whole there"),
    has("lag_seconds", Schema::Number, "For how long something has been missing there"),
];

const CERTIFICATE: &[Parameter] =
    &[has("subject", Schema::Text, "Its subject"), has("not_after_ms", Schema::Number, "When it ends")];

const KEYS: &[Parameter] = &[
    has("patients", Schema::Number, "Patients with a key"),
    has("studies", Schema::Number, "Studies with a key"),
    has("keys_left", Schema::Number, "Keys wrapped under versions that were replaced"),
    has("epoch", Schema::Number, "The epoch"),
    has("keks", Schema::List(&Schema::Record(KEK), 64), "Key-encryption keys that wrap now"),
];

const KEK: &[Parameter] = &[
    has("grade", Schema::Word(shapes::GRADES), "For which grade"),
    has("version", Schema::Number, "Its number"),
    has("created_ms", Schema::Number, "When it was made"),
    has("due_ms", Schema::Number, "When it is to be replaced"),
    has("is_due", Schema::Flag, "Whether it is to be replaced now"),
    has("uses", Schema::Number, "How many keys it has wrapped"),
];

const REVIEWS: &[Parameter] = &[
    has("waiting", Schema::Number, "Cases without a review"),
    has("overdue", Schema::Number, "Those that have waited too long"),
    has("first", Schema::List(&Schema::Record(REVIEW), 20), "What is due first"),
];

const REVIEW: &[Parameter] = &[
    has("case", Schema::Number, "Number of the case"),
    has("name", Schema::Text, "Who broke the glass"),
    has("code", Schema::Text, "Why"),
    has("given_ms", Schema::Number, "When"),
    has("due_ms", NUMBER_OR_NULL, "Until when it is to be reviewed"),
    has("overdue", Schema::Flag, "Whether that is over"),
    has("open", Schema::Flag, "Whether it opens something now"),
];

const ALERTS: &[Parameter] = &[
    has("waiting", Schema::Number, "How many"),
    has("high", Schema::Number, "Those that stop somebody now, or tell of the log or a decoy"),
    has("medium", Schema::Number, "Limits, emergencies, odd places"),
    has("low", Schema::Number, "Scores and notes"),
    has("first", Schema::List(&Schema::Record(ALERT), 20), "What asks most for somebody"),
];

const ALERT: &[Parameter] = &[
    has("alert", Schema::Number, "Its number"),
    has("severity", Schema::Word(SEVERITIES), "How much it asks for somebody"),
    has("kind", Schema::Text, "What was noticed"),
    has("step", Schema::Text, "What was done"),
    has("name", Schema::Text, "About whom"),
    has("at_ms", Schema::Number, "When"),
    has("stops", Schema::Flag, "Whether it stops something now"),
];

const APPROVAL: &[Parameter] = &[
    has(
        "kind",
        Schema::Word(&["policy", "policy-activation", "destruction", "hold-release", "maintenance"]),
        "What it is",
    ),
    has("id", Schema::Text, "By what its own routes name it"),
    has("by", Schema::Text, "Who asked"),
    has("since_ms", Schema::Number, "Since when it waits"),
    has("own", Schema::Flag, "Whether the asker asked for it, and cannot approve it"),
];

const JOB: &[Parameter] = &[
    has("kind", Schema::Word(&["scrub", "compaction", "rewrap", "destruction"]), "What it is"),
    has("what", TEXT_OR_NULL, "On what"),
    has("done", Schema::Number, "How much is done"),
    has("total", Schema::Number, "Of how much"),
    has("unit", Schema::Word(&["bytes", "packs", "keys", "instances"]), "What is counted"),
    has("began_ms", NUMBER_OR_NULL, "When it began"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use yingdun_archive::ReadAs;

    #[test]
    fn every_part_is_typed_to_the_last_member() {
        for schema in [studies(), overview(), integrity()] {
            assert_typed(&schema, "");
        }
        assert_eq!(READ_AS_WORDS, ReadAs::ALL.map(ReadAs::as_str));
    }

    /// Every object says its members, but for what the monitor says in its own words.
    fn assert_typed(schema: &Value, at: &str) {
        match schema {
            Value::Object(members) => {
                let is_object = members.get("type") == Some(&json!("object"));
                assert!(!is_object || members.contains_key("properties") || at.contains("notice"), "{at}");
                members.iter().for_each(|(name, value)| assert_typed(value, &format!("{at}/{name}")));
            }
            Value::Array(values) => values.iter().for_each(|value| assert_typed(value, at)),
            _ => {}
        }
    }
}
