//! The administration API under `/api/v1`: JSON in, JSON out, every change through the administration of
//! `yingdun-access`, which decides it and writes it down. This room has no rights of its own.

pub(crate) mod accesses;
pub(crate) mod accounts;
pub(crate) mod across;
pub(crate) mod alerts;
pub(crate) mod asked;
pub(crate) mod audit;
pub(crate) mod break_glass;
pub(crate) mod commitments;
pub(crate) mod consultations;
pub(crate) mod departments;
pub(crate) mod destructions;
pub(crate) mod dissents;
pub(crate) mod evidence;
pub(crate) mod grants;
pub(crate) mod holds;
pub(crate) mod keys;
pub(crate) mod maintenance;
pub(crate) mod me;
pub(crate) mod network;
pub(crate) mod nodes;
pub(crate) mod passkeys;
pub(crate) mod patient_accounts;
pub(crate) mod performed;
pub(crate) mod policies;
pub(crate) mod policy_reports;
pub(crate) mod problems;
pub(crate) mod programs;
pub(crate) mod rights;
pub(crate) mod stated_reasons;
pub(crate) mod storage;
pub(crate) mod studies;
pub(crate) mod system;
pub(crate) mod vault;
pub(crate) mod worklist;
