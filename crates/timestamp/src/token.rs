//! Requests and tokens of RFC 3161: what is asked, and whether what comes is an answer to it. No I/O.

use crate::der::{
    BOOLEAN, CONTEXT_0, Element, GENERALIZED_TIME, INTEGER, NULL, OBJECT, OCTET_STRING, Reader, SEQUENCE,
    SET, element,
};
use crate::error::TokenError;
use ring::digest::{self, digest};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::prelude::{FromDer, X509Certificate};
use yingdun_model::Timestamp;

// Object identifiers, in DER.
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// `signingCertificate` (SHA-1) and `signingCertificateV2`, RFC 5816.
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0c];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];

/// `granted` and `grantedWithMods`.
const GRANTED: [u64; 2] = [0, 1];

/// The authority whose stamps are taken: its certificate, and no other one.
#[derive(Clone, Debug)]
pub struct Authority {
    der: Vec<u8>,
    not_before_ms: i64,
    not_after_ms: i64,
    rsa: bool,
    key: Vec<u8>,
}

/// What a time-stamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The moment, by the clock of the authority.
    pub time: Timestamp,
}

impl Authority {
    /// Takes a certificate in PEM: one that may stamp and do nothing else, as RFC 3161 §2.3 says.
    ///
    /// # Errors
    /// [`TokenError::Certificate`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, TokenError> {
        let wrong = TokenError::Certificate;
        let (_, block) =
            x509_parser::pem::parse_x509_pem(pem).map_err(|_| wrong("it is no certificate in PEM"))?;
        let (_, certificate) =
            X509Certificate::from_der(&block.contents).map_err(|_| wrong("it is no certificate in PEM"))?;
        let usage = certificate.extended_key_usage().ok().flatten();
        let usage = usage.ok_or(wrong("it has no extended key usage"))?;
        let alone = !(usage.value.any
            || usage.value.server_auth
            || usage.value.client_auth
            || usage.value.code_signing
            || usage.value.email_protection
            || usage.value.ocsp_signing
            || !usage.value.other.is_empty());
        if !usage.value.time_stamping || !alone || !usage.critical {
            return Err(wrong("its extended key usage is not timeStamping alone, and critical"));
        }
        let key = certificate.public_key();
        let rsa = match key.algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.113549.1.1.1" => true,
            "1.2.840.10045.2.1" => false,
            _ => return Err(wrong("its key is neither RSA nor on a curve of NIST")),
        };
        let validity = certificate.validity();
        Ok(Self {
            not_before_ms: validity.not_before.timestamp().saturating_mul(1000),
            not_after_ms: validity.not_after.timestamp().saturating_mul(1000),
            rsa,
            key: key.subject_public_key.data.to_vec(),
            der: block.contents.clone(),
        })
    }

    /// Whether a signature over these bytes is by its key.
    fn signed(&self, hash: &[u8], bytes: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        // A point on P-256 is 65 bytes, one on P-384 97.
        let algorithm: &dyn VerificationAlgorithm = match (self.rsa, hash, self.key.len()) {
            (true, SHA256, _) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (true, SHA384, _) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (true, SHA512, _) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (false, SHA256, 65) => &signature::ECDSA_P256_SHA256_ASN1,
            (false, SHA384, 65) => &signature::ECDSA_P256_SHA384_ASN1,
            (false, SHA256, 97) => &signature::ECDSA_P384_SHA256_ASN1,
            (false, SHA384, 97) => &signature::ECDSA_P384_SHA384_ASN1,
            _ => return Err(unknown(hash)),
        };
        let key = UnparsedPublicKey::new(algorithm, &self.key);
        key.verify(bytes, signature).map_err(|_| TokenError::Signature)
    }
}

