//! The public key of a passkey, as authenticators write it (COSE, RFC 9053), and its signatures.

use super::Fault;
use super::cbor::{Item, Malformed, Reader};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

/// Bits of an RSA modulus: fewer can be factored, more cost a second.
const RSA_BITS_MIN: usize = 2048;
const RSA_BITS_MAX: usize = 4096;

/// Labels of a COSE key (RFC 9052 §7.1, RFC 9053 §7, RFC 8230 §4).
const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE_OR_MODULUS: i64 = -1;
const X_OR_EXPONENT: i64 = -2;
const Y: i64 = -3;

/// ES256, EdDSA with Ed25519, RS256: what is asked for, the preferred first.
pub const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// A key of one of these algorithms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// A point, uncompressed (SEC 1 §2.3.3).
    P256([u8; 65]),
    Ed25519([u8; 32]),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

/// What a COSE key says, before it is judged.
#[derive(Default)]
struct Labels<'a> {
    key_type: Option<i64>,
    algorithm: Option<i64>,
    curve: Option<i64>,
    modulus: Option<&'a [u8]>,
    x_or_exponent: Option<&'a [u8]>,
    y: Option<&'a [u8]>,
}

impl PublicKey {
    /// Reads a key, and nothing behind it.
    pub(super) fn parse(cose: &[u8]) -> Result<Self, Fault> {
        let labels = Labels::read(cose).map_err(|Malformed| Fault::Malformed)?;
        let Labels { key_type, algorithm, curve, modulus, x_or_exponent, y } = labels;
        match (key_type, algorithm, curve) {
            (Some(2), Some(-7), Some(1)) => {
                let mut point = [4; 65];
                let (Some(x), Some(y)) = (x_or_exponent, y) else { return Err(Fault::Malformed) };
                if x.len() != 32 || y.len() != 32 {
                    return Err(Fault::Malformed);
                }
                for (into, byte) in point.iter_mut().skip(1).zip(x.iter().chain(y)) {
                    *into = *byte;
                }
                Ok(Self::P256(point))
            }
            (Some(1), Some(-8), Some(6)) => {
                let x = x_or_exponent.and_then(|x| x.try_into().ok());
                x.map(Self::Ed25519).ok_or(Fault::Malformed)
            }
            (Some(3), Some(-257), None) => {
                let (Some(modulus), Some(exponent)) = (modulus, x_or_exponent) else {
                    return Err(Fault::Malformed);
                };
                let bits =
                    modulus.first().map_or(0, |first| 8 * modulus.len() - first.leading_zeros() as usize);
                // A first byte of zero would be another form of the same number.
                let plain = modulus.first() != Some(&0) && exponent.first().is_some_and(|first| *first != 0);
                if !plain || exponent.len() > 4 {
                    return Err(Fault::Malformed);
                }
                if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
                    return Err(Fault::Algorithm);
                }
                Ok(Self::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
            }
            _ => Err(Fault::Algorithm),
        }
    }

    /// Whether this key has signed a message.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.is_ok()
    }
}

impl<'a> Labels<'a> {
    fn read(cose: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(cose);
        let (mut labels, pairs) = (Self::default(), reader.map()?);
        for _ in 0..pairs {
            let label = reader.item()?;
            let mut value = reader;
            reader.skip()?;
            let value = value.item()?;
            match (label, value) {
                (Item::Integer(KEY_TYPE), Item::Integer(value)) => once(&mut labels.key_type, value)?,
                (Item::Integer(ALGORITHM), Item::Integer(value)) => once(&mut labels.algorithm, value)?,
                (Item::Integer(CURVE_OR_MODULUS), Item::Integer(value)) => once(&mut labels.curve, value)?,
                (Item::Integer(CURVE_OR_MODULUS), Item::Bytes(value)) => once(&mut labels.modulus, value)?,
                (Item::Integer(X_OR_EXPONENT), Item::Bytes(value)) => once(&mut labels.x_or_exponent, value)?,
                (Item::Integer(Y), Item::Bytes(value)) => once(&mut labels.y, value)?,
                // CTAP2 §6.5.6: a key of a credential has no other label.
                _ => return Err(Malformed),
            }
        }
        if reader.rest().is_empty() { Ok(labels) } else { Err(Malformed) }
    }
}

/// A label that comes twice has no value.
fn once<T>(into: &mut Option<T>, value: T) -> Result<(), Malformed> {
    if into.replace(value).is_none() { Ok(()) } else { Err(Malformed) }
}
