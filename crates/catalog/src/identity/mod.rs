//! People, devices, service clients and their tokens: the rows behind every sign-in and every decision.
//!
//! One file per noun. Functions read rows into plain values, or give the [`Statement`](crate::Statement) of one
//! change, so that the caller composes changes that belong together into one transaction. Who may make a change,
//! and its audit leaf, are the business of the room above; nothing here decides.

pub mod alerts;
pub mod audit_reviews;
pub mod clients;
pub mod codes;
pub mod credentials;
pub mod devices;
pub mod directories;
pub mod directory_attempts;
pub mod grants;
pub mod links;
pub mod maintenance;
pub(crate) mod migrations;
pub mod passkeys;
pub mod people;
pub mod places;
pub mod policies;
pub mod second_factors;
pub mod sessions;
pub mod setup;
pub mod stated_reasons;
pub mod used_once;
pub mod waiting_devices;
