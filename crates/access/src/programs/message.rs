//! Signed requests (HTTP Message Signatures, RFC 9421): what a signature says that it covers, whether that is enough, and whether it holds.
//! Pure functions.
//!
//! One signature, over a fixed least of components, in one strict spelling: what is signed is rebuilt from the request as it came and from
//! the address under which this server is known, never from what the request says of its own address.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;
use yingdun_crypto::public_key::PublicKey;
use yingdun_model::Timestamp;

/// How far the moment of a signature may be from ours, either way.
pub(crate) const CLOCK_SKEW_MAX: Duration = Duration::from_secs(60);
/// The longest header field of a signature.
const FIELD_BYTES_MAX: usize = 4096;
/// The most components that are covered.
const COMPONENTS_MAX: usize = 32;
/// The shortest and longest nonce.
const NONCE_BYTES: std::ops::RangeInclusive<usize> = 8..=128;

/// A request as far as a signature covers it.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The method.
    pub method: &'a str,
    /// Scheme, host and port by which this server is known, without a slash at the end.
    pub origin: &'a str,
    /// The path as it came.
    pub path: &'a str,
    /// The query as it came, without its mark.
    pub query: Option<&'a str>,
    /// Whether there is a body.
    pub has_body: bool,
    /// The value of a header field: all that came under its name, joined by commas. None where nothing came.
    pub field: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

/// Why a request is not taken as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFault {
    /// There is no signature.
    Unsigned,
    /// It is spelled otherwise than it has to be.
    Malformed,
    /// It does not cover all that it has to.
    Incomplete,
    /// It was made too long ago, or is of another day, or is over.
    Clock,
    /// The key is none of the account, or is over.
    UnknownKey,
    /// It does not hold.
    Signature,
    /// It came before.
    Replayed,
    /// The body is another one.
    Body,
}

impl MessageFault {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 8] = [
        Self::Unsigned,
        Self::Malformed,
        Self::Incomplete,
        Self::Clock,
        Self::UnknownKey,
        Self::Signature,
        Self::Replayed,
        Self::Body,
    ];

    /// The word in audit leaves and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "request-not-signed",
            Self::Malformed => "request-signature-malformed",
            Self::Incomplete => "request-signature-covers-too-little",
            Self::Clock => "request-signature-wrong-clock",
            Self::UnknownKey => "request-signature-unknown-key",
            Self::Signature => "request-signature-wrong",
            Self::Replayed => "replayed-request",
            Self::Body => "request-body-changed",
        }
    }
}

/// What a signature says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) key_id: String,
    pub(crate) nonce: String,
    algorithm: Option<String>,
    components: Vec<String>,
    /// As it came: the last line of what is signed.
    parameters: String,
    signature: Vec<u8>,
    created: Timestamp,
    expires: Option<Timestamp>,
}

impl Signed {
    /// Reads the signature of a message, and judges whether it covers what it has to and is of now.
    pub(crate) fn read(message: &Message<'_>, now: Timestamp) -> Result<Self, MessageFault> {
        let (Some(input), Some(signature)) =
            ((message.field)("signature-input"), (message.field)("signature"))
        else {
            return Err(MessageFault::Unsigned);
        };
        if input.len() > FIELD_BYTES_MAX || signature.len() > FIELD_BYTES_MAX {
            return Err(MessageFault::Malformed);
        }
        let signed = parse(&input, &signature).ok_or(MessageFault::Malformed)?;
        if !signed.is_complete(message) {
            return Err(MessageFault::Incomplete);
        }
        let is_now =
            signed.created <= now.after(CLOCK_SKEW_MAX) && now <= signed.created.after(CLOCK_SKEW_MAX);
        if !is_now || signed.expires.is_some_and(|expires| expires <= now) {
            return Err(MessageFault::Clock);
        }
        Ok(signed)
    }

    /// Whether it covers all that makes the request what it is: method, address, token, body and the kind of body.
    fn is_complete(&self, message: &Message<'_>) -> bool {
        let covers = |name: &str| self.components.iter().any(|component| component == name);
        let address = covers("@target-uri") || (covers("@authority") && covers("@path") && covers("@query"));
        let field = |name: &str| (message.field)(name).is_none() || covers(name);
        covers("@method")
            && address
            && field("authorization")
            && (!message.has_body || (covers("content-digest") && covers("content-type")))
    }

    /// Whether the signature holds.
    pub(crate) fn holds(&self, message: &Message<'_>, key: &PublicKey) -> bool {
        let algorithm = match key {
            PublicKey::Ed25519(_) => "ed25519",
            PublicKey::P256(_) => "ecdsa-p256-sha256",
        };
        // The key says how it is verified; what the message says may only agree.
        self.algorithm.as_deref().is_none_or(|stated| stated == algorithm)
            && self.base(message).is_some_and(|base| key.verifies(base.as_bytes(), &self.signature))
    }

