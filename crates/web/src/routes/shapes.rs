//! The forms of texts that the API takes, and its words. Each form is at least as narrow as what its handler reads, so that what
//! the description allows is not refused for its form behind the gate; words come from the crates that own them.

use super::schema::Shape;
use crate::limits::STUDIES_TYPED_CHARACTERS_MAX;
use yingdun_access::{CredentialKind, Demand, LOCAL_BYTES_MAX, SAMPLE_FILTERS_CHARACTERS_MAX, Scope};
use yingdun_archive::KEY_TITLES;
use yingdun_audit::{EventKind, Outcome};
use yingdun_model::{
    Action, ActorKind, AlertVerdict, BreakGlassReason, Grade, MaintenanceScope, PerformedState,
    ReviewVerdict, Role, StatedReason, StepState,
};

const fn shape(
    name: &'static str,
    characters_max: usize,
    pattern: &'static str,
    example: &'static str,
) -> Shape {
    Shape { pattern, characters_max, name, example }
}

/// An IPv4 address.
macro_rules! ip_4 {
    () => {
        "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}"
    };
}

/// An IPv6 address.
macro_rules! ip_6 {
    () => {
        concat!(
            "(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}",
            "|(?:[0-9a-fA-F]{1,4}:){1,7}:",
            "|(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,1}",
            "|(?:[0-9a-fA-F]{1,4}:){1,5}(?::[0-9a-fA-F]{1,4}){1,2}",
            "|(?:[0-9a-fA-F]{1,4}:){1,4}(?::[0-9a-fA-F]{1,4}){1,3}",
            "|(?:[0-9a-fA-F]{1,4}:){1,3}(?::[0-9a-fA-F]{1,4}){1,4}",
            "|(?:[0-9a-fA-F]{1,4}:){1,2}(?::[0-9a-fA-F]{1,4}){1,5}",
            "|(?:[0-9a-fA-F]{1,4}:){1,1}(?::[0-9a-fA-F]{1,4}){1,6}",
            "|::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?",
        )
    };
}

