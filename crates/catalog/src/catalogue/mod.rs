//! Patients, studies, series, instances and care relations.

pub(crate) mod migrations;
