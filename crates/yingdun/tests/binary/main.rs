//! The real binary, driven from outside: installation, service, administration, judgements, demonstration.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod administration;
mod configuration;
mod demonstration;
mod service;
mod support;