/// The request for a stamp on a SHA-256.
#[must_use]
pub fn request(sha256: &[u8; 32], nonce: u64) -> Vec<u8> {
    let hash = element(SEQUENCE, &[element(OBJECT, SHA256), element(NULL, &[])].concat());
    let imprint = element(SEQUENCE, &[hash, element(OCTET_STRING, sha256)].concat());
    let parts = [
        element(INTEGER, &[1]),
        imprint,
        element(INTEGER, &number(nonce)),
        // With the certificate, so that others need less to check it.
        element(BOOLEAN, &[0xff]),
    ];
    element(SEQUENCE, &parts.concat())
}

/// Judges an answer: whether it is a stamp by this authority on this hash, and, where a nonce is given, for this request.
///
/// # Errors
/// [`TokenError`] says which demand it does not meet.
pub fn judge(
    answer: &[u8],
    sha256: &[u8; 32],
    nonce: Option<u64>,
    authority: &Authority,
) -> Result<Stamp, TokenError> {
    let mut outer = Reader::new(answer);
    let mut response = outer.expect(SEQUENCE, "it is no TimeStampResp")?.inside();
    outer.end()?;
    let status =
        response.expect(SEQUENCE, "it has no status")?.inside().expect(INTEGER, "it has no status")?;
    let status =
        status.magnitude().and_then(small).ok_or(TokenError::Malformed("its status is no number"))?;
    if !GRANTED.contains(&status) {
        return Err(TokenError::Status(status));
    }
    let mut token = response.expect(SEQUENCE, "it has no token")?.inside();
    response.end()?;
    expect_object(&mut token, SIGNED_DATA, "its token is not signed data")?;
    let mut signed = token.expect(CONTEXT_0, "its token is empty")?.inside();
    let info = signed_content(&mut signed, authority)?;
    let stamp = tst_info(info, sha256, nonce)?;
    let moment = stamp.time.as_ms();
    if moment < authority.not_before_ms || moment > authority.not_after_ms {
        return Err(TokenError::Expired);
    }
    Ok(stamp)
}

// === helpers ===

/// The content of signed data whose signature is good (RFC 5652 §5).
fn signed_content<'a>(signed: &mut Reader<'a>, authority: &Authority) -> Result<&'a [u8], TokenError> {
    let mut data = signed.expect(SEQUENCE, "its signed data is none")?.inside();
    data.expect(INTEGER, "its signed data has no version")?;
    data.expect(SET, "its signed data has no digest algorithms")?;
    let mut content = data.expect(SEQUENCE, "its signed data has no content")?.inside();
    expect_object(&mut content, TST_INFO, "what is signed is not TSTInfo")?;
    let mut explicit = content.expect(CONTEXT_0, "its signed data has no content")?.inside();
    let info = explicit.expect(OCTET_STRING, "its content is no octet string")?.content;
    // Certificates and revocations that came along count for nothing: which certificate is believed was said before.
    data.maybe(CONTEXT_0)?;
    data.maybe(CONTEXT_0 + 1)?;
    let mut signers = data.expect(SET, "nobody signed it")?.inside();
    let mut signer = signers.expect(SEQUENCE, "nobody signed it")?.inside();
    // RFC 3161 §2.4.2: one signer.
    signers.end()?;
    signer.expect(INTEGER, "its signer has no version")?;
    // Who it says that it is; the key decides.
    signer.next()?;
    let mut hash = signer.expect(SEQUENCE, "its signer has no digest algorithm")?.inside();
    let hash = hash.expect(OBJECT, "its signer has no digest algorithm")?.content;
    let attributes = signer.expect(CONTEXT_0, "its signer has no signed attributes")?;
    signer.expect(SEQUENCE, "its signer has no signature algorithm")?;
    let signature = signer.expect(OCTET_STRING, "its signer has no signature")?.content;
    check_attributes(attributes, hash, info, authority)?;
    // What is signed is the set in its own tag (RFC 5652 §5.4).
    let mut bytes = attributes.whole.to_vec();
    if let Some(tag) = bytes.first_mut() {
        *tag = SET;
    }
    authority.signed(hash, &bytes, signature)?;
    Ok(info)
}

