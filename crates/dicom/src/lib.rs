//! What DICOM says: data sets, character sets, JSON model, transfer syntaxes, person names.

pub mod charset;
pub mod compact;
pub mod data_set;
pub mod dictionary;
pub mod frames;
pub mod index;
pub mod json;
pub mod limits;
pub mod part10;
pub mod person_name;
pub mod query;
mod registry;
pub mod scan;
pub mod synthetic;
mod tag;
pub mod transfer_syntax;
mod vr;
pub mod write;

pub use tag::{Tag, TagError, tags};
pub use vr::Vr;