    /// What is signed (RFC 9421 §2.5); none where a component is not there.
    fn base(&self, message: &Message<'_>) -> Option<String> {
        let authority = message.origin.split_once("://").map_or("", |(_, authority)| authority);
        let authority = authority.strip_suffix(":443").unwrap_or(authority).to_ascii_lowercase();
        let query = message.query.map_or_else(|| "?".to_owned(), |query| format!("?{query}"));
        let mut base = String::new();
        for component in &self.components {
            let value = match component.as_str() {
                "@method" => message.method.to_owned(),
                "@authority" => authority.clone(),
                "@scheme" => "https".to_owned(),
                "@target-uri" => {
                    let query = message.query.map_or_else(String::new, |query| format!("?{query}"));
                    format!("https://{authority}{}{query}", message.path)
                }
                "@path" => message.path.to_owned(),
                "@query" => query.clone(),
                name => (message.field)(name)?,
            };
            base.push_str(&format!("\"{component}\": {value}\n"));
        }
        base.push_str(&format!("\"@signature-params\": {}", self.parameters));
        Some(base)
    }
}

/// The SHA-256 that a message says its body has (RFC 9530); none where it says none, or several.
#[must_use]
pub fn body_digest(field: &str) -> Option<[u8; 32]> {
    let mut found = field.split(',').filter_map(|member| member.trim().strip_prefix("sha-256=:"));
    let (Some(encoded), None) = (found.next(), found.next()) else { return None };
    STANDARD.decode(encoded.strip_suffix(':')?).ok()?.try_into().ok()
}

// === helpers ===

/// Reads both fields, with one signature in each, under one label.
fn parse(input: &str, signature: &str) -> Option<Signed> {
    let (label, parameters) = input.split_once('=')?;
    let is_label = !label.is_empty()
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.*".contains(&b));
    let signature = signature.strip_prefix(label)?.strip_prefix("=:")?.strip_suffix(':')?;
    let signature = STANDARD.decode(signature).ok().filter(|_| is_label)?;
    let (components, mut rest) = parameters.strip_prefix('(')?.split_once(')')?;
    let components: Vec<String> = components.split(' ').map(component).collect::<Option<_>>()?;
    let mut sorted = components.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if components.len() > COMPONENTS_MAX || sorted.len() != components.len() {
        return None;
    }
    let (mut created, mut expires, mut nonce, mut key_id, mut algorithm, mut tag) =
        (None, None, None, None, None, None);
    while !rest.is_empty() {
        let (name, value) = rest.strip_prefix(';')?.split_once('=')?;
        let is_new = match name {
            "created" | "expires" => {
                let (number, behind) = integer(value)?;
                rest = behind;
                let slot = if name == "created" { &mut created } else { &mut expires };
                slot.replace(Timestamp::from_ms(number.checked_mul(1000)?)).is_none()
            }
            "nonce" | "keyid" | "alg" | "tag" => {
                let (text, behind) = string(value)?;
                rest = behind;
                let slot = match name {
                    "nonce" => &mut nonce,
                    "keyid" => &mut key_id,
                    "alg" => &mut algorithm,
                    _ => &mut tag,
                };
                slot.replace(text).is_none()
            }
            _ => return None,
        };
        if !is_new {
            return None;
        }
    }
    let nonce = nonce.filter(|nonce: &String| NONCE_BYTES.contains(&nonce.len()))?;
    Some(Signed {
        key_id: key_id?,
        nonce,
        algorithm,
        components,
        parameters: parameters.to_owned(),
        signature,
        created: created?,
        expires,
    })
}

/// A component without parameters of its own: one of the derived ones that are known, or the name of a field.
fn component(text: &str) -> Option<String> {
    let name = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_derived =
        matches!(name, "@method" | "@authority" | "@scheme" | "@target-uri" | "@path" | "@query");
    let is_field = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !matches!(name, "signature" | "signature-input");
    (is_derived || is_field).then(|| name.to_owned())
}

/// A whole number of seconds since 1970, and what stands behind it.
fn integer(text: &str) -> Option<(i64, &str)> {
    let end = text.find(';').unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let is_number = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| is_number)?, rest))
}