/// The signed attributes: what was signed, its digest, and by which certificate.
fn check_attributes(
    attributes: Element<'_>,
    hash: &[u8],
    info: &[u8],
    authority: &Authority,
) -> Result<(), TokenError> {
    let (mut kind, mut content, mut certificate) = (false, false, false);
    let mut all = attributes.inside();
    while let Some(attribute) = all.next()? {
        let mut attribute = attribute.inside();
        let name = attribute.expect(OBJECT, "a signed attribute has no name")?.content;
        let mut values = attribute.expect(SET, "a signed attribute has no value")?.inside();
        let value = values.next()?.ok_or(TokenError::Malformed("a signed attribute has no value"))?;
        match name {
            CONTENT_TYPE => kind = value.content == TST_INFO,
            MESSAGE_DIGEST => {
                content =
                    value.content == digest(digest_of(hash).ok_or_else(|| unknown(hash))?, info).as_ref();
            }
            SIGNING_CERTIFICATE => {
                let first = first_certificate(value)?.expect(OCTET_STRING, "it names no certificate")?;
                let own = digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &authority.der);
                certificate |= first.content == own.as_ref();
            }
            SIGNING_CERTIFICATE_V2 => {
                let mut first = first_certificate(value)?;
                // SHA-256 where no algorithm stands.
                let named = first.maybe(SEQUENCE)?;
                let hash = match named {
                    Some(named) => named.inside().expect(OBJECT, "it names no certificate")?.content,
                    None => SHA256,
                };
                let first = first.expect(OCTET_STRING, "it names no certificate")?;
                let own = digest(digest_of(hash).ok_or_else(|| unknown(hash))?, &authority.der);
                certificate |= first.content == own.as_ref();
            }
            _ => {}
        }
    }
    if !kind || !content {
        return Err(TokenError::Malformed("what is signed is not what it holds"));
    }
    // RFC 3161 §2.4.2: the token names its certificate, so that none other with the same key is taken for it.
    if certificate { Ok(()) } else { Err(TokenError::Signature) }
}

/// Into the first of `SEQUENCE { SEQUENCE OF ESSCertID }`.
fn first_certificate(value: Element<'_>) -> Result<Reader<'_>, TokenError> {
    let mut certificates = value.inside().expect(SEQUENCE, "it names no certificate")?.inside();
    Ok(certificates.expect(SEQUENCE, "it names no certificate")?.inside())
}

/// What is stamped, and when (RFC 3161 §2.4.2).
fn tst_info(info: &[u8], sha256: &[u8; 32], nonce: Option<u64>) -> Result<Stamp, TokenError> {
    let mut outer = Reader::new(info);
    let mut info = outer.expect(SEQUENCE, "what is signed is not TSTInfo")?.inside();
    outer.end()?;
    info.expect(INTEGER, "TSTInfo has no version")?;
    info.expect(OBJECT, "TSTInfo has no policy")?;
    let mut imprint = info.expect(SEQUENCE, "TSTInfo has no imprint")?.inside();
    let mut hash = imprint.expect(SEQUENCE, "the imprint has no algorithm")?.inside();
    let hash = hash.expect(OBJECT, "the imprint has no algorithm")?.content;
    let imprinted = imprint.expect(OCTET_STRING, "the imprint has no hash")?.content;
    info.expect(INTEGER, "TSTInfo has no serial number")?;
    let moment = info.expect(GENERALIZED_TIME, "TSTInfo has no time")?.content;
    info.maybe(SEQUENCE)?;
    info.maybe(BOOLEAN)?;
    let answered = info.maybe(INTEGER)?;
    if hash != SHA256 || imprinted != sha256 {
        return Err(TokenError::Imprint);
    }
    if let Some(nonce) = nonce {
        let answered = answered.and_then(|element| element.magnitude()).and_then(small);
        if answered != Some(nonce) {
            return Err(TokenError::Nonce);
        }
    }
    let time = generalized_time(moment).ok_or(TokenError::Malformed("its time is none"))?;
    Ok(Stamp { time })
}

/// `YYYYMMDDhhmmss[.f…]Z`, as RFC 3161 has it.
fn generalized_time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() != 14 || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = |range: std::ops::Range<usize>| whole.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (digits(0..4)?, digits(4..6)?, digits(6..8)?);
    let (hour, minute, second) = (digits(8..10)?, digits(10..12)?, digits(12..14)?);
    let plausible =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !plausible {
        return None;
    }
    // Days since 1970 by the civil calendar: years that begin in March, in cycles of 400.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (cycle, year_of_cycle) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    let days = cycle * 146_097 + day_of_cycle - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    let ms = format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?;
    Some(Timestamp::from_ms(seconds * 1000 + ms))
}

