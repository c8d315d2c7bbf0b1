//! Migration: studies of another archive, over its DICOMweb (QIDO-RS and WADO-RS), into this one.
//!
//! ```text
//!  remote: list of studies ─► folder: what there is ─► work: one study, series by series ─► folder: what became of it
//!                                                       source ──► hash ──► STOW-RS
//!                                                       archive ─► hash ──► the same?
//! ```
//!
//! The list is fetched once and kept, so that a migration that is interrupted goes on with the same one. A study counts as
//! moved when every instance that the source listed was received, was stored, and came back from this archive with the same
//! SHA-256 of its data set.

mod folder;
mod remote;
mod study;

pub(crate) use folder::{Folder, Listed};
pub(crate) use remote::{Credentials, Remote};
pub(crate) use study::{Mover, StudyReport};
