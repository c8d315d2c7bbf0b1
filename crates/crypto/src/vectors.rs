//! Our bytes against the bytes of other hands: `tests/vectors/generate.py`, which uses pyca `cryptography`, and for
//! the suite of SM4 the reader in `docs/verify/open_sealed.py`.

use crate::chunked::seal_with_salt;
use crate::digest::sha256;
use crate::passphrase::PassphraseParameters;
use crate::{Context, SealingKey, Suite, TokenKey, WrappingKey, open};
use serde::Deserialize;
use yingdun_model::Secret;

#[derive(Deserialize)]
struct Vectors {
    sealed: Vec<SealedVector>,
    keys: KeyVector,
    passphrase: PassphraseVector,
    sealed_with_sm4: Vec<SealedVector>,
    keys_with_sm3: KeyVector,
}

#[derive(Deserialize)]
struct SealedVector {
    length: usize,
    key: String,
    fields: Vec<String>,
    salt: String,
    sealed_sha256: String,
    sealed: Option<String>,
}

#[derive(Deserialize)]
struct KeyVector {
    one: String,
    two: String,
    payload: String,
    fields: Vec<String>,
    derived: String,
    wrapped: String,
    wrapped_by_both: String,
    /// Tokens are those of the default suite.
    token: Option<String>,
}

#[derive(Deserialize)]
struct PassphraseVector {
    passphrase: String,
    parameters: PassphraseParameters,
    key: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../tests/vectors/vectors.json")).unwrap()
}

fn key(text: &str) -> SealingKey {
    SealingKey::from_secret(&Secret::new(array(text)))
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn context(fields: &[String]) -> Context {
    fields.iter().fold(Context::new("yingdun/vector/v1"), Context::field)
}

/// Seals to the bytes of the vectors, and opens them.
fn assert_sealed(suite: Suite, vectors: Vec<SealedVector>) {
    assert!(vectors.len() >= 10);
    for vector in vectors {
        let plain: Vec<u8> = (0..vector.length).map(|i| (i * 31 + i / 251) as u8).collect();
        let (key, context) = (key(&vector.key).given_to(suite), context(&vector.fields));
        let mut sealed = Vec::new();
        seal_with_salt(&key, &context, &array(&vector.salt), &plain, &mut sealed);
        assert_eq!(hex::encode(sha256(&sealed)), vector.sealed_sha256, "length {}", vector.length);
        let theirs = vector.sealed.map_or(sealed, |text| hex::decode(text).unwrap());
        assert_eq!(open(&key, &context, &theirs), Ok(plain), "length {}", vector.length);
    }
}

#[test]
fn objects_are_sealed_to_the_bytes_that_pyca_makes_and_open() {
    assert_sealed(Suite::Cobblestone256, vectors().sealed);
}

#[test]
fn objects_are_sealed_with_sm4_to_the_bytes_that_the_reader_in_python_makes_and_open() {
    assert_sealed(Suite::Sm4GcmSm3, vectors().sealed_with_sm4);
}

#[test]
fn derived_wrapped_and_combined_keys_and_tokens_are_those_that_pyca_makes() {
    let vectors = vectors();
    for (suite, vector) in [(Suite::Cobblestone256, vectors.keys), (Suite::Sm4GcmSm3, vectors.keys_with_sm3)]
    {
        let [first, second, payload] =
            [&vector.one, &vector.two, &vector.payload].map(|text| key(text).given_to(suite));
        let place = context(&vector.fields);
        assert_eq!(hex::encode(first.derive(&place).expose_secret()), vector.derived);
        let token = TokenKey::from(&first).token_of("patient", &[b"HIS", "王小明".as_bytes()]);
        assert!(vector.token.is_none_or(|expected| hex::encode(token) == expected));
        let [one, two] = [WrappingKey::from(first), WrappingKey::from(second)];
        let both = WrappingKey::combine(&[&one, &two], &place);
        for (parent, wrapped) in [(&one, &vector.wrapped), (&both, &vector.wrapped_by_both)] {
            let unwrapped = parent.unwrap(&place, &hex::decode(wrapped).unwrap()).unwrap();
            assert_eq!(unwrapped.expose_secret(), payload.expose_secret());
            // Key wrap is deterministic; a sealed key has a salt of its own each time.
            if suite == Suite::Cobblestone256 {
                assert_eq!(&hex::encode(parent.wrap(&place, &payload)), wrapped);
            }
        }
    }
}

#[test]
fn a_passphrase_gives_the_key_that_pyca_derives() {
    let vector = vectors().passphrase;
    let derived = vector.parameters.derive(&Secret::new(vector.passphrase)).unwrap();
    assert_eq!(hex::encode(derived.expose_secret()), vector.key);
}
