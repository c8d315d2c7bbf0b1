//! Public keys of programs elsewhere: Ed25519 and ECDSA on P-256, as a JSON Web Key (RFC 7517) or as SubjectPublicKeyInfo (RFC 5280), and
//! what they have signed. No private key, and no third kind: nobody who signs chooses how it is verified.

use crate::digest::sha256;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use std::fmt;

/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410 §4).
const ED25519_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// What stands before the 65 bytes of an uncompressed point of P-256 in its SubjectPublicKeyInfo (RFC 5480 §2).
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The first byte of an uncompressed point.
const UNCOMPRESSED: u8 = 0x04;

/// A public key. That a point lies on its curve is found out with the first signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    /// Ed25519 (RFC 8032).
    Ed25519([u8; 32]),
    /// A point of P-256, uncompressed; signatures are ECDSA with SHA-256, both numbers of 32 bytes one behind the other.
    P256([u8; 65]),
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn from_spki(der: &[u8]) -> Option<Self> {
        if let Some(key) = der.strip_prefix(&ED25519_HEAD[..]) {
            return key.try_into().ok().map(Self::Ed25519);
        }
        let point: [u8; 65] = der.strip_prefix(&P256_HEAD[..])?.try_into().ok()?;
        (point.first() == Some(&UNCOMPRESSED)).then_some(Self::P256(point))
    }

    /// Reads a SubjectPublicKeyInfo in PEM (RFC 7468 §13), and nothing else behind it.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        let inner = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?;
        let inner = inner.strip_suffix("-----END PUBLIC KEY-----")?;
        let encoded: String = inner.split_ascii_whitespace().collect();
        Self::from_spki(&STANDARD.decode(encoded).ok()?)
    }

    /// Reads the members of a JSON Web Key: `kty`, `crv`, `x` and, of a point, `y`.
    #[must_use]
    pub fn from_jwk(kind: &str, curve: &str, x: &str, y: Option<&str>) -> Option<Self> {
        let coordinate = |text: &str| <[u8; 32]>::try_from(URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        match (kind, curve, y) {
            ("OKP", "Ed25519", None) => coordinate(x).map(Self::Ed25519),
            ("EC", "P-256", Some(y)) => {
                let mut point = [UNCOMPRESSED; 65];
                point[1..33].copy_from_slice(&coordinate(x)?);
                point[33..].copy_from_slice(&coordinate(y)?);
                Some(Self::P256(point))
            }
            _ => None,
        }
    }

    /// The SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn to_spki(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => [&ED25519_HEAD[..], key].concat(),
            Self::P256(point) => [&P256_HEAD[..], point].concat(),
        }
    }

    /// The thumbprint of RFC 7638: SHA-256 over the members that make the key, in their order.
    #[must_use]
    pub fn jwk_thumbprint(&self) -> [u8; 32] {
        let text = match self {
            Self::Ed25519(key) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(key))
            }
            Self::P256(point) => {
                let [x, y] = [&point[1..33], &point[33..]].map(|part| URL_SAFE_NO_PAD.encode(part));
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
        };
        sha256(text.as_bytes())
    }

    /// Whether the holder of the private key signed exactly this.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}

/// Shows the kind and the thumbprint, which is public.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Ed25519(_) => "Ed25519",
            Self::P256(_) => "P256",
        };
        write!(f, "PublicKey({kind}, {})", URL_SAFE_NO_PAD.encode(self.jwk_thumbprint()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        // RFC 8037 appendix A.3.
        let key = PublicKey::from_jwk("OKP", "Ed25519", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", None);
        let printed = URL_SAFE_NO_PAD.encode(key.unwrap().jwk_thumbprint());
        assert_eq!(printed, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        // RFC 9449 §4.1 and §6.1.
        let key = PublicKey::from_jwk(
            "EC",
            "P-256",
            "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            Some("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"),
        );
        let printed = URL_SAFE_NO_PAD.encode(key.unwrap().jwk_thumbprint());
        assert_eq!(printed, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn what_a_key_signed_it_verifies_and_nothing_else() {
        let random = SystemRandom::new();
        let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let key = PublicKey::Ed25519(pair.public_key().as_ref().try_into().unwrap());
        let signature = pair.sign(b"a");
        assert!(key.verifies(b"a", signature.as_ref()) && !key.verifies(b"b", signature.as_ref()));
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let point = PublicKey::P256(pair.public_key().as_ref().try_into().unwrap());
        let signature = pair.sign(&random, b"a").unwrap();
        assert!(point.verifies(b"a", signature.as_ref()) && !point.verifies(b"a", &[0; 64]));
        assert!(!key.verifies(b"a", signature.as_ref()), "of another key");
        for one in [key, point] {
            assert_eq!(PublicKey::from_spki(&one.to_spki()), Some(one));
            let pem = format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                STANDARD.encode(one.to_spki())
            );
            assert_eq!(PublicKey::from_pem(&pem), Some(one));
        }
    }

    #[test]
    fn another_kind_of_key_is_none() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        for (kind, curve, x, y) in [
            ("oct", "Ed25519", x, None),
            ("OKP", "X25519", x, None),
            ("OKP", "Ed25519", x, Some(x)),
            ("EC", "P-256", x, None),
            ("EC", "P-384", x, Some(x)),
            ("OKP", "Ed25519", "AA", None),
        ] {
            assert_eq!(PublicKey::from_jwk(kind, curve, x, y), None, "{kind} {curve}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_key_or_is_none(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            prop_assert!(PublicKey::from_spki(&bytes).is_none_or(|key| key.to_spki() == bytes));
            let _ = PublicKey::from_pem(&text);
        }
    }
}