fn expect_object(reader: &mut Reader<'_>, object: &[u8], what: &'static str) -> Result<(), TokenError> {
    let found = reader.expect(OBJECT, what)?;
    if found.content == object { Ok(()) } else { Err(TokenError::Malformed(what)) }
}

fn digest_of(hash: &[u8]) -> Option<&'static digest::Algorithm> {
    match hash {
        SHA256 => Some(&digest::SHA256),
        SHA384 => Some(&digest::SHA384),
        SHA512 => Some(&digest::SHA512),
        _ => None,
    }
}

fn unknown(hash: &[u8]) -> TokenError {
    let hash: Vec<String> = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    TokenError::Algorithm(format!("hash {}", hash.concat()))
}

/// A number of up to eight bytes.
fn small(magnitude: &[u8]) -> Option<u64> {
    (magnitude.len() <= 8).then(|| magnitude.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// A number in the shortest form of DER.
fn number(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let mut shortest = bytes.get(start..).unwrap_or_default().to_vec();
    if shortest.first().is_some_and(|first| *first >= 0x80) {
        shortest.insert(0, 0);
    }
    shortest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_is_what_openssl_writes() {
        let written = request(&[7; 32], 0x8001);
        let expected = [
            &[0x30, 0x3e, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09][..],
            SHA256,
            &[0x05, 0x00, 0x04, 0x20],
            &[7; 32],
            &[0x02, 0x03, 0x00, 0x80, 0x01, 0x01, 0x01, 0xff],
        ];
        assert_eq!(written, expected.concat());
    }

    #[test]
    fn a_moment_of_the_standard_is_read_and_nothing_else() {
        let read = |text: &str| generalized_time(text.as_bytes()).map(Timestamp::as_ms);
        assert_eq!(read("19700101000000Z"), Some(0));
        assert_eq!(read("20261121231103.257Z"), Some(1_795_302_663_257));
        assert_eq!(read("20240229120000.5Z"), Some(1_709_208_000_500));
        for wrong in [
            "20261121231103",
            "2026112123110Z",
            "20261321231103Z",
            "20261121251103Z",
            "2026112123110aZ",
            "-0261121231103Z",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_status_other_than_granted_is_told() {
        let authority = Authority { der: vec![], not_before_ms: 0, not_after_ms: 0, rsa: true, key: vec![] };
        let judged = |answer: &[u8]| judge(answer, &[0; 32], None, &authority);
        assert_eq!(judged(&[0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02]), Err(TokenError::Status(2)));
        assert!(matches!(judged(&[0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00]), Err(TokenError::Malformed(_))));
    }

    proptest! {
        #[test]
        fn nothing_that_comes_panics(answer in proptest::collection::vec(any::<u8>(), 0..256)) {
            let authority = Authority { der: vec![], not_before_ms: 0, not_after_ms: 0, rsa: true, key: vec![] };
            prop_assert!(judge(&answer, &[0; 32], Some(1), &authority).is_err());
        }

        #[test]
        fn numbers_come_back(value: u64) {
            let written = element(INTEGER, &number(value));
            let read = Reader::new(&written).expect(INTEGER, "it").unwrap();
            prop_assert_eq!(read.magnitude().and_then(small), Some(value));
        }
    }
}
