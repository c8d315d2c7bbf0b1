//! Keys under keys, and the keyed tokens of what is searched.

use crate::{Operation, Outcome};
use std::hint::black_box;
use yingdun_crypto::{Context, SealingKey, TokenKey, WrappingKey};
use yingdun_model::Secret;

fn key() -> SealingKey {
    SealingKey::from_secret(&Secret::new([1; 32]))
}

fn parent_and_place() -> (WrappingKey, Context) {
    let place = Context::new("yingdun/study-key/v1").field("renmin").field([1; 16]).number(1);
    (WrappingKey::from_secret(&Secret::new([2; 32])), place)
}

pub(crate) fn wrap() -> Outcome<Operation> {
    let ((parent, place), key) = (parent_and_place(), key());
    Ok(Box::new(move || {
        black_box(parent.wrap(&place, black_box(&key)));
        Ok(())
    }))
}

pub(crate) fn unwrap() -> Outcome<Operation> {
    let (parent, place) = parent_and_place();
    let wrapped = parent.wrap(&place, &key());
    Ok(Box::new(move || {
        black_box(parent.unwrap(&place, black_box(&wrapped))?);
        Ok(())
    }))
}

pub(crate) fn token() -> Outcome<Operation> {
    let tokens = TokenKey::from(&key());
    Ok(Box::new(move || {
        black_box(tokens.token("patient-id", black_box("0012345678")));
        Ok(())
    }))
}
