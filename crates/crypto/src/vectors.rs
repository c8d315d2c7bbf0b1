//! Our bytes against the bytes of other hands: `tests/vectors/generate.py`, which uses pyca `cryptography`.

use crate::chunked::seal_with_salt;
use crate::digest::sha256;
use crate::passphrase::PassphraseParameters;
use crate::{Context, SealingKey, TokenKey, WrappingKey, open};
use serde::Deserialize;
use yingdun_model::Secret;

#[derive(Deserialize)]
struct Vectors {
    sealed: Vec<SealedVector>,
    keys: KeyVector,
    passphrase: PassphraseVector,
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
    token: String,
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

#[test]
fn objects_are_sealed_to_the_bytes_that_pyca_makes_and_open() {
    let vectors = vectors().sealed;
    assert!(vectors.len() >= 10);
    for vector in vectors {
        let plain: Vec<u8> = (0..vector.length).map(|i| (i * 31 + i / 251) as u8).collect();
        let (key, context) = (key(&vector.key), context(&vector.fields));
        let mut sealed = Vec::new();
        seal_with_salt(&key, &context, &array(&vector.salt), &plain, &mut sealed);
        assert_eq!(hex::encode(sha256(&sealed)), vector.sealed_sha256, "length {}", vector.length);
        let theirs = vector.sealed.map_or(sealed, |text| hex::decode(text).unwrap());
        assert_eq!(open(&key, &context, &theirs), Ok(plain), "length {}", vector.length);
    }
}

#[test]
fn derived_wrapped_and_combined_keys_and_tokens_are_those_that_pyca_makes() {
    let vector = vectors().keys;
    let place = context(&vector.fields);
    assert_eq!(hex::encode(key(&vector.one).derive(&place).expose_secret()), vector.derived);
    let (one, two) = (WrappingKey::from(key(&vector.one)), WrappingKey::from(key(&vector.two)));
    let payload = key(&vector.payload);
    assert_eq!(hex::encode(one.wrap(&place, &payload)), vector.wrapped);
    let both = WrappingKey::combine(&[&one, &two], &place);
    assert_eq!(hex::encode(both.wrap(&place, &payload)), vector.wrapped_by_both);
    let wrapped = hex::decode(&vector.wrapped_by_both).unwrap();
    assert_eq!(both.unwrap(&place, &wrapped).unwrap().expose_secret(), payload.expose_secret());
    let token = TokenKey::from(&key(&vector.one)).token_of("patient", &[b"HIS", "王小明".as_bytes()]);
    assert_eq!(hex::encode(token), vector.token);
}

#[test]
fn a_passphrase_gives_the_key_that_pyca_derives() {
    let vector = vectors().passphrase;
    let derived = vector.parameters.derive(&Secret::new(vector.passphrase)).unwrap();
    assert_eq!(hex::encode(derived.expose_secret()), vector.key);
}