/// Declares forms, and the list of them that is compiled.
macro_rules! shapes {
    ($($(#[doc = $doc:literal])* $id:ident = $shape:expr;)+) => {
        $($(#[doc = $doc])* pub(crate) const $id: Shape = $shape;)+

        /// Every form, for who compiles them.
        pub(crate) const ALL: &[Shape] = &[$($id),+];
    };
}

shapes! {
    /// A UID as the archive knows it: also one that breaks PS3.5 §9, if it came in an object.
    UID = shape("a UID", 64, "^[0-9.]*[0-9][0-9.]*$", "1.2.840.10008.1.2.1");
    /// The number of a mark in a picture, as somebody copies it.
    MARK_NUMBER = shape("the number of a mark", 32, "^(?:[Ww][Mm])?(?:[ -]?[0-9A-Za-z]){12}$", "WM-V07S-1TC3-63AY");
    /// A tag: group and element.
    TAG = shape("a tag of eight hexadecimal digits", 8, "^[0-9A-Fa-f]{8}$", "00100020");
    /// The number of a pack.
    HEX_16 = shape("16 hexadecimal digits", 16, "^[0-9a-fA-F]{16}$", "00000000000000a1");
    /// A reference.
    HEX_32 = shape("32 hexadecimal digits", 32, "^[0-9a-f]{32}$", "000102030405060708090a0b0c0d0e0f");
    /// 32 bytes.
    HEX_64 = shape(
        "64 hexadecimal digits", 64, "^[0-9a-fA-F]{64}$",
        "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
    );
    /// A digest, also as OpenSSL prints it.
    DIGEST = shape(
        "64 hexadecimal digits", 95, "^[0-9a-fA-F]{2}(?::?[0-9a-fA-F]{2}){31}$",
        "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
    );
    /// A day.
    DAY = shape("a day as YYYYMMDD", 8, "^[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])$", "20261123");
    /// The name of an account: 64 bytes of UTF-8 without blanks.
    NAME = shape(
        "a name of 1 to 64 bytes without blanks", 64,
        "^(?:[!-~]{1,64}|[!-~\\u00A1-\\u167F\\u3001-\\uD7FF]{1,21})$", "wang"
    );
    /// The short name of a department.
    DEPARTMENT = shape(
        "1 to 32 lower-case letters, digits and inner hyphens", 32, "^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$", "radiology"
    );
    /// An AE title without its padding.
    AE_TITLE = shape(
        "an AE title of 1 to 16 characters", 16, "^[!-\\[\\]-~](?:[ -\\[\\]-~]{0,14}[!-\\[\\]-~])?$", "CT01"
    );
    /// Frame numbers.
    FRAMES = shape("frame numbers from 1, parted by commas", 8192, "^[1-9][0-9]{0,8}(?:,[1-9][0-9]{0,8})*$", "1,2");
    /// A patient ID: 64 characters of up to four bytes.
    PATIENT_ID = shape(
        "a patient ID of 1 to 64 characters", 64, "^[^\\s\\x00-\\x1F\\x7F-\\x9F][^\\x00-\\x1F\\x7F-\\x9F]*$", "4711"
    );
    /// Who gave a patient ID, or nobody.
    ISSUER = shape("at most 64 characters", 64, "^[^\\x00-\\x1F\\x7F-\\x9F]*$", "");
    /// A reason in words.
    WORDS = shape("words, at most 500 characters", 500, "^[^\\x00]*[^\\s\\x00][^\\x00]*$", "second opinion");
    /// Rules of an institution. The most bytes are the most characters here: who reads them counts bytes.
    RULES = shape("rules of at most 32 KiB", LOCAL_BYTES_MAX, "^[^\\x00]*$", "// None.");
    /// By what a provider knows somebody (OpenID Connect §2: ASCII, 255 characters).
    SUBJECT = shape("1 to 255 printable characters of ASCII", 255, "^[ -~]{1,255}$", "248289761001");
    /// A password that is set: at most 256 bytes.
    NEW_PASSWORD = shape(
        "a password of at least 12 characters and at most 256 bytes", 256,
        "^(?:[ -~]{12,256}|[\\u0001-\\uD7FF]{12,85}|[^\\x00]{12,64})$", "correct horse battery staple"
    );
    /// A page of our own to go on to.
    PAGE = shape("an address without control characters", 4096, "^[^\\x00-\\x1F\\x7F-\\x9F]*$", "/console/studies");
    /// Something that is looked up whole.
    ANYTHING = shape("1 to 4096 characters", 4096, "^[^\\x00]+$", "2YotnFZFEjr1zCsicMWpAA");
    /// Attributes in an address.
    FIELDS = shape("keywords or tags, parted by commas", 1024, "^[0-9A-Za-z.,]*$", "00081030");
    /// UIDs in an address.
    UIDS = shape("UIDs, parted by commas", 2048, "^[0-9.,*\\\\]*$", "1.2.840.10008.1.2.1");
    /// What people call something.
    TITLE = shape("1 to 64 characters", 64, "^[^\\x00-\\x1F\\x7F-\\x9F]*[^\\s\\x00-\\x1F\\x7F-\\x9F][^\\x00-\\x1F\\x7F-\\x9F]*$", "外科");
    /// An issuer of tokens, as it names itself.
    TOKEN_ISSUER = shape("an https address", 255, "^https://[!-~]{1,247}$", "https://sso.hospital.example/realms/hospital");
    /// What an issuer calls a program.
    ISSUED_NAME = shape("1 to 255 characters of ASCII without blanks", 255, "^[!-~]{1,255}$", "portal");
    /// A certificate or key, perhaps behind what programs print before it. One of many names is longer than other texts.
    PEM = shape(
        "one certificate or public key in PEM", 16 * 1024,
        "^[^\\x00]*-----BEGIN [A-Z ]{1,32}-----[^\\x00]*$",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"
    );
    /// What a browser brings back of a passkey, in a form, which has no room for more.
    PASSKEY = shape("what the browser brings back, as JSON", 16 * 1024, "^[^\\x00]*$", "{}");
    /// Where a page begins.
    CURSOR = shape(
        "what the last page gave as the next one", 1024,
        r"^before-[0-9]{1,15}-in-[0-9a-f]{16}(?:\.before-[0-9]{1,15}-in-[0-9a-f]{16}){0,15}$", "before-100-in-0011223344556677"
    );
    /// The query of a search, as an address has it.
    SEARCH_QUERY = shape("the query of a search", SAMPLE_FILTERS_CHARACTERS_MAX, "^[!-~]*$", "kind=stored");
    /// A record, by its number and the name of its log.
    AUDIT_RECORD = shape("`number@log`", 216, "^[0-9]{1,15}@[!-~]{1,200}$", "12@renmin/audit");
    /// The name of a list of the console.
    LIST_NAME = shape("the name of a list", 24, "^[a-z]+(?:-[a-z]+)*$", "studies");
    /// What somebody types into one box.
    TYPED = shape(
        "at most 8 words of 64 characters, without wildcards", STUDIES_TYPED_CHARACTERS_MAX,
        concat!(
            "^[ \\u3000]*(?:[^\\s*?\\x00-\\x1F\\x7F-\\x9F]{1,64}",
            "(?:[ \\u3000]+[^\\s*?\\x00-\\x1F\\x7F-\\x9F]{1,64}){0,7}[ \\u3000]*)?$"
        ),
        "zs ct 2026-11"
    );
    /// The code of a modality.
    MODALITY = shape("a code of 1 to 16 capital letters, digits, blanks or _", 16, "^[A-Z0-9_][A-Z0-9_ ]*$", "CT");
    /// Where a page of studies begins.
    STUDY_CURSOR = shape(
        "what the last page gave as the next one", 49, r"^-?[0-9]{1,9}\.(?:[0-7]?[0-9]{1,4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|8640[01])\.[0-9a-f]{32}$",
        "20261121.36901.000102030405060708090a0b0c0d0e0f"
    );
    /// An address or a network.
    ADDRESS = shape(
        "any, or an address or a network", 49,
        concat!("^(?:any|", ip_4!(), "(?:/(?:3[0-2]|[12]?[0-9]))?|(?:", ip_6!(), ")(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$"),
        "192.0.2.0/24"
    );
    /// Where a device takes calls.
    DESTINATION = shape(
        "host:port, or plain://host:port", 280,
        concat!(
            "^(?:plain://)?(?:[A-Za-z0-9._-]{1,253}|\\[(?:", ip_6!(), ")\\]):",
            "(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})$"
        ),
        "ct01.example:11112"
    );
    /// A day or moment, with a prefix of FHIR.
    FHIR_DATE = shape(
        "a day or moment as in ge2026-11-22 or lt2026-11-22T08:00:00Z", 40,
        "^(?:ge|gt|le|lt|eq)?(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-9]|3[01])(?:T[0-9:.]{5,15}(?:Z|[+-][0-9]{2}:[0-9]{2}))?$",
        "ge2026-11-22"
    );
    /// An identifier of FHIR: the name of its system and a bar, or nothing, and the value.
    IDENTIFIER = shape("an identifier, perhaps behind its system and a bar", 200, "^(?:[!-{}~]{1,100}[|])?[!-{}~]{1,64}$", "000102030405060708090a0b0c0d0e0f");
    /// Points of a line over a picture.
    POINTS = shape(
        "points as x,y parted by blanks, 96 at most", 2400,
        r"^-?[0-9]{1,6}(?:\.[0-9]{1,4})?,-?[0-9]{1,6}(?:\.[0-9]{1,4})?(?: -?[0-9]{1,6}(?:\.[0-9]{1,4})?,-?[0-9]{1,6}(?:\.[0-9]{1,4})?){0,95}$",
        "12.5,40 80,40"
    );
    /// A line of words over a picture.
    DRAWN_WORDS = shape("at most 48 characters", 48, "^[^\\x00-\\x1F\\x7F-\\x9F]*$", "12.5 mm");
    /// A window.
    WINDOW = shape(
        "center,width and perhaps a function", 80,
        r"^-?[0-9]{1,9}(?:\.[0-9]{1,9})?,[0-9]{1,9}(?:\.[0-9]{1,9})?(?:,(?:linear|linear-exact|sigmoid))?$", "40,400"
    );
    /// A part of a frame.
    REGION = shape(
        "left,top,columns,rows in pixels", 23, "^[0-9]{1,5},[0-9]{1,5},[1-9][0-9]{0,4},[1-9][0-9]{0,4}$", "0,0,512,512"
    );
    /// A whole number of 64 bits, as text.
    NUMBER = shape("a number", 20, "^[0-9]{1,20}$", "1");
}

/// Roles that people may have: all but the last three, of devices, services and the archive itself.
#[allow(clippy::arithmetic_side_effects, reason = "in a constant, less than none does not compile")]
pub(crate) const ROLES_OF_PEOPLE: &[&str] = ROLES.split_at(ROLES.len() - 3).0;

/// The words of an enumeration, from the crate that owns it.
macro_rules! words {
    ($($(#[doc = $doc:literal])* $id:ident = $of:ty;)+) => {
        $($(#[doc = $doc])*
        #[allow(clippy::indexing_slicing, reason = "in a constant, what lies beyond the end does not compile")]
        pub(crate) const $id: &[&str] = &{
            let mut words = [""; <$of>::ALL.len()];
            let mut at = 0;
            while at < words.len() {
                words[at] = <$of>::ALL[at].as_str();
                at += 1;
            }
            words
        };)+
    };
}

words! {
    /// Roles.
    ROLES = Role;
    /// What is made of a picture.
    COPY_KINDS = yingdun_access::CopyKind;
    /// What a viewer saw.
    SIGNALS = crate::api::signals::SignalKind;
    /// What a program or a device may be let.
    SCOPES = Scope;
    /// Grades of protection.
    GRADES = Grade;
    /// Kinds of actors.
    ACTOR_KINDS = ActorKind;
    /// Actions that are decided.
    ACTIONS = Action;
    /// Kinds of events.
    EVENT_KINDS = EventKind;
    /// How they end.
    OUTCOMES = Outcome;
    /// States of a scheduled step.
    STEP_STATES = StepState;
    /// States of a performed step.
    PERFORMED_STATES = PerformedState;
    /// Verdicts over an alert.
    ALERT_VERDICTS = AlertVerdict;
    /// Verdicts of a review.
    REVIEW_VERDICTS = ReviewVerdict;
    /// Why glass is broken.
    BREAK_GLASS_REASONS = BreakGlassReason;
    /// Why somebody opens a patient.
    STATED_REASONS = StatedReason;
    /// What a service client is known by.
    CREDENTIAL_KINDS = CredentialKind;
    /// What is demanded of it.
    DEMANDS = Demand;
    /// What a maintenance session opens.
    MAINTENANCE_SCOPES = MaintenanceScope;
}

/// Why images are key images, by the codes of CID 7010.
#[allow(clippy::indexing_slicing, reason = "in a constant, what lies beyond the end does not compile")]
pub(crate) const KEY_IMAGE_TITLES: &[&str] = &{
    let mut codes = [""; KEY_TITLES.len()];
    let mut at = 0;
    while at < codes.len() {
        codes[at] = KEY_TITLES[at].0;
        at += 1;
    }
    codes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_people_are_all_but_those_of_devices_services_and_the_archive() {
        let others: Vec<&str> =
            ROLES.iter().copied().filter(|role| !ROLES_OF_PEOPLE.contains(role)).collect();
        assert_eq!(others, [Role::Device, Role::Service, Role::System].map(Role::as_str));
    }
}