/// A text in quotation marks without any inside, and what stands behind it.
fn string(text: &str) -> Option<(String, &str)> {
    let (inner, rest) = text.strip_prefix('"')?.split_once('"')?;
    let is_legal = inner.bytes().all(|b| (b.is_ascii_graphic() || b == b' ') && b != b'\\');
    is_legal.then(|| (inner.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use yingdun_crypto::sign::SigningKey;

    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);
    const PARAMETERS: &str = r#"("@method" "@target-uri" "authorization");created=1800000000;nonce="a-nonce-of-its-own";keyid="k";alg="ed25519""#;

    struct Request {
        method: &'static str,
        path: String,
        fields: HashMap<String, String>,
        has_body: bool,
    }

    impl Request {
        fn new() -> Self {
            let fields = HashMap::from([("authorization".to_owned(), "Bearer t".to_owned())]);
            Self { method: "GET", path: "/dicom-web/studies".to_owned(), fields, has_body: false }
        }

        fn judged<T>(&self, judge: impl Fn(&Message<'_>) -> T) -> T {
            let field = |name: &str| self.fields.get(name).cloned();
            judge(&Message {
                method: self.method,
                origin: "https://Archive.example:443",
                path: &self.path,
                query: Some("limit=1"),
                has_body: self.has_body,
                field: &field,
            })
        }

        /// Signs by a base that was written by hand, not by what is tested.
        fn signed(mut self, key: &SigningKey, parameters: &str) -> Self {
            let base = format!(
                "\"@method\": {}\n\"@target-uri\": https://archive.example{}?limit=1\n\"authorization\": Bearer t\n\"@signature-params\": {parameters}",
                self.method, self.path
            );
            let signature = STANDARD.encode(key.sign(base.as_bytes()));
            self.fields.insert("signature-input".into(), format!("sig1={parameters}"));
            self.fields.insert("signature".into(), format!("sig1=:{signature}:"));
            self
        }
    }

    fn outcome(request: &Request, key: &SigningKey) -> Result<(), MessageFault> {
        let public = PublicKey::Ed25519(*key.verifying_key().as_bytes());
        request.judged(|message| {
            let signed = Signed::read(message, NOW)?;
            if signed.holds(message, &public) { Ok(()) } else { Err(MessageFault::Signature) }
        })
    }

    #[test]
    fn what_was_signed_holds_and_nothing_else_does() {
        let key = SigningKey::generate();
        let signed = || Request::new().signed(&key, PARAMETERS);
        assert_eq!(outcome(&signed(), &key), Ok(()));
        assert_eq!(outcome(&signed(), &SigningKey::generate()), Err(MessageFault::Signature));
        let moved = Request { path: "/dicom-web/series".into(), ..signed() };
        assert_eq!(outcome(&moved, &key), Err(MessageFault::Signature));
        let other = Request { method: "DELETE", ..signed() };
        assert_eq!(outcome(&other, &key), Err(MessageFault::Signature));
        let mut stolen = signed();
        stolen.fields.insert("authorization".into(), "Bearer other".into());
        assert_eq!(outcome(&stolen, &key), Err(MessageFault::Signature));
        assert_eq!(outcome(&Request::new(), &key), Err(MessageFault::Unsigned));
    }

    #[test]
    fn a_signature_covers_method_address_token_and_body_or_is_none() {
        let key = SigningKey::generate();
        let with =
            |from: &str, to: &str| outcome(&Request::new().signed(&key, &PARAMETERS.replace(from, to)), &key);
        assert_eq!(with(r#""@method" "#, ""), Err(MessageFault::Incomplete));
        assert_eq!(with(r#" "authorization""#, ""), Err(MessageFault::Incomplete));
        assert_eq!(with("@target-uri", "@path"), Err(MessageFault::Incomplete));
        let body = Request { has_body: true, ..Request::new().signed(&key, PARAMETERS) };
        assert_eq!(outcome(&body, &key), Err(MessageFault::Incomplete));
    }

    #[test]
    fn a_signature_is_of_now_names_a_nonce_and_a_key_and_agrees_with_it() {
        let key = SigningKey::generate();
        let with =
            |from: &str, to: &str| outcome(&Request::new().signed(&key, &PARAMETERS.replace(from, to)), &key);
        for (created, expected) in [
            ("1799999940", Ok(())),
            ("1799999939", Err(MessageFault::Clock)),
            ("1800000060", Ok(())),
            ("1800000061", Err(MessageFault::Clock)),
        ] {
            assert_eq!(with("1800000000", created), expected, "{created}");
        }
        assert_eq!(with(";alg=", ";expires=1800000000;alg="), Err(MessageFault::Clock));
        assert_eq!(with(r#"alg="ed25519""#, r#"alg="hmac-sha256""#), Err(MessageFault::Signature));
        for (from, to) in [
            (";nonce=\"a-nonce-of-its-own\"", ""),
            (";keyid=\"k\"", ""),
            ("created=1800000000", "created=soon"),
            (";created=1800000000", ""),
            ("\"@method\"", "\"@method\";req"),
            ("\"@method\"", "\"@method\" \"@method\""),
            ("\"@method\"", "\"@status\""),
            (";keyid=\"k\"", ";keyid=\"k\";keyid=\"l\""),
            ("a-nonce-of-its-own", "short"),
            (";keyid", ";unknown=\"x\";keyid"),
        ] {
            assert_eq!(with(from, to), Err(MessageFault::Malformed), "{from} {to}");
        }
    }

    #[test]
    fn a_body_has_one_digest() {
        let encoded = STANDARD.encode([7; 32]);
        assert_eq!(body_digest(&format!("sha-256=:{encoded}:")), Some([7; 32]));
        assert_eq!(body_digest(&format!("sha-512=:AA==:, sha-256=:{encoded}:")), Some([7; 32]));
        assert_eq!(body_digest(&format!("sha-256=:{encoded}:, sha-256=:{encoded}:")), None);
        for wrong in ["", "sha-256=", "sha-256=:AA==:", "md5=:AA==:"] {
            assert_eq!(body_digest(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_signature_or_none(input in ".{0,200}", signature in ".{0,100}") {
            prop_assert!(parse(&input, &signature).is_none_or(|signed| signed.parameters.len() < input.len()));
        }
    }
}
