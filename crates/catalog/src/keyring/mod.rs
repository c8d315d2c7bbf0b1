//! Wrapped keys: institution secrets, key-encryption keys, patient and study keys.

pub(crate) mod migrations;
