//! What looks wrong: explanations, limits, scores, responses. Reads what happened, decides nothing about rights.

#![forbid(unsafe_code)]

pub mod record;
