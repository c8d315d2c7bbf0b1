//! What looks wrong: explanations, limits, scores, responses. Reads what happened, decides nothing about rights.
//!
//! ```text
//!  records ──► facts ──► explain (layer 0) ──► limits (layer 1) ──► score (layer 2) ──► incidents of a day
//!  (people, patients,    why might this        how much within      who should be       within the budget of
//!   facts, accesses)     be right?             a window? may stop   looked at first?    the reviewer
//! ```
//!
//! # What holds
//!
//! * **Nothing here is a right.** A limit says that somebody is to be stopped for a while; who is asked whether something is
//!   permitted is `access`. A score ranks and never stops anybody.
//! * **Care goes on.** Broken glass and emergencies of single patients are never stopped and count for no limit.
//! * **Absence is no evidence.** What a hospital does not know explains nothing, and accuses nobody.
//! * **Everything is bounded.** People, patients, facts, windows and days have bounds with names; above them the oldest goes, or the
//!   newest is counted as not kept. Nothing here reads a clock: time is what the records say.
//! * **A score is its reasons.** Points are whole numbers, and their sum is the score.
//!
//! # What is where
//!
//! | module | what |
//! |---|---|
//! | [`record`] | what the monitor is told, line by line |
//! | [`facts`] | what is known of people, patients and their relations, as long as it holds |
//! | [`explain`] | layer 0: which reasons there are for an access |
//! | [`limits`] | layer 1: how much within a window, decoys, two places at once; the only layer that stops |
//! | [`score`] | layer 2: points with reasons, incidents of a day, the budget |
//! | [`ladder`] | which response belongs to what |
//! | [`steps`] | the ladder of a running archive: from counts to a step, and what it asks of the next opening |
//! | [`replay`] | all of it over a stream of records |

#![forbid(unsafe_code)]

pub mod explain;
pub mod facts;
mod key;
pub mod ladder;
pub mod limits;
pub mod record;
pub mod replay;
pub mod score;
pub mod steps;
